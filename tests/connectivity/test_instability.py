"""Several networks are compared: their answers, and their two fusions."""

from itertools import combinations

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights, mean
from fusionlab.connectivity import Line, instability, profile
from fusionlab.landscape import Landscape

IDENTITY = nn.Linear(2, 2, bias=False)  # logits are W x
INPUTS = torch.eye(2).repeat(2, 1)  # so that the rows of Wᵀ are the logits
LABELS = torch.tensor([0, 1, 0, 0])
TABLE = Landscape(IDENTITY, Data(INPUTS, LABELS))


def table(*logits) -> Weights:
    """The network with these logits for the first and the second input."""
    return Weights({"weight": torch.tensor(logits).T})


def test_shares_of_a_table_of_answers():
    sure = table([2.0, 0.0], [0.0, 2.0])  # answers 0, 1, 0, 1: three of four right
    torn = table([0.0, 0.5], [0.5, 0.0])  # answers 1, 0, 1, 0: one of four
    found = instability(TABLE, [sure, torn])
    assert found.disagreement == 1
    assert found.single == 0.5
    assert found.ensemble == found.average == 0.75  # the sure one outvotes the other
    assert found.ensemble_gain == found.average_gain == 0.25


def test_one_sure_network_outvotes_two_that_hesitate():
    sure = table([9.0, 0.0], [0.0, 9.0])
    torn = table([0.0, 0.5], [0.5, 0.0])
    assert instability(TABLE, [sure, torn, torn]).ensemble == 0.75  # of votes it would be 0.25


def test_probabilities_are_averaged_and_not_logits():
    loud = table([9.0, 0.0], [0.0, 9.0])
    quiet = table([0.0, 3.0], [3.0, 0.0])  # sure at 95 %
    found = instability(TABLE, [loud, quiet, quiet])
    assert found.ensemble == 0.25  # 1.00 + 2 · 0.05 < 0.00 + 2 · 0.95
    assert found.average == 0.75  # the mean of the logits is (3, 2)
    assert found.disagreement == pytest.approx(2 / 3)


def test_one_network_several_times_is_stable():
    theta = table([2.0, 0.0], [0.0, 2.0])
    found = instability(TABLE, [theta] * 3)
    assert (found.disagreement, found.error_barrier) == (0, 0)
    assert found.ensemble_gain == found.average_gain == 0


def test_on_a_network_with_hidden_units_all_are_what_they_are_by_hand():
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 4)).double()
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.double)  # noqa: E731
    data = Data(draw(50, 3), torch.arange(50) % 4)
    thetas = [Weights.of(model).map(lambda t: draw(*t.shape)) for _ in range(4)]
    view = Landscape(model, data)
    found = instability(view, thetas, points=5)
    answers = [view.logits(theta, data.inputs).argmax(1) for theta in thetas]
    gaps = [(p != q).double().mean().item() for p, q in combinations(answers, 2)]
    assert found.disagreement == pytest.approx(sum(gaps) / 6)
    assert found.single == pytest.approx(sum(view(theta).accuracy for theta in thetas) / 4)
    assert found.average == view(mean(thetas)).accuracy
    lines = [Line(thetas[i], thetas[i + 1]) for i in range(3)]
    barriers = [profile(view, line, points=5).error_barrier for line in lines]
    assert found.error_barrier == pytest.approx(sum(barriers) / 3)


def test_one_network_alone_is_an_error():
    with pytest.raises(ValueError, match="two or more"):
        instability(TABLE, [table([1.0, 0.0], [0.0, 1.0])])
