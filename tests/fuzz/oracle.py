"""The plain loop: a network made anew, loaded by name, called on all rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase

from fusionlab import Weights
from tests.fuzz.modules import MERGING, Case, begin, call, cast, copied

Tensors = dict[str, Tensor]


def loaded(case: Case, tensors: Tensors, statistics: Tensors | None = None) -> nn.Module:
    """The network in training mode at these parameters and buffers; others are the lent model's."""
    network = case.make(0)
    held = {**dict(case.model.named_buffers()), **tensors, **(statistics or {})}
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        tensor.data = held[name].detach().clone()
    return network


def evaluated(case: Case, tensors: Tensors, statistics: Tensors | None = None) -> nn.Module:
    return begin(loaded(case, tensors, statistics), training=False)


def normalising(network: nn.Module) -> dict[str, nn.Module]:
    """Layers that measure while they train."""
    return {
        name: layer
        for name, layer in network.named_modules()
        if (isinstance(layer, _NormBase) and layer.running_mean is not None)
        or (not isinstance(layer, _NormBase) and hasattr(layer, "sense"))
    }


def statistics_of(case: Case, tensors: Tensors, inputs: object) -> Tensors:
    """Running statistics over rows that are one batch, from what each layer was given."""
    network = evaluated(case, tensors)
    layers, seen = normalising(network), {}
    for name, layer in layers.items():
        layer.training = True
        layer.momentum = getattr(layer, "sense", 1.0)
        layer.register_forward_pre_hook(
            lambda _, args, named, name=name: seen.setdefault(name, []).append(
                [*args, *named.values()][0].detach().double()
            ),
            with_kwargs=True,
        )
    with torch.no_grad():
        called(network, rows(inputs, tensors))
    found: Tensors = {}
    for name, calls in seen.items():
        layer, one = layers[name], calls[0]
        own = (name + ".").lstrip(".")
        if isinstance(layer, _BatchNorm):
            x = torch.cat([c.transpose(0, 1).flatten(1) for c in calls], 1)
            mean, var = x.mean(1), x.var(1, correction=0)
        elif isinstance(layer, _NormBase):
            x = one.flatten(2)
            mean, var = x.mean(2).mean(0), x.var(2).mean(0)
        else:
            mean, var = layer.running_mean, layer.running_var
        found |= {own + "running_mean": mean.float(), own + "running_var": var.float()}
    wide = dtype_of(tensors)
    return {n: t.to(wide) for n, t in found.items()}


def dtype_of(tensors: Tensors) -> torch.dtype:
    return (
        torch.double
        if tensors["head.weight" if "head.weight" in tensors else "module.head.weight"].dtype
        is torch.double
        else torch.float
    )


def rows(inputs: object, tensors: Tensors) -> object:
    """Rows of one's own, in the precision of the point."""
    return copied(inputs, lambda t: cast(t.clone(), dtype_of(tensors)))


class Fails(Exception):
    """Plain PyTorch cannot do it either."""


def called(network: nn.Module, inputs: object) -> object:
    """Call a network; nothing is drawn from the generators that are looked at."""
    with torch.random.fork_rng(devices=[]):
        try:
            return call(network, inputs)
        except RuntimeError as error:
            raise Fails(str(error)) from error


def differentiated(*args: object, **settings: object) -> tuple[Tensor, ...]:
    """Torch's own gradients."""
    try:
        return torch.autograd.grad(*args, materialize_grads=True, **settings)
    except RuntimeError as error:
        raise Fails(str(error)) from error


def at_rest(case: Case, tensors: Tensors, statistics: Tensors | None) -> nn.Module:
    """In evaluation mode, but that layers that would merge weights do not: slopes would be lost."""
    network = loaded(case, tensors, statistics)
    if not MERGING & {*case.names}:
        return begin(network, training=False)
    for layer in network.modules():
        layer.training = getattr(layer.train, "__func__", None) is not nn.Module.train
    return network


def logits(returned: object) -> Tensor:
    if isinstance(returned, Tensor):
        return returned
    if isinstance(returned, tuple):
        return returned[0]
    return (
        returned.logits
        if hasattr(returned, "logits")
        else returned.get("logits", returned.get("out"))
    )


def outputs(case: Case, tensors: Tensors, statistics: Tensors | None = None) -> Tensor:
    with torch.no_grad():
        return logits(called(evaluated(case, tensors, statistics), rows(case.data.inputs, tensors)))


def loss(case: Case, tensors: Tensors, statistics: Tensors | None = None) -> tuple[float, float]:
    """The mean loss, and the share of right answers."""
    out, targets = outputs(case, tensors, statistics).float(), case.data.targets
    right = (out.argmax(1) == targets).double().mean().item()
    return cross_entropy(out, targets).item(), right


def gradients(
    case: Case, tensors: Tensors, statistics: Tensors | None, direction: Weights | None = None
) -> tuple[Tensors, Tensors | None]:
    """The gradient of the loss, and the product of its Hessian with a direction."""
    network = at_rest(case, tensors, statistics)
    leaves = dict(network.named_parameters())
    for leaf in leaves.values():
        leaf.requires_grad_()
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        out = logits(called(network, rows(case.data.inputs, tensors)))
    value = cross_entropy(out, case.data.targets)
    slopes = differentiated(value, list(leaves.values()), create_graph=direction is not None)
    gradient = dict(zip(leaves, (s.detach() for s in slopes), strict=True))
    if direction is None:
        return gradient, None
    pairs = [(s, direction[n]) for n, s in zip(leaves, slopes, strict=True) if s.requires_grad]
    if not pairs:
        return gradient, {n: torch.zeros_like(p) for n, p in leaves.items()}
    products = differentiated([s for s, _ in pairs], list(leaves.values()), [v for _, v in pairs])
    return gradient, dict(zip(leaves, products, strict=True))


def through_statistics(case: Case, tensors: Tensors) -> Tensors:
    """The gradient that goes through the statistics of the data themselves."""
    network = at_rest(case, tensors, None)
    for layer in normalising(network).values():
        layer.training = True
    leaves = dict(network.named_parameters())
    for leaf in leaves.values():
        leaf.requires_grad_()
    out = logits(called(network, rows(case.data.inputs, tensors)))
    slopes = differentiated(cross_entropy(out, case.data.targets), list(leaves.values()))
    return dict(zip(leaves, slopes, strict=True))


def mixed(a: Weights, b: Weights, t: float) -> Tensors:
    """The parameters between two points."""
    return {n: (1 - t) * a[n] + t * b[n] for n in a}


def mixed_statistics(case: Case, t: float) -> Tensors:
    """The running statistics between the two points."""
    names = {
        f"{name}.{own}".lstrip(".")
        for name, layer in normalising(case.make(0)).items()
        for own, b in layer.named_buffers(recurse=False)
        if b.is_floating_point() and own.startswith("running")
    }
    a, b = case.a.buffers, case.b.buffers
    return {n: (1 - t) * a[n] + t * b[n] for n in names}
