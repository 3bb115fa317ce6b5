"""Inputs with their targets, held whole as tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from fusionlab.outputs import Inputs, map_tensors, tensors_of
from fusionlab.rows import as_target, read_rows, whole_inputs


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs with one target each: class numbers (n,), numbers, tokens (n, T), pictures (n, H, W).

    Args:
        inputs: a tensor (n, ...), or a tuple or dict of such tensors, which are the positional or
            the named arguments of a network. Arrays become tensors.
        targets: a tensor (n, ...). Integers of any width, and truth values, become int64.

    Raises:
        ValueError: if lengths differ, there is no row, or a number is not finite.

    Example:
        >>> import torch
        >>> from fusionlab import Data
        >>> data = Data(torch.randn(6, 2), torch.tensor([0, 1, 2, 0, 1, 2]))
        >>> len(data), data.classes, data[:3].labels
        (6, 3, tensor([0, 1, 2]))
    """

    inputs: Inputs
    targets: Tensor

    def __post_init__(self) -> None:
        targets = as_target(self.targets, "the targets")
        m = len(targets) if targets.ndim else 0
        inputs = whole_inputs(self.inputs, m, "the inputs")
        counts = {len(t) if t.ndim else 0 for t in tensors_of(inputs)}
        if counts != {m} or m == 0:
            n = " and ".join(map(str, sorted(counts))) or "0"
            raise ValueError(
                f"{n} inputs with {m} targets: give one target per input, at least one"
            )
        _check_one_device([*tensors_of(inputs), targets])
        for tensor in tensors_of(inputs):
            _check_finite("inputs", tensor, masks=not isinstance(inputs, Tensor))
        _check_finite("targets", targets)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "targets", targets)

    @classmethod
    def of(cls, source: Any) -> Data:
        """Read whatever people bring whole into memory; the global random state stays.

        Args:
            source: one of

                - `Data`, or a pair (inputs, targets) of tensors, arrays, frames or lists,
                - a dict of such parts, one of them called "label", "labels", "target" or "y",
                - a data set, or any iterable, of rows (input, target) or of such dicts; a row may
                  have its own number as a third part,
                - a `DataLoader` as a loop over it sees it, in the order of that loop,
                - a `Stream`.

        Raises:
            TypeError: if it is something else than data, with what to give instead.
            ValueError: if rows are not inputs with targets, with what the first one holds.
        """
        return source if isinstance(source, Data) else cls(*read_rows(source))

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, rows: Any) -> Data:
        """The rows of a slice, an index tensor or a mask, as data again."""
        inputs, targets = map_tensors(lambda t: t[rows], self.inputs), self.targets[rows]
        if not targets.numel() or targets.ndim < self.targets.ndim:
            return Data(inputs, targets)  # which says what is wrong
        return self._with(inputs, targets)

    @property
    def device(self) -> torch.device:
        """Where the data lie."""
        return self.targets.device

    @property
    def labels(self) -> Tensor:
        """The targets of a classification, class numbers of shape (n,).

        Raises:
            ValueError: if they are not class numbers.
        """
        if not self._has_classes:
            raise ValueError(
                f"targets are {self.targets.dtype} of shape {tuple(self.targets.shape)}: expected "
                "class numbers 0, 1, … as integers of shape (n,)"
            )
        return self.targets

    @property
    def classes(self) -> int:
        """One more than the largest label."""
        return int(self.labels.max()) + 1

    def batches(self, size: int, *, seed: int) -> Iterator[Data]:
        """Go once through the data in an order drawn from `seed`; the last batch may be short."""
        generator = torch.Generator().manual_seed(seed)
        for rows in torch.randperm(len(self), generator=generator).split(size):
            yield self[rows.to(self.device)]

    def parts(self, rows: int) -> Iterator[Data]:
        """Go once through the data in their order, so many rows at a time."""
        yield from (self[first : first + rows] for first in range(0, len(self), rows))

    def sample(self, n: int, *, seed: int = 0) -> Data:
        """Draw `n` rows, each class by its share; all rows if there are no more."""
        if n >= len(self):
            return self
        generator = torch.Generator().manual_seed(seed)
        shuffled = torch.randperm(len(self), generator=generator).to(self.device)
        if self._has_classes:
            shuffled = shuffled[self.targets[shuffled].argsort(stable=True)]
        # Evenly spaced positions of the rows sorted by class: every class gets its share.
        positions = (torch.arange(n) + 0.5) * (len(self) / n)
        return self[shuffled[positions.long().to(shuffled.device)].sort().values]

    def varied(self, n: int) -> Data:
        """At most `n` rows over the whole range of targets, the least and the largest too."""
        order = self.targets.reshape(len(self), -1).double().amax(1).argsort(stable=True)
        places = torch.linspace(0, len(self) - 1, min(n, len(self))).round().long()
        return self[order[places.to(order.device)]]

    def first(self, n: int) -> Data:
        """The first `n` rows, or all if there are no more."""
        return self[:n]

    def move(self, device: torch.device | str) -> Data:
        """Return the data on `device`."""
        return self._with(map_tensors(lambda t: t.to(device), self.inputs), self.targets.to(device))

    def fingerprint(self) -> str:
        """SHA-256 of the content, as hexadecimal digits."""
        names = self.inputs if isinstance(self.inputs, Mapping) else range(len(self.inputs))
        inputs = zip(names, tensors_of(self.inputs), strict=False)
        return content_hash({**{f"input {n}": t for n, t in inputs}, "targets": self.targets})

    def _with(self, inputs: Inputs, targets: Tensor) -> Data:
        """Data of rows that were checked already."""
        data = object.__new__(Data)
        object.__setattr__(data, "inputs", inputs)
        object.__setattr__(data, "targets", targets)
        return data

    @property
    def _has_classes(self) -> bool:
        targets = self.targets
        return targets.ndim == 1 and targets.dtype == torch.long and bool(targets.min() >= 0)


class AnyData(Protocol):
    """Rows that can be read again and again, in one order: `Data`, or a `Stream`."""

    @property
    def device(self) -> torch.device:
        """Where the rows lie."""

    def parts(self, rows: int) -> Iterator[Data]:
        """All rows in their order, at most `rows` at a time."""

    def first(self, n: int) -> Data:
        """The first `n` rows, or all if there are no more."""

    def sample(self, n: int, *, seed: int = 0) -> Data:
        """Draw `n` rows; all if there are no more."""

    def varied(self, n: int) -> Data:
        """At most `n` rows over the whole range of targets."""


def content_hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _check_one_device(tensors: Sequence[Tensor]) -> None:
    devices = sorted({str(tensor.device) for tensor in tensors})
    if len(devices) > 1:
        raise ValueError(
            f"inputs and targets lie on {' and '.join(devices)}: move them to one, x.to('cpu')."
        )


def _check_finite(what: str, tensor: Tensor, *, masks: bool = False) -> None:
    """Raise a ValueError that names rows; -∞ is allowed in what may be an additive mask."""
    if not (tensor.is_floating_point() or tensor.is_complex()) or tensor.isfinite().all():
        return
    bad = ~tensor.isfinite()
    if masks and not tensor.is_complex():
        bad &= tensor != -torch.inf
    rows = bad.flatten(1).any(1).nonzero() if tensor.ndim > 1 else bad.nonzero()
    if len(rows):
        raise ValueError(
            f"{len(rows)} {what} are not finite (rows {rows.flatten().tolist()[:5]}): every loss "
            "on them would be NaN. Drop or mend these rows first."
        )
