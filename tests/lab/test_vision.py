"""The classic data sets are read in their real formats, from the disk where they are on it."""

import gzip
import hashlib
import pickle
import struct
import tarfile
import urllib.request
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision import datasets

from fusionlab.lab import cifar10, fashion_mnist, mnist, vision

DICE = np.random.default_rng(0)
SIZES = {"train": 40, "t10k": 10}
GREY = {n: DICE.integers(0, 256, (k, 28, 28), dtype=np.uint8) for n, k in SIZES.items()}
CLASSES = {n: np.arange(k, dtype=np.uint8) % 10 for n, k in SIZES.items()}
COLOUR = [DICE.integers(0, 256, (10, 3072), dtype=np.uint8) for _ in range(6)]


@pytest.fixture
def unplugged(monkeypatch):
    """No address answers."""

    def fail(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    monkeypatch.setattr(vision, "urlopen", fail)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def idx(array: np.ndarray) -> bytes:
    """The format of yann.lecun.com: two zeros, type 8 (ubyte), rank, sizes big-endian, bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder, monkeypatch, kind=datasets.MNIST) -> None:
    """Gzipped idx files, their checksums told to torchvision as it knows the real ones'."""
    folder.mkdir(parents=True)
    resources = []
    for part in SIZES:
        for what, array in (("images-idx3", GREY[part]), ("labels-idx1", CLASSES[part])):
            file = folder / f"{part}-{what}-ubyte.gz"
            file.write_bytes(gzip.compress(idx(array)))
            resources.append((file.name, md5(file.read_bytes())))
    monkeypatch.setattr(kind, "resources", resources)


def write_cifar(folder, monkeypatch) -> None:
    """The archive of pickled batches of rows of red, green and blue planes."""
    batches = folder / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    for name, rows in zip(names, COLOUR, strict=True):
        (batches / name).write_bytes(pickle.dumps({"data": rows, "labels": list(range(10))}))
    meta = pickle.dumps({"label_names": list("abcdefghij")})
    (batches / "batches.meta").write_bytes(meta)
    sums = [[name, md5((batches / name).read_bytes())] for name in names]
    monkeypatch.setattr(datasets.CIFAR10, "train_list", sums[:5])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", sums[5:])
    monkeypatch.setitem(datasets.CIFAR10.meta, "md5", md5(meta))
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(batches, batches.name)
    content = (folder / "cifar-10-python.tar.gz").read_bytes()
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", md5(content))


@pytest.mark.usefixtures("unplugged")
@pytest.mark.parametrize(("make", "kind"), [(mnist, "MNIST"), (fashion_mnist, "FashionMNIST")])
def test_gzipped_idx_files_are_read_without_a_network(
    own_root, monkeypatch, make, kind, global_draws_untouched
):
    write_idx(own_root / "downloads" / kind / "raw", monkeypatch, getattr(datasets, kind))
    with global_draws_untouched():
        task = make()
    assert task.card.sizes == (36, 4, 10)
    assert task.card.shape == (1, 28, 28)
    assert torch.equal(task.test.inputs[:, 0], torch.from_numpy(GREY["t10k"]) / 255)
    assert task.test.labels.tolist() == CLASSES["t10k"].tolist()
    learnt = torch.cat([task.train.inputs, task.val.inputs])[:, 0] * 255
    assert sorted(learnt.sum((1, 2)).round().int().tolist()) == sorted(
        GREY["train"].sum((1, 2)).tolist()
    )


def test_labels_stay_with_their_images(own_root, monkeypatch, unplugged):
    write_idx(own_root / "downloads/MNIST/raw", monkeypatch)
    task = mnist(n_train=5)
    assert len(task.train) == 5
    for image, label in zip(task.train.inputs[:, 0], task.train.labels, strict=True):
        pixels = (255 * image).round().to(torch.uint8).numpy()
        [where] = np.flatnonzero((GREY["train"] == pixels).all((1, 2)))
        assert CLASSES["train"][where] == label


def test_pickled_batches_are_read_without_a_network(own_root, monkeypatch, unplugged):
    write_cifar(own_root / "downloads", monkeypatch)
    task = cifar10()
    assert task.card.sizes == (45, 5, 10)
    assert task.card.shape == (3, 32, 32)
    planes = torch.from_numpy(COLOUR[5].reshape(10, 3, 32, 32))
    assert torch.equal(task.test.inputs, planes / 255)


def test_an_archive_on_the_disk_is_unpacked_again_where_a_file_was_cut_short(
    own_root, monkeypatch, unplugged
):
    write_idx(own_root / "downloads/MNIST/raw", monkeypatch)
    whole = mnist().test.fingerprint()
    cut = own_root / "downloads/MNIST/raw/t10k-images-idx3-ubyte"
    cut.write_bytes(cut.read_bytes()[:100])
    assert mnist().test.fingerprint() == whole


def test_archives_of_ones_own_are_named_with_their_checksums_and_the_way_out(
    own_root, monkeypatch, unplugged
):
    raw = own_root / "downloads/MNIST/raw"
    write_idx(raw, monkeypatch)
    packed = raw / "t10k-labels-idx1-ubyte.gz"
    expected, content = md5(packed.read_bytes()), gzip.decompress(packed.read_bytes())
    packed.write_bytes(gzip.compress(content, compresslevel=1, mtime=7))
    found = md5(packed.read_bytes())
    with pytest.raises(
        ConnectionError, match=rf"t10k-labels.*md5 {found} instead of {expected}.*unpack it beside"
    ):
        mnist(progress=False)
    for archive in raw.glob("*.gz"):
        archive.with_suffix("").write_bytes(gzip.decompress(archive.read_bytes()))
    assert mnist(progress=False).card.sizes == (36, 4, 10)


def test_files_that_a_reader_has_unpacked_are_not_thrown_away_for_a_stranger(
    own_root, monkeypatch, unplugged
):
    raw = own_root / "downloads/MNIST/raw"
    write_idx(raw, monkeypatch)
    packed = raw / "train-images-idx3-ubyte.gz"
    content = gzip.decompress(packed.read_bytes())
    packed.write_bytes(b"another stream")
    packed.with_suffix("").write_bytes(content)
    (raw / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ConnectionError, match=r"train-images-idx3-ubyte\.gz there has the md5"):
        mnist(progress=False)
    assert packed.with_suffix("").read_bytes() == content


def test_an_archive_that_was_cut_short_is_fetched_again(own_root, monkeypatch, tmp_path):
    write_idx(tmp_path / "server", monkeypatch)
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{(tmp_path / 'server').as_uri()}/"])
    first = mnist(progress=False)
    raw = own_root / "downloads/MNIST/raw"
    cut = raw / "t10k-images-idx3-ubyte.gz"
    cut.write_bytes(cut.read_bytes()[:100])
    cut.with_suffix("").unlink()
    assert mnist(progress=False).test.fingerprint() == first.test.fingerprint()


def test_a_damaged_batch_is_unpacked_again(own_root, monkeypatch, unplugged):
    write_cifar(own_root / "downloads", monkeypatch)
    cut = own_root / "downloads/cifar-10-batches-py/data_batch_3"
    cut.write_bytes(cut.read_bytes()[:100])
    assert cifar10().card.sizes == (45, 5, 10)


@pytest.mark.parametrize("make", [mnist, fashion_mnist, cifar10])
def test_without_data_and_network_the_error_names_digits(own_root, unplugged, make):
    with pytest.raises(ConnectionError, match=r"no route to host.*FUSIONLAB_DATA.*digits\(\)"):
        make(progress=False)
    left = [file for file in own_root.rglob("*") if file.is_file() and file.suffix != ".lock"]
    assert left == []


def test_what_is_missing_is_downloaded_once_below_the_data_root(own_root, monkeypatch, tmp_path):
    write_idx(tmp_path / "server", monkeypatch)
    monkeypatch.setattr(
        datasets.MNIST, "mirrors", ["file:///nowhere/", f"{(tmp_path / 'server').as_uri()}/"]
    )
    first = mnist(progress=False)
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["file:///nowhere/"])
    assert mnist().train.fingerprint() == first.train.fingerprint()
    assert (own_root / "downloads/MNIST/raw/train-images-idx3-ubyte.gz").is_file()
