"""Whatever people bring is read as a plain loop over it reads it, or refused with what it holds."""

import random
from collections import UserDict, namedtuple
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)
from tqdm import tqdm

from fusionlab import Data

N = 7
X = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
Y = torch.arange(N) % 3
Row = namedtuple("Row", "image label")


class Rows(Dataset):
    """Looked up by number, as Hugging Face's tables and torch's data sets are."""

    def __init__(self, rows):
        self.rows = list(rows)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        if not 0 <= i < len(self.rows):
            raise KeyError(i)  # no data set must raise an IndexError
        return self.rows[i]


class Walked(IterableDataset):
    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter(self.rows)


def pairs(targets=Y):
    return [(x, y) for x, y in zip(X, targets, strict=True)]


def same(data: Data, inputs=X, targets=Y) -> None:
    assert torch.equal(data.targets, targets)
    assert data.targets.dtype == targets.dtype
    if isinstance(inputs, dict):
        assert list(data.inputs) == list(inputs)
        data_inputs, inputs = data.inputs.values(), inputs.values()
    elif isinstance(inputs, tuple):
        assert isinstance(data.inputs, tuple)
        data_inputs = data.inputs
    else:
        data_inputs, inputs = [data.inputs], [inputs]
    for one, other in zip(data_inputs, inputs, strict=True):
        assert torch.equal(one, other)
        assert one.dtype == other.dtype


WAYS = {
    "a pair": lambda: (X, Y),
    "a list of two tensors": lambda: [X, Y],
    "arrays": lambda: (X.numpy(), Y.numpy()),
    "lists of numbers": lambda: (X.tolist(), Y.tolist()),
    "a list of rows as inputs": lambda: (list(X), Y.tolist()),
    "a list of arrays as inputs": lambda: ([x.numpy() for x in X], Y.numpy()),
    "columns of rows": lambda: tuple(zip(*pairs(), strict=True)),
    "an object array": lambda: (X.numpy().astype(object), Y.numpy().astype(object)),
    "a sparse matrix": lambda: (scipy.sparse.csr_matrix(X.numpy()), Y.numpy()),
    "a sparse tensor": lambda: (X.to_sparse(), Y),
    "a dict with labels": lambda: {"pixel_values": X, "labels": Y},
    "a dict with y": lambda: {"x": X.numpy(), "y": Y.numpy()},
    "a batch encoding": lambda: UserDict(input_values=X, labels=Y),
    "an object with inputs and targets": lambda: SimpleNamespace(inputs=X, targets=Y),
    "a list of rows": pairs,
    "rows as lists": lambda: [[x.tolist(), int(y)] for x, y in pairs()],
    "rows with array labels": lambda: [(x.numpy(), np.array(y)) for x, y in pairs(Y.numpy())],
    "rows with NumPy labels": lambda: [(x, np.uint8(y)) for x, y in pairs(Y.numpy())],
    "named tuples": lambda: [Row(x, int(y)) for x, y in pairs()],
    "rows as dicts": lambda: [{"image": x, "label": int(y)} for x, y in pairs()],
    "a generator": lambda: (pair for pair in pairs()),
    "a map": lambda: map(tuple, pairs()),
    "a progress bar": lambda: tqdm(pairs(), disable=True),
    "a data set": lambda: Rows(pairs()),
    "tensors as a data set": lambda: TensorDataset(X, Y),
    "a subset": lambda: Subset(TensorDataset(X.flip(0), Y.flip(0)), list(range(N))[::-1]),
    "joined data sets": lambda: ConcatDataset([Rows(pairs()[:3]), Rows(pairs()[3:])]),
    "a walked data set": lambda: Walked(pairs()),
    "rows of a table": lambda: Rows({"x": x.tolist(), "label": int(y)} for x, y in pairs()),
    "a loader": lambda: DataLoader(TensorDataset(X, Y), 3),
    "a loader of dicts": lambda: DataLoader(Rows({"x": x, "target": y} for x, y in pairs()), 3),
    "a loader of a walked data set": lambda: DataLoader(Walked(pairs()), 3),
    "a loader without batches": lambda: DataLoader(TensorDataset(X, Y), batch_size=None),
    "a loader of whole batches": lambda: DataLoader(
        TensorDataset(X, Y),
        batch_size=None,
        sampler=BatchSampler(SequentialSampler(range(N)), 3, drop_last=False),
    ),
    "a loader that collates nothing": lambda: DataLoader(Rows(pairs()), 2, collate_fn=list),
    "a loader that takes the one row": lambda: DataLoader(
        Rows(pairs()), 1, collate_fn=lambda rows: rows[0]
    ),
    "a loader with workers": lambda: DataLoader(TensorDataset(X, Y), 2, num_workers=2),
    "batches as data": lambda: [Data(X[:4], Y[:4]), Data(X[4:], Y[4:])],
    "rows with their number": lambda: TensorDataset(X, Y, torch.arange(N)),
    "a list with numbers": lambda: [(x, int(y), i) for i, (x, y) in enumerate(pairs())],
    "a loader with numbers": lambda: DataLoader(TensorDataset(X, Y, torch.arange(N)), 3),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_gives_the_same_rows(way):
    data = Data.of(WAYS[way]())
    inputs = data.inputs
    assert torch.equal(inputs.float() if inputs.dtype == torch.double else inputs, X)
    assert data.targets.dtype == torch.long
    assert torch.equal(data.labels, Y)


def test_a_frame_and_a_column_are_a_pair():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.5, 2.0], "b": [True, False], "c": [3, 4]})
    expected = torch.tensor([[1.5, 1, 3], [2, 0, 4]], dtype=torch.double)
    same(Data.of((frame, pandas.Series([1, 0]))), expected, torch.tensor([1, 0]))
    with pytest.raises(TypeError, match=r"columns a, b, c.*by a pair"):
        Data.of(frame)
    with pytest.raises(ValueError, match="text 'cat'"):
        Data.of((frame, pandas.Series(["cat", "dog"])))
    with pytest.raises(ValueError, match="text 'u'"):
        Data.of((frame.assign(d=["u", "v"]), pandas.Series([1, 0])))


