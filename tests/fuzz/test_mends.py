"""The random networks notice each fault that was mended: without the mend they differ."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.modules.batchnorm import _NormBase

from fusionlab import Data, Weights
from fusionlab.combinations import Combinations
from fusionlab.landscape import (
    Landscape,
    basis,
    examination,
    first_layer,
    moments,
    network,
    own_buffers,
    plain,
    short_cuts,
    structures,
)
from fusionlab.objectives.classes import CrossEntropy
from fusionlab.objectives.objective import Sums
from tests.fuzz.__main__ import tried
from tests.fuzz.checks import POLICIES


@contextmanager
def several(*patches: object) -> Iterator[None]:
    if not patches:
        yield
        return
    with patches[0], several(*patches[1:]):
        yield


def _always_agrees():
    """No fast path is compared with the plain one."""
    return several(
        patch.object(plain.Yardstick, "agrees", lambda *_: True),
        patch.object(short_cuts, "_agrees", lambda *_: True),
    )


def _bare_norms():
    """Whatever is a batch norm by its type is run as torch's own."""

    def use_batches(module, momenta):
        for layer in module.modules():
            if isinstance(layer, _NormBase) and layer.track_running_stats:
                layer.training, layer.momentum = True, 1.0
                layer.__class__ = moments._ByBatch
        return module

    return several(patch.object(network, "use_batches", use_batches))


def _lenders_buffers():
    """A point's buffers are not looked at."""
    return patch.object(own_buffers, "_differing", lambda *_: [])


def _nothing_copied():
    """Nobody looks whether a forward writes."""
    return patch.object(examination, "_was_written", lambda *_: False)


def _evaluation_only():
    """Evaluation is begun once, whatever layers keep."""
    return patch.object(plain.Yardstick, "same", lambda *_: True)


def _rows_apart():
    """Rows are divided although they depend on each other."""
    return several(patch.object(plain.Yardstick, "alike", lambda *_: True), _agreeing_by_eye())


def _agreeing_by_eye():
    return patch.object(plain.Yardstick, "agrees", lambda *_: True)


def _left_as_they_are():
    """Buffers that a forward set anew stay in the module."""

    @contextmanager
    def holding(self, tensors):
        places = [place for name in tensors for place in self._places.get(name, ())]
        try:
            for name, tensor in tensors.items():
                for own, key, _ in self._places.get(name, ()):
                    own[key] = tensor
            yield self.module
        finally:
            for own, key, tensor in places:
                own[key] = tensor

    return patch.object(structures.Structure, "holding", holding)


def _still_buffers():
    """Buffers are not moved when caches are looked for."""
    return patch.object(
        examination,
        "elsewhere",
        lambda theta: Weights(plain.elsewhere(Weights(theta)), theta.buffers),
    )


def _own_generator():
    """Draws are taken from the reader's generator."""

    @contextmanager
    def unchanged(*_, **__):
        yield

    return several(
        *(patch.object(module, "all_seeded", unchanged) for module in (plain, examination))
    )


def _merged_evaluation():
    """A fresh network is put into evaluation mode, where merged weights have no slope."""
    return patch.object(examination, "has_own_modes", lambda _: False)


