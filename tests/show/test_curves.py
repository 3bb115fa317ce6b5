"""The curve explorer: one slider on all paths, a curve in training, and nobody waits for it."""

import threading
import time

import pytest
import torch

from fusionlab import show
from fusionlab.connectivity import Bezier, Chain, Line
from fusionlab.landscape import Score
from fusionlab.show.explore.curves.trainer import Speed, Trainer

from .standins import IMAGES, PLANE, A, B, C, Hill, point
from .test_interpolation import from_the_page, press

SLICES = 6


class Ridge(Hill):
    """Loss 4 x (1 − x) / (1 + y²): who goes round by a large y meets little of it."""

    def __call__(self, theta):
        x, y = theta["w"][0].tolist()
        return Score(4 * x * (1 - x) / (1 + y * y), quality=1 / (1 + y * y))


class Fit:
    """What a fitting yields: a shape, and the steps that it took."""

    def __init__(self, shape, steps):
        self.shape, self.steps = shape, steps


class Growing:
    """A training that lifts the bend by 1 in each slice, for which it may need a ticket."""

    total = 10 * SLICES

    def __init__(self, tickets=None, seconds=0.0):
        self.begun, self.slices, self._tickets, self._seconds = 0, 0, tickets, seconds

    def __iter__(self):
        return self

    def __next__(self):
        if self.slices == SLICES:
            raise StopIteration
        self.begun += 1
        time.sleep(self._seconds)
        assert self._tickets is None or self._tickets.acquire(timeout=20)
        self.slices += 1
        return Fit(bent(self.slices), 10 * self.slices)


def bent(y):
    return Bezier((A, point(0.5, float(y)), B))


def paths():
    return {"line": Line(A, B), "curve": bent(0)}


def explore(landscape=None, *, training=None, sharp=True, **keys):
    explorer = show.explore_curves(
        landscape or Ridge(), paths(), training=training, **{"resolution": 11, **keys}
    )
    assert not sharp or explorer.wait(20)
    return explorer


def until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def mark(explorer, name, what="loss"):
    trace = explorer.fig.trace(f"{what}:mark:{name}")
    return trace["x"][0], trace["y"][0]


def height(explorer, name="curve"):
    """Where the middle of a path is drawn on the map."""
    return explorer.fig.trace(f"path:line:{name}")["y"][50]


def ridge(t, y):
    x, y = t, 2 * t * (1 - t) * y  # the Bézier curve with its bend at (1/2, y)
    return 4 * x * (1 - x) / (1 + y * y)


@pytest.mark.parametrize("t", [0.0, 0.25, 0.5, 1.0])
def test_all_marks_stand_at_t_on_the_loss_of_their_paths_and_on_the_map(t):
    explorer = show.explore_curves(Ridge(), {"line": Line(A, B), "curve": bent(2)}, resolution=11)
    assert explorer.wait(20)
    explorer.slider.value = t
    assert explorer.wait(10)
    assert mark(explorer, "line") == (pytest.approx(t), pytest.approx(ridge(t, 0), abs=1e-6))
    assert mark(explorer, "curve") == (pytest.approx(t), pytest.approx(ridge(t, 2), abs=1e-6))
    on_map = explorer.fig.trace("path:mark:curve")
    assert (on_map["x"][0], on_map["y"][0]) == (
        pytest.approx(t),
        pytest.approx(4 * t * (1 - t), abs=1e-6),
    )
    assert explorer.status.value.startswith(f"t = {t:.2f}: loss {ridge(t, 0):.2f} nats on line")


def test_the_curves_end_with_a_point_at_every_position_and_the_map_exact():
    explorer = explore()
    assert len(explorer.fig.trace("loss:curve:curve")["x"]) == 101
    assert explorer.profiles["line"].barrier == pytest.approx(1.0)
    assert len(explorer.fig.trace("surface:map")["x"]) == 11


