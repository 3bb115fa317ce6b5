"""The loss as a function on weight space: θ ↦ L(θ)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property
from typing import Any, get_args

import torch
from torch import Tensor, nn

from fusionlab.combinations import Combinations
from fusionlab.data import Data
from fusionlab.landscape.bases import basis_of
from fusionlab.landscape.basis import Basis
from fusionlab.landscape.hessians import Hessian
from fusionlab.landscape.jobs import Job, Policy, job_of
from fusionlab.landscape.plans import Plan
from fusionlab.landscape.point_outputs import (
    features_at,
    layers_at,
    outputs_at,
    with_statistics,
)
from fusionlab.landscape.short_cuts import planned
from fusionlab.landscape.slopes import PRODUCT_FLOPS, Slopes
from fusionlab.objectives import AnyObjective, Objective, objective_of
from fusionlab.outputs import Inputs
from fusionlab.quantities import Measures
from fusionlab.scores import Score, Scores
from fusionlab.streams import Stream, source_of
from fusionlab.weights import Weights


class Landscape:
    """A model and data, seen as a function of the weights: `landscape(theta)` is a `Score`.

    The model gives only its architecture; it is never changed. Many points are one call:
    `landscape.scores(points)` is the fast path. What defines every answer is the plain path,
    `theta.to(model)` in evaluation mode; what is faster is compared with it on a few rows.

    Args:
        model: any network.
        data: what the loss is measured on: `Data`, what `Data.of` takes, or a `Stream`. The
            computation runs on its device.
        objective: what is measured: an `Objective`, its name, or a function
            loss(outputs, targets) ↦ mean loss. By default the cross-entropy of class scores.
        batch_norm: where BatchNorm's statistics at a point come from. `"recalibrate"` measures
            them there, on `calibration`; `"interpolate"` mixes those of the points that are
            combined; `"fixed"` takes those of the point, or of the first point combined.
            Those of a stream are measured batch by batch.
        calibration: the data to recalibrate on, usually the training data; `data` without it.
        precision: in which points are scored; by default their own, and float32 for points of
            half precision.
        device: where the data are moved to and the computation runs, such as "cuda"; by default
            they stay where they are.

    Example:
        >>> from fusionlab.lab import initial, mlp, two_moons
        >>> from fusionlab.landscape import Landscape
        >>> model = mlp(2, 8, 2)
        >>> landscape = Landscape(model, two_moons(n=100).test)
        >>> landscape(0 * initial(model, seed=0))  # all weights 0: it guesses, and log 2 = 0.693
        loss 0.693 nats, accuracy 50.0 %
    """

    def __init__(
        self,
        model: nn.Module,
        data: Any,
        objective: AnyObjective = None,
        *,
        batch_norm: Policy = "recalibrate",
        calibration: Any = None,
        precision: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        _check(model, batch_norm)
        self.model, self.data, self.batch_norm = model, _placed(data, device), batch_norm
        self.calibration = self.data if calibration is None else _placed(calibration, device)
        self.precision, self._given = precision, objective_of(objective)
        self._bases: list[Basis] = []  # the last one of this landscape and its samples
        self._plan: Plan | None = None

    def __call__(self, theta: Weights) -> Score:
        """Score one point."""
        return next(iter(self.scores([theta])))

    def scores(self, points: Sequence[Weights]) -> Scores:
        """Score many points of one space; `Combinations` of a few points are the fast case."""
        if not isinstance(points, Combinations):
            if len(points) > 1 and self._work.fixes_statistics:  # then each has its own
                return _joined([self.scores([theta]) for theta in points])
            points = Combinations(points, torch.eye(len(points)))
        if not len(points):
            return Scores(torch.empty(0), torch.empty(0), self.measures)
        with self._work.examined.same_draws():
            plan = self._planned(points.points)
        sums = plan.totals(points.coefficients.to(self.device))
        loss, quality = sums[::2] / sums[1::2]
        return Scores(loss, quality, self.measures)

    def logits(self, theta: Weights, inputs: Inputs) -> Any:
        """Outputs of the network at θ, of a classifier (n, classes); statistics by the policy."""
        return outputs_at(self._work, theta, inputs)

    def features(self, theta: Weights, layers: Sequence[str], inputs: Inputs) -> list[Any]:
        """What the layers of these names give at θ; statistics as θ has them."""
        return features_at(self._work, theta, layers, inputs)

    def layers(self, theta: Weights) -> list[str]:
        """Names of the layers with weights of their own, in the order in which they run at θ."""
        return layers_at(self._work, theta)

    def probabilities(self, theta: Weights, inputs: Inputs) -> Tensor:
        """Class probabilities of the network at θ, shape (n, classes).

        Raises:
            ValueError: if the objective does not classify.
        """
        return self.objective.probabilities(self.logits(theta, inputs))

    def at(self, theta: Weights) -> Weights:
        """θ with the statistics that this landscape's policy gives it."""
        return with_statistics(self._work, theta)

    def slope(self, theta: Weights) -> tuple[Score, Weights]:
        """The score at θ and the gradient of the loss there.

        Where BatchNorm is recalibrated on `data` itself and one graph can hold them all, the
        gradient goes through its statistics; else those that it has at θ are held.
        """
        through = self._work.one_batch and self._slopes.whole
        slope = self._slopes.at(theta if through else self.at(theta), by_batch=through)
        return Score(slope.loss, slope.quality, self.measures), slope.gradient

    def hessian(self, theta: Weights) -> Hessian:
        """The Hessian of the loss at θ, a linear map; BatchNorm's statistics are held."""
        return self._slopes.hessian(self.at(theta))

    def sample(self, n: int, *, seed: int = 0) -> Landscape:
        """The landscape over `n` rows, each class by its share; so for the calibration data."""
        smaller, own = copy(self), self.calibration is self.data
        vars(smaller).pop("_slopes", None)
        smaller.data = self.data.sample(n, seed=seed)
        smaller.calibration = smaller.data if own else self.calibration.sample(n, seed=seed)
        # One copy of a large network, and of the points to combine, is enough.
        smaller._work = self._work.on(smaller.data, smaller.calibration)
        smaller._plan = None
        return smaller

    @property
    def objective(self) -> Objective:
        """What is measured."""
        return self._work.objective

    @property
    def measures(self) -> Measures:
        """What the loss and the quality of its scores are."""
        return self._work.objective.measures

    @property
    def device(self) -> torch.device:
        """Where the data lie, so where the landscape is computed."""
        return self.data.device

    @cached_property
    def _work(self) -> Job:
        """The network as a function, seen to fit the data: found out at the first call."""
        return job_of(
            self.model, self.data, self._given,
            calibration=self.calibration, batch_norm=self.batch_norm, precision=self.precision,
        )  # fmt: skip

    @cached_property
    def _slopes(self) -> Slopes:
        return _slopes_of(self._work)

    def _planned(self, points: tuple[Weights, ...]) -> Plan:
        """The plan for these points; that of the last call is kept."""
        plan = self._plan
        if plan is None or not plan.basis.is_of(points):
            known = (basis for basis in self._bases if basis.is_of(points))
            basis = next(known, None) or basis_of(self._work, points)
            self._bases[:] = [basis]
            self._plan = plan = planned(self._work, basis)
        return plan


def _check(model: nn.Module, batch_norm: str) -> None:
    if batch_norm not in get_args(Policy):
        known = "'recalibrate', 'interpolate' or 'fixed'"
        raise ValueError(f"Unknown batch_norm {batch_norm!r}. Choose {known}.")
    if not isinstance(model, nn.Module):
        raise TypeError(f"expected a module as the model, got a {type(model).__name__}.")


def _placed(given: Any, device: torch.device | str | None) -> Data | Stream:
    """The reader's data, on the device that they ask for."""
    source = source_of(given)
    return source if device is None else source.move(device)


def _joined(scores: Sequence[Scores]) -> Scores:
    loss, quality = (torch.cat([getattr(s, name) for s in scores]) for name in ("loss", "quality"))
    return Scores(loss, quality, scores[0].measures)


def _slopes_of(job: Job) -> Slopes:
    small = job.cost.flops * job.rows < PRODUCT_FLOPS
    together = job.batching.stack if small or job.device.type != "cpu" else 1
    return Slopes(
        job.network, job.data, job.objective,
        together=together, by_row=job.examined.by_row, draws=job.examined.same_draws,
    )  # fmt: skip
