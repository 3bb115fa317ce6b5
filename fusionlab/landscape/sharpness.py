"""How sharp a minimum is: how far the loss rises near it, at worst and on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from fusionlab.combinations import Combinations
from fusionlab.descent import bar, interrupts_wait
from fusionlab.landscape.directions import filter_normalise, random_direction
from fusionlab.scores import ScoreFunction, Sloped, score_all
from fusionlab.spaces import STATISTICS
from fusionlab.weights import Weights

Region = Literal["box", "ball"]

SHORTEST = 1 / 32  # of the region: steps that are shorter find nothing new


@dataclass(frozen=True, eq=False)
class Sharpness:
    """The loss at θ, and at the worst point that was found near it.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Score, sharpness
        >>> class Bowl:
        ...     def __call__(self, theta):
        ...         return Score((theta @ theta).item(), 0.0)
        ...
        ...     def slope(self, theta):
        ...         return self(theta), 2 * theta
        >>> theta = Weights({"w": torch.tensor([3.0, 4.0])})
        >>> found = sharpness(Bowl(), theta, region="ball", epsilon=1.0)
        >>> round(found.highest, 3)  # at distance 5 + 1 from the bottom
        36.0
    """

    loss: float
    highest: float
    worst: Weights
    epsilon: float
    complete: bool

    @property
    def rise(self) -> float:
        """How far the loss rises, in nats."""
        return self.highest - self.loss

    @property
    def relative(self) -> float:
        """Keskar's measure 100 · rise / (1 + loss)."""
        return 100 * self.rise / (1 + self.loss)


def sharpness(
    landscape: Sloped,
    theta: Weights,
    *,
    epsilon: float | None = None,
    region: Region = "box",
    steps: int = 20,
    seed: int = 0,
    progress: bool = True,
) -> Sharpness:
    """Find the highest loss near θ by gradient ascent inside a region, from a random start.

    A step goes to where the linear picture of the loss is highest in the region, or a share of
    the way (Frank and Wolfe's method, which never leaves it); the share is halved when the loss
    does not rise.

    Args:
        landscape: a `Landscape`, or anything with `slope(theta)`.
        theta: the point.
        epsilon: the size of the region; 1e-3 for the box and 0.05 for the ball without it.
        region: the box |δᵢ| ≤ ε(|θᵢ| + 1) of Keskar et al., or the ball ‖δ‖ ≤ ε of SAM.
        steps: gradients at most.
        seed: draws the start.
        progress: show a bar.

    Source:
        Keskar et al. 2017, arXiv:1609.04836; Foret et al. 2021, arXiv:2010.01412.
    """
    near = _region(theta, region, epsilon)
    score, _ = landscape.slope(theta)
    shift, share, complete = near.towards(random_direction(theta, seed=seed)) / 2, 1.0, True
    here, uphill = landscape.slope(near.at(shift))
    with interrupts_wait() as interrupts, bar(steps, "sharpness", progress=progress) as ticks:
        for _ in range(steps):
            if interrupts.pressed or share < SHORTEST:
                complete = not interrupts.pressed
                break
            step = share * near.towards(uphill) + (1 - share) * shift
            there, slope = landscape.slope(near.at(step))
            if there.loss > here.loss:
                shift, here, uphill = step, there, slope
            else:
                share /= 2
            ticks.update()
    if not complete:
        interrupts.tell("the ascent was interrupted: the loss may rise higher than was found.")
    if here.loss < score.loss:
        shift, here = 0 * shift, score
    return Sharpness(score.loss, here.loss, near.at(shift), near.epsilon, complete)


@dataclass(frozen=True, eq=False)
class _Region:
    """Shifts δ of θ, the size of which ε bounds."""

    theta: Weights
    epsilon: float

    def at(self, shift: Weights) -> Weights:
        """θ + δ, with the statistics of θ."""
        return Weights(self.theta + shift, self.theta.buffers)


