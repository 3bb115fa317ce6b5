"""The combinations of a few points, scored: which of their tensors go through which call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial, reduce
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.func import vmap

from fusionlab.data import Data
from fusionlab.landscape.basis import Basis
from fusionlab.landscape.batching import run
from fusionlab.landscape.first_layer import FirstLayer
from fusionlab.landscape.jobs import Batch, Job
from fusionlab.landscape.network import Network
from fusionlab.landscape.statistics import Noted, noted, pool
from fusionlab.outputs import Inputs, in_precision, map_tensors

Tensors: TypeAlias = Mapping[str, Tensor]
BatchStatistics: TypeAlias = Sequence[Mapping[str, Tensor]]  # statistics of each point, or nothing


class Plan:
    """A job for the combinations of a few points.

    Attributes:
        job: what is computed.
        basis: the points.
        first: a layer whose outputs are computed once for all combinations, if there is one.
        stack: how many combinations go into one call.
    """

    def __init__(self, job: Job, basis: Basis) -> None:
        self.job, self.basis = job, basis
        self.first: FirstLayer | None = None
        self.stack = 1

    @torch.no_grad()
    def totals(self, c: Tensor) -> Tensor:
        """The sums of the objective at coefficients c (P, k), shape (4, P)."""
        measured, job = self._measured(c), self.job
        if not isinstance(job.data, Data):  # a stream is read once for all points
            return reduce(torch.add, (self._over(c, measured, [self._fit(b)]) for b in job.read()))
        if len(c) == 1 and not job.one_batch:
            return self._of_one(c, measured)
        return self._over(c, measured, self.batches)

    def _of_one(self, c: Tensor, measured: BatchStatistics) -> Tensor:
        """The sums at one point: in one call, or its rows go to the threads."""
        batches = [self._whole] if self.job.is_one_call else self.batches
        tensors = self.tensors(c, measured, 0)
        with self.job.examined.same_draws():
            look = partial(self._sums, c, tensors)
            return reduce(torch.add, run(look, batches, self.job.batching.workers))

    def _over(self, c: Tensor, measured: BatchStatistics, batches: Sequence[Batch]) -> Tensor:
        """The sums over batches at coefficients c (P, k), shape (4, P)."""

        def score(start: int) -> Tensor:
            some = c[start : start + self.stack]
            tensors = self.tensors(some, measured, start)
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
        like = self.point(c[:1])
        return [pool(job.network, like, seen) for seen in zip(*parts, strict=True)]

    def _noted(self, c: Tensor, inputs: Inputs, i: int) -> Noted:
        with self.job.examined.same_draws():
            return noted(self.job.network, self.point(c[i : i + 1]), inputs)

    def point(self, c: Tensor) -> dict[str, Tensor]:
        """Parameters and buffers at one row of coefficients (1, k)."""
        return {name: t[0] for name, t in self.basis.at(c).items()}

    def tensors(
        self, c: Tensor, measured: BatchStatistics = (), start: int = 0
    ) -> dict[str, Tensor]:
        """Parameters and buffers at the coefficients c (q, k) of one call, each (q, ...).

        Args:
            c: one row per combination.
            measured: the statistics of each point, or nothing.
            start: the number of the first of these combinations in `measured`.
        """
        tensors = self.basis.at(c, without=self.first.names if self.first else ())
        own = measured[start] if measured else {}  # of one point: such calls are not stacked
        return tensors | {name: value[None] for name, value in own.items()}

    def _sums(self, c: Tensor, tensors: Tensors, batch: Batch) -> Tensor:
        """The sums over a batch at the coefficients of one call, shape (4, q)."""
        outputs = self.outputs(c, tensors, batch.inputs, batch.rows)
        return self.job.objective.stacked(outputs, batch.targets)

    def outputs(self, c: Tensor, tensors: Tensors, inputs: Inputs, rows: slice) -> Any:
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
    def batches(self) -> list[Batch]:
        """Data that are held, in the rows of a call."""
        return [self._fit(batch) for batch in self.job.held]

    @cached_property
    def _whole(self) -> Batch:
        """Data that are held, in one call."""
        return self._fit(self.job.whole)

    def _fit(self, batch: Batch) -> Batch:
        """A batch in the precision in which these points are scored."""
        return batch._replace(inputs=in_precision(batch.inputs, self.basis.form))
