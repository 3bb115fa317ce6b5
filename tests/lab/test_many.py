"""Runs that are made together are the runs that are made one by one."""

import signal

import pytest
import torch
from torch import nn

from fusionlab import Data
from fusionlab.lab import Recipe, convnet, digits, mlp, resnet, train, train_many
from fusionlab.lab.many import stacks
from fusionlab.lab.stacking import can_stack

from .conftest import same_run
from .test_training import Interrupting

PIXELS = digits(n_train=96).train
DOUBLE = Data(PIXELS.inputs.double(), PIXELS.labels)


class Crossed(nn.Module):
    """No chain: one layer is used twice."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x):
        x = x.flatten(1)
        return self.last(torch.tanh(self.first(x)) + self.first(x).sin())


def tied(*, tensors: bool) -> nn.Sequential:
    """A chain in which a layer comes twice, or two layers have one weight."""
    middle, other = nn.Linear(12, 12), nn.Linear(12, 12)
    other.weight = middle.weight
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 12), nn.ReLU(), middle, nn.Tanh(),
        other if tensors else middle, nn.Linear(12, 10),
    )  # fmt: skip


NETWORKS = {
    "layer twice": tied(tensors=False),
    "weight twice": tied(tensors=True),
    "chain": mlp(64, 16, 16, 10),
    "activation twice": nn.Sequential(
        nn.Flatten(), nn.Linear(64, 9), (relu := nn.ReLU()), nn.Linear(9, 9), relu, nn.Linear(9, 10)
    ),
    "one layer": mlp(64, 10),
    "other chain": nn.Sequential(
        nn.Flatten(), nn.Linear(64, 12, bias=False), nn.Tanh(), nn.ReLU(), nn.Linear(12, 10)
    ),
    "crossed": Crossed(),
    "convnet": convnet((4, 8)),
    "layer norm": convnet((4, 8), norm="layer"),
    "nested": nn.Sequential(mlp(64, 12, 8), nn.ReLU(), nn.Linear(8, 10)),
}
RECIPES = {
    "sgd": Recipe(steps=12, batch_size=16, weight_decay=0.01),
    "plain sgd": Recipe(steps=12, batch_size=16, momentum=0.0, schedule="step"),
    "adam": Recipe(steps=12, batch_size=16, lr=0.01, optimizer="adam", weight_decay=0.1),
    "adamw": Recipe(steps=12, batch_size=16, lr=0.01, optimizer="adamw", weight_decay=0.1),
    "noisy": Recipe(steps=12, batch_size=16, label_noise=0.3, warmup=4),
}


def gap(a, b) -> float:
    """Largest difference of two runs' checkpoints, relative to their length."""
    pairs = zip(a.checkpoints, b.checkpoints, strict=True)
    return max(((p - q).norm() / p.norm()).item() for p, q in pairs)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_stacked_runs_are_those_of_train_to_the_last_digits(network, recipe):
    model, how = NETWORKS[network].double(), RECIPES[recipe]
    together = train_many(model, DOUBLE, how, seeds=[3, 1, 4], stacked=True)
    for run, seed in zip(together, [3, 1, 4], strict=True):
        alone = train(model, DOUBLE, how, seed=seed)
        assert run.steps == alone.steps
        assert gap(run, alone) < 1e-12
        torch.testing.assert_close(run.losses, alone.losses, rtol=1e-12, atol=1e-12)


def test_in_single_precision_they_agree_but_for_rounding():
    model, recipe = mlp(64, 16, 10), Recipe(steps=50)
    [run, _] = train_many(model, PIXELS, recipe, seeds=[0, 1], stacked=True)
    assert gap(run, train(model, PIXELS, recipe, seed=0)) < 1e-3


def test_recipes_are_stacked_as_seeds_are():
    model = mlp(64, 16, 10).double()
    recipes = [
        Recipe(steps=12, lr=0.05, momentum=0.5),
        Recipe(steps=12, lr=0.2, weight_decay=0.1, schedule="constant"),
        Recipe(steps=12, label_noise=0.5, noise_seed=2, warmup=3),
    ]
    for run, recipe in zip(train_many(model, DOUBLE, recipes, seeds=7), recipes, strict=True):
        assert run.recipe == recipe
        assert gap(run, train(model, DOUBLE, recipe, seed=7)) < 1e-12


def test_recipes_that_cannot_step_together_come_back_in_order():
    model = mlp(64, 8, 10).double()
    recipes = [
        Recipe(steps=8),
        Recipe(steps=8, optimizer="adam", lr=0.01),
        Recipe(steps=5),
        Recipe(steps=8, batch_size=8),
        Recipe(steps=8, lr=0.05),
    ]
    made = train_many(model, DOUBLE, recipes, seeds=range(5))
    for seed, (run, recipe) in enumerate(zip(made, recipes, strict=True)):
        assert (run.recipe, run.seed) == (recipe, seed)
        assert gap(run, train(model, DOUBLE, recipe, seed=seed)) < 1e-12


def test_a_run_does_not_depend_on_those_beside_it():
    model, recipe = mlp(64, 16, 10), Recipe(steps=40)
    three = train_many(model, PIXELS, recipe, seeds=[0, 1, 2])
    [alone] = train_many(model, PIXELS, recipe, seeds=[1])
    _, turned = train_many(model, PIXELS, recipe, seeds=[5, 1])
    assert same_run(three[1], alone)
    assert same_run(three[1], turned)


def test_more_runs_than_fit_together_are_all_made():
    model, recipe = mlp(64, 4, 10), Recipe(steps=3)
    runs = train_many(model, PIXELS, recipe, seeds=range(18))
    assert [run.seed for run in runs] == list(range(18))
    assert same_run(runs[17], train_many(model, PIXELS, recipe, seeds=[17])[0])