def test_a_move_on_the_page_changes_only_the_marks(sent):
    explorer = explore(samples=IMAGES)
    sent.clear()
    from_the_page(explorer.slider, value=0.3)
    assert explorer.wait(10)
    changed = next(data["content"]["traces"] for method, data in sent if method == "custom")
    marks = {f"{what}:mark:{name}" for what in ("loss", "accuracy", "path") for name in paths()}
    assert changed.keys() == marks | {"samples:bars", "samples:verdict"}


def test_a_curve_in_training_moves_its_loss_its_shape_and_the_words():
    tickets = threading.Semaphore(0)
    explorer = explore(training={"curve": lambda: Growing(tickets)})
    assert height(explorer) == pytest.approx(0)
    press(explorer, "Train")
    for slice_ in (1, 2, 3):
        tickets.release()
        until(lambda s=slice_: height(explorer) == pytest.approx(s / 2))
        assert max(explorer.fig.trace("loss:curve:curve")["y"]) <= ridge(0.5, slice_ - 0.5)
        until(lambda s=slice_: f"Curve at step {10 * s} of 60" in explorer.status.value)
    assert mark(explorer, "curve")[1] == pytest.approx(ridge(0.5, 3))
    barrier = f"barrier {explorer.profiles['curve'].barrier:.2f}"
    assert barrier in explorer.fig.trace("loss:curve:curve")["name"]
    explorer.pause()
    tickets.release(SLICES)
    assert explorer.wait(20)


def test_a_pause_holds_and_going_on_goes_on_where_it_was():
    tickets = threading.Semaphore(2)
    explorer = explore(training={"curve": lambda: Growing(tickets)})
    press(explorer, "Train")
    until(lambda: explorer.trainer.stages["curve"].steps == 20)
    press(explorer, "Pause")
    tickets.release()  # if there is a slice in hand, it ends and is shown
    assert explorer.wait(20)
    held = explorer.trainer.stages["curve"].steps
    assert (held, height(explorer)) in [(20, pytest.approx(1.0)), (30, pytest.approx(1.5))]
    tickets.release(10)
    time.sleep(0.1)
    assert explorer.wait(20)
    assert (explorer.trainer.state, explorer.trainer.stages["curve"].steps) == ("paused", held)
    press(explorer, "Go on")
    until(lambda: explorer.trainer.state == "done")
    assert explorer.wait(20)
    assert height(explorer) == pytest.approx(SLICES / 2)
    assert (explorer.train.description, explorer.train.disabled) == ("Trained", True)


def test_reset_goes_back_to_the_untrained_curve_and_trains_anew():
    made = []
    explorer = explore(training={"curve": lambda: made.append(Growing()) or made[-1]}, t=0.25)
    for _ in range(2):
        press(explorer, "Train")
        until(lambda: explorer.trainer.state == "done")
        explorer.slider.value = 0.75
        press(explorer, "Reset")
        assert explorer.wait(20)
        assert height(explorer) == pytest.approx(0)
        assert (explorer.t, explorer.train.description) == (0.25, "Train")
        assert explorer.paths["curve"](0.5)["w"][0, 1] == 0
        assert "step" not in explorer.status.value
        assert explorer.still().frames[0].name == "0.00"
    assert [training.slices for training in made] == [SLICES, SLICES]


def test_a_reset_in_the_middle_of_a_slice_forgets_the_slice():
    tickets = threading.Semaphore(1)
    training = Growing(tickets)
    explorer = explore(training={"curve": lambda: training})
    press(explorer, "Train")
    until(lambda: training.begun == 2)
    press(explorer, "Reset")
    tickets.release()
    assert explorer.wait(20)
    assert training.slices == 2
    assert explorer.trainer.stages["curve"].steps == 0
    assert height(explorer) == pytest.approx(0)


def test_a_picture_made_before_the_slider_moved_does_not_take_the_marks_back():
    explorer = explore()
    draw = explorer.picture.at_once(explorer.picture.newest)
    explorer.slider.value = 0.8
    assert explorer.wait(20)
    draw()
    assert mark(explorer, "curve")[0] == 0.8
    explorer.picture.frame = None  # the whole figure has to be drawn anew
    draw = explorer.picture.at_once(explorer.picture.newest)
    explorer.slider.value = 0.1
    assert explorer.wait(20)
    draw()
    assert explorer.wait(20)
    assert mark(explorer, "curve")[0] == 0.1


