"""Folders, data sets, loaders and tensors become data; what cannot be read is said."""

import numpy as np
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


def test_loaders_are_read_in_the_order_of_their_loop():
    source = TensorDataset(torch.arange(6.0)[:, None], torch.arange(6) % 2)
    assert read_data(DataLoader(source, 4)).inputs[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    shuffled = DataLoader(source, 4, shuffle=True)
    read = read_data(shuffled).inputs
    assert torch.equal(read, torch.cat([inputs for inputs, _ in shuffled]))
    some = DataLoader(source, 4, sampler=[5, 1, 3])
    assert read_data(some).inputs[:, 0].tolist() == [5, 1, 3]
    assert set(read_data(some, most=2).inputs[:, 0].tolist()) < {5, 1, 3}


def test_tensors_are_taken_as_they_are_or_sampled():
    data = Data(torch.rand(9, 2), torch.arange(9) % 3)
    assert read_data(data) is data
    assert len(read_data((data.inputs, data.labels), most=6)) == 6


class Walked(IterableDataset):
    def __iter__(self):
        return ((torch.tensor([float(i)]), i % 2) for i in range(9))


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: DataLoader(d, 4), iter])
def test_of_rows_without_numbers_some_are_drawn(wrap):
    assert read_data(wrap(Walked())).inputs[:, 0].tolist() == list(range(9))
    drawn = read_data(wrap(Walked()), most=4, seed=2)
    assert len(drawn.inputs.unique()) == 4
    assert torch.equal(drawn.labels, drawn.inputs[:, 0].long() % 2)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Counting(0), "no rows"),
        (TensorDataset(torch.zeros(3, 1)), "not a pair of an input and a label"),
        (TensorDataset(torch.full((3, 1), torch.nan), torch.zeros(3).long()), "not finite"),
    ],
)
def test_data_that_are_none_are_refused(source, words):
    with pytest.raises(ValueError, match=words):
        read_data(source)


def test_settings_that_would_be_ignored_are_refused():
    rows = TensorDataset(torch.zeros(3, 1), torch.zeros(3).long())
    with pytest.raises(ValueError, match="most=0"):
        read_data(rows, most=0)
    with pytest.raises(ValueError, match="for a folder of images"):
        read_data(rows, size=8)
    with pytest.raises(TypeError, match="a network"):
        read_data(torch.nn.Linear(1, 1), most=2)


# ------------------------------------------------------------------ folders as people have them


@pytest.mark.parametrize("name", [".ipynb_checkpoints", "__MACOSX", ".git"])
def test_folders_that_programs_leave_behind_are_no_class(tmp_path, name):
    write(tmp_path)
    hidden = tmp_path / name
    hidden.mkdir()
    task = image_folder(tmp_path)
    for folder in (hidden, tmp_path / "ant" / name):
        folder.mkdir(exist_ok=True)
        Image.new("RGB", (4, 6)).save(folder / "0.png")
    (tmp_path / "bee" / "._0.png").write_bytes(b"no picture")
    (tmp_path / "bee" / "Thumbs.db").write_bytes(b"no picture")
    (tmp_path / "read me.txt").write_text("no picture")
    again = image_folder(tmp_path)
    assert again.card.classes == ("ant", "bee")
    assert again.train.fingerprint() == task.train.fingerprint()
    assert again.card.sizes == (6, 2, 2)


def test_a_hidden_folder_may_hold_the_pictures(tmp_path):
    assert len(read_data(write(tmp_path / ".cache" / "pictures"))) == 10


@pytest.mark.parametrize("name", ["val", "valid", "Validation", "dev"])
@pytest.mark.parametrize(("learn", "report"), [("train", "test"), ("training", "Testing")])
def test_parts_are_known_by_their_usual_names(tmp_path, learn, name, report):
    for folder, many in ((learn, 5), (name, 2), (report, 3)):
        write(tmp_path / folder, per_class=many)
    (tmp_path / ".DS_Store").mkdir()
    assert image_folder(tmp_path).card.sizes == (10, 4, 6)


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (["train", "extra"], "'extra', which is not a part"),
        (["train", "val", "valid"], "'val' and 'valid', which both mean val"),
        (["val", "test"], "no folder train"),
    ],
)
def test_parts_that_are_not_clear_are_refused(tmp_path, folders, words):
    for name in folders:
        write(tmp_path / name)
    with pytest.raises(ValueError, match=words):
        image_folder(tmp_path)


def test_a_class_may_be_called_train(tmp_path):
    write(tmp_path, classes=["bus", "train"])
    assert image_folder(tmp_path).card.classes == ("bus", "train")


def test_the_parts_of_a_folder_are_not_read_as_classes(tmp_path):
    write(tmp_path / "train")
    write(tmp_path / "test")
    with pytest.raises(ValueError, match="has 'train' and 'test'"):
        read_data(tmp_path)
    assert len(read_data(tmp_path / "train")) == 10


