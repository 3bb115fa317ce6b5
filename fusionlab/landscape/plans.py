"""How the combinations of a few points are scored: which short cuts are right for them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from fusionlab.data import Data
from fusionlab.landscape.examination import FEW
from fusionlab.landscape.first_layer import FirstLayer, find
from fusionlab.landscape.jobs import Job
from fusionlab.landscape.network import Network
from fusionlab.landscape.notices import notice
from fusionlab.landscape.plain import Yardstick
from fusionlab.landscape.schedules import run
from fusionlab.landscape.spans import Span
from fusionlab.landscape.statistics import measure
from fusionlab.outputs import in_precision, map_tensors, tensors_of
from fusionlab.weights import Weights

BETWEEN = ((0.6, 0.4), (0.3, 0.7))  # combinations of two points at which short cuts are tried


class Plan:
    """A job for the combinations of a few points.

    Its short cuts (a first layer computed once, points stacked in one call) are tried once, on a
    few rows and between the points, against the plain path; one that differs is not taken.
    """

    def __init__(self, job: Job, span: Span) -> None:
        self.job, self.span = job, span
        self.first: FirstLayer | None = None
        self.stack = job.schedule.stack
        if len(span.points) == 1 or not span.sound:
            self.stack = 1
        elif job.calibration is None:
            self.first = None if span.brings_buffers else self._first_layer()
            self._settle()

    @torch.no_grad()
    def totals(self, c: Tensor) -> Tensor:
        """The sums of the objective at coefficients c (P, k), shape (4, P)."""
        batches, workers = list(self.job.batches), self.job.schedule.workers
        if len(c) == 1 and len(batches) > 1 and self.job.calibration is None:
            tensors = self._tensors(c)
            with self.job.examined.same_draws():
                each = run(
                    lambda i: self._sums(c, tensors, i, batches[i]), range(len(batches)), workers
                )
            return torch.stack(each).sum(0)
        stacks = c.split(self.stack)
        return torch.cat(run(lambda rows: self._over(rows, batches), stacks, workers), 1)

    def _over(self, c: Tensor, batches: Sequence[Data]) -> Tensor:
        """The sums over batches at the coefficients of one call, shape (4, q)."""
        with self.job.examined.same_draws():
            tensors = self._tensors(c)
            each = [self._sums(c, tensors, i, batch) for i, batch in enumerate(batches)]
        return torch.stack(each).sum(0)

    def _tensors(self, c: Tensor) -> dict[str, Tensor]:
        """Parameters and buffers at the coefficients c (q, k), each of shape (q, ...)."""
        tensors = self.span.at(c, without=self.first.names if self.first else ())
        calibration = self.job.calibration
        if calibration is None or self.job.one_batch:
            return tensors
        one = {name: t[0] for name, t in tensors.items()}
        parts = (self.job.arranged(d.inputs) for d in calibration.parts(self.job.schedule.rows))
        measured = measure(self.job.network, one, parts)
        return tensors | {name: value[None] for name, value in measured.items()}

    def _sums(self, c: Tensor, tensors: dict[str, Tensor], i: int, batch: Data) -> Tensor:
        """The sums over the i-th batch at the coefficients of one call, shape (4, q)."""
        outputs = self._outputs(c, tensors, i, batch)
        return self.job.objective.stacked(outputs, batch.targets)

    def _outputs(
        self, c: Tensor, tensors: dict[str, Tensor], i: int, batch: Data, rows: int | None = None
    ) -> Any:
        """Outputs of q points, shape (q, n, ...), on the first rows of the i-th batch."""
        inputs, network = batch.inputs, self._network
        if self.first:
            tensors = tensors | self.first.at(c, i, rows)
        if rows is not None:
            inputs = map_tensors(lambda t: t[:rows], inputs)
        inputs = in_precision(
            inputs, {n: t for n, t in tensors.items() if n in self.span.points[0]}
        )
        if len(c) > 1:
            return vmap(lambda one: network(one, inputs))(tensors)
        outputs = network({name: t[0] for name, t in tensors.items()}, inputs)
        if self.job.one_batch:
            network.moments()  # what the layers noted meanwhile is of no use
        return map_tensors(lambda t: t[None], outputs)

    @property
    def _network(self) -> Network:
        if self.first:
            return self.first.network
        return self.job.network.by_batch if self.job.one_batch else self.job.network

    def _first_layer(self) -> FirstLayer | None:
        """The layer that is linear in the points, computed for all of them; before any thread."""
        job, points = self.job, self.span.ends
        if job.network.handling.anew or not isinstance(job.data.inputs, Tensor):
            return None
        batches: list[Any] = [in_precision(batch.inputs, points) for batch in job.batches]
        name = find(job.network, points, batches[0][:2], rows=len(job.data), stack=self.stack)
        return FirstLayer(job.network, name, points, batches) if name else None

    def _settle(self) -> None:
        """Leave out each short cut that fails, or gives other outputs than the plain path."""
        try:
            plain = self._yardstick()
        except RuntimeError:  # the network cannot stand between these points
            self.first, self.stack = None, 1
            return
        if self.first and not self._agrees(plain, 1, self.first):
            notice(
                f"the outputs of the layer {self.first.name!r} are not linear in its weights, or "
                "another layer reads them: they are computed anew at each point."
            )
            self.first = None
        if self.stack > 1 and (agrees := self._agrees(plain, 2, self.first)) is not True:
            if agrees is False:
                notice("stacking points gives other outputs: they are computed one by one.")
            self.stack = 1

    def _agrees(self, plain: Yardstick, count: int, first: FirstLayer | None) -> bool | None:
        """Whether so many points in one call have the outputs of the plain path; None: it fails."""
        batch, c = next(iter(self.job.batches)), self._between(count)
        rows = len(tensors_of(plain.inputs)[0])
        try:
            with warnings.catch_warnings(), self.job.examined.same_draws():
                # vmap warns where it takes rows one by one, which is slower than no vmap
                warnings.filterwarnings("error", message="There is a performance drop")
                outputs = self._outputs(c, self._tensors(c), 0, batch, rows)
        except (RuntimeError, ValueError, TypeError, NotImplementedError, UserWarning):
            return None
        return plain.agrees(map_tensors(lambda t: t[0], outputs))

    def _yardstick(self) -> Yardstick:
        """The plain path between the first two points."""
        tensors = {name: t[0] for name, t in self.span.at(self._between(1)).items()}
        theta = Weights(
            {name: tensors[name] for name in self.span.points[0]},
            {name: t for name, t in tensors.items() if name not in self.span.points[0]},
        )
        few = map_tensors(lambda t: t[:FEW], in_precision(self.job.few, theta))
        return Yardstick(self.job.examined.base, theta, few, self.job.network.select)

    def _between(self, count: int) -> Tensor:
        c = torch.zeros(count, len(self.span.points), dtype=torch.double, device=self.job.device)
        c[:, :2] = torch.tensor(BETWEEN[:count])
        return c
