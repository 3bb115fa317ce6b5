"""Fit a shape in weight space: move its free vertices until the loss inside it is low.

A shape is a set of combinations Σᵢ cᵢ θᵢ of a few vertices: a curve, a simplex, a surface. Each
step draws one point of it, takes one gradient there, and gives every free vertex its share.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from fusionlab.connectivity.vertices import Penalty, Shape, Vertices
from fusionlab.coordinates import in_one_precision
from fusionlab.descent import (
    Optimizer,
    Recipe,
    batch_rows,
    carry_out,
    checked_data,
    factor,
    noisy_targets,
)
from fusionlab.objectives import AnyObjective
from fusionlab.outputs import in_precision, map_tensors
from fusionlab.randomness import seeded
from fusionlab.threads import threads, threads_worth

PACE = 0.1  # seconds of training between two looks
AHEAD = 64  # random points drawn at once


_Shape = TypeVar("_Shape", bound=Shape)


@dataclass(frozen=True, eq=False)
class Fit(Generic[_Shape]):
    """A fitted shape, and the losses of its batches in nats, shape (steps,).

    A fit that was interrupted or diverged is not `complete` and holds what was reached.

    Example:
        >>> import torch
        >>> from fusionlab.connectivity import Bezier, fit
        >>> from fusionlab.lab import Recipe, initial, mlp
        >>> model, data = mlp(2, 4, 2), (torch.randn(8, 2), torch.arange(8) % 2)
        >>> a, b = (initial(model, seed=seed) for seed in (0, 1))
        >>> fitted = fit(model, data, Bezier.between(a, b), Recipe(steps=3), seed=0)
        >>> fitted.steps, fitted.complete, fitted.shape(0.0) is a
        (3, True, True)
    """

    shape: _Shape
    losses: Tensor
    recipe: Recipe
    seed: int
    complete: bool

    @property
    def steps(self) -> int:
        """Steps taken."""
        return len(self.losses)


class Fitting(Iterator[Fit[_Shape]]):
    """A fit to watch: each `next` trains for a tenth of a second, or one step if that is longer.

    The arguments are those of `fit`.

    Attributes:
        stride: the most steps of a `next`; it may be changed at any time.

    Example:
        >>> import torch
        >>> from fusionlab.connectivity import Bezier, Fitting
        >>> from fusionlab.lab import Recipe, initial, mlp
        >>> model, data = mlp(2, 4, 2), (torch.randn(8, 2), torch.arange(8) % 2)
        >>> a, b = (initial(model, seed=seed) for seed in (0, 1))
        >>> *_, last = Fitting(model, data, Bezier.between(a, b), Recipe(steps=3), seed=0)
        >>> last.steps, last.complete
        (3, True)
    """

    stride: int | None = None

    def __init__(
        self,
        model: nn.Module,
        data: Any,
        shape: _Shape,
        recipe: Recipe | None = None,
        *,
        seed: int,
        objective: AnyObjective = None,
        penalty: Penalty | None = None,
        layerwise: bool = False,
        device: torch.device | str | None = None,
    ) -> None:
        self.recipe, self.seed = recipe or Recipe(), seed
        self._data = checked_data(data, device)
        self._shape = shape = _moved(shape, self._data.device)
        self.total = self.recipe.total_steps(len(self._data))
        self._targets = noisy_targets(self._data, self.recipe)
        self._rows = batch_rows(len(self._data), self.recipe.batch_size, [seed])
        self._shares = self._draw(torch.Generator().manual_seed(seed))
        with seeded(self._data.device, seed):
            self._random = torch.get_rng_state()
        self._vertices = Vertices(
            model, shape, self._data, penalty=penalty, layerwise=layerwise, objective=objective
        )
        self._free = Optimizer(
            self._vertices.moving(self._vertices.free),
            self.recipe.optimizer,
            momentum=self.recipe.momentum,
            decay=self.recipe.weight_decay,
        )
        self._losses: list[Tensor] = []
        self._diverged = not len(self._vertices.free)  # nothing to move, nothing to do
        self._inputs = in_precision(self._data.inputs, shape.points[0])
        batch = map_tensors(lambda t: t[: self.recipe.batch_size], self._inputs)
        self._threads = threads_worth(self._vertices.network, batch)
        self._sound = self._vertices.free.clone()  # the free vertices when they were last looked at
        self._fresh = True  # whether the shape is over these

    @property
    def shape(self) -> _Shape:
        """The shape as it is now."""
        if not self._fresh:
            points = self._vertices.points(self._shape.points, self._sound)
            self._shape, self._fresh = self._shape.through(points), True
        return self._shape

    @property
    def steps(self) -> int:
        """Steps taken so far, of `total`."""
        return len(self._losses)

    def __next__(self) -> Fit[_Shape]:
        if not self.advance():
            raise StopIteration
        return self.so_far()

    def advance(self) -> bool:
        """Train for a moment, without making a shape of it; False if the fit is over."""
        if self._diverged or self.steps >= self.total:
            return False
        begin, before = time.perf_counter(), self.steps
        with self._own_randomness(), threads(self._threads):
            while self.steps < min(self.total, before + (self.stride or self.total)):
                self._losses.append(self._step())
                if time.perf_counter() - begin > PACE:
                    break
            self._look(before)
        return True

    def so_far(self) -> Fit[_Shape]:
        """What has been reached."""
        losses = torch.stack(self._losses).cpu() if self._losses else torch.zeros(0)
        complete = not self._diverged and self.steps == self.total
        return Fit(self.shape, losses, self.recipe, self.seed, complete)

    def _step(self) -> Tensor:
        rows = next(self._rows)[0].to(self._targets.device)
        batch = map_tensors(lambda t: t[rows], self._inputs), self._targets[rows]
        loss, slopes = self._vertices.slopes(next(self._shares), *batch)
        rate = self.recipe.lr * factor(self.recipe, self.steps, self.total)
        self._free.step(self._vertices.moving(slopes), rate)
        return loss

    def _draw(self, generator: torch.Generator) -> Iterator[Tensor]:
        """Shares of random points, one row for each layer; many at once, as draws are slow."""
        layers = self._vertices.layers
        while True:
            yield from self._vertices.arrange(self._shape.draw(AHEAD * layers, generator)).split(
                layers
            )

    def _look(self, before: int) -> None:
        """Take the vertices as the new shape, if they are numbers; else stay at the last look."""
        # A sum is enough: it is a number only if all its terms are, and it is quick.
        if torch.stack(self._losses[before:]).sum().add(self._vertices.free.sum()).isfinite():
            self._sound.copy_(self._vertices.free)
            self._fresh = False
            return
        self._diverged, self._losses = True, self._losses[:before]
        warnings.warn(
            f"the fit diverged soon after step {before} of {self.total}: what was reached there is "
            f"kept. Try a lower learning rate than {self.recipe.lr:g}, or a warmup.",
            RuntimeWarning,
            stacklevel=3,
        )

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Dropout draws from this fit's seed; torch's generator is then as before.

        Networks that draw nothing leave the generator alone, so that a fit in a thread does not
        meet what the reader draws meanwhile.
        """
        if not _may_draw(self._vertices.network):
            yield
            return
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._random)
            yield
            self._random = torch.get_rng_state()


