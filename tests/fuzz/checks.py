"""One network, one policy: what the package says beside the plain loop, and what it touched."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from fusionlab import Weights
from fusionlab.combinations import Combinations
from fusionlab.connectivity import fit
from fusionlab.descent import Recipe
from fusionlab.landscape import Landscape, recalibrate
from tests.fuzz import oracle
from tests.fuzz.modules import ALONG_ROWS, DRIFTING, Case, begin, copied

POLICIES = ("recalibrate", "interpolate", "fixed")
BETWEEN = (0.0, 0.25, 0.6, 1.0)
WORST = {"loss": 1e-4, "quality": 2e-2, "logits": 1e-3, "gradient": 5e-3, "product": 2e-2,
         "statistics": 1e-3, "first step": 1e-4, "copy": 1e-6}  # fmt: skip


@dataclass
class Findings:
    """Relative differences by what was compared, warnings, a refusal, and what was damaged."""

    case: Case
    policy: str
    apart: dict[str, float] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    refused: str = ""
    impossible: str = ""  # what plain PyTorch says
    damaged: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """What differs by more than rounding."""
        return [
            f"{what} {apart:.2g}"
            for what, apart in self.apart.items()
            if not apart <= WORST[what.partition(",")[0]]
        ]

    @property
    def distrusted(self) -> bool:
        """Whether a warning says that results are not to be trusted."""
        return any("do not trust" in words or "no function" in words for words in self.told)

    def __str__(self) -> str:
        return (
            f"{self.case.kind} #{self.case.seed} {self.policy}: {self.wrong + self.damaged} "
            f"{self.case.family} {self.case.names} {self.case.habit}"
        )


def check(case: Case, policy: str) -> Findings:
    """Compare everything at this policy; a refusal is a sentence, not a crash."""
    found = Findings(case, policy)
    with warnings.catch_warnings(record=True) as told, untouched(case, found):
        warnings.simplefilter("always")
        try:
            compare(case, policy, found)
        except oracle.Fails as error:
            found.impossible = str(error)
        except ValueError as error:
            found.refused = str(error)
    found.told = [str(w.message) for w in told if issubclass(w.category, RuntimeWarning)]
    return found


def compare(case: Case, policy: str, found: Findings) -> None:
    apart = case.seed % 2 == 1  # calibration data of their own, every second time
    data, a, b = case.data, case.a, case.b
    calibration = case.calibration if apart and policy == "recalibrate" else data
    landscape = Landscape(
        case.model, data, batch_norm=policy, calibration=calibration if apart else None
    )

    def statistics(tensors: dict[str, Tensor], t: float, theta: Weights) -> dict[str, Tensor]:
        if policy == "recalibrate":
            return oracle.statistics_of(case, tensors, calibration.inputs)
        names = oracle.mixed_statistics(case, 0.0)
        if policy == "interpolate":
            return oracle.mixed_statistics(case, t)
        return {n: theta.buffers[n] for n in names}

    def expected(t: float, theta: Weights) -> tuple[float, float]:
        ends = {0.0: a, 1.0: b}
        tensors = {**ends[t], **ends[t].buffers} if t in ends else oracle.mixed(a, b, t)
        return oracle.loss(case, tensors, statistics(tensors, t, theta))

    def note(what: str, got: tuple[float, float], right: tuple[float, float]) -> None:
        put(found, f"loss, {what}", abs(got[0] - right[0]) / max(abs(right[0]), 1e-3))
        put(found, f"quality, {what}", abs(got[1] - right[1]))

    own = {t: expected(t, theta) for t, theta in ((0.0, a), (1.0, b))}
    note("one point", landscape(b), own[1.0])
    note("one point again", landscape(a), own[0.0])
    for got, t in zip(landscape.scores([a, b]), (0.0, 1.0), strict=True):
        note("a list", got, own[t])
    t = torch.tensor(BETWEEN)
    line = Combinations([a, b], torch.stack([1 - t, t], 1).double())
    for got, s in zip(landscape.scores(line), BETWEEN, strict=True):
        note("a line", got, expected(round(s, 6), a))
    one = landscape.scores(line[2:3])
    note("one of a line", next(iter(one)), expected(0.6, a))
    tensors = {**b, **b.buffers}
    held = statistics(tensors, 1.0, b)
    put(found, "logits", apart_of(
        oracle.outputs(case, tensors, held), first(landscape.logits(b, data.inputs))
    ))  # fmt: skip
    copies(case, found)
    if policy == "recalibrate":
        first_step(case, found)
    if policy == "recalibrate":
        measured = recalibrate(case.model, b, calibration).buffers
        for name, right in held.items():
            small = 0.1 * len(right) ** 0.5  # of numbers that are normalised again
            difference = (right.double() - measured[name].double()).norm()
            put(found, f"statistics, {name}", float(difference / (right.double().norm() + small)))
    slopes(case, policy, found, landscape, tensors, held, calibration is data)


def slopes(  # noqa: PLR0917
    case: Case, policy: str, found: Findings, landscape: Landscape,
    tensors: dict[str, Tensor], held: dict[str, Tensor], own: bool,
) -> None:  # fmt: skip
    direction = case.a - case.b
    right, _ = oracle.gradients(case, tensors, held)
    score, gradient = landscape.slope(case.b)
    known = [right]
    if policy == "recalibrate" and own:
        known.append(oracle.through_statistics(case, tensors))
    put(found, "gradient", min(apart_of(flat(g), gradient.flat()) for g in known))
    value = oracle.loss(case, tensors, held)[0]
    put(found, "loss, of the slope", abs(score.loss - value) / max(value, 1e-3))
    if any(t.is_complex() for t in case.b.values()):
        return
    _, product = oracle.gradients(case, tensors, held, direction)
    hessian = landscape.hessian(case.b)
    got = hessian(direction.flat()[None].to(gradient.flat().dtype))[0]
    small = 1e-3 * direction.norm()  # where curvature is nothing but rounding
    wide = flat(product).double()
    put(found, "product", float((wide - got.double()).norm() / (wide.norm() + small)))


def copies(case: Case, found: Findings) -> None:
    """`Weights.of` reads what was written, and `to` gives a network that is plainly right."""
    theta = Weights.of(case.b.to(case.model))
    for name, tensor in {**theta, **theta.buffers}.items():
        right = {**case.b, **case.b.buffers}[name]
        put(found, "copy", float((tensor.double() - right.double()).abs().max())
            if not tensor.is_complex() and tensor.isfinite().all() else 0.0)  # fmt: skip


class Place:
    """A shape that is one point between two."""

    fixed: tuple[int, ...] = (0,)

    def __init__(self, points):
        self.points = tuple(points)

    def draw(self, n, generator):
        return torch.tensor([[0.4, 0.6]]).expand(n, 2)

    def through(self, points):
        return Place(points)


def first_step(case: Case, found: Findings) -> None:
    """A fit's first loss is that of the network in training mode, on all rows."""
    if (
        {
            "double part",
            "complex weights",
            "dropout",
            "draws to no use",
            "encoder",
            "encoder, norm first",
            "attention along rows",
        }
        & {*case.names}
        or (ALONG_ROWS | DRIFTING) & {*case.names}
        or case.habit == "double points"
    ):
        return
    network = begin(oracle.loaded(case, oracle.mixed(case.a, case.b, 0.6)))
    value = cross_entropy(
        oracle.logits(oracle.called(network, copied(case.data.inputs))), case.data.targets
    )
    oracle.differentiated(value, [p for p in network.parameters() if p.requires_grad])
    points, right = [Weights(p) for p in (case.a, case.b)], value.item()
    recipe = Recipe(epochs=1, batch_size=len(case.data), lr=1e-6)
    fitted = fit(case.model, case.data, Place(points), recipe, seed=0, progress=False)
    put(found, "first step", abs(fitted.losses[0].item() - right) / max(right, 1e-3))


