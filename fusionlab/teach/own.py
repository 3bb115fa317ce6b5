"""The reader's own network in place of ours, checked before anything runs on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fusionlab.checkpoints import load
from fusionlab.data import Data
from fusionlab.landscape import Landscape, Plane, random_direction
from fusionlab.spaces import check_same_space
from fusionlab.teach.cards import GREEN, GREY, notice
from fusionlab.weights import Weights

MISSING = {
    "model": "the module (an `nn.Module`)",
    "a": "the first trained point (a file, a module, or `Weights`)",
    "b": "the second trained point",
    "points": "trained points by name (files, modules, or `Weights`)",
    "data": "data to measure on (a `Dataset`, a `DataLoader`, or a pair of tensors)",
}
Source = str | Path | nn.Module | Weights
FEW = 2  # rows that tell whether network and data fit


@dataclass(frozen=True)
class Own:
    """A module, points of its space by name, and data; `theirs` tells whose they are."""

    model: nn.Module
    points: Mapping[str, Weights]
    data: Data
    theirs: bool
    words: str

    @property
    def a(self) -> Weights:
        """The first point."""
        return next(iter(self.points.values()))

    @property
    def b(self) -> Weights:
        """The second point, or the only one."""
        return list(self.points.values())[:2][-1]

    def planes(self, *, seed: int = 0) -> dict[str, Plane]:
        """Planes to look at, by name: around the first point, and through the first two or three.

        Two points span no plane; a random direction, as long as the way between them, joins in.
        """
        (name, a), *others = self.points.items()
        planes = {f"a random plane around {name}": Plane.random(a, seed=seed)}
        if len(others) == 1:
            (second, b), way = others[0], others[0][1] - a
            aside = random_direction(a, seed=seed)
            aside = aside * (way.norm() / aside.norm()).item()
            planes[f"the plane of {name}, {second} and chance"] = Plane.through(a, b, a + aside)
        if len(others) > 1:
            (second, b), (third, c) = others[:2]
            planes[f"the plane of {name}, {second} and {third}"] = Plane.through(a, b, c)
        return planes

    def __str__(self) -> str:
        return self.words

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return notice(self.words, GREEN if self.theirs else GREY)


def bring_your_own(
    *,
    model: nn.Module | None = None,
    a: Source | None = None,
    b: Source | None = None,
    points: Mapping[str, Source] | None = None,
    data: Any = None,
    ours: tuple[nn.Module, Weights, Weights, Data] | tuple[nn.Module, Mapping[str, Weights], Data],
) -> Own:
    """Take the reader's network and data if nothing is missing; else ours, saying what is.

    Args:
        model: lends the architecture.
        a: a trained point: a file, a module or `Weights`.
        b: another one.
        points: instead of a and b, any number of points by name, where ours are so, too.
        data: a `Dataset`, a `DataLoader`, or a pair of tensors.
        ours: what runs meanwhile.

    Raises:
        ValueError: if the points are not of the model's space or not finite, or the model cannot
            take the data.
        FileNotFoundError: if there is no such checkpoint.
    """
    first, *middle, last = ours
    by_name = isinstance(middle[0], Mapping) and not isinstance(middle[0], Weights)
    kept = middle[0] if by_name else dict(zip("ab", middle, strict=True))
    given = {"model": model, "points": points or None, "data": data}
    if not by_name:
        given = {"model": model, "a": a, "b": b, "data": data}
        points = {"a": a, "b": b}  # type: ignore[dict-item]
    missing = [MISSING[name] for name, value in given.items() if value is None]
    if model is None or not points or missing:
        started = "Still missing" if len(missing) < len(given) else "To use your own, give"
        words = f"These are our networks. {started}: {'; '.join(missing)}."
        return Own(first, kept, last, False, words)  # type: ignore[arg-type]
    read = {name: _point(name, source, model) for name, source in points.items()}
    rows = Data.of(data)
    one = next(iter(read.values()))
    _check_fit(model, one, rows)
    count = {1: "one point", 2: "two points"}.get(len(read), f"{len(read)} points")
    words = f"Your {type(model).__name__}: {count} of {one.size:,} weights, {len(rows)} rows."
    return Own(model, read, rows, True, words)


def _point(name: str, source: Source, model: nn.Module) -> Weights:
    """Read a point and see that it belongs to the model, and is one."""
    if isinstance(source, Weights):
        theta = source
    elif isinstance(source, nn.Module):
        theta = Weights.of(source)
    else:
        theta = load(source, like=model).theta
    check_same_space(theta, dict(model.named_parameters()))
    broken = [key for key, t in {**theta, **theta.buffers}.items() if not t.isfinite().all()]
    if broken:
        raise ValueError(
            f"the point {name!r} has numbers that are not finite, first in {broken[0]!r}: its "
            "training has diverged, and its loss is no number anywhere. Take an earlier checkpoint."
        )
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
