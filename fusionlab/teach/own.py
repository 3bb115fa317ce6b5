"""The reader's own network instead of ours, checked before anything runs on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fusionlab.checkpoints import Checkpoint, load
from fusionlab.data import Data
from fusionlab.landscape import Landscape, Plane, random_direction
from fusionlab.modules import copy_module
from fusionlab.objectives import AnyObjective
from fusionlab.outputs import tensors_of
from fusionlab.spaces import check_same_space
from fusionlab.teach.cards import GREEN, GREY, framed
from fusionlab.weights import Weights

MISSING = {
    "model": "the module (an `nn.Module`)",
    "a": "the first trained point (a file, a module, or `Weights`)",
    "b": "the second trained point",
    "points": "trained points by name (files, modules, or `Weights`)",
    "data": "data to measure on (a `Dataset`, a `DataLoader`, or a pair of tensors)",
}
Source = str | Path | nn.Module | Weights | Checkpoint | Mapping[str, Tensor]
FEW = 16  # rows that show whether network, data and objective fit
SOME = 4  # names of tensors in one sentence


@dataclass(frozen=True)
class Own:
    """A module, trained points by name, data, and what is measured on them.

    `theirs` is True if they are the reader's.

    Example:
        >>> from fusionlab.lab import initial, mlp, two_moons
        >>> from fusionlab.teach import bring_your_own
        >>> model, data = mlp(2, 4, 2), two_moons(n=20).test
        >>> point = initial(model, seed=0)
        >>> bring_your_own(model=model, ours=(model, point, point, data)).theirs
        False
    """

    model: nn.Module
    points: Mapping[str, Weights]
    data: Data
    theirs: bool
    words: str
    objective: AnyObjective = None

    @cached_property
    def landscape(self) -> Landscape:
        """The objective over the weight space of the module, measured on the data."""
        return Landscape(self.model, self.data, self.objective)

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

        Two points do not span a plane: a random direction, as long as their distance, is added.
        """
        (name, a), *others = self.points.items()
        planes = {f"a random plane around {name}": Plane.random(a, seed=seed)}
        if len(others) == 1:
            (second, b), way = others[0], others[0][1] - a
            aside = random_direction(a, seed=seed)
            aside = aside * (way.norm() / aside.norm()).item()
            planes[f"the plane of {name}, {second} and a random direction"] = Plane.through(
                a, b, a + aside
            )
        if len(others) > 1:
            (second, b), (third, c) = others[:2]
            planes[f"the plane of {name}, {second} and {third}"] = Plane.through(a, b, c)
        return planes

    def __str__(self) -> str:
        return self.words

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return framed(self.words, GREEN if self.theirs else GREY)


class _Read(NamedTuple):
    theta: Weights
    left_out: list[str]  # names of tensors of the file that the module does not know


def bring_your_own(
    *,
    model: nn.Module | None = None,
    a: Source | None = None,
    b: Source | None = None,
    points: Mapping[str, Source] | None = None,
    data: Any = None,
    objective: AnyObjective = None,
    key: str | None = None,
    ours: tuple[nn.Module, Weights, Weights, Data] | tuple[nn.Module, Mapping[str, Weights], Data],
) -> Own:
    """Take the reader's network and data; if something is missing, take ours, and say what it is.

    Args:
        model: gives the architecture.
        a: a trained point: a file, a folder, a module, its `state_dict()`, or `Weights`.
        b: another one.
        points: instead of a and b, any number of points by name.
        data: what `Data.of` takes: a `Dataset`, a `DataLoader`, a pair (inputs, targets).
        objective: what is measured, as for a `Landscape`: "classification" if it is not given.
        key: where in the files the weights are, if there are several places.
        ours: what runs until then.

    Raises:
        TypeError: if a point is none of these.
        ValueError: if the points do not belong to the model or are not finite, or if network,
            data and objective do not fit.
        FileNotFoundError: if there is no such checkpoint.
    """
    first, *middle, last = ours
    by_name = isinstance(middle[0], Mapping) and not isinstance(middle[0], Weights)
    kept = middle[0] if by_name else dict(zip("ab", middle, strict=True))
    brought = points or {n: p for n, p in {"a": a, "b": b}.items() if p is not None}
    wanted = {"points": brought or None} if by_name or points else {"a": a, "b": b}
    given: dict[str, Any] = {"model": model, **wanted, "data": data}
    missing = [MISSING[name] for name, value in given.items() if value is None]
    if model is None or missing:
        started = "Still missing" if len(missing) < len(given) else "To use your own, give"
        words = f"These are our networks. {started}: {'; '.join(missing)}."
        return Own(first, kept, last, False, words)  # type: ignore[arg-type]
    _check_kinds(model, brought)
    read = {name: _point(name, source, model, key) for name, source in brought.items()}
    thetas, rows = {name: one.theta for name, one in read.items()}, Data.of(data)
    _check_fit(model, rows.varied(FEW), objective, thetas)
    return Own(model, thetas, rows, True, _tell(model, read, rows), objective)


