"""Whose numbers are right: faults of landscape tools beside closed forms, theirs and ours."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, log1p, nan
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import update_bn

from benchmarks.timing import table
from fusionlab import Data, Weights, lerp
from fusionlab.connectivity import Line, profile
from fusionlab.connectivity.forces import tangent
from fusionlab.landscape import (
    Landscape,
    Plane,
    Score,
    eigenpairs,
    filter_normalise,
    principal_components,
    random_direction,
    recalibrate,
    survey,
    trace,
)

SEEDS = 40  # of random estimates
LLS, PYH, HET, SWA = "loss-landscapes", "PyHessian", "hessian-eigenthings", "torch update_bn"


@dataclass(frozen=True)
class Truth:
    """A number with a closed form: what it should be, what each tool gives, how far one may be."""

    what: str
    right: float
    ours: float
    peers: dict[str, float]
    within: float  # absolute

    def row(self) -> dict[str, str]:
        """A row of the table."""
        return {
            "what": self.what,
            "closed form": f"{self.right:.4g}",
            "fusionlab": f"{self.ours:.4g}",
            "ours within": f"{self.within:.2g} {_sign(self, self.ours)}",
            "others": ", ".join(f"{n} {v:.4g} {_sign(self, v)}" for n, v in self.peers.items()),
        }


def _sign(truth: Truth, value: float) -> str:
    return "✓" if abs(value - truth.right) <= truth.within else "✗"


class Spot(nn.Module):
    """A "network" whose weights are a place (x, y)."""

    def __init__(self, x: float, y: float) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1, bias=False)
        self.layer.weight.data = torch.tensor([[float(x), float(y)]])


def place(model: Any) -> Tensor:
    """A "metric" that says where it was asked."""
    parameters = (
        model.parameters() if isinstance(model, nn.Module) else model.modules[0].parameters()
    )
    return next(iter(parameters)).detach().flatten().clone()


def spot(x: float, y: float) -> Weights:
    """A point of the plane as a point of weight space."""
    return Weights({"w": torch.tensor([x, y], dtype=torch.double)})


def network() -> nn.Sequential:
    """A small network with BatchNorm and dropout."""
    torch.manual_seed(0)
    layers = [nn.Linear(6, 12), nn.BatchNorm1d(12), nn.Tanh(), nn.Dropout(0.5), nn.Linear(12, 3)]
    return nn.Sequential(*layers)


def smooth() -> nn.Sequential:
    """A small smooth network, trained a little; its Hessian can be written down whole."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(100):
        optimizer.zero_grad()
        cross_entropy(model(DATA.inputs), DATA.labels).backward()
        optimizer.step()
    return model


def rows(n: int = 203) -> Data:
    """Inputs that are neither centred nor scaled, and three classes."""
    generator = torch.Generator().manual_seed(2)
    inputs = 1 + 2 * torch.randn(n, 6, generator=generator)
    return Data(inputs, (inputs[:, 0] + inputs[:, 1] > 2).long() + (inputs[:, 2] > 1).long())


DATA = rows()


def grid() -> list[Truth]:
    """Is every cell where it says? Are the three models on the grid?"""
    import loss_landscapes

    n = 5
    theirs = loss_landscapes.planar_interpolation(
        Spot(0, 0), Spot(1, 0), Spot(0, 1), place, n, deepcopy_model=True
    )
    theirs = torch.tensor(
        np.array(
            theirs.tolist()
            if theirs.dtype != object
            else [[np.array(cell) for cell in row] for row in theirs]
        )
    ).reshape(n, n, 2)
    said = torch.stack(torch.meshgrid(*[torch.arange(n) / n] * 2, indexing="ij"), -1)
    seen: list[Tensor] = []

    def ours(theta: Weights) -> Score:
        seen.append(theta["w"])
        return Score(0.0, 0.0)

    plane = Plane.through(spot(0, 0), spot(1, 0), spot(0, 1))
    x = torch.linspace(0, 1, n)
    survey(ours, plane, x, x)
    cells = torch.stack(seen).reshape(n, n, 2).transpose(0, 1)
    here = torch.stack(torch.meshgrid(x, x, indexing="ij"), -1)
    corners = torch.tensor([[0.0, 0], [1, 0], [0, 1]])
    return [
        Truth(
            "1 grid: largest error of a cell's place, in cells", 0.0,
            float((cells - here).abs().max() * (n - 1)),
            {LLS: float((theirs - said).abs().max() * n)}, 1e-5,
        ),
        Truth(
            "11 grid: farthest model from a cell, in sides", 0.0, _miss(cells, corners),
            {LLS: _miss(theirs, corners)}, 1e-5,
        ),
    ]  # fmt: skip


