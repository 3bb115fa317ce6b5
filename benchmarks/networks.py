"""Networks of others: the plain path beside the fast one, worst relative differences."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.modules.batchnorm import _BatchNorm

from benchmarks.timing import table
from fusionlab import Data, Weights
from fusionlab.combinations import Combinations
from fusionlab.connectivity import Bezier, fit
from fusionlab.descent import Recipe
from fusionlab.landscape import Landscape, eigenpairs
from fusionlab.objectives import tokens

CLASSES = 5
BETWEEN = (0.0, 0.5, 1.0)
TORCHVISION = {
    "alexnet": 64, "convnext_tiny": 64, "densenet121": 64, "efficientnet_b0": 64,
    "efficientnet_v2_s": 64, "googlenet": 64, "inception_v3": 299, "maxvit_t": 224,
    "mnasnet0_5": 64, "mobilenet_v2": 64, "mobilenet_v3_small": 64, "regnet_x_400mf": 64,
    "resnet18": 64, "resnext50_32x4d": 64, "shufflenet_v2_x0_5": 64, "squeezenet1_1": 64,
    "swin_t": 64, "swin_v2_t": 64, "vgg11_bn": 64, "vit_b_16": 224, "wide_resnet50_2": 64,
}  # fmt: skip
TIMM = {
    "mobilenetv3_small_050": 64, "mobilevitv2_050": 64, "tinynet_e": 64, "ghostnet_050": 64,
    "resnetv2_18": 64, "levit_128s": 224, "tiny_vit_5m_224": 224, "efficientnet_lite0": 64,
    "mixer_s32_224": 224, "vit_tiny_patch16_224": 224, "convnext_atto": 64,
    "xcit_nano_12_p16_224": 224, "nf_resnet26": 64, "resnet10t": 64, "edgenext_xx_small": 64,
    "efficientformer_l1": 224, "efficientformerv2_s0": 224, "efficientvit_m0": 224,
}  # fmt: skip


@dataclass(frozen=True)
class Brought:
    """A network, data that it takes, what is measured, and how to read its outputs."""

    name: str
    model: nn.Module
    data: Data
    objective: Any
    loss: Callable[[Any, Tensor], Tensor]


def torchvisions(names: dict[str, int] = TORCHVISION) -> Iterator[Brought]:
    """Classifiers of torchvision, one small member of each family."""
    from torchvision.models import get_model  # heavy, and needed here alone

    for name, pixels in names.items():
        settings = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
        yield seeing(
            f"torchvision {name}", get_model(name, num_classes=CLASSES, **settings), pixels
        )


def timms(names: dict[str, int] = TIMM) -> Iterator[Brought]:
    """Classifiers of timm, among them layers that cache and norms that hold activations."""
    import timm

    for name, pixels in names.items():
        settings = {"img_size": pixels} if name.startswith(("vit", "mixer")) else {}
        yield seeing(
            f"timm {name}", timm.create_model(name, num_classes=CLASSES, **settings), pixels
        )


def seeing(name: str, model: nn.Module, pixels: int) -> Brought:
    """A classifier of images, on noise."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(6, 3, pixels, pixels, generator=generator)
    return Brought(name, model, Data(images, torch.arange(6) % CLASSES), None, cross_entropy)


def sequences() -> Iterator[Brought]:
    """Networks of torch's own that read sequences."""
    generator = torch.Generator().manual_seed(2)
    data = Data(torch.randn(24, 7, 8, generator=generator), torch.arange(24) % 3)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    yield Brought("nn.LSTM", Last(nn.LSTM(8, 6, batch_first=True), 6), data, None, cross_entropy)
    encoder = Last(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), 8)
    yield Brought("nn.TransformerEncoder", encoder, data, None, cross_entropy)


