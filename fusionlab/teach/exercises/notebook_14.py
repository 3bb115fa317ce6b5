"""What notebook 14, forks, asks of its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from fusionlab.teach.checks import Exercise, Property, Wrong
from fusionlab.teach.quizzes import Question

Disagreement = Callable[[Tensor, Tensor], float]
StableFrom = Callable[[Mapping[int, float]], int]


def _beliefs() -> tuple[Tensor, Tensor]:
    """Two networks on four images of three classes; they differ on the last one alone."""
    p = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5], [0.5, 0.4, 0.1]])
    q = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.05, 0.9, 0.05]])
    return p, q


def _is(disagreement: Disagreement, expected: float) -> bool:
    return abs(float(disagreement(*_beliefs())) - expected) < 1e-6


def _number(value: object) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain or (isinstance(value, Tensor) and value.ndim == 0)


def _twice(disagreement: Disagreement) -> float:
    """The answer on the same images shown twice, so that a count doubles and a share stays."""
    p, q = _beliefs()
    return float(disagreement(torch.cat([p, p]), torch.cat([q, q])))


DISAGREEMENT = Exercise(
    key="14.1",
    properties=(
        Property(
            lambda f: _number(f(*_beliefs())),
            "`disagreement` must return one number: turn true and false into numbers, take their "
            "mean over the images (`.double().mean()`), and its `.item()`.",
        ),
        Property(
            lambda f: not _is(f, 0.75),
            "You return the share of images on which the two agree: you need the others.",
        ),
        Property(
            lambda f: not _is(f, 1.0) or _twice(f) == float(f(*_beliefs())),
            "You count the images. A share does not depend on their number: use the mean.",
        ),
        Property(
            lambda f: float(f(_beliefs()[0], _beliefs()[0])) == 0,
            "By your formula a network disagrees with itself: for equal arguments it must give 0.",
        ),
        Property(
            lambda f: not _is(f, 1.0),
            "You count all four images, but on three of them both networks give the same answer "
            "with a different confidence. Compare the most probable classes (`argmax`), not "
            "the probabilities.",
        ),
        Property(
            lambda f: not _is(f, 1 / 3),
            "You take `argmax` over the images. The classes are in the last dimension: write "
            "`argmax(-1)`.",
        ),
        Property(
            lambda f: _is(f, 0.25),
            "The two networks give different answers to one of four images: the share is 0.25. "
            "Compare the most probable classes, image by image.",
        ),
    ),
    wrong=(
        Wrong(lambda p, q: p.argmax(-1) != q.argmax(-1), "one number"),
        Wrong(lambda p, q: (p.argmax(-1) == q.argmax(-1)).double().mean().item(), "two agree"),
        Wrong(lambda p, q: (p.argmax(-1) != q.argmax(-1)).sum().item(), "count the images"),
        Wrong(lambda p, q: 0.25, "disagrees with itself"),
        Wrong(lambda p, q: (p.max(-1).values != q.max(-1).values).double().mean(), "confidence"),
        Wrong(lambda p, q: (p.argmax(0) != q.argmax(0)).double().mean().item(), "last dimension"),
        Wrong(lambda p, q: (p - q).abs().mean().item(), "the share is 0.25"),
        Wrong(lambda p, q: (p.argmax(-1) != q.argmax(-1)).mean().item(), "Your code stopped"),
    ),
    praise="This is the share of images to which two networks give different answers.",
)


_LATE = {0: 0.05, 40: 0.01, 80: 0.03, 160: 0.015, 320: 0.001}  # one lucky moment, then stable
_MIXED = {320: 0.001, 0: 0.05, 160: 0.015, 80: 0.03, 40: 0.01}  # the same, in another order
_ALWAYS = {0: 0.004, 50: 0.002}


def _settled(table: Mapping[int, float], steps: list[int]) -> int:
    """The first of `steps` from which all barriers are below 2 points."""
    ends = range(len(steps))
    return next(steps[i] for i in ends if all(table[step] < 0.02 for step in steps[i:]))


STABLE_FROM = Exercise(
    key="14.2",
    properties=(
        Property(
            lambda f: not isinstance(f(_LATE), float),
            "You return a barrier. Return the step of the fork, a key of the table.",
        ),
        Property(
            lambda f: f(_LATE) != 0,
            "You count 5 percentage points as stable. The table holds shares: 2 percentage points "
            "are 0.02.",
        ),
        Property(
            lambda f: f(_LATE) != 40,
            "You stop at the first barrier below 0.02, but a later one is above again: from your "
            "step on, all must be below.",
        ),
        Property(
            lambda f: f(_LATE) != 320,
            "You return the last stable moment. Find the first one from which all are stable.",
        ),
        Property(
            lambda f: f(_LATE) == 160,
            "With barriers of 0.05, 0.01, 0.03, 0.015 and 0.001 at steps 0, 40, 80, 160 and 320, "
            "training is stable from step 160 on.",
        ),
        Property(
            lambda f: f(_ALWAYS) == 0,
            "If all barriers are below 0.02, training is stable from its first step on. Step 0 is "
            "a correct answer, although Python takes 0 for false.",
        ),
        Property(
            lambda f: f(_MIXED) == 160,
            "The table may not be in the order of the steps: sort its keys first.",
        ),
    ),
    wrong=(
        Wrong(lambda table: min(table.values()), "You return a barrier"),
        Wrong(lambda table: next(k for k in sorted(table) if table[k] < 2), "shares"),
        Wrong(lambda table: next(k for k in sorted(table) if table[k] < 0.02), "above again"),
        Wrong(lambda table: max(k for k in table if table[k] < 0.02), "the last stable moment"),
        Wrong(lambda table: max(k for k in table if table[k] >= 0.02), "from step 160 on"),
        Wrong(lambda table: _settled(table, sorted(table)) or max(table), "takes 0 for false"),
        Wrong(lambda table: _settled(table, list(table)), "sort its keys"),
        Wrong(lambda table: min(k for k in table if table[k] < 0.02), "above again"),
        Wrong(lambda table: table[0.02], "KeyError"),
    ),
    praise="From this step on, training ends in one valley, in whatever order the data come.",
)


EXERCISES = (DISAGREEMENT, STABLE_FROM)

QUIZ = (
    Question(
        "Two children of a fork give the same answer to every image. What does their ensemble "
        "gain?",
        {
            "nothing": "Neither of them has an error that the other could correct.",
            "as much as any ensemble": "An ensemble gains where its members are wrong on "
            "different images.",
            "half as much": "Less: the mean of equal answers is the same answer.",
        },
        right="nothing",
    ),
    Question(
        "For which networks does the average of the weights work?",
        {
            "for children of one late fork": "They lie in one valley, and their mean does, too.",
            "for networks from different starts": "Their mean is hardly better than chance here.",
            "for the most diverse networks": "These make the best ensembles and the worst "
            "averages.",
        },
        right="for children of one late fork",
    ),
    Question(
        "An average and an ensemble of five children are equally good. Which one do you take?",
        {
            "the ensemble": "It costs five evaluations per image, the average only one.",
            "the average": "It is one network with one evaluation per image, and equally good.",
        },
        right="the average",
    ),
    Question(
        "Your children start the schedule again, with its high learning rate first. What will you "
        "measure?",
        {
            "the same as without": "The high rate moves them far from each other again.",
            "more disagreement at late forks": "You then measure the effect of a longer training "
            "at a higher rate, not of the moment of the fork.",
            "no disagreement at all": "High rates move networks apart, not together.",
        },
        right="more disagreement at late forks",
    ),
)
