"""What a network gives at one point: its outputs, those of its layers, and its statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fusionlab.landscape.hooks import order_of_layers, outputs_of
from fusionlab.landscape.jobs import Job
from fusionlab.landscape.precision import wide, working
from fusionlab.landscape.statistics import measure
from fusionlab.outputs import Inputs, explained, in_precision, map_tensors
from fusionlab.spaces import check_same_space, check_statistics
from fusionlab.weights import Weights


def with_statistics(job: Job, theta: Weights) -> Weights:
    """θ with the statistics of normalising layers that the job's policy gives it."""
    check_same_space(theta, job.network.parameters)
    if job.calibration is None:
        check_statistics(job.network.module, theta.buffers)
        return theta
    parts = job.calibration.parts(job.batching.rows)
    with job.examined.same_draws():
        measured = measure(job.network, _placed(job, theta), (data.inputs for data in parts))
    return Weights(theta, {**theta.buffers, **measured})


@torch.no_grad()
def outputs_at(job: Job, theta: Weights, inputs: Inputs) -> Any:
    """Outputs of the network at θ; statistics by the job's policy."""
    tensors, inputs = _placed(job, with_statistics(job, theta)), _moved(job, inputs)
    with explained(inputs), job.examined.same_draws():
        return job.network(tensors, in_precision(inputs, tensors))


@torch.no_grad()
def features_at(job: Job, theta: Weights, layers: Sequence[str], inputs: Inputs) -> list[Any]:
    """What the layers of these names give at θ; statistics as θ has them."""
    tensors, inputs = _placed(job, theta), _moved(job, inputs)
    with job.examined.same_draws():
        return outputs_of(job.network, layers, tensors, in_precision(inputs, tensors))


@torch.no_grad()
def layers_at(job: Job, theta: Weights) -> list[str]:
    """Names of the layers with weights of their own, in the order in which they run at θ."""
    tensors = _placed(job, theta)
    with job.examined.same_draws():
        run = order_of_layers(job.network, tensors, in_precision(job.few, tensors))
    return list(dict.fromkeys(run))


def _moved(job: Job, inputs: Inputs) -> Inputs:
    return map_tensors(lambda t: t.to(job.device), inputs)  # type: ignore[no-any-return]


def _placed(job: Job, theta: Weights) -> dict[str, Tensor]:
    """θ's tensors and buffers on the device, in the precision in which it is scored."""
    precision = job.precision or working(theta)
    tensors = {**theta, **theta.buffers}
    return {n: wide(t.to(job.device), precision).clone() for n, t in tensors.items()}
