"""A training step of a curve against a plain step of the same network."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.timing import table
from fusionlab import Data, Weights
from fusionlab.connectivity import Bezier, Chain, Fitting
from fusionlab.lab import Recipe, convnet, digits, mlp, resnet, torchvision_model
from fusionlab.lab.runs import Plan
from fusionlab.lab.training import _Single

Step = Callable[[], object]
RECIPE = Recipe(steps=10**6, batch_size=32, schedule="constant", lr=1e-4)  # never ends
BUDGET = 1.0  # seconds of plain steps that a block takes, at most


def colour_images() -> Data:
    """Random images as small as CIFAR's; what they show costs nothing."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (256,), generator=generator)
    return Data(torch.randn(256, 3, 32, 32, generator=generator), labels)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "MLP 64-128-128-10": lambda: mlp(64, 128, 128, 10),
    "convnet": convnet,
    "ResNet-8, BatchNorm": resnet,
    "torchvision resnet18": lambda: torchvision_model("resnet18", classes=10),
}


def plain(model: nn.Module, data: Data) -> Step:
    """A step of `lab.train`."""
    network = deepcopy(model).train()
    learner = _Single(network, data, Plan(RECIPE, 0, 0))
    return lambda: learner.step(0)


def by_hand(model: nn.Module, data: Data) -> Step:
    """A step as people write it, with torch.optim."""
    network = deepcopy(model).train()
    descent = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4)
    generator = torch.Generator().manual_seed(0)

    def step() -> Tensor:
        rows = torch.randint(len(data), (RECIPE.batch_size,), generator=generator)
        descent.zero_grad()
        loss = cross_entropy(network(data.inputs[rows]), data.labels[rows])
        loss.backward()
        descent.step()
        return loss.detach()

    return step


def curve(kind: type[Bezier] | type[Chain], bends: int) -> Callable[[nn.Module, Data], Step]:
    """A step of a curve between two networks."""

    def make(model: nn.Module, data: Data) -> Step:
        a = Weights.of(model)
        b = a.map(lambda t: t + 0.01 * torch.randn(t.shape))
        shape = kind.between(a, b, bends=bends)
        return Fitting(model, data, shape, RECIPE, seed=0)._step

    return make


WAYS: dict[str, Callable[[nn.Module, Data], Step]] = {
    "lab.train": plain,
    "torch.optim": by_hand,
    "Bézier, 1 bend": curve(Bezier, 1),
    "chain, 1 bend": curve(Chain, 1),
    "Bézier, 3 bends": curve(Bezier, 3),
}


def measure(name: str, *, rounds: int) -> dict[str, str]:
    """One row: the plain step in milliseconds, and each way's time over it, round by round."""
    model = NETWORKS[name]()
    data = colour_images() if "torchvision" in name else digits().train
    steps = {way: make(model, data) for way, make in WAYS.items()}
    first, *others = steps
    many = max(1, min(200, int(BUDGET / seconds(steps[first], 3))))
    for step in steps.values():
        seconds(step, many)
    times = [{way: seconds(step, many) for way, step in steps.items()} for _ in range(rounds)]
    ratios = {way: median(round_[way] / round_[first] for round_ in times) for way in others}
    return {
        "network": name,
        first: f"{1e3 * median(round_[first] for round_ in times):.2f} ms",
        **{way: f"{ratio:.2f}×" for way, ratio in ratios.items()},
    }


def seconds(step: Step, times: int) -> float:
    """Seconds of one of so many steps."""
    begin = time.perf_counter()
    for _ in range(times):
        step()
    return (time.perf_counter() - begin) / times


def report(*, rounds: int) -> str:
    """The table."""
    rows = [measure(name, rounds=rounds) for name in NETWORKS]
    return table(f"A training step of a curve, batches of {RECIPE.batch_size}", rows)
