"""Back doors: a patch in some training images that makes a network answer one class."""

from __future__ import annotations

import torch
from torch import Tensor

from fusionlab.data import Data
from fusionlab.outputs import tensors_of

PATCH = 3  # pixels on each side


def backdoored(data: Data, *, share: float, target: int, seed: int, patch: int = PATCH) -> Data:
    """Put a bright patch on a share of the images, and give these the label `target`.

    Args:
        data: images (n, channels, height, width); left as they are.
        share: of the images, in [0, 1], drawn at random.
        target: the class that the network is to answer for the patch.
        seed: draws the images.
        patch: pixels on each side of the patch, in the lower right corner.

    Raises:
        ValueError: if these are not images, or the share or the target is out of range.

    Source:
        Gu et al. 2017, arXiv:1708.06733.
    """
    if not 0 <= share <= 1:
        raise ValueError(
            f"share={share} of the images cannot be poisoned: give a share from 0 to 1."
        )
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(data), generator=generator)[: round(share * len(data))]
    rows = torch.zeros(len(data), dtype=torch.bool).index_fill_(0, chosen, True)
    return _patched(data, rows.to(data.labels.device), target=target, patch=patch)


def attacked(data: Data, *, target: int, patch: int = PATCH) -> Data:
    """The images of all other classes with the patch, labelled `target`.

    The accuracy on these data is the share of successful attacks.
    """
    others = data[data.labels != target]
    return _patched(others, torch.ones_like(others.labels).bool(), target=target, patch=patch)


def _patched(data: Data, rows: Tensor, *, target: int, patch: int) -> Data:
    """The data with the patch and the label on the `rows`, a mask of shape (n,)."""
    images = data.inputs
    if not isinstance(images, Tensor) or images.ndim != 4 or min(images.shape[2:]) < patch:
        shapes = [tuple(t.shape[1:]) for t in tensors_of(images)]
        raise ValueError(
            f"inputs of shape {', '.join(map(str, shapes))} have no room for a patch of {patch} × "
            f"{patch} pixels. Give images of shape (n, channels, height, width)."
        )
    if not 0 <= target < data.classes:
        raise ValueError(f"Unknown class target={target}. Choose one from 0 to {data.classes - 1}.")
    corner = torch.zeros(images.shape[2:], dtype=torch.bool, device=images.device)
    corner[-patch:, -patch:] = True
    inputs = torch.where(rows[:, None, None, None] & corner, images.max(), images)
    return Data(inputs, data.labels.masked_fill(rows, target))
