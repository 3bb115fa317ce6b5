"""The ten steepest directions and the trace of the Hessian, beside the tools for it.

A peer is given the cheapest of a few settings with which it gets there, found before the clock
starts; ours finds out by itself.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.cases import Case, all_digits
from benchmarks.timing import Way, medians, table
from fusionlab import Data
from fusionlab.landscape import Landscape, eigenpairs, trace

K = 10
RESIDUAL = 1e-2  # ‖Hv − λv‖ / |λ| of the worst of the pairs
ERROR = 0.02  # standard error of the trace, as a share of it
SWEEPS = ((100, 1e-3), (100, 1e-5), (1000, 1e-6))  # of PyHessian
SPACES = (20, 40, 80, 160, 320)  # of hessian-eigenthings: steps of its Lanczos
PROBES = (24, 48, 96, 192, 384, 768)


def network(case: Case) -> nn.Module:
    """The trained network, with the statistics that it was trained with."""
    return case.points[0].to(case.model).eval()


class Plain:
    """The Hessian as everyone writes it down; it judges all tools."""

    def __init__(self, model: nn.Module, data: Data) -> None:
        self.weights = [p.detach().clone().requires_grad_() for p in model.parameters()]
        names = [name for name, _ in model.named_parameters()]
        tensors = dict(zip(names, self.weights, strict=True))
        logits = torch.func.functional_call(model, tensors, (data.inputs,))
        loss = cross_entropy(logits, data.labels)
        self.slopes = torch.autograd.grad(loss, self.weights, create_graph=True)

    def __call__(self, vector: Tensor) -> Tensor:
        """Hv of a flat vector."""
        ends = [0, *np.cumsum([p.numel() for p in self.weights]).tolist()]
        parts = [
            vector[i:j].view_as(p) for (i, j), p in zip(pairwise(ends), self.weights, strict=True)
        ]
        product = torch.autograd.grad(self.slopes, self.weights, parts, retain_graph=True)
        return torch.cat([p.flatten() for p in product])

    def residual(self, values: Sequence[float], vectors: Sequence[Tensor]) -> float:
        """The worst ‖Hv − λv‖ / |λ| of pairs."""
        pairs = zip(values, (v / v.norm() for v in vectors), strict=True)
        return max(float((self(v) - value * v).norm()) / abs(value) for value, v in pairs)


class Tools:
    """The same questions to each tool about one network and all digits."""

    def __init__(self, case: Case) -> None:
        self.model, self.data = network(case), all_digits()
        self.theta, self.name = case.points[0], case.name
        self.landscape = Landscape(case.model, self.data, batch_norm="fixed")

    def ours(self) -> tuple[list[float], list[Tensor]]:
        """Ours, from the first line to the last."""
        found = eigenpairs(self.landscape, self.theta, k=K, tolerance=RESIDUAL, progress=False)
        return found.values.tolist(), [v.flat() for v in found.vectors]

    def pyhessian(self, most: int, tolerance: float) -> tuple[list[float], list[Tensor]]:
        """Power iteration, one vector after another."""
        torch.manual_seed(0)
        values, vectors = self._pyhessian().eigenvalues(maxIter=most, tol=tolerance, top_n=K)
        return values, [torch.cat([t.flatten() for t in v]) for v in vectors]

    def eigenthings(self, steps: int) -> tuple[list[float], list[Tensor]]:
        """Lanczos of a length that the caller must know."""
        import hessian_eigenthings as het

        found = het.lanczos(self._operator(), k=K, max_iter=steps, reorthogonalize=True, seed=0)
        return found.eigenvalues.tolist(), list(found.eigenvectors)

    def our_trace(self, seed: int = 0) -> float:
        """Ours, until its standard error is small enough."""
        options = {"tolerance": ERROR, "seed": seed, "progress": False}
        return trace(self.landscape, self.theta, **options).value

    def pyhessian_trace(self, probes: int | None) -> list[float]:
        """A number of probes, or as many as it thinks that it needs."""
        options = {} if probes is None else {"maxIter": probes, "tol": 0.0}
        return self._pyhessian().trace(**options)

    def eigenthings_trace(self, products: int, seed: int = 0) -> tuple[float, float]:
        """Hutch++ with a number of products; the estimate and its standard error."""
        import hessian_eigenthings as het

        found = het.trace(self._operator(), num_matvecs=products, seed=seed)
        return found.estimate, found.stderr

    def eigenthings_settles(self, products: int) -> bool:
        """Whether so many products are enough, by its own standard error."""
        value, error = self.eigenthings_trace(products)
        return error <= ERROR * abs(value)

    def _pyhessian(self) -> object:
        from pyhessian import hessian

        batch = (self.data.inputs, self.data.labels)
        return hessian(copy.deepcopy(self.model), cross_entropy, data=batch, cuda=False)

    def _operator(self) -> object:
        import hessian_eigenthings as het

        batch = (self.data.inputs, self.data.labels)
        model = copy.deepcopy(self.model)
        return het.HessianOperator(model, [batch], het.supervised_loss(cross_entropy))


def cheapest(settings: Sequence[object], good: Callable[..., bool]) -> object:
    """The first setting that is good enough, or the last."""
    return next((s for s in settings if good(s)), settings[-1])


def measure_pairs(case: Case, *, rounds: int) -> dict[str, str]:
    """One row: seconds for ten pairs, with the residual that was reached."""
    tools = Tools(case)
    judge = Plain(tools.model, tools.data).residual
    sweep = cheapest(SWEEPS, lambda s: judge(*tools.pyhessian(*s)) <= RESIDUAL)
    steps = cheapest(SPACES, lambda n: judge(*tools.eigenthings(n)) <= RESIDUAL)
    ways = {
        "PyHessian": lambda: tools.pyhessian(*SWEEPS[0]),
        "PyHessian, as exact": lambda: tools.pyhessian(*sweep),
        "hessian-eigenthings, as exact": lambda: tools.eigenthings(steps),
        "ours": tools.ours,
    }
    reached = {name: f"residual {judge(*way()):.1g}" for name, way in ways.items()}
    return _row(tools, ways, reached, rounds)


def measure_trace(case: Case, *, rounds: int) -> dict[str, str]:
    """One row: seconds for a trace whose standard error is 2 %."""
    tools = Tools(case)
    torch.manual_seed(0)
    pilot = np.array(tools.pyhessian_trace(100))
    needed = int(np.ceil((pilot.std(ddof=1) / (ERROR * pilot.mean())) ** 2))
    products = cheapest(PROBES, tools.eigenthings_settles)
    ways = {
        "PyHessian": lambda: tools.pyhessian_trace(None),
        "PyHessian, as exact": lambda: tools.pyhessian_trace(needed),
        "hessian-eigenthings, as exact": lambda: tools.eigenthings_trace(products)[0],
        "ours": tools.our_trace,
    }
    estimates = {name: f"trace {np.mean(way()):.3g}" for name, way in ways.items()}
    return _row(tools, ways, estimates, rounds)


def _row(
    tools: Tools, ways: dict[str, Way], reached: dict[str, str], rounds: int
) -> dict[str, str]:
    times = medians(ways, rounds=rounds)
    told = {n: f"{t:.2f} s, {t / times['ours']:.1f}×, {reached[n]}" for n, t in times.items()}
    return {"network": f"{tools.name}, {tools.theta.size:,} parameters", **told}


def report(cases: list[Case], *, rounds: int) -> str:
    """Both tables."""
    pairs = [measure_pairs(case, rounds=rounds) for case in cases]
    traces = [measure_trace(case, rounds=rounds) for case in cases]
    title = (
        f"Seconds for {K} eigenpairs of the Hessian on 1,797 digits, residual ≤ {RESIDUAL:g} |λ|"
    )
    again = f"Seconds for its trace with a standard error of {ERROR:.0%} (the estimate beside it)"
    return table(title, pairs) + "\n" + table(again, traces)
