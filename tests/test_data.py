"""Data are inputs with a target each; draws follow a seed and every class has its share."""

import numpy as np
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


def test_parts_are_all_rows_in_their_order():
    parts = list(rows().parts(8))
    assert list(map(len, parts)) == [8, 8, 8, 6]
    assert torch.equal(torch.cat([part.inputs for part in parts]), rows().inputs)
    assert rows().first(4).inputs[:, 0].tolist() == [0, 1, 2, 3]
    assert len(rows().first(99)) == 30


def test_a_sample_gives_every_class_its_share():
    labels = torch.tensor([0] * 80 + [1] * 15 + [2] * 5)
    sample = Data(torch.randn(100, 2), labels).sample(20)
    assert torch.bincount(sample.labels).tolist() == [16, 3, 1]
    assert len(rows().sample(100)) == 30


def test_a_sample_of_numbers_is_of_distinct_rows():
    data = Data(torch.arange(50.0)[:, None], torch.arange(50) / 7)
    sample = data.sample(20, seed=3)
    assert len(sample.inputs.unique()) == 20
    torch.testing.assert_close(sample.targets, sample.inputs[:, 0] / 7)


def test_datasets_loaders_and_pairs_are_read_whole():
    x, y = torch.randn(5, 2), torch.arange(5)
    for source in (TensorDataset(x, y), DataLoader(TensorDataset(x, y), 2), (x, y), Data(x, y)):
        data = Data.of(source)
        assert torch.equal(data.inputs, x)
        assert torch.equal(data.labels, y)


@pytest.mark.parametrize(
    "kind", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.uint64, bool, ">i4"]
)
def test_class_numbers_of_any_width_are_int64(kind):
    data = Data(np.zeros((3, 2), dtype="f4"), np.array([0, 1, 1]).astype(kind))
    assert data.targets.dtype == torch.long
    assert data.labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize("targets", [[0.7, 2.22, 1.0], np.array([0.7, 2.22, 1.0])])
def test_numbers_are_never_rounded_to_classes(targets):
    data = Data.of(([[1.0], [2.0], [3.0]], targets))
    np.testing.assert_allclose(data.targets.numpy(), np.asarray(targets), rtol=1e-6)
    with pytest.raises(ValueError, match="class numbers 0, 1"):
        data.labels  # noqa: B018


def test_inputs_of_several_tensors_keep_their_form():
    x, ids, y = torch.randn(4, 2), torch.arange(4), torch.arange(4)
    several = Data((x, ids), y)
    assert torch.equal(several[1:3].inputs[1], ids[1:3])
    named = Data({"x": x, "ids": ids}, y)
    assert list(named.sample(2).inputs) == ["x", "ids"]
    assert named.fingerprint() != several.fingerprint()


def test_rows_of_arrays_that_may_not_be_written_to_are_copied():
    array = np.arange(8.0).reshape(4, 2)
    array.flags.writeable = False
    data = Data(array[::-1], [0, 1, 2, 3])
    data.inputs.zero_()
    assert array[3].tolist() == [6, 7]


def test_inputs_do_not_carry_the_graph_that_made_them():
    inputs = torch.ones(3, 2, requires_grad=True) * 2
    assert not Data(inputs, torch.arange(3)).inputs.requires_grad


def test_additive_masks_may_hold_minus_infinity():
    mask = torch.tensor([[0.0, -torch.inf], [0.0, 0.0]])
    assert len(Data({"x": torch.zeros(2, 2), "mask": mask}, torch.arange(2))) == 2
    with pytest.raises(ValueError, match="not finite"):
        Data(mask, torch.arange(2))


def test_the_fingerprint_is_of_the_content():
    assert rows().fingerprint() == rows().fingerprint()
    assert rows().fingerprint() != rows(31).fingerprint()


@pytest.mark.parametrize(
    ("inputs", "labels", "words"),
    [
        (torch.zeros(3, 2), torch.zeros(2).long(), "3 inputs with 2 targets"),
        ((torch.zeros(3, 2), torch.zeros(4)), torch.zeros(3).long(), "3 and 4 inputs with 3"),
        (torch.zeros(0, 2), torch.zeros(0).long(), "at least one"),
        (torch.zeros(2, 2), torch.tensor(1), "with 0 targets"),
        (torch.tensor([[1.0], [torch.nan]]), torch.zeros(2).long(), r"rows \[1\]"),
        (torch.zeros(2, 2), torch.tensor([torch.inf, 0.0]), r"targets are not finite"),
        (np.array([["a"], ["b"]]), [0, 1], "text 'a'.*Tokenise"),
        (np.zeros((2, 2)), ["cat", "dog"], "text 'cat'.*Number the classes"),
        (np.zeros(2, dtype="M8[s]"), [0, 1], "datetime64"),
        (np.ma.masked_equal([[1.0], [2.0]], 2.0), [0, 1], "masked"),
        ([[1, 2], [3]], [0, 1], "one shape"),
    ],
)
def test_bad_data_say_what_is_wrong(inputs, labels, words):
    with pytest.raises(ValueError, match=words):
        Data(inputs, labels)


def test_the_labels_of_other_targets_are_refused():
    for targets in (torch.rand(3), torch.tensor([0, -1, 1]), torch.zeros(3, 4).long()):
        with pytest.raises(ValueError, match="class numbers"):
            Data(torch.zeros(3, 1), targets).labels  # noqa: B018
