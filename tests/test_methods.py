"""Every method of every family has a row here; what must hold for all of them is tried on each."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import torch

import fusionlab
from fusionlab import Weights, combine, connectivity, landscape, lerp, mean, slerp
from fusionlab.combinations import Combinations
from fusionlab.connectivity import (
    BandFitting,
    Bezier,
    Chain,
    Complex,
    Fitting,
    Line,
    Patch,
    Polyline,
    Simplex,
    connect,
    cosine_penalty,
    elastic_band,
    feature_connectivity,
    fit,
    instability,
    layers,
    layerwise_profiles,
    lengths,
    path_statistics,
    points_on,
    profile,
)  # fmt: skip
from fusionlab.lab import fork, initial, train, train_many, zoo
from fusionlab.landscape import (
    Plane,
    Survey,
    centred_products,
    eigenpairs,
    eigenplane,
    ensemble_probabilities,
    ensemble_score,
    filter_normalise,
    flatness,
    gradient_field,
    loss_range,
    picture_plane,
    principal_components,
    project_run,
    random_direction,
    recalibrate,
    score_all,
    sharpness,
    spectral_density,
    survey,
    trace,
    trajectory_plane,
)  # fmt: skip
from tests.verifiers import (
    MANY,
    NETWORKS,
    ON_NETWORKS,
    ON_POINTS,
    Case,
    Method,
    bears_another_precision,
    bears_one_point,
    follows_its_seed_alone,
    hides_no_nan,
    keeps_the_precision,
    leaves_all_as_it_was,
    refuses_other_spaces,
    works,
)  # fmt: skip

OTHERS = {"checkpoints", "descent", "objectives", "rows", "show", "teach"}  # with no methods
PACKAGES = [m.name for m in pkgutil.iter_modules(fusionlab.__path__) if m.ispkg]
FAMILIES = [fusionlab, *(import_module(f"fusionlab.{n}") for n in PACKAGES if n not in OTHERS)]
T = torch.tensor([0.0, 0.4, 1.0], dtype=torch.double)
QUIET: dict[str, Any] = {"progress": False}
COMPLEX = ("complex",)
# Of a picture, which needs two linear layers at the end, with biases.
OTHER_ENDS = tuple({*NETWORKS} - {"plain", "nested", "frozen layer", "half"})


def end(steps: Iterator[Any]) -> Any:
    """What an iterator that takes its time gives at last."""
    *_, last = steps
    return last


def plane(s: Case) -> Plane:
    return Plane.through(s.a, s.b, s.c)


def near_a(s: Case) -> Plane:
    return Plane.random(s.a, seed=3)


METHODS = [
    # points → a point
    Method("Weights", lambda s: (s.a + 0.5 * (s.b - s.a)) / 2, 2, "point"),
    Method("combine", lambda s: combine([0.2, 0.3, 0.5], s.points[:3]), 3, "point"),
    Method("lerp", lambda s: lerp(s.a, s.b, 0.3), 2, "point"),
    Method("mean", lambda s: mean(s.points), MANY, "point"),
    Method("slerp", lambda s: slerp(s.a, s.b, 0.3), 2, "point"),
    Method(
        "Combinations",
        lambda s: Combinations(s.points, torch.eye(len(s.points)))[:2],
        MANY,
        "points",
    ),
    Method("Simplex", lambda s: Simplex((s.a, s.b, s.c))([0.2, 0.3, 0.5]), 3, "point"),
    Method(
        "Simplex (sampled)",
        lambda s: Simplex((s.a, s.b, s.c)).sample(3, seed=s.seed),
        3,
        "points",
        draws=True,
    ),
    Method(
        "Complex", lambda s: Complex((s.a, s.b, s.c), ((0, 1), (1, 2)))([0.5, 0.3, 0.2]), 3, "point"
    ),
    Method(
        "Complex (sampled)",
        lambda s: Complex.of((s.a, s.b)).cone(s.c).sample(3, seed=s.seed),
        3,
        "points",
        draws=True,
    ),
    Method("Patch", lambda s: Patch.over(s.points)(0.2, 0.7), 4, "point"),
    Method(
        "random_direction", lambda s: random_direction(s.a, seed=s.seed), 1, "point", draws=True
    ),
    Method("filter_normalise", lambda s: filter_normalise(s.a, s.b), 2, "point"),
    Method("recalibrate", lambda s: recalibrate(s.model, s.a, s.data), 1, "point"),
    # two points → a path
    Method("Line", lambda s: Line(s.a, s.b), 2, "path"),
    Method("Bezier", lambda s: Bezier.between(s.a, s.b, bends=2), 2, "path"),
    Method("Chain", lambda s: Chain((s.a, s.c, s.b)), 3, "path"),
    Method("Polyline", lambda s: Polyline.even((s.a, s.c, s.b)), 3, "path"),
    Method(
        "fit (a curve)",
        lambda s: (
            fit(s.model, s.data, Bezier.between(s.a, s.b), s.recipe, seed=s.seed, **QUIET).shape
        ),
        2,
        "path",
        draws=True,
        refuses=COMPLEX,
    ),
    Method(
        "Fitting",
        lambda s: (
            end(Fitting(s.model, s.data, Chain.between(s.a, s.b), s.recipe, seed=s.seed)).shape
        ),
        2,
        "path",
        draws=True,
        refuses=COMPLEX,
    ),
    Method(
        "elastic_band",
        lambda s: elastic_band(
            s.landscape, s.a, s.b, pivots=2, cycles=1, steps=2, lr=0.01, **QUIET
        ),
        2,
        "path",
    ),
    Method(
        "elastic_band (on batches)",
        lambda s: elastic_band(
            s.landscape,
            s.a,
            s.b,
            pivots=2,
            cycles=1,
            steps=2,
            lr=0.01,
            batch=8,
            seed=s.seed,
            **QUIET,
        ),
        2,
        "path",
        draws=True,
    ),
    Method(
        "BandFitting",
        lambda s: end(BandFitting(s.landscape, s.a, s.b, pivots=2, cycles=1, steps=2, lr=0.01)),
        2,
        "path",
    ),
    # several points → the shape that they span
    Method(
        "fit (a subspace)",
        lambda s: fit(
            s.model,
            s.data,
            Simplex((s.a, s.b)),
            s.recipe,
            seed=s.seed,
            layerwise=True,
            penalty=cosine_penalty(1.0),
            **QUIET,
        ),
        2,
        "numbers",
        draws=True,
        refuses=COMPLEX,
    ),
    Method(
        "connect",
        lambda s: connect(s.model, s.data, [s.a, s.b], s.recipe, seed=s.seed, **QUIET),
        2,
        "numbers",
        draws=True,
        refuses=COMPLEX,
    ),
    # a path and what it is like
    Method("points_on", lambda s: points_on(Line(s.a, s.b), T), 2, "points"),
    Method("profile", lambda s: profile(s.landscape, Line(s.a, s.b), t=T), 2, "numbers"),
    Method(
        "path_statistics",
        lambda s: path_statistics(s.landscape, Line(s.a, s.b), points=3),
        2,
        "numbers",
    ),
    Method("lengths", lambda s: lengths(s.points), MANY, "numbers"),
    Method("layers", lambda s: layers(s.a), 1, "numbers"),
    Method(
        "layerwise_profiles",
        lambda s: layerwise_profiles(s.landscape, s.a, s.b, points=3),
        2,
        "numbers",
    ),
    Method(
        "feature_connectivity",
        lambda s: feature_connectivity(s.model, s.a, s.b, s.data),
        2,
        "numbers",
    ),
    Method("instability", lambda s: instability(s.landscape, s.points, points=3), MANY, "numbers"),
    # the loss at points
    Method("Landscape", lambda s: s.landscape(s.a), 1, "numbers"),
    Method("Landscape (many)", lambda s: s.landscape.scores(s.points), MANY, "numbers"),
    Method("Landscape (logits)", lambda s: s.landscape.logits(s.a, s.data.inputs), 1, "numbers"),
    Method("Landscape (slope)", lambda s: s.landscape.slope(s.a), 1, "numbers"),
    Method(
        "Landscape (Hessian)",
        lambda s: s.landscape.hessian(s.a)(torch.ones(1, s.a.size)),
        1,
        "numbers",
        refuses=COMPLEX,
    ),
    Method("score_all", lambda s: score_all(s.landscape.__call__, s.points), MANY, "numbers"),
    Method(
        "ensemble_probabilities",
        lambda s: ensemble_probabilities(s.landscape, s.points, s.data.inputs),
        MANY,
        "numbers",
    ),
    Method("ensemble_score", lambda s: ensemble_score(s.landscape, s.points), MANY, "numbers"),
    # planes and maps of them
    Method("Plane", plane, 3, "plane"),
    Method("Plane (around)", lambda s: Plane.around(s.a, s.b, s.c), 3, "plane"),
    Method("Plane (random)", lambda s: Plane.random(s.a, seed=s.seed), 1, "plane", draws=True),
    Method("Plane (located)", lambda s: near_a(s).locate(s.points), MANY, "numbers"),
    Method(
        "eigenplane",
        lambda s: eigenplane(s.landscape, s.a, seed=s.seed, **QUIET),
        1,
        "plane",
        draws=True,
        refuses=COMPLEX,
    ),
    Method("trajectory_plane", lambda s: trajectory_plane(s.points).plane, MANY, "plane"),
    Method("principal_components", lambda s: principal_components(s.points), MANY, "numbers"),
    Method("project_run", lambda s: project_run(s.landscape, s.points, near_a(s)), MANY, "numbers"),
    Method(
        "picture_plane",
        lambda s: picture_plane(s.landscape, s.a, torch.eye(2), units=40, seed=s.seed, top=9.0),
        1,
        "plane",
        draws=True,
        refuses=OTHER_ENDS,
    ),
    Method("centred_products", lambda s: centred_products(s.points), MANY, "numbers"),
    Method("loss_range", lambda s: loss_range(s.landscape, near_a(s)), 1, "numbers"),
    Method("survey", lambda s: survey(s.landscape, plane(s), T, T[:2]), 3, "numbers"),
    Method("Survey", lambda s: Survey(s.landscape, plane(s), T, T[:2]).finish(), 3, "numbers"),
    Method(
        "gradient_field",
        lambda s: gradient_field(s.landscape, plane(s), T[:2], T[:1], **QUIET),
        3,
        "numbers",
    ),
    # the shape of the loss at a point
    Method(
        "sharpness",
        lambda s: sharpness(s.landscape, s.a, region="ball", steps=2, seed=s.seed, **QUIET),
        1,
        "numbers",
        draws=True,
    ),
    Method(
        "flatness",
        lambda s: flatness(s.landscape, s.a, scales=(0.1, 0.2), draws=2, seed=s.seed, **QUIET),
        1,
        "numbers",
        draws=True,
    ),
    Method(
        "eigenpairs",
        lambda s: eigenpairs(s.landscape, s.a, k=1, tolerance=0.1, seed=s.seed, **QUIET),
        1,
        "numbers",
        draws=True,
        refuses=COMPLEX,
    ),
    Method(
        "spectral_density",
        lambda s: spectral_density(s.landscape, s.a, probes=2, steps=3, seed=s.seed, **QUIET),
        1,
        "numbers",
        draws=True,
        refuses=COMPLEX,
    ),
    Method(
        "trace",
        lambda s: trace(s.landscape, s.a, tolerance=0.5, most=20, seed=s.seed, **QUIET),
        1,
        "numbers",
        draws=True,
        refuses=COMPLEX,
    ),
    # where points come from
    Method("initial", lambda s: initial(s.model, seed=s.seed), 0, "point", draws=True),
    Method(
        "train",
        lambda s: train(s.model, s.data, s.recipe, seed=s.seed, **QUIET),
        0,
        "numbers",
        draws=True,
    ),
    Method(
        "train (from a point)",
        lambda s: train(s.model, s.data, s.recipe, seed=s.seed, start=s.a, **QUIET).final,
        1,
        "point",
        draws=True,
    ),
    Method(
        "train_many",
        lambda s: train_many(s.model, s.data, s.recipe, seeds=[s.seed, 5], **QUIET),
        0,
        "numbers",
        draws=True,
    ),
    Method(
        "zoo",
        lambda s: zoo(s.model, s.data, s.recipe, seeds=[s.seed], **QUIET),
        0,
        "numbers",
        draws=True,
    ),
    Method(
        "fork",
        lambda s: fork(s.model, s.data, s.recipe, at=[1], seed=s.seed, children=1, **QUIET),
        0,
        "numbers",
        draws=True,
    ),
]
WITH_POINTS = [method for method in METHODS if method.takes]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize("verifier", ON_NETWORKS, ids=lambda verifier: verifier.__name__)
def test_on_any_network_a_method(verifier, method, network):
    verifier(method, network)


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_method_follows_its_seed_alone(method):
    follows_its_seed_alone(method)


@pytest.mark.parametrize("method", WITH_POINTS, ids=str)
@pytest.mark.parametrize("verifier", ON_POINTS, ids=lambda verifier: verifier.__name__)
def test_of_points_a_method(verifier, method):
    verifier(method)


def test_every_method_of_a_family_has_a_row():
    rows = {method.public_name for method in METHODS}
    named = {(family, name) for family in FAMILIES for name in family.__all__}
    assert {name for family, name in named if is_method(family, name)} - rows == set()
    assert rows - {name for _, name in named} == {"Combinations"}  # the points of all shapes


def is_method(family: Any, name: str) -> bool:
    """Whether it is a function of points, a network or a landscape, or something like one."""
    value = getattr(family, name)
    if inspect.isclass(value):
        doing = ("__call__", "__next__", "__matmul__")
        own = {name for each in value.__mro__ for name in vars(each)}
        return bool(own.intersection(doing)) and not is_abstract(value)
    if not inspect.isfunction(value):
        return False
    wanted = ("Weights", "Module", "ScoreFunction", "Sloped", "Curved", "Landscape", "Plane")
    given = [str(p.annotation) for p in inspect.signature(value).parameters.values()]
    return any(word in words for word in wanted for words in given)


def is_abstract(value: Any) -> bool:
    """A protocol, or a class whose subclasses say what it is."""
    return getattr(value, "_is_protocol", False) or value in NOT_ALONE


# Made by methods that have a row; the curves have theirs.
NOT_ALONE = (connectivity.Curve, connectivity.Band, landscape.Hessian)


# ---------------------------------------------------------------- the verifiers are seen to work


def by_position(s: Case) -> Weights:
    return Weights(dict(zip(s.a, s.b.values(), strict=False)))


def moved(s: Case) -> Weights:
    return s.a.map(lambda t: t + torch.rand(()))


BROKEN = [
    (works, lambda s: s.a.map(torch.sign), "complex", {}),
    (works, lambda s: s.a.map(lambda t: t / 0), "plain", {}),
    (works, lambda s: s.a.map(lambda t: t.flatten()), "plain", {}),
    (works, lambda s: lambda t: lerp(s.b, s.a, t), "plain", {"gives": "path"}),
    (works, lambda s: s.a, "plain", {"refuses": ("plain",)}),
    (leaves_all_as_it_was, lambda s: s.a.map(lambda t: t.mul_(2)), "plain", {}),
    (leaves_all_as_it_was, moved, "plain", {}),
    (leaves_all_as_it_was, lambda s: s.model.eval() and s.a, "plain", {}),
    (leaves_all_as_it_was, lambda s: s.model(s.data.inputs).sum().backward() or s.a, "plain", {}),
    (leaves_all_as_it_was, lambda s: s.model(s.data.inputs), "batch norm and dropout", {}),
    (follows_its_seed_alone, moved, None, {}),
    (follows_its_seed_alone, moved, None, {"draws": True}),
    (follows_its_seed_alone, lambda s: s.a, None, {"draws": True}),
    (follows_its_seed_alone, lambda s: random_direction(s.a, seed=s.seed), None, {}),
    (refuses_other_spaces, by_position, None, {"takes": 2}),
    (refuses_other_spaces, lambda s: s.a if s.model else s.b, None, {}),
    (refuses_other_spaces, lambda s: s.a["0.weight"], None, {}),
    (hides_no_nan, lambda s: s.a.map(torch.nan_to_num), None, {}),
    (hides_no_nan, lambda s: torch.linalg.svdvals(s.a["0.weight"]), None, {}),
    (bears_one_point, lambda s: s.points[1], None, {"takes": MANY}),
    (bears_one_point, lambda s: (s.b - s.a) / (s.b - s.a).norm(), None, {"takes": 2}),
    (keeps_the_precision, lambda s: s.a.map(lambda t: t.float()), None, {}),
    (bears_another_precision, lambda s: s.a["0.weight"] @ s.b["0.weight"].T, None, {"takes": 2}),
]


@pytest.mark.parametrize(("verifier", "call", "network", "told"), BROKEN)
def test_a_verifier_sees_a_method_that_is_broken(verifier, call, network, told):
    method = Method("broken", call, **{"takes": 1, "gives": "point", **told})
    with pytest.raises((AssertionError, ValueError)):
        verifier(method, network) if network else verifier(method)
