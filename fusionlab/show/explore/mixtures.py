"""The mixtures of a few points: what is known of them, as pictures and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
import torch

from fusionlab.connectivity import Simplex
from fusionlab.landscape import Field, Score, Surface, Survey, score_all
from fusionlab.show.explore.explorer import AskedSamples
from fusionlab.show.figures.amounts import amount
from fusionlab.show.figures.barycentric import CENTRE, Shares, place
from fusionlab.show.figures.layout import arrange
from fusionlab.show.figures.measures import shared_measures
from fusionlab.show.figures.samples import draw_samples
from fusionlab.show.figures.ternary import AROUND, INSIDE, draw_triangle, triangle
from fusionlab.show.figures.words import capital, describe_scores, join
from fusionlab.show.page.fig import Changes


class Triangle(NamedTuple):
    """What the reader has chosen to see: three vertices by number, and how the map is drawn."""

    corners: tuple[int, ...]
    data: str
    what: str
    resolution: int
    beyond: bool


class Mixtures:
    """The triangles of a simplex, and all that was measured on them.

    Args:
        landscapes: θ ↦ Score, by name.
        simplex: at least three vertices.
        predictions: who is asked about samples.
        names: of the vertices.
    """

    def __init__(
        self,
        landscapes: Mapping[str, Field],
        simplex: Simplex,
        *,
        predictions: AskedSamples | None,
        names: Sequence[str],
    ) -> None:
        self.names, self._predictions = list(names), predictions
        self.measures = shared_measures(landscapes)
        self._landscapes, self._simplex = landscapes, simplex
        self._scores: dict[tuple[str, tuple[float, ...]], Score] = {}
        self._surveys: dict[Triangle, Survey] = {}

    def survey(self, seen: Triangle) -> Survey:
        """The survey of a triangle; going back to one finds it as it was left."""
        key = seen._replace(what="loss")
        if key not in self._surveys:
            plane = triangle(*(self._simplex.points[i] for i in seen.corners))
            x, y = (AROUND if seen.beyond else INSIDE).grid(seen.resolution)
            self._surveys[key] = Survey(self._landscapes[seen.data], plane, x, y)
        return self._surveys[key]

    def everywhere(self, seen: Triangle, shares: Shares) -> tuple[float, ...]:
        """The shares of all vertices, where only the corners have one."""
        whole = [0.0] * len(self.names)
        for corner, share in zip(seen.corners, shares, strict=True):
            whole[corner] += share
        return tuple(whole)

    def score(self, data: str, shares: tuple[float, ...]) -> Score:
        """What the mixture with these shares of all vertices scores."""
        if (data, shares) not in self._scores:
            points = self._simplex.at(torch.tensor([shares], dtype=torch.double))
            self._scores[data, shares] = next(iter(score_all(self._landscapes[data], points)))
        return self._scores[data, shares]

    def at(self, seen: Triangle, shares: Shares) -> tuple[Changes, str]:
        """What changes in the figure when this mixture is chosen, and what to say."""
        x, y = place(shares)
        patch: dict[str, Mapping[str, Any]] = {"surface:spot": {"x": [x], "y": [y]}}
        words = self._tell(seen, shares)
        if self._predictions is None:
            return patch, words
        says = self._predictions(self._simplex(self.everywhere(seen, shares)))
        samples = self._predictions.samples
        return patch | samples.patch(says), f"{words} {samples.describe(says)}"

    def draw_map(self, seen: Triangle, surface: Surface, shares: Shares) -> go.Figure:
        """The triangle."""
        names = self._corners(seen)
        on = f" on {seen.data}" if seen.data else ""
        title = f"{capital(seen.what)}{on} of the mixtures of {join(names)}"
        return draw_triangle(
            surface, names, spot=shares, what=seen.what, beyond=seen.beyond, title=title
        )

    def figure(self, seen: Triangle, surface: Surface, shares: Shares) -> go.Figure:
        """The triangle, and beside it what the chosen network says about the samples."""
        map_ = self.draw_map(seen, surface, shares)
        if self._predictions is None:
            return arrange([(map_, (0, 0.88, 0, 1))], height=500)
        says = self._predictions(self._simplex(self.everywhere(seen, shares)))
        samples = draw_samples(self._predictions.samples, says, title="What the mixture says")
        return arrange([(map_, (0, 0.54, 0, 1)), (samples, (0.66, 1, 0, 1))], height=500)

    @property
    def asks(self) -> bool:
        """Whether a network is asked about samples."""
        return self._predictions is not None

    def stations(self, seen: Triangle) -> dict[str, Shares]:
        """The corners, the middles between them, and the centre, by name."""
        a, b, c = self._corners(seen)
        return {
            a: (1.0, 0.0, 0.0),
            f"halfway from {a} to {b}": (0.5, 0.5, 0.0),
            b: (0.0, 1.0, 0.0),
            f"halfway from {b} to {c}": (0.0, 0.5, 0.5),
            c: (0.0, 0.0, 1.0),
            f"halfway from {c} to {a}": (0.5, 0.0, 0.5),
            "the centre": CENTRE,
        }

    def _tell(self, seen: Triangle, shares: Shares) -> str:
        whole = self.everywhere(seen, shares)
        scores = {name: self.score(name, whole) for name in self._landscapes}
        on = (lambda name: f" on {name}") if len(scores) > 1 else (lambda name: "")
        mixed = [f"{round(100 * share)} % {n}" for n, share in self._by_name(seen, shares)]
        rise = scores[seen.data].loss - self._straight(seen, shares)
        side = "above" if rise >= 0 else "below"
        return (
            f"A mixture of {join(mixed)}: {describe_scores(scores)}. "
            f"The loss{on(seen.data)} lies {amount(abs(rise), self.measures.loss)} {side} that of "
            "the corners, mixed in the same shares."
        )

    def _straight(self, seen: Triangle, shares: Shares) -> float:
        """The loss of the corners, mixed in these shares."""
        ends = torch.eye(len(self.names), dtype=torch.double)[list(seen.corners)].tolist()
        losses = [self.score(seen.data, tuple(end)).loss for end in ends]
        return sum(share * loss for share, loss in zip(shares, losses, strict=True) if share)

    def _by_name(self, seen: Triangle, shares: Shares) -> list[tuple[str, float]]:
        return list(zip(self._corners(seen), shares, strict=True))

    def _corners(self, seen: Triangle) -> list[str]:
        return [self.names[corner] for corner in seen.corners]
