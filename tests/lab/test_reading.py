"""Folders, data sets, loaders and tensors become data; what cannot be read is said."""

import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from fusionlab import Data
from fusionlab.lab import image_folder, read_data

SHADE = {"ant": 0, "bee": 255}


def write(folder, *, per_class=5, size=(6, 4), classes=SHADE):
    """Pictures of one shade per class, `size` is (height, width)."""
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(per_class):
            image = Image.new("RGB", size[::-1], (SHADE.get(name, 9), 0, 0))
            image.save(folder / name / f"{i}.png")
    return folder


def test_a_folder_of_images_becomes_a_task_with_its_classes(tmp_path):
    task = image_folder(write(tmp_path / "insects"))
    assert task.card.classes == ("ant", "bee")
    assert task.name == "insects"
    assert [len(part) for part in (task.train, task.val, task.test)] == [6, 2, 2]
    assert task.train.inputs.shape[1:] == (3, 6, 4)
    for part in (task.train, task.val, task.test):
        assert torch.equal(part.inputs[:, 0, 0, 0], part.labels.float())  # black ants, red bees


def test_parts_that_are_folders_stay_as_they_are(tmp_path):
    write(tmp_path / "train", per_class=5)
    write(tmp_path / "test", per_class=3)
    task = image_folder(tmp_path)
    assert [len(part) for part in (task.train, task.val, task.test)] == [8, 2, 6]


def test_parts_with_other_classes_are_refused(tmp_path):
    write(tmp_path / "train")
    write(tmp_path / "test", classes=["ant", "wasp"])
    with pytest.raises(ValueError, match="ant, wasp, train has ant, bee"):
        image_folder(tmp_path)


def test_size_grey_and_most_shape_the_images(tmp_path):
    write(tmp_path)
    task = image_folder(tmp_path, size=8, grey=True, most=6)
    assert task.train.inputs.shape[1:] == (1, 8, 8)
    assert sum(len(part) for part in (task.train, task.val, task.test)) == 6
    assert read_data(tmp_path, size=(5, 7), most=4).inputs.shape == (4, 3, 5, 7)


def test_a_transform_of_the_readers_own_is_taken(tmp_path):
    data = read_data(write(tmp_path), transform=lambda image: torch.full((2,), float(image.width)))
    assert torch.equal(data.inputs, torch.full((10, 2), 4.0))


def test_images_of_differing_sizes_are_named_with_the_way_out(tmp_path):
    write(tmp_path)
    Image.new("RGB", (9, 9)).save(tmp_path / "bee" / "odd.png")
    with pytest.raises(ValueError, match=r"odd\.png is \(3, 9, 9\).*give size="):
        image_folder(tmp_path)
    assert len(read_data(tmp_path, size=4)) == 11


def test_an_image_that_is_cut_short_is_named(tmp_path):
    write(tmp_path)
    file = tmp_path / "ant" / "0.png"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(ValueError, match=r"0\.png cannot be read"):
        image_folder(tmp_path)


@pytest.mark.parametrize("made", [[], ["ant"]])
def test_a_folder_without_images_is_refused(tmp_path, made):
    for name in made:
        (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match="one subfolder per class"):
        image_folder(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        read_data(tmp_path / "nowhere")


class Counting(Dataset):
    """Row i is (i, i mod 3); remembers what was asked."""

    def __init__(self, n):
        self.n, self.asked = n, []

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.asked.append(i)
        return torch.tensor([float(i)]), i % 3


def test_of_a_data_set_only_the_rows_that_are_wanted_are_read():
    source = Counting(1000)
    data = read_data(source, most=5, seed=1)
    assert data.inputs[:, 0].tolist() == source.asked
    assert len(set(source.asked)) == 5
    assert torch.equal(data.labels, data.inputs[:, 0].long() % 3)


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: DataLoader(d, batch_size=4, shuffle=True)])
def test_loaders_are_read_in_the_order_of_their_data_set(wrap):
    source = TensorDataset(torch.arange(6.0)[:, None], torch.arange(6) % 2)
    assert read_data(wrap(source)).inputs[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_tensors_are_taken_as_they_are_or_sampled():
    data = Data(torch.rand(9, 2), torch.arange(9) % 3)
    assert read_data(data) is data
    assert len(read_data((data.inputs, data.labels), most=6)) == 6


class Endless(IterableDataset):
    def __iter__(self):
        yield torch.zeros(1), 0


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Counting(0), "no rows"),
        (TensorDataset(torch.zeros(3, 1)), "no pair of an input and a label"),
        (TensorDataset(torch.full((3, 1), torch.nan), torch.zeros(3).long()), "not finite"),
    ],
)
def test_data_that_are_none_are_refused(source, words):
    with pytest.raises(ValueError, match=words):
        read_data(source)


def test_data_without_numbered_rows_are_refused():
    with pytest.raises(TypeError, match="walked through"):
        read_data(DataLoader(Endless()))