def test_the_slider_does_not_wait_for_the_training():
    tickets = threading.Semaphore(0)
    explorer = explore(training={"curve": lambda: Growing(tickets)})
    press(explorer, "Train")  # its first slice lasts until there is a ticket
    for t in (0.1, 0.9, 0.3):
        from_the_page(explorer.slider, value=t)
        until(lambda t=t: mark(explorer, "line") == (t, pytest.approx(ridge(t, 0))), seconds=2)
    assert explorer.trainer.stages["curve"].steps == 0
    explorer.pause()
    tickets.release()
    assert explorer.wait(20)


def test_moves_while_it_trains_end_at_the_hand_with_the_curve_trained():
    explorer = explore(training={"curve": lambda: Growing(seconds=0.03)})
    press(explorer, "Train")
    for i in range(60):
        from_the_page(explorer.slider, value=i / 100)
        time.sleep(0.005)
    until(lambda: explorer.trainer.state == "done")
    assert explorer.wait(20)
    assert mark(explorer, "curve") == (pytest.approx(0.59), pytest.approx(ridge(0.59, SLICES)))
    assert explorer.fig.trace("path:mark:curve")["x"] == [pytest.approx(0.59)]


def test_what_is_trained_may_yield_paths_and_count_its_own_steps():
    class BandFitting:
        steps, total = 0, 2

        def __iter__(self):
            return self

        def __next__(self):
            if self.steps == 2:
                raise StopIteration
            self.steps += 1
            return Chain((A, point(0.5, self.steps), B))

    explorer = explore(training={"curve": BandFitting})
    explorer.go_on()
    until(lambda: explorer.trainer.state == "done")
    assert explorer.wait(20)
    assert height(explorer) == pytest.approx(2)
    assert "Curve at step 2 of 2" in explorer.status.value


def test_several_curves_are_trained_by_turns():
    order = []

    def begin(name):
        for slice_ in range(1, 4):
            order.append(name)
            yield Fit(bent(slice_), slice_)

    trained = {"one": bent(0), "two": bent(0)}
    starts = {name: (lambda name=name: begin(name)) for name in trained}
    trainer = Trainer(trained, starts, news=lambda: None, on_error=pytest.fail)
    trainer.go_on()
    assert trainer.wait(10)
    assert order == ["one", "two"] * 3
    assert [stage.steps for stage in trainer.stages.values()] == [3, 3]
    assert trainer.state == "done"


def test_an_error_of_the_training_is_told_and_the_slider_lives_on():
    def broken():
        yield Fit(bent(1), 1)
        raise RuntimeError("the gradient is lost")

    explorer = explore(training={"curve": broken})
    explorer.go_on()
    until(lambda: "the gradient is lost" in explorer.status.value)
    until(lambda: explorer.trainer.state == "paused")
    explorer.slider.value = 0.2
    assert explorer.wait(10)
    assert mark(explorer, "line")[0] == 0.2


def test_a_training_that_ends_early_is_told():
    def short():
        yield Fit(bent(1), 1)

    class Short:
        total = 50

        def __iter__(self):
            return self

        def __init__(self):
            self._run = short()

        def __next__(self):
            return next(self._run)

    explorer = explore(training={"curve": Short})
    explorer.go_on()
    until(lambda: explorer.trainer.state == "done")
    assert explorer.wait(20)
    assert "Curve ended early, at step 1 of 50" in explorer.status.value


class Strides(Growing):
    """A training that takes as many steps as it may, and lifts its bend by a hundredth for each."""

    stride = None

    def __init__(self, total=200, most=40):
        super().__init__()
        self.total, self.most, self.taken = total, most, []

    def __next__(self):
        done = sum(self.taken)
        if done == self.total:
            raise StopIteration
        self.taken.append(min(self.total - done, self.stride or self.most))
        done = sum(self.taken)
        return Fit(bent(done / 100), done)


