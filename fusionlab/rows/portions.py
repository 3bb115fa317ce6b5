"""Inputs with their targets, as a row, a batch or a whole: found in a value, and put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fusionlab.outputs import Inputs
from fusionlab.rows.joins import ALIKE, join
from fusionlab.rows.tensors import as_tensor, describe, is_array

_TARGETS = ("label", "labels", "label_ids", "target", "targets", "y")  # each says: this is wanted
_PARTS = ("train", "test")  # of Hugging Face's and other dicts of data sets
_INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32)


class Portion(NamedTuple):
    """Inputs and targets of one row or of several; a row may say its number, as a third part.

    Example:
        >>> import torch
        >>> from fusionlab.rows import portions
        >>> first, *rest = portions([(torch.ones(2), n) for n in range(3)], 2)
        >>> first.inputs.shape, first.targets
        (torch.Size([2, 2]), tensor([0, 1]))
    """

    inputs: Inputs
    targets: Tensor
    number: Tensor | None = None


def read_portion(value: Any, where: str, *, whole: bool) -> Portion:
    """Find the inputs and the targets in a value.

    Args:
        value: a pair, a dict of which one part is called "label", "labels", "target" or "y", or
            an object with `inputs` and `targets`; a third part may be a row's number.
        where: what it is, for the words of an error.
        whole: whether its parts are of several rows, or of one.

    Raises:
        ValueError: with what it holds, if it is not one of these.
    """
    parts = _parts(value, where)
    try:
        return _as_portion(parts, where, whole=whole)
    except ValueError as error:
        if whole and isinstance(value, Mapping):
            error.add_note("Or give the pair of parts that you mean: (data['…'], data['…']).")
        raise


def _as_portion(parts: Sequence[Any], where: str, *, whole: bool) -> Portion:
    inputs, wanted, rest = parts[0], parts[1], parts[2:]
    if whole:
        _refuse_several_targets(inputs, wanted, where)
    targets = as_target(wanted, f"{where}'s target{'s' if whole else ''}")
    if whole:
        rows = list(inputs) if _are_columns(inputs, wanted) else inputs
        read = whole_inputs(rows, len(targets) if targets.ndim else 0, f"{where}'s inputs")
    else:
        read = _row_inputs(inputs, f"{where}'s input")
    return Portion(read, targets, _as_number(rest[0], targets) if rest else None)


def has_both(value: Any) -> bool:
    """Whether it is an object of several rows, with `inputs` and `targets`."""
    return hasattr(value, "inputs") and hasattr(value, "targets")


def as_target(value: Any, where: str) -> Tensor:
    """A target as a tensor; integers of any width and truth values are int64."""
    target = as_tensor(value, where, target=True)
    return target.long() if target.dtype in _INTEGERS else target


def _row_inputs(value: Any, where: str) -> Inputs:
    """The input of one row: a tensor, or several in a tuple or by name."""
    if isinstance(value, Mapping):
        return {str(name): as_tensor(one, f"{where} {name!r}") for name, one in value.items()}
    if isinstance(value, list | tuple) and _are_parts(value):
        return tuple(as_tensor(one, f"{where}, part {i}") for i, one in enumerate(value))
    return as_tensor(value, where)


def whole_inputs(value: Any, n: int, where: str) -> Inputs:
    """The inputs of `n` rows: a tensor, several in a tuple or by name, or a list of rows.

    Raises:
        ValueError: also if a list could be both, one tensor per row and one per argument.
    """
    if not isinstance(value, list | tuple) or not _are_parts(value):
        return _row_inputs(value, where)
    if isinstance(value, tuple) or len(value) != n:
        return _row_inputs(value, where)
    if all(_length(part) == n for part in value):
        raise ValueError(
            f"{where} are {n} tensors of {n} rows each: it is not clear whether each is a row "
            "or an argument of the network. Give torch.stack(inputs) for rows, or "
            "tuple(inputs) for arguments."
        )
    return join([_row_inputs(one, f"{where}, row {i}") for i, one in enumerate(value)])


def stack(
    rows: Sequence[Portion],
    name: Callable[[int], str] = "row {}".format,
    *,
    remedy: str = ALIKE,
) -> Portion:
    """Rows as one whole.

    Args:
        rows: at least one.
        name: position ↦ what that row is called in an error.
        remedy: what to do if rows differ in shape.
    """
    inputs = join([row.inputs for row in rows], name, remedy=remedy)
    targets = join([row.targets for row in rows], name, what="targets", remedy=remedy)
    numbers = [row.number for row in rows if row.number is not None]
    assert isinstance(targets, Tensor)
    return Portion(inputs, targets, torch.stack(numbers) if len(numbers) == len(rows) else None)


def concatenate(batches: Sequence[Portion]) -> Portion:
    """Batches as one whole."""
    name = "batch {}".format
    inputs = join([batch.inputs for batch in batches], name, batched=True)
    targets = join([batch.targets for batch in batches], name, what="targets", batched=True)
    numbers = [batch.number for batch in batches if batch.number is not None]
    assert isinstance(targets, Tensor)
    return Portion(inputs, targets, torch.cat(numbers) if len(numbers) == len(batches) else None)


def _parts(value: Any, where: str) -> Sequence[Any]:
    """Inputs, targets and perhaps a row's number."""
    if isinstance(value, Mapping):
        return _named_parts(value, where)
    if has_both(value):
        return value.inputs, value.targets
    if isinstance(value, list | tuple):
        if len(value) == 2 or (len(value) == 3 and _may_be_numbered(value)):
            return value
        raise ValueError(parts_refused(value, where))
    raise ValueError(
        f"{where} is {describe(value)}, not a pair of an input and a label: give (input, label)."
    )


