"""Tasks have three disjoint parts that do not move, and a card that tells the truth."""

import pytest
import torch
from torch.utils.data import TensorDataset

from fusionlab import Data
from fusionlab.lab import Task, digits, letters, spirals, two_moons
from fusionlab.lab.glyphs import draw_glyphs

OFFLINE = {
    "digits": (digits, (1, 8, 8), 10, (1000, 297, 500)),
    "letters": (letters, (1, 16, 16), 26, (2000, 500, 1000)),
    "two_moons": (two_moons, (2,), 2, (500, 500, 500)),
    "spirals": (spirals, (2,), 2, (500, 500, 500)),
}
every_task = pytest.mark.parametrize("name", OFFLINE)


def parts(task: Task) -> list[Data]:
    return [task.train, task.val, task.test]


def rows(data: Data) -> set[bytes]:
    return {row.numpy().tobytes() for row in data.inputs}


@every_task
def test_no_row_is_in_two_parts(name):
    seen = [row for part in parts(OFFLINE[name][0]()) for row in rows(part)]
    assert len(seen) == len(set(seen))


@every_task
def test_the_card_says_what_the_data_are(name):
    make, shape, classes, sizes = OFFLINE[name]
    task = make()
    assert task.name == name
    assert task.card.shape == shape
    assert task.card.sizes == sizes == tuple(map(len, parts(task)))
    assert len(task.card.classes) == classes
    for part in parts(task):
        assert part.inputs.shape[1:] == shape
        assert part.inputs.dtype == torch.float32
        assert part.labels.unique().tolist() == list(range(classes))


@every_task
def test_a_task_is_the_same_every_time(name):
    make = OFFLINE[name][0]
    first, again = make(), make()
    for a, b in zip(parts(first), parts(again), strict=True):
        assert a.fingerprint() == b.fingerprint()


@every_task
def test_making_a_task_leaves_the_global_draws_alone(name, global_draws_untouched):
    with global_draws_untouched():
        OFFLINE[name][0]()


def test_the_digits_are_all_of_scikit_learns():
    from sklearn.datasets import load_digits

    theirs = load_digits()
    ours = [
        (row.mul(16).flatten().tolist(), label.item())
        for part in parts(digits())
        for row, label in zip(part.inputs, part.labels, strict=True)
    ]
    assert sorted(ours) == sorted(zip(theirs.data.tolist(), theirs.target.tolist(), strict=True))


def test_fewer_training_digits_leave_val_and_test_where_they_are():
    few, all_ = digits(n_train=300), digits()
    assert len(few.train) == 300
    assert rows(few.train) <= rows(all_.train)
    assert few.test.fingerprint() == all_.test.fingerprint()


def test_more_digits_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="n_train=2000: there are 1000 training examples"):
        digits(n_train=2000)


def test_fewer_training_letters_leave_val_and_test_where_they_are():
    few, all_ = letters(n_train=10), letters()
    assert few.val.fingerprint() == all_.val.fingerprint()
    assert few.test.fingerprint() == all_.test.fingerprint()


def test_the_letters_fill_the_frame():
    inked = letters(noise=0.0).train.inputs[:, 0] > 0.3
    high = inked.any(2).sum(1).float()  # rows with ink
    assert high.mean() > 8
    assert (high > 4).float().mean() > 0.98


def test_unwarped_letters_of_one_font_family_are_few_pictures():
    still = {"rotation": 0.0, "shear": 0.0, "shift": 0.0, "noise": 0.0, "scale": (1.0, 1.0)}
    task = letters(n_train=200, characters="AB", faces=["mono"], **still)
    assert len(rows(task.train)) <= 2 * 5  # letters times fonts
    assert task.card.classes == ("A", "B")


def test_a_turn_of_a_glyph_turns_its_picture():
    def draw(degrees: float) -> torch.Tensor:
        generator = torch.Generator().manual_seed(3)
        still = {"shear": 0.0, "shift": 0.0, "noise": 0.0, "scale": (1.0, 1.0)}
        labels = torch.zeros(1, dtype=torch.long)
        return draw_glyphs("L", labels, generator, faces=("mono",), rotation=degrees, **still)

    assert (draw(0.0) - draw(40.0)).abs().max() > 0.3
    assert draw(40.0).sum() == pytest.approx(draw(0.0).sum().item(), rel=0.1)


