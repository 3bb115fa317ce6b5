"""A copy of a module computes the same, whatever the module holds, and leaves it as it was."""

import threading

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

from fusionlab import Data, Weights, lerp
from fusionlab.connectivity import Bezier, fit
from fusionlab.descent import Recipe
from fusionlab.lab import train
from fusionlab.landscape import Landscape
from fusionlab.modules import copy_module

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:There is a performance drop"),
]
INPUTS = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
DATA = Data(INPUTS, torch.arange(12) % 3)


class Keeps(nn.Module):
    """Keeps what it computes, alone and in containers, with its graph."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.seen = {}

    def forward(self, inputs):
        self.last = self.layer(inputs)
        self.seen["all"] = [self.last, (self.last.relu(),)]
        return self.seen["all"][1][0]


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, inputs):
        return self.second(self.first(inputs).relu())


def after_one_pass(module):
    module(INPUTS)
    return module


def after_one_step_back(module):
    module(INPUTS).sum().backward()
    return module


def in_inference_mode():
    module = Keeps()
    with torch.inference_mode():
        return after_one_pass(module)


MODULES = {
    "old weight norm": lambda: weight_norm(nn.Linear(3, 3)),
    "old weight norm of a second layer": lambda: nn.Sequential(
        nn.Linear(3, 3), weight_norm(nn.Linear(3, 3))
    ),
    "new weight norm": lambda: parametrizations.weight_norm(nn.Linear(3, 3)),
    "old spectral norm": lambda: after_one_pass(spectral_norm(nn.Linear(3, 3))),
    "new spectral norm": lambda: parametrizations.spectral_norm(nn.Linear(3, 3)),
    "pruned": lambda: prune.l1_unstructured(nn.Linear(3, 3), "weight", 0.5),
    "pruned in training": lambda: after_one_step_back(
        prune.random_unstructured(nn.Linear(3, 3), "weight", 0.5)
    ),
    "keeps activations": lambda: after_one_pass(Keeps()),
    "keeps activations after a step": lambda: after_one_step_back(Keeps()),
    "keeps activations without a graph": in_inference_mode,
    "tied": Tied,
    "compiled": lambda: torch.compile(nn.Linear(3, 3), backend="eager"),
    "data parallel": lambda: nn.DataParallel(nn.Linear(3, 3)),
}


@pytest.fixture(params=MODULES.values(), ids=MODULES.keys())
def module(request):
    torch.manual_seed(0)
    return request.param().eval()


def test_a_copy_computes_the_same_and_shares_nothing(module):
    before = {name: t.clone() for name, t in module.state_dict().items()}
    fresh = copy_module(module)
    assert torch.equal(fresh(INPUTS), module(INPUTS))
    assert list(fresh.state_dict()) == list(before)
    with torch.no_grad():
        for tensor in fresh.state_dict().values():
            tensor.zero_()
    assert all(torch.equal(t, before[name]) for name, t in module.state_dict().items())


def test_every_module_has_a_landscape_with_the_values_of_a_plain_loop(module):
    a = Weights.of(module)
    theta = lerp(a, Weights({name: t + 0.1 for name, t in a.items()}), 0.5)
    theta = Weights(theta, a.buffers)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(theta[name])
    plain = nn.functional.cross_entropy(module(INPUTS), DATA.labels).item()
    assert Landscape(module, DATA)(theta).loss == pytest.approx(plain, rel=1e-5)
    stands = theta.to(module)
    again = nn.functional.cross_entropy(stands(INPUTS), DATA.labels).item()
    assert again == pytest.approx(plain, rel=1e-5)


def test_a_path_is_fitted_and_a_run_begins_where_a_tensor_was_computed():
    model = weight_norm(nn.Linear(3, 3))
    recipe = Recipe(steps=1, batch_size=4)
    a = Weights.of(model)
    fit(model, DATA, Bezier((a, 1.5 * a, 2 * a)), recipe, seed=0)
    assert len(train(model, DATA, recipe, seed=0).checkpoints) > 0


def test_tied_parameters_stay_tied_and_gradients_are_left_behind():
    model = after_one_step_back(Tied())
    fresh = copy_module(model)
    assert fresh.second.weight is fresh.first.weight
    assert all(parameter.grad is None for parameter in fresh.parameters())
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_what_is_kept_loses_its_graph_in_the_copy_only():
    model = after_one_pass(Keeps())
    fresh = copy_module(model)
    assert not fresh.last.requires_grad
    assert fresh.seen["all"][0] is fresh.last, "one tensor became two"
    assert torch.equal(fresh.last, model.last)
    assert model.last.grad_fn is not None


def test_hooks_go_on_working_in_the_copy():
    model = nn.Linear(3, 3)
    model.register_forward_hook(lambda module, given, out: 2 * out)
    assert torch.equal(copy_module(model)(INPUTS), model(INPUTS))


def test_shared_tensors_are_the_same_in_both():
    model = weight_norm(nn.Linear(3, 3))
    fresh = copy_module(model, instead={p: p for p in model.parameters()})
    assert fresh is not model
    assert all(p is q for p, q in zip(fresh.parameters(), model.parameters(), strict=True))


def of_torch_jit():
    return nn.Sequential(nn.ReLU(), torch.jit.script(nn.Linear(3, 3)))


def with_a_lock():
    model = nn.Linear(3, 3)
    model.lock = threading.Lock()
    return model


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Sequential(nn.LazyLinear(3)), r"'0\.weight' has no shape yet.*model\(inputs"),
        (nn.LazyBatchNorm1d, r"'weight' has no shape yet"),
        (of_torch_jit, r"'1' is a module of torch\.jit.*give the Python module"),
        (
            lambda: torch.jit.trace(nn.Linear(3, 3), INPUTS),
            r"the network is a module of torch\.jit",
        ),
        (with_a_lock, r"Linear cannot be copied.*lock.*outside of the module"),
    ],
)
def test_what_cannot_be_copied_says_why_and_what_to_do(make, words):
    with pytest.raises(ValueError, match=words):
        copy_module(make())
