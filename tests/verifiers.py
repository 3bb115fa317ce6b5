"""What holds for every method, whatever it does, and the odd networks on which it must hold.

A method is a function of points of weight space, or of a network and data. `tests/test_methods.py`
has the table of all methods, and tries every verifier on each.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from fusionlab import Data, Weights
from fusionlab.combinations import Combinations
from fusionlab.descent import Recipe
from fusionlab.landscape import Landscape
from fusionlab.spaces import STATISTICS, check_same_space

CLASSES, ROWS, WIDTH = 3, 24, 6
STEPS = Recipe(steps=3, batch_size=8, lr=0.01, checkpoints=3)

# ---------------------------------------------------------------- odd networks


class Tied(nn.Module):
    """One tensor under two names, which is one coordinate each."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.second.weight = self.first.weight
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        return self.head(self.second(self.first(x).relu()).relu())


class Buffers(nn.Module):
    """A constant, a counter, and a parameter of no dimension that belongs to no layer."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(1.5))
        self.register_buffer("centre", torch.linspace(-1, 1, WIDTH))
        self.register_buffer("version", torch.tensor(2), persistent=False)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        return self.head(self.gain * (x - self.centre))


class Recurrent(nn.Module):
    """The last state of an LSTM over pairs of numbers."""

    def __init__(self):
        super().__init__()
        self.cells = nn.LSTM(2, 4, batch_first=True)
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x):
        return self.head(self.cells(x.view(len(x), -1, 2))[0][:, -1])


class Nested(nn.Module):
    """Layers in a list in a dictionary, with dots and digits in their names."""

    def __init__(self):
        super().__init__()
        blocks = nn.ModuleList([nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)])
        self.parts = nn.ModuleDict({"blocks": blocks, "head": nn.Linear(WIDTH, CLASSES)})

    def forward(self, x):
        for block in self.parts["blocks"]:
            x = block(x).tanh()
        return self.parts["head"](x)


class Complex(nn.Module):
    """Complex weights, whose outputs are real."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(WIDTH, WIDTH, dtype=torch.complex64) / 3)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        return self.head((x.to(self.weight.dtype) @ self.weight).abs())

    def reset_parameters(self):
        with torch.no_grad():
            self.weight.copy_(torch.randn_like(self.weight) / 3)


def _plain() -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, 5), nn.ReLU(), nn.Linear(5, CLASSES))


def _without_biases() -> nn.Module:
    layers = nn.Linear(WIDTH, 5, bias=False), nn.ReLU(), nn.Linear(5, CLASSES, bias=False)
    return nn.Sequential(*layers)


def _normed() -> nn.Module:
    norm, out = nn.BatchNorm1d(5), nn.Dropout(0.2)
    return nn.Sequential(nn.Linear(WIDTH, 5), norm, nn.ReLU(), out, nn.Linear(5, CLASSES))


def _convolving() -> nn.Module:
    image, kernels = nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 2, padding=1)
    norm, mean = nn.GroupNorm(2, 4), nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(image, kernels, norm, nn.ReLU(), mean, nn.Flatten(), nn.Linear(4, CLASSES))


def _attending() -> nn.Module:
    layer = nn.TransformerEncoderLayer(2, 1, 4, dropout=0.0, batch_first=True)
    rows = nn.Unflatten(1, (3, 2))
    return nn.Sequential(rows, layer, nn.Flatten(), nn.Linear(WIDTH, CLASSES))


def _frozen() -> nn.Module:
    network = _plain()
    network[0].requires_grad_(False)
    return network


def _computed() -> nn.Module:
    layer = parametrizations.weight_norm(nn.Linear(WIDTH, 5))
    return nn.Sequential(layer, nn.ReLU(), nn.Linear(5, CLASSES))


NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "plain": _plain,
    "without biases": _without_biases,
    "batch norm and dropout": _normed,
    "convolutions": _convolving,
    "LSTM": Recurrent,
    "attention": _attending,
    "tied": Tied,
    "buffers": Buffers,
    "nested": Nested,
    "frozen layer": _frozen,
    "computed weights": _computed,
    "complex": Complex,
    "half": lambda: _plain().bfloat16(),
}
USUAL = "batch norm and dropout"  # where one network is enough

