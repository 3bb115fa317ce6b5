"""Where the weights are in a file that a training script wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from fusionlab.checkpoints.files import CheckpointError
from fusionlab.spaces import few

DEPTH = 2  # keys on the way to the weights that are tried if `key` is not given


class Location(NamedTuple):
    """Tensors by name at a key of a file ('' for its top), among `entries` entries."""

    key: str
    tensors: dict[str, Tensor]
    entries: int

    @property
    def title(self) -> str:
        """The key and the number of tensors there, for messages."""
        return f"{self.key!r} ({len(self.tensors)} tensors)" if self.key else "its top"


def find_places(tree: Any, *, key: str | None, path: Path) -> list[Location]:
    """All places of nested dictionaries that hold tensors by name.

    Args:
        tree: what a file holds.
        key: where to look, keys joined by dots, or what the names begin with; None for all places.
        path: the file, for messages.

    Raises:
        CheckpointError: if there are no tensors by name, or nothing is at `key`.
    """
    places = list(_places(tree, "", DEPTH))
    if key:
        if (at := _descend(tree, key)) is None:
            names = [place.key for place in places if place.key] or _beginnings(places or tree)
            raise CheckpointError(f"Unknown key {key!r} of {path}. Choose {_either(names)}.")
        tree, places = at, list(_places(at, key, DEPTH))
        places = [place for place in places if place.key == key] or places
    if not places:
        where = f" at the key {key!r}" if key else ""
        raise CheckpointError(
            f"{path} holds {_describe(tree)}{where}, not tensors by name. Save model.state_dict(), "
            "or give the key of the weights, such as key='model.state_dict'."
        )
    return places


def likely(places: Sequence[Location]) -> list[Location]:
    """Drop scores, counters and states of random generators, unless there is nothing else."""
    kept = [place for place in places if any(map(_is_weight, place.tensors.values()))] or places
    return [place for place in kept if 2 * len(place.tensors) > place.entries] or list(kept)


def _is_weight(tensor: Tensor) -> bool:
    return tensor.ndim > 0 and (tensor.is_floating_point() or tensor.is_complex())


def _places(tree: Any, key: str, depth: int) -> Iterator[Location]:
    if not isinstance(tree, Mapping):
        return
    named = {name: value for name, value in tree.items() if isinstance(name, str)}
    tensors = {name: t.detach() for name, t in named.items() if isinstance(t, Tensor)}
    if tensors:
        yield Location(key, tensors, len(tree))
    for name, value in named.items() if depth else ():
        yield from _places(value, f"{key}.{name}" if key else name, depth - 1)


def _descend(tree: Any, key: str) -> Any:
    """What is at a key, which may itself contain dots; None if nothing is."""
    if not isinstance(tree, Mapping):
        return None
    if key in tree:
        return tree[key]
    names = [name for name in tree if isinstance(name, str)]
    for name in names:
        if key.startswith(f"{name}.") and (
            found := _descend(tree[name], key.removeprefix(f"{name}."))
        ):
            return found
    below = {n.removeprefix(f"{key}."): tree[n] for n in names if n.startswith(f"{key}.")}
    return below or None


def _beginnings(within: Any) -> list[str]:
    """The beginnings of the names, up to the first dot; or the keys if there are no tensors."""
    if isinstance(within, list):
        within = within[0].tensors
    return list(dict.fromkeys(str(name).split(".")[0] for name in within))


def _either(names: Sequence[str]) -> str:
    if len(names) > 3:
        return few(names)
    return " or ".join([", ".join(map(repr, names[:-1])), repr(names[-1])][len(names) == 1 :])


def _describe(value: Any) -> str:
    """What a value is, in a few words."""
    if isinstance(value, Tensor):
        return f"one tensor of shape {tuple(value.shape)}"
    if not isinstance(value, Mapping):
        return f"a {type(value).__name__}"
    if not value:
        return f"an empty {type(value).__name__}"
    items = [f"{name!r} ({type(each).__name__})" for name, each in list(value.items())[:5]]
    more = f" and {len(value) - 5} more" if len(value) > 5 else ""
    return f"a {type(value).__name__} with {', '.join(items)}{more}"
