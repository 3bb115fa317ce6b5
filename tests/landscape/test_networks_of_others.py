"""Networks of others are scored as plain PyTorch does; the whole table: python -m benchmarks."""

import warnings

import pytest
import torch

from benchmarks.networks import compare, sequences, timms, torchvisions, transformers_own

POLICIES = ("fixed", "interpolate", "recalibrate")
FEW_TORCHVISION = {"resnet18": 32, "mobilenet_v3_small": 32, "squeezenet1_1": 48, "mnasnet0_5": 32}
FEW_TIMM = {
    "mobilenetv3_small_050": 32, "tinynet_e": 32, "resnet10t": 32, "nf_resnet26": 32,
    "levit_128s": 224,
}  # fmt: skip


def _agrees(brought):
    measures = any("running_" in name for name, _ in brought.model.named_buffers())
    for policy in POLICIES if measures else POLICIES[:1]:  # else all policies are one
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            apart = compare(brought, policy)
        # Rounding of a few rows in batch statistics grows from layer to layer.
        allowed = 1e-4 if policy == "recalibrate" else 1e-5
        assert apart["loss"] <= allowed, (brought.name, policy, apart)
        assert apart["gradient"] <= 1e-3, (brought.name, policy, apart)


@pytest.mark.parametrize("number", range(2))
def test_sequences_are_read_as_in_the_loop(number):
    torch.manual_seed(0)
    _agrees(list(sequences())[number])


@pytest.mark.parametrize("name", FEW_TORCHVISION)
def test_classifiers_of_torchvision_are_scored_as_in_the_loop(name):
    torch.manual_seed(0)
    [brought] = torchvisions({name: FEW_TORCHVISION[name]})
    _agrees(brought)


@pytest.mark.parametrize("name", FEW_TIMM)
def test_classifiers_of_timm_are_scored_as_in_the_loop(name):
    pytest.importorskip("timm")
    torch.manual_seed(0)
    [brought] = timms({name: FEW_TIMM[name]})
    _agrees(brought)


@pytest.mark.parametrize("number", range(3))
def test_small_transformers_are_scored_as_in_the_loop(number):
    pytest.importorskip("transformers")
    torch.manual_seed(0)
    _agrees(list(transformers_own())[number])
