"""What notebook 10, linear paths, asks of its reader."""

from __future__ import annotations

from collections.abc import Callable

import torch

from fusionlab.connectivity import Profile
from fusionlab.teach.checks import Exercise, Property, Wrong
from fusionlab.teach.exercises.notebook_00 import two_points
from fusionlab.teach.quizzes import Question
from fusionlab.weights import Weights

Interpolate = Callable[[Weights, Weights, float], Weights]
Barrier = Callable[[Profile], float]


def _equal(point: Weights, expected: Weights) -> bool:
    return bool((point - expected).norm() < 1e-4)


def _lands(interpolate: Interpolate, t: float, share: float) -> bool:
    """True where the answer's point at `t` lies `share` of the way from a to b."""
    a, b = two_points()
    return _equal(interpolate(*two_points(), t), a + share * (b - a))


def _gives_a_point(interpolate: Interpolate) -> bool:
    return isinstance(interpolate(*two_points(), 0.5), Weights)


def _leaves_its_arguments(interpolate: Interpolate) -> bool:
    a, b = two_points()
    interpolate(a, b, 0.25)
    return all(_equal(now, before) for now, before in zip((a, b), two_points(), strict=True))


def _moves(interpolate: Interpolate) -> bool:
    return not _equal(interpolate(*two_points(), 0.25), interpolate(*two_points(), 0.75))


def _runs_forwards(interpolate: Interpolate) -> bool:
    return not (_lands(interpolate, 0.0, 1.0) and _lands(interpolate, 1.0, 0.0))


def _weighs_both(interpolate: Interpolate) -> bool:
    a, b = two_points()
    return not any(_equal(interpolate(*two_points(), t), a + b) for t in (0.0, 1.0))


INTERPOLATE = Exercise(
    key="10.1",
    properties=(
        Property(
            _gives_a_point,
            "`interpolate` must give one point of weight space, a `Weights`. Points can be added "
            "and multiplied by a number as they are: no loop over their tensors is needed.",
        ),
        Property(
            _leaves_its_arguments,
            "Your function changes its arguments: after the call, a or b is another network. "
            "Make a new point (as `2 * a` does), without `*=`, `mul_` or `copy_` on tensors.",
        ),
        Property(
            _moves,
            "Your point is the same at t = 0.25 and at t = 0.75: it does not move. "
            "It must depend on t.",
        ),
        Property(
            _runs_forwards,
            "Your path starts at b and ends at a: did you swap t and 1 − t?",
        ),
        Property(
            _weighs_both,
            "At one of its ends your path is at a + b, which is neither of the networks. The two "
            "shares must sum to one: as the share of b grows, the share of a shrinks.",
        ),
        Property(
            lambda f: _lands(f, 0.0, 0.0),
            "At t = 0 your path is not at a. Put t = 0 into your formula: how large is the share "
            "of b?",
        ),
        Property(
            lambda f: _lands(f, 1.0, 1.0),
            "At t = 1 your path is not at b. Put t = 1 into your formula: how large is the share "
            "of a?",
        ),
        Property(
            lambda f: _lands(f, 0.5, 0.5),
            "Both ends are right, but at t = 0.5 your path is not halfway between them: "
            "the shares of a and b must be equal there.",
        ),
        Property(
            lambda f: _lands(f, 0.25, 0.25) and _lands(f, 0.9, 0.9),
            "Ends and middle are right, but between them the speed of your path changes: "
            "at t = 0.25 it must have gone a quarter of the way.",
        ),
    ),
    wrong=(
        Wrong(lambda a, b, t: {name: (1 - t) * a[name] + t * b[name] for name in a}, "a `Weights`"),
        Wrong(lambda a, b, t: 0.5, "a `Weights`"),
        Wrong(lambda a, b, t: a.map(lambda x, y: x.mul_(1 - t).add_(t * y), b), "its arguments"),
        Wrong(lambda a, b, t: a, "does not move"),
        Wrong(lambda a, b, t: (a + b) / 2, "does not move"),
        Wrong(lambda a, b, t: t * a + (1 - t) * b, "swap t and 1 − t"),
        Wrong(lambda a, b, t: a + t * b, "sum to one"),
        Wrong(lambda a, b, t: (1 - t) * a + b, "sum to one"),
        Wrong(lambda a, b, t: t * (b - a), "not at a"),
        Wrong(lambda a, b, t: (1 - t) * a, "not at b"),
        Wrong(lambda a, b, t: a if t < 0.5 else b, "not halfway"),
        Wrong(lambda a, b, t: (1 - t**2) * a + t**2 * b, "not halfway"),
        Wrong(lambda a, b, t: a + (3 * t**2 - 2 * t**3) * (b - a), "speed of your path"),
        Wrong(lambda a, b: (a + b) / 2, "cannot be called"),
        Wrong(lambda a, b, t: (1 - t) * a + t * b.weight, "AttributeError"),
    ),
    praise="All points are on the line from a to b, each at the right place.",
)


