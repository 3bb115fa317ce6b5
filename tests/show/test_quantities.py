"""Pictures name what is measured: other objectives than a classifier's have their own words."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from fusionlab import Data, Weights, objectives, show
from fusionlab.connectivity import Bezier, Fitting, Line, Profile, Simplex, profile
from fusionlab.descent import Recipe
from fusionlab.landscape import Landscape, Plane, Surface, gradient_field, survey
from fusionlab.landscape.trajectories import project_run
from fusionlab.quantities import Measures, Quantity
from fusionlab.show.figures.scales import Scale

from .standins import LINE, PLANE, A, Hill

INPUTS = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
NUMBERS = Data(INPUTS, INPUTS.sum(1) + 1)
MODEL = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
SENTENCE = "Predictions of samples are drawn for classifiers; this landscape measures "


def network(seed: int) -> Weights:
    torch.manual_seed(seed)
    return Weights.of(nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)))


P, Q, R = map(network, range(3))


def mean_cosh(outputs, targets):
    return (outputs[:, 0] - targets).cosh().log().mean()


def landscape(objective):
    return Landscape(MODEL, NUMBERS, objective)


REGRESSION = landscape(objectives.regression(unit="kg"))
LOSS_ONLY = landscape(mean_cosh)
EXPLORERS = {
    "line": lambda field, **more: show.explore_line(field, Line(P, Q), **more),
    "curves": lambda field, **more: show.explore_curves(
        field, {"line": Line(P, Q), "curve": Bezier((P, R, Q))}, resolution=11, **more
    ),
    "plane": lambda field, **more: show.explore_landscape(
        field, Plane.through(P, Q, R), {"p": P}, resolution=11, **more
    ),
    "mixtures": lambda field, **more: show.explore_subspace(
        field, Simplex((P, Q, R)), resolution=11, **more
    ),
}
every_explorer = pytest.mark.parametrize("make", EXPLORERS.values(), ids=EXPLORERS.keys())


def settled(explorer):
    assert explorer.wait(60)
    return explorer


def everything_said(explorer) -> str:
    """All words on the page: of the figure, its twin without a kernel, status and code."""
    figures = [json.dumps(explorer.fig.spec, default=str), explorer.still().to_json()]
    return " ".join([*figures, explorer.status.value, explorer.code()])


def titles(explorer) -> list[str]:
    return [a["text"] for a in explorer.fig.spec["layout"].get("annotations", []) if "text" in a]


@every_explorer
def test_a_regression_is_told_in_its_own_words(make):
    explorer = settled(make(REGRESSION))
    said = everything_said(explorer)
    for foreign in ("nats", "accuracy", "Accuracy", "nan ", "NaN"):
        assert foreign not in said
    assert "squared kg" in said
    assert "its loss and mean absolute error" in explorer.code()


@pytest.mark.parametrize("name", ["line", "curves"])
def test_a_regression_has_a_panel_of_its_mean_absolute_error(name):
    explorer = settled(EXPLORERS[name](REGRESSION))
    assert "<b>Mean absolute error</b>" in titles(explorer)
    curve = explorer.fig.trace(f"mean absolute error:curve:{'' if name == 'line' else 'line'}")
    t, values = np.array(curve["x"]), np.array(curve["y"])
    expected = REGRESSION.scores([Line(P, Q)(float(s)) for s in t]).quality
    assert np.allclose(values, expected, rtol=1e-4)
    axes = [v["title"]["text"] for k, v in explorer.fig.spec["layout"].items() if "yaxis" in k]
    assert [axis.replace("<br>", " ") for axis in axes[:2]] == [
        "loss (squared kg)",
        "mean absolute error (kg)",
    ]


@every_explorer
def test_where_there_is_only_a_loss_there_is_one_panel_and_no_nan(make):
    explorer = settled(make(LOSS_ONLY))
    said = everything_said(explorer)
    for foreign in ("nats", "ccuracy", "None:", "nan", "no number"):
        assert foreign not in said
    assert "its loss\n" in explorer.code()
    kinds = {trace["meta"].partition(":")[0] for trace in explorer.fig.spec["data"]}
    assert kinds <= {"loss", "path", "surface", "triangle"}


@pytest.mark.parametrize("field", [REGRESSION, LOSS_ONLY, Hill()])
def test_explorers_offer_what_is_measured(field):
    names = getattr(field, "measures", Measures(Quantity("loss"), None)).names
    if isinstance(field, Hill):
        names = ("loss", "error", "accuracy")
        explorer = show.explore_landscape(field, PLANE, {"A": A}, resolution=11)
    else:
        explorer = EXPLORERS["plane"](field)
        assert EXPLORERS["mixtures"](field).what.options == names
    assert explorer.what.options == names


def test_each_quantity_of_a_regression_can_be_mapped():
    explorer = settled(EXPLORERS["plane"](REGRESSION))
    explorer.what.value = "mean absolute error"
    words = settled(explorer).fig.description
    assert re.search(r"A map of the mean absolute error .* from \S+ kg to \S+ kg", words)
    map_ = explorer.fig.trace("surface:map")
    x, y = map_["x"], map_["y"]
    theta = Plane.through(P, Q, R)(x[2], y[7])
    assert map_["customdata"][7][2] == pytest.approx(REGRESSION(theta).quality, rel=1e-4)
    assert map_["colorbar"]["title"]["text"] == "mean absolute error (kg)"
    assert "mean absolute error %{text}%{customdata:.3g} kg" in map_["hovertemplate"]


def test_tokens_have_a_token_accuracy_and_its_error():
    ids = torch.arange(60).view(12, 5) % 7
    model = nn.Sequential(nn.Embedding(7, 3), nn.Linear(3, 7))
    field = Landscape(model, (ids, ids.roll(1, 1)), "tokens")
    a, b = Weights.of(model), 2 * Weights.of(model)
    explorer = settled(show.explore_line(field, Line(a, b)))
    assert "<b>Token accuracy</b>" in titles(explorer)
    assert re.search(r"loss \d\.\d\d nats, token accuracy \d+ %", explorer.status.value)
    over = survey(field, Plane.through(a, b, a + 0.1 * (b - a).map(torch.ones_like)), *2 * [T])
    drawn = show.draw_surface(over, what="error")
    assert np.allclose(np.array(drawn.data[0].customdata), 1 - over.quality, atol=1e-4)


T = torch.linspace(0, 1, 4, dtype=torch.double)


@every_explorer
@pytest.mark.parametrize(
    ("field", "measured"), [(REGRESSION, "mean absolute error"), (LOSS_ONLY, "only a loss")]
)
def test_predictions_are_left_out_where_nothing_is_classified_and_that_is_said(
    make, field, measured
):
    explorer = settled(make(field, samples=NUMBERS[:3]))
    assert f"{SENTENCE}{measured}." in explorer.status.value
    assert not any(t["meta"].startswith("samples") for t in explorer.fig.spec["data"])
    assert "samples" not in explorer.code()


@every_explorer
def test_settings_as_code_of_a_regression_run(make):
    explorer = settled(make(REGRESSION))
    names = {"show": show, "landscape": REGRESSION, "line": Line(P, Q)}
    names |= {"paths": {"line": Line(P, Q), "curve": Bezier((P, R, Q))}}
    names |= {"plane": Plane.through(P, Q, R), "simplex": Simplex((P, Q, R)), "marks": {"p": P}}
    names["planes"] = names["plane"] if "planes" in explorer.code() else None
    exec(explorer.code(), names)
    assert REGRESSION(names["theta"]).loss > 0


def test_samples_of_a_yes_or_no_network_have_two_bars_each():
    truth = (INPUTS[:, 0] > 0).float()
    field = Landscape(MODEL, (INPUTS, truth), "one_logit")
    explorer = settled(show.explore_line(field, Line(P, Q), samples=Data(INPUTS[:4], truth[:4])))
    assert len(explorer.fig.trace("samples:bars")["y"]) == 4 * 2
    yes = outputs_at(Line(P, Q)(0.5), INPUTS[:4]).sigmoid()[:, 0]
    said = explorer.fig.trace("samples:verdict")["text"]
    right = [(float(y) > 0.5) == bool(t) for y, t in zip(yes, truth, strict=False)]
    assert [text.startswith("<b>✓") for text in said] == right


def outputs_at(theta, inputs):
    return torch.func.functional_call(MODEL, dict(theta), (inputs,)).detach()


def test_samples_without_a_known_label_are_left_out():
    labels = torch.tensor([0, -100, 1])
    explorer = show.explore_line(Hill(), LINE, samples=Data(torch.rand(3, 1, 4, 4), labels))
    assert len(settled(explorer).fig.trace("samples:verdict")["text"]) == 2
    none = show.explore_line(Hill(), LINE, samples=Data(torch.rand(1, 1, 4, 4), labels[1:2]))
    assert "where their labels are known" in settled(none).status.value


def test_samples_with_several_inputs_are_left_out_and_that_is_said():
    samples = Data({"x": torch.rand(3, 2), "y": torch.rand(3, 2)}, torch.arange(3))
    explorer = settled(show.explore_line(Hill(), LINE, samples=samples))
    assert "these have several" in explorer.status.value


def test_landscapes_that_measure_different_things_share_no_picture():
    with pytest.raises(ValueError, match=r"'a' measures loss \(squared kg\) and mean absolute"):
        show.explore_line({"a": REGRESSION, "b": LOSS_ONLY}, Line(P, Q))


def test_a_quantity_that_is_not_measured_is_refused_with_the_choices():
    over = survey(REGRESSION, Plane.through(P, Q, R), T, T)
    for draw in (show.draw_surface, lambda s, what: show.draw_surfaces({"a": s}, what=what)):
        with pytest.raises(ValueError, match="Choose 'loss' or 'mean absolute error'"):
            draw(over, what="accuracy")
    with pytest.raises(ValueError, match="Choose 'loss' or 'mean absolute error'"):
        show.draw_profiles(profile(REGRESSION, Line(P, Q), points=5), what="error")


def test_the_barrier_of_a_quality_is_its_rise_above_its_own_chord():
    measures = Measures(Quantity("loss", "squared m"), Quantity("mean absolute error", "m"))
    t = torch.linspace(0, 1, 5, dtype=torch.double)
    quality = torch.tensor([1.0, 3.0, 4.0, 2.0, 2.0]).double()
    run = Profile(t, 10 * quality, quality, measures)
    drawn = show.draw_profiles(run, what="mean absolute error")
    assert drawn.data[-1].text[1].strip() == "barrier 2.5 m"
    named = show.draw_profiles({"x": run}, what="mean absolute error")
    assert named.data[0].name == "x: barrier 2.5"


def test_of_a_quality_that_is_better_higher_no_barrier_is_drawn():
    measures = Measures(Quantity("loss"), Quantity("R²", higher_is_better=True))
    run = Profile(T, T, torch.tensor([0.9, -0.5, 0.2, 0.8]).double(), measures)
    drawn = show.draw_profiles(run, what="R²")
    assert [trace.meta for trace in drawn.data] == ["R²:curve:"]
    assert "worst -0.5 at t = 0.33" in drawn.layout.meta["description"]


def test_an_error_of_the_readers_own_is_not_turned_round():
    own = Measures(Quantity("loss"), Quantity("error", share=True))
    run = Profile(T, T, torch.tensor([0.1, 0.2, 0.3, 0.4]).double(), own)
    assert torch.equal(run.values("error"), run.quality)
    assert tuple(show.draw_profiles(run, what="error").data[0].y) == (0.1, 0.2, 0.3, 0.4)


def test_a_curve_through_a_regression_is_trained_while_one_looks():
    curve, plan = Bezier.between(P, Q), Recipe(steps=20, lr=0.05)
    start = {
        "curve": lambda: Fitting(
            MODEL, NUMBERS, curve, plan, objective=REGRESSION.objective, seed=0
        )
    }
    explorer = show.explore_curves(REGRESSION, {"curve": curve}, training=start, resolution=11)
    explorer.go_on()
    assert settled(explorer).trainer.state == "done"
    assert re.search(
        r"loss \S+ squared kg on curve; .* Curve at step 20 of 20\.", explorer.status.value
    )


def test_small_squared_errors_keep_their_contours():
    loss = torch.logspace(-9, -6, 12, dtype=torch.double).view(3, 4)
    exact = torch.ones(3, 4, dtype=torch.bool)
    over = Surface(T, T[:3], loss, loss, exact, REGRESSION.measures)
    heights = np.array(show.draw_surface(over).data[0].z)
    assert np.allclose(heights, loss.log10(), atol=1e-4)


def test_a_loss_that_can_be_negative_is_drawn_without_a_logarithm():
    values = torch.tensor([-3.0, -1.0, 2.0]).double()
    scale = Scale(values, quantity=Quantity("loss"), log=True)
    assert not scale.log
    assert torch.equal(scale.heights(values), values)
    both = Scale(values, quantity=Quantity("loss"), log=True, signed=True)
    assert both.heights(values).sign().tolist() == [-1, -1, 1]


def test_ticks_of_differences_follow_the_size_of_the_loss():
    for size in (1e-6, 1.0, 1e6):
        values = size * torch.tensor([-3.0, 0.5, 2.0]).double()
        scale = Scale(values, quantity=Quantity("loss", "squared error"), log=True, signed=True)
        named = [float(text) for text in scale.ticks()["ticktext"]]
        assert len(named) >= 3
        assert max(named) <= 3 * size
        assert all(a < b for a, b in pairwise(named))


def test_around_one_network_the_map_ends_where_another_loss_is_fivefold():
    def small(outputs, targets):
        return 1e-6 * nn.functional.mse_loss(outputs[:, 0], targets)

    fitted = nn.Linear(2, 1)
    fitted.load_state_dict({"weight": torch.tensor([[1.1, 0.9]]), "bias": torch.tensor([1.0])})
    field, theta = Landscape(fitted, NUMBERS, small), Weights.of(fitted)
    plane = Plane.random(theta, seed=0)
    explorer = settled(show.explore_landscape(field, plane, {"fitted": theta}, resolution=11))
    x, y = explorer.surface.x.tolist(), explorer.surface.y.tolist()
    for place in ((x[0], 0.0), (x[-1], 0.0), (0.0, y[0]), (0.0, y[-1])):
        assert field(plane(*place)).loss / field(theta).loss == pytest.approx(5, rel=0.1)


def test_checkpoints_and_arrows_carry_the_unit():
    plane = Plane.through(P, Q, R)
    found = project_run(REGRESSION, [P, Q, 2 * R], plane)
    drawn = show.draw_projected_run(found, [0, 1, 2])
    assert drawn.layout.yaxis.title.text == "loss (squared kg)"
    assert "squared kg and the plane shows" in drawn.layout.meta["description"]
    arrows = gradient_field(REGRESSION, plane, T, T, progress=False)
    over = show.draw_gradient_field(arrows)
    assert over.data[0].colorbar.title.text == "loss (squared kg)"


def test_a_function_that_does_not_say_what_it_measures_counts_as_a_classifier():
    explorer = settled(show.explore_line(Hill(), LINE))
    assert "<b>Accuracy</b>" in titles(explorer)
    assert "loss 2.50 nats, accuracy 100 %" in explorer.status.value