# ---------------------------------------------------------------- what a method is called with


@dataclass(frozen=True)
class Case:
    """A network, data, and four points of its space that have buffers of their own."""

    model: nn.Module
    data: Data
    points: tuple[Weights, ...]
    seed: int = 0
    recipe: Recipe = STEPS

    @property
    def a(self) -> Weights:
        return self.points[0]

    @property
    def b(self) -> Weights:
        return self.points[1]

    @property
    def c(self) -> Weights:
        return self.points[2]

    @cached_property
    def landscape(self) -> Landscape:
        return Landscape(self.model, self.data)


def case(network: str = USUAL, *, seed: int = 0) -> Case:
    """A case made anew: nothing of it is shared with another."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model, inputs = NETWORKS[network](), torch.randn(ROWS, WIDTH)
        points = tuple(_near(Weights.of(model), i) for i in range(4))
    return Case(model, Data(inputs, torch.arange(ROWS) % CLASSES), points, seed)


def _near(theta: Weights, number: int) -> Weights:
    """A point of its own, whose measurements differ a little too."""
    buffers = {
        name: (1 + number) * buffer if name.rpartition(".")[2] in STATISTICS else buffer
        for name, buffer in theta.buffers.items()
    }
    return Weights(theta.map(lambda t: t + 0.3 * torch.randn_like(t)), buffers)


# ---------------------------------------------------------------- a method


@dataclass(frozen=True)
class Method:
    """A row of the table.

    Args:
        name: the public name, and in brackets which of its ways, if there are several.
        call: the method on a case; small, and to its end.
        takes: how many of the case's points it uses, counted from the first; `MANY` if it would
            take any number.
        gives: a word of `GIVES`, which tells what else holds for the result.
        draws: whether another seed gives other numbers.
        refuses: the networks on which a ValueError is right.
    """

    name: str
    call: Callable[[Case], Any]
    takes: int
    gives: str
    draws: bool = False
    refuses: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    @property
    def public_name(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def usual(self) -> str:
        """The network where one is enough."""
        return next(n for n in (USUAL, *NETWORKS) if n not in self.refuses)

    def count(self, case: Case) -> int:
        return len(case.points) if self.takes == MANY else self.takes


MANY = -1


def _is_of_the_space(point: Any, case: Case) -> None:
    assert isinstance(point, Weights), f"a {type(point).__name__} is no point"
    check_same_space(point, dict(case.model.named_parameters()))


def _are_of_the_space(points: Any, case: Case) -> None:
    for point in points:
        _is_of_the_space(point, case)


def _is_a_path(path: Any, case: Case) -> None:
    """Its ends are a and b themselves, buffers too, and one call is as many at once."""
    for t, end in ((0.0, case.a), (1.0, case.b)):
        assert same(path(t), end), f"at t = {t:g} it is not the end itself"
    _is_of_the_space(path(0.3), case)
    if hasattr(path, "at"):
        assert same(path.at(torch.tensor([0.3]).double())[0], path(torch.tensor([0.3]).item()))


def _is_a_plane(plane: Any, case: Case) -> None:
    rows = plane.grid(torch.tensor([0.0, 0.5]), torch.tensor([0.0, 0.25, 1.0]))
    assert near(rows[3], plane(0.5, 0.25)), "its grid and its calls disagree"


def _is_anything(result: Any, case: Case) -> None:
    """Numbers, and whatever else is in it."""


GIVES: Mapping[str, Callable[[Any, Case], None]] = {
    "point": _is_of_the_space,
    "points": _are_of_the_space,
    "path": _is_a_path,
    "plane": _is_a_plane,
    "numbers": _is_anything,
}

# ---------------------------------------------------------------- what is in a result


NUMBER = Tensor | bool | int | float


def numbers(result: Any) -> Iterator[tuple[str, Tensor]]:
    """All numbers of a result, whatever it is made of, and where in it they stand."""
    for where, part in _parts(result):
        if isinstance(part, Tensor):
            yield where, part
        elif isinstance(part, bool | int | float):
            yield where, torch.tensor(part)
        else:
            yield from ((f"{where}.{inner}", number) for inner, number in numbers(part))


def points_in(result: Any) -> Iterator[Weights]:
    """All points of a result."""
    if isinstance(result, Weights):
        yield result
    elif not isinstance(result, NUMBER):
        for _, part in _parts(result):
            yield from points_in(part)


def _parts(result: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(result, NUMBER):
        yield "", result
    elif isinstance(result, Weights):
        yield from {**result, **result.buffers}.items()
    elif isinstance(result, Combinations):
        yield from vars(result).items()
    elif is_dataclass(result):
        yield from ((field.name, getattr(result, field.name)) for field in fields(result))
    elif isinstance(result, Mapping):
        yield from ((str(name), part) for name, part in result.items())
    elif isinstance(result, Sequence) and not isinstance(result, str):
        yield from ((str(number), part) for number, part in enumerate(result))


def same(one: Any, other: Any) -> bool:
    """Whether two results are alike in every bit."""
    return _alike(one, other, lambda p, q: bool(((p == q) | (p.isnan() & q.isnan())).all()))


def near(one: Any, other: Any, *, within: float = 1e-5) -> bool:
    """Whether two results are alike but for rounding, in whatever precision."""

    def close(p: Tensor, q: Tensor) -> bool:
        p, q = (x.to(torch.complex128) for x in (p, q))
        return bool((p - q).norm() <= within * (1e-3 + p.norm()))

    return _alike(one, other, close)


def _alike(one: Any, other: Any, are: Callable[[Tensor, Tensor], bool]) -> bool:
    pairs = zip(numbers(one), numbers(other), strict=True)
    return all(
        here == there and p.shape == q.shape and are(p, q) for (here, p), (there, q) in pairs
    )


def not_finite(result: Any) -> list[str]:
    """Where in a result stands something that is no number."""
    return [where for where, number in numbers(result) if not number.isfinite().all()]


# ---------------------------------------------------------------- a call, and all around it


@dataclass(frozen=True)
class Outcome:
    """What a call gave or refused, and what of its caller's it changed."""

    result: Any
    error: Exception | None
    changed: Sequence[str]

    @property
    def refusal(self) -> str:
        """The words of the ValueError; any other error is none that a reader should meet."""
        assert isinstance(self.error, ValueError), f"not a ValueError, but {self.error!r}"
        assert not isinstance(self.error, torch.linalg.LinAlgError), str(self.error)
        return str(self.error)


