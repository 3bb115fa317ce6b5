"""What notebook 90, explore your own, asks of its reader."""

from __future__ import annotations

from collections.abc import Callable

import torch

from fusionlab.landscape import Surface
from fusionlab.teach.checks import Exercise, Property, Wrong
from fusionlab.teach.quizzes import Question

Lowest = Callable[[Surface], tuple[float, float]]
Share = Callable[[Surface, float], float]


def bowl(*, hole: bool = False) -> Surface:
    """A grid that is wider than high, lowest at (2, -1), with 1 nat there; new at every call."""
    x, y = torch.linspace(0, 3, 7).double(), torch.linspace(-1, 1, 5).double()
    loss = 1 + (x[None, :] - 2) ** 2 + 3 * (y[:, None] + 1) ** 2
    if hole:
        loss[-1] = torch.nan
    return Surface(x, y, loss, 1 / loss, torch.ones_like(loss, dtype=torch.bool))


def _is_at(lowest: Lowest, x: float, y: float) -> bool:
    found = lowest(bowl())
    return abs(float(found[0]) - x) < 1e-6 and abs(float(found[1]) - y) < 1e-6


LOWEST = Exercise(
    key="90.1",
    properties=(
        Property(
            lambda f: len(f(bowl())) == 2,
            "`lowest` must give two numbers, x and y.",
        ),
        Property(
            lambda f: not _is_at(f, 0, 4) and not _is_at(f, 4, 0),
            "You give the number of the row and of the column. The coordinates are what "
            "`surface.y` and `surface.x` hold at these numbers.",
        ),
        Property(
            lambda f: not _is_at(f, -1, 2),
            "You give y first. A place is (x, y), and the rows of `loss` run along y.",
        ),
        Property(
            lambda f: not _is_at(f, 0, 1),
            "That is where the loss is highest.",
        ),
        Property(
            lambda f: _is_at(f, 2, -1),
            "That is not the place of the lowest loss. `loss[i, j]` stands at (x[j], y[i]), and a "
            "row has as many values as x.",
        ),
        Property(
            lambda f: tuple(map(float, f(bowl(hole=True)))) == (2.0, -1.0),
            "Where the loss overflows the map has a hole (NaN), and your place falls into it. Take "
            "holes for infinitely high: `loss.nan_to_num(nan=float('inf'))`.",
        ),
    ),
    wrong=(
        Wrong(lambda s: float(s.loss.min()), "two numbers"),
        Wrong(lambda s: divmod(int(s.loss.argmin()), len(s.x)), "number of the row"),
        Wrong(lambda s: _place(s, s.loss.nan_to_num(nan=9e9).argmin())[::-1], "y first"),
        Wrong(lambda s: _place(s, s.loss.argmax()), "highest"),
        Wrong(lambda s: (0.5, 0.5), "not the place"),
        Wrong(lambda s: _place(s, s.loss.argmin()), "holes"),
    ),
    praise="Found, and a hole in the map does not catch you.",
)


def _place(surface: Surface, number: torch.Tensor) -> tuple[float, float]:
    row, column = divmod(int(number), len(surface.x))
    return float(surface.x[column]), float(surface.y[row])


def _gives(share: Share, value: float, *, limit: float = 2.0, hole: bool = False) -> bool:
    return abs(float(share(bowl(hole=hole), limit)) - value) < 1e-6


def _count(*, limit: float = 2.0, hole: bool = False) -> int:
    return int((bowl(hole=hole).loss < limit).sum())


ALL = bowl().loss.numel()

SHARE = Exercise(
    key="90.2",
    properties=(
        Property(
            lambda f: not _gives(f, _count()),
            "You give the number of points. A share is that, divided by all points of the map.",
        ),
        Property(
            lambda f: not _gives(f, 100 * _count() / ALL),
            "You give per cent. A share lies between 0 and 1.",
        ),
        Property(
            lambda f: not _gives(f, 1 - _count() / ALL),
            "You give the share that lies above the limit.",
        ),
        Property(
            lambda f: _gives(f, _count() / ALL) and _gives(f, 1.0, limit=99.0),
            "That is not the share of points whose loss is below the limit.",
        ),
        Property(
            lambda f: _gives(f, _count(hole=True) / ALL, hole=True),
            "Points where the loss overflows count as points of the map, above every limit: divide "
            "by all points, holes among them.",
        ),
    ),
    wrong=(
        Wrong(lambda s, limit: (s.loss < limit).sum(), "number of points"),
        Wrong(lambda s, limit: 100 * (s.loss < limit).double().mean(), "per cent"),
        Wrong(lambda s, limit: (s.loss >= limit).double().mean(), "above the limit"),
        Wrong(lambda s, limit: (s.loss < 2 * limit).double().mean(), "not the share"),
        Wrong(lambda s, limit: (s.loss[s.loss.isfinite()] < limit).double().mean(), "holes"),
    ),
    praise="A number for how wide a valley looks, on this plane and at this range.",
)

EXERCISES = (LOWEST, SHARE)

QUIZ = (
    Question(
        "Why is a file of weights read with the module beside it?",
        {
            "the module says which tensors are parameters": "Names and shapes are checked against "
            "it, and buffers, which are measurements, are told from coordinates.",
            "the file holds code that must be run": "No code in it is run: a file with code is "
            "refused.",
            "a file without the module is damaged": "It is whole, but its tensors are only names.",
        },
        right="the module says which tensors are parameters",
    ),
    Question(
        "On a random plane a training run shrinks to a short line. What does this say?",
        {
            "the run was short": "In weight space it is long: look at its distance from the plane.",
            "the plane misses the directions of training": "Two random directions among thousands "
            "are nearly at right angles to any run, so its shadow is short.",
            "the run is drawn at the wrong place": "Its shadow lies where it must: at the nearest "
            "points of the plane.",
        },
        right="the plane misses the directions of training",
    ),
    Question(
        "The pointer reads ≈ 0.42. What is it?",
        {
            "a rounded loss": "All numbers are rounded; this sign means something else.",
            "a loss between measured points": "It is interpolated. Click there and it is measured.",
            "the loss of the nearest model": "The nearest model may lie far off.",
        },
        right="a loss between measured points",
    ),
)