def parts_refused(value: Sequence[Any], where: str) -> str:
    """The words for a row that is not a pair."""
    held = ", ".join(map(describe, value[:6])) + (", …" if len(value) > 6 else "")
    some = f"{where} has {len(value)} part{'s' * (len(value) != 1)}: {held}. It is "
    if len(value) < 2:
        return f"{some}not a pair of an input and a label: give (input, label)."
    return (
        f"{some}not clear which of them the network takes and which is the target: give two parts, "
        "((x1, x2), y) for a network of several inputs, or (x, y)."
    )


def _named_parts(value: Mapping[Any, Any], where: str) -> Sequence[Any]:
    wanted = [name for name in _TARGETS if name in value]
    if len(wanted) != 1:
        found = f"{len(wanted)} are, {' and '.join(map(repr, wanted))}" if wanted else "none is"
        known = ", ".join(map(repr, _TARGETS))
        part = next((f" Or give one part of it, data[{n!r}]." for n in value if n in _PARTS), "")
        raise ValueError(
            f"{where} is {describe(value)}: one part must be the target, called one of {known}, "
            f"and {found}.{'' if wanted else part} Or give a pair, (data['…'], data['…'])."
        )
    inputs = {name: one for name, one in value.items() if name != wanted[0]}
    if not inputs:
        raise ValueError(f"{where} is {describe(value)}: there is a target, but no input.")
    return (inputs if len(inputs) > 1 else next(iter(inputs.values()))), value[wanted[0]]


def _may_be_numbered(value: Sequence[Any]) -> bool:
    """Whether three parts could be an input, a label and the row's number."""
    try:
        label, number = as_tensor(value[1], ""), as_tensor(value[2], "")
    except ValueError:
        return False
    whole = not any(t.is_floating_point() or t.dtype == torch.bool for t in (label, number))
    return whole and label.shape == number.shape and number.ndim < 2


def _as_number(value: Any, targets: Tensor) -> Tensor:
    return as_tensor(value, "the row's number").to(targets.device, torch.long)


def _are_parts(values: Sequence[Any]) -> bool:
    """Whether the elements are tensors of their own, rather than the numbers of one."""
    if any(is_array(one) or isinstance(one, Mapping) for one in values):
        return True
    if isinstance(values, tuple) and any(isinstance(one, list | tuple) for one in values):
        return True
    return any(isinstance(one, list | tuple) and _are_parts(one) for one in values)


def _are_columns(inputs: Any, targets: Any) -> bool:
    """Whether both are tuples of one element per row, as zip(*rows) gives."""
    if not isinstance(inputs, tuple) or not isinstance(targets, tuple):
        return False
    n = len(targets)
    return len(inputs) == n and not all(_length(part) == n for part in inputs)


def _refuse_several_targets(inputs: Any, targets: Any, where: str) -> None:
    """Raise a ValueError if targets are a list of tensors that is not one per row."""
    if not isinstance(targets, list | tuple) or not any(_length(one) > 0 for one in targets):
        return
    first = next(iter(inputs.values()), None) if isinstance(inputs, Mapping) else inputs
    if any(map(is_array, targets)) and (_length(first) != len(targets) or _square(targets)):
        held = ", ".join(map(describe, targets[:4]))
        raise ValueError(
            f"{where} has {len(targets)} tensors as targets, {held}: one is "
            "expected, with an axis of rows first. Put them side by side, such as by "
            "torch.stack(targets, 1), or choose one."
        )


def _square(values: Sequence[Any]) -> bool:
    return all(_length(one) == len(values) for one in values)


def _length(part: Any) -> int:
    if isinstance(part, list | tuple):
        return len(part)
    shape: Any = getattr(part, "shape", ())
    return int(shape[0]) if len(shape) else -1
