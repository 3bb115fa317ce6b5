"""Layer by layer: the loss while one layer, or one group of layers, moves from a to b."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from operator import or_

from fusionlab.connectivity.paths import Line
from fusionlab.connectivity.profiles import Profile, profile
from fusionlab.coordinates import in_one_precision
from fusionlab.scores import ScoreFunction
from fusionlab.weights import Weights

Groups = Mapping[str, Sequence[str]]


def layers(theta: Weights) -> dict[str, tuple[str, ...]]:
    """The tensors of each layer, by its module's name, in the order of θ."""
    found: dict[str, tuple[str, ...]] = {}
    for name in theta:
        layer = _owner(name)
        found[layer] = (*found.get(layer, ()), name)
    return found


def layerwise_profiles(
    landscape: ScoreFunction,
    a: Weights,
    b: Weights,
    *,
    groups: Groups | None = None,
    cumulative: bool = False,
    points: int = 25,
) -> dict[str, Profile]:
    """Profiles along which one group of layers moves from a to b and the rest stays at a.

    Their far end is a network of its own: a with one group of b. So the barrier over the chord
    tells whether the group itself is in the way, and the loss at t = 1 whether b's fits into a.

    Args:
        landscape: θ ↦ Score.
        a: where all layers are at t = 0.
        b: where those that move are at t = 1.
        groups: names of modules, or of tensors, by the name of their group; a module's name
            means all inside it. By default each layer is a group.
        cumulative: move each group together with all groups before it.
        points: of each profile.

    Raises:
        ValueError: if a name is in neither network.

    Source:
        Adilova et al. 2024, arXiv:2307.06966: single layers and groups of them have no barrier.
    """
    a, b = in_one_precision((a, b))
    chosen = {name: _tensors(a, names) for name, names in (groups or layers(a)).items()}
    if cumulative:
        chosen = dict(zip(chosen, accumulate(chosen.values(), or_), strict=True))
    return {
        name: profile(landscape, Line(a, _graft(a, b, moving)), points=points)
        for name, moving in chosen.items()
    }


def _tensors(theta: Weights, names: Sequence[str]) -> set[str]:
    """The tensors that are named, or lie inside a module that is named."""
    if isinstance(names, str):
        names = [names]
    inside = {name: {t for t in theta if _is_inside(t, name)} for name in names}
    if unknown := [name for name, tensors in inside.items() if not tensors]:
        raise ValueError(
            f"no layer is called {unknown[0]!r}, so nothing would move. "
            f"The layers are {', '.join(layers(theta))}."
        )
    return set().union(*inside.values())


def _graft(a: Weights, b: Weights, moving: Collection[str]) -> Weights:
    """The point a with these tensors of b, and with what b's layers have measured."""
    modules = {_owner(name) for name in moving}
    measured = {name: t for name, t in b.buffers.items() if _owner(name) in modules}
    tensors = {name: b[name] if name in moving else t for name, t in a.items()}
    return Weights(tensors, {**a.buffers, **measured})


def _owner(tensor: str) -> str:
    """The module that a tensor belongs to; one without a module is its own."""
    return tensor.rpartition(".")[0] or tensor


def _is_inside(tensor: str, name: str) -> bool:
    return tensor == name or tensor.startswith(f"{name}.")
