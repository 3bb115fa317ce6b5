"""The reader's own network is taken whole or not at all, and what is missing is said."""

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights
from fusionlab.checkpoints import save
from fusionlab.teach import bring_your_own, goes_wrong

MODEL = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
DATA = Data(torch.randn(20, 4), torch.arange(20) % 3)
OURS = (MODEL, Weights.of(MODEL), Weights.of(MODEL), DATA)


def test_without_anything_ours_run_and_the_list_is_long():
    own = bring_your_own(ours=OURS)
    assert not own.theirs
    assert (own.model, own.a, own.b, own.data) == OURS
    assert str(own).count(";") == 3


def test_what_is_missing_is_named_exactly():
    own = bring_your_own(model=MODEL, a=MODEL, data=DATA, ours=OURS)
    assert not own.theirs
    assert "Still missing: the second trained point." in str(own)


def test_files_modules_and_points_are_taken(tmp_path):
    mine = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    save(tmp_path / "a.safetensors", Weights.of(mine))
    torch.save(mine.state_dict(), tmp_path / "a.pt")
    for source in (tmp_path / "a.safetensors", tmp_path / "a.pt", mine, Weights.of(mine)):
        own = bring_your_own(model=MODEL, a=source, b=MODEL, data=DATA, ours=OURS)
        assert own.theirs
        assert torch.equal(own.a["0.weight"], mine[0].weight)
        assert "15 weights" not in str(own)
        assert f"{own.a.size} weights, 20 rows" in str(own)


def test_a_point_of_another_network_is_refused():
    with pytest.raises(ValueError, match="same widths"):
        bring_your_own(
            model=MODEL,
            a=nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3)),
            b=MODEL,
            data=DATA,
            ours=OURS,
        )


@pytest.mark.parametrize(
    ("inputs", "labels", "words"),
    [
        (torch.randn(20, 7), torch.arange(20) % 3, r"inputs of shape \(7,\)"),
        (torch.randn(20, 4), torch.arange(20) % 5, "labels run to 4"),
    ],
)
def test_data_that_do_not_fit_are_refused(inputs, labels, words):
    with pytest.raises(ValueError, match=words):
        bring_your_own(model=MODEL, a=MODEL, b=MODEL, data=(inputs, labels), ours=OURS)


def test_a_failure_on_purpose_is_shown_and_the_notebook_goes_on(capsys):
    with goes_wrong():
        Weights.of(MODEL) * Weights.of(MODEL)
    assert "TypeError: unsupported operand" in capsys.readouterr().out


def test_a_failure_that_does_not_come_is_an_error():
    with pytest.raises(AssertionError, match="did not"), goes_wrong():
        pass
