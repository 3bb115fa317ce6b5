"""Inputs with their targets, held whole as tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fusionlab.outputs import Inputs, map_tensors, tensors_of
from fusionlab.rows import read_rows

INTEGERS = (
    torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64,
    torch.int8, torch.int16, torch.int32,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs with one target each: class numbers (n,), numbers, tokens (n, T), pictures (n, H, W).

    Args:
        inputs: a tensor (n, ...), or a tuple or dict of such tensors, which are the positional or
            the named arguments of a network. Arrays become tensors.
        targets: a tensor (n, ...). Integers of any width, and truth values, become int64.

    Raises:
        ValueError: if lengths differ, there is no row, or a number is not finite.
    """

    inputs: Inputs
    targets: Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", _as_tensors(self.inputs))
        targets = torch.as_tensor(self.targets)
        targets = targets.long() if targets.dtype in INTEGERS else targets
        object.__setattr__(self, "targets", targets)
        counts = {len(t) if t.ndim else 0 for t in tensors_of(self.inputs)}
        m = len(targets) if targets.ndim else 0
        if counts != {m} or m == 0:
            n = " and ".join(map(str, sorted(counts))) or "0"
            raise ValueError(
                f"{n} inputs with {m} targets: give one target per input, at least one"
            )
        for what, tensor in [("inputs", t) for t in tensors_of(self.inputs)] + [
            ("targets", targets)
        ]:
            _check_finite(what, tensor)

    @classmethod
    def of(cls, source: Any) -> Data:
        """Read whatever people bring whole into memory.

        Args:
            source: `Data`, a pair (inputs, targets) of tensors or arrays, a torch `Dataset`, any
                iterable of rows, a `DataLoader` as a loop over it sees it, Hugging Face rows, a
                pandas frame.

        Raises:
            TypeError, ValueError: with what the first row holds, if it is no input with a target.
        """
        return source if isinstance(source, Data) else cls(*read_rows(source))

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, rows: Any) -> Data:
        """The rows of a slice, an index tensor or a mask, as data again."""
        return Data(map_tensors(lambda t: t[rows], self.inputs), self.targets[rows])

    @property
    def device(self) -> torch.device:
        """Where the data lie."""
        return self.targets.device

    @property
    def labels(self) -> Tensor:
        """The targets of a classification, class numbers of shape (n,).

        Raises:
            ValueError: if they are no class numbers.
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

    def move(self, device: torch.device | str) -> Data:
        """Return the data on `device`."""
        return Data(map_tensors(lambda t: t.to(device), self.inputs), self.targets.to(device))

    def fingerprint(self) -> str:
        """SHA-256 of the content, as hexadecimal digits."""
        names = self.inputs if isinstance(self.inputs, Mapping) else range(len(self.inputs))
        inputs = zip(names, tensors_of(self.inputs), strict=False)
        return content_hash({**{f"input {n}": t for n, t in inputs}, "targets": self.targets})

    @property
    def _has_classes(self) -> bool:
        targets = self.targets
        return targets.ndim == 1 and targets.dtype == torch.long and bool(targets.min() >= 0)


def content_hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _as_tensors(inputs: Any) -> Inputs:
    """Inputs in one of the three forms, arrays as tensors."""
    if isinstance(inputs, Mapping):
        return {str(name): torch.as_tensor(one) for name, one in inputs.items()}
    if isinstance(inputs, tuple):
        return tuple(torch.as_tensor(one) for one in inputs)
    return torch.as_tensor(inputs)


def _check_finite(what: str, tensor: Tensor) -> None:
    if not tensor.is_floating_point() or tensor.isfinite().all():
        return
    rows = (
        ~tensor.flatten(1).isfinite().all(1) if tensor.ndim > 1 else ~tensor.isfinite()
    ).nonzero()
    raise ValueError(
        f"{len(rows)} {what} are not finite (rows {rows.flatten().tolist()[:5]}): every loss on "
        "them would be NaN. Drop or mend these rows first."
    )
