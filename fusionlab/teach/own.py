"""The reader's own network in place of ours, checked before anything runs on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fusionlab.checkpoints import load
from fusionlab.data import Data
from fusionlab.landscape import Landscape
from fusionlab.spaces import check_same_space
from fusionlab.teach.cards import GREEN, GREY, notice
from fusionlab.weights import Weights

MISSING = {
    "model": "the module (an `nn.Module`)",
    "a": "the first trained point (a file, a module, or `Weights`)",
    "b": "the second trained point",
    "data": "data to measure on (a `Dataset`, a `DataLoader`, or a pair of tensors)",
}
FEW = 2  # rows that tell whether network and data fit


@dataclass(frozen=True)
class Own:
    """A module, two points of its space, and data; `theirs` tells whose they are."""

    model: nn.Module
    a: Weights
    b: Weights
    data: Data
    theirs: bool
    words: str

    def __str__(self) -> str:
        return self.words

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return notice(self.words, GREEN if self.theirs else GREY)


def bring_your_own(
    *,
    model: nn.Module | None = None,
    a: str | Path | nn.Module | Weights | None = None,
    b: str | Path | nn.Module | Weights | None = None,
    data: Any = None,
    ours: tuple[nn.Module, Weights, Weights, Data],
) -> Own:
    """Take the reader's network and data if all four are given; else ours, saying what is missing.

    Raises:
        ValueError: if the points are not of the model's space, or the model cannot take the data.
        FileNotFoundError: if there is no such checkpoint.
    """
    given = {"model": model, "a": a, "b": b, "data": data}
    missing = [MISSING[name] for name, value in given.items() if value is None]
    if model is None or missing:
        started = "Still missing" if len(missing) < len(given) else "To use your own, give"
        return Own(*ours, False, f"These are our networks. {started}: {'; '.join(missing)}.")
    one, two, rows = _point(a, model), _point(b, model), Data.of(data)
    _check_fit(model, one, rows)
    words = f"Your {type(model).__name__}: two points of {one.size:,} weights, {len(rows)} rows."
    return Own(model, one, two, rows, True, words)


def _point(source: Any, model: nn.Module) -> Weights:
    """Read a point and see that it belongs to the model."""
    if isinstance(source, Weights):
        theta = source
    elif isinstance(source, nn.Module):
        theta = Weights.of(source)
    else:
        theta = load(source, like=model).theta
    check_same_space(theta, dict(model.named_parameters()))
    return theta


def _check_fit(model: nn.Module, theta: Weights, data: Data) -> None:
    try:
        logits = Landscape(model, data[:FEW], calibration=data).logits(theta, data.inputs[:FEW])
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"your network cannot take your data, inputs of shape {tuple(data.inputs.shape[1:])}: "
            f"{error}. Give the data as the network saw them in training."
        ) from error
    if logits.ndim != 2 or logits.shape[1] < data.classes or not torch.is_floating_point(logits):
        raise ValueError(
            f"your network gives {tuple(logits.shape)} for {FEW} inputs, but the labels run to "
            f"{data.classes - 1}: it must give one row of logits per input."
        )
