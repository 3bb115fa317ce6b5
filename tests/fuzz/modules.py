"""Random networks from a seed, each with at least one layer or habit of a given kind."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from fusionlab import Data, Weights
from tests.fuzz.blocks import SEQUENCES, VECTORS, D, flattened, makers

CLASSES = 3
TAME = ("linear", "layer norm", "batch norm", "dropout", "activation in place")
ALONG_ROWS = {  # what a row gives depends on those beside it, or before it
    "sums along rows", "LSTM along rows", "attention along rows", "centres the batch",
    "divides by the largest", "batch norm without statistics",
}  # fmt: skip
DRIFTING = {"writes into its weights", "buffers that drift", "buffers that drift in place"}
MERGING = {
    "low rank, merging", "weights in a list, merging", "caching by device",
    "caching when evaluation begins",
}  # fmt: skip


class Stem(nn.Module):
    """From what a family is given to blocks of width D."""

    def __init__(self, family: str):
        super().__init__()
        self.family = family
        if family == "images":
            self.layer = nn.Conv2d(2, D, 3, padding=1)
        elif family == "tokens":
            self.layer = nn.Embedding(11, D, max_norm=1.0)
        elif family == "bags":
            self.layer = nn.EmbeddingBag(11, D)
        elif family == "wide":
            self.layer = nn.Linear(300, D)
        else:
            self.layer = nn.Linear(D, D) if family == "sequences" else nn.Identity()

    def forward(self, x):
        return self.layer(x)


class Net(nn.Module):
    """Stem, blocks and head; what goes in and comes out depends on its habit."""

    def __init__(self, family: str, blocks: list[nn.Module], habit: str):
        super().__init__()
        self.habit = habit
        self.stem, self.blocks = Stem(family), nn.Sequential(*blocks)
        self.head = nn.Linear(D, CLASSES)
        self.aux = nn.Linear(D, CLASSES) if habit == "auxiliary head" else None
        self.unused = nn.Linear(2, 2) if habit == "unused layer" else None

    def forward(self, x, shift=None):
        x = self.stem(x)
        if shift is not None:
            x = x + shift[:, None] if x.ndim == 2 else x + shift[:, None, None]
        features = flattened(self.blocks(x))
        out = self.head(features)
        if self.habit == "outputs in a dict":
            return {"features": features, "logits": out}
        if self.habit == "outputs in a tuple":
            return out, features
        if self.habit == "outputs as a record":
            return Record(out, features)
        if self.habit == "outputs in order":
            return OrderedDict(out=out, aux=features)
        if self.aux is not None and self.training:
            return {"out": out, "aux": self.aux(features)}
        return out


@dataclass
class Record:
    """What Hugging Face's networks return looks like this."""

    logits: torch.Tensor
    features: torch.Tensor


class FreezesNorms(Net):
    """Its batch norms stay in evaluation mode while it trains."""

    def train(self, mode=True):
        super().train(mode)
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                layer.eval()
        return self


class Half(Net):
    """Nothing but a network that is given in bfloat16."""


HABITS = (
    "plain", "outputs in a dict", "outputs in a tuple", "outputs as a record", "outputs in order",
    "auxiliary head", "unused layer", "freezes its norms", "in DataParallel", "two inputs",
    "inputs by name", "double points",
)  # fmt: skip


def kinds() -> list[str]:
    """All kinds: of blocks, of habits, and of stems."""
    return [*makers(), *HABITS[1:], "tokens", "bags"]


