"""Linear feature connectivity: whether a merged network has the merged features of its ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from fusionlab.landscape import Landscape
from fusionlab.objectives import AnyObjective
from fusionlab.outputs import logits_of
from fusionlab.weights import Weights, lerp

ROWS = 500  # examples whose features are held at once


@dataclass(frozen=True, eq=False)
class FeatureConnectivity:
    """How the features f of (1 − t) a + t b compare with the mixture (1 − t) f(a) + t f(b).

    Means over the examples, one number per layer, each of shape (layers,), float64. With the merged
    features m and the mixture x: `cosine` is that of m and x, `factor` is the c that brings c x
    closest to m, and `ends` is the cosine of f(a) and f(b) themselves, without any merging. An
    example whose features are all 0 counts as 0.

    Example:
        >>> import torch
        >>> from fusionlab.connectivity import feature_connectivity
        >>> from fusionlab.lab import initial, mlp
        >>> model = mlp(2, 4, 2)
        >>> a, b = (initial(model, seed=seed) for seed in (0, 1))
        >>> found = feature_connectivity(model, a, b, (torch.ones(2, 2), torch.tensor([0, 1])))
        >>> found.layers, round(found.cosine[0].item(), 4)  # the first is linear
        (('1', '3'), 1.0)
    """

    layers: tuple[str, ...]
    cosine: Tensor
    factor: Tensor
    ends: Tensor


@torch.no_grad()
def feature_connectivity(
    model: nn.Module,
    a: Weights,
    b: Weights,
    data: Any,
    objective: AnyObjective = None,
    *,
    t: float = 0.5,
    layers: Sequence[str] | None = None,
    calibration: Any = None,
) -> FeatureConnectivity:
    """Compare features of the merged network with merged features, layer by layer.

    Args:
        model: gives its architecture.
        a: the network at t = 0.
        b: the network at t = 1.
        data: the examples.
        objective: as for a `Landscape`, where the network does not classify.
        t: where on the line to merge.
        layers: names of modules whose outputs are compared. By default those that have parameters,
            in the order in which they run; the outputs of the first of these are linear in its
            weights, so they always agree. Activations can be named, too.
        calibration: what BatchNorm's statistics are measured on, at all three networks; `data`
            without it.

    Raises:
        ValueError: if the network has no layer of a given name.

    Source:
        Zhou et al. 2023, arXiv:2307.08286: f((1 − t) a + t b) ∝ (1 − t) f(a) + t f(b).
    """
    landscape = Landscape(model, data, objective, calibration=calibration)
    points = [landscape.at(theta) for theta in (a, b, lerp(a, b, t))]
    names = tuple(layers or landscape.layers(points[0]))
    _check(names, model)
    total, count = torch.zeros(3, len(names), dtype=torch.double), 0
    for part in landscape.data.parts(ROWS):
        given = [landscape.features(point, names, part.inputs) for point in points]
        features = [list(map(logits_of, each)) for each in given]  # of an LSTM its outputs
        rows = [_compare(fa, fb, merged, t) for fa, fb, merged in zip(*features, strict=True)]
        total, count = total + torch.stack(rows, 1).cpu(), count + len(part)
    return FeatureConnectivity(names, *total / count)


def _compare(a: Tensor, b: Tensor, merged: Tensor, t: float) -> Tensor:
    """Cosine, factor and cosine of the ends, summed over the examples; shape (3,)."""
    a, b, merged = (f.double().flatten(1) for f in (a, b, merged))
    mixture = (1 - t) * a + t * b
    cosine = cosine_similarity(merged, mixture)
    factor = (merged * mixture).sum(1) / (mixture**2).sum(1).clamp_min(1e-300)
    return torch.stack([cosine.sum(), factor.sum(), cosine_similarity(a, b).sum()])


def _check(names: Sequence[str], model: nn.Module) -> None:
    known = dict(model.named_modules())
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            f"no layer is called {unknown[0]!r}, so it has no features. "
            f"The layers are {', '.join(filter(None, known))}."
        )
