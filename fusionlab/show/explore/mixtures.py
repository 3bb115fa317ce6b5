"""The mixtures of three points of a simplex as a part of a picture: a map in a triangle."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from typing import Any

import plotly.graph_objects as go
import torch

from fusionlab.connectivity import Simplex
from fusionlab.landscape import Plane, ScoreFunction
from fusionlab.show.explore.parts import State
from fusionlab.show.explore.scored import Scored
from fusionlab.show.explore.surveyed import MapKey, MapPart
from fusionlab.show.figures.amounts import amount
from fusionlab.show.figures.barycentric import CENTRE, Shares, place
from fusionlab.show.figures.measures import shared_measures
from fusionlab.show.figures.ternary import AROUND, INSIDE, draw_triangle, triangle
from fusionlab.show.figures.words import capital, describe_scores, listed
from fusionlab.show.page.fig import Changes


class Mixtures(MapPart):
    """The triangles of a simplex, and all that was measured on them.

    Args:
        landscapes: θ ↦ Score, by name.
        simplex: at least three vertices.
        names: of the vertices.
    """

    def __init__(
        self, landscapes: Mapping[str, ScoreFunction], simplex: Simplex, names: Sequence[str]
    ) -> None:
        def at(places: Sequence[Any]) -> Any:
            return simplex.at(torch.tensor(places, dtype=torch.double))

        def span(corners: tuple[int, ...]) -> Plane:
            return triangle(*(simplex.points[corner] for corner in corners))

        super().__init__(landscapes)
        self.names, self.measures = list(names), shared_measures(landscapes)
        self._scored = {name: Scored(field, at) for name, field in landscapes.items()}
        self._plane = cache(span)

    def keys(self, s: State) -> list[MapKey]:
        """The map of the triangle."""
        bounds = AROUND if s.beyond else INSIDE
        return [(s.on, self._plane(s.corners), bounds, s.resolution)]

    def everywhere(self, s: State) -> tuple[float, ...]:
        """The shares of all vertices, where only the corners have one."""
        whole = [0.0] * len(self.names)
        for corner, share in zip(s.corners, s.shares, strict=True):
            whole[corner] += share
        return tuple(whole)

    def frame(self, s: State) -> Hashable:
        """Another triangle, or another quantity of it."""
        return self.keys(s), s.what

    def draw(self, s: State) -> list[go.Figure]:
        """The triangle."""
        names, on = self._corners(s), f" on {s.on}" if s.on else ""
        title = f"{capital(s.what)}{on} of the mixtures of {listed(names)}"
        surface = self.maps(*self.keys(s))
        look: dict[str, Any] = {"what": s.what, "beyond": s.beyond, "title": title}
        return [draw_triangle(surface, names, spot=s.shares, **look)]

    def change(self, s: State) -> tuple[Changes, str]:
        """The chosen mixture."""
        x, y = place(s.shares)
        return {"surface:spot": {"x": [x], "y": [y]}}, self._words(s)

    def tell(self, s: State) -> str:
        """How far one may trust the map."""
        return self.progress(s)

    def stations(self, s: State) -> dict[str, Shares]:
        """The corners, the middles between them, and the centre, by name."""
        a, b, c = self._corners(s)
        return {
            a: (1.0, 0.0, 0.0),
            f"halfway from {a} to {b}": (0.5, 0.5, 0.0),
            b: (0.0, 1.0, 0.0),
            f"halfway from {b} to {c}": (0.0, 0.5, 0.5),
            c: (0.0, 0.0, 1.0),
            f"halfway from {c} to {a}": (0.5, 0.0, 0.5),
            "the centre": CENTRE,
        }

    def _words(self, s: State) -> str:
        """What is mixed, what it scores, and how that lies to the scores of the corners."""
        whole = self.everywhere(s)
        scores = {name: scored([whole])[0] for name, scored in self._scored.items()}
        mixed = zip(self._corners(s), s.shares, strict=True)
        rise = scores[s.on].loss - self._straight(s)
        on, side = f" on {s.on}" * (len(scores) > 1), "above" if rise >= 0 else "below"
        return (
            f"A mixture of {listed([f'{round(100 * share)} % {name}' for name, share in mixed])}: "
            f"{describe_scores(scores)}. The loss{on} lies {amount(abs(rise), self.measures.loss)} "
            f"{side} that of the corners, mixed in the same shares."
        )

    def _straight(self, s: State) -> float:
        """The loss of the corners, mixed in the chosen shares."""
        alone = torch.eye(len(self.names), dtype=torch.double)[list(s.corners)].tolist()
        ends = self._scored[s.on]([tuple(each) for each in alone])
        pairs = zip(s.shares, ends, strict=True)
        return sum((share * end.loss for share, end in pairs if share), start=0.0)

    def _corners(self, s: State) -> list[str]:
        return [self.names[corner] for corner in s.corners]
