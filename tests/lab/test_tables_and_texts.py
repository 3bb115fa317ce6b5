"""Tasks whose answers are no classes are what their sources say."""

import pytest
import torch
from sklearn.datasets import load_diabetes

from fusionlab.lab import characters, diabetes
from fusionlab.lab.texts import CHARACTERS


def test_the_table_is_in_standard_deviations_of_its_training_part():
    train = diabetes().train
    assert train.inputs.mean(0).abs().max() < 1e-5
    assert torch.allclose(train.inputs.std(0), torch.ones(10), atol=1e-5)
    assert float(train.targets.var()) == pytest.approx(1, abs=1e-5)


def test_every_patient_is_in_one_part_of_the_table():
    task, source = diabetes(), load_diabetes(scaled=False)
    found = torch.cat([task.train.targets, task.val.targets, task.test.targets])
    assert len(found) == len(source.target) == 442
    order, expected = found.sort().values, torch.tensor(source.target).sort().values
    assert torch.corrcoef(torch.stack([order.double(), expected]))[0, 1] > 1 - 1e-9


def test_each_character_is_followed_by_its_target():
    task = characters(length=10)
    for part in (task.train, task.val, task.test):
        assert torch.equal(part.inputs[:, 1:], part.targets[:, :-1])
        assert torch.equal(part.inputs[1:, 0], part.targets[:-1, -1])
        assert len(CHARACTERS) == 27 > int(part.targets.max())


def test_the_text_reads_like_english():
    words = "".join(CHARACTERS[i] for i in characters().train.inputs.flatten().tolist())
    assert words.count(" the ") > 50
    assert "  " not in words


def test_more_rows_than_the_text_has_are_refused():
    with pytest.raises(ValueError, match="give fewer or shorter rows"):
        characters(n_train=10**6)
