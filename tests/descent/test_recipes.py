"""A recipe is plain, checked, and knows its steps and its learning rates."""

import json
from dataclasses import asdict

import pytest

from fusionlab.descent.recipes import factor
from fusionlab.lab import Recipe


def test_a_recipe_survives_json():
    recipe = Recipe(steps=7, lr=0.3, optimizer="adamw", label_noise=0.2)
    assert Recipe(**json.loads(json.dumps(asdict(recipe)))) == recipe


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs=0 cannot be trained: epochs must be at least 1"),
        ({"steps": 0}, "steps=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"lr": -1.0}, r"lr=-1.0 cannot be trained: lr must be above 0"),
        ({"lr": float("nan")}, "lr=nan"),
        ({"momentum": 1.0}, "momentum=1.0"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1"),
        ({"warmup": -1}, "warmup=-1"),
        ({"label_noise": 1.5}, "label_noise=1.5"),
        ({"checkpoints": 0}, "checkpoints=0"),
        ({"checkpoints": (4, -1)}, r"checkpoints=\(4, -1\)"),
        ({"skip": -1}, "skip=-1"),
        ({"steps": 9, "skip": 9}, "skip=9 cannot be trained: skip must be from 0 to below"),
        ({"optimizer": "sdg"}, r"optimizer='sdg'.*'sgd', 'adam', 'adamw'"),
        ({"schedule": "linear"}, r"schedule='linear'.*'constant', 'cosine', 'step'"),
    ],
)
def test_a_recipe_that_cannot_be_trained_says_which_knob(wrong, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**wrong)


def test_an_epoch_has_the_full_batches_only_but_at_least_one_step():
    assert Recipe(epochs=3, batch_size=32).total_steps(100) == 9
    assert Recipe(epochs=3, batch_size=32).total_steps(10) == 3
    assert Recipe(epochs=3, steps=50).total_steps(100) == 50


def test_the_kept_steps_are_even_and_hold_both_ends():
    assert Recipe(steps=100, checkpoints=4).kept_steps(1) == (0, 25, 50, 75, 100)
    assert Recipe(steps=3, checkpoints=10).kept_steps(1) == (0, 1, 2, 3)
    assert Recipe(steps=100, checkpoints=1).kept_steps(1) == (0, 100)


def test_the_steps_to_keep_can_be_told_and_survive_json():
    recipe = Recipe(steps=100, checkpoints=(0, 7, 30))
    assert recipe.kept_steps(1) == (0, 7, 30, 100)
    assert Recipe(steps=20, checkpoints=(7, 30)).kept_steps(1) == (0, 7, 20)
    assert Recipe(**json.loads(json.dumps(asdict(recipe)))) == recipe


def test_skipped_steps_are_not_taken_but_count_for_the_rates():
    whole, rest = Recipe(steps=10, warmup=3), Recipe(steps=10, warmup=3, skip=2)
    assert rest.total_steps(1) == 8
    assert Recipe(epochs=3, batch_size=32, skip=2).total_steps(100) == 7
    assert Recipe(steps=10, skip=2, checkpoints=2).kept_steps(1) == (0, 4, 8)
    rates = [factor(rest, step, 8) for step in range(8)]
    assert rates == [factor(whole, step, 10) for step in range(2, 10)]


def test_a_recipe_that_skips_all_its_epochs_says_so():
    with pytest.raises(
        ValueError, match="skip=9 cannot be trained: skip must be below the 9 steps"
    ):
        Recipe(epochs=3, batch_size=32, skip=9).total_steps(100)


def test_the_schedules_have_their_textbook_values():
    at = lambda recipe: [factor(recipe, step, 8) for step in range(8)]  # noqa: E731
    assert at(Recipe(schedule="constant")) == [1.0] * 8
    assert at(Recipe(schedule="step")) == pytest.approx([1] * 4 + [0.1] * 2 + [0.01] * 2)
    cosine = at(Recipe(schedule="cosine"))
    assert cosine[0] == 1
    assert cosine[4] == pytest.approx(0.5)
    assert cosine == sorted(cosine, reverse=True)


def test_a_warmup_climbs_to_the_full_rate_and_hands_over_to_the_schedule():
    recipe = Recipe(schedule="cosine", warmup=4)
    assert [factor(recipe, step, 12) for step in range(5)] == [0.25, 0.5, 0.75, 1, 1]
    assert factor(recipe, 8, 12) == pytest.approx(0.5)


def test_every_step_of_a_warmup_longer_than_the_training_has_a_rate():
    recipe = Recipe(schedule="cosine", warmup=10)
    assert [factor(recipe, step, 4) for step in range(4)] == [0.1, 0.2, 0.3, 0.4]


def test_a_label_names_the_usual_knobs_and_what_was_changed():
    assert Recipe().label == "sgd lr 0.1, 20 epochs of batch 32, cosine"
    changed = Recipe(steps=5, optimizer="adam", lr=0.001, label_noise=0.2)
    assert changed.label == "adam lr 0.001, 5 steps of batch 32, cosine, label noise 0.2"
    forked = Recipe(steps=9, skip=3, checkpoints=(2, 4))
    assert forked.label == "sgd lr 0.1, 9 steps of batch 32, cosine, checkpoints 2, 4, skip 3"
