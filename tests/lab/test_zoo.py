"""The zoo trains a run once, finds it again, and never trusts half a file."""

import importlib
import signal
import subprocess
import sys
import time
import warnings

import pytest
import torch
from torch import nn

from fusionlab import Data
from fusionlab.lab import Recipe, convnet, digits, mlp, train, train_many, zoo

from .conftest import same_run

RECIPE = Recipe(steps=6, batch_size=16, checkpoints=3)
MODULE = importlib.import_module("fusionlab.lab.zoo")


@pytest.fixture
def trained(monkeypatch):
    """The seeds of every run that is really trained, in order."""
    seeds = []
    really = MODULE._train

    def note(*arguments, **knobs):
        for run in really(*arguments, **knobs):
            seeds.append(run.seed)
            yield run

    monkeypatch.setattr(MODULE, "_train", note)
    return seeds


def files(root) -> list:
    return sorted((root / "zoo").glob("*.safetensors"))


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_a_run_is_trained_once_and_comes_back_bit_for_bit(own_root, trained, norm):
    model, data = convnet((4,), norm=norm), digits(n_train=64).train
    first = zoo(model, data, RECIPE, seeds=[0, 1])
    again = zoo(model, data, RECIPE, seeds=[1, 0])
    assert trained == [0, 1]
    assert same_run(first[0], again[1])
    assert same_run(first[1], again[0])
    assert again[0].recipe == RECIPE
    assert again[0].complete
    assert len(files(own_root)) == 2


def test_the_zoos_runs_are_those_of_train_many(own_root, small, blobs):
    made = zoo(small, blobs, RECIPE, seeds=[0, 1])
    straight = train_many(small, blobs, RECIPE, seeds=[0, 1])
    assert all(same_run(a, b) for a, b in zip(made, straight, strict=True))


def test_only_the_missing_seeds_are_trained_and_give_the_same_as_all_together(
    own_root, small, blobs, trained
):
    zoo(small, blobs, RECIPE, seeds=[1])
    runs = zoo(small, blobs, RECIPE, seeds=[0, 1, 2])
    assert trained == [1, 0, 2]
    together = train_many(small, blobs, RECIPE, seeds=[0, 1, 2])
    assert all(same_run(a, b) for a, b in zip(runs, together, strict=True))


def test_a_seed_that_is_asked_for_twice_is_trained_once(own_root, small, blobs, trained):
    one, two = zoo(small, blobs, RECIPE, seeds=[4, 4])
    assert trained == [4]
    assert same_run(one, two)


def test_the_tensors_come_back_in_the_networks_order(own_root, blobs):
    model = mlp(2, 6, 6, 2)
    [made], [read] = (zoo(model, blobs, RECIPE, seeds=[0]) for _ in range(2))
    assert torch.equal(made.final.flat(), read.final.flat())


def test_everything_that_matters_makes_another_run(own_root, small, blobs, trained):
    start = train(small, blobs, RECIPE, seed=7).final
    fewer = Data(blobs.inputs[:80], blobs.labels[:80])
    zoo(small, blobs, RECIPE, seeds=[0])
    zoo(mlp(2, 9, 2), blobs, RECIPE, seeds=[0])
    zoo(small, fewer, RECIPE, seeds=[0])
    zoo(small, blobs, Recipe(steps=6, batch_size=16, checkpoints=3, lr=0.2), seeds=[0])
    zoo(small, blobs, RECIPE, seeds=[0], start=start)
    zoo(small, blobs, RECIPE, seeds=[0], start=2 * start)
    assert trained == [0] * 6
    assert len(files(own_root)) == 6


def test_the_callers_weights_mode_and_draws_do_not_matter_or_change(
    own_root, small, blobs, trained, global_draws_untouched
):
    with global_draws_untouched():
        zoo(small, blobs, RECIPE, seeds=[0])
    zoo(mlp(2, 8, 2).eval(), blobs, RECIPE, seeds=[0])
    assert trained == [0]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign", "swapped"])
def test_a_damaged_file_is_trained_again_with_one_warning(own_root, small, blobs, trained, damage):
    first = zoo(small, blobs, RECIPE, seeds=[0, 1])
    kept = files(own_root)
    file = kept[0]
    content = bytearray(file.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[-3] ^= 1
    elif damage == "empty":
        content = b""
    elif damage == "swapped":  # whole, but of a recipe with other steps
        zoo(small, blobs, Recipe(steps=4), seeds=[0])
        [other] = set(files(own_root)) - set(kept)
        content = other.read_bytes()
        trained.clear()
        trained += [0, 1]
    else:
        from safetensors.torch import save

        content = save({"w": torch.zeros(2)})
    file.write_bytes(content)
    with pytest.warns(RuntimeWarning, match="damaged and is trained again") as told:
        again = zoo(small, blobs, RECIPE, seeds=[0, 1])
    assert len(told) == 1
    assert len(trained) == 3
    assert all(same_run(a, b) for a, b in zip(first, again, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo(small, blobs, RECIPE, seeds=[0, 1])
    assert len(trained) == 3


def test_where_nothing_can_be_written_the_zoo_trains_and_says_so_once(
    tmp_path, monkeypatch, small, blobs
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FUSIONLAB_DATA", str(tmp_path / "file"))
    with pytest.warns(RuntimeWarning, match="cannot be kept in .*FUSIONLAB_DATA") as told:
        runs = zoo(small, blobs, RECIPE, seeds=[0, 1])
    assert len(told) == 1
    assert all(run.complete for run in runs)


def test_a_full_disk_costs_the_file_but_not_the_run(own_root, small, blobs, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MODULE, "save", full)
    with pytest.warns(RuntimeWarning, match="No space left"):
        [run] = zoo(small, blobs, RECIPE, seeds=[0])
    assert run.complete
    assert files(own_root) == []


class Pressing(nn.BatchNorm1d):
    """Presses Ctrl-C in the 13th training pass; its statistics keep it from being stacked."""

    passes = 0

    def forward(self, x):
        Pressing.passes += self.training
        if self.training and Pressing.passes == 13:  # three are looks before the first step
            signal.raise_signal(signal.SIGINT)
        return super().forward(x)


def test_an_interrupt_keeps_the_seeds_that_were_finished(own_root, blobs, monkeypatch, trained):
    monkeypatch.setattr(Pressing, "passes", 0)
    model = nn.Sequential(nn.Linear(2, 4), Pressing(4), nn.Linear(4, 2))
    with pytest.warns(RuntimeWarning, match="interrupted after step 4 of 6"):
        runs = zoo(model, blobs, RECIPE, seeds=[0, 1, 2])
    assert [run.steps[-1] for run in runs] == [6, 4, 0]
    assert [run.complete for run in runs] == [True, False, False]
    assert len(files(own_root)) == 1
    whole = zoo(model, blobs, RECIPE, seeds=[0, 1, 2])
    assert trained == [0, 1, 2, 1, 2]
    assert all(run.complete for run in whole)


def test_leftovers_of_killed_processes_are_swept_away(own_root, small, blobs):
    zoo(small, blobs, RECIPE, seeds=[0])
    [file] = files(own_root)
    leftover = file.with_name(f".{file.name}.123.abcd.tmp")
    leftover.write_bytes(b"half")
    file.unlink()
    zoo(small, blobs, RECIPE, seeds=[0])
    assert not leftover.exists()


ASK = """
import sys, time, torch
torch.set_num_threads(1)
from fusionlab.lab import Recipe, digits, mlp, zoo
import importlib
module = importlib.import_module("fusionlab.lab.zoo")
really, count = module._train, 0
def note(*arguments, **knobs):
    global count
    for run in really(*arguments, **knobs):
        count += 1
        yield run
module._train = note
data = digits(n_train=200).train
while time.time() < float(sys.argv[1]):
    time.sleep(0.001)
runs = zoo(mlp(64, 32, 10), data, Recipe(steps=400), seeds=eval(sys.argv[2]), progress=False)
print(count, float(sum(run.final.norm() for run in runs)))
"""


def test_two_processes_that_ask_at_the_same_moment_train_each_run_once(own_root):
    moment = str(time.time() + 10)  # both have imported torch by then
    ask = [sys.executable, "-c", ASK, moment]
    both = [
        subprocess.Popen([*ask, seeds], stdout=subprocess.PIPE, text=True)
        for seeds in ("[0, 1, 2]", "[2, 1, 0]")  # in other order: neither may wait for ever
    ]
    answers = [process.communicate(timeout=120)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(int(count) for count, _ in answers) == 3
    assert answers[0][1] == answers[1][1]
    assert len(files(own_root)) == 3