def _check_kinds(model: Any, points: Any) -> None:
    if not isinstance(model, nn.Module):
        built = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"expected a module as the model, got {built}: build the network first.")
    if not isinstance(points, Mapping):
        raise TypeError(
            f"expected points by name, got a {type(points).__name__}: give points={{'first': …, "
            "'second': …}."
        )


def _point(name: str, source: Any, model: nn.Module, key: str | None) -> _Read:
    """Read a point, and check that it belongs to the model and is finite."""
    found = _read(name, source, model, key)
    theta = found.theta
    check_same_space(theta, dict(model.named_parameters()))
    broken = [key for key, t in {**theta, **theta.buffers}.items() if not t.isfinite().all()]
    if broken:
        raise ValueError(
            f"the point {name!r} has numbers that are not finite, first in {broken[0]!r}: its "
            "training diverged, and no loss can be measured. Take an earlier checkpoint."
        )
    return found


def _read(name: str, source: Any, model: nn.Module, key: str | None) -> _Read:
    """A point in any form."""
    if isinstance(source, str | Path):
        source = load(source, like=model, key=key)
    if isinstance(source, Checkpoint):
        return _Read(source.theta, list(source.facts.get("left out", [])))
    if isinstance(source, Weights):
        return _Read(source, [])
    if isinstance(source, nn.Module):
        return _Read(Weights.of(source), [])
    if isinstance(source, Mapping):
        twin = copy_module(model)
        try:
            twin.load_state_dict(dict(source))
        except RuntimeError as error:
            raise ValueError(f"the point {name!r} is of another network: {error}") from error
        return _Read(Weights.of(twin), [])
    raise TypeError(
        f"the point {name!r} is a {type(source).__name__}. Give a file or a folder, a module, its "
        "state_dict(), or Weights."
    )


def _check_fit(
    model: nn.Module, few: Data, objective: AnyObjective, points: Mapping[str, Weights]
) -> None:
    """Measure every point on a few rows."""
    try:
        landscape = Landscape(model, few, objective)
        losses = {name: landscape(theta).loss for name, theta in points.items()}
    except (RuntimeError, TypeError, ValueError) as error:
        words = f"your network, your data and the objective do not fit: {error}"
        raise ValueError(" ".join([words, *_hints(few, str(error))])) from error
    for name, loss in losses.items():
        if not abs(loss) < float("inf"):
            raise ValueError(
                f"the loss of the point {name!r} is {loss} on {len(few)} of your rows, "
                "although its weights are finite. Are the inputs scaled as in training?"
            )


def _hints(data: Data, error: str) -> list[str]:
    """What to do about inputs that a network did not accept."""
    hints = []
    if any(t.dtype == torch.uint8 for t in tensors_of(data.inputs)):
        hints.append(
            "These inputs are bytes, 0 to 255: give `inputs.float() / 255`, or the scaling that "
            "was used in training."
        )
    if "positional argument" in error or "keyword argument" in error:
        hints.append(
            "Give several inputs as data=((first, second), targets), or by the names of the "
            "network's arguments: data=({'name': first, …}, targets)."
        )
    return hints


def _tell(model: nn.Module, read: Mapping[str, _Read], data: Data) -> str:
    """What is used, and what is left out of the files, in words."""
    count = {1: "one point", 2: "two points"}.get(len(read), f"{len(read)} points")
    size = next(iter(read.values())).theta.size
    rows = "one row" if len(data) == 1 else f"{len(data)} rows"
    words = [f"Your {type(model).__name__}: {count} of {size:,} weights, {rows}."]
    for name, (_, out) in read.items():
        if out:
            more = f" and {len(out) - SOME} more" if len(out) > SOME else ""
            words.append(f"Left out of {name}: {', '.join(out[:SOME])}{more}.")
    return " ".join(words)
