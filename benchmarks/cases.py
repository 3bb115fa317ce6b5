"""The networks and the data that every benchmark uses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from fusionlab import Data, Weights
from fusionlab.lab import Recipe, Run, convnet, digits, mlp, resnet, train_many


@dataclass(frozen=True)
class Case:
    """A network and three points of its space, trained on the digits."""

    name: str
    model: nn.Module
    points: tuple[Weights, Weights, Weights]


MODELS = {
    "MLP 32": lambda: mlp(64, 32, 32, 10),
    "MLP 128": lambda: mlp(64, 128, 128, 10),
    "MLP 512": lambda: mlp(64, 512, 512, 10),
    "convnet": convnet,
    "ResNet": resnet,
}


def all_digits() -> Data:
    """All 1,797 images of the task, whatever their split."""
    task = digits()
    splits = (task.train, task.val, task.test)
    return Data(torch.cat([s.inputs for s in splits]), torch.cat([s.labels for s in splits]))


def case(name: str) -> Case:
    """Train three networks of one kind, briefly."""
    model = MODELS[name]()
    runs: list[Run] = train_many(
        model, digits().train, Recipe(epochs=5), seeds=range(3), progress=False
    )
    a, b, c = (run.final for run in runs)
    return Case(name, model, (a, b, c))
