"""A 41×41 survey of the loss: exact, refined, and with BatchNorm recalibrated at every point."""

from __future__ import annotations

import warnings

import torch
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import update_bn

from benchmarks.cases import Case, all_digits
from benchmarks.timing import medians, table
from fusionlab import Data, Weights
from fusionlab.costs import cost
from fusionlab.landscape import Landscape, Plane, Surface, Survey, survey

SIDE = 41
FEW = 9  # the other tools walk a 9×9 grid: their cost per point does not depend on the number


def measure(case: Case, *, rounds: int, peak: float) -> dict[str, str]:
    """One row: milliseconds per point and ratios to `loss-landscapes` in the same run."""
    data = all_digits()
    landscape = Landscape(case.model, data, batch_norm="fixed")
    plane = Plane.through(*case.points)
    x, y = plane.bounds(*case.points).grid(SIDE)
    times = medians(
        {
            "loss-landscapes": lambda: loss_landscapes_grid(case, data),
            "load_state_dict": lambda: plain_grid(case, data),
            "exact": lambda: survey(landscape, plane, x, y),
            "refined": lambda: Survey(landscape, plane, x, y).refine(),
        },
        rounds=rounds,
    )
    peer = times["loss-landscapes"] / FEW**2
    exact = times["exact"] / SIDE**2
    flops = cost(case.model, data.inputs[:1]).flops * len(data)
    surface = survey(landscape, plane, x, y)
    return {
        "network": case.name,
        "loss-landscapes": f"{1e3 * peer:.2f} ms",
        "load_state_dict": f"{peer / (times['load_state_dict'] / FEW**2):.2f}×",
        "exact": f"{1e3 * exact:.2f} ms",
        "exact ratio": f"{peer / exact:.1f}×",
        "of the peak": f"{100 * flops / exact / peak:.0f} %",
        "refined ratio": f"{peer * SIDE**2 / times['refined']:.1f}×",
        "refined error": f"{100 * error(Survey(landscape, plane, x, y).refine(), surface):.2f} %",
        "exact 41×41": f"{times['exact']:.2f} s",
        "first picture": f"{first_picture(landscape, plane, x, y):.2f} s",
    }


def measure_recalibrated(case: Case, *, rounds: int) -> dict[str, str]:
    """One row: BatchNorm's statistics measured anew at every point."""
    data = all_digits()
    landscape = Landscape(case.model, data)
    plane = Plane.through(*case.points)
    x, y = plane.bounds(*case.points).grid(FEW)
    points = plane.grid(x, y)
    times = medians(
        {
            "update_bn": lambda: [update_bn_score(case, data, theta) for theta in points[:9]],
            "ours": lambda: survey(landscape, plane, x, y),
        },
        rounds=rounds,
    )
    peer, ours = times["update_bn"] / 9, times["ours"] / FEW**2
    return {
        "network": case.name,
        "update_bn, then evaluate": f"{1e3 * peer:.1f} ms",
        "recalibrate": f"{1e3 * ours:.1f} ms",
        "ratio": f"{peer / ours:.1f}×",
    }


def loss_landscapes_grid(case: Case, data: Data) -> object:
    """The same kind of plane by `loss-landscapes`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import loss_landscapes
        from loss_landscapes.metrics import Loss

    metric = Loss(cross_entropy, data.inputs, data.labels)
    networks = [theta.to(case.model).eval().requires_grad_(False) for theta in case.points]
    return loss_landscapes.planar_interpolation(*networks, metric, FEW)


def plain_grid(case: Case, data: Data) -> list[float]:
    """What one writes by hand: load each point into the network and call it."""
    network = case.points[0].to(case.model).eval()
    plane = Plane.through(*case.points)
    losses = []
    with torch.no_grad():
        for theta in plane.grid(*plane.bounds(*case.points).grid(FEW)):
            network.load_state_dict({**theta, **case.points[0].buffers})
            losses.append(cross_entropy(network(data.inputs), data.labels).item())
    return losses


def update_bn_score(case: Case, data: Data, theta: Weights) -> float:
    """The usual way: a pass to measure the statistics in batches, then a pass to evaluate."""
    network = Weights(theta, case.points[0].buffers).to(case.model)
    update_bn(data.inputs.split(128), network)
    with torch.no_grad():
        return cross_entropy(network.eval()(data.inputs), data.labels).item()


def first_picture(landscape: Landscape, plane: Plane, x: torch.Tensor, y: torch.Tensor) -> float:
    """Seconds until there is something to look at."""
    walk = medians({"first": lambda: next(Survey(landscape, plane, x, y))}, rounds=3)
    return walk["first"]


def error(surface: Surface, truth: Surface) -> float:
    """Mean difference of the log loss, as a share of its range."""
    exact = truth.loss.log()
    return ((surface.loss.log() - exact).abs().mean() / (exact.max() - exact.min())).item()


def report(cases: list[Case], *, rounds: int, peak: float) -> str:
    """Both tables."""
    rows = [measure(case, rounds=rounds, peak=peak) for case in cases]
    text = table(f"A {SIDE}×{SIDE} survey of the digits' loss (1,797 images)", rows)
    normed = [case for case in cases if case.points[0].buffers]
    if not normed:
        return text
    again = [measure_recalibrated(case, rounds=rounds) for case in normed]
    return text + "\n" + table("BatchNorm recalibrated at every point", again)
