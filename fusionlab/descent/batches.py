"""What a training sees: data that fit the network, batches in an order, labels with noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from fusionlab.data import Data
from fusionlab.descent.recipes import Recipe


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """A block in which torch draws from `seed`; its global generators are then as before."""
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also touch all GPUs
        for gpu in cuda:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


def batch_rows(examples: int, size: int, seeds: Sequence[int]) -> Iterator[Tensor]:
    """Endless batches of row numbers, shape (runs, size): every run goes its own way.

    Each epoch is a new order of all rows; those that fill no batch are left out of it.
    """
    size = min(size, examples)
    dice = [torch.Generator().manual_seed(seed) for seed in seeds]
    while True:
        orders = torch.stack([torch.randperm(examples, generator=die) for die in dice])
        yield from orders[:, : examples - examples % size].unflatten(1, (-1, size)).unbind(1)


def noisy_labels(data: Data, recipe: Recipe) -> Tensor:
    """The labels, of which the recipe's share is replaced by another class; shape (n,)."""
    labels = data.labels.clone()
    count = round(recipe.label_noise * len(labels))
    if count == 0:
        return labels
    if data.classes < 2:
        raise ValueError("label noise needs at least two classes: all labels here are 0")
    dice = torch.Generator().manual_seed(recipe.noise_seed)
    rows = torch.randperm(len(labels), generator=dice)[:count]
    steps = torch.randint(1, data.classes, (count,), generator=dice)  # never a full turn
    rows, steps = rows.to(labels.device), steps.to(labels.device, labels.dtype)
    labels[rows] = (labels[rows] + steps) % data.classes
    return labels


def checked_data(source: Any, device: torch.device | str | None) -> Data:
    """Read the reader's data, on the device that they ask for."""
    if hasattr(source, "train") and hasattr(source, "test"):
        raise TypeError("train on one part of a task: give task.train, and keep task.test unseen")
    data = Data.of(source)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return data if device is None else data.move(device)


@torch.no_grad()
def check_fit(network: nn.Module, data: Data) -> None:
    """Raise a ValueError unless the network turns the inputs into enough logits."""
    network.eval()  # BatchNorm must not measure these
    try:
        outputs = network(data.inputs[:2])
    except (RuntimeError, ValueError, TypeError) as error:
        raise ValueError(
            f"this network cannot take inputs of shape {tuple(data.inputs.shape[1:])}: {error}. "
            "Does its first layer fit the data, in width, channels and number type?"
        ) from error
    finally:
        network.train()
    shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or outputs.shape[1] < data.classes:
        raise ValueError(
            f"two inputs give {shape}, but the labels run to {data.classes - 1}: the network must "
            f"give one row of at least {data.classes} logits per input."
        )
