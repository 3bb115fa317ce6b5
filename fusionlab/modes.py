"""Training and evaluation mode, of layers that cache or merge weights when it changes."""

from __future__ import annotations

from torch import nn


def has_own_modes(layer: nn.Module) -> bool:
    """Whether a layer does something of its own when its mode changes."""
    return getattr(layer.train, "__func__", layer.train) is not nn.Module.train


def holds_merged(network: nn.Module) -> bool:
    """Whether a layer that does something of its own is in evaluation mode."""
    return any(has_own_modes(layer) and not layer.training for layer in network.modules())


def begin_training(network: nn.Module) -> nn.Module:
    """Put a network into training mode, in which nothing is cached or merged."""
    network.train()  # a reader's `train` may return nothing
    return network


def begin_evaluation(network: nn.Module) -> nn.Module:
    """Put a network into evaluation mode from training mode, so that nothing cached is left."""
    begin_training(network).eval()
    return network


def set_flags(network: nn.Module) -> nn.Module:
    """Set evaluation mode without telling layers that would cache or merge; these keep training."""
    network.train()
    for layer in network.modules():
        layer.training = has_own_modes(layer)
    return network