SEVERAL = {
    "a pair of a tuple": lambda: ((X, Y + 0.5), Y),
    "a pair of a list": lambda: ([X, Y + 0.5], Y),
    "rows": lambda: [((x, y + 0.5), y) for x, y in pairs()],
    "a data set": lambda: Rows(((x, y + 0.5), y) for x, y in pairs()),
    "a loader": lambda: DataLoader(Rows(((x, y + 0.5), y) for x, y in pairs()), 2),
}


@pytest.mark.parametrize("way", SEVERAL)
def test_inputs_in_a_tuple_stay_positional(way):
    same(Data.of(SEVERAL[way]()), (X, Y + 0.5))


IDS, MASK = (10 * X).long(), (X > 0).long()
NAMED = {
    "a pair": lambda: ({"input_ids": IDS, "attention_mask": MASK}, Y),
    "a mapping": lambda: UserDict(input_ids=IDS, attention_mask=MASK, labels=Y),
    "rows": lambda: [({"input_ids": IDS[i], "attention_mask": MASK[i]}, Y[i]) for i in range(N)],
    "a table": lambda: Rows(
        {"label": int(Y[i]), "input_ids": IDS[i].tolist(), "attention_mask": MASK[i].tolist()}
        for i in range(N)
    ),
    "a loader": lambda: DataLoader(
        Rows({"input_ids": IDS[i], "attention_mask": MASK[i], "labels": Y[i]} for i in range(N)), 2
    ),
}


@pytest.mark.parametrize("way", NAMED)
def test_inputs_by_name_stay_named(way):
    same(Data.of(NAMED[way]()), {"input_ids": IDS, "attention_mask": MASK})


def test_one_named_input_of_a_pair_stays_named_and_of_a_table_is_a_tensor():
    same(Data.of(({"x": X}, Y)), {"x": X})
    same(Data.of({"x": X, "y": Y}), X)


