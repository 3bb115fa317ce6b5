"""Training data: checked against the network, in batches, with noise on the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fusionlab.data import Data
from fusionlab.descent.recipes import Recipe
from fusionlab.modules import copy_module
from fusionlab.objectives import AnyObjective, Objective, objective_of
from fusionlab.outputs import explained, forward, in_precision, map_tensors
from fusionlab.randomness import seeded

TRIED = 16  # rows on which network and targets are compared


def batch_rows(examples: int, size: int, seeds: Sequence[int]) -> Iterator[Tensor]:
    """Endless batches of row numbers, shape (runs, size): every run has its own order.

    Each epoch is a new order of all rows, without those that do not fill a batch.
    """
    size = min(size, examples)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    while True:
        orders = torch.stack([torch.randperm(examples, generator=own) for own in generators])
        yield from orders[:, : examples - examples % size].unflatten(1, (-1, size)).unbind(1)


def noisy_targets(data: Data, recipe: Recipe) -> Tensor:
    """The targets, with the recipe's share of the labels replaced by others; shape (n, ...)."""
    count = round(recipe.label_noise * len(data))
    if count == 0:
        return data.targets.clone()
    labels = data.labels.clone()
    if data.classes < 2:
        raise ValueError(
            "label noise needs two or more classes, but all labels are 0: leave it out."
        )
    generator = torch.Generator().manual_seed(recipe.noise_seed)
    rows = torch.randperm(len(labels), generator=generator)[:count]
    steps = torch.randint(1, data.classes, (count,), generator=generator)  # never a full turn
    rows, steps = rows.to(labels.device), steps.to(labels.device, labels.dtype)
    labels[rows] = (labels[rows] + steps) % data.classes
    return labels


def checked_data(source: Any, device: torch.device | str | None) -> Data:
    """Read the reader's data onto the device that they ask for."""
    if hasattr(source, "train") and hasattr(source, "test"):
        raise TypeError("this is a whole task: give task.train, and keep task.test for the report.")
    data = Data.of(source)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return data if device is None else data.move(device)


def fitted(network: nn.Module, data: Data, objective: AnyObjective) -> Objective:
    """The objective, once it fits the outputs of the network for the data.

    It is tried on a copy, in evaluation and in training mode; no random state or buffer changes.

    Raises:
        ValueError: if the network cannot take the inputs, or its outputs do not fit the targets.
    """
    meant, rows = objective_of(objective), data.varied(TRIED)
    inputs = in_precision(rows.inputs, dict(network.named_parameters()))
    with explained(inputs), seeded(data.device, 0), torch.no_grad():
        copy = copy_module(network)
        outputs = [
            meant.select(forward(mode(copy), map_tensors(torch.clone, inputs)))
            for mode in (nn.Module.eval, nn.Module.train)
        ]
    for given in outputs:
        chosen = meant.checked(given, rows.targets)
    return chosen
