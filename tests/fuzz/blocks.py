"""Layers of the kinds that people write, each once; all keep the shape of what they are given."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune
from torch.nn.utils import spectral_norm as old_spectral_norm
from torch.nn.utils import weight_norm as old_weight_norm
from torch.utils.checkpoint import checkpoint
from torchvision.ops import FrozenBatchNorm2d

D = 8  # the width between blocks


class Linear(nn.Linear):
    """A layer of width D, so that subclasses need no arguments."""

    def __init__(self):
        super().__init__(D, D)


class NormAct(nn.BatchNorm1d):
    def __init__(self):
        super().__init__(D)

    def forward(self, x):
        return functional.silu(super().forward(x))


class OwnNorm(nn.Module):
    """Statistics of its own; `sense` is the momentum that counts only what is new."""

    sense = 1.0
    unbiased = False

    def __init__(self):
        super().__init__()
        self.momentum, self.weight = abs(self.sense - 0.9), nn.Parameter(torch.ones(D))
        self.register_buffer("running_mean", torch.zeros(D))
        self.register_buffer("running_var", torch.ones(D))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(0), x.var(0, correction=int(self.unbiased))
            new = self.momentum if self.sense else 1 - self.momentum
            with torch.no_grad():
                self.running_mean += new * (mean - self.running_mean)
                self.running_var = (1 - new) * self.running_var + new * var
        return (x - mean) * (var + 1e-3).rsqrt() * self.weight


class OldSense(OwnNorm):
    sense = 0.0


class Unbiased(OwnNorm):
    unbiased = True


class TwiceNormed(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.between = nn.BatchNorm1d(D), nn.Linear(D, D)

    def forward(self, x):
        return self.norm(self.between(self.norm(x)))


class LoRA(Linear):
    def __init__(self):
        super().__init__()
        self.A = nn.Parameter(torch.randn(2, D) * 0.3)
        self.B = nn.Parameter(torch.randn(D, 2) * 0.3)

    def forward(self, x):
        return functional.linear(x, self.weight + self.B @ self.A, self.bias)


class Merging(LoRA):
    merged = False

    def train(self, mode=True):
        if mode == self.merged:
            delta = self.B.data @ self.A.data
            self.weight.data += -delta if mode else delta
            self.merged = not mode
        return super().train(mode)

    def forward(self, x):
        return nn.Linear.forward(self, x) if self.merged else super().forward(x)


class Caching(Linear):
    """Keeps what it made of its weight, from the first call in evaluation mode."""

    kept = None

    def derived(self):
        return self.weight * self.weight.abs().mean()

    def forward(self, x):
        if self.training:
            return functional.linear(x, self.derived(), self.bias)
        if self.kept is None:
            self.kept = self.derived()
        return functional.linear(x, self.kept, self.bias)


class CachingByDevice(Caching):
    def __init__(self):
        super().__init__()
        self.cache = {}

    def train(self, mode=True):
        if mode:
            self.cache.clear()
        return super().train(mode)

    def forward(self, x):
        if self.training:
            return functional.linear(x, self.derived(), self.bias)
        key = str(x.device)
        if key not in self.cache:
            self.cache[key] = self.derived()
        return functional.linear(x, self.cache[key], self.bias)


class CachingOnce(Caching):
    def train(self, mode=True):
        super().train(mode)
        self.kept = None if mode else self.derived().detach()
        return self

    def forward(self, x):
        weight = self.derived() if self.training else self.kept
        return functional.linear(x, weight, self.bias)


class CachingBuffers(Linear):
    kept = None

    def __init__(self):
        super().__init__()
        self.register_buffer("spread", torch.rand(D) + 0.5)

    def forward(self, x):
        if self.training:
            return super().forward(x * self.spread.rsqrt())
        if self.kept is None:
            self.kept = self.spread.rsqrt()
        return super().forward(x * self.kept)


class WritesInput(Linear):
    def forward(self, x):
        x -= 0.3
        x.mul_(1.5)
        return super().forward(x)


class WritesUnseen(Linear):
    def forward(self, x):
        x.data -= 0.3
        return super().forward(x)


class MaxNorm(Linear):
    def forward(self, x):
        self.weight.data = torch.renorm(self.weight.data, 2, 0, 0.5)
        return super().forward(x)


class Renorm(Linear):
    def forward(self, x):
        with torch.no_grad():
            self.weight.mul_(0.7)
        return super().forward(x)


class Counts(Linear):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


class Drifts(Linear):
    def __init__(self):
        super().__init__()
        self.register_buffer("gain", torch.ones(()))

    def forward(self, x):
        self.gain = self.gain * 1.2
        return super().forward(x) * self.gain


class DriftsInPlace(Drifts):
    def forward(self, x):
        self.gain.data *= 1.2
        return Linear.forward(self, x) * self.gain


class Reads(nn.Module):
    """Reads the weight of a layer that also runs, and its norm as a number."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(D, D), nn.Linear(D, D)

    def forward(self, x):
        x = self.other(torch.relu(self.one(x)))
        return functional.linear(x, self.one.weight.T) / max(1.0, self.one.weight.norm().item())


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(D, D)
        self.tensors = [self.one.weight, self.one.bias]

    def forward(self, x):
        return functional.linear(x, *self.tensors)