@pytest.mark.parametrize(
    "targets",
    [
        torch.rand(N),
        torch.rand(N, 2),
        torch.randint(2, (N, 4)),
        torch.randint(3, (N, 8, 8)),
        torch.randint(2, (N, 1)),
    ],
)
def test_targets_of_any_shape_and_kind_stay_as_they_are(targets):
    wide = X[:, :, None, None].expand(-1, -1, 8, 8)
    for source in ((wide, targets), TensorDataset(wide, targets), zip(wide, targets, strict=True)):
        same(Data.of(source), wide, targets)


def test_a_float_among_whole_targets_is_not_rounded():
    assert Data.of([([1.0], 0), ([2.0], 0.7), ([3.0], 2)]).targets.tolist() == pytest.approx(
        [0, 0.7, 2]
    )


def test_targets_in_a_list_are_one_for_each_row():
    masks = [torch.randint(3, (8, 8)) for _ in range(N)]
    same(Data.of((X, masks)), X, torch.stack(masks))
    same(Data.of(tuple(zip(*zip(X, masks, strict=True), strict=True))), X, torch.stack(masks))


def test_numbers_of_other_libraries_are_numbers():
    rows = [([Decimal("1.5"), Fraction(1, 4)], 1), ([2.5, 3.0], 0)]
    expected = torch.tensor([[1.5, 0.25], [2.5, 3]], dtype=torch.double)
    same(Data.of(rows), expected, torch.tensor([1, 0]))
    objects = np.array([row for row, _ in rows], dtype=object)
    same(Data.of((objects, [1, 0])), expected, torch.tensor([1, 0]))


def test_bytes_stay_bytes():
    assert Data.of(TensorDataset(torch.zeros(2, 3, dtype=torch.uint8), Y[:2])).inputs.dtype == (
        torch.uint8
    )


# ------------------------------------------------------------------ loaders