@dataclass(frozen=True, eq=False)
class _Box(_Region):
    """|δᵢ| ≤ ε(|θᵢ| + 1)."""

    epsilon: float = 1e-3

    def towards(self, slope: Weights) -> Weights:
        """The corner that lies furthest uphill."""
        return slope.map(lambda g, t: g.sgn() * self._reach(t), self.theta)

    def _reach(self, tensor: Tensor) -> Tensor:
        return self.epsilon * (tensor.abs() + 1)


@dataclass(frozen=True, eq=False)
class _Ball(_Region):
    """‖δ‖ ≤ ε."""

    epsilon: float = 0.05

    def towards(self, slope: Weights) -> Weights:
        """The point of the edge that lies furthest uphill."""
        return slope * (self.epsilon / max(float(slope.norm()), 1e-30))


def _region(theta: Weights, region: Region, epsilon: float | None) -> _Box | _Ball:
    kinds: dict[str, type[_Box | _Ball]] = {"box": _Box, "ball": _Ball}
    if region not in kinds:
        raise ValueError(f"Unknown region {region!r}. Choose 'box' or 'ball'.")
    return kinds[region](theta) if epsilon is None else kinds[region](theta, epsilon)


@dataclass(frozen=True, eq=False)
class Flatness:
    """How far the loss rises along random directions, at each scale of noise.

    Args:
        scales: lengths of the noise, each filter's as a share of that filter's, shape (s,).
        loss: at θ itself, in nats.
        losses: shape (draws, s), float64.
        complete: false after an interrupt.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Score, flatness
        >>> theta = Weights({"w": torch.ones(1, 4)})
        >>> def bowl(point):
        ...     return Score((point - theta).norm().item() ** 2, 0.0)
        >>> found = flatness(bowl, theta, scales=[0.5])
        >>> found.rise.round(decimals=4)  # half of the filter's length, which is 2, squared
        tensor([1.], dtype=torch.float64)
    """

    scales: Tensor
    loss: float
    losses: Tensor
    complete: bool

    @property
    def rise(self) -> Tensor:
        """Mean rise of the loss over the draws at each scale, shape (s,)."""
        return self.losses.mean(0) - self.loss

    @property
    def deviation(self) -> Tensor:
        """Standard deviation of the rise over the draws at each scale, shape (s,)."""
        return self.losses.std(0)


def flatness(
    landscape: ScoreFunction,
    theta: Weights,
    *,
    scales: Sequence[float] = (0.05, 0.1, 0.2, 0.3, 0.5),
    draws: int = 10,
    seed: int = 0,
    progress: bool = True,
) -> Flatness:
    """Measure how far noise on the weights, in proportion to each filter's norm, raises the loss.

    A BatchNorm that is not recalibrated keeps the statistics of θ, here and in `sharpness`.

    Args:
        landscape: θ ↦ Score.
        theta: the point.
        scales: norms of the noise, as shares of the norm of each filter.
        draws: random directions, each taken at all scales.
        seed: draws them.
        progress: show a bar.
    """
    shares = torch.tensor([0.0, *scales], dtype=torch.double)
    places = torch.stack([torch.ones_like(shares), shares], 1)
    measured = {n: b for n, b in theta.buffers.items() if n.rpartition(".")[2] in STATISTICS}
    still = {name: torch.zeros_like(buffer) for name, buffer in measured.items()}
    losses: list[Tensor] = []
    with interrupts_wait() as interrupts, bar(draws, "flatness", progress=progress) as ticks:
        for draw in range(draws):
            noise = filter_normalise(random_direction(theta, seed=seed * draws + draw), theta)
            noise = Weights(noise, still)
            losses.append(score_all(landscape, Combinations([theta, noise], places)).loss)
            ticks.update()
            if interrupts.pressed:
                break
    if len(losses) < draws:
        interrupts.tell(f"interrupted after {len(losses)} of {draws} directions.")
    found = torch.stack(losses)
    return Flatness(shares[1:], float(found[0, 0]), found[:, 1:], len(losses) == draws)
