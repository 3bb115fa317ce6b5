"""What explorers of paths share: one slider, the position t."""

from __future__ import annotations

from typing import Any

from fusionlab.connectivity import Profile
from fusionlab.show.explore.along import STEPS, Along
from fusionlab.show.explore.core import Explorer
from fusionlab.show.explore.parts import State


class SlidingExplorer(Explorer):
    """Slide along paths; `along` is the part that shows what is measured on them."""

    along: Along
    frames: int  # positions of the slider that works without a kernel
    hint = ""  # what to do about a t that is off the slider

    @property
    def slider(self) -> Any:
        """The control of t."""
        return self.controls["t"].widget

    @property
    def t(self) -> float:
        """The position; 0 is the first network, 1 the second."""
        return float(self.slider.value)

    @t.setter
    def t(self, value: float) -> None:
        low, high = self.slider.min, self.slider.max
        if not low <= value <= high:
            raise ValueError(
                f"t = {value:g} is off the slider, which goes from {low:g} to {high:g}: choose a t "
                f"there{self.hint}."
            )
        self.slider.value = value

    @property
    def profiles(self) -> dict[str, Profile]:
        """What is known along each curve so far."""
        return self.along.profiles(self.state)

    def sweep(self, s: State) -> dict[str, Any]:
        """From one end to the other."""
        places = [round(i * STEPS / (self.frames - 1)) / STEPS for i in range(self.frames)]
        frames = {f"{t:.2f}": self.picture.change(s.but(t=t)) for t in places}
        return {"frames": frames, "label": "position t", "start": self.frames // 2}