def called(method: Method, on: Case) -> Outcome:
    """Call a method and look at everything around it."""
    before, result, failed = _around(on), None, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = method.call(on)
        except Exception as error:  # which one is right is the verifiers' to say
            failed = error
    after = _around(on)
    return Outcome(result, failed, [what for what in before if before[what] != after[what]])


@cache
def on_network(method: Method, network: str) -> Outcome:
    """The outcome on a network, for the verifiers that only look at it."""
    return called(method, case(network))


def _around(case: Case) -> dict[str, Any]:
    """All that must be as it was after a call, by name, in a form that can be compared."""
    model, data = case.model, case.data
    return {
        "the network": _bits([*model.parameters(), *model.buffers()]),
        "its modes": [layer.training for layer in model.modules()],
        "its gradients": [p.grad is None for p in model.parameters()],
        "what of it is frozen": [p.requires_grad for p in model.parameters()],
        "its hooks": [len(layer._forward_pre_hooks) for layer in model.modules()],
        "the points": _bits([t for point in case.points for _, t in numbers(point)]),
        "the data": _bits([data.inputs, data.targets]),
        "torch's generator": torch.get_rng_state().tolist(),
        "NumPy's generator": repr(np.random.get_state()),  # noqa: NPY002
        "Python's generator": random.getstate(),
        "torch's threads": torch.get_num_threads(),
        "whether gradients are kept": torch.is_grad_enabled(),
        "the default precision": torch.get_default_dtype(),
    }


def _bits(tensors: Sequence[Tensor]) -> list[Any]:
    return [(t.dtype, t.shape, repr(t.detach().flatten().tolist())) for t in tensors]


# ---------------------------------------------------------------- verifiers, on each network


