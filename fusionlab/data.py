"""Labelled data, held whole as tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs (n, ...) with integer class labels (n,).

    Raises:
        ValueError: if lengths differ, there is no row, a label is no class, or an input not finite.
    """

    inputs: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        n, m = len(self.inputs), len(self.labels)
        if n != m or n == 0:
            raise ValueError(f"{n} inputs with {m} labels: give one label per input, at least one")
        if self.labels.ndim != 1 or self.labels.is_floating_point() or self.labels.min() < 0:
            raise ValueError(
                f"labels are {self.labels.dtype} of shape {tuple(self.labels.shape)}: expected "
                "class numbers 0, 1, … as integers of shape (n,)"
            )
        if self.inputs.is_floating_point() and not self.inputs.isfinite().all():
            rows = (~self.inputs.flatten(1).isfinite().all(1)).nonzero().flatten().tolist()
            raise ValueError(
                f"{len(rows)} inputs are not finite (rows {rows[:5]}): every loss on them would be "
                "NaN. Drop or mend these rows first."
            )

    @classmethod
    def of(cls, source: Any) -> Data:
        """Read a pair (inputs, labels), a torch `Dataset` or a `DataLoader` whole into memory."""
        if isinstance(source, Data):
            return source
        if isinstance(source, torch.utils.data.DataLoader):
            source = source.dataset
        if isinstance(source, Sequence) and len(source) == 2:
            return cls(torch.as_tensor(source[0]), torch.as_tensor(source[1]))
        rows = [source[i] for i in range(len(source))]
        inputs = torch.stack([torch.as_tensor(row[0]) for row in rows])
        return cls(inputs, torch.tensor([int(row[1]) for row in rows]))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Any) -> Data:
        """The rows of a slice, an index tensor or a mask, as data again."""
        return Data(self.inputs[rows], self.labels[rows])

    @property
    def classes(self) -> int:
        """One more than the largest label."""
        return int(self.labels.max()) + 1

    def batches(self, size: int, *, seed: int) -> Iterator[Data]:
        """Go once through the data in an order drawn from `seed`; the last batch may be short."""
        dice = torch.Generator().manual_seed(seed)
        for rows in torch.randperm(len(self), generator=dice).split(size):
            yield self[rows.to(self.labels.device)]

    def sample(self, n: int, *, seed: int = 0) -> Data:
        """Draw `n` rows, each class by its share; all rows if there are no more."""
        if n >= len(self):
            return self
        dice = torch.Generator().manual_seed(seed)
        shuffled = torch.randperm(len(self), generator=dice).to(self.labels.device)
        by_class = shuffled[self.labels[shuffled].argsort(stable=True)]
        # Evenly spaced positions of the rows sorted by class: every class gets its share.
        positions = (torch.arange(n) + 0.5) * (len(self) / n)
        return self[by_class[positions.long().to(by_class.device)].sort().values]

    def move(self, device: torch.device | str) -> Data:
        """Return the data on `device`."""
        return Data(self.inputs.to(device), self.labels.to(device))

    def fingerprint(self) -> str:
        """SHA-256 of the content, as hexadecimal digits."""
        return content_hash({"inputs": self.inputs, "labels": self.labels})


def content_hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
