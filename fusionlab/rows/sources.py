"""One reader for the data that people bring: a pair, a data set, a loader, or rows in any form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset

from fusionlab.outputs import Inputs, map_tensors
from fusionlab.randomness import Generators
from fusionlab.rows.joins import ALIKE
from fusionlab.rows.loaders import looks_batched, loop
from fusionlab.rows.portions import (
    Portion,
    concatenate,
    has_both,
    parts_refused,
    read_portion,
    stack,
)
from fusionlab.rows.refusals import refuse
from fusionlab.rows.tensors import describe, is_array

ROW = "row {}".format
ENOUGH = 3  # fewer rows could be numbered by chance


def read_rows(source: Any) -> tuple[Inputs, Tensor]:
    """Read a source of rows whole: its inputs, stacked, and its targets.

    Args:
        source: a pair (inputs, targets), a dict of tensors of which one is the target, a data
            set, a loader as a loop over it sees it, or any iterable of rows. A list of two is a
            pair only if it holds an array. Rows may have their number as a third part.

    Raises:
        TypeError: if it is something else than data.
        ValueError: if the rows are not inputs with targets, with what the first one holds.
    """
    refuse(source)
    if _is_whole(source):
        return read_portion(source, "the source", whole=True)[:2]
    with Generators(source).put_back():
        if isinstance(source, DataLoader):
            read = concatenate(_some(loop(source), source))
            _check_distinct(read, enough=True)
            return read[:2]
        if is_numbered(source):
            return read_numbered(source, range(len(source)))
        return _collect(iter(source))[:2]


def read_numbered(
    source: Any,
    numbers: Sequence[int],
    *,
    name: Callable[[int], str] = ROW,
    remedy: str = ALIKE,
) -> tuple[Inputs, Tensor]:
    """Read the rows of these numbers, and no others, of what is looked up by number.

    Args:
        source: a data set.
        numbers: of the rows.
        name: number ↦ what that row is called in an error.
        remedy: what to do if rows differ in shape.
    """
    with Generators(source).put_back():
        rows = _some((_look_up(source, i, name(i)) for i in numbers), source)
    read = stack(rows, lambda i: name(numbers[i]), remedy=remedy)
    _check_numbers(read, [_own_number(source, i) for i in numbers], enough=len(source) >= ENOUGH)
    return read[:2]


def portions(source: Any, size: int) -> Iterator[Portion]:
    """Go through a source in batches: a loader's as they come, of single rows `size` at a time.

    Args:
        source: as for `read_rows`. Of an iterable, an item with as many inputs as targets is a
            batch; a data set gives rows.
        size: so many single rows are put together.
    """
    refuse(source)
    if _is_whole(source):
        yield read_portion(source, "the source", whole=True)
    elif isinstance(source, DataLoader):
        for i, batch in enumerate(loop(source)):
            _check_distinct(batch, enough=i > 0)
            yield batch
    elif is_numbered(source):
        for start in range(0, len(source), size):
            numbers = range(start, min(start + size, len(source)))
            yield Portion(*read_numbered(source, numbers))
    else:
        yield from _grouped(source, size)


def is_numbered(source: Any) -> bool:
    """Whether rows are looked up by number, as in a data set."""
    if isinstance(source, IterableDataset | Mapping | list | tuple):
        return False
    return hasattr(source, "__getitem__") and hasattr(source, "__len__")


def _is_whole(source: Any) -> bool:
    """Whether inputs and targets of all rows are its parts; a list of two may be two rows."""
    if not isinstance(source, list | tuple):
        return isinstance(source, Mapping) or has_both(source)
    arrays = list(map(is_array, source))
    if len(source) != 2 and source and all(arrays):
        raise ValueError(parts_refused(source, "the source"))
    if len(source) != 2 or isinstance(source, tuple) or any(arrays):
        return len(source) == 2
    if not all(isinstance(one, tuple | Mapping) or has_both(one) for one in source):
        one, two = map(describe, source)
        raise ValueError(
            f"a list of {one} and {two} could be two rows or a pair: write (inputs, targets) with "
            "round brackets for a pair, and each row as (input, label)."
        )
    return False


def _collect(items: Iterator[Any]) -> Portion:
    """All rows of an iterable, or all batches that have `inputs` and `targets`."""
    first = list(_first(items))
    if first and has_both(first[0]):
        batches = enumerate(chain(first, items))
        return concatenate([read_portion(b, f"batch {i}", whole=True) for i, b in batches])
    rows = _some(_rows(chain(first, items)), items)
    read = stack(rows)
    _check_numbers(read, range(len(rows)), enough=len(rows) >= ENOUGH)
    return read


def _rows(items: Iterable[Any]) -> Iterator[Portion]:
    """Items as rows, if the first is certainly one.

    Raises:
        ValueError: if it could be a batch as well.
    """
    for i, item in enumerate(items):
        row = read_portion(item, ROW(i), whole=False)
        if i == 0 and looks_batched(row):
            raise ValueError(
                f"the first item has as many inputs as targets ({_held(row)}): it could be a batch "
                "of rows, or one row with a target for each step. Of batches give Stream(lambda: "
                "source), of rows DataLoader(source, batch_size=32)."
            )
        yield row


def _grouped(source: Any, size: int) -> Iterator[Portion]:
    """The batches of an iterable; its single rows, `size` at a time."""
    rows: list[Portion] = []
    start = 0
    certain = isinstance(source, IterableDataset)
    items = _rows(source) if certain else _batches_or_rows(source)
    for item in items:
        if not certain and looks_batched(item):
            yield item
            continue
        rows.append(item)
        if len(rows) == size:
            yield _numbered_group(rows, start)
            start, rows = start + size, []
    if rows:
        yield _numbered_group(rows, start)


def _batches_or_rows(source: Iterable[Any]) -> Iterator[Portion]:
    for i, item in enumerate(source):
        row = None if has_both(item) else read_portion(item, f"item {i}", whole=False)
        if row is not None and not looks_batched(row):
            yield row
        else:
            yield read_portion(item, f"item {i}", whole=True)


def _numbered_group(rows: list[Portion], start: int) -> Portion:
    read = stack(rows, lambda i: ROW(start + i))
    _check_numbers(read, range(start, start + len(rows)), enough=start + len(rows) >= ENOUGH)
    return read


def _look_up(source: Any, i: int, where: str) -> Portion:
    try:
        row = source[i]
    except OSError as error:  # pillow's, for a picture that is cut short
        raise ValueError(f"{where} cannot be read ({error}): mend or remove it.") from error
    except Exception as error:
        error.add_note(f"This happened inside the data set, at its {where}.")
        raise
    return read_portion(row, where, whole=False)


def _own_number(source: Any, i: int) -> int:
    """The number of a row in the data set that it comes from."""
    while isinstance(source, Subset):
        source, i = source.dataset, int(source.indices[i])
    return i


def _check_numbers(read: Portion, own: Sequence[int], *, enough: bool) -> None:
    """Raise a ValueError if the third part is not the number that each row has."""
    if read.number is not None and not (enough and read.number.tolist() == list(own)):
        raise ValueError(_no_number(read))


def _check_distinct(read: Portion, *, enough: bool) -> None:
    """Raise a ValueError if the third part cannot be numbers of rows, which differ."""
    if read.number is None:
        return
    distinct = len(read.number.unique()) == len(read.number) and bool((read.number >= 0).all())
    if not distinct or not (enough or len(read.number) >= ENOUGH):
        raise ValueError(_no_number(read))


def _no_number(read: Portion) -> str:
    assert read.number is not None
    inputs = map_tensors(lambda t: t[0], read.inputs)
    return parts_refused((inputs, read.targets[0], read.number[0]), "row 0")


def _held(row: Portion) -> str:
    return f"{describe(row.inputs)} with {describe(row.targets)}"


def _first(items: Iterator[Any]) -> Iterator[Any]:
    for item in items:
        yield item
        return


def _some(portions: Iterable[Portion], source: Any) -> list[Portion]:
    """All of them in a list.

    Raises:
        ValueError: if there are none.
    """
    read = list(portions)
    if not read:
        hint = " It leaves out its last batch: drop_last=True." if _drops(source) else ""
        raise ValueError(f"this source has no rows: there is nothing to measure on.{hint}")
    return read


def _drops(source: Any) -> bool:
    return bool(getattr(source, "drop_last", False))
