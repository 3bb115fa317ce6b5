"""The controls of the landscape explorer; what is needed rarely is folded away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import ipywidgets as widgets

from fusionlab.quantities import CLASSIFIED, Measures
from fusionlab.show.explore.controls import RESOLUTIONS, choice
from fusionlab.show.explore.landscape.plane_store import Place
from fusionlab.show.figures.measures import tell_measures

Act = Callable[[Any], None]

MINUS, BESIDE = " − ", "side by side"
NONE = "none"  # no cross-section; ipywidgets takes None for nothing chosen
TWO = "two points"  # a cut from the point chosen before to the one chosen now


class Controls:
    """Widgets by the names of the settings that they hold."""

    def __init__(
        self,
        planes: Iterable[str],
        landscapes: Sequence[str],
        longest: int,
        *,
        measures: Measures = CLASSIFIED,
    ) -> None:
        self._measures = measures
        self.plane = choice("plane", list(planes))
        self.on = choice("measured on", views_of(landscapes))
        self.view = choice("view", [("contours", "contour"), ("3-D", "3d")])
        self.scale = choice("loss", [("logarithmic", True), ("linear", False)])
        self.resolution = choice("points", [(f"{n} × {n}", n) for n in RESOLUTIONS])
        self.what = choice("show", list(measures.names))
        cuts = [("none", NONE), ("along x", "x"), ("along y", "y"), ("through two points", TWO)]
        self.cut = choice("cross-section", cuts)
        self.zoom = widgets.FloatSlider(
            description="range ×",
            value=1,
            min=0.5,
            max=3,
            step=0.25,
            readout_format=".2f",
            layout={"width": "250px"},
        )
        self.x, self.y = (
            widgets.FloatText(description=name, step=0.1, layout={"width": "130px"})
            for name in ("x", "y")
        )
        self.step = widgets.IntSlider(
            description="checkpoint",
            max=max(longest - 1, 0),
            layout={"flex": "1 1 260px", "width": "auto"},
        )
        self.play = widgets.ToggleButton(
            description="▶ Play",
            tooltip="Play the training run, or pause",
            layout={"width": "auto"},
        )
        self.more = widgets.ToggleButton(
            description="More", tooltip="Quantity, cross-sections, files", layout={"width": "auto"}
        )

    def rows(self, go: widgets.Widget, *, many: bool) -> list[list[widgets.Widget]]:
        """What is always in sight; `many` landscapes can be chosen from."""
        what = [self.plane, *([self.on] if many else []), self.view, self.scale, self.resolution]
        run = [[self.play, self.step]] if self.step.max else []
        self.hidden = self.folded()
        return [what, [self.zoom, self.x, self.y, go, self.more], [self.hidden], *run]

    def folded(self) -> widgets.Box:
        """A row that is shown while "More" is pressed."""
        layout = {"display": "none", "flex_flow": "row wrap", "align_items": "center"}
        box = widgets.Box([self.what, self.cut], layout=layout)

        def fold(_: Any) -> None:
            box.layout.display = "flex" if self.more.value else "none"

        self.more.observe(fold, "value")
        return box

    def watch(self, move: Act, resurvey: Act, redraw: Act, step: Act) -> None:
        """What to do about another plane, another grid, another look, another checkpoint."""
        looks = [self.view, self.scale, self.on, self.what, self.cut]
        groups = {move: [self.plane], resurvey: [self.zoom, self.resolution], redraw: looks}
        for act, controls in (groups | {step: [self.step]}).items():
            for control in controls:
                control.observe(act, "value")

    def set(self, settings: Mapping[str, Any]) -> None:
        """Set the controls of these names."""
        for name, value in settings.items():
            getattr(self, name).value = value

    def as_code(self, before: Place, *, runs: bool, asks: bool) -> str:
        """The Python that gives this view; `before` is the point chosen before the present one."""
        spot, plane = f"({self.x.value:g}, {self.y.value:g})", self.plane.value
        known = {name: getattr(self, name).value for name in ("on", "what", "cut")}
        known["cut"] = before if known["cut"] == TWO else known["cut"]
        usual = {"on": self.on.options[0], "what": "loss", "cut": NONE}
        more = [f"{name}={known[name]!r}, " for name in usual if known[name] != usual[name]]
        return (
            f"theta = plane{spot}  # the chosen network, on {plane!r}\n"
            f"landscape(theta)  # its {tell_measures(self._measures)}\n"
            "show.explore_landscape(\n    landscape, planes, marks, "
            f"{'samples=samples, ' * asks}{'trajectory=trajectory, ' * runs}plane={plane!r}, "
            f"view={self.view.value!r},\n    {''.join(more)}log={self.scale.value!r}, "
            f"zoom={self.zoom.value:g}, resolution={self.resolution.value}, spot={spot},\n)"
        )


def views_of(names: Sequence[str]) -> list[str]:
    """Each landscape, each difference of two, and all of them side by side."""
    pairs = [f"{a}{MINUS}{b}" for a, b in combinations(names, 2)]
    return [*names, *pairs, *([BESIDE] if len(names) > 1 else [])]


def shown_on(names: Sequence[str], on: str) -> list[str]:
    """The landscapes that a view needs."""
    if on == BESIDE:
        return list(names)
    return [on] if on in names else on.split(MINUS)
