"""Which short cuts are right for the combinations of a few points: each is tried once.

They are tried on a few rows and between the points, against the plain path; one that gives other
outputs is not taken.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from fusionlab.data import Data
from fusionlab.landscape.basis import Basis
from fusionlab.landscape.examination import light
from fusionlab.landscape.first_layer import FirstLayer, find
from fusionlab.landscape.jobs import Job
from fusionlab.landscape.notices import notice
from fusionlab.landscape.plain import Yardstick
from fusionlab.landscape.plans import Plan
from fusionlab.outputs import in_precision, map_tensors, tensors_of
from fusionlab.weights import Weights

BETWEEN = ((0.6, 0.4), (0.3, 0.7))  # combinations of two points at which short cuts are tried


def planned(job: Job, basis: Basis) -> Plan:
    """The plan with the short cuts that are right for these points."""
    plan = Plan(job, basis)
    if len(basis.points) == 1 or not basis.sound or job.calibration is not None:
        return plan
    plan.first = None if basis.brings_buffers else _first_layer(plan)
    if plan.first or job.batching.stack > 1:
        with light(basis.points[0]):
            plain = _yardstick(plan)
            plan.first = _right_first(plan, plain)
            plan.stack = _right_stack(plan, plain)
    return plan


def _first_layer(plan: Plan) -> FirstLayer | None:
    """The layer that is linear in the points, computed for all of them; before any thread."""
    job = plan.job
    plain = isinstance(job.data, Data) and isinstance(job.data.inputs, Tensor)
    if job.network.handling.anew or not plain:
        return None
    points, stack = plan.basis.ends, job.batching.stack
    batches: list[Any] = [batch.inputs for batch in plan.batches]
    name = find(job.network, points, batches[0][:2], rows=job.rows, stack=stack)
    return FirstLayer(job.network, name, points, batches) if name else None


def _right_first(plan: Plan, plain: Yardstick) -> FirstLayer | None:
    """The plan's first layer, if it gives the outputs of the plain path."""
    if plan.first is None or _agrees(plan, plain, 1):
        return plan.first
    notice(
        f"the outputs of the layer {plan.first.name!r} are not linear in its weights, or "
        "another layer reads them: they are computed anew at each point."
    )
    return None


def _right_stack(plan: Plan, plain: Yardstick) -> int:
    """How many points go into one call: as many as is quick, if their outputs are right."""
    stack = plan.job.batching.stack
    agrees = stack == 1 or _agrees(plan, plain, 2)
    if agrees is False:
        notice("stacking points gives other outputs: they are computed one by one.")
    return stack if agrees else 1


def _agrees(plan: Plan, plain: Yardstick, count: int) -> bool | None:
    """Whether so many points in one call have the outputs of the plain path; None: it fails."""
    job, c = plan.job, _between(plan, count)
    inputs, rows = job.arranged(plain.inputs), slice(len(tensors_of(plain.inputs)[0]))
    try:
        with warnings.catch_warnings(), job.examined.same_draws():
            # vmap warns where it takes rows one by one, which is slower than no vmap
            warnings.filterwarnings("error", message="There is a performance drop")
            outputs = plan.outputs(c, plan.tensors(c), inputs, rows)
    except (RuntimeError, ValueError, TypeError, NotImplementedError, UserWarning):
        return None
    return plain.agrees(map_tensors(lambda t: t[0], outputs))


def _yardstick(plan: Plan) -> Yardstick:
    """The plain path between the first two points."""
    tensors, first = plan.point(_between(plan, 1)), plan.basis.points[0]
    theta = Weights(
        {name: tensors[name] for name in first},
        {name: t for name, t in tensors.items() if name not in first},
    )
    few = in_precision(plan.job.few, theta)
    return Yardstick(plan.job.examined.base, theta, few, plan.job.network.select)


def _between(plan: Plan, count: int) -> Tensor:
    points, device = len(plan.basis.points), plan.job.device
    c = torch.zeros(count, points, dtype=torch.double, device=device)
    c[:, :2] = torch.tensor(BETWEEN[:count])
    return c
