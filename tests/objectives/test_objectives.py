"""An objective is torch's own loss on all rows, whatever the batches; what does not fit is told."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from fusionlab.objectives import (
    Sums,
    classification,
    objective_of,
    one_logit,
    own,
    pictures,
    regression,
    several_labels,
    tokens,
)
from fusionlab.outputs import logits_of

N, C, T = 23, 4, 5
generator = torch.Generator().manual_seed(0)


def draw(*shape):
    return torch.randn(*shape, generator=generator)


def classes(*shape, some=C):
    return torch.randint(some, shape, generator=generator)


def some_of(labels, value):
    """The labels, of which about a third have `value` instead."""
    return labels.masked_fill(torch.rand(labels.shape, generator=generator) < 0.35, value)


WEIGHT = torch.tensor([1.0, 4.0, 0.5, 2.0])
SCORES, LABELS = draw(N, C), classes(N)
SOFT = draw(N, C).softmax(1)
TEXT, NEXT = draw(N, T, C), classes(N, T)
MAPS, PIXELS = draw(N, C, 6, 3), classes(N, 6, 3)
LOGIT, TRUTH = draw(N, 1), classes(N, some=2)
SEVERAL, TAGS = draw(N, C), classes(N, C, some=2)


def bce(z, y, **settings):
    return F.binary_cross_entropy_with_logits(z, y.float(), **settings)


def hits(scores, labels, ignored=-100):
    return (scores.argmax(1) == labels)[labels != ignored].double().mean()


NUMBERS = draw(N)
YES = ((LOGIT[:, 0] > 0) == TRUTH.bool()).double().mean()
IGNORED = some_of(LABELS, 1)
SKIPPED = some_of(LABELS, -100)
VOID = some_of(PIXELS, 255)
PADDED = some_of(NEXT, -100)

# objective, outputs, targets, torch's loss on all of them, the quality on all of them
CASES = {
    "classes": (
        classification(), SCORES, LABELS, F.cross_entropy(SCORES, LABELS), hits(SCORES, LABELS),
    ),
    "class weights": (
        classification(WEIGHT), SCORES, LABELS,
        F.cross_entropy(SCORES, LABELS, WEIGHT), hits(SCORES, LABELS),
    ),
    "an ignored class": (
        classification(ignore_index=1), SCORES, IGNORED,
        F.cross_entropy(SCORES, IGNORED, ignore_index=1), hits(SCORES, IGNORED, 1),
    ),
    "ignored rows": (
        classification(), SCORES, SKIPPED,
        F.cross_entropy(SCORES, SKIPPED), hits(SCORES, SKIPPED),
    ),
    "smooth labels": (
        classification(label_smoothing=0.1), SCORES, LABELS,
        F.cross_entropy(SCORES, LABELS, label_smoothing=0.1), hits(SCORES, LABELS),
    ),
    "weights, ignored rows and smoothing": (
        classification(WEIGHT, label_smoothing=0.2), SCORES, SKIPPED,
        F.cross_entropy(SCORES, SKIPPED, WEIGHT, label_smoothing=0.2), hits(SCORES, SKIPPED),
    ),
    "probabilities": (
        classification(), SCORES, SOFT, F.cross_entropy(SCORES, SOFT),
        hits(SCORES, SOFT.argmax(1)),
    ),
    "probabilities with weights": (
        classification(WEIGHT, label_smoothing=0.1), SCORES, SOFT,
        F.cross_entropy(SCORES, SOFT, WEIGHT, label_smoothing=0.1), hits(SCORES, SOFT.argmax(1)),
    ),
    "tokens": (
        tokens(), TEXT, PADDED, F.cross_entropy(TEXT.mT, PADDED), hits(TEXT.mT, PADDED),
    ),
    "tokens with weights": (
        tokens(WEIGHT), TEXT, PADDED,
        F.cross_entropy(TEXT.mT, PADDED, WEIGHT), hits(TEXT.mT, PADDED),
    ),
    "the next token": (
        tokens(shift=True), TEXT, PADDED,
        F.cross_entropy(TEXT[:, :-1].mT, PADDED[:, 1:]), hits(TEXT[:, :-1].mT, PADDED[:, 1:]),
    ),
    "probabilities of tokens": (
        tokens(), TEXT, TEXT.roll(1, 0).softmax(-1),
        F.cross_entropy(TEXT.mT, TEXT.roll(1, 0).softmax(-1).mT),
        hits(TEXT.mT, TEXT.roll(1, 0).argmax(-1)),
    ),
    "pictures": (
        pictures(WEIGHT, ignore_index=255), MAPS, VOID,
        F.cross_entropy(MAPS, VOID, WEIGHT, ignore_index=255), hits(MAPS, VOID, 255),
    ),
    "one logit": (
        one_logit(), LOGIT, TRUTH, bce(LOGIT[:, 0], TRUTH), YES,
    ),
    "one logit without an axis": (
        one_logit(pos_weight=torch.tensor(3.0)), LOGIT[:, 0], TRUTH[:, None],
        bce(LOGIT, TRUTH[:, None], pos_weight=torch.tensor(3.0)), YES,
    ),
    "several labels": (
        several_labels(pos_weight=WEIGHT), SEVERAL, TAGS,
        bce(SEVERAL, TAGS, pos_weight=WEIGHT), ((SEVERAL > 0) == TAGS.bool()).double().mean(),
    ),
    "numbers": (
        regression(), LOGIT, NUMBERS,
        F.mse_loss(LOGIT[:, 0], NUMBERS), F.l1_loss(LOGIT[:, 0], NUMBERS),
    ),
    "several numbers": (
        regression(unit="m"), SEVERAL, SOFT,
        F.mse_loss(SEVERAL, SOFT), F.l1_loss(SEVERAL, SOFT),
    ),
    "whole numbers": (
        regression(), SEVERAL, TAGS,
        F.mse_loss(SEVERAL, TAGS.float()), F.l1_loss(SEVERAL, TAGS.float()),
    ),
    "a loss of one's own": (
        own(F.multi_margin_loss), SCORES, LABELS,
        F.multi_margin_loss(SCORES, LABELS), hits(SCORES, LABELS),
    ),
    "a loss and a quality of one's own": (
        own(lambda z, y: F.l1_loss(z[:, 0], y.float()), quality=lambda z, y: z.mean()),
        LOGIT, TRUTH, F.l1_loss(LOGIT[:, 0], TRUTH.float()), LOGIT.mean(),
    ),
}  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES)


def added(sums):
    return Sums(*(sum(each) for each in zip(*sums, strict=True)))


@every_case
def test_the_loss_of_all_rows_is_torchs_own(case):
    objective, outputs, targets, loss, quality = CASES[case]
    sums = objective.checked(outputs, targets).sums(outputs, targets)
    torch.testing.assert_close(sums.mean, loss)
    torch.testing.assert_close((sums.quality / sums.counted).double(), quality.double())


@every_case
@settings(max_examples=25)
@given(cuts=st.sets(st.integers(1, N - 1), max_size=8), seed=st.integers(0, 99))
def test_sums_over_batches_add_up_whatever_the_batches(case, cuts, seed):
    objective, outputs, targets, loss, quality = CASES[case]
    objective = objective.checked(outputs, targets)
    order = torch.randperm(N, generator=torch.Generator().manual_seed(seed))
    bounds = [0, *sorted(cuts), N]
    batches = [order[a:b] for a, b in pairwise(bounds)]
    sums = added(objective.sums(outputs[rows], targets[rows]) for rows in batches)
    torch.testing.assert_close(sums.mean, loss, rtol=1e-5, atol=1e-6)
    found = (sums.quality / sums.counted).double()
    torch.testing.assert_close(found, quality.double(), rtol=1e-5, atol=1e-6)


@every_case
def test_several_networks_at_once_are_each_by_itself(case):
    objective, outputs, targets, *_ = CASES[case]
    objective = objective.checked(outputs, targets)
    several = torch.stack([outputs, 2 * outputs, outputs.roll(1, 0)])
    stacked = objective.stacked(several, targets)
    assert stacked.dtype == torch.double
    for i, one in enumerate(several):
        expected = torch.stack([s.double() for s in objective.sums(one, targets)])
        torch.testing.assert_close(stacked[:, i], expected, rtol=1e-6, atol=1e-5)


@every_case
def test_the_loss_of_a_step_is_the_mean_of_the_sums_and_has_its_gradient(case):
    objective, outputs, targets, *_ = CASES[case]
    objective = objective.checked(outputs, targets)
    free = outputs.double().requires_grad_()
    loss = objective.loss(free, targets)
    torch.testing.assert_close(loss, objective.sums(free, targets).mean)
    [slope] = torch.autograd.grad(loss, free)
    step = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(1)).double()
    ends = [objective.sums(free.detach() + h * step, targets).mean for h in (1e-6, -1e-6)]
    torch.testing.assert_close(
        (slope * step).sum(), (ends[0] - ends[1]) / 2e-6, rtol=1e-4, atol=1e-7
    )


def test_outputs_of_half_precision_are_summed_in_full():
    for kind in (torch.bfloat16, torch.half):
        rough = SCORES.to(kind)
        sums = classification().sums(rough, LABELS)
        torch.testing.assert_close(sums.mean, F.cross_entropy(rough.float(), LABELS))
        many = classification().sums(rough.repeat(100, 1), LABELS.repeat(100))
        assert many.counted == many.weight == 100 * N


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        (nn.CrossEntropyLoss(), {}),
        (nn.CrossEntropyLoss(WEIGHT), {"weight": WEIGHT}),
        (nn.CrossEntropyLoss(label_smoothing=0.1), {"label_smoothing": 0.1}),
        (F.cross_entropy, {}),
        (partial(F.cross_entropy, weight=WEIGHT), {"weight": WEIGHT}),
        (partial(F.cross_entropy, ignore_index=1, reduction="mean"), {"ignore_index": 1}),
        ("classification", {}),
        (None, {}),
    ],
)  # fmt: skip
def test_torchs_cross_entropies_are_known_with_their_settings(given, settings):
    objective = objective_of(given).checked(SCORES, IGNORED)
    halves = [slice(0, 7), slice(7, N)]
    sums = added(objective.sums(SCORES[rows], IGNORED[rows]) for rows in halves)
    torch.testing.assert_close(sums.mean, F.cross_entropy(SCORES, IGNORED, **settings))
    assert objective.measures.quality.name == "accuracy"


@pytest.mark.parametrize("given", [nn.MSELoss(), F.mse_loss, "regression"])
def test_torchs_squared_error_never_stretches_a_column(given):
    sums = objective_of(given).checked(LOGIT, NUMBERS).sums(LOGIT, NUMBERS)
    torch.testing.assert_close(sums.mean, F.mse_loss(LOGIT[:, 0], NUMBERS))


@pytest.mark.parametrize(
    "given", [nn.BCEWithLogitsLoss(), F.binary_cross_entropy_with_logits, "one_logit"]
)
def test_torchs_binary_cross_entropy_takes_class_numbers(given):
    sums = objective_of(given).checked(LOGIT, TRUTH).sums(LOGIT, TRUTH)
    torch.testing.assert_close(sums.mean, bce(LOGIT[:, 0], TRUTH))


def test_several_answers_a_row_are_counted_each():
    given = nn.BCEWithLogitsLoss(pos_weight=WEIGHT)
    objective = objective_of(given).checked(SEVERAL, TAGS)
    assert objective.measures.quality.name == "label accuracy"
    assert not objective.classifies
    torch.testing.assert_close(
        objective.sums(SEVERAL, TAGS).mean, bce(SEVERAL, TAGS, pos_weight=WEIGHT)
    )


def test_a_vote_that_is_no_number_is_no_hit():
    nothing = torch.full((N, C), torch.nan)
    assert classification().sums(nothing, LABELS).quality == 0
    assert one_logit().sums(nothing[:, 0], TRUTH).quality == 0


def in_batch(z, y):
    """Rows are rows that are compared, as in contrastive losses."""
    return F.cross_entropy(z @ z.mT, torch.arange(len(z)))


REFUSED = {
    "a sum": (nn.CrossEntropyLoss(reduction="sum"), SCORES, LABELS, "reduction='mean'"),
    "no reduction": (nn.MSELoss(reduction="none"), LOGIT, NUMBERS, "reduction='mean'"),
    "a sum of one's own": (lambda z, y: F.cross_entropy(z, y, reduction="sum"), SCORES, LABELS,
                           "not a plain mean"),
    "a partial sum": (partial(F.cross_entropy, reduction="sum"), SCORES, LABELS, "plain mean"),
    "a loss per row": (lambda z, y: F.cross_entropy(z, y, reduction="none"), SCORES, LABELS,
                       r"\(23,\), not one number"),
    "weights of one's own": (lambda z, y: F.cross_entropy(z, y, WEIGHT), SCORES, LABELS,
                             "classification.weight=…"),
    "rows that are compared": (in_batch, SCORES, LABELS, "rows that are compared"),
    "a column that is stretched": (F.l1_loss, LOGIT, NUMBERS, "not a plain mean"),
    "labels beyond the outputs": (None, SCORES, LABELS + 1, "labels run to 4.*gives 4 scores"),
    "labels below zero": (None, SCORES, LABELS - 1, "go down to -1"),
    "float labels": (None, SCORES, LABELS.float(), "class numbers 0, 1.*objective='regression'"),
    "one-hot labels": (None, SCORES, F.one_hot(LABELS, C), r"targets.argmax\(1\)"),
    "a column of labels": (None, SCORES, LABELS[:, None], r"targets\[:, 0\]"),
    "a column of the first class": (None, SCORES, torch.ones(N, 1).long(), r"targets\[:, 0\]"),
    "numbers as probabilities": (None, SCORES, SEVERAL, "objective='regression'"),
    "tags as probabilities": (None, SCORES, TAGS.float(), "objective='several_labels'"),
    "one logit for classes": (None, LOGIT, TRUTH, "one_logit"),
    "outputs without classes": (None, LOGIT[:, 0], TRUTH, "one_logit"),
    "tokens without their name": (None, TEXT, NEXT, "objective='tokens'"),
    "whole outputs": (None, LABELS[:, None].expand(N, C), LABELS, "outputs are torch.int64"),
    "classes for one logit": ("one_logit", LOGIT, LABELS, "run from 0 to 3"),
    "two logits for one": ("one_logit", SCORES, TRUTH, "its own output"),
    "a column against a row": ("regression", draw(N, 3), draw(N), "its own output"),
    "a wrong name": ("clasification", SCORES, LABELS, "Unknown objective.*'classification'"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_with_what_to_give(what):
    given, outputs, targets, words = REFUSED[what]
    with pytest.raises(ValueError, match=words):
        objective_of(given).checked(outputs, targets)


def test_what_is_no_loss_is_refused():
    with pytest.raises(TypeError, match="got a int"):
        objective_of(3)


Pair = namedtuple("Pair", "logits aux")


@dataclass
class Answer:
    loss: object
    logits: torch.Tensor
    hidden: tuple


class ModelOutput(OrderedDict):
    """As Hugging Face's: a dict whose entries are attributes as well."""


@pytest.mark.parametrize(
    "returned",
    [
        SCORES,
        (SCORES, 0 * SCORES),
        Pair(SCORES, 0 * SCORES),
        {"logits": SCORES, "hidden": 0 * SCORES},
        {"out": SCORES, "aux": 0 * SCORES},
        {"only": SCORES},
        Answer(None, SCORES, (0 * SCORES,)),
        ModelOutput(loss=None, logits=SCORES, hidden_states=(0 * SCORES,)),
    ],
)
def test_the_outputs_are_found_in_what_networks_return(returned):
    assert torch.equal(logits_of(returned), SCORES)
    sums = classification().sums(classification().select(returned), LABELS)
    torch.testing.assert_close(sums.mean, F.cross_entropy(SCORES, LABELS))


def test_outputs_that_are_not_clear_are_told_by_their_names():
    with pytest.raises((TypeError, ValueError), match=r"dict of boxes \(23, 4\), scores \(23, 4\)"):
        logits_of({"boxes": SCORES, "scores": SCORES})
