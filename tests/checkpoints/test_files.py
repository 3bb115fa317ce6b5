"""A file is read by what is in it, whatever its name, and what is no point is called what it is."""

import argparse
import io
import json
import pathlib
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from fusionlab import Weights
from fusionlab.checkpoints import CheckpointError, load, save

MODEL = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
STATE = MODEL.state_dict()


def same(theta):
    own = Weights.of(MODEL)
    return all(
        list(one) == list(other) and all(torch.equal(one[n], other[n]) for n in one)
        for one, other in ((own, theta), (own.buffers, theta.buffers))
    )


def by_zip(path):
    torch.save(STATE, path)


def by_old_pickle(path):
    torch.save(STATE, path, _use_new_zipfile_serialization=False)


def by_safetensors(path):
    save_file(STATE, path, metadata={"format": "pt"})


def by_us(path):
    save(path, Weights.of(MODEL))


ENDINGS = [".pt", ".PT", ".pth", ".pth.tar", ".ckpt", ".bin", ".pkl", ".safetensors", ".zip", ""]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("write", [by_zip, by_old_pickle, by_safetensors, by_us])
def test_the_content_tells_the_format_whatever_the_ending(write, ending, tmp_path):
    path = tmp_path / f"weights{ending}"
    write(path)
    assert same(load(str(path), like=MODEL).theta)
    assert set(load(path).theta.buffers) == {n for n, _ in MODEL.named_buffers()}


def test_a_file_that_was_written_without_checksums_is_read(tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        by_zip(tmp_path / "a.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    assert same(load(tmp_path / "a.pt", like=MODEL).theta)


# ---- what is no point


def zipped(*names):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return content.getvalue()


def tarred(name):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return content.getvalue()


def written(save_it, *what):
    content = io.BytesIO()
    save_it(content, *what)
    return content.getvalue()


def torch_zip():
    return written(lambda f: torch.save(STATE, f))


def safetensors_file():
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return len(header).to_bytes(8, "little") + header + b"12345678"


FOREIGN = {
    "empty": (b"", r"is empty \(0 bytes\).*cut short"),
    "html": (b"\n<!DOCTYPE html><html><body>404</body></html>", "a page of HTML"),
    "xml": (b"<?xml version='1.0'?><Error>NoSuchKey</Error>", "HTML or XML"),
    "git lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "Git LFS pointer.*git lfs pull",
    ),
    "text": (b"Entry not found", "text that begins with 'Entry not found'"),
    "json": (b'{"error": "Repository not found"}', 'text that begins with \'{"error"'),
    "npy": (written(np.save, np.ones(3)), r"array of NumPy \(\.npy\)"),
    "npz": (written(lambda f: np.savez(f, w=np.ones(3))), r"file of NumPy arrays \(\.npz\)"),
    "zip": (zipped("a.txt", "b.txt"), r"zip archive of \['a\.txt', 'b\.txt'\]"),
    "empty zip": (zipped(), "zip archive of "),
    "gzip": (b"\x1f\x8b\x08\x00rest", "compressed by gzip: unpack it"),
    "hdf5": (b"\x89HDF\r\n\x1a\nrest", "HDF5"),
    "gguf": (b"GGUF\x03\0\0\0rest", "GGUF"),
    "tar": (tarred("weights.pt"), "a tar archive: unpack it"),
    "torch tar": (tarred("sys_info"), r"tar format of PyTorch 0\.1"),
    "pickle": (pickle.dumps({"w": torch.ones(2)}), r"pickle that torch\.save did not write"),
    "cut torch zip": (torch_zip()[:-200], r"torch\.save writes it, but cut short"),
    "cut safetensors": (safetensors_file()[:-3], "not a complete safetensors.*cut short"),
    "cut safetensors header": (safetensors_file()[:20], "not a complete safetensors.*cut short"),
    "zeros": (bytes(1000), r"begins with 00 00.*cut short, damaged or another kind"),
}


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
@pytest.mark.parametrize(("content", "words"), FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_no_point_is_called_what_it_is(content, words, ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"(?s)a\.{ending}.*{words}"):
        load(path, like=MODEL)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_program_of_torch_jit_is_named(tmp_path):
    torch.jit.script(nn.Linear(2, 2)).save(tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"program of torch\.jit.*torch\.jit\.load\(path\)"):
        load(tmp_path / "a.pt")


class Net(nn.Module):
    pass


COMPANIONS = {
    "numpy._core.multiarray.scalar": np.float64(0.9),
    "argparse.Namespace": argparse.Namespace(lr=0.1),
    f"pathlib.{type(pathlib.Path()).__name__}": pathlib.Path("runs"),
    "range": range(3),
    f"{__name__}.Net": Net(),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(("name", "value"), COMPANIONS.items(), ids=COMPANIONS.keys())
def test_a_class_that_is_refused_is_named_with_the_way_out(name, value, zipped, tmp_path):
    content = {"model": STATE, "extra": value}
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    words = (
        rf"an object of {name.replace('numpy._core', 'numpy._?core')},.*no code in a file is exe"
    )
    with pytest.raises(CheckpointError, match=rf"{words}.*torch\.save\(content\['model'\]"):
        load(tmp_path / "a.pt", like=MODEL)


def test_a_whole_model_is_refused_by_its_class(tmp_path):
    torch.save(MODEL, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"Sequential, and.*content\.state_dict\(\)"):
        load(tmp_path / "a.pt")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_another_pickle_protocol_is_not_called_damage(tmp_path):
    torch.save(STATE, tmp_path / "a.pt", pickle_protocol=4)
    with pytest.raises(CheckpointError, match="pickle of another protocol"):
        load(tmp_path / "a.pt")
