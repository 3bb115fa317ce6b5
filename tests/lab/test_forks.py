"""A fork's children share the parent's way up to a step, and go on with its schedule."""

from dataclasses import replace

import pytest
import torch

from fusionlab import Data
from fusionlab.lab import Recipe, convnet, digits, fork, mlp, train, zoo

from .conftest import same_point, same_run
from .test_training import Interrupting

RECIPE = Recipe(steps=12, batch_size=16)


@pytest.fixture
def doubles(blobs) -> Data:
    return Data(blobs.inputs.double(), blobs.labels)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
def test_without_noise_and_momentum_every_child_ends_where_its_parent_does(
    own_root, doubles, schedule
):
    """Whole-batch descent has no noise, so children differ only if the rates go on wrongly."""
    recipe = Recipe(steps=12, batch_size=90, momentum=0.0, schedule=schedule, warmup=4)
    family = fork(mlp(2, 8, 2).double(), doubles, recipe, at=[0, 3, 7], seed=1, children=3)
    for step in (0, 3, 7):
        for theta in family.endings(step):
            assert (theta - family.parent.final).norm() < 1e-12


def test_momentum_starts_anew(own_root, doubles):
    recipe = Recipe(steps=12, batch_size=90, momentum=0.9)
    family = fork(mlp(2, 8, 2).double(), doubles, recipe, at=[6], seed=1)
    assert (family.endings(6)[0] - family.parent.final).norm() > 1e-3


def test_children_start_at_their_parents_checkpoint_and_differ_in_the_order_of_data(
    own_root, small, blobs
):
    family = fork(small, blobs, RECIPE, at=[5, 0, 5], seed=3, children=2)
    assert list(family.children) == [0, 5]
    assert family.parent.steps == (0, 5, 12)
    for step, theta in zip((0, 5), family.parent.checkpoints[:2], strict=True):
        one, other = family.children[step]
        assert same_point(one.start, theta)
        assert same_point(other.start, theta)
        assert (one.final - other.final).norm() > 0
        assert one.steps == (0, 12 - step)
        assert one.recipe.skip == step


def test_the_parent_is_the_run_of_its_seed_and_a_child_that_of_train(own_root, small, blobs):
    family = fork(small, blobs, RECIPE, at=[4], seed=3)
    [alone] = zoo(small, blobs, RECIPE, seeds=[3])
    assert same_point(family.parent.final, alone.final)
    child = family.children[4][1]
    by_hand = train(small, blobs, child.recipe, seed=child.seed, start=family.parent.checkpoints[1])
    torch.testing.assert_close(child.final.flat(), by_hand.final.flat(), rtol=1e-4, atol=1e-6)


def test_more_children_leave_the_first_ones_as_they_were_and_seeds_share_none(
    own_root, small, blobs
):
    two, three = (fork(small, blobs, RECIPE, at=[4], seed=3, children=n) for n in (2, 3))
    assert all(same_run(a, b) for a, b in zip(two.children[4], three.children[4], strict=False))
    other = fork(small, blobs, RECIPE, at=[4], seed=4, children=3)
    seeds = [run.seed for run in (*three.children[4], *other.children[4])]
    assert len(set(seeds)) == 6


def test_a_fork_of_a_late_run_goes_on_with_the_whole_schedule(own_root, doubles):
    """The parent itself starts at step 4 of 12, so its child of 3 steps starts at step 7."""
    recipe = Recipe(steps=12, batch_size=90, momentum=0.0, skip=4)
    family = fork(mlp(2, 8, 2).double(), doubles, recipe, at=[3], seed=1)
    assert family.parent.steps == (0, 3, 8)
    assert family.children[3][0].steps == (0, 5)
    assert (family.endings(3)[0] - family.parent.final).norm() < 1e-12


def test_the_second_half_of_a_run_is_trained_from_its_middle(own_root, doubles):
    model, recipe = mlp(2, 8, 2).double(), Recipe(steps=12, batch_size=90, momentum=0.0)
    whole = train(model, doubles, replace(recipe, checkpoints=2), seed=1)
    half = train(model, doubles, replace(recipe, skip=6), seed=1, start=whole.checkpoints[1])
    assert (half.final - whole.final).norm() < 1e-12


def test_batch_norms_statistics_go_on_from_the_fork(own_root):
    data = digits(n_train=64).train
    family = fork(convnet((4,), norm="batch"), data, RECIPE, at=[6], seed=0)
    [child, _] = family.children[6]
    assert same_point(child.start, family.parent.checkpoints[1])
    assert child.final.buffers["1.num_batches_tracked"] == 12


@pytest.mark.parametrize("at", [[], [-1], [12], [3, 40]])
def test_a_moment_that_is_none_of_the_parents_is_an_error(small, blobs, at):
    with pytest.raises(ValueError, match="no child can leave at steps"):
        fork(small, blobs, RECIPE, at=at, seed=0)


def test_an_interrupt_keeps_the_moments_that_were_reached(own_root, blobs):
    with pytest.warns(RuntimeWarning, match="interrupted after step 5 of 12") as told:
        family = fork(Interrupting(5), blobs, RECIPE, at=[0, 3, 8], seed=0)
    assert len(told) == 1
    assert not family.parent.complete
    assert list(family.children) == [0, 3]
    assert not any(run.complete for runs in family.children.values() for run in runs)