@dataclass
class Case:
    """A network, data, and two points of independent draws with buffers of their own."""

    kind: str
    seed: int
    family: str
    names: list[str]
    habit: str
    data: Data = field(init=False)
    calibration: Data = field(init=False)
    model: nn.Module = field(init=False)
    a: Weights = field(init=False)
    b: Weights = field(init=False)
    training: bool = field(init=False)

    def __post_init__(self) -> None:
        generator = torch.Generator().manual_seed(self.seed + 17)
        rows = 41 if self.seed % 3 else 1203  # more than one batch of a landscape, now and then
        rows = min(rows, 41) if self.family == "images" else rows
        self.data, self.calibration = self._data(rows, generator), self._data(67, generator)
        self.training = self.seed % 2 == 0
        self.a, self.b = (self._point(i) for i in (1, 2))
        lent = 1 if self.seed % 4 < 2 else 3
        self.model = self._warm(lent)
        self.model.train(self.training)

    def make(self, draw: int) -> nn.Module:
        """The network in training mode, at weights drawn anew."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1000 * self.seed + draw)
            known = makers()
            blocks = [known[name][1]() for name in self.names]
            net = {"freezes its norms": FreezesNorms}.get(self.habit, Net)
            family = "wide" if self.family == "vectors" and self.seed % 5 else self.family
            network = net(family, blocks, self.habit)
            begin(network)
            return nn.DataParallel(network) if self.habit == "in DataParallel" else network

    def _warm(self, draw: int) -> nn.Module:
        """The network after it has seen data while it trained, so that statistics are its own."""
        network = self.make(draw)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(5)
            call(network, copied(self._data(23, torch.Generator().manual_seed(draw)).inputs))
        return network

    def _point(self, draw: int) -> Weights:
        """Parameters and buffers, read without the package's help."""
        network = self._warm(draw)
        dtype = torch.double if self.habit == "double points" else None
        parameters = {n: cast(p.detach().clone(), dtype) for n, p in network.named_parameters()}
        buffers = {n: cast(b.detach().clone(), dtype) for n, b in network.named_buffers()}
        return Weights(parameters, buffers)

    def _data(self, n: int, generator: torch.Generator) -> Data:
        wide = 300 if self.family == "vectors" and self.seed % 5 else D
        shape = {"images": (2, 4, 4), "sequences": (5, D), "tokens": (6,), "bags": (6,)}
        shape = shape.get(self.family, (wide,))
        if self.family in ("tokens", "bags"):
            x = torch.randint(11, (n, *shape), generator=generator)
        else:
            x = torch.randn(n, *shape, generator=generator)
            x[0] *= 4  # the first row is the largest
        labels = torch.randint(CLASSES, (n,), generator=generator).sort().values
        shift = torch.randn(n, generator=generator)
        if self.habit == "two inputs":
            return Data((x, shift), labels)
        return Data({"x": x, "shift": shift} if self.habit == "inputs by name" else x, labels)


def cases(kind: str, seed: int) -> Case:
    """A random network of this kind."""
    generator = random.Random(f"{kind} {seed}")
    known = makers()
    family, _ = known.get(kind, (kind if kind in ("tokens", "bags") else "vectors", None))
    others = {"sequences": list(SEQUENCES), "tokens": list(SEQUENCES)}.get(family, list(VECTORS))
    if family == "images":
        others = [n for n, (f, _) in known.items() if f == "images"]
    pool = others if generator.random() < 0.5 else [n for n in TAME if n in others] or others
    names = generator.choices(pool, k=generator.randrange(0, 4))
    if kind in known:
        names.insert(generator.randrange(len(names) + 1) if generator.random() < 0.5 else 0, kind)
    habit = kind if kind in HABITS else generator.choice(["plain"] * 8 + list(HABITS))
    if family in ("images", "bags") and habit in ("two inputs", "inputs by name"):
        habit = "plain"
    if habit == "double points" and {"complex weights", "double part"} & {*names}:
        habit = "plain"
    return Case(kind, seed, family, names, habit)


def begin(network: nn.Module, training: bool = True) -> nn.Module:
    """Put a network into a mode, whatever its `train` returns."""
    network.train(training)
    return network


def call(network: nn.Module, inputs: object) -> object:
    """Call a network on inputs in any of the three forms; a DataParallel's on its module."""
    network = network.module if isinstance(network, nn.DataParallel) else network
    if isinstance(inputs, dict):
        return network(**inputs)
    return network(*inputs) if isinstance(inputs, tuple) else network(inputs)


def copied(inputs: object, function: Callable[[torch.Tensor], torch.Tensor] = torch.clone):
    """Inputs that a forward may write into."""
    if isinstance(inputs, dict):
        return {name: function(t) for name, t in inputs.items()}
    return tuple(map(function, inputs)) if isinstance(inputs, tuple) else function(inputs)


def cast(tensor: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
    """In a precision, if it holds real numbers."""
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor
