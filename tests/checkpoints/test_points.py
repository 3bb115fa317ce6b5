"""A checkpoint comes back as it went, or says what is wrong; nothing in it is executed."""

import contextlib
import os
import pickle
import random
import signal
import time

import pytest
import torch
from torch import nn

from fusionlab import Weights
from fusionlab.checkpoints import CheckpointError, atomic_write, load, save


@pytest.fixture
def theta():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).half()
    return Weights.of(model)


def test_a_point_comes_back_bit_for_bit_with_its_facts(theta, tmp_path):
    save(tmp_path / "a.safetensors", theta, {"recipe": {"lr": 0.1}, "seed": 3})
    back, facts = load(tmp_path / "a.safetensors")
    assert facts["recipe"] == {"lr": 0.1}
    assert facts["seed"] == 3
    assert facts["versions"]["torch"] == torch.__version__.split("+")[0]
    assert len(facts["sha256"]) == 64
    for part, other in ((theta, back), (theta.buffers, back.buffers)):
        assert list(part) == list(other), "the order of the coordinates was lost"
        assert all(torch.equal(part[n], other[n]) and part[n].dtype == other[n].dtype for n in part)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_may_be_read_by_whoever_reads_new_files(theta, tmp_path):
    save(tmp_path / "a.safetensors", theta)
    (tmp_path / "plain").touch()
    modes = [(tmp_path / name).stat().st_mode for name in ("a.safetensors", "plain")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}])
def test_a_pt_file_is_read_as_tensors(tmp_path, wrap):
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    torch.save(wrap(model.state_dict()), tmp_path / "a.pt")
    back = load(tmp_path / "a.pt").theta
    assert set(back) == {n for n, _ in model.named_parameters()}
    assert set(back.buffers) == {n for n, _ in model.named_buffers()}


def test_like_tells_tied_names_and_foreign_buffers(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    model.register_buffer("mask", torch.ones(3))
    torch.save(model.state_dict(), tmp_path / "a.pth")
    back = load(tmp_path / "a.pth", like=model).theta
    assert list(back) == ["0.weight"]
    assert list(back.buffers) == ["mask"]


DTYPES = [
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.complex64,
    torch.complex128,
    torch.int64,
    torch.int8,
    torch.uint16,
    torch.bool,
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (2, 3)])
def test_every_type_and_shape_comes_back_bit_for_bit(dtype, shape, tmp_path):
    values = torch.randint(0, 255, shape, generator=torch.Generator().manual_seed(0))
    tensor = (values % 2 if dtype == torch.bool else values % 7).to(dtype)
    save(tmp_path / "a.safetensors", Weights({"w": tensor}, {"b": tensor}))
    back = load(tmp_path / "a.safetensors").theta
    for one in (back["w"], back.buffers["b"]):
        assert (one.dtype, one.shape) == (dtype, tensor.shape)
        assert one.tolist() == tensor.tolist()


def test_views_come_back_as_they_look(tmp_path):
    whole = torch.arange(12.0).reshape(3, 4)
    turned = torch.complex(whole, -whole)
    views = {
        "transposed": whole.T,
        "strided": whole[::2, 1::2],
        "expanded": whole[:1].expand(5, 4),
        "whole": whole,
        "conjugate": turned.conj(),
        "negative": turned.conj().imag,
        "wide conjugate": turned.to(torch.complex128).conj(),
        "with a gradient": whole.clone().requires_grad_(),
        "computed": whole.clone().requires_grad_() * 2,
    }
    save(tmp_path / "a.safetensors", Weights(views))
    back = load(tmp_path / "a.safetensors").theta
    assert list(back) == list(views)
    assert all(torch.equal(back[name], view.detach()) for name, view in views.items())
    assert not any(t.requires_grad for t in back.values())


NAMES = [
    "",
    "a b",
    "a.b..c",
    ".",
    "é∂θ🙂",
    'quo"te\\',
    "line\nbreak",
    "nul\0",
    "fusionlab",
    "a/b",
    "{}",
]


def test_any_name_comes_back(tmp_path):
    theta = Weights({name: torch.full((2,), float(i)) for i, name in enumerate(NAMES)})
    save(tmp_path / "a.safetensors", theta)
    back = load(tmp_path / "a.safetensors").theta
    assert list(back) == NAMES
    assert all(torch.equal(back[name], theta[name]) for name in NAMES)


def test_a_point_without_tensors_comes_back(tmp_path):
    save(tmp_path / "a.safetensors", Weights({}))
    assert len(load(tmp_path / "a.safetensors").theta) == 0


@pytest.mark.parametrize(
    ("theta", "words"),
    [
        (Weights({"w": torch.eye(3).to_sparse()}), "'w' is not a tensor of plain numbers"),
        (Weights({"w": torch.ones(3, device="meta")}), "'w' is not a tensor of plain.*meta"),
        (Weights({"__metadata__": torch.ones(1)}), "'__metadata__' is"),
        (Weights({"w": torch.ones(1)}, {"w": torch.ones(2)}), "'w' is .* a parameter and of a buf"),
    ],
)
def test_what_a_file_cannot_keep_is_not_written(theta, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        save(tmp_path / "a.safetensors", theta)
    assert not os.listdir(tmp_path)


class Hostile:
    def __reduce__(self):
        return (os.system, ("touch executed",))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_hostile_file_is_not_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Hostile()}, "evil.pt")
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Hostile()))
    (tmp_path / "evil.safetensors").write_bytes(pickle.dumps(Hostile()))
    for name in ("evil.pt", "evil.pth", "evil.safetensors"):
        with pytest.raises(CheckpointError):
            load(name)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("keep", [0, 4, 9, 60, 0.5, 0.95, -1])
@pytest.mark.parametrize("ending", ["safetensors", "pt"])
def test_a_truncated_file_says_so(theta, tmp_path, keep, ending):
    path = tmp_path / f"a.{ending}"
    if ending == "pt":
        torch.save(dict(theta), path)
    else:
        save(path, theta)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if 0 < keep < 1 else keep])
    with pytest.raises(CheckpointError, match=r"cut short|damaged"):
        load(path)


def test_one_changed_byte_is_seen(theta, tmp_path):
    path = tmp_path / "a.safetensors"
    save(path, theta)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="SHA-256"):
        load(path)


def test_a_missing_file_and_a_file_without_tensors_say_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        load(tmp_path / "none.safetensors")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(CheckpointError, match="holds a list"):
        load(tmp_path / "list.pt")


def test_a_failed_write_leaves_the_old_file(theta, tmp_path):
    path = tmp_path / "a.safetensors"
    save(path, theta)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save(path, theta, {"facts": object()})
    with contextlib.suppress(RuntimeError), atomic_write(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_killed_in_the_middle_of_saving_the_file_is_the_old_or_the_new(tmp_path):
    path = tmp_path / "a.safetensors"
    points = [Weights({"w": torch.full((200_000,), float(i))}) for i in range(2)]
    save(path, points[0])
    generator, seen = random.Random(0), set()
    for _ in range(25):
        child = os.fork()
        if child == 0:
            torch.set_num_threads(1)  # a fork has none of its parent's threads
            while True:
                for theta in points:
                    save(path, theta)
        time.sleep(generator.uniform(0.01, 0.1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        value = load(path).theta["w"]
        assert value.min() == value.max()
        seen.add(value[0].item())
    assert seen == {0.0, 1.0}
