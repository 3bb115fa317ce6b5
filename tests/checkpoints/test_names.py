"""With a module, names agree whatever wrappers, larger networks and ties have made of them."""

import warnings

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from fusionlab import Weights
from fusionlab.checkpoints import CheckpointError, load, save


def network(width=3):
    return nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.Linear(width, 2))


def compiled(model):
    return torch.compile(model, backend="eager")


def within(name, **others):
    return lambda model: nn.ModuleDict({name: model, **others})


def with_a_compiled_layer(model):
    model[0] = compiled(model[0])
    return model


WRAPPERS = {
    "not at all": lambda model: model,
    "module.": nn.DataParallel,
    "_orig_mod.": compiled,
    "module._orig_mod.": lambda model: nn.DataParallel(compiled(model)),
    "_orig_mod.module.": lambda model: compiled(nn.DataParallel(model)),
    "model.": within("model"),
    "net.": within("net"),
    "backbone.": within("backbone"),
    "whatever.deep.": lambda model: within("whatever")(within("deep")(model)),
    "module.model.": lambda model: nn.DataParallel(within("model")(model)),
    "0._orig_mod.": with_a_compiled_layer,
    "averaged": AveragedModel,
}
wrappers = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())


def equal(a, b):
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


@wrappers
def test_wrappers_of_the_network_in_the_file_are_undone(wrap, tmp_path):
    model, like = network(), network()
    own = Weights.of(model)
    torch.save(wrap(model).state_dict(), tmp_path / "a.pt")
    theta = load(tmp_path / "a.pt", like=like).theta
    assert equal(theta, own)
    assert equal(theta.buffers, own.buffers)


@wrappers
def test_wrappers_of_the_module_are_done_to_the_file(wrap, tmp_path):
    model, like = network(), wrap(network())
    torch.save(model.state_dict(), tmp_path / "a.pt")
    theta = load(tmp_path / "a.pt", like=like).theta
    assert list(theta) == [name for name, _ in like.named_parameters()]
    assert equal(
        Weights(dict(zip(Weights.of(model), theta.values(), strict=True))), Weights.of(model)
    )
    assert equal(Weights.of(theta.to(like)), theta)


@pytest.mark.parametrize("wrap", [WRAPPERS["module."], compiled, WRAPPERS["module._orig_mod."]])
def test_without_a_module_the_wrappers_of_all_names_go(wrap, tmp_path):
    model = network()
    torch.save(wrap(model).state_dict(), tmp_path / "a.pt")
    assert equal(load(tmp_path / "a.pt").theta, Weights.of(model))


def test_a_file_of_ours_keeps_its_names_unless_a_module_says_otherwise(tmp_path):
    model = network()
    save(tmp_path / "a.safetensors", Weights.of(nn.DataParallel(model)), {"seed": 3})
    assert equal(load(tmp_path / "a.safetensors").theta, Weights.of(nn.DataParallel(model)))
    back, facts = load(tmp_path / "a.safetensors", like=model)
    assert equal(back, Weights.of(model))
    assert facts["seed"] == 3


def test_a_network_in_a_larger_one_is_found_and_the_rest_is_told(tmp_path):
    model = network()
    state = {f"model.{name}": t for name, t in model.state_dict().items()}
    torch.save({"state_dict": {**state, "loss.weight": torch.ones(2)}}, tmp_path / "a.ckpt")
    with pytest.warns(UserWarning, match=r"larger network than the Sequential: 'loss\.weight'"):
        theta, facts = load(tmp_path / "a.ckpt", like=model)
    assert equal(theta, Weights.of(model))
    assert facts["left out"] == ["loss.weight"]


