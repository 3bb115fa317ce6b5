"""What an argument is, where another thing is expected: said at the call, in the reader's terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import nn

from fusionlab.weights import Weights

Kind = Literal["landscape", "path", "plane", "simplex", "point", "surface", "profile"]

_GIVE: dict[Kind, str] = {
    "landscape": "Give Landscape(model, data); it comes first.",
    "path": "Give Line(a, b), a curve, or a function of t.",
    "plane": "Give Plane.through(a, b, c).",
    "simplex": "Give Simplex((a, b, c)).",
    "point": "Give Weights; of a model, these are Weights.of(model).",
    "surface": "Give survey(landscape, plane, x, y).",
    "profile": "Give profile(landscape, path), or several by name.",
}
_WORDS: dict[type, str] = {
    nn.Module: "a network",
    type: "a class",
    str: "a text",
    Weights: "a point of weight space",
    Mapping: "a mapping",
    Sequence: "a sequence",
}
# What only a thing of this kind has; a landscape or a path may also be any function.
_SIGNS: dict[Kind, tuple[str, ...]] = {
    "landscape": ("scores",),
    "plane": ("grid",),
    "surface": ("exact", "loss"),
    "profile": ("barrier", "loss"),
    "simplex": ("centre", "draw"),
    "path": ("at", "__call__"),
}


def expect(kind: Kind, given: Any, name: str = "") -> None:
    """Raise a TypeError that says what was found, unless `given` is of this kind.

    Args:
        kind: what is expected.
        given: the argument.
        name: of the argument, where the kind does not tell it.
    """
    found = _kind_of(given)
    if found != kind and not (found == "function" and kind in ("landscape", "path")):
        where = f"{name}: " if name else ""
        raise TypeError(f"{where}expected a {kind}, got {_words(given, found)}. {_GIVE[kind]}")


def expect_by_name(kind: Kind, given: Any, name: str) -> None:
    """Raise a TypeError unless `given` holds things of this kind by their names."""
    if not isinstance(given, Mapping) or isinstance(given, Weights):
        raise TypeError(
            f"{name}: expected {kind}s by name, got {_words(given, _kind_of(given))}. Give a "
            f'mapping with a name for each, such as {{"a": …, "b": …}}.'
        )
    for key, one in given.items():
        expect(kind, one, f"{name}[{key!r}]")


def expect_sequence(given: Any, name: str, example: str) -> None:
    """Raise a TypeError unless `given` holds several things in order; a text is one thing."""
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise TypeError(f"{name}={given!r} is not a sequence. Give one, such as {example}.")


def _kind_of(given: Any) -> str:
    """The kind of a thing, "function" for what can be called and is none, else ""."""
    if isinstance(given, Weights):
        return "point"
    if isinstance(given, nn.Module | type):
        return ""
    has = (k for k, signs in _SIGNS.items() if all(hasattr(given, sign) for sign in signs))
    return next(has, "function" if callable(given) else "")


def _words(given: Any, kind: str) -> str:
    """What a thing is."""
    if given is None:
        return "nothing (None)"
    named = getattr(given, "__name__", type(given).__name__)
    known = (words for each, words in _WORDS.items() if isinstance(given, each))
    words = next(known, f"a {kind}" if kind else "an object")
    return f"{words} ({named})"