def _miss(cells: Tensor, corners: Tensor) -> float:
    return float(torch.cdist(corners, cells.flatten(0, 1).float()).min(1).values.max())


def line() -> list[Truth]:
    """Where does a line begin?"""
    import loss_landscapes

    theirs = loss_landscapes.linear_interpolation(
        Spot(0, 0), Spot(1, 0), lambda m: float(place(m)[0]), 10, deepcopy_model=True
    )
    along = profile(lambda theta: Score(theta["w"][0].item(), 0.0), Line(spot(0, 0), spot(1, 0)))
    return [Truth("2 line: its first point", 0.0, float(along.loss[0]), {LLS: theirs[0]}, 0.0)]


def directions() -> list[Truth]:
    """How long are random directions, where do they point, what do biases do?"""
    import loss_landscapes
    from loss_landscapes.model_interface.model_parameters import ModelParameters, rand_u_like

    model = nn.Linear(40, 30)
    theta = Weights.of(model)

    def moved(distance: float) -> float:
        ends = loss_landscapes.random_line(
            model, lambda m: torch.cat([p.detach().flatten() for p in m.modules[0].parameters()]),
            distance, 10, deepcopy_model=True,
        )  # fmt: skip
        return float((torch.as_tensor(np.stack(list(ends))[-1]) - theta.flat()).norm())

    mine = Plane.random(theta, seed=0)
    ratio = float((mine(10.0, 0.0) - theta).norm() / (mine(1.0, 0.0) - theta).norm())
    point = ModelParameters([p.detach().clone() for p in model.parameters()])
    drawn = [rand_u_like(point) for _ in range(2)]
    positive = float((torch.cat([t.flatten() for t in drawn[0]]) > 0).double().mean())
    for direction in drawn:
        direction.filter_normalize_(point)
    ours = [filter_normalise(random_direction(theta, seed=s), theta) for s in range(2)]
    share = float((ours[0]["weight"] > 0).double().mean())
    return [
        Truth("3 ten times the distance: how much farther", 10.0, ratio,
              {LLS: moved(10.0) / moved(1.0)}, 1e-3),
        Truth("4 random direction: share of positive steps", 0.5, share, {LLS: positive}, 0.05),
        Truth("4 random direction: length of its biases", 0.0, float(ours[0]["bias"].norm()),
              {LLS: float(drawn[0][1].norm())}, 0.0),
        Truth("9 filters: longest over shortest, in lengths of θ's", 1.0,
              _spread(ours[0]["weight"], theta["weight"]),
              {LLS: _spread(drawn[0][0], theta["weight"])}, 1e-4),
    ]  # fmt: skip


def _spread(direction: Tensor, theta: Tensor) -> float:
    ratio = direction.norm(dim=1) / theta.norm(dim=1)
    return float(ratio.max() / ratio.min())


def callers() -> list[Truth]:
    """Is the caller's model as it was? Is a point's loss one number?"""
    import loss_landscapes
    from loss_landscapes.metrics import Loss

    model, metric = network().train(), Loss(cross_entropy, DATA.inputs, DATA.labels)
    before = copy.deepcopy(model.state_dict())
    theta = Weights.of(model)
    landscape = Landscape(model, DATA)
    ours = {landscape(theta).loss for _ in range(4)}
    kept = _changed(model, before)
    theirs = [float(loss_landscapes.point(model, metric)) for _ in range(4)]
    walked = smooth().eval()
    before_walk = copy.deepcopy(walked.state_dict())
    loss_landscapes.random_line(walked, metric, 1, 4)
    return [
        Truth("5 caller's model: how far a call moves it", 0.0, kept,
              {LLS: _changed(walked, before_walk)}, 0.0),
        Truth("6 one point, model in training mode, 4 looks: spread", 0.0, max(ours) - min(ours),
              {LLS: max(theirs) - min(theirs)}, 0.0),
    ]  # fmt: skip


def _changed(model: nn.Module, before: dict[str, Tensor]) -> float:
    return float(sum((t - before[n]).abs().sum() for n, t in model.state_dict().items()))


