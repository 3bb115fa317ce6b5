"""What is computed at every point of a landscape, and in which portions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from fusionlab.costs import Cost
from fusionlab.data import AnyData, Data
from fusionlab.landscape.batching import CPU_BYTES, ROWS, Batching, choose
from fusionlab.landscape.examination import FEW, Examined, examine, light
from fusionlab.landscape.network import Network
from fusionlab.landscape.plain import difference
from fusionlab.objectives import Objective
from fusionlab.outputs import Inputs, explained, in_precision, map_tensors, tensors_of

Policy = Literal["recalibrate", "interpolate", "fixed"]  # where BatchNorm's statistics are from

MEASURED_BYTES = 512e6  # the widest layer of the batch that BatchNorm is recalibrated on
SMALL = 5e7  # operations of a call that a second thread does not make shorter
_TRIED = 16  # rows on which outputs and targets are seen to fit
_MET = 1024  # targets that these rows' outputs meet
ALIKE = 1e-4  # relative difference between two layouts of the same rows


class Batch(NamedTuple):
    """Rows of the data as a network takes them, and which rows of the whole they are."""

    inputs: Inputs
    targets: Tensor
    rows: slice


@dataclass(frozen=True, eq=False)
class Job:
    """What is computed at a point, whatever the point.

    Attributes:
        examined: the network.
        data: what the loss is measured on.
        objective: outputs and targets ↦ sums.
        calibration: what normalising layers are measured on at each point, if they are.
        batch_norm: where their statistics are from.
        precision: in which points are scored, if not in that which they are worked with.
    """

    examined: Examined
    data: AnyData
    objective: Objective
    calibration: AnyData | None
    batch_norm: Policy = "recalibrate"
    precision: torch.dtype | None = None

    @property
    def network(self) -> Network:
        """The network as a pure function."""
        return self.examined.network

    @property
    def device(self) -> torch.device:
        """Where it is computed."""
        return self.data.device

    def on(self, data: AnyData, calibration: AnyData) -> Job:
        """The same job on other data."""
        measured = None if self.calibration is None else calibration
        return replace(self, data=data, calibration=measured)

    @property
    def fixes_statistics(self) -> bool:
        """Whether the statistics of a call are those that its first point brings."""
        return self.batch_norm == "fixed" and bool(self.network.measured)

    @cached_property
    def few(self) -> Inputs:
        """The inputs of the first rows."""
        return self.data.first(FEW).inputs

    @cached_property
    def cost(self) -> Cost:
        """What one row costs."""
        with self.examined.same_draws(), light(self.network.parameters):
            return self.network.cost(self.few)

    @property
    def rows(self) -> int:
        """How many rows there are; of a stream, which does not know, as many as a call takes."""
        return len(self.data) if isinstance(self.data, Data) else ROWS

    @cached_property
    def batching(self) -> Batching:
        """Points per call, calls at the same time, and rows per call."""
        batching = choose(self.cost, self.rows, self.device)
        if self.calibration is not None:
            # What a layer measures belongs to one point and to many rows.
            rows = max(1, int(MEASURED_BYTES // self.cost.bytes))
            batching = replace(batching, stack=1, rows=rows)
        if not self.examined.by_row:
            batching = replace(batching, rows=self._undivided())
        if self.examined.draws:
            return replace(batching, stack=1, workers=1)
        return replace(batching, stack=1) if self.network.handling.anew else batching

    @property
    def is_one_call(self) -> bool:
        """Whether all rows of one point are best one call, which all threads share.

        Small calls are over before a second one has begun. Products of matrices are shared well
        among threads; convolutions are not, and what is too wide falls out of the cache.
        """
        if not isinstance(self.data, Data):
            return False
        small = self.cost.flops * self.rows < SMALL
        narrow = self.cost.bytes * self.rows <= CPU_BYTES
        return small or (narrow and not self.cost.convolutional)

    @cached_property
    def held(self) -> list[Batch]:
        """Data that are held, in the rows of a call: laid out once for all points."""
        return list(self.read())

    @cached_property
    def whole(self) -> Batch:
        """Data that are held, in one call."""
        return self.held[0] if len(self.held) == 1 else next(self.read(rows=self.rows))

    def read(self, *, rows: int | None = None) -> Iterator[Batch]:
        """The data in the rows of a call, or in so many."""
        start = 0
        for part in self.data.parts(rows or self.batching.rows):
            yield Batch(self.arranged(part.inputs), part.targets, slice(start, start + len(part)))
            start += len(part)

    @cached_property
    def one_batch(self) -> bool:
        """Whether the batch that is scored is what is measured, all of it."""
        own = self.calibration is self.data and isinstance(self.data, Data)
        return own and self.rows <= self.batching.rows and self.examined.one_pass

    def arranged(self, inputs: Inputs) -> Inputs:
        """Images with channels last, as CPUs like them, where that gives the same outputs."""
        return _channels_last(inputs) if self._channels_last else inputs

    @cached_property
    def _channels_last(self) -> bool:
        network, few = self.network, in_precision(self.few, self.network.parameters)
        if not network.convolutional or [t.ndim for t in tensors_of(few)] != [4]:
            return False
        try:
            with torch.no_grad(), self.examined.same_draws():
                plain = network({}, few)
            with torch.no_grad(), self.examined.same_draws():
                return difference(plain, network({}, _channels_last(few))) < ALIKE
        except RuntimeError:  # a view that wants channels first
            return False

    def _undivided(self) -> int:
        """All rows, for a network whose outputs for a row depend on those beside it."""
        measured = self.calibration or self.data
        if isinstance(self.data, Data) and isinstance(measured, Data):
            return max(len(self.data), len(measured))
        raise ValueError(
            "this network's outputs for a row depend on the rows beside it (it normalises by the "
            "batch), so a stream has no one loss. Give data that are held whole, Data.of(…)."
        )


def _channels_last(inputs: Inputs) -> Inputs:
    return map_tensors(lambda t: t.to(memory_format=torch.channels_last), inputs)  # type: ignore[no-any-return]


def job_of(
    model: nn.Module,
    data: AnyData,
    objective: Objective,
    *,
    calibration: AnyData,
    batch_norm: Policy = "recalibrate",
    precision: torch.dtype | None = None,
) -> Job:
    """The job of a network, which is examined and seen to fit the data and the objective."""
    examined = examine(model, data.first(FEW).inputs, device=data.device, select=objective.select)
    fitting = _fitted(objective, examined, data)
    measured = batch_norm == "recalibrate" and bool(examined.network.measured)
    if measured:
        examined.check_measurable()
    return Job(examined, data, fitting, calibration if measured else None, batch_norm, precision)


@torch.no_grad()
def _fitted(objective: Objective, examined: Examined, data: AnyData) -> Objective:
    """The objective, seen to fit what the network gives for a few rows of the data."""
    seen = data if isinstance(data, Data) else data.first(_MET)
    rows = seen.varied(_TRIED)
    network = examined.network
    with explained(rows.inputs), examined.same_draws(), light(network.parameters):
        outputs = network({}, in_precision(rows.inputs, network.parameters))
    # A loss that is not a mean over rows shows it at rare targets, so many meet the few outputs.
    targets = seen.varied(_MET).targets
    again = torch.arange(len(targets), device=targets.device) % len(rows)
    tiled = map_tensors(lambda t: t[again] if t.ndim and len(t) == len(rows) else t, outputs)
    return objective.checked(tiled, targets)
