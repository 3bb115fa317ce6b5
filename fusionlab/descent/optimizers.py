"""SGD and Adam as in torch, on tensors that may hold several runs, each with its own settings.

The first optimizer of `torch.optim` that is made imports torch's compiler, which takes seconds;
this does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fusionlab.coordinates import real_parts
from fusionlab.descent.recipes import OptimizerName

Setting = float | Tensor  # one number for all coordinates, or one for each
BETAS, EPSILON = (0.9, 0.999), 1e-8  # torch's


class Optimizer:
    """Moves `values`, in place, down their slopes.

    Args:
        values: what is optimised.
        kind: "sgd", "adam" or "adamw".
        momentum: μ of SGD.
        decay: λ of weight decay.

    Raises:
        ValueError: if there is nothing to move.

    Example:
        >>> import torch
        >>> from fusionlab.descent import Optimizer
        >>> value, slope = torch.tensor([1.0]), torch.tensor([2.0])
        >>> Optimizer([value], "sgd", momentum=0.0, decay=0.0).step([slope], rate=0.25)
        >>> value
        tensor([0.5000])
    """

    def __init__(
        self, values: Sequence[Tensor], kind: OptimizerName, *, momentum: Setting, decay: Setting
    ) -> None:
        if not values:
            raise ValueError(
                "no parameter of this network can be trained: all are frozen (requires_grad is "
                "False), or there are none. Unfreeze them: model.requires_grad_(True)."
            )
        self.values, self.kind, self.momentum, self.decay = values, kind, momentum, decay
        moments = 1 if kind == "sgd" else 2
        self.moments = [[torch.zeros_like(value) for _ in range(moments)] for value in values]
        self._decays = kind != "adamw" and (isinstance(decay, Tensor) or decay != 0)
        self._pulled = [torch.empty_like(value) for value in values if self._decays]
        self.steps = 0

    @torch.no_grad()
    def step(self, slopes: Sequence[Tensor | None], rate: Setting) -> None:
        """Take a step at the learning rate η; a value without a slope stays."""
        self.steps += 1
        move = self._sgd if self.kind == "sgd" else self._adam
        for i, (value, slope) in enumerate(zip(self.values, slopes, strict=True)):
            if slope is not None:
                pulled = self._with_pull(i, value, slope)
                views = map(real_parts, self.moments[i])  # of complex ones, as torch has it
                move(real_parts(value), real_parts(pulled), [*views], rate)

    def _with_pull(self, i: int, value: Tensor, slope: Tensor) -> Tensor:
        """The slope g + λθ, in memory that is kept from step to step."""
        if not self._decays:
            return slope
        if isinstance(self.decay, Tensor):
            return torch.addcmul(slope, value, self.decay, out=self._pulled[i])
        return torch.add(slope, value, alpha=self.decay, out=self._pulled[i])

    def _sgd(self, value: Tensor, slope: Tensor, moments: list[Tensor], rate: Setting) -> None:
        """The update v ← μv + g, θ ← θ − ηv, where g holds the decay."""
        [velocity] = moments
        velocity.mul_(self.momentum).add_(slope)
        _add(value, -rate, velocity)

    def _adam(self, value: Tensor, slope: Tensor, moments: list[Tensor], rate: Setting) -> None:
        """Kingma and Ba 2015, arXiv:1412.6980; adamw decays apart, arXiv:1711.05101."""
        if self.kind == "adamw":
            value.mul_(1 - rate * self.decay)
        mean, square = moments
        mean.lerp_(slope, 1 - BETAS[0])
        square.mul_(BETAS[1]).addcmul_(slope, slope, value=1 - BETAS[1])
        scale = (square.sqrt() / (1 - BETAS[1] ** self.steps) ** 0.5).add_(EPSILON)
        _add(value, -rate / (1 - BETAS[0] ** self.steps), mean / scale)


def _add(target: Tensor, factor: Setting, other: Tensor) -> None:
    if isinstance(factor, Tensor):
        target.addcmul_(other, factor)
    else:
        target.add_(other, alpha=factor)