def test_without_noise_the_moons_are_half_circles_of_radius_one():
    data = two_moons(noise=0.0).train
    upper, lower = (data.inputs[data.labels == k] for k in (0, 1))
    torch.testing.assert_close(upper.norm(dim=1), torch.ones(250))
    torch.testing.assert_close((lower - torch.tensor([1.0, 0.5])).norm(dim=1), torch.ones(250))
    assert (upper[:, 1] >= 0).all()
    assert (lower[:, 1] <= 0.5).all()


def test_without_noise_a_spirals_angle_is_its_radius():
    data = spirals(noise=0.0, arms=3, turns=0.5).train
    radius, angle = data.inputs.norm(dim=1), torch.atan2(*data.inputs.T.flip(0))
    expected = 2 * torch.pi * (0.5 * radius + data.labels / 3)
    torch.testing.assert_close(torch.cos(angle - expected), torch.ones(500))


def test_another_seed_draws_other_points():
    assert not rows(two_moons(seed=1).train) & rows(two_moons(seed=0).train)


def test_your_own_tensors_are_divided_in_three():
    inputs, labels = torch.arange(50.0)[:, None], torch.arange(50) % 3
    task = Task.of((inputs, labels))
    assert task.card.sizes == (30, 10, 10)
    together = torch.cat([part.inputs for part in parts(task)]).flatten().sort().values
    assert torch.equal(together, torch.arange(50.0))
    assert Task.of((inputs, labels)).test.fingerprint() == task.test.fingerprint()


def test_your_own_datasets_stay_as_you_divided_them():
    sets = [TensorDataset(torch.rand(n, 4), torch.arange(n) % 2) for n in (6, 4, 2)]
    task = Task.of(*sets, name="mine", classes=["no", "yes"])
    assert task.card.sizes == (6, 4, 2)
    assert torch.equal(task.val.inputs, sets[1].tensors[0])
    assert task.card.classes == ("no", "yes")


def test_parts_of_different_shapes_are_no_task():
    one, two = ((torch.rand(5, w), torch.arange(5) % 2) for w in (2, 3))
    with pytest.raises(ValueError, match=r"inputs of val are \(3,\), those of train \(2,\)"):
        Task.of(one, two, one)


def test_targets_that_are_no_classes_make_a_task_without_any():
    inputs, targets = torch.rand(20, 3), torch.rand(20)
    task = Task.of((inputs, targets))
    assert task.card.classes == ()
    assert task.card.sizes == (12, 4, 4)
    assert "**Classes** none" in task.card._repr_markdown_()
    together = torch.cat([part.targets for part in parts(task)]).sort().values
    assert torch.equal(together, targets.sort().values)


def test_a_task_may_have_inputs_of_several_parts():
    inputs = {"ids": torch.arange(40).reshape(10, 4), "mask": torch.ones(10, 4)}
    task = Task.of((inputs, torch.arange(10) % 2))
    assert list(task.test.inputs) == ["ids", "mask"]
    assert task.card.shape == (4,)
    assert task.card.classes == ("0", "1")
    other = ({"ids": inputs["ids"]}, torch.arange(10) % 2)
    with pytest.raises(ValueError, match=r"of val are \(4,\), those of train ids \(4,\), mask"):
        Task.of(task.train, other, task.test)


def test_a_task_is_no_data_and_says_which_part_to_give():
    with pytest.raises(TypeError, match=r"task\.train or task\.test"):
        Data.of(two_moons(n=4))


def test_too_few_examples_are_not_divided():
    with pytest.raises(ValueError, match="3 examples are too few"):
        Task.of((torch.rand(3, 2), torch.tensor([0, 1, 0])))


def test_a_card_reads_as_text_in_a_notebook():
    text = digits().card._repr_markdown_()
    assert "1000 train, 297 val, 500 test; each input 1 × 8 × 8" in text
    assert "CC BY 4.0" in text
