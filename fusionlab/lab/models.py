"""Networks that train in seconds, and torchvision's by name.

A model gives only its architecture; `train` draws new weights from a seed. As with every torch
module, the weights that it is built with come from torch's global generator.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Literal, get_args

from torch import Tensor, nn
from torch.nn.functional import relu

Norm = Literal["batch", "layer", "none"]


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers of the given widths with ReLU between; (64, 32, 10) has one hidden layer.

    The input is flattened first, so images need no other shape.
    """
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(
            f"mlp{widths} has no layer. Give at least the width of the input and the number of "
            "classes, such as mlp(64, 32, 10)."
        )
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def convnet(
    channels: Sequence[int] = (16, 32), *, classes: int = 10, inputs: int = 1, norm: Norm = "none"
) -> nn.Sequential:
    """3 × 3 convolutions with ReLU, pooling between, a mean over positions, one linear layer.

    Takes images of any size from 1 × 1 with `inputs` colour channels.
    """
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise((inputs, *channels)):
        layers += [*_convolution(fan_in, fan_out, norm), nn.ReLU()]
        layers += [nn.MaxPool2d(2, ceil_mode=True)]  # ceil: a 1 × 1 image stays one
    layers[-1] = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1], classes))


def resnet(
    depth: int = 8, *, width: int = 16, classes: int = 10, inputs: int = 1, norm: Norm = "batch"
) -> nn.Sequential:
    """A small residual network of depth 6n + 2: three stages of n blocks, `width` × 1, 2, 4.

    Shortcuts that change shape are 1 × 1 convolutions. "layer" normalises over channels and
    positions of one example (GroupNorm with one group) and needs no running statistics.

    Source:
        He et al. 2016, arXiv:1512.03385, section 4.2.
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(
            f"depth={depth} does not give three equal stages. Give 6n + 2: 8, 14, 20, …"
        )
    stages = OrderedDict[str, nn.Module](
        stem=nn.Sequential(*_convolution(inputs, width, norm), nn.ReLU())
    )
    widths = [width, width, 2 * width, 4 * width]
    for i, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        blocks = [ResidualBlock(fan_in, fan_out, stride=1 if i == 1 else 2, norm=norm)]
        blocks += [ResidualBlock(fan_out, fan_out, norm=norm) for _ in range((depth - 2) // 6 - 1)]
        stages[f"stage{i}"] = nn.Sequential(*blocks)
    stages["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    stages["head"] = nn.Linear(widths[-1], classes)
    return nn.Sequential(stages)


class ResidualBlock(nn.Module):
    """x ↦ relu(shortcut(x) + residual(x)), the residual two 3 × 3 convolutions."""

    def __init__(self, fan_in: int, fan_out: int, *, stride: int = 1, norm: Norm = "batch") -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *_convolution(fan_in, fan_out, norm, stride=stride),
            nn.ReLU(),
            *_convolution(fan_out, fan_out, norm),
        )
        same = stride == 1 and fan_in == fan_out
        change = [] if same else _convolution(fan_in, fan_out, norm, stride=stride, size=1)
        self.shortcut = nn.Sequential(*change)  # empty: the identity

    def forward(self, x: Tensor) -> Tensor:
        """Add the residual to the shortcut."""
        return relu(self.shortcut(x) + self.residual(x))


def torchvision_model(name: str, *, classes: int, **settings: Any) -> nn.Module:
    """Any classifier of `torchvision.models`, untrained, with `classes` outputs.

    `settings` go to torchvision. The auxiliary heads of GoogLeNet and Inception are left out:
    with them, the network returns tuples in training.

    Raises:
        ValueError: if torchvision has no classifier with that name.
    """
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = get_close_matches(name, known, n=5, cutoff=0.4)
        raise ValueError(
            f"torchvision has no classifier {name!r}. Similar names: {', '.join(near) or 'none'}. "
            "All names: torchvision.models.list_models(module=torchvision.models)."
        )
    if name in ("googlenet", "inception_v3"):
        settings = {"aux_logits": False, "init_weights": False, **settings}
    network: nn.Module = models.get_model(name, weights=None, num_classes=classes, **settings)
    return network


def _convolution(
    fan_in: int, fan_out: int, norm: Norm, *, stride: int = 1, size: int = 3
) -> list[nn.Module]:
    """A convolution that keeps the image's size (over `stride`), and its norm."""
    norms: dict[str, Callable[[int], nn.Module]] = {
        "batch": nn.BatchNorm2d,
        "layer": lambda width: nn.GroupNorm(1, width),
    }
    if norm not in get_args(Norm):
        raise ValueError(f"Unknown norm {norm!r}. Choose 'batch', 'layer' or 'none'.")
    biased = norm == "none"  # a norm brings its own shift
    layers: list[nn.Module] = [
        nn.Conv2d(fan_in, fan_out, size, stride=stride, padding=size // 2, bias=biased)
    ]
    return layers if biased else [*layers, norms[norm](fan_out)]
