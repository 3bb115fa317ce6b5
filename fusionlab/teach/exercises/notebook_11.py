"""What notebook 11, curves, asks of its reader."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fusionlab.teach.checks import Exercise, Property, Wrong
from fusionlab.teach.exercises.notebook_00 import two_points
from fusionlab.teach.quizzes import Question
from fusionlab.weights import Weights, lerp

Bend = Callable[[Weights, Weights, Weights, float], Weights]
Mean = Callable[[Tensor, Tensor], float]


def _three() -> tuple[Weights, Weights, Weights]:
    """Ends a and b, and a bend w that is on no line with them."""
    a, b = two_points()
    return a, a.map(lambda x, y: x * y + 2, b), b


def _equal(point: Weights, expected: Weights) -> bool:
    return bool((point - expected).norm() < 1e-4)


def _lies(bezier: Bend, t: float, *shares: float) -> bool:
    """True where the answer's point at `t` is the mix of a, w and b by these shares."""
    a, w, b = _three()
    return _equal(bezier(*_three(), t), shares[0] * a + shares[1] * w + shares[2] * b)


def _right(bezier: Bend, t: float) -> bool:
    return _lies(bezier, t, (1 - t) ** 2, 2 * t * (1 - t), t**2)


def _leaves_its_arguments(bezier: Bend) -> bool:
    points = _three()
    bezier(*points, 0.25)
    return all(_equal(now, before) for now, before in zip(points, _three(), strict=True))


def _chain(a: Weights, w: Weights, b: Weights, t: float) -> Weights:
    return lerp(a, w, 2 * t) if t < 0.5 else lerp(w, b, 2 * t - 1)


def _hurried(a: Weights, w: Weights, b: Weights, t: float) -> Weights:
    s = 3 * t**2 - 2 * t**3
    return (1 - s) ** 2 * a + 2 * s * (1 - s) * w + s**2 * b


BEZIER = Exercise(
    key="11.1",
    properties=(
        Property(
            lambda f: isinstance(f(*_three(), 0.5), Weights),
            "`bezier` must give one point of weight space, a `Weights`. Points can be added and "
            "multiplied by a number as they are: no loop over their tensors is needed.",
        ),
        Property(
            _leaves_its_arguments,
            "Your function changes its arguments: after the call, one of the three points is "
            "another network. Make a new point from them.",
        ),
        Property(
            lambda f: not (_lies(f, 0.0, 0, 0, 1) and _lies(f, 1.0, 1, 0, 0)),
            "Your curve starts at b and ends at a: did you swap t and 1 − t?",
        ),
        Property(
            lambda f: not (_lies(f, 0.5, 0.5, 0, 0.5) and _lies(f, 0.0, 1, 0, 0)),
            "Your curve does not depend on the bend w: it is the straight line from a to b.",
        ),
        Property(
            lambda f: not _lies(f, 0.5, 0, 1, 0),
            "At t = 0.5 your curve is at w itself. That is the polygonal chain; a Bézier curve is "
            "only pulled towards its bend.",
        ),
        Property(
            lambda f: not _lies(f, 0.5, 0.25, 0.25, 0.25),
            "At t = 0.5 your shares are 1/4, 1/4 and 1/4, which do not sum to one. The middle "
            "share has a factor of 2.",
        ),
        Property(
            lambda f: _lies(f, 0.0, 1, 0, 0),
            "At t = 0 your curve is not at a. Put t = 0 into your formula: what does it give?",
        ),
        Property(
            lambda f: _lies(f, 1.0, 0, 0, 1),
            "At t = 1 your curve is not at b. Put t = 1 into your formula: what does it give?",
        ),
        Property(
            lambda f: _right(f, 0.5),
            "Both ends are right, but at t = 0.5 the shares of a, w, b must be 1/4, 1/2 and 1/4.",
        ),
        Property(
            lambda f: _right(f, 0.25) and _right(f, 0.9),
            "Ends and middle are right, but between them your curve or its speed is another: at "
            "t = 0.25 the shares of a, w and b are 9/16, 6/16 and 1/16.",
        ),
    ),
    wrong=(
        Wrong(lambda a, w, b, t: 0.5, "a `Weights`"),
        Wrong(lambda a, w, b, t: {n: (1 - t) ** 2 * a[n] for n in a}, "a `Weights`"),
        Wrong(lambda a, w, b, t: w.map(lambda x: x.mul_(t)), "its arguments"),
        Wrong(lambda a, w, b, t: t**2 * a + 2 * t * (1 - t) * w + (1 - t) ** 2 * b, "swap t"),
        Wrong(lambda a, w, b, t: (1 - t) * a + t * b, "does not depend on the bend"),
        Wrong(_chain, "polygonal chain"),
        Wrong(lambda a, w, b, t: (1 - t) ** 2 * a + t * (1 - t) * w + t**2 * b, "factor of 2"),
        Wrong(lambda a, w, b, t: 2 * t * (1 - t) * w + t**2 * b, "not at a"),
        Wrong(lambda a, w, b, t: (1 - t) ** 2 * a + 2 * t * (1 - t) * w, "not at b"),
        Wrong(lambda a, w, b, t: (1 - t) * a + 4 * t * (1 - t) * (w - a) + t * b, "1/4, 1/2"),
        Wrong(_hurried, "its speed"),
        Wrong(lambda a, b, t: (a + b) / 2, "cannot be called"),
        Wrong(lambda a, w, b, t: (1 - t) ** 2 * a + t * w.weight, "AttributeError"),
    ),
    praise="Your curve starts at a, is pulled towards w, and ends at b.",
)


