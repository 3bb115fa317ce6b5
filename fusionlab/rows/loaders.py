"""A loader as a loop over it sees it, and items that may be rows or batches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from torch.utils.data import DataLoader, IterableDataset, default_collate

from fusionlab.outputs import tensors_of
from fusionlab.rows.portions import Portion, read_portion, stack

PEEK = 1000  # so many rows are looked at to explain why a loader failed


def loop(loader: DataLoader[Any]) -> Iterator[Portion]:
    """The batches of a loader; an item that has one target, without an axis of rows, is a row."""
    try:
        for i, batch in enumerate(loader):
            item = _arguments(batch) if loader.collate_fn is default_collate else batch
            yield _read_batch(item, f"batch {i}")
    except (TypeError, RuntimeError) as error:
        _explain(loader, error)
        raise


def looks_batched(row: Portion) -> bool:
    """Whether what was read as a row could be a batch: as many inputs as targets, with features."""
    tensors = [*tensors_of(row.inputs), row.targets]
    deep = any(t.ndim > 1 for t in tensors[:-1])
    return row.targets.ndim > 0 and deep and len({t.shape[:1] for t in tensors}) == 1


def _arguments(batch: Any) -> Any:
    """A batch whose inputs are a tuple, which torch collates to a list."""
    if isinstance(batch, list) and batch and isinstance(batch[0], list):
        return [tuple(batch[0]), *batch[1:]]
    return batch


def _read_batch(item: Any, where: str) -> Portion:
    if isinstance(item, list) and item and all(isinstance(one, tuple) for one in item):
        rows = [read_portion(r, f"{where}, row {i}", whole=False) for i, r in enumerate(item)]
        return stack(rows)  # not collated
    batch = read_portion(item, where, whole=True)
    if batch.targets.ndim == 0:
        return stack([read_portion(item, where, whole=False)])
    return batch


def _explain(loader: DataLoader[Any], error: Exception) -> None:
    """Raise in better words what torch could not collate, if it is the rows' fault."""
    data = loader.dataset
    if loader.collate_fn is not default_collate:
        return
    walked = isinstance(data, IterableDataset)
    rows: Any = data if walked else (data[i] for i in range(len(data)))  # type: ignore[arg-type]
    try:
        some = enumerate(islice(rows, PEEK))
        stack([read_portion(row, f"row {i}", whole=False) for i, row in some])
    except ValueError as clearer:
        raise clearer from error
