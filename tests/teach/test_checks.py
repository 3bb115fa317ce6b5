"""A check answers every attempt with a verdict: passed, a diagnosis, or not tried yet."""

import functools

import pytest

from fusionlab import lerp
from fusionlab.teach import EXERCISES, Exercise, Property, Verdict, check

WRONG = [
    pytest.param(exercise, wrong, id=f"{exercise.key}-{number}-{wrong.words}")
    for exercise in EXERCISES.values()
    for number, wrong in enumerate(exercise.wrong)
]

DOUBLE = Exercise(
    key="0.0",
    properties=(
        Property(lambda f: f(0) == 0, "zero must stay zero"),
        Property(lambda f: f(2) == 4, "two must become four"),
    ),
    praise="well done",
)


@pytest.mark.parametrize(("exercise", "wrong"), WRONG)
def test_every_listed_wrong_answer_is_diagnosed_in_its_own_words(exercise, wrong):
    verdict = check(exercise, wrong.answer)
    assert verdict.passed is False
    assert wrong.words in verdict.message


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_every_property_of_an_exercise_is_what_some_wrong_answer_fails(exercise):
    heard = [check(exercise, wrong.answer).message for wrong in exercise.wrong]
    silent = [p.diagnosis for p in exercise.properties if p.diagnosis not in heard]
    assert not silent


@pytest.mark.parametrize(
    "answer",
    [lerp, lambda a, b, t: a + t * (b - a), lambda a, b, t: b - (1 - t) * (b - a)],
    ids=["lerp", "from a", "from b"],
)
def test_interpolation_may_be_written_in_any_right_way(answer):
    assert check("10.1", answer).passed


def raises(x):
    """Return twice x."""
    raise NotImplementedError


def dots(x):
    """Return twice x."""


def docstring_only(x):
    """Return twice x."""


def returns_dots(x):
    return [...][0]


@pytest.mark.parametrize(
    "stub",
    [raises, dots, docstring_only, returns_dots, None, ...],
    ids=lambda s: getattr(s, "__name__", str(s)),
)
def test_an_untouched_stub_is_not_tried_yet(stub):
    verdict = check(DOUBLE, stub)
    assert verdict.passed is None
    assert "0.0" in verdict.message


def forgets_return(x):
    2 * x


def raises_below(x):
    return helper(x)


def helper(x):
    return {}["missing"]


def uses_an_unfinished_library(x):
    return functools.reduce(lambda a, b: unfinished(a), [x, x])


def unfinished(x):
    raise NotImplementedError("not for this kind of number")


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda x: x + 1, "zero must stay zero"),
        (lambda x: x, "two must become four"),
        (forgets_return, "Is a `return` missing"),
        (raises_below, "`return {}[\"missing\"]`: KeyError: 'missing'"),
        (lambda: 0, "takes 0 positional arguments"),
        (uses_an_unfinished_library, "not for this kind of number"),
        (functools.partial(raises_below), "KeyError"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_failing_attempt_is_told_why(attempt, words):
    verdict = check(DOUBLE, attempt)
    assert verdict.passed is False
    assert words in verdict.message


def test_a_property_that_chokes_on_an_odd_result_gives_its_own_diagnosis():
    length = Exercise("0.1", (Property(lambda f: len(f()) == 2, "must have two ends"),))
    assert check(length, lambda: 5) == Verdict(False, "must have two ends")


def test_an_attempt_may_be_a_value():
    number = Exercise("0.2", (Property(lambda x: x > 3, "too small"),))
    assert check(number, 4).passed
    assert check(number, 2) == Verdict(False, "too small")
    assert check(number, "x").message == "too small"


def test_an_interrupt_is_the_learners_own():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(DOUBLE, interrupted)


def test_an_unknown_key_names_the_known_ones():
    with pytest.raises(ValueError, match=r"Unknown exercise '99\.9'. Choose .*10\.1"):
        check("99.9", lerp)


def test_a_verdict_shows_itself_as_text_and_as_escaped_html():
    verdict = Verdict(False, "1 < 2 & `a_b`")
    assert str(verdict) == "✗ Not yet. 1 < 2 & `a_b`"
    assert "1 &lt; 2 &amp; <code>a_b</code>" in verdict._repr_html_()
    assert 'role="status"' in verdict._repr_html_()