@settings(max_examples=60)
@given(
    n=st.integers(1, 12),
    size=st.integers(1, 5),
    kind=st.sampled_from(["plain", "shuffle", "subset", "weighted", "repeated", "batches", "own"]),
    drop=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_loader_is_read_as_a_loop_sees_it(n, size, kind, drop, seed):
    x, y = torch.rand(n, 2), torch.arange(n)
    data = TensorDataset(x, y)
    samplers = {
        "subset": lambda: SubsetRandomSampler(range(0, n, 2)),
        "weighted": lambda: WeightedRandomSampler([1.0] * n, n),
        "repeated": lambda: RandomSampler(data, replacement=True, num_samples=2 * n),
        "own": lambda: RandomSampler(data, generator=torch.Generator().manual_seed(seed)),
    }
    drop = drop and n // 2 >= size  # something is left of each kind
    if kind == "batches":
        batches = [list(range(i, min(i + size, n))) for i in range(0, n, size)][::-1]
        loader = DataLoader(data, batch_sampler=batches)
    elif kind in samplers:
        loader = DataLoader(data, size, sampler=samplers[kind](), drop_last=drop)
    else:
        loader = DataLoader(data, size, shuffle=kind == "shuffle", drop_last=drop)
    torch.manual_seed(seed)
    before = torch.get_rng_state()
    read = Data.of(loader)
    assert torch.equal(torch.get_rng_state(), before)
    inputs, labels = map(torch.cat, zip(*loader, strict=True))
    same(read, inputs, labels)


def test_reading_leaves_all_random_states_as_they_were():
    class Augmented(Rows):
        def __getitem__(self, i):
            x, y = super().__getitem__(i)
            return x + torch.rand(3) + random.random() + np.random.rand(), y  # noqa: NPY002

    own = torch.Generator().manual_seed(3)
    loader = DataLoader(Augmented(pairs()), 2, shuffle=True, generator=own)
    for source in (loader, Augmented(pairs()), (Augmented(pairs())[i] for i in range(N))):
        states = torch.get_rng_state(), np.random.get_state()[1], random.getstate()  # noqa: NPY002
        kept = own.get_state()
        Data.of(source)
        assert torch.equal(torch.get_rng_state(), states[0])
        assert (np.random.get_state()[1] == states[1]).all()  # noqa: NPY002
        assert random.getstate() == states[2]
        assert torch.equal(own.get_state(), kept)


def test_rows_that_a_collation_pads_alike_are_read():
    def pad(rows):
        ids = nn.utils.rnn.pad_sequence([torch.tensor(r["ids"]) for r in rows], batch_first=True)
        return {"ids": ids, "labels": torch.tensor([r["label"] for r in rows])}

    table = [{"ids": [1, 2, 3], "label": 0}, {"ids": [4], "label": 1}] * 2
    read = Data.of(DataLoader(Rows(table), 2, collate_fn=pad))
    assert read.inputs.tolist() == [[1, 2, 3], [4, 0, 0]] * 2
    with pytest.raises(ValueError, match=r"batch 2 is \(1,\).*pad tokens"):
        Data.of(DataLoader(Rows([*table, table[1]]), 2, collate_fn=pad))


# ------------------------------------------------------------------ refusals

picture = Image.new("RGB", (6, 4))


class Empty(Rows):
    def __init__(self):
        super().__init__([])


REFUSED = {
    "three tensors": (lambda: TensorDataset(X, torch.rand(N), Y), "row 0 has 3 parts: float32"),
    "a whole number beside": (lambda: TensorDataset(X, Y + 5, Y), r"int64 \(\), int64 \(\)"),
    "its last part is arbitrary": (lambda: TensorDataset(X, Y, Y.flip(0)), "3 parts"),
    "two rows, numbered by chance": (lambda: TensorDataset(X[:2], Y[:2], Y[:2]), "3 parts"),
    "a loader of three": (lambda: DataLoader(TensorDataset(X, Y + 5, Y), 4), "row 0 has 3 parts"),
    "ids, mask, label": (lambda: TensorDataset(IDS, MASK, Y), r"\(\(x1, x2\), y\)"),
    "four tensors": (lambda: TensorDataset(X, X, X, Y), "row 0 has 4 parts"),
    "one tensor": (lambda: TensorDataset(X), "not a pair of an input and a label"),
    "three in a tuple": (lambda: (X, X, Y), "the source has 3 parts"),
    "rows without a label": (lambda: Rows([{"ids": [1], "mask": [1]}]), "a dict of 'ids', 'mask'"),
    "rows with two labels": (lambda: [{"x": 1.0, "label": 1, "y": 2}], "'label' and 'y'"),
    "a label alone": (lambda: [{"label": 1}], "no input"),
    "a dict of parts": (lambda: {"train": X, "test": X}, r"data\['train'\]"),
    "pictures": (lambda: Rows([(picture, 0)]), r"picture \(RGB, 4 × 6\).*transform"),
    "pictures in a loader": (lambda: DataLoader(Rows([(picture, 0)])), "give the data set a tran"),
    "walked pictures": (lambda: DataLoader(Walked([(picture, 0)])), "give the data set a tran"),
    "texts": (lambda: Rows([{"text": "a film", "label": 1}]), "text 'a film'.*Tokenise"),
    "texts in a loader": (lambda: DataLoader(Rows([{"text": "a film", "label": 1}])), "Tokenise"),
    "tokens and texts": (lambda: [{"ids": [1], "text": "a", "label": 1}], "'text'.*drop that col"),
    "named labels": (lambda: [(X[0], "cat")], "Number the classes"),
    "ragged tokens": (
        lambda: Rows([{"ids": [1, 2], "label": 1}, {"ids": [1], "label": 1}]),
        r"row 1 is \(1,\).*pad tokens",
    ),
    "ragged rows in a loader": (
        lambda: DataLoader(Rows([(X[0], 1), (X[0, :2], 1)]), 2),
        r"row 1 is \(2,\)",
    ),
    "ragged targets": (lambda: [(X[0], [1, 2]), (X[0], [1])], "targets are not"),
    "rows of unlike parts": (lambda: [(X[0], 1), ((X[0], X[0]), 1)], "same parts"),
    "arguments of other lengths": (lambda: ((X, X), Y[:2]), "7 inputs with 2 targets"),
    "two targets": (lambda: (X, [Y, Y]), "2 tensors as targets"),
    "two targets in batches of two": (
        lambda: DataLoader(Rows([(X[0], (1, 2))] * 4), 2),
        r"torch.stack\(targets, 1\)",
    ),
    "too large a number": (lambda: (np.full((3, 1), 2**63 + 1), [0, 1, 2]), "above 2⁶³"),
    "dates": (lambda: (np.zeros(2, dtype="M8[D]"), [0, 1]), "datetime64"),
    "a file of arrays": (lambda: {"x_train": X, "y_train": Y}, "Or give a pair"),
    "boxes as targets": (lambda: [(X[0], {"boxes": X})], "a dict of 'boxes'"),
    "nothing as a target": (lambda: [(X[0], None)], "None"),
    "no rows": (Empty, "no rows"),
    "an empty list": (list, "no rows"),
    "an exhausted generator": (lambda: iter(()), "no rows"),
    "a loader that drops all": (lambda: DataLoader(Rows(pairs()), 8, drop_last=True), "drop_last"),
    "rows or batches": (lambda: (pair for pair in [(X, Y), (X, Y)]), "could be a batch"),
    "two rows or a pair": (lambda: [[[1.0], [2.0]], [0, 1]], "round brackets"),
    "rows or arguments": (lambda: ([torch.eye(3)[i] for i in range(3)], [0, 1, 2]), "torch.stack"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_rows_that_are_not_clear_are_refused_with_what_they_hold(what):
    source, words = REFUSED[what]
    with pytest.raises(ValueError, match=words):
        Data.of(source())


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "nothing"),
        ("pictures/", "lab.read_data"),
        (nn.Linear(1, 1), "a network .Linear.*model comes first"),
        (X, r"Give a pair \(inputs, targets\)"),
        (X.numpy(), "a pair"),
        (3, "type int"),
        (Rows, "the class Rows"),
        (len, "the function len"),
        (SimpleNamespace(train=1, test=2), "task.train or task.test"),
    ],
)
def test_what_is_no_data_is_refused_with_what_to_give(source, words):
    with pytest.raises(TypeError, match=words):
        Data.of(source)


