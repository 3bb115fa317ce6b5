"""How the combinations of a few points are scored: which short cuts are right for them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property, partial, reduce
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.func import vmap

from fusionlab.data import Data
from fusionlab.landscape.basis import Basis
from fusionlab.landscape.batching import run
from fusionlab.landscape.examination import light
from fusionlab.landscape.first_layer import FirstLayer, find
from fusionlab.landscape.jobs import Batch, Job
from fusionlab.landscape.network import Network
from fusionlab.landscape.notices import notice
from fusionlab.landscape.plain import Yardstick
from fusionlab.landscape.statistics import Noted, noted, pool
from fusionlab.outputs import Inputs, in_precision, map_tensors, tensors_of
from fusionlab.weights import Weights

Tensors: TypeAlias = Mapping[str, Tensor]
BatchStatistics: TypeAlias = Sequence[Mapping[str, Tensor]]  # statistics of each point, or nothing

BETWEEN = ((0.6, 0.4), (0.3, 0.7))  # combinations of two points at which short cuts are tried


class Plan:
    """A job for the combinations of a few points.

    Its short cuts (a first layer computed once, points stacked in one call) are tried once, on a
    few rows and between the points, against the plain path; one that differs is not taken.
    """

    def __init__(self, job: Job, basis: Basis) -> None:
        self.job, self.basis = job, basis
        self.first: FirstLayer | None = None
        self.stack = job.batching.stack
        if len(basis.points) == 1 or not basis.sound:
            self.stack = 1
        elif job.calibration is None:
            self.first = None if basis.brings_buffers else self._first_layer()
            self._settle()

    @torch.no_grad()
    def totals(self, c: Tensor) -> Tensor:
        """The sums of the objective at coefficients c (P, k), shape (4, P)."""
        measured, job = self._measured(c), self.job
        if not isinstance(job.data, Data):  # a stream is read once for all points
            return reduce(torch.add, (self._over(c, measured, [self._fit(b)]) for b in job.read()))
        if len(c) == 1 and not job.one_batch:
            return self._of_one(c, measured)
        return self._over(c, measured, self._batches)

    def _of_one(self, c: Tensor, measured: BatchStatistics) -> Tensor:
        """The sums at one point: in one call, or its rows go to the threads."""
        batches = [self._whole] if self.job.is_one_call else self._batches
        tensors = self._tensors(c, measured, 0)
        with self.job.examined.same_draws():
            look = partial(self._sums, c, tensors)
            return reduce(torch.add, run(look, batches, self.job.batching.workers))

    def _over(self, c: Tensor, measured: BatchStatistics, batches: Sequence[Batch]) -> Tensor:
        """The sums over batches at coefficients c (P, k), shape (4, P)."""

        def score(start: int) -> Tensor:
            some = c[start : start + self.stack]
            tensors = self._tensors(some, measured, start)
            with self.job.examined.same_draws():
                return reduce(torch.add, [self._sums(some, tensors, b) for b in batches])

        starts = range(0, len(c), self.stack)
        return torch.cat(run(score, starts, self.job.batching.workers), 1)

    def _measured(self, c: Tensor) -> BatchStatistics:
        """The statistics that normalising layers have at each point, if they are measured there."""
        job = self.job
        if job.calibration is None or job.one_batch:
            return []
        parts: list[list[Noted]] = []
        for part in job.calibration.parts(job.batching.rows):  # read once for all points
            inputs = job.arranged(part.inputs)
            look = partial(self._noted, c, inputs)
            parts.append(run(look, range(len(c)), job.batching.workers))
        like = self._point(c[:1])
        return [pool(job.network, like, seen) for seen in zip(*parts, strict=True)]

    def _noted(self, c: Tensor, inputs: Inputs, i: int) -> Noted:
        with self.job.examined.same_draws():
            return noted(self.job.network, self._point(c[i : i + 1]), inputs)

    def _point(self, c: Tensor) -> dict[str, Tensor]:
        """Parameters and buffers at one row of coefficients (1, k)."""
        return {name: t[0] for name, t in self.basis.at(c).items()}

    def _tensors(self, c: Tensor, measured: BatchStatistics, start: int) -> dict[str, Tensor]:
        """Parameters and buffers at the coefficients c (q, k) of one call, each (q, ...)."""
        tensors = self.basis.at(c, without=self.first.names if self.first else ())
        own = measured[start] if measured else {}  # of one point: such calls are not stacked
        return tensors | {name: value[None] for name, value in own.items()}

    def _sums(self, c: Tensor, tensors: Tensors, batch: Batch) -> Tensor:
        """The sums over a batch at the coefficients of one call, shape (4, q)."""
        outputs = self._outputs(c, tensors, batch.inputs, batch.rows)
        return self.job.objective.stacked(outputs, batch.targets)

    def _outputs(self, c: Tensor, tensors: Tensors, inputs: Inputs, rows: slice) -> Any:
        """Outputs of stacked points, shape (q, n, ...)."""
        network = self._network
        if self.first:
            network, tensors = self.first.network, {**tensors, **self.first.at(c, rows)}
        if len(c) > 1:
            return vmap(lambda one: network(one, inputs))(tensors)
        outputs = network({name: t[0] for name, t in tensors.items()}, inputs)
        if self.job.one_batch:
            network.moments()  # what the layers noted meanwhile is of no use
        return map_tensors(lambda t: t[None], outputs)

    @property
    def _network(self) -> Network:
        return self.job.network.by_batch if self.job.one_batch else self.job.network

    @cached_property
    def _batches(self) -> list[Batch]:
        """Data that are held, in the rows of a call."""
        return [self._fit(batch) for batch in self.job.held]

    @cached_property
    def _whole(self) -> Batch:
        """Data that are held, in one call."""
        return self._fit(self.job.whole)

    def _fit(self, batch: Batch) -> Batch:
        """A batch in the precision in which these points are scored."""
        return batch._replace(inputs=in_precision(batch.inputs, self.basis.form))

    def _first_layer(self) -> FirstLayer | None:
        """The layer that is linear in the points, computed for all of them; before any thread."""
        job = self.job
        plain = isinstance(job.data, Data) and isinstance(job.data.inputs, Tensor)
        if job.network.handling.anew or not plain:
            return None
        points: Tensors = self.basis.ends
        batches: list[Any] = [batch.inputs for batch in self._batches]
        name = find(job.network, points, batches[0][:2], rows=job.rows, stack=self.stack)
        return FirstLayer(job.network, name, points, batches) if name else None

    def _settle(self) -> None:
        """Leave out each short cut that fails, or gives other outputs than the plain path."""
        if not self.first and self.stack == 1:
            return
        with light(self.basis.points[0]):
            self._leave_out(self._yardstick())

    def _leave_out(self, plain: Yardstick) -> None:
        if self.first and not self._agrees(plain, 1):
            notice(
                f"the outputs of the layer {self.first.name!r} are not linear in its weights, or "
                "another layer reads them: they are computed anew at each point."
            )
            self.first = None
        if self.stack > 1 and (agrees := self._agrees(plain, 2)) is not True:
            if agrees is False:
                notice("stacking points gives other outputs: they are computed one by one.")
            self.stack = 1

    def _agrees(self, plain: Yardstick, count: int) -> bool | None:
        """Whether so many points in one call have the outputs of the plain path; None: it fails."""
        c = self._between(count)
        inputs, rows = self.job.arranged(plain.inputs), slice(len(tensors_of(plain.inputs)[0]))
        try:
            with warnings.catch_warnings(), self.job.examined.same_draws():
                # vmap warns where it takes rows one by one, which is slower than no vmap
                warnings.filterwarnings("error", message="There is a performance drop")
                outputs = self._outputs(c, self._tensors(c, [], 0), inputs, rows)
        except (RuntimeError, ValueError, TypeError, NotImplementedError, UserWarning):
            return None
        return plain.agrees(map_tensors(lambda t: t[0], outputs))

    def _yardstick(self) -> Yardstick:
        """The plain path between the first two points."""
        tensors = self._point(self._between(1))
        theta = Weights(
            {name: tensors[name] for name in self.basis.points[0]},
            {name: t for name, t in tensors.items() if name not in self.basis.points[0]},
        )
        few = in_precision(self.job.few, theta)
        return Yardstick(self.job.examined.base, theta, few, self.job.network.select)

    def _between(self, count: int) -> Tensor:
        c = torch.zeros(count, len(self.basis.points), dtype=torch.double, device=self.job.device)
        c[:, :2] = torch.tensor(BETWEEN[:count])
        return c
