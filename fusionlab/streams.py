"""Data larger than memory: rows that are read again, batch by batch, each time they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from fusionlab.data import Data
from fusionlab.randomness import Generators
from fusionlab.rows import Portion, portions, refuse

ROWS = 256  # of single rows, so many make a batch


class Stream:
    """Rows that are read again each time; iterating gives batches, as `Data`.

    All readings draw alike: from where the global generators stood when the stream was made, so
    that a loader that shuffles or augments gives the same rows each time. They stay as they are.

    Args:
        source: what can be read again: a function without arguments that makes an iterator, a
            `DataLoader`, a data set of either kind, or any collection. Of an iterator, an item
            with as many inputs as targets is a batch, others are rows.
        rows: at most so many rows make a batch; by default a loader's batches are taken as they
            come, and single rows make batches of 256.

    Raises:
        TypeError: if it is not data, or can be read only once.

    Example:
        >>> import torch
        >>> from fusionlab import Stream
        >>> stream = Stream(lambda: ((torch.ones(2), n % 2) for n in range(5)), rows=2)
        >>> [len(batch) for batch in stream]
        [2, 2, 1]
        >>> len(stream.first(4))
        4
    """

    def __init__(self, source: Any, *, rows: int | None = None) -> None:
        if rows is not None and rows < 1:
            raise ValueError(f"rows={rows}: a batch has at least one row")
        if not _makes(source):
            refuse(source)
        if hasattr(source, "__next__"):
            raise TypeError(
                f"a {type(source).__name__} can be read only once, and a stream is read many "
                "times: give the function that makes it, Stream(lambda: make_rows())."
            )
        self.source, self.rows = source, rows
        self.count: int | None = None
        self._generators = Generators(source)
        self._state = self._generators.state()
        self._device: torch.device | None = None
        self._target: torch.device | str | None = None
        self._last: Any = None

    def __iter__(self) -> Iterator[Data]:
        """Go through all rows once.

        Raises:
            ValueError: if there are none, or not as many as the last time.
        """
        seen = 0
        for portion in self._read():
            batch = Data(portion.inputs, portion.targets)
            seen += len(batch)
            for part in batch.parts(self.rows or len(batch)):
                yield part if self._target is None else part.move(self._target)
        self._check_count(seen)

    @property
    def device(self) -> torch.device:
        """Where the batches lie."""
        if self._device is None:
            self._device = self.first(1).device
        return self._device

    def parts(self, rows: int) -> Iterator[Data]:
        """All rows in their order, at most `rows` at a time."""
        for batch in self:
            yield from batch.parts(rows)

    def first(self, n: int) -> Data:
        """The first `n` rows, or all if there are no more; no others are read."""
        kept: list[Data] = []
        for batch in self:
            kept.append(batch.first(n - sum(map(len, kept))))
            if sum(map(len, kept)) == n:
                break
        return _together(kept)

    def sample(self, n: int, *, seed: int = 0) -> Data:
        """Draw `n` rows in one reading; all rows if there are no more."""
        generator = torch.Generator().manual_seed(seed)
        kept: list[tuple[Data, torch.Tensor]] = []
        for batch in self:
            keys = torch.rand(len(batch), generator=generator, dtype=torch.double)
            kept = _smallest([*kept, (batch, keys)], n)
        return _together([data for data, _ in kept])

    def varied(self, n: int) -> Data:
        """At most `n` rows over the range of targets, the least and the largest too."""
        kept: list[Data] = []
        for batch in self:
            kept = [_together([*kept, batch]).varied(n)]
        return kept[0]

    def move(self, device: torch.device | str) -> Stream:
        """The stream whose batches lie on `device`."""
        moved = Stream.__new__(Stream)
        vars(moved).update(vars(self), _device=None, _target=device)
        return moved

    def _read(self) -> Iterator[Portion]:
        """The portions of one reading."""
        read = portions(self._fresh(), self.rows or ROWS)
        return self._generators.replay(self._state, read)

    def _fresh(self) -> Any:
        """What is read this time.

        Raises:
            ValueError: if it was read before.
        """
        made = self.source() if _makes(self.source) else self.source
        if hasattr(made, "__next__") and made is self._last:
            raise ValueError(
                "the function gave the same iterator a second time, and that can be read only "
                "once: make a new one in the function."
            )
        self._last = made
        return made

    def _check_count(self, seen: int) -> None:
        if seen == 0 or self.count not in (None, seen):
            before = "" if self.count is None else f", {self.count} before"
            raise ValueError(
                f"this stream gave {seen} rows{before}: each reading must give the same rows, at "
                "least one. Does the source begin anew each time?"
            )
        self.count = seen


def source_of(given: Any) -> Data | Stream:
    """What people give where data are wanted: a stream as it is, all else as `Data`."""
    return given if isinstance(given, Stream) else Data.of(given)


def _makes(source: Any) -> bool:
    """Whether it is a function that makes what is read."""
    is_collection = hasattr(source, "__iter__") or hasattr(source, "__getitem__")
    return callable(source) and not is_collection and not isinstance(source, torch.nn.Module | type)


def _smallest(batches: list[tuple[Data, torch.Tensor]], n: int) -> list[tuple[Data, torch.Tensor]]:
    """The rows with the `n` smallest keys, in their order; the storage of others is let go."""
    everything = torch.cat([keys for _, keys in batches])
    if len(everything) <= n:
        return batches
    limit = everything.kthvalue(n).values
    kept = []
    for data, keys in batches:
        rows = (keys <= limit).nonzero().flatten()
        if len(rows) == len(data):
            kept.append((data, keys))
        elif len(rows):
            kept.append((data[rows.to(data.device)], keys[rows]))
    return kept


def _together(batches: list[Data]) -> Data:
    """Batches as one."""
    return batches[0] if len(batches) == 1 else Data.of(batches)
