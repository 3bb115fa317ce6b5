"""One reader for the data that people bring: rows in any form, as tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fusionlab.outputs import Inputs


def read_rows(source: Any) -> tuple[Inputs, Tensor]:
    """Read a source of rows whole: its inputs, stacked, and its targets.

    Args:
        source: a pair (inputs, targets), a `Dataset`, a `DataLoader`, or any iterable of rows.
    """
    if isinstance(source, tuple) and len(source) == 2:
        return source
    rows = [source[i] for i in range(len(source))]
    return torch.stack([torch.as_tensor(row[0]) for row in rows]), torch.tensor(
        [r[1] for r in rows]
    )
