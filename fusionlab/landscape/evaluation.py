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
from fusionlab.landscape.criteria import Loss, totals
from fusionlab.landscape.first_layer import FirstLayer, find
from fusionlab.landscape.network import Cost, Network, cost
from fusionlab.landscape.schedules import Schedule, choose, run
from fusionlab.landscape.statistics import measure
from fusionlab.spaces import check_same_space, check_statistics
from fusionlab.weights import Combinations, Weights

Policy = Literal["recalibrate", "interpolate", "fixed"]
MEASURED_BYTES = 512e6  # the widest layer of the batch that BatchNorm is recalibrated on


class Score(NamedTuple):
    """Mean loss (cross-entropy in nats, unless told), and the share of right answers in [0, 1]."""

    loss: float
    accuracy: float


Field = Callable[[Weights], Score]  # a landscape, or any function that stands in for one


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
        if not len(points):
            return Scores(torch.empty(0), torch.empty(0))
        span = self._span(points.points)
        stacks = points.coefficients.to(span.dtype).to(self.device).split(self._schedule.stack)
        totals = run(lambda c: self._totals(span, c), stacks, self._schedule.workers)
        loss, right = torch.cat(totals, 1) / len(self.data)  # (2, P)
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
            tensors = {**self._network.constants, **theta.move(self.device)}
            return Weights(theta, {**theta.buffers, **self._measure(tensors)})
        check_statistics(self._network.module, theta.buffers)
        return theta

    def sample(self, n: int) -> Landscape:
        """The landscape over `n` rows, each class by its share; so for the calibration data."""
        calibration = None if self.calibration is self.data else self.calibration.sample(n)
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

    def _measure(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """BatchNorm's statistics on the calibration data, by buffer name."""
        inputs = _like(self.calibration.inputs.to(self.device), tensors)
        return measure(self._by_batch, tensors, inputs, self._schedule.rows)

    @cached_property
    def _by_batch(self) -> Network:
        return Network(self.model, device=self.device, batch_statistics=True)

    def _span(self, points: tuple[Weights, ...]) -> _Span:
        """The points, stacked and on the device; those of the last call are kept."""
        last = self._last
        if last is None or [*map(id, last.points)] != [*map(id, points)]:
            check_same_space(points[0], self._network.parameters)
            last = _Span(points, *self._statistics(points), self.device)
            last.first = self._first_layer(last)
            self._last = last
        return last

    def _first_layer(self, span: _Span) -> FirstLayer | None:
        """The layer that is linear in the points, computed for all of them; before any thread."""
        batches = [_like(batch.inputs, span.coordinates) for batch in self._batches]
        if self._measures:
            _ = self._by_batch
            return None
        schedule = {"rows": len(self.data), "stack": self._schedule.stack}
        name = find(self._network, span.coordinates, batches[0][:2], **schedule)
        return FirstLayer(self._network, name, span.coordinates, batches) if name else None

    def _statistics(self, points: tuple[Weights, ...]) -> tuple[list[str], list[str]]:
        """Names of BatchNorm's statistics that are mixed as coordinates are, and of those kept."""
        if self._measures or not self._network.measured:
            return [], []
        for point in points[:1] if self.batch_norm == "fixed" else points:
            check_statistics(self._network.module, point.buffers)
        names = sorted(self._network.measured)
        if self.batch_norm == "fixed":
            return [], names
        counters = [name for name in names if not points[0].buffers[name].is_floating_point()]
        return [name for name in names if name not in counters], counters

    @torch.no_grad()
    def _totals(self, span: _Span, c: Tensor) -> Tensor:
        """Sums of loss and right answers over the data at coefficients c (q, k), shape (2, q)."""
        network, tensors = self._network, span.at(c)
        if self._measures:
            one = {name: t[0] for name, t in tensors.items()} | self._network.constants
            if self.calibration is not self.data or len(self._batches) > 1:
                tensors |= {name: value[None] for name, value in self._measure(one).items()}
            else:  # the batch is all the data: normalising by it is exact
                network = self._by_batch
        network = span.first.network if span.first else network
        sums = []
        for i, batch in enumerate(self._batches):
            given = tensors | span.first.at(c, i) if span.first else tensors
            logits = _outputs(network, given, _like(batch.inputs, span.coordinates))
            sums.append(totals(self.loss, logits, batch.labels))
        if self._measures:
            network.moments()  # what the layers noted meanwhile is of no use
        return torch.stack(sums).sum(0)


class _Span:
    """A few points, stacked by name, whose combinations are the points to score."""

    def __init__(
        self, points: tuple[Weights, ...], mixed: list[str], kept: list[str], device: torch.device
    ) -> None:
        def stack(tensors: Iterable[Tensor]) -> Tensor:
            return torch.stack(list(tensors)).to(device)

        self.points = points
        self.first: FirstLayer | None = None
        self.coordinates = {name: stack(p[name] for p in points) for name in points[0]}
        self.mixed = {name: stack(p.buffers[name] for p in points) for name in mixed}
        self.kept = {name: points[0].buffers[name].to(device) for name in kept}
        self.dtype = next(iter(self.coordinates.values())).dtype

    def at(self, c: Tensor) -> dict[str, Tensor]:
        """Parameters and buffers at the coefficients c (q, k), each of shape (q, ...)."""
        known = self.first.names if self.first else []
        mixed = {n: t for n, t in (self.coordinates | self.mixed).items() if n not in known}
        tensors = {name: torch.tensordot(c, stacked, 1) for name, stacked in mixed.items()}
        for name in self.mixed:
            if name.endswith("running_var"):  # beyond the ends a variance could fall below zero
                tensors[name].clamp_min_(0)
        return tensors | {n: t.expand(len(c), *t.shape) for n, t in self.kept.items()}


def _outputs(network: Network, tensors: dict[str, Tensor], inputs: Tensor) -> Tensor:
    """Logits of q stacked points, shape (q, n, classes)."""
    if len(next(iter(tensors.values()))) > 1:
        return vmap(lambda one: network(one, inputs))(tensors)
    return network({name: t[0] for name, t in tensors.items()}, inputs)[None]


def score_all(landscape: Field, points: Sequence[Weights]) -> Scores:
    """Score many points by any function θ ↦ Score, in one call where it has `scores`."""
    if isinstance(landscape, Landscape):
        return landscape.scores(points)
    loss, accuracy = torch.tensor([landscape(point) for point in points], dtype=torch.double).T
    return Scores(loss, accuracy)


def _like(inputs: Tensor, tensors: Mapping[str, Tensor]) -> Tensor:
    """Inputs in the precision of the network; class numbers or tokens stay integers."""
    dtype = next(iter(tensors.values())).dtype
    return inputs.to(dtype) if inputs.is_floating_point() else inputs