class Last(nn.Module):
    """A reader of sequences, and a linear layer on what it ends with."""

    def __init__(self, body: nn.Module, width: int) -> None:
        super().__init__()
        self.body, self.head = body, nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of classes."""
        seen = self.body(x)
        return self.head((seen[0] if isinstance(seen, tuple) else seen)[:, -1])  # type: ignore[no-any-return]


def transformers_own() -> Iterator[Brought]:
    """Small BERT and GPT-2 from their configurations."""
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        GPT2Config,
        GPT2ForSequenceClassification,
        GPT2LMHeadModel,
    )  # fmt: skip

    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    bert = BertConfig(**small, intermediate_size=32, vocab_size=50, num_labels=3)
    gpt = GPT2Config(
        n_embd=16, n_layer=2, n_head=2, vocab_size=50, n_positions=16, num_labels=3, pad_token_id=0
    )
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(1, 50, (12, 9), generator=generator)
    mask = torch.ones_like(ids)
    mask[::3, 6:] = 0
    data = Data({"input_ids": ids, "attention_mask": mask}, torch.arange(12) % 3)

    def classified(returned: Any, targets: Tensor) -> Tensor:
        return cross_entropy(returned.logits, targets)

    def told(returned: Any, targets: Tensor) -> Tensor:
        return cross_entropy(returned.logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())

    for name, model in (
        ("transformers BERT", BertForSequenceClassification(bert)),
        ("transformers GPT-2", GPT2ForSequenceClassification(gpt)),
    ):
        yield Brought(name, model, data, None, classified)
    text = Data({"input_ids": ids}, ids)
    name = "transformers GPT-2, next tokens"
    yield Brought(name, GPT2LMHeadModel(gpt), text, tokens(shift=True), told)


def compare(brought: Brought, policy: str, dtype: torch.dtype = torch.float32) -> dict[str, float]:
    """Worst relative differences from the plain path, of the loss and of its gradient."""
    model, data = brought.model, brought.data
    a, b = two_points(model)
    if dtype is not torch.float32:
        a, b = a.move(dtype=dtype), b.move(dtype=dtype)
    landscape = Landscape(model, data, brought.objective, batch_norm=policy)  # type: ignore[arg-type]
    t = torch.tensor(BETWEEN)
    line = Combinations([a, b], torch.stack([1 - t, t], 1))
    got = landscape.scores(line).loss.tolist()
    right = [plain_loss(brought, a, b, s, policy)[0] for s in BETWEEN]
    apart = max(abs(g - r) / max(abs(r), 1e-3) for g, r in zip(got, right, strict=True))
    single = abs(landscape(a).loss - right[0]) / max(abs(right[0]), 1e-3)
    gradient = plain_loss(brought, a, b, 0.0, policy, slope=True)[1]
    mine = landscape.slope(a)[1]
    away = sum(float((mine[n].double() - g.double()).square().sum()) for n, g in gradient.items())
    size = sum(float(g.double().square().sum()) for g in gradient.values())
    return {"loss": max(apart, single), "gradient": (away / max(size, 1e-30)) ** 0.5}


def two_points(model: nn.Module) -> tuple[Weights, Weights]:
    """The network's own point, and one beside it with statistics of its own."""
    a = Weights.of(model)
    generator = torch.Generator().manual_seed(2)

    def beside(tensor: Tensor) -> Tensor:
        noise = torch.randn(tensor.shape, generator=generator)
        size = tensor.square().mean().sqrt().clamp_min(0.1)  # of biases that begin at 0, too
        return tensor + 0.1 * size * noise

    statistics = {n: 1.2 * t + 0.1 if "running_" in n else t for n, t in a.buffers.items()}
    return a, Weights(a.map(beside), statistics)


def plain_loss(
    brought: Brought, a: Weights, b: Weights, t: float, policy: str, *, slope: bool = False
) -> tuple[float, dict[str, Tensor]]:
    """The reader's loop on all rows; to recalibrate BatchNorm alone is in training mode."""
    network = copy.deepcopy(brought.model).train()
    held = dict(network.named_buffers())
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.data = ((1 - t) * a[name] + t * b[name]).to(a[name].dtype).clone()
        for name, buffer in held.items():
            share = t if policy == "interpolate" and buffer.is_floating_point() else 0
            own, other = a.buffers[name], b.buffers[name]
            buffer.data = (
                ((1 - share) * own + share * other).to(own.dtype) if share else own.clone()
            )
    network.requires_grad_(True)
    if slope:  # in evaluation mode what is cached or merged has no gradient
        for layer in network.modules():
            layer.training = getattr(layer.train, "__func__", None) is not nn.Module.train
    else:
        network.eval()
    inputs = brought.data.inputs
    for layer in network.modules():
        if policy == "recalibrate" and isinstance(layer, _BatchNorm):
            layer.training = True
    kind = next(iter(a.values())).dtype
    with torch.set_grad_enabled(slope):
        returned = network(**inputs) if isinstance(inputs, dict) else network(inputs.to(kind))
        loss = brought.loss(returned, brought.data.targets)
    if not slope:
        return loss.item(), {}
    named = dict(network.named_parameters())
    slopes = torch.autograd.grad(loss, list(named.values()), materialize_grads=True)
    return loss.item(), dict(zip(named, slopes, strict=True))


def works(brought: Brought) -> str:
    """One fit of three steps and one eigenpair: "yes", or what goes wrong."""
    a, b = two_points(brought.model)
    recipe = Recipe(epochs=3, batch_size=len(brought.data), lr=1e-4)
    try:
        options: Any = {"objective": brought.objective, "seed": 0, "progress": False}
        fitted = fit(brought.model, brought.data, Bezier.between(a, b), recipe, **options)
        landscape = Landscape(
            brought.model, brought.data[:2], brought.objective, batch_norm="fixed"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it need not converge
            found = eigenpairs(landscape, a, k=1, most=4, progress=False)
    except (RuntimeError, ValueError) as error:
        return f"{type(error).__name__}: {str(error)[:70]}"
    finite = bool(fitted.losses.isfinite().all() and found.values.isfinite().all())
    return "yes" if finite else "not finite"


def rows(brought: Iterator[Brought], *, whole: bool = True) -> Iterator[dict[str, str]]:
    """A row of the table for each network."""
    for one in brought:
        row = {"network": one.name}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            for policy in ("fixed", "interpolate", "recalibrate"):
                apart = compare(one, policy)
                row |= {f"{policy}: {what}": f"{value:.0e}" for what, value in apart.items()}
            exact = compare(one, "recalibrate", torch.double)
            row["recalibrate in float64"] = f"{exact['loss']:.0e}, {exact['gradient']:.0e}"
            row["fit, eigenpair"] = works(one) if whole else ""
        row["told"] = "; ".join(sorted({str(w.message)[:60] for w in told
                                        if w.category is RuntimeWarning}))  # fmt: skip
        yield row


def report() -> str:
    """The table of all networks."""
    every: list[dict[str, str]] = []
    for source in (sequences, transformers_own, torchvisions, timms):
        torch.manual_seed(0)
        every += rows(source())
    return table("Networks of others, beside the plain path", every)