@contextmanager
def untouched(case: Case, found: Findings) -> Iterator[None]:
    """Note whatever the reader's own was changed in this block."""
    model = case.model
    tensors = {
        "model": lambda: [*model.parameters(), *model.buffers()],
        "points": lambda: [t for p in (case.a, case.b) for t in (*p.values(), *p.buffers.values())],
        "data": lambda: [t for d in (case.data, case.calibration)
                         for t in (*each(d.inputs), d.targets)],
    }  # fmt: skip
    facts: dict[str, Callable[[], object]] = {
        "modes": lambda: [m.training for m in model.modules()],
        "gradients": lambda: [p.grad is None for p in model.parameters()],
        "requires_grad": lambda: [p.requires_grad for p in model.parameters()],
        "calls counted": lambda: [getattr(m, "calls", 0) for m in model.modules()
                                  if isinstance(getattr(m, "calls", 0), int)],
        "torch's generator": lambda: torch.get_rng_state().tolist(),
        "numpy's generator": lambda: repr(np.random.get_state()),  # noqa: NPY002
        "python's generator": random.getstate,
        "threads": torch.get_num_threads,
        "gradient mode": torch.is_grad_enabled,
    }  # fmt: skip
    held = {what: [t.detach().clone() for t in get()] for what, get in tensors.items()}
    known = {what: get() for what, get in facts.items()}
    yield
    for what, get in tensors.items():
        pairs = zip(held[what], get(), strict=True)
        if not all(torch.equal(p, q) for p, q in pairs):
            found.damaged.append(what)
    found.damaged += [what for what, get in facts.items() if get() != known[what]]


def each(inputs: object) -> list[Tensor]:
    if isinstance(inputs, dict):
        return list(inputs.values())
    return list(inputs) if isinstance(inputs, tuple) else [inputs]


def put(found: Findings, what: str, apart: float) -> None:
    """Keep the largest difference; a number that is none is infinitely far."""
    apart = float("inf") if math.isnan(apart) else apart
    found.apart[what] = max(found.apart.get(what, 0.0), apart)


def apart_of(right: Tensor, got: Tensor) -> float:
    p, q = (t.detach().to(torch.complex128 if t.is_complex() else torch.double)
            for t in (right, got))  # fmt: skip
    if p.shape != q.shape:
        return float("inf")
    return float((p - q).norm() / p.norm().clamp_min(1e-6))


def flat(tensors: dict[str, Tensor]) -> Tensor:
    return torch.cat([t.flatten() for t in tensors.values()])


def first(returned: object) -> Tensor:
    return oracle.logits(returned)