def test_counters_and_statistics_that_the_module_does_not_know_are_left_out(tmp_path):
    model = nn.Linear(4, 3)
    extra = {"steps": torch.tensor(3), "mask": torch.ones(3, dtype=torch.bool)}
    extra["norm.running_mean"] = torch.zeros(3)
    torch.save({**model.state_dict(), **extra}, tmp_path / "a.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theta, facts = load(tmp_path / "a.pt", like=model)
    assert equal(theta, Weights.of(model))
    assert facts["left out"] == list(extra)


def test_weights_that_the_module_does_not_know_are_an_error(tmp_path):
    whole = network()
    for wrap in (lambda m: m, nn.DataParallel, within("model")):
        torch.save(wrap(whole).state_dict(), tmp_path / "a.pt")
        with pytest.raises(
            CheckpointError, match=r"it has '.*2\.weight', '.*2\.bias', which the mod"
        ):
            load(tmp_path / "a.pt", like=whole[:2])


@pytest.mark.parametrize("wrap", [lambda m: m, nn.DataParallel, within("net")])
def test_weights_that_the_file_lacks_are_an_error(wrap, tmp_path):
    torch.save(wrap(network()[:2]).state_dict(), tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"it lacks '2\.weight', '2\.bias'\. Both must come"):
        load(tmp_path / "a.pt", like=network())


def test_a_large_difference_is_told_by_few_names(tmp_path):
    torch.save({f"block{i}.w": torch.ones(1) for i in range(9)}, tmp_path / "a.pt")
    words = r"lacks '0\.weight'.* and 3 more; it has 'block0\.w'.*'block2\.w' and 6 more, which"
    with pytest.raises(CheckpointError, match=words):
        load(tmp_path / "a.pt", like=network())


def test_other_widths_and_other_kinds_of_numbers_are_an_error(tmp_path):
    torch.save(network(5).state_dict(), tmp_path / "a.pt")
    with pytest.raises(
        CheckpointError, match=r"'0\.weight' is \(5, 4\) in the file and \(3, 4\) in"
    ):
        load(tmp_path / "a.pt", like=network())
    state = network().state_dict()
    torch.save({**state, "0.weight": state["0.weight"].to(torch.int8)}, tmp_path / "b.pt")
    with pytest.raises(
        CheckpointError, match=r"'0\.weight' is torch\.int8 in the file and torch\.fl"
    ):
        load(tmp_path / "b.pt", like=network())


def test_another_precision_is_kept(tmp_path):
    model = network().bfloat16()
    torch.save(model.state_dict(), tmp_path / "a.pt")
    assert equal(load(tmp_path / "a.pt", like=network()).theta, Weights.of(model))


def test_of_two_equal_parts_of_a_larger_network_one_must_be_chosen(tmp_path):
    student, teacher = network(), network()
    torch.save(within("student", teacher=teacher)(student).state_dict(), tmp_path / "a.pt")
    with pytest.raises(
        CheckpointError, match=r"2 parts of it fit, 'student', 'teacher': say which"
    ):
        load(tmp_path / "a.pt", like=network())
    assert equal(load(tmp_path / "a.pt", like=network(), key="teacher").theta, Weights.of(teacher))


def test_a_layer_is_no_stand_in_for_the_same_name_at_the_top(tmp_path):
    model = nn.Linear(4, 3)
    extra = {f"ema.{name}": 2 * t for name, t in model.state_dict().items()}
    torch.save({**model.state_dict(), **extra}, tmp_path / "a.pt")
    with pytest.raises(
        CheckpointError, match=r"it has 'ema\.weight', 'ema\.bias', which the module"
    ):
        load(tmp_path / "a.pt", like=model)


# ---- tied tensors


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
        self.head.weight = self.embed.weight
        self.norm = self.again = nn.BatchNorm1d(3)


@pytest.mark.parametrize("wrap", [lambda m: m, nn.DataParallel, within("model")])
@pytest.mark.parametrize("kept", [["embed"], ["head"], ["embed", "head"]])
def test_tied_weights_are_found_under_either_name(kept, wrap, tmp_path):
    model = Tied()
    state = {
        name: t.clone()
        for name, t in wrap(model).state_dict().items()
        if not {"embed", "head"} & set(name.split(".")) - set(kept) and "again" not in name
    }
    save_file(state, tmp_path / "a.safetensors")
    theta = load(tmp_path / "a.safetensors", like=model).theta
    assert equal(theta, Weights.of(model))
    assert equal(theta.buffers, Weights.of(model).buffers)


@pytest.mark.parametrize("name", ["head.weight", "again.running_mean", "again.weight"])
def test_tied_tensors_that_differ_in_the_file_are_an_error(name, tmp_path):
    state = Tied().state_dict()
    torch.save({**state, name: state[name] + 1}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=rf"'{name}' are one tensor in the module and differ"):
        load(tmp_path / "a.pt", like=Tied())


def test_tied_tensors_that_are_not_numbers_are_equal(tmp_path):
    model = Tied()
    nn.init.constant_(model.embed.weight, torch.nan)
    torch.save(model.state_dict(), tmp_path / "a.pt")
    assert load(tmp_path / "a.pt", like=Tied()).theta["embed.weight"].isnan().all()


def test_a_lazy_module_has_no_shapes_to_compare(tmp_path):
    torch.save(network().state_dict(), tmp_path / "a.pt")
    with pytest.raises(ValueError, match="has no shape yet"):
        load(tmp_path / "a.pt", like=nn.LazyLinear(3))