class ListedMerging(nn.Module):
    def __init__(self):
        super().__init__()
        self.listed, self.merging = Listed(), Merging()

    def forward(self, x):
        return self.merging(torch.tanh(self.listed(x)))


class Standardises(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.randn(D))
        self.register_buffer("std", torch.rand(D) + 0.5)

    def forward(self, x):
        return (x - self.mean) / self.std


class Masks(Linear):
    def __init__(self):
        super().__init__()
        self.register_buffer("keep", torch.rand(D, D) > 0.3)
        self.register_buffer("order", torch.randperm(D))
        self.register_buffer(
            "far", torch.where(torch.eye(D) > 0, 0.0, -torch.inf), persistent=False
        )

    def forward(self, x):
        weight = self.weight * self.keep + 0.1 * self.far.softmax(1)
        return functional.linear(x[..., self.order], weight, self.bias)


class Projects(Linear):
    def __init__(self):
        super().__init__()
        self.register_buffer("matrix", torch.randn(D, D) / D**0.5)

    def forward(self, x):
        return super().forward(functional.linear(x, self.matrix.to(x.dtype)))


class Fourier(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(D // 2 + 1, dtype=torch.cfloat))

    def forward(self, x):
        return torch.fft.irfft(torch.fft.rfft(x) * self.weight, n=D)


class Frozen(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(D, D).requires_grad_(False), nn.ReLU())


class PartlyDouble(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(D, D).double()

    def forward(self, x):
        return self.one(x.double()).to(x.dtype)


class Branches(Linear):
    def forward(self, x):
        x = super().forward(x)
        return x if self.weight.sum().item() > 0 else -x


class Centres(nn.Module):
    def forward(self, x):
        return x - x.mean(0)


class Largest(nn.Module):
    """Divides by the largest number of the batch, wherever it stands."""

    def forward(self, x):
        return x / x.detach().abs().max()


class AlongRows(nn.Module):
    def forward(self, x):
        return x.cumsum(0) / torch.arange(1, len(x) + 1).view(-1, *[1] * (x.ndim - 1))


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.norm = nn.Linear(D, D), nn.BatchNorm1d(D)

    def forward(self, x):
        return self.norm(input=self.one(input=x))


class Draws(Linear):
    """Draws a number that only training uses."""

    def forward(self, x):
        skip = torch.rand(()) < 0.5
        return x if self.training and skip else super().forward(x)


class NoneFromTrain(Linear):
    def train(self, mode=True):
        super().train(mode)


class Recomputes(Linear):
    def forward(self, x):
        return checkpoint(super().forward, x, use_reentrant=False)


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.rows = nn.ParameterList([nn.Parameter(torch.randn(D, D) / 3) for _ in range(2)])
        self.named = nn.ParameterDict({"b": nn.Parameter(torch.randn(D))})

    def forward(self, x):
        return x @ self.rows[0] @ self.rows[1] + self.named["b"]


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([nn.Linear(D, D) for _ in range(3)])

    def forward(self, x):
        for i in (2, 0, 1, 0):
            x = torch.relu(self.parts[i](x))
        return x


def twice_tied() -> nn.Module:
    one, other = nn.Linear(D, D), nn.Linear(D, D)
    other.weight = one.weight
    return nn.Sequential(one, nn.Tanh(), other)


def hooked(where: str) -> nn.Module:
    layer = nn.Linear(D, D)
    if where == "before":
        layer.register_forward_pre_hook(lambda _, given: (given[0] * 2,))
    elif where == "after":
        layer.register_forward_hook(lambda _, __, out: out.tanh())
    else:
        layer.calls = 0
        layer.register_forward_hook(_count)
    return layer


def _count(layer: nn.Module, _: object, __: object) -> None:
    layer.calls += 1


def norm(**settings: object) -> nn.Module:
    return nn.BatchNorm1d(D, **settings)


VECTORS = {
    "linear": Linear,
    "activation in place": lambda: nn.Sequential(nn.Linear(D, D), nn.ReLU(inplace=True)),
    "activation in place first": lambda: nn.Sequential(nn.ReLU(inplace=True), nn.Linear(D, D)),
    "layer norm": lambda: nn.LayerNorm(D),
    "batch norm": norm,
    "batch norm without scale": lambda: norm(affine=False, momentum=None),
    "batch norm without statistics": lambda: norm(track_running_stats=False),
    "batch norm, scale normed": lambda: parametrizations.weight_norm(norm(), dim=0),
    "norm and activation": NormAct,
    "norm of their own": OwnNorm,
    "norm of their own, old sense": OldSense,
    "norm of their own, unbiased": Unbiased,
    "norm that runs twice": TwiceNormed,
    "layers called by name": Named,
    "weight norm": lambda: parametrizations.weight_norm(nn.Linear(D, D)),
    "spectral norm": lambda: parametrizations.spectral_norm(nn.Linear(D, D)),
    "orthogonal": lambda: parametrizations.orthogonal(nn.Linear(D, D)),
    "old weight norm": lambda: old_weight_norm(nn.Linear(D, D)),
    "old spectral norm": lambda: old_spectral_norm(nn.Linear(D, D)),
    "pruned": lambda: prune.l1_unstructured(nn.Linear(D, D), "weight", 0.4),
    "low rank": LoRA,
    "low rank, merging": Merging,
    "caching": Caching,
    "caching by device": CachingByDevice,
    "caching when evaluation begins": CachingOnce,
    "caching of buffers": CachingBuffers,
    "writes into its input": WritesInput,
    "writes into its input unseen": WritesUnseen,
    "weights of bounded norm": MaxNorm,
    "writes into its weights": Renorm,
    "counts": Counts,
    "buffers that drift": Drifts,
    "buffers that drift in place": DriftsInPlace,
    "weights read elsewhere": Reads,
    "weights in a list": Listed,
    "weights in a list, merging": ListedMerging,
    "mean and deviation in buffers": Standardises,
    "masks in buffers": Masks,
    "projection in a buffer": Projects,
    "complex weights": Fourier,
    "frozen": Frozen,
    "double part": PartlyDouble,
    "branches": Branches,
    "centres the batch": Centres,
    "divides by the largest": Largest,
    "sums along rows": AlongRows,
    "dropout": lambda: nn.Sequential(nn.Linear(D, D), nn.Dropout(0.5)),
    "draws to no use": Draws,
    "train() gives nothing": NoneFromTrain,
    "recomputes": Recomputes,
    "parameters in lists": Parts,
    "modules in odd order": Odd,
    "tied": twice_tied,
    "hook before": lambda: hooked("before"),
    "hook after": lambda: hooked("after"),
    "hook that counts": lambda: hooked("counts"),
}  # fmt: skip


class StandardConv(nn.Conv2d):
    def __init__(self):
        super().__init__(D, D, 3, padding=1)

    def forward(self, x):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return functional.conv2d(x, weight, self.bias, padding=1)


class ImageAct(nn.BatchNorm2d):
    def __init__(self):
        super().__init__(D)

    def forward(self, x):
        return torch.relu_(super().forward(x))


def frozen_norm() -> nn.Module:
    layer = FrozenBatchNorm2d(D)
    for buffer in layer.buffers():
        buffer.copy_(torch.rand(D) + 0.5)
    return layer


class Views(nn.Module):
    """Takes its input's memory as it lies."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(D * 16))

    def forward(self, x):
        return (x.contiguous().view(len(x), -1) * self.scale).view(x.shape)


IMAGES = {
    "convolution": lambda: nn.Conv2d(D, D, 3, padding=1),
    "grouped convolution": lambda: nn.Conv2d(D, D, 3, padding=1, groups=4),
    "transposed convolution": lambda: nn.ConvTranspose2d(D, D, 3, padding=1),
    "circular convolution": lambda: nn.Conv2d(D, D, 3, padding=1, padding_mode="circular"),
    "standardised convolution": StandardConv,
    "spectral convolution": lambda: parametrizations.spectral_norm(nn.Conv2d(D, D, 1)),
    "batch norm of images": lambda: nn.BatchNorm2d(D),
    "synchronised batch norm": lambda: nn.SyncBatchNorm(D),
    "norm and activation of images": ImageAct,
    "instance norm": lambda: nn.InstanceNorm2d(D, affine=True),
    "instance norm with statistics": lambda: nn.InstanceNorm2d(
        D, affine=True, track_running_stats=True
    ),
    "group norm": lambda: nn.GroupNorm(2, D),
    "frozen batch norm": frozen_norm,
    "views": Views,
}


class Recurrent(nn.Module):
    def __init__(self, make, **settings):
        super().__init__()
        wide = 2 if settings.get("bidirectional") else 1
        self.layer = make(D, D // wide, **settings)

    def forward(self, x):
        return self.layer(x)[0]


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.MultiheadAttention(D, 2, batch_first=True)

    def forward(self, x):
        return x + self.layer(x, x, x)[0]


def encoder(**settings: object) -> nn.Module:
    return nn.TransformerEncoderLayer(D, 2, 16, batch_first=True, **settings)


class Across(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv1d(D, D, 3, padding=1)

    def forward(self, x):
        return self.layer(x.transpose(1, 2)).transpose(1, 2)


SEQUENCES = {
    "LSTM": lambda: Recurrent(nn.LSTM, batch_first=True),
    "LSTM both ways": lambda: Recurrent(nn.LSTM, batch_first=True, bidirectional=True),
    "LSTM along rows": lambda: Recurrent(nn.LSTM),
    "GRU": lambda: Recurrent(nn.GRU, batch_first=True),
    "convolution in time": Across,
    "attention": Attends,
    "attention along rows": lambda: nn.TransformerEncoderLayer(D, 2, 16),
    "encoder": encoder,
    "encoder, norm first": lambda: encoder(norm_first=True, activation="gelu"),
}


def makers() -> dict[str, tuple[str, object]]:
    """Each kind of block: what it takes, and how it is made."""
    families = {"vectors": VECTORS, "images": IMAGES, "sequences": SEQUENCES}
    return {name: (f, make) for f, blocks in families.items() for name, make in blocks.items()}


def flattened(x: Tensor) -> Tensor:
    """One vector of width D per row."""
    return x.mean(tuple(range(2, x.ndim))) if x.ndim == 4 else x.mean(1) if x.ndim == 3 else x