def fit(
    model: nn.Module,
    data: Any,
    shape: _Shape,
    recipe: Recipe | None = None,
    *,
    seed: int,
    objective: AnyObjective = None,
    penalty: Penalty | None = None,
    layerwise: bool = False,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Fit[_Shape]:
    """Minimise E[L(Σᵢ cᵢ θᵢ)] over the free vertices of `shape`, with shares c drawn from it.

    The network trains as it always does (dropout draws, BatchNorm normalises by the batch), so
    points of the result have no running statistics: recalibrate them, as a `Landscape` does. The
    coordinates of parameters that are frozen in `model` stay where the shape has them.

    Args:
        model: gives its architecture; it is not changed.
        data: `Data`, or what `Data.of` takes.
        shape: where to begin; its fixed vertices stay.
        recipe: how; by default `Recipe()`.
        seed: draws the batches, the shares and dropout.
        objective: what is minimised, as for a `Landscape`; by default cross-entropy.
        penalty: added to the loss: a function of the vertices' inner products (k, k).
        layerwise: each layer draws shares of its own.
        device: where to compute; by default where the data lie.
        progress: show a bar if it takes longer than a second.

    Returns:
        The fit. If it is interrupted or diverges, with a warning, what was reached so far.

    Raises:
        ValueError: if the vertices are not the model's, or it cannot take the data.

    Source:
        Garipov et al. 2018, arXiv:1802.10026 (curves); Wortsman et al. 2021, arXiv:2102.10472
        (subspaces, layer by layer).
    """
    fitting = Fitting(
        model, data, shape, recipe,
        seed=seed, objective=objective, penalty=penalty, layerwise=layerwise, device=device,
    )  # fmt: skip
    title = f"fitting a {type(shape).__name__.lower()}"
    carry_out(fitting, title, kept="what was reached", progress=progress)
    return fitting.so_far()


def _moved(shape: _Shape, device: torch.device) -> _Shape:
    """The shape on a device and in one precision; where it has both already, itself."""
    points = in_one_precision(shape.points)
    if all(t.device == device for point in points for t in point.values()):
        return shape if points == shape.points else shape.through(points)
    return shape.through(point.move(device) for point in points)


def _may_draw(network: nn.Module) -> bool:
    """Whether a forward pass may draw random numbers: of layers that are not torch's, who knows."""
    return any(
        isinstance(layer, _DropoutNd | nn.RReLU)
        or bool(getattr(layer, "dropout", 0))  # of attention and recurrent layers
        or not type(layer).__module__.startswith("torch.nn")
        for layer in network.modules()
    )