def statistics() -> list[Truth]:
    """Whose BatchNorm statistics: halfway between two networks, and of ragged batches."""
    import loss_landscapes
    from loss_landscapes.metrics import Loss

    model = network()
    other = network()
    for p in other.parameters():
        p.data = torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel()))
    a, b = (recalibrate(m, Weights.of(m), DATA) for m in (model, other))
    half = lerp(a, b, 0.5)
    hidden = DATA.inputs @ half["0.weight"].T + half["0.bias"]
    normal = (hidden - hidden.mean(0)) / (hidden.var(0, correction=0) + 1e-5).sqrt()
    out = (normal * half["1.weight"] + half["1.bias"]).tanh() @ half["4.weight"].T + half["4.bias"]
    right = cross_entropy(out, DATA.labels).item()
    metric = Loss(cross_entropy, DATA.inputs, DATA.labels)
    theirs = loss_landscapes.linear_interpolation(a.to(model).eval(), b.to(model).eval(), metric, 2)
    variance = hidden.double().var(0, correction=0)
    batches = list(DATA.inputs.split(100))  # 100, 100 and 3 rows
    usual = Weights(half, a.buffers).to(model)
    update_bn(batches, usual)
    ours = recalibrate(model, half, DATA, batch_size=100).buffers["1.running_var"]
    return [
        Truth("7 BatchNorm: loss halfway between two networks", right,
              Landscape(model, DATA)(half).loss, {LLS: float(theirs[0])}, 1e-4),
        Truth("8 variance from batches of 100, 100, 3: relative error", 0.0,
              _error(ours, variance), {SWA: _error(usual[1].running_var, variance)}, 1e-4),
    ]  # fmt: skip


def _error(found: Tensor, right: Tensor) -> float:
    return float(((found - right) / right).abs().max())


def losses() -> list[Truth]:
    """Do batches count by size, do small losses keep digits, do heavy weights weigh nothing?"""
    import hessian_eigenthings as het
    from loss_landscapes.metrics import Loss
    from loss_landscapes.model_interface.model_wrapper import wrap_model
    from pyhessian import hessian

    model = smooth()
    batches = [DATA[:100], DATA[100:200], DATA[200:]]
    pairs = [(batch.inputs, batch.labels) for batch in batches]
    theta, vector = Weights.of(model), torch.ones(sum(p.numel() for p in model.parameters()))
    right = _dense(model) @ vector.double()
    with patch("fusionlab.landscape.slopes.BATCH_BYTES", 1e4):  # ours in ragged batches, too
        ours = Landscape(model, DATA).hessian(theta)(vector[None])[0]
    operator = het.HessianOperator(copy.deepcopy(model), pairs, het.supervised_loss(cross_entropy))
    first = hessian(copy.deepcopy(model), cross_entropy, dataloader=pairs, cuda=False)
    _, product = first.dataloader_hv_product([torch.ones_like(p) for p in first.params])
    theirs = torch.cat([t.flatten() for t in product])
    plain = nn.Linear(6, 3)
    plain.weight.data, plain.bias.data = torch.zeros(3, 6), torch.tensor([9.0, 0, 0])
    heavy = nn.Linear(6, 3, bias=False)
    heavy.weight.data = 1e3 * torch.ones(3, 6)
    easy = Data(DATA.inputs, 0 * DATA.labels)

    def off(found: Tensor) -> float:
        return float((found - right).norm() / right.norm())

    return [
        Truth("14 batches of 100, 100, 3: relative error of a Hessian product", 0.0, off(ours),
              {PYH: off(theirs), HET: off(operator.matvec(vector))}, 1e-5),
        Truth("15 a small loss", log1p(2 * exp(-9)), Landscape(plain, easy)(Weights.of(plain)).loss,
              {LLS: float(Loss(cross_entropy, easy.inputs, easy.labels)(wrap_model(plain)))}, 1e-6),
        Truth("19 equal logits from heavy weights: loss", log(3),
              Landscape(heavy, DATA)(Weights.of(heavy)).loss,
              {LLS: float(Loss(cross_entropy, DATA.inputs, DATA.labels)(wrap_model(heavy)))}, 1e-5),
    ]  # fmt: skip


def planes() -> list[Truth]:
    """Are distances true, rows y, and components those of the singular value decomposition?"""
    a, b, c = spot(0, 0), spot(4, 0), spot(3, 1)
    plane = Plane.through(a, b, c)
    places = torch.tensor([plane.project(p) for p in (a, b, c)], dtype=torch.double)
    drawn = float((places[1] - places[2]).norm() / (places[0] - places[1]).norm())
    field = survey(lambda t: Score(float(t["w"] @ torch.tensor([10.0, 1]).double()), 0.0),
                   Plane.around(spot(0, 0), spot(1, 0), spot(0, 1)),
                   torch.linspace(0, 1, 2), torch.linspace(0, 1, 3))  # fmt: skip
    walk = torch.randn(9, 30, generator=torch.Generator().manual_seed(0)).double().cumsum(0)
    sizes = torch.linalg.svdvals(walk - walk.mean(0)).square()
    found = principal_components([Weights({"w": row}) for row in walk], 2).explained
    return [
        Truth("10 3 × 2 grid of 10 x + y: its last row, first column", 1.0,
              float(field.loss[2, 0]), {}, 1e-12),
        Truth("16 three models: length of bc over ab, as drawn", 0.5**0.5 / 2, drawn,
              {f"{LLS} (raw axes, by formula)": 2**0.5}, 1e-9),
        Truth("17 trajectory: share that its plane holds", float(sizes[:2].sum() / sizes.sum()),
              float(found.sum()), {}, 1e-9),
    ]  # fmt: skip


