"""Directions in weight space to look along from a trained network."""

from __future__ import annotations

import torch
from torch import Tensor

from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights


def random_direction(theta: Weights, *, seed: int) -> Weights:
    """Draw a direction from the standard normal distribution over θ's space."""
    generator = torch.Generator().manual_seed(seed)
    return theta.map(lambda t: _normal(t, generator).to(t.device, t.dtype))


def filter_normalise(direction: Weights, theta: Weights) -> Weights:
    """Rescale each filter of `direction` to the norm of θ's filter; vectors become zero.

    A filter is one slice along the first axis: an output channel of a convolution, a row of a
    linear layer. Biases and the scales of norm layers stay put, so that scaling symmetries of the
    network do not set the scale of the picture.

    Source:
        Li et al. 2018, arXiv:1712.09913.
    """
    check_same_space(direction, theta)
    return direction.map(_like_filters, theta)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """A draw of this shape; real and imaginary parts are coordinates of their own."""
    if like.is_complex():
        return torch.view_as_complex(torch.randn(*like.shape, 2, generator=generator))
    return torch.randn(like.shape, generator=generator, dtype=torch.float32)


def _like_filters(direction: Tensor, tensor: Tensor) -> Tensor:
    if tensor.ndim < 2:
        return torch.zeros_like(direction)
    length = direction.flatten(1).norm(dim=1)
    target = tensor.flatten(1).norm(dim=1)
    scale = torch.where(length > 0, target / length.clamp_min(1e-30), 0.0)
    return direction * scale.view(-1, *[1] * (tensor.ndim - 1))