def picture(mode, *values):
    """Two columns wide, three rows high, of one colour."""
    return Image.new(mode, (2, 3), values[0] if len(values) == 1 else values)


def grey(values, *, mode=None):
    array = np.full((3, 2), values)
    return Image.frombytes(mode, (2, 3), array.tobytes()) if mode else Image.fromarray(array)


def palette():
    image = picture("P", 1)
    image.putpalette([0, 0, 0, 51, 102, 153] + [0] * (254 * 3))
    return image


FILES = {
    "16 bits.png": (grey(np.uint16(13107)), (0.2, 0.2, 0.2)),
    "16 bits.tif": (grey(np.uint16(13107)), (0.2, 0.2, 0.2)),
    "big ends.tif": (grey(np.array(13107, dtype=">u2"), mode="I;16B"), (0.2, 0.2, 0.2)),
    "white of 16 bits.png": (grey(np.uint16(65535)), (1.0, 1.0, 1.0)),
    "32 bits.tif": (grey(np.int32(13107)), (0.2, 0.2, 0.2)),
    "floats.tif": (grey(np.float32(0.2)), (0.2, 0.2, 0.2)),
    "8 bits.png": (picture("L", 51), (0.2, 0.2, 0.2)),
    "grey with alpha.png": (picture("LA", 51, 0), (0.2, 0.2, 0.2)),
    "colours with alpha.png": (picture("RGBA", 51, 102, 153, 7), (0.2, 0.4, 0.6)),
    "palette.png": (palette(), (0.2, 0.4, 0.6)),
    "palette.gif.png": (palette(), (0.2, 0.4, 0.6)),
    "ink.tif": (picture("CMYK", 204, 153, 102, 0), (0.2, 0.4, 0.6)),
    "1 bit.png": (picture("1", 1), (1.0, 1.0, 1.0)),
}


@pytest.mark.parametrize("name", FILES)
def test_pictures_of_any_mode_are_read_with_their_colours(tmp_path, name):
    image, colour = FILES[name]
    (tmp_path / "one").mkdir()
    image.save(tmp_path / "one" / name)
    inputs = read_data(tmp_path).inputs
    assert inputs.shape == (1, 3, 3, 2)
    expected = torch.tensor(colour)[:, None, None].expand(3, 3, 2)
    torch.testing.assert_close(inputs[0], expected, atol=1e-6, rtol=0, check_stride=False)
    small = read_data(tmp_path, size=(2, 1)).inputs
    torch.testing.assert_close(small[0, :, 0, 0], torch.tensor(colour), atol=3e-3, rtol=0)


def test_grey_of_16_bits_goes_with_colours_and_through_a_readers_transform(tmp_path):
    from torchvision.transforms.functional import pil_to_tensor

    for name, image in (("a", grey(np.uint16(3000))), ("b", picture("RGB", 12, 12, 12))):
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "0.png")
    seen = read_data(tmp_path, transform=pil_to_tensor)
    assert seen.inputs.unique().tolist() == [12]  # 3000 · 255 / 65535 = 11.67
    assert image_shades(read_data(tmp_path)) == pytest.approx([3000 / 65535, 12 / 255])


def image_shades(data):
    return data.inputs.mean((1, 2, 3)).tolist()


@pytest.mark.parametrize("values", [np.int32(70_000), np.float32(80.0), np.int32(-1)])
def test_grey_values_of_an_unknown_range_are_refused_by_name(tmp_path, values):
    (tmp_path / "one").mkdir()
    grey(values).save(tmp_path / "one" / "deep.tif")
    with pytest.raises(ValueError, match=r"deep\.tif cannot be read .its values run from"):
        read_data(tmp_path)


def test_pictures_stand_upright_as_their_camera_noted(tmp_path):
    (tmp_path / "one").mkdir()
    image = Image.fromarray(np.repeat(np.uint8([[[0], [255]]]), 3, 2))  # black, then white
    notes = Image.Exif()
    notes[0x0112] = 6  # turned by a quarter, clockwise
    image.save(tmp_path / "one" / "turned.png", exif=notes)
    assert read_data(tmp_path).inputs[0, 0].tolist() == [[0.0], [1.0]]


def test_plain_pictures_are_read_as_torchvision_reads_them(tmp_path):
    from torchvision.datasets import ImageFolder
    from torchvision.transforms.functional import to_tensor

    generator = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(3):
            image = Image.fromarray(generator.integers(0, 256, (5, 4, 3), dtype=np.uint8))
            image.save(tmp_path / name / f"{i}.jpg")
    expected = ImageFolder(tmp_path, to_tensor)
    data = read_data(tmp_path)
    torch.testing.assert_close(data.inputs, torch.stack([image for image, _ in expected]))
    assert data.labels.tolist() == expected.targets
