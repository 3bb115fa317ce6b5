"""The soup explorer: several networks, a slider each, and what their mixture scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fusionlab.arguments import expect_by_name
from fusionlab.connectivity import Simplex
from fusionlab.landscape import ScoreFunction
from fusionlab.show.explore.controls import slider
from fusionlab.show.explore.core import Control
from fusionlab.show.explore.function import Bars, FunctionExplorer, Values
from fusionlab.show.explore.parts import State
from fusionlab.show.explore.sample_predictions import ask_about
from fusionlab.show.explore.scored import by_name
from fusionlab.show.explore.written import Call
from fusionlab.weights import Weights


class SoupExplorer(FunctionExplorer):
    """Mix networks and see what becomes of the mixture. Made by `explore_soup`.

    Example:
        >>> import torch
        >>> from fusionlab import Weights, show
        >>> from fusionlab.landscape import Score
        >>> points = {n: Weights({"w": torch.tensor([w])}) for n, w in (("a", -1.0), ("b", 3.0))}
        >>> explorer = show.explore_soup(lambda p: Score((p @ p).item(), 1.0), points)
        >>> explorer.set(b=0.0)
        >>> print(explorer.code())
        theta = 1 * points['a'] + 0 * points['b']  # the chosen network
        landscape(theta)  # its loss and accuracy
        show.explore_soup(landscape, points, shares={'a': 1.00, 'b': 0.00})
    """

    def settings(self, s: State) -> dict[str, str]:
        """The shares are one argument."""
        parts = [f"{name!r}: {value:.2f}" for name, value in s.values.items()]
        return {"shares": f"{{{', '.join(parts)}}}"}


def explore_soup(
    landscape: ScoreFunction | Mapping[str, ScoreFunction],
    points: Mapping[str, Weights],
    *,
    samples: Any = None,
    classes: Sequence[str] | None = None,
    shares: Mapping[str, float] | None = None,
) -> SoupExplorer:
    """Mix networks by a slider each; the shares are scaled to sum to 1.

    Args:
        landscape: θ ↦ Score; or several by name, such as {"train": …, "test": …}.
        points: the networks, by name.
        samples: a few inputs with labels, about which the mixture is asked.
        classes: names of the classes.
        shares: by name, where the sliders begin, from 0 to 1; else at 1.
    """
    given, landscapes = dict(locals()), by_name(landscape)
    expect_by_name("point", points, "points")
    simplex, names = Simplex(tuple(points.values())), list(points)
    alone = {name: tuple(float(name == other) for other in names) for name in names}

    def written(s: State) -> str:
        parts = zip(mixed(s), names, strict=True)
        return " + ".join(f"{share:g} * points[{name!r}]" for share, name in parts)

    bars = Bars(landscapes, simplex, others=alone, chosen=mixed, name="the soup")
    asked = ask_about(
        landscapes, samples, classes,
        chosen=mixed, theta=simplex, title=lambda s: "What the soup says",
    )  # fmt: skip
    controls = {
        name: Control(slider(f"share of {name}"), (shares or {}).get(name, 1.0)) for name in names
    }
    call = Call(explore_soup, given)
    return SoupExplorer(controls, [bars, *asked], call, written=written)


def mixed(s: State) -> Values:
    """The shares, scaled to sum to 1; equal ones where all sliders are at 0."""
    values = list(s.values.values())
    total = sum(values)
    return tuple(round(v / total, 6) if total else 1 / len(values) for v in values)
