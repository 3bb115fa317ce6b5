"""One move of the interpolation slider: the merged network's score on all digits."""

from __future__ import annotations

import warnings
from itertools import count

import torch
from torch.nn.functional import cross_entropy

from benchmarks.cases import Case, all_digits
from benchmarks.timing import medians, table
from fusionlab import Data
from fusionlab.connectivity import Line
from fusionlab.landscape import Landscape

MOVES = 20


def measure(case: Case, *, rounds: int) -> dict[str, str]:
    """One row: milliseconds per move, and the ratio to `loss-landscapes` in the same run."""
    data = all_digits()
    a, b, _ = case.points
    landscape, line, moves = Landscape(case.model, data, batch_norm="fixed"), Line(a, b), count()
    times = medians(
        {
            "loss-landscapes": lambda: loss_landscapes_line(case, data),
            "load_state_dict": lambda: plain_line(case, data),
            "ours": lambda: [
                landscape.scores(line.at(torch.tensor([next(moves) % 100 / 100])))
                for _ in range(MOVES)
            ],
        },
        rounds=rounds,
    )
    each = {name: seconds / MOVES for name, seconds in times.items()}
    return {
        "network": case.name,
        **{name: f"{1e3 * seconds:.2f} ms" for name, seconds in each.items()},
        "ratio": f"{each['loss-landscapes'] / each['ours']:.2f}×",
    }


def loss_landscapes_line(case: Case, data: Data) -> object:
    """As many points of the line by `loss-landscapes`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import loss_landscapes
        from loss_landscapes.metrics import Loss

    metric = Loss(cross_entropy, data.inputs, data.labels)
    a, b = (theta.to(case.model).eval().requires_grad_(False) for theta in case.points[:2])
    return loss_landscapes.linear_interpolation(a, b, metric, MOVES)


def plain_line(case: Case, data: Data) -> list[float]:
    """What one writes by hand: mix two state dicts, load the mixture, call the network."""
    a, b = case.points[:2]
    network = a.to(case.model).eval()
    losses = []
    with torch.no_grad():
        for t in torch.linspace(0, 1, MOVES).tolist():
            mixed = {name: (1 - t) * tensor + t * b[name] for name, tensor in a.items()}
            network.load_state_dict({**mixed, **a.buffers})
            losses.append(cross_entropy(network(data.inputs), data.labels).item())
    return losses


def report(cases: list[Case], *, rounds: int) -> str:
    """The table."""
    rows = [measure(case, rounds=rounds) for case in cases]
    return table("One slider tick on all 1,797 digits", rows)
