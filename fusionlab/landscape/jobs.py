"""What is computed at every point of a landscape, and in which portions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from fusionlab.data import Data
from fusionlab.landscape.examination import FEW, Examined
from fusionlab.landscape.network import Network
from fusionlab.landscape.plain import difference
from fusionlab.landscape.schedules import Schedule, choose
from fusionlab.objectives import Objective
from fusionlab.outputs import Inputs, in_precision, map_tensors, tensors_of

MEASURED_BYTES = 512e6  # the widest layer of the batch that BatchNorm is recalibrated on
ALIKE = 1e-4  # relative difference between two layouts of the same rows


@dataclass(frozen=True, eq=False)
class Job:
    """What is computed at a point, whatever the point.

    Attributes:
        examined: the network.
        data: what the loss is measured on.
        objective: outputs and targets ↦ sums.
        calibration: what normalising layers are measured on at each point, if they are.
    """

    examined: Examined
    data: Data
    objective: Objective
    calibration: Data | None

    @property
    def network(self) -> Network:
        """The network as a pure function."""
        return self.examined.network

    @property
    def device(self) -> torch.device:
        """Where it is computed."""
        return self.data.device

    @cached_property
    def few(self) -> Inputs:
        """The inputs of the first rows."""
        return map_tensors(lambda t: t[:FEW], self.data.inputs)  # type: ignore[no-any-return]

    @cached_property
    def schedule(self) -> Schedule:
        """Points per call, calls at the same time, and rows per call."""
        with self.examined.same_draws():
            cost = self.network.cost(self.few)
        schedule = choose(cost, len(self.data), self.device)
        if self.calibration is not None:
            # What a layer measures belongs to one point and to many rows.
            rows = max(1, int(MEASURED_BYTES // cost.bytes))
            schedule = replace(schedule, stack=1, rows=rows)
        if not self.examined.by_row:
            whole = max(len(self.data), len(self.calibration or self.data))
            schedule = replace(schedule, rows=whole)
        if self.examined.draws:
            return replace(schedule, stack=1, workers=1)
        return replace(schedule, stack=1) if self.network.handling.anew else schedule

    @property
    def batches(self) -> Iterable[Data]:
        """The data in the rows of a call."""
        return self._held

    @cached_property
    def one_batch(self) -> bool:
        """Whether the batch that is scored is what is measured, all of it."""
        own = self.calibration is self.data and len(self._held) == 1
        return own and self.examined.one_pass

    @cached_property
    def _held(self) -> list[Data]:
        return [
            Data(self.arranged(d.inputs), d.targets) for d in self.data.parts(self.schedule.rows)
        ]

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


def _channels_last(inputs: Inputs) -> Inputs:
    return map_tensors(lambda t: t.contiguous(memory_format=torch.channels_last), inputs)  # type: ignore[no-any-return]
