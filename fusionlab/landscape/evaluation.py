"""The loss as a function on weight space: θ ↦ L(θ)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
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
from fusionlab.landscape.hessians import Hessian
from fusionlab.landscape.network import Cost, Network, cost
from fusionlab.landscape.schedules import Schedule, choose, run
from fusionlab.landscape.slopes import PRODUCT_FLOPS, Slopes, in_precision
from fusionlab.landscape.spans import Span
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
        self._last: Span | None = None
        self._shared: list[Span] = []  # the last one of this landscape and its samples

    def __call__(self, theta: Weights) -> Score:
        """Score one point."""
        return next(iter(self.scores([theta])))

    @torch.no_grad()
    def scores(self, points: Sequence[Weights]) -> Scores:
        """Score many points of one space; `Combinations` of a few points are the fast case."""
        if not isinstance(points, Combinations):
            if len(points) > 1 and self.batch_norm == "fixed" and self._network.measured:
                each = [self.scores([theta]) for theta in points]  # each has statistics of its own
                return Scores(
                    torch.cat([s.loss for s in each]), torch.cat([s.accuracy for s in each])
                )
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
        return self._network(tensors, in_precision(inputs.to(self.device), theta))

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

    def slope(self, theta: Weights) -> tuple[Score, Weights]:
        """The score at θ and the gradient of the loss there.

        Where BatchNorm is recalibrated on `data` itself and one graph can hold them all, the
        gradient goes through its statistics; else those that it has at θ are held.
        """
        own = self._measures and self.calibration is self.data and len(self._batches) == 1
        own = own and self._slopes.whole
        loss, right, gradient = self._slopes.at(theta if own else self.at(theta), by_batch=own)
        return Score(loss, right), gradient

    def hessian(self, theta: Weights) -> Hessian:
        """The Hessian of the loss at θ, a linear map; BatchNorm's statistics are held."""
        return self._slopes.hessian(self.at(theta))

    def sample(self, n: int, *, seed: int = 0) -> Landscape:
        """The landscape over `n` rows, each class by its share; so for the calibration data."""
        own = self.calibration is self.data
        calibration = None if own else self.calibration.sample(n, seed=seed)
        smaller = Landscape(
            self.model,
            self.data.sample(n, seed=seed),
            loss=self.loss,
            batch_norm=self.batch_norm,
            calibration=calibration,
        )
        # One copy of a large network, and of the points to combine, is enough.
        smaller._network, smaller._shared = self._network, self._shared
        return smaller

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
        return cost(self._network, in_precision(self.data.inputs[:1], self._network.parameters))

    @cached_property
    def _schedule(self) -> Schedule:
        schedule = choose(self._cost, len(self.data), self.device)
        if self._measures:  # what a layer measures belongs to one point and to many rows
            rows = max(1, int(MEASURED_BYTES // self._cost.bytes))
            return replace(schedule, stack=1, rows=rows)
        if schedule.stack > 1 and not self._stackable():
            return replace(schedule, stack=1)
        return schedule

    @cached_property
    def _slopes(self) -> Slopes:
        small = self._cost.flops * len(self.data) < PRODUCT_FLOPS
        together = self._schedule.stack if small or self.device.type != "cpu" else 1
        return Slopes(self._network, self.data, self.loss, together=together)

    def _stackable(self) -> bool:
        """Whether `vmap` can take this network; some steps in a forward it cannot."""
        parameters = self._network.parameters
        two = {name: torch.stack([p, p]) for name, p in parameters.items()}
        one_input = in_precision(self.data.inputs[:1], parameters)
        try:
            vmap(lambda tensors: self._network(tensors, one_input))(two)
        except (RuntimeError, ValueError):
            return False
        return True

    def _measure(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """BatchNorm's statistics on the calibration data, by buffer name."""
        inputs = in_precision(self.calibration.inputs.to(self.device), tensors)
        return measure(self._network.by_batch, tensors, inputs, self._schedule.rows)

    def _span(self, points: tuple[Weights, ...]) -> Span:
        """The points, stacked and on the device; those of the last call are kept."""
        span = self._last
        if span is None or not span.is_of(points):
            check_same_space(points[0], self._network.parameters)
            known = [span for span in self._shared if span.is_of(points)]
            span = copy(known[0]) if known else Span(points, *self._statistics(points), self.device)
            span.first = self._first_layer(span)
            self._last, self._shared[:] = span, [span]
        return span

    def _first_layer(self, span: Span) -> FirstLayer | None:
        """The layer that is linear in the points, computed for all of them; before any thread."""
        if self._measures:
            _ = self._network.by_batch
            return None
        batches = [in_precision(batch.inputs, span.coordinates) for batch in self._batches]
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
    def _totals(self, span: Span, c: Tensor) -> Tensor:
        """Sums of loss and right answers over the data at coefficients c (q, k), shape (2, q)."""
        network, tensors = self._network, span.at(c)
        if self._measures:
            one = {name: t[0] for name, t in tensors.items()} | self._network.constants
            if self.calibration is not self.data or len(self._batches) > 1:
                tensors |= {name: value[None] for name, value in self._measure(one).items()}
            else:  # the batch is all the data: normalising by it is exact
                network = self._network.by_batch
        network = span.first.network if span.first else network
        sums = []
        for i, batch in enumerate(self._batches):
            given = tensors | span.first.at(c, i) if span.first else tensors
            logits = _outputs(network, given, in_precision(batch.inputs, span.points[0]))
            sums.append(totals(self.loss, logits, batch.labels))
        if self._measures:
            network.moments()  # what the layers noted meanwhile is of no use
        return torch.stack(sums).sum(0)


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