def _hill(scale: float = 1.0) -> Profile:
    """A profile without symmetry: the chord falls from 3 to 1, the hill above it is 1.5 high."""
    t = torch.linspace(0, 1, 11, dtype=torch.double)
    chord = 3 - 2 * t
    bump = torch.zeros(11, dtype=torch.double)
    bump[3], bump[4], bump[8] = 1.5, 1.2, -0.5
    return Profile(t, scale * (chord + bump), 0.9 - 0.1 * t)


def _agrees(barrier: Barrier, expected: float, along: Profile | None = None) -> bool:
    return abs(float(barrier(along or _hill())) - expected) < 1e-6


def _swapped(along: Profile) -> float:
    """The barrier above a chord that runs the wrong way."""
    return (along.loss - along.chord.flip(0)).max().item()


def _number(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, torch.Tensor) and value.ndim == 0)


def _valley() -> Profile:
    t = torch.linspace(0, 1, 11, dtype=torch.double)
    return Profile(t, 1 - t * (1 - t), 1 + 0 * t)


BARRIER = Exercise(
    key="10.2",
    properties=(
        Property(
            lambda f: _number(f(_hill())),
            "`barrier` must return one number: take the largest of all rises along the path, and "
            "`.item()` if it is a tensor.",
        ),
        Property(
            lambda f: not _agrees(f, _hill().loss.max().item()),
            "You return the highest loss. The barrier is how far the loss rises above the chord "
            "between its ends: subtract the chord before you take the maximum.",
        ),
        Property(
            lambda f: not _agrees(f, _hill().midpoint_barrier),
            "You compare with the mean of the two ends, which is Git Re-Basin's definition. Here "
            "the ends differ: the chord at t is (1 − t) L(a) + t L(b).",
        ),
        Property(
            lambda f: not _agrees(f, _swapped(_hill())),
            "Your chord runs from b to a: at t = 0 it must be the loss of the first end.",
        ),
        Property(
            lambda f: not _agrees(f, _hill().loss[5].item() - 2),
            "You measure the middle only; this hill is elsewhere. Take the maximum over all t.",
        ),
        Property(
            lambda f: not _agrees(f, (_hill().loss - _hill().chord).abs().mean().item()),
            "You average the distance to the chord. The barrier is the largest rise above it.",
        ),
        Property(
            lambda f: _agrees(f, 1.5),
            "For a hill that rises 1.5 nats above the chord, your function returns another number. "
            "Draw the chord: is it straight, from the first loss to the last?",
        ),
        Property(
            lambda f: _agrees(f, 3.0, _hill(2)),
            "If all losses are doubled, the barrier must double: twice the barrier. Is there a "
            "constant in your formula?",
        ),
        Property(
            lambda f: _agrees(f, 0.0, _valley()),
            "In a valley nothing rises above the chord, so the barrier is 0: losses below the "
            "chord do not count.",
        ),
    ),
    wrong=(
        Wrong(lambda p: p.loss - p.chord, "one number"),
        Wrong(lambda p: p.loss.max().item(), "the highest loss"),
        Wrong(lambda p: p.midpoint_barrier, "Git Re-Basin"),
        Wrong(_swapped, "from b to a"),
        Wrong(lambda p: (p.loss[5] - (p.loss[0] + p.loss[-1]) / 2).item(), "the middle only"),
        Wrong(lambda p: (p.loss - p.chord).abs().mean().item(), "You average"),
        Wrong(lambda p: (p.loss - p.loss[0]).max().item(), "another number"),
        Wrong(lambda p: 1.5, "twice the barrier"),
        Wrong(lambda p: (p.loss - p.chord).abs().max().item(), "In a valley"),
        Wrong(lambda p: p.losses, "AttributeError"),
    ),
    praise="This is the largest rise above the chord: Entezari's barrier.",
)

EXERCISES = (INTERPOLATE, BARRIER)

QUIZ = (
    Question(
        "Both ends have loss 0.1 and the loss in the middle is 0.1 as well. The barrier is …",
        {
            "0": "Nothing rises above the chord, which is flat at 0.1.",
            "0.1": "0.1 is the loss; the barrier counts only what rises above the chord.",
            "unknown": "If 0.1 is the highest loss between the ends, the barrier is 0. But you are "
            "right that a narrow hill between the measured points would be missed.",
        },
        right="0",
    ),
    Question(
        "The loss barrier is 0.5 nats and the error barrier is 0. Is that possible?",
        {
            "no": "It is possible: the loss rises when the network is less sure, even if its "
            "answers stay right.",
            "yes": "A network can be less sure and still right: then the loss rises, the error "
            "does not.",
        },
        right="yes",
    ),
    Question(
        "Which pairs have almost no barrier on the digits?",
        {
            "independent starts, narrow layers": "These have the highest barriers.",
            "a shared start, another order of images": "From one start, training ends in one "
            "valley here. On harder tasks this is not so.",
            "independent starts, more epochs": "More training does not bring the two together.",
        },
        right="a shared start, another order of images",
    ),
    Question(
        "You average two networks with BatchNorm. What about the running statistics?",
        {
            "average them, too": "The mean of two variances is not the variance inside the merged "
            "network.",
            "measure them again on training data": "They are measured, not trained: `recalibrate` "
            "measures them at the merged point.",
            "keep those of a": "They belong to a, and cause a hill that does not come from the "
            "weights.",
        },
        right="measure them again on training data",
    ),
)
