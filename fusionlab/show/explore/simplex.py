"""The subspace explorer: mixtures of three networks, as places in a triangle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from fusionlab.arguments import expect, expect_sequence
from fusionlab.connectivity import Line, Simplex
from fusionlab.landscape import ScoreFunction, Surface
from fusionlab.show.explore.composite import Choices, Mixer
from fusionlab.show.explore.controls import one_of, switch
from fusionlab.show.explore.core import (
    Control,
    Explorer,
    grid_control,
    landscape_control,
    quantity_control,
)
from fusionlab.show.explore.line import LineExplorer, explore_line
from fusionlab.show.explore.mixtures import Mixtures
from fusionlab.show.explore.parts import Part, State
from fusionlab.show.explore.sample_predictions import ask_about
from fusionlab.show.explore.scored import by_name
from fusionlab.show.explore.written import Call
from fusionlab.show.figures.barycentric import CENTRE, Shares, pull, shares_at
from fusionlab.show.figures.layout import arrange


class SubspaceExplorer(Explorer):
    """Mix three networks by three sliders, or by a click in the triangle that they span.

    Made by `explore_subspace`.

    Example:
        >>> import torch
        >>> from fusionlab import Weights, show
        >>> from fusionlab.connectivity import Simplex
        >>> from fusionlab.landscape import Score
        >>> corners = tuple(Weights({"w": w}) for w in torch.tensor([[0.0, 0], [2, 0], [1, 1]]))
        >>> explorer = show.explore_subspace(
        ...     lambda p: Score((p @ p).item(), 1.0), Simplex(corners), resolution=11
        ... )
        >>> explorer.visit(0.5, 0.5, 0.0)
        >>> explorer.wait(), explorer.surface.share, explorer.shares
        (True, 1.0, (0.5, 0.5, 0.0))
    """

    def __init__(
        self, mixtures: Mixtures, samples: Sequence[Part], controls: Mapping[str, Control],
        *, given: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._mixtures = mixtures
        self._mixer: Mixer = controls["shares"].widget
        call = Call(explore_subspace, given)
        rows = [["corners"], ["shares"], ["on", "what", "resolution", "beyond"]]
        super().__init__(controls, [mixtures, *samples], call, rows=rows)
        self.fig.on_click = self._clicked

    @property
    def shares(self) -> Shares:
        """The shares of the three corners; they sum to 1."""
        a, b, c = self._mixer.value
        return a, b, c

    @property
    def corners(self) -> Sequence[widgets.Dropdown]:
        """Which vertices are the corners, to be chosen."""
        lists: Choices = self.controls["corners"].widget
        return lists.lists

    @property
    def sliders(self) -> list[widgets.FloatSlider]:
        """The shares of the three corners, to be moved."""
        return self._mixer.sliders

    @property
    def surface(self) -> Surface | None:
        """The map as far as it is known; None until the first picture is there."""
        return self._mixtures.surface(self.state)

    def visit(self, a: float, b: float, c: float) -> None:
        """Choose the mixture with these shares of the three corners."""
        low, high = self._mixer.range
        inside = all(low - 1e-6 <= share <= high + 1e-6 for share in (a, b, c))
        if not inside or abs(a + b + c - 1) > 1e-3:
            raise ValueError(
                f"The shares ({a:g}, {b:g}, {c:g}) cannot be shown: give three numbers from "
                f"{low:g} to {high:g} that sum to 1; beyond=True lets them go further."
            )
        self.set(shares=(a, b, c))

    def renew(self, **how: Any) -> None:
        """Show the present state, once the sliders fit corners and range."""
        names = [self._mixtures.names[corner] for corner in self.controls["corners"].widget.value]
        self._put({"shares": self._mixer.fit(names, beyond=self.beyond.value)})
        super().renew(**how)

    def network(self, s: State) -> str:
        """The chosen mixture."""
        return f"simplex({self._mixtures.everywhere(s.but(shares=_exact(s.shares)))})"

    def compose(self, drawn: Sequence[Sequence[go.Figure]], s: State) -> go.Figure:
        """The triangle, and beside it what the chosen network says about the samples."""
        (map_,), *others = drawn
        asked = [(figure, (0.66, 1.0, 0.0, 1.0)) for part in others for figure in part]
        return arrange([(map_, (0.0, 0.54 if asked else 0.88, 0.0, 1.0)), *asked], height=500)

    def sweep(self, s: State) -> dict[str, Any]:
        """Over corners, edges and centre."""
        stations = {"the chosen mixture": s.shares, **self._mixtures.stations(s)}
        frames = {name: self.picture.change(s.but(shares=at)) for name, at in stations.items()}
        return {"frames": frames, "label": "mixture"}

    def _clicked(self, key: str, x: float, y: float) -> None:
        if key.startswith("surface:"):
            self.set(shares=pull(shares_at(x, y), *self._mixer.range))


def _exact(shares: Shares) -> Shares:
    """Short numbers that sum to 1."""
    a, b, _ = (round(share, 4) for share in shares)
    return a, b, round(1 - a - b, 4)


def _controls(
    mixtures: Mixtures, landscapes: Mapping[str, ScoreFunction], given: Any
) -> dict[str, Control]:
    """A control for each setting; the corners can be chosen where there are more than three."""
    vertices = [(name, number) for number, name in enumerate(mixtures.names)]
    corners = tuple(one_of(range(len(vertices)), corner, "corner") for corner in given["corners"])
    lists = Choices(["corner 1", "corner 2", "corner 3"], vertices)
    return {
        "shares": Control(Mixer(), given["shares"], lambda shares: repr(_exact(shares))),
        "corners": Control(lists, corners, used=len(vertices) > 3),
        "on": landscape_control(landscapes, given["on"]),
        "what": quantity_control(mixtures.measures, given["what"]),
        "resolution": grid_control(given["resolution"]),
        "beyond": Control(switch("beyond the edges"), bool(given["beyond"])),
    }


def explore_subspace(
    landscape: ScoreFunction | Mapping[str, ScoreFunction],
    simplex: Simplex,
    *,
    samples: Any = None,
    names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    shares: Shares = CENTRE,
    corners: tuple[int, int, int] = (0, 1, 2),
    on: str | None = None,
    what: str = "loss",
    beyond: bool = False,
    resolution: int = 41,
) -> SubspaceExplorer | LineExplorer:
    """Explore the mixtures of three networks as a triangle; of two, the line between them.

    Args:
        landscape: θ ↦ Score; or several by name, such as {"train": …, "test": …}.
        simplex: two vertices, three, or more, of which three are shown at a time.
        samples: a few inputs with labels, about which the chosen mixture is asked.
        names: of the vertices; by default a, b, c …
        classes: names of the classes.
        shares: the mixture to begin with: shares of the three corners that sum to 1.
        corners: the numbers of the vertices to begin with.
        on: the landscape to begin with.
        what: the quantity on the map, one of the landscape's `measures.names`.
        beyond: show the surroundings of the triangle, too.
        resolution: points along each side of the map: 11, 21, 31, 41, 61 or 81.
    """
    given, landscapes = dict(locals()), by_name(landscape)
    expect("simplex", simplex)
    expect_sequence(names or (), "names", '["a", "b", "c"]')
    k = len(simplex.points)
    named = [chr(ord("a") + i) for i in range(k)] if names is None else list(names)
    if len(named) != k or k < 2:
        raise ValueError(
            f"The simplex has {k} vertices and {len(named)} names: give two vertices or more, and "
            "a name for each."
        )
    if k == 2:
        line, ends = Line(*simplex.points), (named[0], named[1])
        return explore_line(landscape, line, samples=samples, names=ends, classes=classes)
    mixtures = Mixtures(landscapes, simplex, named)
    asked = ask_about(
        landscapes, samples, classes, columns=3,
        chosen=mixtures.everywhere, theta=simplex, title=lambda s: "What the mixture says",
    )  # fmt: skip
    return SubspaceExplorer(mixtures, asked, _controls(mixtures, landscapes, given), given=given)
