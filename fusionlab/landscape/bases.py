"""The points of a call as a job combines them, with the statistics that its policy gives them."""

from __future__ import annotations

from fusionlab.landscape.basis import Basis
from fusionlab.landscape.jobs import Job
from fusionlab.spaces import check_same_space, check_statistics
from fusionlab.weights import Weights


def basis_of(job: Job, points: tuple[Weights, ...]) -> Basis:
    """The points where and as this job combines them.

    Raises:
        ValueError: if they are not the network's, or lack statistics that are not measured anew.
    """
    check_same_space(points[0], job.network.parameters)
    mixed, kept = _statistics(job, points)
    return Basis(
        points, job.network.constants,
        mixed=mixed, kept=kept, device=job.device, precision=job.precision,
    )  # fmt: skip


def _statistics(job: Job, points: tuple[Weights, ...]) -> tuple[list[str], list[str]]:
    """Names of BatchNorm's statistics that are mixed as coordinates are, and of those kept."""
    network = job.network
    if job.calibration is not None or not network.measured:
        return [], []
    for point in points[:1] if job.fixes_statistics else points:
        check_statistics(network.module, point.buffers)
    names = sorted(network.measured)
    if job.fixes_statistics:
        return [], names
    counters = [name for name in names if not points[0].buffers[name].is_floating_point()]
    return [name for name in names if name not in counters], counters
