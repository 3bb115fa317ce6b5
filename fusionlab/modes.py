"""Training and evaluation mode, of layers that cache or merge weights when it changes."""

from __future__ import annotations

from torch import nn


def has_own_modes(network: nn.Module) -> bool:
    """Whether a layer of the network does something of its own when its mode changes."""
    return any(map(overrides_train, network.modules()))


def at_rest(network: nn.Module) -> nn.Module:
    """Put a network in training mode if that makes a difference: its weights are its own there."""
    return network.train() if has_own_modes(network) else network


def with_modes_of(model: nn.Module, network: nn.Module) -> nn.Module:
    """Put a network that is at rest into the modes of another one of its kind."""
    if model.training or not has_own_modes(network):
        return network
    network.eval()
    for layer, other in zip(network.modules(), model.modules(), strict=True):
        layer.training = other.training
    return network


def begin_evaluation(network: nn.Module) -> nn.Module:
    """Put a network into evaluation mode from training mode, so that nothing cached is left."""
    return network.train().eval()


def set_flags(network: nn.Module) -> nn.Module:
    """Set evaluation mode without telling layers that would cache or merge; these keep training."""
    network.train()
    for layer in network.modules():
        layer.training = overrides_train(layer)
    return network


def overrides_train(layer: nn.Module) -> bool:
    """Whether this one layer does something of its own when its mode changes."""
    return getattr(layer.train, "__func__", layer.train) is not nn.Module.train