FAULTS = {
    "norms by type": (_bare_norms, ["norm and activation", "instance norm with statistics"]),
    "buffers ignored": (_lenders_buffers, ["mean and deviation in buffers", "pruned"]),
    "spectral buffers ignored": (_lenders_buffers, ["spectral norm", "old spectral norm"]),
    "inputs not copied": (_nothing_copied, ["writes into its input"]),
    "inputs not copied, unseen": (_nothing_copied, ["writes into its input unseen"]),
    "buffers not copied": (_nothing_copied, ["buffers that drift in place"]),
    "evaluation begun once": (_evaluation_only, ["caching", "low rank, merging"]),
    "weights in lists": (_evaluation_only, ["weights in a list"]),
    "caches when evaluation begins": (_evaluation_only, ["caching when evaluation begins"]),
    "rows divided": (_rows_apart, ["sums along rows", "divides by the largest"]),
    "set buffers stay": (_left_as_they_are, ["buffers that drift"]),
    "caches of buffers": (_still_buffers, ["caching of buffers"]),
    "the reader's generator": (_own_generator, ["draws to no use"]),
    "merged slopes": (_merged_evaluation, ["weights in a list, merging"]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed_on_a_few_networks_of_its_kind(fault):
    broken, kinds = FAULTS[fault]
    for kind in kinds:
        with broken():
            assert any(_is_wrong(kind, seed) for seed in range(6)), f"{kind} shows nothing"


def _is_wrong(kind: str, seed: int) -> bool:
    found = tried(kind, seed, POLICIES[0])
    found = found if found.damaged or found.wrong else tried(kind, seed, POLICIES[2])
    return bool(found.damaged or found.wrong)


class LowRank(nn.Linear):
    """A first layer that is not linear in its weights."""

    def __init__(self):
        super().__init__(300, 8)
        self.a, self.b = nn.Parameter(torch.randn(2, 300)), nn.Parameter(torch.randn(8, 2))

    def forward(self, x):
        return super().forward(x) + x @ self.a.T @ self.b.T / 9


def _between(make) -> tuple[float, float]:
    """The loss between two points, of the landscape and of the loop."""
    torch.manual_seed(0)
    model, data = make(), Data(torch.randn(60, 300), torch.arange(60) % 3)
    a, b = Weights.of(model), Weights.of(make())
    middle = Weights((a + b) / 2)
    got = Landscape(model, data).scores(Combinations([a, b], torch.tensor([[0.5, 0.5], [1, 0]])))
    network = middle.to(model).eval()
    with torch.no_grad():
        return got.loss[0].item(), cross_entropy(network(data.inputs), data.targets).item()


def lines() -> nn.Module:
    return nn.Sequential(LowRank(), nn.ReLU(), nn.Linear(8, 3))


def test_a_first_layer_judged_by_its_type_is_noticed():
    got, right = _between(lines)
    assert got == pytest.approx(right, rel=1e-5)
    everything = patch.object(first_layer, "_is_plain", lambda layer: isinstance(layer, nn.Linear))
    with everything, _always_agrees():
        got, right = _between(lines)
    assert got != pytest.approx(right, rel=1e-3)


def test_a_first_layer_that_is_not_linear_is_told_and_left_by_comparison_alone():
    everything = patch.object(first_layer, "_is_plain", lambda layer: isinstance(layer, nn.Linear))
    with everything, pytest.warns(RuntimeWarning, match="not linear in its weights"):
        got, right = _between(lines)
    assert got == pytest.approx(right, rel=1e-5)


def test_class_weights_averaged_over_batches_are_noticed():
    torch.manual_seed(0)
    model = nn.Linear(8, 2)
    data = Data(torch.randn(3000, 8), torch.arange(3000) // 1500)
    weight, theta = torch.tensor([1.0, 4.0]), Weights.of(model)
    right = cross_entropy(model(data.inputs), data.targets, weight=weight).item()
    loss = nn.CrossEntropyLoss(weight=weight)
    assert Landscape(model, data, loss)(theta).loss == pytest.approx(right, rel=1e-5)
    sums = CrossEntropy.sums

    def averaged(self, outputs, targets):
        exact, n = sums(self, outputs, targets), torch.tensor(float(len(targets)))
        return Sums(exact.mean * n, n, exact.quality, exact.counted)

    with patch.object(CrossEntropy, "sums", averaged):
        several = Landscape(model, data, loss).scores([theta, theta])  # which are not one batch
        assert several.loss[0].item() != pytest.approx(right, rel=1e-3)


def test_small_steps_of_half_precision_are_noticed_when_they_are_not_widened():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    data = Data(torch.randn(60, 8), torch.arange(60) % 3)
    a = Weights.of(model).move(dtype=torch.bfloat16)
    b = Weights(a.map(lambda t: t * 1.002 + 1e-4)).move(dtype=torch.bfloat16)
    wide = [p.move(dtype=torch.float32) for p in (a, b)]
    c = torch.tensor([[0.9, 0.1], [0.6, 0.4]])
    right = Landscape(model, data).scores(Combinations(wide, c)).loss
    got = Landscape(model, data).scores(Combinations([a, b], c)).loss
    torch.testing.assert_close(got, right, rtol=1e-6, atol=0)
    with patch.object(basis, "working", lambda *_: None):
        coarse = Landscape(model, data).scores(Combinations([a, b], c)).loss
    assert (coarse - right).abs().max() > 3e-5
