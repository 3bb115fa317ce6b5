"""The loss as a function on weight space: θ ↦ L(θ)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn

from fusionlab.combinations import Combinations
from fusionlab.data import Data
from fusionlab.landscape.basis import Basis
from fusionlab.landscape.examination import FEW, Examined, examine, light
from fusionlab.landscape.hessians import Hessian
from fusionlab.landscape.jobs import Job
from fusionlab.landscape.plans import Plan
from fusionlab.landscape.precision import wide, working
from fusionlab.landscape.slopes import PRODUCT_FLOPS, Slopes
from fusionlab.landscape.statistics import measure
from fusionlab.objectives import AnyObjective, Objective, objective_of
from fusionlab.outputs import Inputs, explained, in_precision, map_tensors
from fusionlab.quantities import Measures
from fusionlab.scores import Score, Scores
from fusionlab.spaces import check_same_space, check_statistics
from fusionlab.streams import Stream, source_of
from fusionlab.weights import Weights

Policy = Literal["recalibrate", "interpolate", "fixed"]
POLICIES = ("recalibrate", "interpolate", "fixed")
TRIED = 16  # rows on which outputs and targets are seen to fit
MET = 1024  # targets that these rows' outputs meet


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
    ) -> None:
        if batch_norm not in POLICIES:
            known = "'recalibrate', 'interpolate' or 'fixed'"
            raise ValueError(f"Unknown batch_norm {batch_norm!r}. Choose {known}.")
        if not isinstance(model, nn.Module):
            raise TypeError(f"expected a module as the model, got a {type(model).__name__}.")
        self.model, self.data, self.batch_norm = model, source_of(data), batch_norm
        self.calibration = self.data if calibration is None else source_of(calibration)
        self.precision = precision
        self._given = objective_of(objective)
        self._job: Job | None = None
        self._plan: Plan | None = None

    def __call__(self, theta: Weights) -> Score:
        """Score one point."""
        return next(iter(self.scores([theta])))

    def scores(self, points: Sequence[Weights]) -> Scores:
        """Score many points of one space; `Combinations` of a few points are the fast case."""
        network = self._work.network
        if not isinstance(points, Combinations):
            if len(points) > 1 and self.batch_norm == "fixed" and network.measured:
                each = [self.scores([theta]) for theta in points]  # each has statistics of its own
                loss, quality = (torch.cat([getattr(s, n) for s in each]) for n in _NUMBERS)
                return Scores(loss, quality, self.measures)
            points = Combinations(points, torch.eye(len(points)))
        if not len(points):
            return Scores(torch.empty(0), torch.empty(0), self.measures)
        with self._work.examined.same_draws():
            plan = self._planned(points.points)
        sums = plan.totals(points.coefficients.to(self.device))
        loss, quality = sums[::2] / sums[1::2]
        return Scores(loss, quality, self.measures)

    @torch.no_grad()
    def logits(self, theta: Weights, inputs: Inputs) -> Any:
        """Outputs of the network at θ, of a classifier (n, classes); statistics by the policy."""
        tensors = self._placed(self.at(theta))
        inputs = map_tensors(lambda t: t.to(self.device), inputs)
        with explained(inputs), self._work.examined.same_draws():
            return self._work.network(tensors, in_precision(inputs, tensors))

    @torch.no_grad()
    def features(self, theta: Weights, layers: Sequence[str], inputs: Inputs) -> list[Any]:
        """What the layers of these names give at θ; statistics as θ has them."""
        tensors = self._placed(theta)
        inputs = map_tensors(lambda t: t.to(self.device), inputs)
        with self._work.examined.same_draws():
            return self._work.network.outputs_of(layers, tensors, in_precision(inputs, tensors))

    @torch.no_grad()
    def layers(self, theta: Weights) -> list[str]:
        """Names of the layers with weights of their own, in the order in which they run at θ."""
        tensors = self._placed(theta)
        few = in_precision(self._work.few, tensors)
        with self._work.examined.same_draws():
            return list(dict.fromkeys(self._work.network.order(tensors, few)))

    def probabilities(self, theta: Weights, inputs: Inputs) -> Tensor:
        """Class probabilities of the network at θ, shape (n, classes).

        Raises:
            ValueError: if the objective does not classify.
        """
        return self.objective.probabilities(self.logits(theta, inputs))

    def at(self, theta: Weights) -> Weights:
        """θ with the statistics that this landscape's policy gives it."""
        job = self._work
        check_same_space(theta, job.network.parameters)
        if job.calibration is not None:
            parts = job.calibration.parts(job.batching.rows)
            with job.examined.same_draws():
                measured = measure(job.network, self._placed(theta), (d.inputs for d in parts))
            return Weights(theta, {**theta.buffers, **measured})
        check_statistics(job.network.module, theta.buffers)
        return theta

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
        own = self.calibration is self.data
        smaller = Landscape(
            self.model,
            self.data.sample(n, seed=seed),
            self._given,
            batch_norm=self.batch_norm,
            calibration=None if own else self.calibration.sample(n, seed=seed),
            precision=self.precision,
        )
        # One copy of a large network, and of the points to combine, is enough.
        smaller._job = smaller._with(self._work.examined, self._work.objective)
        smaller._bases = self._bases
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

    @property
    def _work(self) -> Job:
        """The network as a function, seen to fit the data: found out at the first call."""
        if self._job is None:
            examined = examine(
                self.model,
                self.data.first(FEW).inputs,
                device=self.device,
                select=self._given.select,
            )
            self._job = self._with(examined, _fitted(self._given, examined, self.data))
        return self._job

    def _with(self, examined: Examined, objective: Objective) -> Job:
        measured = self.batch_norm == "recalibrate" and bool(examined.network.measured)
        if measured:
            examined.check_measurable()
        return Job(examined, self.data, objective, self.calibration if measured else None)

    @cached_property
    def _slopes(self) -> Slopes:
        job = self._work
        small = job.cost.flops * job.rows < PRODUCT_FLOPS
        together = job.batching.stack if small or self.device.type != "cpu" else 1
        return Slopes(
            job.network, self.data, job.objective,
            together=together, by_row=job.examined.by_row, draws=job.examined.same_draws,
        )  # fmt: skip

    @cached_property
    def _bases(self) -> list[Basis]:
        """The last one of this landscape and its samples."""
        return []

    def _planned(self, points: tuple[Weights, ...]) -> Plan:
        """The plan for these points; that of the last call is kept."""
        if self._plan is None or not self._plan.basis.is_of(points):
            check_same_space(points[0], self._work.network.parameters)
            known = [basis for basis in self._bases if basis.is_of(points)]
            basis = known[0] if known else self._basis_of(points)
            self._bases[:] = [basis]
            self._plan = Plan(self._work, basis)
        return self._plan

    def _basis_of(self, points: tuple[Weights, ...]) -> Basis:
        network = self._work.network
        mixed, kept = self._statistics(points)
        return Basis(
            points, network.constants,
            mixed=mixed, kept=kept, device=self.device, precision=self.precision,
        )  # fmt: skip

    def _statistics(self, points: tuple[Weights, ...]) -> tuple[list[str], list[str]]:
        """Names of BatchNorm's statistics that are mixed as coordinates are, and of those kept."""
        network = self._work.network
        if self._work.calibration is not None or not network.measured:
            return [], []
        for point in points[:1] if self.batch_norm == "fixed" else points:
            check_statistics(network.module, point.buffers)
        names = sorted(network.measured)
        if self.batch_norm == "fixed":
            return [], names
        counters = [name for name in names if not points[0].buffers[name].is_floating_point()]
        return [name for name in names if name not in counters], counters

    def _placed(self, theta: Weights) -> dict[str, Tensor]:
        """θ's tensors and buffers on the device, in the precision in which it is scored."""
        precision = self.precision or working(theta)
        tensors = {**theta, **theta.buffers}
        return {n: wide(t.to(self.device), precision).clone() for n, t in tensors.items()}


_NUMBERS = ("loss", "quality")


@torch.no_grad()
def _fitted(objective: Objective, examined: Examined, data: Data | Stream) -> Objective:
    """The objective, seen to fit what the network gives for a few rows of the data."""
    seen = data if isinstance(data, Data) else data.first(MET)
    rows = seen.varied(TRIED)
    network = examined.network
    with explained(rows.inputs), examined.same_draws(), light(network.parameters):
        outputs = network({}, in_precision(rows.inputs, network.parameters))
    # A loss whose mean is none shows it at rare targets, so many meet the few outputs.
    targets = seen.varied(MET).targets
    again = torch.arange(len(targets), device=targets.device) % len(rows)
    tiled = map_tensors(lambda t: t[again] if t.ndim and len(t) == len(rows) else t, outputs)
    return objective.checked(tiled, targets)
