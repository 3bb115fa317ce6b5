"""The landscape explorer: the loss over a plane of weight space, drawn while one looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from fusionlab.landscape import Field, Plane, Surface, Survey
from fusionlab.show.explore.controls import RESOLUTIONS, button, one_of
from fusionlab.show.explore.downloads import download_buttons
from fusionlab.show.explore.explorer import FIRST, PATIENCE, AskedSamples, Explorer, ask_samples
from fusionlab.show.explore.landscape.landscape_view import Choice, LandscapeView, tell_runs
from fusionlab.show.explore.landscape.plane_store import Place, PlaneStore, read_runs, so_far
from fusionlab.show.explore.landscape.view_controls import NONE, TWO, Controls, views_of
from fusionlab.show.explore.latest import Draw
from fusionlab.show.explore.playing import Player
from fusionlab.show.figures.maps import View
from fusionlab.show.figures.measures import shared_measures
from fusionlab.show.figures.slices import Slice, Way
from fusionlab.show.figures.theme import canvas
from fusionlab.show.figures.words import join
from fusionlab.show.page.export import save_page
from fusionlab.show.page.fig import Changes
from fusionlab.weights import Weights

COARSE = 10.0  # seconds to wait for a first map: a large network needs them, and no map is worse


class LandscapeExplorer(Controls, Explorer):
    """Walk over the loss landscape; click a point, and it is a network that answers.

    Made by `explore_landscape`.
    """

    def __init__(
        self,
        store: PlaneStore,
        *,
        predictions: AskedSamples | None,
        settings: Mapping[str, Any],
        spot: Place | None,
        before: Place | None,
        remark: str = "",
    ) -> None:
        names = list(store.landscapes)
        longest = max((len(run.steps) for run in store.runs.values()), default=0)
        Controls.__init__(self, store.planes, names, longest, measures=store.measures)
        self._store, self._start = store, dict(settings)
        self._view = LandscapeView(store, predictions)
        self._said, self._paused = "", False
        self._drawn = False  # whether the figure on the page is of the present settings
        self.stop = button("Cancel", "Stop sharpening the picture, or go on", self.pause)
        go = button("Go there", "Make the point (x, y) a network", lambda: self.visit(*self.spot))
        Explorer.__init__(self, self.rows(go, many=len(names) > 1), [self.stop], remark=remark)
        self.hidden.children += tuple(download_buttons(self.fig, "landscape", self.still))
        self.fig.on_click = self._clicked
        self.set(self._start)
        self._home = spot or store.home(self.plane.value)
        self._chosen, self._before = self._home, before or self._home
        self.x.value, self.y.value = self._home
        Player(self.play, self.step)
        self.watch(self._move, self._resurvey, self._redraw, self._at_checkpoint)
        self._resurvey(patience=FIRST)

    @property
    def spot(self) -> Place:
        """The chosen point of the plane."""
        return self.x.value, self.y.value

    @property
    def surface(self) -> Surface | None:
        """The landscape as far as it is known; None until the first picture is there."""
        return self._view.surfaces.get(self._choice.shown[0])

    def visit(self, x: float, y: float) -> None:
        """Choose the point (x, y): its network is scored and asked about the samples."""
        self.x.value, self.y.value = round(float(x), 4), round(float(y), 4)
        if self.spot != self._chosen:
            self._before, self._chosen = self._chosen, self.spot
        self._renew()

    def pause(self) -> None:
        """Stop the survey where it is; or go on with it."""
        self._paused = not self._paused
        self.stop.description = "Continue" if self._paused else "Cancel"
        if self._paused:
            self.latest.cancel()
            self._report()
        else:
            self._renew()

    def reset(self) -> None:
        """Go back to the settings of the start."""
        self.play.value, self.step.value = False, 0
        self.set(self._start)
        self.visit(*self._home)

    def close(self) -> None:
        """Stop all work and leave the page."""
        self.play.value = False
        super().close()

    def save(self, path: str | Path) -> Path:
        """Write the present view as one HTML page that opens without a network."""
        return save_page(self.still(), path)

    def code(self) -> str:
        """The Python that gives this view, and the chosen network."""
        return self.as_code(self._before, runs=bool(self._store.runs), asks=self._view.asks)

    def still(self) -> go.Figure:
        """The map with a slider of its own, over checkpoints or marks, which needs no kernel."""
        self.latest.wait(COARSE, until=lambda: self._view.is_ready(self._choice))
        choice = self._choice
        if not self._view.is_ready(choice):
            words = f"Loss over {choice.plane}: not measured yet."
            return canvas(words, description=words)
        return self._view.draw_still(choice)

    @property
    def _choice(self) -> Choice:
        """What the controls say."""
        return Choice(
            plane=self.plane.value,
            on=self.on.value,
            what=self.what.value,
            view=self.view.value,
            log=self.scale.value,
            spot=self.spot,
            now=self.step.value if self._store.runs else None,
            names=tuple(self._store.landscapes),
        )

    def _clicked(self, key: str, x: float, y: float) -> None:
        if key.startswith("surface"):  # the samples beside the map are no places
            self.visit(x, y)

    def _move(self, _: Any) -> None:
        """Another plane: other points lie on it, so the chosen one is another too."""
        self._home = self._chosen = self._before = self._store.home(self.plane.value)
        self.x.value, self.y.value = self._home
        self._resurvey()

    def _resurvey(self, _: Any = None, *, patience: float = PATIENCE) -> None:
        self.latest.cancel()  # from here on, nothing of the old settings is drawn
        self._view.forget()
        self._drawn = False
        self._paused, self.stop.description, self.stop.disabled = False, "Cancel", False
        self._renew(patience=patience)

    def _redraw(self, _: Any) -> None:
        self.latest.cancel()
        self._view.crossing.drop()
        self._drawn = False
        self._renew()

    def _at_checkpoint(self, _: Any) -> None:
        """Move on along the runs; all of it is known, so nothing else has to wait."""
        if self._drawn and self._store.runs:
            patch, words = self._view.at_checkpoint(self._choice)
            self.latest.between(lambda: self.fig.patch(patch, words))
            self._report()

    def _here(self) -> Draw:
        return partial(self._arrive, *self._view.visit(self._choice))

    def _better(self) -> Iterator[Draw]:
        choice, view = self._choice, self._view
        grid = (choice.plane, self.zoom.value, self.resolution.value)
        surveys = {name: self._store.survey(name, *grid) for name in choice.shown}
        for name, survey in surveys.items():
            if name not in view.surfaces and (known := so_far(survey)):
                yield partial(self._sharpen, name, known)
        yield from self._cross(surveys[choice.shown[0]])
        if self._paused:
            return
        for name, survey in surveys.items():  # something to look at first, then the runs
            if name not in view.surfaces:
                yield partial(self._sharpen, name, next(survey))
        for name in choice.shown:
            for _ in self._store.measure(name, choice.plane):
                yield self._report
        if self._store.runs:
            yield self._refresh
        while surveys:
            for name, survey in list(surveys.items()):
                if (surface := next(survey, None)) is None:
                    del surveys[name]
                else:
                    yield partial(self._sharpen, name, surface)

    def _cross(self, survey: Survey) -> Iterator[Draw]:
        """Measure the cross-section, if one is wanted."""
        choice, crossing = self._choice, self._view.crossing
        way = self._before if self.cut.value == TWO else self.cut.value
        if way in (NONE, choice.spot):
            crossing.drop()
            return
        crossing.aim(choice.plane, choice.shown, Slice.across(survey.x, survey.y, choice.spot, way))
        for _ in crossing.measure():
            yield self._draw  # all of it, since its axes follow the values

    def _arrive(self, patch: Changes, words: str) -> None:
        self._said = words
        if self._drawn:
            self.fig.patch(patch, words)
        elif self._view.is_ready(self._choice):
            self._draw()
        self._report()

    def _sharpen(self, name: str, surface: Surface) -> None:
        self._view.surfaces[name] = surface
        self._refresh()

    def _refresh(self) -> None:
        """Bring what is known by now into the picture."""
        if self._drawn:
            self.fig.patch(self._view.changes(self._choice), self.fig.description)
            self._report()
        elif self._view.is_ready(self._choice):
            self._draw()

    def _draw(self) -> None:
        """Draw the whole picture, if there is one already."""
        if self._view.is_ready(self._choice):
            self.fig.draw(self._view.draw(self._choice))
            self._drawn = True
            self._report()

    def _report(self) -> None:
        """Say what is at the chosen point and the checkpoint, and how far to trust the map."""
        choice = self._choice
        said = [self._said, tell_runs(self._store, choice)]
        if self.cut.value == TWO and self._before == self.spot:
            said.append("Choose a second point: the cross-section goes through it and this one.")
        self.stop.disabled = self._view.share(choice) == 1
        said.append(self._view.tell_progress(choice, paused=self._paused))
        self._say(" ".join(filter(None, said)))


def explore_landscape(
    landscape: Field | Mapping[str, Field],
    planes: Plane | Mapping[str, Plane],
    marks: Mapping[str, Weights] | None = None,
    *,
    samples: Any = None,
    classes: Sequence[str] | None = None,
    trajectory: Any = None,
    plane: str | None = None,
    on: str | None = None,
    what: str = "loss",
    view: View = "contour",
    log: bool = True,
    cut: Way | None = None,
    zoom: float = 1.0,
    resolution: int = 41,
    spot: Place | None = None,
) -> LandscapeExplorer:
    """Explore the loss over planes of weight space.

    Args:
        landscape: θ ↦ Score; a `Landscape`, or any such function; or several by name, such as
            {"train": …, "test": …}, to be shown alone, subtracted, or side by side.
        planes: one plane, or several by name.
        marks: points by name; each is shown on planes that hold it, or near which it lies.
        samples: a few inputs with labels, about which the chosen network is asked; all are shown.
        classes: names of the classes.
        trajectory: a run to play: checkpoints, or what has `checkpoints` and `steps`; or several.
        plane: the name of the plane to begin with.
        on: the landscape to begin with, such as "test", "train − test" or "side by side".
        what: the quantity shown, one of the landscape's `measures.names`.
        view: "contour" or "3d".
        log: colours and heights by the logarithm of the loss.
        cut: a cross-section through the chosen point: along "x", along "y", or from a place.
        zoom: how much wider than the marks' surroundings to look, from 0.5 to 3. Around one mark
            alone, these reach as far as the loss rises by 2 nats, in other units fivefold.
        resolution: points along each side of the map: 11, 21, 41, 61 or 81.
        spot: the place chosen at first; else the first mark.
    """
    landscapes = dict(landscape) if isinstance(landscape, Mapping) else {"": landscape}
    if isinstance(planes, Plane):
        planes = {f"the plane of {join(list(marks))}" if marks else "the plane": planes}
    before = None if cut in (None, "x", "y") else (float(cut[0]), float(cut[1]))  # type: ignore[index, arg-type]
    settings = {
        "plane": one_of(planes, plane or next(iter(planes)), "plane"),
        "on": one_of(options := views_of(list(landscapes)), on or options[0], "on"),
        "what": one_of(shared_measures(landscapes).names, what, "what"),
        "view": one_of(("contour", "3d"), view, "view"),
        "scale": bool(log),
        "cut": TWO if before else cut or NONE,
        "zoom": zoom,
        "resolution": one_of(RESOLUTIONS, resolution, "resolution"),
    }
    predictions, remark = ask_samples(landscapes, samples, classes, columns=3)
    store = PlaneStore(landscapes, planes, marks or {}, read_runs(trajectory))
    return LandscapeExplorer(
        store, predictions=predictions, settings=settings, spot=spot, before=before, remark=remark
    )
