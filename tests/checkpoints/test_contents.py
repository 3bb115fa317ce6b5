"""Weights are found where training scripts put them, one place or the one that is asked for."""

import pytest
import torch
from torch import nn

from fusionlab import Weights
from fusionlab.checkpoints import CheckpointError, load


def network(seed=0, width=3):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width))


MODEL = network()
STATE, OTHER = MODEL.state_dict(), network(1).state_dict()


def trained():
    """An optimizer that has tensors of its own, and a scheduler."""
    model = network()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    return optimizer.state_dict()


def is_first(theta):
    return set(theta) == {n for n, _ in MODEL.named_parameters()} and all(
        torch.equal(theta[name], p) for name, p in MODEL.named_parameters()
    )


ONE_PLACE = {
    "bare": STATE,
    "net": {"net": STATE},
    "state_dict_ema": {"state_dict_ema": STATE},
    "params": {"params": STATE},
    "two keys deep": {"model": {"state_dict": STATE}},
    "with an optimizer": {"model": STATE, "optimizer": trained(), "epoch": 3},
    "with a counter": {**STATE, "step": 7},
    "with counters and words": {**STATE, "step": 7, "name": "a", "args": {"lr": 0.1}, "x": None},
    "with a score": {"model": STATE, "best_acc": torch.tensor(0.9)},
    "with scores": {"model": STATE, "best": torch.tensor(0.9), "last": torch.tensor(0.8)},
    "with random states": {
        "model": STATE,
        "rng": {"cpu": torch.get_rng_state(), "cuda": torch.get_rng_state()},
    },
    "of Lightning": {
        "state_dict": STATE,
        "optimizer_states": [trained()],
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.9), "monitor": "a"}},
        "hyper_parameters": {"lr": 0.1},
        "pytorch-lightning_version": "2.0",
    },
    "as parameters": {"model": nn.ParameterDict().state_dict() | dict(STATE), "epoch": 1},
}


@pytest.mark.parametrize("like", [None, MODEL], ids=["alone", "like"])
@pytest.mark.parametrize("content", ONE_PLACE.values(), ids=ONE_PLACE.keys())
def test_the_one_place_with_weights_is_taken(content, like, tmp_path):
    torch.save(content, tmp_path / "a.pt")
    assert is_first(load(tmp_path / "a.pt", like=like).theta)


def test_of_several_places_the_one_that_fits_is_taken(tmp_path):
    wide = network(1, width=5).state_dict()
    torch.save({"generator": STATE, "discriminator": wide}, tmp_path / "a.pt")
    assert is_first(load(tmp_path / "a.pt", like=MODEL).theta)


@pytest.mark.parametrize("like", [None, MODEL], ids=["alone", "like"])
def test_of_several_that_fit_one_must_be_chosen(like, tmp_path):
    torch.save({"model_ema": OTHER, "model": STATE, "epoch": 1}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"several networks, at 'model_ema'.*'model' .*key="):
        load(tmp_path / "a.pt", like=like)
    assert is_first(load(tmp_path / "a.pt", like=like, key="model").theta)
    assert not is_first(load(tmp_path / "a.pt", like=like, key="model_ema").theta)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"model": {"state_dict": STATE}, "ema": {"state_dict": OTHER}}, "model.state_dict"),
        ({"model": {"state_dict": STATE}, "ema": {"state_dict": OTHER}}, "model"),
        ({"run.1": STATE, "run.2": OTHER}, "run.1"),
        ({"run.1": {"best": STATE, "last": OTHER}}, "run.1.best"),
        ({"a": {"b": {"c": {"d": STATE}}}}, "a.b.c.d"),
        (
            {f"net.{n}": t for n, t in STATE.items()} | {f"ema.{n}": t for n, t in OTHER.items()},
            "net",
        ),
    ],
)
def test_a_key_leads_to_the_weights(content, key, tmp_path):
    torch.save(content, tmp_path / "a.pt")
    for like in (None, MODEL):
        assert is_first(load(tmp_path / "a.pt", like=like, key=key).theta)


def test_an_unknown_key_lists_the_known_ones(tmp_path):
    torch.save({"model": STATE, "ema": OTHER}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"Unknown key 'net'.*Choose 'model' or 'ema'"):
        load(tmp_path / "a.pt", key="net")
    torch.save(STATE, tmp_path / "b.pt")
    with pytest.raises(CheckpointError, match=r"Unknown key 'net'.*Choose '0' or '1'"):
        load(tmp_path / "b.pt", key="net")
    torch.save({"epoch": 3}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match=r"Unknown key 'net'.*Choose 'epoch'\."):
        load(tmp_path / "c.pt", key="net")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "holds a list, not tensors by name"),
        (torch.ones(2, 3), r"holds one tensor of shape \(2, 3\)"),
        ({}, "holds an empty dict"),
        ({"epoch": 3, "args": {"lr": 0.1}}, r"a dict with 'epoch' \(int\), 'args' \(dict\)"),
        ({0: torch.ones(2)}, r"a dict with 0 \(Tensor\)"),
        ({"a": {"b": {"c": STATE}}}, r"a dict with 'a' \(dict\).*key='model\.state_dict'"),
        ({"state": [torch.ones(2)]}, r"'state' \(list\)"),
    ],
)
def test_a_file_without_weights_says_what_it_has(content, words, tmp_path):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=words):
        load(tmp_path / "a.pt", like=MODEL)


def test_where_nothing_fits_every_place_says_why(tmp_path):
    content = {"a": network(0, 5).state_dict(), "b": nn.Linear(4, 3).state_dict()}
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"at 'a' .*\(5, 4\).*at 'b' .*it lacks.*same arch"):
        load(tmp_path / "a.pt", like=MODEL)


def test_parameters_in_a_file_ask_for_no_gradient(tmp_path):
    torch.save({"model": dict(MODEL.named_parameters())}, tmp_path / "a.pt")
    theta = load(tmp_path / "a.pt", like=MODEL).theta
    assert is_first(theta)
    assert not any(t.requires_grad for t in theta.values())
    assert isinstance(theta, Weights)
