"""What a number is: its name, its unit, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

_Number = TypeVar("_Number", float, Tensor)


@dataclass(frozen=True)
class Quantity:
    """A measured quantity.

    Args:
        name: as it is written in titles and captions.
        unit: as it is written beside an axis; "" where there is none.
        share: whether it lies in [0, 1] and is written in per cent.
        higher_is_better: whether more of it is better.

    Example:
        >>> from fusionlab.quantities import Quantity
        >>> Quantity("loss", "nats").axis
        'loss (nats)'
        >>> Quantity("accuracy", share=True).write(0.875)
        '87.5 %'
    """

    name: str
    unit: str = ""
    share: bool = False
    higher_is_better: bool = False

    @property
    def axis(self) -> str:
        """The title of an axis."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def write(self, value: float) -> str:
        """A value as a reader would write it."""
        if self.share:
            return f"{100 * value:.1f} %"
        return f"{float(f'{value:.3g}'):g} {self.unit}".rstrip()  # 2900 rather than 2.9e+03


@dataclass(frozen=True)
class Measures:
    """What is measured at a point: the loss, and one quality beside it, if there is one.

    Example:
        >>> from fusionlab.quantities import CLASSIFIED
        >>> CLASSIFIED.names
        ('loss', 'error', 'accuracy')
    """

    loss: Quantity
    quality: Quantity | None

    @property
    def names(self) -> tuple[str, ...]:
        """What can be shown: the loss, the quality, and the error that a share leaves."""
        if self.quality is None:
            return ("loss",)
        return ("loss", "error", self.quality.name) if self._has_error else (
            "loss", self.quality.name
        )  # fmt: skip

    def quantity(self, name: str) -> Quantity:
        """The quantity of this name, one of `names`.

        Raises:
            ValueError: if nothing of this name is measured.
        """
        if name == "loss":
            return self.loss
        if self.quality is not None and name == self.quality.name:
            return self.quality
        if name == "error" and self._has_error:
            return Quantity("error", share=True)
        known = " or ".join(map(repr, self.names))
        raise ValueError(f"Unknown quantity {name!r}. Choose {known}.")

    @property
    def _has_error(self) -> bool:
        return self.quality is not None and self.quality.share and self.quality.higher_is_better


ACCURACY = Quantity("accuracy", share=True, higher_is_better=True)
CLASSIFIED = Measures(Quantity("loss", "nats"), ACCURACY)


class Measured:
    """Numbers of several points: `loss` and `quality`, tensors of one shape, as `measures` says."""

    loss: Tensor
    quality: Tensor
    measures: Measures

    @property
    def accuracy(self) -> Tensor:
        """The share of right answers.

        Raises:
            ValueError: if the quality is another one.
        """
        return accuracy(self.quality, self.measures)

    @property
    def error(self) -> Tensor:
        """The share of wrong answers."""
        return 1 - self.accuracy

    def values(self, name: str) -> Tensor:
        """The numbers of the quantity `name`, one of `measures.names`."""
        self.measures.quantity(name)
        if name == "loss":
            return self.loss
        own = self.measures.quality
        return self.quality if own is not None and own.name == name else 1 - self.quality


def accuracy(quality: _Number, measures: Measures) -> _Number:
    """The quality, if it is a share of right answers.

    Raises:
        ValueError: if it is not.
    """
    if "error" in measures.names:
        return quality
    there = (
        f"its quality is {measures.quality.name!r}" if measures.quality else "it has only a loss"
    )
    raise ValueError(f"this score has no accuracy: {there}. Read `quality` instead.")