def test_a_fault_of_the_data_set_is_told_with_its_row():
    class Broken(Rows):
        def __getitem__(self, i):
            return X[i], 1 // (i - 2)

    with pytest.raises(ZeroDivisionError) as caught:
        Data.of(Broken(pairs()))
    assert "row 2" in caught.value.__notes__[0]


def test_a_bunch_of_many_parts_asks_for_the_two_that_are_meant():
    from sklearn.datasets import load_iris

    iris = load_iris()
    with pytest.raises(ValueError, match="'frame' there is None") as caught:
        Data.of(iris)
    assert "pair of parts" in caught.value.__notes__[0]
    assert len(Data.of((iris["data"], iris["target"]))) == 150


def test_two_rows_in_a_list_are_rows_and_two_tensors_a_pair():
    same(Data.of([(X[0], 0), (X[1], 1)]), X[:2], torch.tensor([0, 1]))
    same(Data.of([X[:2], torch.tensor([0, 1])]), X[:2], torch.tensor([0, 1]))


def test_numbers_of_a_subset_are_those_of_its_data_set():
    numbered = TensorDataset(X, Y, torch.arange(N))
    same(Data.of(Subset(numbered, [5, 1, 3])), X[[5, 1, 3]], Y[[5, 1, 3]])
    shuffled = DataLoader(numbered, 3, shuffle=True, generator=torch.Generator().manual_seed(1))
    assert sorted(Data.of(shuffled).inputs[:, 0].tolist()) == sorted(X[:, 0].tolist())