@pytest.mark.parametrize("speed", ["slow", "normal", "fast"])
def test_the_first_steps_are_seen_one_by_one_unless_it_shall_be_fast(speed, sent):
    training = Strides()
    explorer = explore(training={"curve": lambda: training}, speed=speed)
    explorer.go_on()
    until(lambda: explorer.trainer.state == "done", seconds=60)
    assert explorer.wait(20)
    growing = {
        "slow": [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3],
        "normal": [1, 1, 1, 1, 2, 3, 4, 6, 9, 14, 21],
        "fast": [40] * 5,
    }
    assert training.taken[:11] == growing[speed]
    seen = [list(s).index("path:line:curve") for s in drawn(sent) if "path:line:curve" in s]
    assert len(seen) >= len(training.taken)


def drawn(sent):
    """The traces of each picture that was sent."""
    return [data["content"]["traces"] for _, data in sent if "traces" in data.get("content", {})]


def test_the_speed_can_be_changed_while_it_trains():
    training = Strides(total=100)
    explorer = explore(training={"curve": lambda: training}, speed="slow")
    explorer.go_on()
    until(lambda: sum(training.taken) >= 2)
    from_the_page(explorer.speed, index=2)
    until(lambda: explorer.trainer.state == "done")
    assert explorer.wait(20)
    assert training.taken[:2] == [1, 1]
    assert training.taken[-2] == 40


def test_a_pause_does_not_wait_for_the_next_picture():
    explorer = explore(training={"curve": Strides}, speed="slow")
    explorer.trainer.speed = Speed(0.25, 1000.0)
    explorer.go_on()
    until(lambda: "step 1 of" in explorer.status.value)
    explorer.pause()
    assert explorer.wait(20)
    assert explorer.trainer.stages["curve"].steps == 1


def test_the_training_is_replayed_with_a_slider_and_any_other_control_comes_back():
    explorer = explore(training={"curve": Growing}, speed="fast")
    assert (explorer.replay.disabled, explorer.replay.value) == (True, 0)
    explorer.go_on()
    until(lambda: explorer.trainer.state == "done")
    assert explorer.wait(20)
    newest = explorer.replay.max
    assert newest >= 4
    assert (explorer.replay.disabled, explorer.replay.value) == (False, newest)
    heights = []
    for picture in range(newest):
        from_the_page(explorer.replay, value=picture)
        heights.append(height(explorer))
        step = round(20 * heights[-1])
        assert mark(explorer, "curve")[1] == pytest.approx(ridge(0.5, step / 10))
        assert (f"{step} of 60" in explorer.status.value) == (step != 0)
    assert heights[0] == pytest.approx(0)
    assert heights == sorted(set(heights)), "each picture is of a later step"
    explorer.slider.value = 0.25
    assert explorer.wait(20)
    assert explorer.replay.value == newest
    assert height(explorer) == pytest.approx(SLICES / 2)
    assert mark(explorer, "curve") == (0.25, pytest.approx(ridge(0.25, SLICES)))
    from_the_page(explorer.replay, value=0)
    from_the_page(explorer.replay, value=newest)
    assert explorer.wait(20)
    assert height(explorer) == pytest.approx(SLICES / 2)
    assert "60 of 60" in explorer.status.value


def test_a_page_without_a_kernel_slides_along_the_paths_and_then_over_the_training():
    explorer = explore(training={"curve": Growing}, frames=5, samples=IMAGES)
    still = explorer.still()
    assert [frame.name for frame in still.frames] == ["0.00", "0.25", "0.50", "0.75", "1.00"]
    explorer.go_on()
    until(lambda: explorer.trainer.state == "done")
    assert explorer.wait(20)
    still = explorer.still()
    steps = [int(frame.name) for frame in still.frames]
    assert steps[0] == 0
    assert steps[-1] == 60
    number = [trace.meta for trace in still.data].index("path:line:curve")
    bars = [trace.meta for trace in still.data].index("samples:bars")
    assert all(bars in frame.traces for frame in still.frames)
    heights = [dict(zip(f.traces, f.data, strict=True))[number].y[50] for f in still.frames]
    assert heights == pytest.approx([step / 20 for step in steps])


