"""The loss as a function on weight space: θ ↦ L(θ)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn.functional import cross_entropy

from fusionlab.data import Data
from fusionlab.landscape.criteria import Loss, total_loss, total_right
from fusionlab.landscape.network import Cost, Network, cost
from fusionlab.landscape.schedules import Schedule, choose, run
from fusionlab.landscape.statistics import measure, recalibrate
from fusionlab.weights import Combinations, Weights, check_same_space, check_statistics

Policy = Literal["recalibrate", "interpolate", "fixed"]
MEASURED_BYTES = 512e6  # the widest layer of the batch that BatchNorm is recalibrated on


class Score(NamedTuple):
    """Mean loss (cross-entropy in nats, unless told), and the share of right answers in [0, 1]."""

    loss: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of P points: loss and accuracy, each of shape (P,), float64."""

    loss: Tensor
    accuracy: Tensor

    def __len__(self) -> int:
        return len(self.loss)

    def __iter__(self) -> Iterator[Score]:
        return map(Score, self.loss.tolist(), self.accuracy.tolist())


class Landscape:
    """A model and data, seen as a function of the weights: `landscape(theta)` is a `Score`.

    The model lends only its architecture; it is never changed. Many points are one call:
    `landscape.scores(points)` is the fast path.

    Args:
        model: any classifier (n, ...) ↦ logits (n, classes).
        data: what the loss is measured on; the computation runs on its device.
        loss: (logits, labels) ↦ mean loss.
        batch_norm: where BatchNorm's statistics at a point come from. `"recalibrate"` measures
            them there, on `calibration`; `"interpolate"` mixes those of the points that are
            combined; `"fixed"` takes those of the point, or of the first point combined.
        calibration: the data to recalibrate on, usually the training data; `data` without it.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Data,
        *,
        loss: Loss = cross_entropy,
        batch_norm: Policy = "recalibrate",
        calibration: Data | None = None,
    ) -> None:
        if batch_norm not in ("recalibrate", "interpolate", "fixed"):
            raise ValueError(
                f"batch_norm={batch_norm!r} is no policy: choose 'recalibrate', 'interpolate' "
                "or 'fixed'."
            )
        self.model, self.data, self.loss = model, data, loss
        self.batch_norm, self.calibration = batch_norm, calibration or data
        self._network = Network(model, device=self.device)
        self._measures = batch_norm == "recalibrate" and bool(self._network.measured)
        self._last: _Span | None = None

    def __call__(self, theta: Weights) -> Score:
        """Score one point."""
        return next(iter(self.scores([theta])))

    @torch.no_grad()
    def scores(self, points: Sequence[Weights]) -> Scores:
        """Score many points of one space; `Combinations` of a few points are the fast case."""
        if not isinstance(points, Combinations):
            points = Combinations(points, torch.eye(len(points)))
        span = self._span(points.points)
        stacks = points.coefficients.to(span.dtype).to(self.device).split(self._schedule.stack)
        self._prepare()
        totals = run(lambda c: self._totals(span.at(c)), stacks, self._schedule.workers)
        loss, right = torch.cat(totals, 1).cpu() / len(self.data)  # (2, P)
        return Scores(loss, right)

    @torch.no_grad()
    def logits(self, theta: Weights, inputs: Tensor) -> Tensor:
        """Outputs of the network at θ, shape (n, classes), its statistics by the policy."""
        check_same_space(theta, self._network.parameters)
        theta = self.at(theta).move(self.device)
        tensors = {**self._network.constants, **theta, **theta.buffers}
        return self._network(tensors, _like(inputs.to(self.device), theta))

    def probabilities(self, theta: Weights, inputs: Tensor) -> Tensor:
        """Class probabilities of the network at θ, shape (n, classes)."""
        return self.logits(theta, inputs).softmax(-1)

    def at(self, theta: Weights) -> Weights:
        """θ with the statistics that this landscape's policy gives it."""
        if self._measures:
            return recalibrate(self.model, theta, self.calibration)
        check_statistics(self._network.module, theta)
        return theta

    def sample(self, n: int) -> Landscape:
        """The landscape over `n` rows of the data, each class by its share."""
        calibration = None if self.calibration is self.data else self.calibration
        return Landscape(
            self.model,
            self.data.sample(n),
            loss=self.loss,
            batch_norm=self.batch_norm,
            calibration=calibration,
        )

    @property
    def device(self) -> torch.device:
        """Where the data lie, so where the landscape is computed."""
        return self.data.labels.device

    @cached_property
    def _batches(self) -> list[Data]:
        """The data in the rows of a call, images with channels last, as CPUs like them."""
        inputs = self.data.inputs
        if self._cost.convolutional and inputs.ndim == 4:
            inputs = inputs.to(memory_format=torch.channels_last)
        rows = self._schedule.rows
        pairs = zip(inputs.split(rows), self.data.labels.split(rows), strict=True)
        return [Data(x, y) for x, y in pairs]

    @cached_property
    def _cost(self) -> Cost:
        return cost(self._network, _like(self.data.inputs[:1], self._network.parameters))

    @cached_property
    def _schedule(self) -> Schedule:
        schedule = choose(self._cost, len(self.data), self.device)
        if self._measures:  # what a layer measures belongs to one point and to many rows
            rows = max(1, int(MEASURED_BYTES // self._cost.bytes))
            return replace(schedule, stack=1, rows=rows)
        if schedule.stack > 1 and not self._stackable():
            return replace(schedule, stack=1)
        return schedule

    def _stackable(self) -> bool:
        """Whether `vmap` can take this network; some steps in a forward it cannot."""
        parameters = self._network.parameters
        two = {name: torch.stack([p, p]) for name, p in parameters.items()}
        one_input = _like(self.data.inputs[:1], parameters)
        try:
            vmap(lambda tensors: self._network(tensors, one_input))(two)
        except (RuntimeError, ValueError):
            return False
        return True

    def _prepare(self) -> None:
        """Make what the threads share before they run."""
        _ = self._batches, self._by_batch if self._measures else None

    @cached_property
    def _by_batch(self) -> Network:
        return Network(self.model, device=self.device, batch_statistics=True)

    def _span(self, points: tuple[Weights, ...]) -> _Span:
        """The points, stacked and on the device; those of the last call are kept."""
        last = self._last
        if last is None or [*map(id, last.points)] != [*map(id, points)]:
            check_same_space(points[0], self._network.parameters)
            last = self._last = _Span(points, *self._statistics(points), self.device)
        return last

    def _statistics(self, points: tuple[Weights, ...]) -> tuple[list[str], list[str]]:
        """Names of BatchNorm's statistics that are mixed as coordinates are, and of those kept."""
        if self._measures or not self._network.measured:
            return [], []
        for point in points[:1] if self.batch_norm == "fixed" else points:
            check_statistics(self._network.module, point)
        names = sorted(self._network.measured)
        if self.batch_norm == "fixed":
            return [], names
        counters = [name for name in names if not points[0].buffers[name].is_floating_point()]
        return [name for name in names if name not in counters], counters

    @torch.no_grad()
    def _totals(self, tensors: dict[str, Tensor]) -> Tensor:
        """Sums of loss and right answers over the data at q stacked points, shape (2, q)."""
        if len(next(iter(tensors.values()))) > 1:
            return self._sum(lambda x: vmap(lambda t: self._network(t, x))(tensors), tensors)
        one = {**self._network.constants, **{name: t[0] for name, t in tensors.items()}}
        if not self._measures:
            return self._sum(lambda x: self._network(one, x)[None], one)
        if self.calibration is self.data and len(self._batches) == 1:
            # The batch is all the data: what it is normalised by are the exact statistics.
            totals = self._sum(lambda x: self._by_batch(one, x)[None], one)
            self._by_batch.moments()
            return totals
        inputs = _like(self.calibration.inputs, one)
        one |= measure(self._by_batch, one, inputs, self._schedule.rows)
        return self._sum(lambda x: self._network(one, x)[None], one)

    def _sum(self, outputs: Callable[[Tensor], Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        sums = []
        for batch in self._batches:
            logits = outputs(_like(batch.inputs, tensors))  # (q, n, classes)
            loss = total_loss(self.loss, logits, batch.labels)
            sums.append(torch.stack([loss.double(), total_right(logits, batch.labels).double()]))
        return torch.stack(sums).sum(0)


class _Span:
    """A few points, stacked by name, whose combinations are the points to score."""

    def __init__(
        self, points: tuple[Weights, ...], mixed: list[str], kept: list[str], device: torch.device
    ) -> None:
        def stack(tensors: Iterable[Tensor]) -> Tensor:
            return torch.stack(list(tensors)).to(device)

        self.points = points
        self.coordinates = {name: stack(p[name] for p in points) for name in points[0]}
        self.mixed = {name: stack(p.buffers[name] for p in points) for name in mixed}
        self.kept = {name: points[0].buffers[name].to(device) for name in kept}
        self.dtype = next(iter(self.coordinates.values())).dtype

    def at(self, c: Tensor) -> dict[str, Tensor]:
        """Parameters and buffers at the coefficients c (q, k), each of shape (q, ...)."""
        tensors = {n: torch.tensordot(c, t, 1) for n, t in (self.coordinates | self.mixed).items()}
        for name in self.mixed:
            if name.endswith("running_var"):  # beyond the ends a variance could fall below zero
                tensors[name].clamp_min_(0)
        return tensors | {n: t.expand(len(c), *t.shape) for n, t in self.kept.items()}


def score_all(landscape: Callable[[Weights], Score], points: Sequence[Weights]) -> Scores:
    """Score many points by any function θ ↦ Score, in one call where it has `scores`."""
    if isinstance(landscape, Landscape):
        return landscape.scores(points)
    loss, accuracy = torch.tensor([landscape(point) for point in points], dtype=torch.double).T
    return Scores(loss, accuracy)


def _like(inputs: Tensor, tensors: Mapping[str, Tensor]) -> Tensor:
    """Inputs in the precision of the network; class numbers or tokens stay integers."""
    dtype = next(iter(tensors.values())).dtype
    return inputs.to(dtype) if inputs.is_floating_point() else inputs