def _walk() -> tuple[Tensor, Tensor]:
    """Losses at four points of a path, and the length up to each: segments of 1, 3 and 1."""
    loss, passed = [0.0, 1.0, 1.0, 3.0], [0.0, 1.0, 4.0, 5.0]
    return torch.tensor(loss, dtype=torch.double), torch.tensor(passed, dtype=torch.double)


def _gives(mean: Mean, expected: float) -> bool:
    return abs(float(mean(*_walk())) - expected) < 1e-6


def _number(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, Tensor) and value.ndim == 0)


def _scaled(mean: Mean) -> bool:
    loss, passed = _walk()
    return abs(float(mean(loss, 7 * passed)) - float(mean(loss, passed))) < 1e-6


MEAN_BY_LENGTH = Exercise(
    key="11.2",
    properties=(
        Property(
            lambda f: _number(f(*_walk())),
            "`mean_by_length` must return one number, not one for each point: sum over the "
            "segments.",
        ),
        Property(
            lambda f: not _gives(f, 1.25),
            "You take the plain mean of the losses. It counts points, however far apart they are. "
            "Weight each segment by its length.",
        ),
        Property(
            lambda f: not _gives(f, 3.5 / 3),
            "You weight all segments equally: that is the mean over t. The length of a segment is "
            "the difference of two neighbours of `passed`.",
        ),
        Property(
            lambda f: not _gives(f, 2.0),
            "You weight by the length passed so far, so late points count more. The weight of a "
            "segment is its own length, the difference of two neighbours of `passed`.",
        ),
        Property(
            lambda f: not (_gives(f, 0.8) or _gives(f, 1.4)),
            "You take the loss at one end of each segment. Between its ends the loss changes: "
            "take the mean of both.",
        ),
        Property(
            lambda f: not _gives(f, 5.5),
            "You return the sum of loss times length. For the mean, divide it by the whole length, "
            "the last number of `passed`.",
        ),
        Property(
            _scaled,
            "The same path measured in other units must have the same mean. Do you divide by the "
            "whole length?",
        ),
        Property(
            lambda f: _gives(f, 1.1),
            "On a path with segments of length 1, 3 and 1, and mean losses 0.5, 1 and 2 on them, "
            "the mean by length is 5.5 / 5.",
        ),
    ),
    wrong=(
        Wrong(lambda loss, passed: loss * passed, "one number"),
        Wrong(lambda loss, passed: loss.mean(), "plain mean"),
        Wrong(lambda loss, passed: ((loss[1:] + loss[:-1]) / 2).mean(), "the mean over t"),
        Wrong(lambda loss, passed: (loss * passed).sum() / passed.sum(), "passed so far"),
        Wrong(lambda loss, passed: (loss[:-1] * passed.diff()).sum() / passed[-1], "one end"),
        Wrong(lambda loss, passed: (loss[1:] * passed.diff()).sum() / passed[-1], "one end"),
        Wrong(torch.trapezoid, "by the whole length"),
        Wrong(lambda loss, passed: torch.trapezoid(loss, passed) / len(loss), "other units"),
        Wrong(lambda loss, passed: loss.max().item(), "5.5 / 5"),
        Wrong(lambda loss, passed: loss @ passed.gaps, "AttributeError"),
    ),
    praise="Every segment is weighted by its length: the mean at an even speed.",
)

EXERCISES = (BEZIER, MEAN_BY_LENGTH)

QUIZ = (
    Question(
        "What is fitted when a curve with one bend is trained between a and b?",
        {
            "a, the bend and b": "The ends do not change at all.",
            "only the bend": "Each step draws a t, computes the gradient at that point of the "
            "curve, and gives the bend its share of it.",
            "t": "t is a position, not a parameter: each step draws another one.",
        },
        right="only the bend",
    ),
    Question(
        "A curve of low loss joins a and b. What is the loss on the straight line between them?",
        {
            "low, too": "The line did not change, so its barrier is as high as before.",
            "the same as before": "The curve goes around the hill; the hill is still there.",
        },
        right="the same as before",
    ),
    Question(
        "The mean loss over t is low. May you say that a and b are connected?",
        {
            "yes": "A narrow hill hardly changes a mean. The highest loss is what counts.",
            "no": "You need the highest loss along the path, measured at points that are close "
            "together.",
        },
        right="no",
    ),
    Question(
        "The network has BatchNorm. Which statistics belong to the point at t?",
        {
            "those of a": "They fit a only, and cause a hill that does not come from the weights.",
            "a mixture of those of a and b": "The variance of a mixture is not the mixture of the "
            "variances.",
            "those measured at this point": "They must be measured again at each t.",
        },
        right="those measured at this point",
    ),
)
