"""A run is decided by its model, data, recipe and seed, and changes nothing of the caller's."""

import signal
import warnings

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fusionlab import Data, Weights
from fusionlab.descent.batches import batch_rows, noisy_targets
from fusionlab.lab import Recipe, convnet, digits, mlp, train

from .conftest import same_point, same_run

SHORT = Recipe(steps=6, batch_size=16, checkpoints=3)


class Interrupting(nn.Module):
    """Presses Ctrl-C in its n-th forward pass of training."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.layer, self.left = nn.Linear(2, 2), after

    def forward(self, x):
        if self.training:
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)
        return self.layer(x)


def test_the_same_seed_gives_the_same_run_and_another_another(small, blobs):
    first, again = (train(small, blobs, SHORT, seed=1) for _ in range(2))
    assert same_run(first, again)
    assert not torch.equal(first.final.flat(), train(small, blobs, SHORT, seed=2).final.flat())


def test_the_callers_model_mode_gradients_and_draws_stay_as_they_were(
    blobs, global_draws_untouched
):
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    model.eval()[0].weight.grad = torch.ones(4, 2)
    before = Weights.of(model)
    with global_draws_untouched():
        train(model, blobs, SHORT, seed=0)
    assert same_point(before, Weights.of(model))
    assert not model.training
    assert torch.equal(model[0].weight.grad, torch.ones(4, 2))


def test_a_run_does_not_depend_on_the_callers_weights_or_draws(blobs):
    torch.manual_seed(1)
    first = train(mlp(2, 8, 2), blobs, SHORT, seed=0)
    torch.manual_seed(2)
    assert same_run(first, train(mlp(2, 8, 2), blobs, SHORT, seed=0))


def test_the_start_is_torchs_own_initialisation_drawn_from_the_seed(blobs):
    layers = mlp(2, 8, 2)
    torch.manual_seed(5)
    for layer in reversed(list(layers)):
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    assert same_point(train(layers, blobs, SHORT, seed=5).start, Weights.of(layers))


def test_attention_is_drawn_anew_though_its_reset_is_private(blobs):
    class Attentive(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.head = nn.MultiheadAttention(2, 1), nn.Linear(2, 2)

        def forward(self, x):
            return self.head(self.attention(x, x, x, need_weights=False)[0])

    starts = [train(Attentive(), blobs, SHORT, seed=seed).start for seed in (0, 1)]
    assert not torch.equal(*(s["attention.in_proj_weight"] for s in starts))
    assert (starts[0]["attention.out_proj.bias"] == 0).all()  # as the parent wants it


def test_a_run_agrees_with_a_plain_loop_written_by_hand(small, blobs):
    recipe = Recipe(steps=8, batch_size=16, lr=0.2, weight_decay=0.01, schedule="constant")
    run = train(small, blobs, recipe, seed=3)
    network = run.start.to(small)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.2, momentum=0.9, weight_decay=0.01)
    losses = []
    for _, rows in zip(range(8), batch_rows(90, 16, [3]), strict=False):
        loss = cross_entropy(network(blobs.inputs[rows[0]]), blobs.labels[rows[0]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert run.losses.tolist() == losses
    assert same_point(run.final, Weights.of(network))


def test_checkpoints_stand_at_the_start_along_the_way_and_at_the_end(small, blobs):
    run = train(small, blobs, SHORT, seed=0)
    assert run.steps == (0, 2, 4, 6)
    assert len(run.checkpoints) == 4
    assert run.losses.shape == (6,)
    assert run.complete
    shorter = train(small, blobs, Recipe(steps=6, batch_size=16, checkpoints=1), seed=0)
    assert same_point(shorter.final, run.final)


def test_the_order_can_have_a_seed_of_its_own(small, blobs):
    usual, other = (train(small, blobs, SHORT, seed=0, order_seed=s) for s in (0, 1))
    assert same_run(usual, train(small, blobs, SHORT, seed=0))
    assert same_point(usual.start, other.start)
    assert not torch.equal(usual.losses, other.losses)


def test_every_epoch_goes_once_through_the_data_in_another_order():
    rows = batch_rows(10, 5, [0, 1])
    first, second = (torch.cat([next(rows), next(rows)], 1) for _ in range(2))
    assert first.shape == (2, 10)
    for epoch in (first, second):
        assert torch.equal(epoch.sort(1).values, torch.arange(10).expand(2, 10))
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])


def test_the_order_of_a_seed_does_not_depend_on_its_neighbours():
    alone, beside = batch_rows(20, 8, [7]), batch_rows(20, 8, [3, 7])
    for _ in range(5):
        assert torch.equal(next(alone)[0], next(beside)[1])


def test_a_batch_larger_than_the_data_is_all_of_them():
    assert next(batch_rows(6, 32, [0])).sort(1).values.tolist() == [[0, 1, 2, 3, 4, 5]]


def test_a_run_begins_where_it_is_told_to(small, blobs):
    start = train(small, blobs, SHORT, seed=0).final
    runs = [train(small, blobs, SHORT, seed=seed, start=start) for seed in (1, 2)]
    assert all(same_point(run.start, start) for run in runs)
    assert not torch.equal(runs[0].final.flat(), runs[1].final.flat())


def test_a_start_of_another_network_is_an_error(small, blobs):
    with pytest.raises(ValueError, match="Were they trained with the same widths"):
        train(small, blobs, SHORT, seed=0, start=Weights.of(mlp(2, 9, 2)))


def test_batch_norms_statistics_come_along_and_may_be_missing_at_the_start():
    model, data = convnet((4,), norm="batch"), digits(n_train=64).train
    run = train(model, data, SHORT, seed=0)
    assert run.final.buffers["1.num_batches_tracked"] == 6
    assert run.start.buffers["1.num_batches_tracked"] == 0
    merged = 0.5 * (run.start + run.final)
    again = train(model, data, SHORT, seed=0, start=merged)
    assert same_point(Weights(again.start), merged)
    assert again.start.buffers["1.running_var"].unique().tolist() == [1.0]


def test_a_frozen_layer_stays_where_it_starts(small, blobs):
    small[1].requires_grad_(False)
    run = train(small, blobs, SHORT, seed=0)
    assert torch.equal(run.final["1.weight"], run.start["1.weight"])
    assert not torch.equal(run.final["3.weight"], run.start["3.weight"])


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
def test_every_optimizer_and_schedule_learns_two_blobs(small, blobs, optimizer, schedule):
    recipe = Recipe(epochs=30, lr=0.02, optimizer=optimizer, schedule=schedule, warmup=5)
    losses = train(small, blobs, recipe, seed=0).losses
    assert losses[-5:].mean() < 0.6 * losses[:5].mean()


def test_label_noise_changes_its_share_of_labels_to_other_classes():
    data = Data(torch.zeros(200, 1), torch.arange(200) % 4)
    noisy = noisy_targets(data, Recipe(label_noise=0.25))
    assert (noisy != data.labels).sum() == 50
    assert noisy.unique().tolist() == [0, 1, 2, 3]
    assert torch.equal(data.labels, torch.arange(200) % 4)
    assert torch.equal(noisy, noisy_targets(data, Recipe(label_noise=0.25, lr=0.5)))
    other = noisy_targets(data, Recipe(label_noise=0.25, noise_seed=1))
    assert not torch.equal(noisy, other)


def test_all_labels_can_be_wrong():
    data = Data(torch.zeros(9, 1), torch.arange(9) % 3)
    assert (noisy_targets(data, Recipe(label_noise=1.0)) != data.labels).all()


def test_noisy_targets_are_what_is_trained_on(small, blobs):
    recipe = Recipe(steps=4, batch_size=16, label_noise=1.0)
    flipped = Data(blobs.inputs, 1 - blobs.labels)
    plain = Recipe(steps=4, batch_size=16)
    noisy, turned = train(small, blobs, recipe, seed=0), train(small, flipped, plain, seed=0)
    assert torch.equal(noisy.losses, turned.losses)


def test_an_interrupt_keeps_what_is_done(blobs):
    with pytest.warns(RuntimeWarning, match="interrupted after step 5 of 20"):
        run = train(Interrupting(after=5), blobs, Recipe(steps=20, checkpoints=10), seed=0)
    assert run.steps == (0, 2, 4, 5)
    assert len(run.losses) == 5
    assert not run.complete
    undisturbed = train(Interrupting(after=0), blobs, Recipe(steps=20, checkpoints=20), seed=0)
    assert same_point(run.final, undisturbed.checkpoints[5])


def test_after_a_training_ctrl_c_works_as_before(small, blobs):
    before = signal.getsignal(signal.SIGINT)
    train(small, blobs, SHORT, seed=0)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_ends_a_step_that_takes_too_long(blobs):
    class Hanging(Interrupting):
        def forward(self, x):
            if self.training:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            return self.layer(x)

    with pytest.raises(KeyboardInterrupt):
        train(Hanging(after=0), blobs, SHORT, seed=0)


def test_a_diverging_run_says_where_and_keeps_what_came_before(small, blobs):
    recipe = Recipe(steps=40, lr=1e6, momentum=0.0, schedule="constant", checkpoints=40)
    with pytest.warns(
        RuntimeWarning, match=r"seed 3 diverged.*step \d+ of 40.*Try a lower"
    ) as told:
        run = train(mlp(2, 8, 8, 8, 2), blobs, recipe, seed=3)
    assert len(told) == 1
    assert not run.complete
    assert run.losses.isfinite().all()
    assert 0 < len(run.losses) < 40
    assert all(theta.flat().isfinite().all() for theta in run.checkpoints)


def test_a_network_that_does_not_fit_the_data_is_told_before_training(blobs):
    with pytest.raises(ValueError, match=r"cannot take inputs of shape \(2,\).*first layer"):
        train(mlp(3, 4, 2), blobs, seed=0)
    with pytest.raises(ValueError, match=r"labels run to 9.*at least 10"):
        train(mlp(64, 8, 3), digits().train, seed=0)


def test_a_whole_task_is_not_what_to_train_on(small):
    with pytest.raises(TypeError, match=r"give task\.train"):
        train(mlp(64, 10), digits(), seed=0)


def test_a_pair_of_tensors_will_do(small, blobs):
    assert same_run(
        train(small, (blobs.inputs, blobs.labels), SHORT, seed=0),
        train(small, blobs, SHORT, seed=0),
    )


def test_a_device_can_be_named_or_found(small, blobs):
    usual = train(small, blobs, SHORT, seed=0)
    assert same_run(train(small, blobs, SHORT, seed=0, device="cpu"), usual)
    found = train(small, blobs, SHORT, seed=0, device="auto").final["1.weight"].device.type
    assert found == ("cuda" if torch.cuda.is_available() else "cpu")


def test_double_precision_stays_double(small, blobs):
    data = Data(blobs.inputs.double(), blobs.labels)
    assert train(small.double(), data, SHORT, seed=0).final["1.weight"].dtype == torch.float64


def test_a_short_training_prints_and_warns_nothing(small, blobs, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(small, blobs, SHORT, seed=0)
    assert capfd.readouterr() == ("", "")