def test_all_begin_at_a_start_that_is_given():
    model, recipe = mlp(64, 8, 10).double(), Recipe(steps=5)
    start = train(model, DOUBLE, recipe, seed=9).final
    runs = train_many(model, DOUBLE, recipe, seeds=[0, 1], start=start)
    for seed, run in enumerate(runs):
        assert torch.equal(run.start.flat(), start.flat())
        assert gap(run, train(model, DOUBLE, recipe, seed=seed, start=start)) < 1e-12


def test_recipes_and_seeds_that_do_not_pair_off_are_an_error():
    with pytest.raises(ValueError, match="2 recipes and 3 seeds do not form pairs"):
        train_many(mlp(64, 10), PIXELS, [Recipe(), Recipe(lr=0.5)], seeds=[0, 1, 2])


class Counting(nn.Linear):
    """Counts its batches in a buffer; nothing in that would stop vmap."""

    def __init__(self):
        super().__init__(64, 10)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen += self.training
        return super().forward(x.flatten(1))


ALONE = {
    "counter": Counting(),
    "batch norm": convnet((4,), norm="batch"),
    "dropout": nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10)),
    "frozen": mlp(64, 4, 10),
}
ALONE["frozen"][1].requires_grad_(False)


@pytest.mark.parametrize("network", ALONE)
def test_networks_that_cannot_be_stacked_are_trained_one_by_one(network):
    model, recipe = ALONE[network], Recipe(steps=4)
    assert not can_stack(model, PIXELS.inputs)
    runs = train_many(model, PIXELS, recipe, seeds=[0, 1])
    assert all(same_run(run, train(model, PIXELS, recipe, seed=run.seed)) for run in runs)
    with pytest.raises(ValueError, match="cannot be stacked"):
        train_many(model, PIXELS, recipe, seeds=[0, 1], stacked=True)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_networks_of_these_tests_can_be_stacked(network):
    assert can_stack(NETWORKS[network].double(), DOUBLE.inputs)


def test_large_networks_are_not_stacked_unless_asked():
    recipe = Recipe(steps=2)
    assert stacks(mlp(64, 128, 128, 10), PIXELS, [recipe])
    assert not stacks(mlp(64, 512, 512, 10), PIXELS, [recipe])
    assert stacks(mlp(64, 512, 512, 10), PIXELS, [recipe], stacked=True)
    images = Data(torch.rand(40, 1, 28, 28), torch.arange(40) % 10)
    assert stacks(convnet(), PIXELS, [recipe])
    assert not stacks(convnet(), images, [recipe])


@pytest.mark.parametrize("model", [mlp(64, 8, 10), resnet(width=2)], ids=["stacked", "in turn"])
def test_model_and_global_draws_stay_as_they_were(model, global_draws_untouched):
    before = [p.clone() for p in model.parameters()]
    with global_draws_untouched():
        train_many(model, PIXELS, Recipe(steps=2), seeds=[0, 1])
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    assert all(p.grad is None for p in model.parameters())


def test_one_run_that_diverges_leaves_the_others_alone():
    model, good = mlp(64, 16, 10), Recipe(steps=30, checkpoints=6)
    wild = Recipe(steps=30, checkpoints=6, lr=1e30)
    with pytest.warns(RuntimeWarning, match="seed 1 diverged") as told:
        runs = train_many(model, PIXELS, [good, wild, good], seeds=[0, 1, 2], stacked=True)
    assert len(told) == 1
    assert [run.complete for run in runs] == [True, False, True]
    assert gap(runs[2], train_many(model, PIXELS, good, seeds=[2])[0]) < 1e-5
    assert runs[1].final.flat().isfinite().all()


class Pressing(nn.Linear):
    """Presses Ctrl-C in the n-th forward pass, stacked or not."""

    passes = 0

    def forward(self, x):
        Pressing.passes += self.training
        if Pressing.passes == 6:
            signal.raise_signal(signal.SIGINT)
        return super().forward(x)


def test_an_interrupt_keeps_all_stacked_runs(monkeypatch):
    monkeypatch.setattr(Pressing, "passes", 0)
    model, recipe = nn.Sequential(nn.Flatten(), Pressing(64, 10)), Recipe(steps=30)
    with pytest.warns(RuntimeWarning, match="interrupted after step") as told:
        runs = train_many(model, PIXELS, recipe, seeds=[0, 1, 2], stacked=True)
    assert len(told) == 1
    assert len({run.steps[-1] for run in runs}) == 1
    assert all(0 < run.steps[-1] < 30 and not run.complete for run in runs)


def test_after_an_interrupt_the_runs_that_wait_stay_at_their_start(blobs):
    with pytest.warns(RuntimeWarning, match="interrupted after step 5 of 30") as told:
        runs = train_many(Interrupting(5), blobs, Recipe(steps=30), seeds=[0, 1], stacked=False)
    assert len(told) == 1
    assert [run.steps[-1] for run in runs] == [5, 0]
    assert not any(run.complete for run in runs)


@pytest.mark.parametrize("stacked", [True, False])
def test_a_reader_who_turned_gradients_off_gets_the_same_runs(stacked):
    def runs():
        recipe = Recipe(steps=5, batch_size=16)
        return train_many(mlp(64, 8, 10), PIXELS, recipe, seeds=[0, 1], stacked=stacked)

    expected = runs()
    with torch.set_grad_enabled(False):
        found = runs()
        assert not torch.is_grad_enabled()
    assert all(same_run(p, q) for p, q in zip(found, expected, strict=True))
