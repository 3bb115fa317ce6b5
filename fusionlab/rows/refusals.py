"""What is given in the place of data, and what to give instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from fusionlab.rows.tensors import describe, is_array

PAIR = "Give a pair (inputs, targets)."


def refuse(source: Any) -> None:
    """Raise a TypeError with what to give instead, if this is not a source of rows."""
    words = _of_another_kind(source) or _without_targets(source)
    if words:
        raise TypeError(f"expected data, got {words}")


def _of_another_kind(source: Any) -> str:
    """The words for what is not data at all."""
    kind = type(source).__name__
    if isinstance(source, str | bytes | Path):
        return (
            f"the text or path {str(source)!r}. For a folder of images give lab.read_data(path), "
            "else read the file first."
        )
    if isinstance(source, nn.Module):
        return f"a network ({kind}). The model comes first, the data after it. {PAIR}"
    if hasattr(source, "train") and hasattr(source, "test"):
        return f"all parts of a {kind} at once. Give one of them: task.train or task.test."
    if isinstance(source, type):
        return f"the class {source.__name__}, not an object of it. {PAIR}"
    is_ours = type(source).__module__.startswith("fusionlab.") and not hasattr(source, "parts")
    if source is None or is_ours:
        return f"{'nothing (None)' if source is None else f'a {kind}'}. {PAIR}"
    return ""


def _without_targets(source: Any) -> str:
    """The words for what has no rows, or none with a target."""
    kind = type(source).__name__
    if hasattr(source, "columns") and hasattr(source, "to_numpy"):
        columns = ", ".join(map(str, list(source.columns)[:6]))
        return (
            f"{describe(source)} of the columns {columns}. Say which is the target by a pair: "
            "(frame.drop(columns='label'), frame['label'])."
        )
    if is_array(source):
        return f"one {kind}: inputs without targets, or targets alone. {PAIR}"
    if callable(source) and not hasattr(source, "__len__") and not hasattr(source, "__iter__"):
        return f"the function {getattr(source, '__name__', kind)}. Call it, or give Stream of it."
    if (
        not hasattr(source, "inputs")
        and not hasattr(source, "__iter__")
        and not hasattr(source, "__getitem__")
    ):
        return f"an object of type {kind}, which has no rows. {PAIR}"
    return ""
