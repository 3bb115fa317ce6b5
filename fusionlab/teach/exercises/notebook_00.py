"""What notebook 00, start here, asks of its reader."""

from __future__ import annotations

from collections.abc import Callable

import torch

from fusionlab.teach.checks import Exercise, Property, Wrong
from fusionlab.teach.quizzes import Question
from fusionlab.weights import Weights

Midpoint = Callable[[Weights, Weights], Weights]


def two_points() -> tuple[Weights, Weights]:
    """Points without a symmetry behind which a wrong answer could hide; new at every call."""
    a = Weights({"weight": torch.tensor([[1.0, -2.0], [0.5, 4.0]]), "bias": torch.tensor([3.0])})
    b = Weights({"weight": torch.tensor([[-1.0, 5.0], [2.0, 0.5]]), "bias": torch.tensor([-7.0])})
    return a, b


def _is_at(midpoint: Midpoint, share_a: float, share_b: float) -> bool:
    a, b = two_points()
    return bool((midpoint(*two_points()) - (share_a * a + share_b * b)).norm() < 1e-4)


def _keeps_its_arguments(midpoint: Midpoint) -> bool:
    a, b = two_points()
    midpoint(a, b)
    return all(bool((p - q).norm() < 1e-6) for p, q in zip((a, b), two_points(), strict=True))


MIDPOINT = Exercise(
    key="00.1",
    properties=(
        Property(
            lambda f: isinstance(f(*two_points()), Weights),
            "`midpoint` must give a point of weight space, a `Weights`: add the points themselves, "
            "not their tensors one by one.",
        ),
        Property(
            _keeps_its_arguments,
            "After the call, a or b is another network. Make a new point and leave a and b as they "
            "are.",
        ),
        Property(
            lambda f: not _is_at(f, 1, 1),
            "You return a + b, which is twice as far from zero as the point halfway. What is the "
            "mean of two numbers?",
        ),
        Property(
            lambda f: not (_is_at(f, 0.5, -0.5) or _is_at(f, -0.5, 0.5)),
            "You return half the difference of a and b. That is only a step, half the way from one "
            "to the other: add it to the point from which it starts.",
        ),
        Property(
            lambda f: not (_is_at(f, 1, 0) or _is_at(f, 0, 1)),
            "You return one of the two networks unchanged.",
        ),
        Property(
            lambda f: not (_is_at(f, 0.5, 1) or _is_at(f, 1, 0.5)),
            "Only one of the two is halved: are there brackets around the sum?",
        ),
        Property(
            lambda f: _is_at(f, 0.5, 0.5),
            "This is a point, but not the one halfway: the shares of a and b must be equal and sum "
            "to one.",
        ),
    ),
    wrong=(
        Wrong(lambda a, b: {name: (a[name] + b[name]) / 2 for name in a}, "a `Weights`"),
        Wrong(lambda a, b: a.map(lambda x, y: x.add_(y).div_(2), b), "another network"),
        Wrong(lambda a, b: a + b, "twice as far"),
        Wrong(lambda a, b: (b - a) / 2, "a step"),
        Wrong(lambda a, b: a, "unchanged"),
        Wrong(lambda a, b: a + b / 2, "brackets"),
        Wrong(lambda a, b: 0.3 * a + 0.7 * b, "not the one halfway"),
        Wrong(lambda a, b: a * b, "TypeError"),
    ),
    praise="Your point is halfway and new: a and b are unchanged.",
)

EXERCISES = (MIDPOINT,)

QUIZ = (
    Question(
        "What is a point of weight space?",
        {
            "one image": "An image is an input. The point is the network that reads it.",
            "all weights of one network": "It holds every number that training sets.",
            "one hidden unit": "A unit has only some of the numbers; the point holds all of them.",
        },
        right="all weights of one network",
    ),
    Question(
        "The network halfway between two good networks is poor. Why?",
        {
            "one of them was trained badly": "Both ends have a low loss: look at t = 0 and t = 1.",
            "averaging always destroys a network": "Not always: networks in one valley can be "
            "averaged, as notebook 10 shows.",
            "their hidden units do not correspond": "Unit 5 of one network does something else "
            "than unit 5 of the other, and halfway they are mixed.",
        },
        right="their hidden units do not correspond",
    ),
    Question(
        "In the picture of the plane, what does a colour show?",
        {
            "the loss of the network at that point": "Each point is a whole network; its loss on "
            "the data gives the colour.",
            "the value of one weight": "Both axes change all weights together.",
            "how long training took": "Training ended before the picture was drawn.",
        },
        right="the loss of the network at that point",
    ),
    Question(
        "Which family does not change or combine the weights?",
        {
            "mode connectivity": "It looks for a path through weight space.",
            "alignment": "It reorders the weights, so that two networks match.",
            "ensemble learning": "It averages the predictions of several networks.",
        },
        right="ensemble learning",
    ),
)