def works(method: Method, network: str) -> None:
    """It gives numbers, and what it says it gives; or refuses in words where that is listed."""
    outcome = on_network(method, network)
    if network in method.refuses:
        assert outcome.refusal
        return
    assert outcome.error is None, repr(outcome.error)
    assert not not_finite(outcome.result), "numbers of the result are none"
    GIVES[method.gives](outcome.result, case(network))


def leaves_all_as_it_was(method: Method, network: str) -> None:
    """Points, network, data, generators and torch's settings are what they were."""
    assert not on_network(method, network).changed


# ---------------------------------------------------------------- verifiers, on one network


def follows_its_seed_alone(method: Method) -> None:
    """The same seed gives the same bits, whatever was drawn before; another one, if it draws."""
    network = method.usual
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = called(method, case(network)).result
        torch.manual_seed(2)
        again, other = (called(method, case(network, seed=s)).result for s in (0, 1))
    assert same(first, again), "a second call with the same seed gives other numbers"
    assert same(first, other) is not method.draws, "the seed and the column `draws` disagree"


# ---------------------------------------------------------------- verifiers, on points


def refuses_other_spaces(method: Method) -> None:
    """A point of other names or widths is refused, unless it is alone and meets no network."""
    there = case(method.usual)
    for stranger in (case("tied").a, there.a.map(lambda t: torch.cat([t, t]))):
        met = _with_last(method, there, stranger)
        outcome = called(method, met)
        if outcome.error is None:
            assert method.count(there) == 1, "a point of another space is taken in"
            assert same(outcome.result, method.call(replace(met, model=None, data=None)))
        else:
            assert outcome.refusal


def hides_no_nan(method: Method) -> None:
    """Of a point that is NaN the result is so too, or there is a refusal, or it was not read."""
    there = case(method.usual)
    last = there.points[method.count(there) - 1]
    broken = Weights(last.map(lambda t: t * torch.nan), last.buffers)
    outcome = called(method, _with_last(method, there, broken))
    if outcome.error is not None:
        assert "NaN" in outcome.refusal or "nan" in outcome.refusal, outcome.refusal
    elif not not_finite(outcome.result):
        assert same(outcome.result, method.call(there)), "NaN has become a number"


def bears_one_point(method: Method) -> None:
    """All points are one and the same, or there is but one: numbers, or a refusal in words."""
    there = case(method.usual)
    count = 1 if method.takes == MANY else len(there.points)
    outcome = called(method, replace(there, points=(there.a,) * count))
    if outcome.error is not None:
        assert outcome.refusal
    else:
        assert not not_finite(outcome.result), "numbers of the result are none"


def keeps_the_precision(method: Method) -> None:
    """Points in float64 give what those in float32 do but for rounding, in float64."""
    there = case(method.usual)
    wide = tuple(point.move(dtype=torch.double) for point in there.points)
    outcome = called(method, replace(there, points=wide))
    assert outcome.error is None, repr(outcome.error)
    assert {t.dtype for p in points_in(outcome.result) for t in p.values()} <= {torch.double}
    assert near(outcome.result, method.call(there), within=1e-3), "the numbers are others"


def bears_another_precision(method: Method) -> None:
    """Points of half precision, or of two precisions, give numbers, or a refusal in words."""
    there = case(method.usual)
    half = tuple(point.move(dtype=torch.bfloat16) for point in there.points)
    for points in (half, (*half[:1], *there.points[1:]), (*there.points[:1], *half[1:])):
        outcome = called(method, replace(there, points=points))
        if outcome.error is not None:
            assert outcome.refusal
        else:
            assert not not_finite(outcome.result), "numbers of the result are none"


def _with_last(method: Method, there: Case, point: Weights) -> Case:
    """The case with another point in the place of the last one that the method uses."""
    last = method.count(there) - 1
    return replace(there, points=(*there.points[:last], point, *there.points[last + 1 :]))


ON_NETWORKS = (works, leaves_all_as_it_was)
ON_POINTS = (
    refuses_other_spaces, hides_no_nan, bears_one_point, keeps_the_precision,
    bears_another_precision,
)  # fmt: skip