def bands() -> list[Truth]:
    """Which neighbour does a band's tangent at a peak lean to?"""
    along = tangent([spot(-1, 0), spot(0, 0), spot(0, 1)], [0.9, 1.0, 0.0])["w"]
    return [Truth("12 band at a peak: share of the higher neighbour", 1 / 1.01**0.5,
                  float(along[0]), {}, 1e-9)]  # fmt: skip


def curvature() -> list[Truth]:
    """Eigenvalues and trace beside the Hessian written down whole."""
    model = smooth()
    theta, landscape = Weights.of(model), Landscape(model, DATA)
    dense = _dense(model)
    values = torch.linalg.eigvalsh(dense)
    top = values[values.abs().argsort(descending=True)[:5]]
    exact = float(dense.trace())
    ours = [trace(landscape, theta, seed=s, progress=False).value for s in range(SEEDS)]
    found = eigenpairs(landscape, theta, k=5, progress=False).values
    peers_top, peers_trace = _peers(model, top, exact)
    return [
        Truth("eigenvalues: largest relative error of the top five", 0.0,
              _error(found, top), peers_top, 1e-3),
        Truth(f"13 trace: median relative error of {SEEDS} seeds", 0.0,
              _off(ours, exact, 0.5), {n: _off(t, exact, 0.5) for n, t in peers_trace.items()},
              0.02),
        Truth(f"13 trace: largest relative error of {SEEDS} seeds", 0.0,
              _off(ours, exact, 1.0), {n: _off(t, exact, 1.0) for n, t in peers_trace.items()},
              0.08),
    ]  # fmt: skip


def _off(found: list[float], right: float, share: float) -> float:
    return float(((torch.tensor(found) - right).abs() / abs(right)).quantile(share))


def _dense(model: nn.Module) -> Tensor:
    """The Hessian in double precision, a row per weight."""
    exact = copy.deepcopy(model).double()
    names, sizes = zip(*((n, p.shape) for n, p in exact.named_parameters()), strict=True)
    ends = [0, *np.cumsum([size.numel() for size in sizes]).tolist()]

    def loss(flat: Tensor) -> Tensor:
        parts = [flat[i:j].view(s) for (i, j), s in zip(pairwise(ends), sizes, strict=True)]
        logits = torch.func.functional_call(
            exact, dict(zip(names, parts, strict=True)), DATA.inputs.double()
        )
        return cross_entropy(logits, DATA.labels)

    flat = torch.cat([p.detach().flatten() for p in exact.parameters()])
    return torch.func.hessian(loss)(flat)


def _peers(model: nn.Module, top: Tensor, exact: float) -> tuple[dict[str, float], dict[str, Any]]:
    """The same by PyHessian and hessian-eigenthings, as their manuals call them."""
    import hessian_eigenthings as het
    from pyhessian import hessian

    torch.manual_seed(0)
    batch = (DATA.inputs, DATA.labels)
    first = hessian(copy.deepcopy(model), cross_entropy, data=batch, cuda=False)
    power = torch.tensor(first.eigenvalues(top_n=5)[0])
    traces = [float(np.mean(first.trace())) for _ in range(SEEDS)]
    operator = het.HessianOperator(
        copy.deepcopy(model), [batch], het.supervised_loss(cross_entropy)
    )
    lanczos = torch.as_tensor(het.lanczos(operator, k=5, seed=0).eigenvalues)
    lanczos = lanczos[lanczos.abs().argsort(descending=True)].double()
    again = [het.trace(operator, seed=s).estimate for s in range(SEEDS)]
    return {PYH: _error(power, top), HET: _error(lanczos, top)}, {PYH: traces, HET: again}


CHECKS: tuple[Callable[[], list[Truth]], ...] = (
    grid, line, directions, callers, statistics, losses, planes, bands, curvature,
)  # fmt: skip


def report() -> str:
    """The table; a tool that is not installed, or does not run, is named in its place."""
    found: list[dict[str, str]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for check in CHECKS:
            try:
                found += [truth.row() for truth in check()]
            except ImportError as error:
                missing = Truth(
                    f"{check.__name__}: {error.name} is not installed", nan, nan, {}, nan
                )
                found.append(missing.row())
    found.sort(key=lambda row: int(number) if (number := row["what"].split()[0]).isdigit() else 99)
    return table("Truths: ✓ within the tolerance of the closed form, ✗ not", found)
