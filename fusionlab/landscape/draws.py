"""Random numbers of networks that draw also in evaluation mode: the same at every point."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from fusionlab.descent import seeded


def states(device: torch.device) -> Hashable:
    """Where the generators of torch, NumPy and Python stand."""
    torchs = [torch.get_rng_state()]
    if device.type == "cuda":
        torchs.append(torch.cuda.get_rng_state(device))
    _, numbers, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 (networks draw there)
    numpy = (np.asarray(numbers).tobytes(), *rest)
    return (random.getstate(), *numpy, *(bytes(t.numpy()) for t in torchs))


@contextmanager
def drawing(device: torch.device, *, seed: int = 0) -> Iterator[None]:
    """A block that draws from `seed`; all generators are afterwards as they were."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with seeded(device, seed):
        try:
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
