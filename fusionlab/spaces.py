"""When two points belong to one space, and what a network measures beside its coordinates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, takewhile

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # torch's names


def check_same_space(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> None:
    """Raise unless two points have the same names and shapes; the one place of this check."""
    for point in (a, b):
        if not isinstance(point, Mapping):
            kind = type(point).__name__
            raise TypeError(f"expected Weights, got {kind}; wrap a model by Weights.of")
    if a.keys() != b.keys():
        alone = sorted(a.keys() ^ b.keys())
        if prefix := _wrapper(a, b) or _wrapper(b, a):
            raise ValueError(
                f"two points of one architecture under different names: in one of them every name "
                f"begins with {prefix!r}, as in a network inside a wrapper (DataParallel, "
                f"torch.compile, …). Give the network inside, model.{prefix[:-1]}, everywhere."
            )
        raise ValueError(
            f"two points of different spaces: only one of them has {few(alone)}. "
            "Both must come from the same architecture."
        )
    for name, tensor in a.items():
        if tensor.shape != b[name].shape:
            raise ValueError(
                f"two points of different spaces: {name!r} is {tuple(tensor.shape)} in one and "
                f"{tuple(b[name].shape)} in the other. Were they trained with the same widths?"
            )


def common_prefixes(names: Iterable[str]) -> list[str]:
    """What all names begin with, up to each dot: '', 'module.', 'module.net.'."""
    paths = [name.split(".")[:-1] for name in names] or [[]]
    pairs = zip(min(paths), max(paths), strict=False)  # what these two begin with, all begin with
    shared = [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    return list(accumulate([f"{part}." for part in shared], initial=""))


def few(names: Sequence[str]) -> str:
    """The first three names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more


def _wrapper(wrapped: Iterable[str], plain: Iterable[str]) -> str:
    """What precedes every name of `wrapped`, if the names are those of `plain` else."""
    prefixes = common_prefixes(wrapped)
    return next((p for p in prefixes if {n.removeprefix(p) for n in wrapped} == set(plain)), "")


def running_statistics(module: nn.Module) -> set[str]:
    """Names of the buffers that `module` measures while it trains (BatchNorm's statistics)."""
    return {
        f"{prefix}.{name}".lstrip(".")
        for prefix, layer in module.named_modules()
        for name in own_statistics(layer)
    }


def own_statistics(layer: nn.Module) -> list[str]:
    """Names of a layer's own buffers that it measures while it trains.

    A layer that is not torch's counts if it has a `momentum` and buffers named as torch's are;
    without one (torchvision's FrozenBatchNorm2d) they are constants.
    """
    if not keeps_statistics(layer):
        return []
    return [name for name, _ in layer.named_buffers(recurse=False) if name in STATISTICS]


def keeps_statistics(layer: nn.Module) -> bool:
    """Whether a layer keeps running statistics of what it sees."""
    if isinstance(layer, _NormBase):
        return bool(layer.track_running_stats) and layer.running_mean is not None
    own = {name for name, b in layer.named_buffers(recurse=False) if b.is_floating_point()}
    return hasattr(layer, "momentum") and bool(own & set(STATISTICS))


def check_statistics(module: nn.Module, buffers: Mapping[str, Tensor]) -> None:
    """Raise a ValueError that names `recalibrate` if `buffers` lack what `module` needs."""
    if missing := sorted(running_statistics(module) - buffers.keys()):
        raise ValueError(
            f"this point has no running statistics for {missing[:3]}: they do not survive "
            "arithmetic. Measure them first: theta = recalibrate(model, theta, data)."
        )