def test_settings_as_code_give_the_same_explorer():
    explorer = explore({"train": Ridge(), "test": Hill()}, samples=IMAGES)
    explorer.slider.value, explorer.focus.value, explorer.on.value = 0.3, "line", "test"
    assert explorer.wait(20)
    names = {"show": show, "paths": paths(), "samples": IMAGES}
    names["landscape"] = {"train": Ridge(), "test": Hill()}
    first, second, call = explorer.code().split("\n", 2)
    exec(f"{first}\n{second}", names)
    assert float(names["theta"]["w"][0, 0]) == pytest.approx(0.3)
    twin = eval(call, names)
    assert (twin.t, twin.focus.value, twin.on.value) == (0.3, "line", "test")
    assert twin.resolution.value == 11


def test_the_loss_of_another_data_set_can_be_shown():
    explorer = explore({"train": Ridge(), "test": Hill()})
    explorer.on.value = "test"
    assert explorer.wait(20)
    assert mark(explorer, "line")[1] == pytest.approx(2.5)
    assert explorer.fig.trace("loss:curve:line")["y"][50] == pytest.approx(2.5)


def test_the_network_in_focus_is_asked_about_the_samples():
    paths_ = {"straight": Line(A, B), "detour": Chain((A, point(3.0, 1.0), B))}
    explorer = show.explore_curves(Ridge(), paths_, samples=IMAGES, focus="straight", resolution=11)
    assert explorer.wait(20)
    explorer.slider.value = 0.2
    assert explorer.wait(20)
    assert "On straight, 1 of 3 samples right; it says 0" in explorer.status.value
    explorer.focus.value = "detour"
    assert explorer.wait(20)
    assert "On detour, 1 of 3 samples right; it says 2" in explorer.status.value


def test_a_click_on_the_loss_or_on_the_map_goes_there():
    explorer = explore(plane=PLANE)
    explorer.fig.on_click("loss:curve:line", 0.42, 0.9)
    assert explorer.t == 0.42
    explorer.fig.on_click("surface:map", 0.71, 1.5)
    assert explorer.t == pytest.approx(0.71)
    explorer.fig.on_click("samples:bars", 0.1, 0.1)
    assert explorer.t == pytest.approx(0.71)


def test_a_given_plane_stays():
    explorer = explore(plane=PLANE, training={"curve": Growing})
    explorer.go_on()
    until(lambda: explorer.trainer.state == "done")
    assert explorer.wait(20)
    assert "on the given plane" in str(explorer.fig.spec["layout"]["annotations"])
    assert explorer.fig.trace("path:bends:curve")["y"] == [pytest.approx(SLICES)]


@pytest.mark.parametrize("wrong", [{"focus": "arc"}, {"on": "val"}, {"resolution": 12}])
def test_a_choice_that_is_not_there_is_refused(wrong):
    with pytest.raises(ValueError, match=r"Unknown .* Choose "):
        show.explore_curves(Ridge(), paths(), **wrong)
    with pytest.raises(ValueError, match="Unknown path to train 'arc'"):
        show.explore_curves(Ridge(), paths(), training={"arc": Growing})
    with pytest.raises(ValueError, match=r"t = 1.5 is off the slider"):
        explore(sharp=False).t = 1.5


def test_a_closed_explorer_stops_training():
    explorer = explore(training={"curve": lambda: Growing(seconds=0.02)})
    explorer.go_on()
    explorer.close()
    assert explorer.wait(10)
    assert explorer.trainer.state == "paused" or explorer.trainer.stages["curve"].steps == 0


def test_a_bare_function_is_a_path_too():
    paths_ = {"function": lambda t: point(t, t * (1 - t)), "line": Line(A, C)}
    explorer = show.explore_curves(Ridge(), {"function": paths_["function"]}, resolution=11)
    assert explorer.wait(20)
    assert mark(explorer, "function")[1] == pytest.approx(1 / (1 + 0.25**2))
    assert torch.is_tensor(explorer.profiles["function"].loss)
