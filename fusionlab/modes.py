"""Training and evaluation mode, of layers that cache or merge weights when it changes."""

from __future__ import annotations

from torch import nn


def overrides_train(layer: nn.Module) -> bool:
    """Whether this one layer does something of its own when its mode changes."""
    return getattr(layer.train, "__func__", layer.train) is not nn.Module.train


def has_own_modes(network: nn.Module) -> bool:
    """Whether a layer of the network does something of its own when its mode changes."""
    return any(map(overrides_train, network.modules()))


def holds_merged(network: nn.Module) -> bool:
    """Whether a layer that does something of its own is in evaluation mode."""
    return any(overrides_train(layer) and not layer.training for layer in network.modules())


def begin_training(network: nn.Module) -> nn.Module:
    """Put a network into training mode, in which nothing is cached or merged."""
    network.train()  # a reader's `train` may return nothing
    return network


def begin_evaluation(network: nn.Module) -> nn.Module:
    """Put a network into evaluation mode from training mode, so that nothing cached is left."""
    begin_training(network).eval()
    return network


def take_modes(network: nn.Module, model: nn.Module) -> nn.Module:
    """Put a network, layer by layer, into the modes of another one of its kind."""
    pairs = list(zip(network.modules(), model.modules(), strict=True))
    for layer, other in pairs:
        if overrides_train(layer):  # parents first, as theirs reaches their parts
            layer.train(other.training)
    for layer, other in pairs:
        layer.training = other.training
    return network


def set_flags(network: nn.Module) -> nn.Module:
    """Set evaluation mode without telling layers that would cache or merge; these keep training."""
    begin_training(network)
    for layer in network.modules():
        layer.training = overrides_train(layer)
    return network
