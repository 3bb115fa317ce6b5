"""Inputs of rows or batches as those of a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from fusionlab.outputs import Inputs

_NAMED = 3  # of those at fault, so many are named
ALIKE = (
    "A network takes one shape: resize pictures in the data set's transform, pad tokens to one "
    "length (padding='max_length')."
)


def join(
    values: Sequence[Any],
    name: Callable[[int], str] = "row {}".format,
    *,
    what: str = "inputs",
    batched: bool = False,
    remedy: str = ALIKE,
) -> Inputs:
    """Tensors stacked or, of batches, concatenated; in tuples and dicts part by part.

    Args:
        values: at least one.
        name: position ↦ what that row or batch is called in an error.
        what: what they are.
        batched: whether each is of several rows.
        remedy: what to do if they differ in shape.

    Raises:
        ValueError: if they differ in shape, or in their parts.
    """
    first = values[0]
    for i, one in enumerate(values):
        if _form(one) != _form(first):
            raise ValueError(
                f"{name(0)} has {_describe(first)} as {what}, {name(i)} has {_describe(one)}: all "
                "must have the same parts."
            )
    if isinstance(first, Tensor):
        _check_shapes([one.shape[batched:] for one in values], name, what, remedy)
        return (torch.cat if batched else torch.stack)(list(values))

    def part(key: Any) -> Any:
        column = [one[key] for one in values]
        return join(column, name, what=f"{what} {key!r}", batched=batched, remedy=remedy)

    if isinstance(first, dict):
        return {key: part(key) for key in first}
    return tuple(part(i) for i in range(len(first)))


def _form(value: Any) -> object:
    if isinstance(value, Tensor):
        return Tensor
    return frozenset(value) if isinstance(value, dict) else len(value)


def _describe(value: Any) -> str:
    """The parts of inputs, without their values."""
    if isinstance(value, Tensor):
        return "one tensor"
    if isinstance(value, dict):
        return f"the parts {', '.join(map(repr, value))}"
    return f"{len(value)} parts"


def _check_shapes(
    shapes: Sequence[Any], name: Callable[[int], str], what: str, remedy: str
) -> None:
    odd = [i for i, shape in enumerate(shapes) if shape != shapes[0]]
    if odd:
        named = "; ".join(f"{name(i)} is {tuple(shapes[i])}" for i in odd[:_NAMED])
        raise ValueError(
            f"{len(odd)} of {len(shapes)} {what} are not {tuple(shapes[0])} as the first is: "
            f"{named}. {remedy}"
        )
