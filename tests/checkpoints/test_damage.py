"""Damage to a file with checksums is seen, wherever it strikes: no other point comes out of it."""

import random

import pytest
import torch
from torch import nn

from fusionlab import Weights
from fusionlab.checkpoints import CheckpointError, load, save

CASES = 200  # for each kind of file
pytestmark = pytest.mark.filterwarnings("ignore")  # torch warns of what it finds in damaged files


def network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    model.register_buffer("scale", torch.full((3,), 0.5))
    return model


def flip_bits(content, generator):
    content = bytearray(content)
    for _ in range(generator.choice([1, 1, 2, 5])):
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    return bytes(content)


def replace_bytes(content, generator):
    start, length = generator.randrange(len(content)), generator.choice([1, 4, 64])
    return content[:start] + generator.randbytes(length) + content[start + length :]


def truncate(content, generator):
    return content[: generator.randrange(len(content))]


def cut_out(content, generator):
    start = generator.randrange(len(content))
    return content[:start] + content[start + generator.choice([1, 8, 100]) :]


WRITERS = {
    "ours": lambda path, model: save(path, Weights.of(model), {"seed": 3}),
    "torch": lambda path, model: torch.save({"model": model.state_dict(), "epoch": 3}, path),
}


@pytest.mark.parametrize("like", [None, network()], ids=["alone", "like"])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_a_damaged_file_never_yields_another_point(write, like, tmp_path):
    path = tmp_path / "a.pt"
    write(path, network())
    whole, own = path.read_bytes(), load(path, like=like).theta
    refused = 0
    for seed in range(CASES):
        generator = random.Random(seed)
        path.write_bytes(
            generator.choice([flip_bits, replace_bytes, truncate, cut_out])(whole, generator)
        )
        try:
            theta = load(path, like=like).theta
        except CheckpointError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
            continue
        for one, other in ((own, theta), (own.buffers, theta.buffers)):
            assert list(one) == list(other), f"seed {seed}: other names"
            assert all(torch.equal(one[n], other[n]) for n in one), f"seed {seed}: another point"
    assert refused > CASES / 2


def test_a_changed_number_in_a_file_of_torch_is_seen(tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"w": torch.arange(100.0)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(torch.arange(100.0).numpy().tobytes()) + 7] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"damaged: the content of '.*data/0' in it does not"):
        load(path)


@pytest.mark.parametrize(
    "part", [b'"parameters"', b'"buffers"', b'"sha256', b"fusionlab", b"0.bias"]
)
def test_a_changed_word_in_our_header_is_seen(part, tmp_path):
    path = tmp_path / "a.safetensors"
    save(path, Weights.of(network()))
    content = path.read_bytes()
    at = content.index(part.replace(b'"', b'\\"')) + 4
    path.write_bytes(content[:at] + bytes([content[at] ^ 2]) + content[at + 1 :])
    with pytest.raises(CheckpointError, match="is damaged"):
        load(path)


@pytest.mark.parametrize(("field", "value"), [(20, 13), (20, 8), (38, 0x10)])
def test_an_entry_that_only_torch_would_misread_is_seen(field, value, tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"w": torch.ones(3)}, path)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"data/0") - len("a/") - 46  # its record in the archive's directory
    assert content[entry : entry + 4] == b"PK\x01\x02"
    content[entry + field] = value  # the size that is stored, or the attributes
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"damaged: the content of 'a/data/0'"):
        load(path)
