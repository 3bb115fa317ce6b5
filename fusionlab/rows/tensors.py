"""Numbers in any of the forms people have them in, as a tensor; words for what has no numbers."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import Tensor

# Torch can hold these but neither stack nor compare them.
_WIDER = {torch.uint16: torch.int32, torch.uint32: torch.int64, torch.uint64: torch.int64}
PICTURES = "v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])"


def as_tensor(value: Any, where: str, *, target: bool = False) -> Tensor:
    """A tensor of the numbers in `value`, dense and without a graph.

    Args:
        value: a tensor, an array, a frame, a sparse matrix, a number, or nested lists of these.
        where: what it is, for the words of an error.
        target: whether numbers are wanted for a target; text then needs another remedy.

    Raises:
        ValueError: if there are no numbers in it, or not as many in each row.
    """
    if isinstance(value, Tensor):
        return _plain(value, where)
    if isinstance(value, list | tuple):
        return _of_list(value, where, target)
    if hasattr(value, "toarray"):
        value = value.toarray()  # SciPy's sparse matrices
    elif hasattr(value, "to_numpy"):
        value = value.to_numpy()  # frames and columns
    if hasattr(value, "__array__") and not _is_picture(value):
        return _of_array(value, where, target)
    if isinstance(value, Number):
        plain = isinstance(value, bool | int | float | complex)
        return torch.as_tensor(value if plain else float(value))  # type: ignore[arg-type]
    raise ValueError(f"in {where} there is {_remedy(value, target)}")


def is_array(value: Any) -> bool:
    """Whether it has rows of numbers by itself: a tensor, an array, a frame, a sparse matrix."""
    if isinstance(value, Tensor) or hasattr(value, "toarray") or hasattr(value, "to_numpy"):
        return True
    return hasattr(value, "__array__") and not isinstance(value, np.generic)


def describe(value: Any) -> str:
    """What a value holds, in few words: `float32 (3, 8, 8)`, `text 'a'`, `None`."""
    if isinstance(value, str | bytes):
        return f"text {value[:20]!r}"
    if isinstance(value, Mapping):
        return f"a dict of {', '.join(map(repr, value)) or 'nothing'}"
    if _is_picture(value):
        return f"a picture ({value.mode}, {value.height} × {value.width})"
    if isinstance(value, list | tuple):
        return _describe_list(value)
    if not hasattr(value, "shape"):
        return "None" if value is None else type(value).__name__
    kind = "a frame" if hasattr(value, "columns") else str(getattr(value, "dtype", "an array"))
    return f"{kind.removeprefix('torch.')} {tuple(value.shape)}"


def _describe_list(values: list[Any] | tuple[Any, ...]) -> str:
    if len(values) > 4 or all(isinstance(one, Number) for one in values):
        return f"a {type(values).__name__} of {len(values)}"
    return f"({', '.join(map(describe, values))})"


def _plain(tensor: Tensor, where: str) -> Tensor:
    """Detached, dense, of torch's own class, and of a type that torch computes with."""
    if tensor.is_nested:
        raise ValueError(f"{where} is a nested tensor of ragged rows: {_PAD}")
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    if type(tensor) is not Tensor:  # such as torchvision's pictures
        tensor = tensor.detach().as_subclass(Tensor)
    tensor = tensor.detach() if tensor.requires_grad else tensor
    if tensor.dtype not in _WIDER:
        return tensor
    wide = tensor.to(_WIDER[tensor.dtype])
    if tensor.dtype == torch.uint64 and wide.numel() and wide.min() < 0:
        raise ValueError(f"{where} holds numbers above 2⁶³, which no tensor of int64 can.")
    return wide


def _of_list(values: list[Any] | tuple[Any, ...], where: str, target: bool) -> Tensor:
    """One row per element."""
    if any(map(is_array, values)):
        rows = [as_tensor(one, f"{where}, row {i}", target=target) for i, one in enumerate(values)]
        odd = next((i for i, row in enumerate(rows) if row.shape != rows[0].shape), None)
        if odd is not None:
            shapes = f"{tuple(rows[0].shape)} and {tuple(rows[odd].shape)}"
            raise ValueError(f"{where}: rows 0 and {odd} differ in shape, {shapes}. {_PAD}")
        return torch.stack(rows)
    odd_one = _first_without_numbers(values)
    if odd_one is not None:
        raise ValueError(f"in {where} there is {_remedy(odd_one[0], target)}")
    try:
        return _of_numbers(values)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise ValueError(
            f"in {where} there is a list that makes no tensor ({error}). {_PAD}"
        ) from error


