"""What a network says about a few samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from fusionlab.data import Data
from fusionlab.landscape import Field, measures_of
from fusionlab.show.figures.samples import Samples, class_numbers
from fusionlab.weights import Weights


class SamplePredictions:
    """Asks a landscape's network about a handful of samples.

    Args:
        landscape: has `probabilities(theta, inputs)`.
        samples: all of them are shown.
    """

    def __init__(self, landscape: Any, samples: Samples) -> None:
        self._landscape, self.samples, self._inputs = landscape, samples, samples.inputs

    def __call__(self, theta: Weights) -> Tensor:
        """Class probabilities of the network at θ, shape (n, classes)."""
        probabilities: Tensor = self._landscape.probabilities(theta, self._inputs)
        return probabilities.detach().cpu()


def ask_about(
    landscapes: Mapping[str, Field],
    data: Any,
    classes: Sequence[str] | None,
    *,
    columns: int = 4,
) -> tuple[SamplePredictions | None, str]:
    """Who is asked about the samples, if there are any; and, where that is no one, why.

    Raises:
        TypeError: if the landscape is a function that gives no predictions.
    """
    if data is None:
        return None, ""
    landscape = next(iter(landscapes.values()))
    if not getattr(getattr(landscape, "objective", None), "classifies", True):
        quality = measures_of(landscape).quality
        told = quality.name if quality else "only a loss"
        return (
            None,
            f"Predictions of samples are drawn for classifiers; this landscape measures {told}.",
        )
    if not hasattr(landscape, "probabilities"):
        raise TypeError(
            f"{type(landscape).__name__} gives scores but no predictions, so samples cannot be "
            "shown: pass a Landscape, or leave out samples=."
        )
    data = Data.of(data)
    if not isinstance(data.inputs, Tensor):
        return (
            None,
            "Predictions of samples are drawn for inputs of one tensor; these have several.",
        )
    labels = class_numbers(data.targets)
    known = labels >= 0
    if not known.any():
        return None, "Predictions of samples are drawn where their labels are known; here none is."
    samples = Samples(data.inputs[known], labels[known], classes=classes, columns=columns)
    return SamplePredictions(landscape, samples), ""
