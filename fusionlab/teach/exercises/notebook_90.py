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
            "`lowest` must return two numbers, x and y.",
        ),
        Property(
            lambda f: not _is_at(f, 0, 4) and not _is_at(f, 4, 0),
            "You return the number of the row and of the column. Look up the coordinates at these "
            "numbers: `surface.y[row]` and `surface.x[column]`.",
        ),
        Property(
            lambda f: not _is_at(f, -1, 2),
            "You return y first. A point is (x, y), and the rows of `loss` belong to y.",
        ),
        Property(
            lambda f: not _is_at(f, 0, 1),
            "This is where the loss is highest.",
        ),
        Property(
            lambda f: _is_at(f, 2, -1),
            "This is not the point with the lowest loss. `loss[i, j]` belongs to (x[j], y[i]), and "
            "a row has as many values as x.",
        ),
        Property(
            lambda f: tuple(map(float, f(bowl(hole=True)))) == (2.0, -1.0),
            "Where the loss overflows, the map has a hole (NaN), and your point is in one. Treat "
            "holes as infinitely high: `loss.nan_to_num(nan=float('inf'))`.",
        ),
    ),
    wrong=(
        Wrong(lambda s: float(s.loss.min()), "two numbers"),
        Wrong(lambda s: divmod(int(s.loss.argmin()), len(s.x)), "number of the row"),
        Wrong(lambda s: _place(s, s.loss.nan_to_num(nan=9e9).argmin())[::-1], "y first"),
        Wrong(lambda s: _place(s, s.loss.argmax()), "highest"),
        Wrong(lambda s: (0.5, 0.5), "not the point"),
        Wrong(lambda s: _place(s, s.loss.argmin()), "holes"),
    ),
    praise="Your function finds the lowest point, even in a map with holes.",
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
            "You return the number of points. Divide it by the number of all points of the map.",
        ),
        Property(
            lambda f: not _gives(f, 100 * _count() / ALL),
            "You return per cent. A share is between 0 and 1.",
        ),
        Property(
            lambda f: not _gives(f, 1 - _count() / ALL),
            "You return the share above the limit.",
        ),
        Property(
            lambda f: _gives(f, _count() / ALL) and _gives(f, 1.0, limit=99.0),
            "This is not the share of points whose loss is below the limit.",
        ),
        Property(
            lambda f: _gives(f, _count(hole=True) / ALL, hole=True),
            "Points where the loss overflows are above every limit, but they are points of the "
            "map: divide by all points, including the holes.",
        ),
    ),
    wrong=(
        Wrong(lambda s, limit: (s.loss < limit).sum(), "number of points"),
        Wrong(lambda s, limit: 100 * (s.loss < limit).double().mean(), "per cent"),
        Wrong(lambda s, limit: (s.loss >= limit).double().mean(), "above the limit"),
        Wrong(lambda s, limit: (s.loss < 2 * limit).double().mean(), "not the share"),
        Wrong(lambda s, limit: (s.loss[s.loss.isfinite()] < limit).double().mean(), "holes"),
    ),
    praise="This number says how wide a valley looks on this plane and at this range.",
)

EXERCISES = (LOWEST, SHARE)

QUIZ = (
    Question(
        "Why do you need the module to read a file of weights?",
        {
            "the module says which tensors are parameters": "Names and shapes are checked with it, "
            "and trained parameters are distinguished from measured buffers.",
            "the file holds code that must be run": "No code in a file is run: a file with code "
            "is refused.",
            "a file without the module is damaged": "It is complete, but it does not say what its "
            "tensors are for.",
        },
        right="the module says which tensors are parameters",
    ),
    Question(
        "On a random plane a training run becomes a short line. What does this show?",
        {
            "the run was short": "In weight space it is long: look at its distance from the plane.",
            "the plane misses the directions of training": "Two random directions among thousands "
            "are nearly at right angles to any run, so its projection is short.",
            "the run is drawn at the wrong place": "Its projection is where it must be: at "
            "the nearest points of the plane.",
        },
        right="the plane misses the directions of training",
    ),
    Question(
        "The pointer reads ≈ 0.42. What is it?",
        {
            "a rounded loss": "All numbers are rounded. The sign ≈ means something else.",
            "a loss between measured points": "It is interpolated. Click there to measure it.",
            "the loss of the nearest model": "The nearest model may be far away.",
        },
        right="a loss between measured points",
    ),
)