def _of_numbers(values: list[Any] | tuple[Any, ...]) -> Tensor:
    """Python's numbers in torch's precision, NumPy's in their own."""
    leaf: Any = values
    while isinstance(leaf, list | tuple) and leaf:
        leaf = leaf[0]
    if isinstance(leaf, np.generic):
        return _of_array(np.asarray(values), "it", False)
    if isinstance(leaf, Tensor) or (leaf and is_array(leaf)):
        return torch.stack([as_tensor(one, "it") for one in values])
    if not isinstance(leaf, bool | int | float | complex | list | tuple):
        return torch.as_tensor(np.asarray(values, dtype=float))  # such as Decimal
    return torch.as_tensor(values)


def _first_without_numbers(values: list[Any] | tuple[Any, ...]) -> tuple[Any] | None:
    """The first leaf that is not a number, in a tuple of its own."""
    for one in values:
        if isinstance(one, list | tuple):
            inside = _first_without_numbers(one)
            if inside is not None:
                return inside
        elif isinstance(one, np.str_) or not (isinstance(one, Number) or is_array(one)):
            return (one,)
    return None


def _of_array(value: Any, where: str, target: bool) -> Tensor:
    """An array's numbers; columns of objects are taken if each of them is a number."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{where} has masked values, which no network sees: fill or drop them.")
    array = np.asarray(value)
    if array.dtype == object:
        array = _of_objects(array, where, target)
    if array.dtype.kind not in "biufc":
        raise ValueError(
            f"in {where} there is {_remedy(array.flat[0] if array.size else '', target)}"
        )
    if array.dtype.kind != "b":
        widest = 16 if array.dtype.kind == "c" else 8
        kind = np.dtype(f"{array.dtype.kind}{min(array.dtype.itemsize, widest)}")
        if kind.num != array.dtype.num or not array.dtype.isnative:
            array = array.astype(kind)  # in this machine's order, and of a name that torch knows
    if not array.flags.writeable or min(array.strides, default=0) < 0:
        array = array.copy()  # torch shares only memory that it may write to, forwards
    return _plain(torch.as_tensor(array), where)


def _of_objects(array: np.ndarray, where: str, target: bool) -> np.ndarray:
    """Numbers that were kept as objects; arrays of one shape are stacked."""
    leaves = array.ravel().tolist()
    if leaves and all(map(is_array, leaves)):
        stacked = _of_list(leaves, where, target)
        return stacked.reshape(*array.shape, *stacked.shape[1:]).numpy()
    odd = _first_without_numbers(leaves)
    if odd is not None:
        raise ValueError(f"in {where} there is {_remedy(odd[0], target)}")
    kind = np.result_type(*(np.asarray(leaf).dtype for leaf in leaves)) if leaves else np.float32
    return array.astype(float if np.dtype(kind).hasobject else kind)


def _is_picture(value: Any) -> bool:
    return type(value).__module__.startswith("PIL.")


_PAD = (
    "A network takes rows of one shape: pad or resize them (a tokenizer does so by "
    "padding=True or 'max_length')."
)


def _remedy(value: Any, target: bool) -> str:
    """What a value without numbers is, and what to do about it."""
    if isinstance(value, str | bytes) and target:
        return (
            f"{describe(value)}: a label is a class number 0, 1, …. Number the classes, "
            "such as by names.index(label)."
        )
    if isinstance(value, str | bytes):
        return (
            f"{describe(value)}: a network takes numbers. Tokenise it, such as by tokenizer(texts, "
            "padding=True, return_tensors='pt'), or drop that column."
        )
    if _is_picture(value):
        return (
            f"{describe(value)}, not a tensor: give the data set a transform, such as "
            f"transform={PICTURES} of torchvision.transforms."
        )
    if isinstance(value, Mapping):
        return f"{describe(value)}: one tensor is expected here. Choose one of its parts."
    return f"{describe(value)}, not a number: give tensors or arrays of numbers."
