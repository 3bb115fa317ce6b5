"""Data are rows with class numbers; draws follow a seed and every class has its share."""

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from fusionlab import Data


def rows(n: int = 30, classes: int = 3) -> Data:
    return Data(torch.arange(n, dtype=torch.float32)[:, None], torch.arange(n) % classes)


def test_batches_pass_once_through_all_rows_in_an_order_of_the_seed():
    state = torch.get_rng_state()
    first = torch.cat([b.inputs for b in rows().batches(7, seed=1)]).flatten()
    again = torch.cat([b.inputs for b in rows().batches(7, seed=1)]).flatten()
    other = torch.cat([b.inputs for b in rows().batches(7, seed=2)]).flatten()
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(first.sort().values, torch.arange(30.0))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_sample_gives_every_class_its_share():
    labels = torch.tensor([0] * 80 + [1] * 15 + [2] * 5)
    sample = Data(torch.randn(100, 2), labels).sample(20)
    assert torch.bincount(sample.labels).tolist() == [16, 3, 1]
    assert len(rows().sample(100)) == 30


def test_datasets_loaders_and_pairs_are_read_whole():
    x, y = torch.randn(5, 2), torch.arange(5)
    for source in (TensorDataset(x, y), DataLoader(TensorDataset(x, y), 2), (x, y), Data(x, y)):
        data = Data.of(source)
        assert torch.equal(data.inputs, x)
        assert torch.equal(data.labels, y)


def test_the_fingerprint_is_of_the_content():
    assert rows().fingerprint() == rows().fingerprint()
    assert rows().fingerprint() != rows(31).fingerprint()


@pytest.mark.parametrize(
    ("inputs", "labels", "words"),
    [
        (torch.zeros(3, 2), torch.zeros(2).long(), "3 inputs with 2 labels"),
        (torch.zeros(0, 2), torch.zeros(0).long(), "at least one"),
        (torch.zeros(2, 2), torch.zeros(2), "class numbers"),
        (torch.zeros(2, 2), torch.tensor([0, -1]), "class numbers"),
        (torch.tensor([[1.0], [torch.nan]]), torch.zeros(2).long(), r"rows \[1\]"),
    ],
)
def test_bad_data_say_what_is_wrong(inputs, labels, words):
    with pytest.raises(ValueError, match=words):
        Data(inputs, labels)
