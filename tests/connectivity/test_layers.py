"""One layer moves and the rest stays, by name, to the last bit."""

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights
from fusionlab.connectivity import Line, layers, layerwise_profiles, profile
from fusionlab.lab import mlp, resnet
from fusionlab.landscape import Landscape, Score
from fusionlab.weights import combine

NORMED = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def point(model, seed):
    generator = torch.Generator().manual_seed(seed)
    fresh = Weights.of(model.double())
    measured = {
        n: torch.rand(t.shape, generator=generator).to(t.dtype) for n, t in fresh.buffers.items()
    }
    return Weights(
        {n: torch.randn(t.shape, generator=generator, dtype=t.dtype) for n, t in fresh.items()},
        measured,
    )


def data(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Data(torch.randn(40, 3, generator=generator, dtype=torch.double), torch.arange(40) % 2)


def test_layers_are_the_modules_that_own_tensors_in_order():
    found = layers(Weights.of(NORMED))
    assert found == {
        "0": ("0.weight", "0.bias"),
        "1": ("1.weight", "1.bias"),
        "3": ("3.weight", "3.bias"),
    }
    assert layers(Weights({"w": torch.ones(1)})) == {"w": ("w",)}
    names = [name for tensors in layers(Weights.of(resnet(width=2))).values() for name in tensors]
    assert names == list(Weights.of(resnet(width=2)))


def test_only_the_named_layer_moves():
    """A loss that is the sum of all squared coordinates splits into one parabola per layer."""
    a, b = point(mlp(3, 4, 2), 0), point(mlp(3, 4, 2), 1)
    profiles = layerwise_profiles(lambda p: Score((p @ p).item(), 0.0), a, b, points=5)
    assert list(profiles) == ["1", "3"]
    for layer, along in profiles.items():
        for t, loss in zip(along.t.tolist(), along.loss.tolist(), strict=True):
            mixed = {n: (1 - t) * a[n] + t * b[n] if n.startswith(f"{layer}.") else a[n] for n in a}
            assert loss == pytest.approx(sum((m**2).sum().item() for m in mixed.values()))


def test_on_a_landscape_it_is_the_loss_of_the_network_with_that_layer_moved():
    model = mlp(3, 5, 2)
    a, b = point(model, 0), point(model, 1)
    landscape = Landscape(model, data())
    along = layerwise_profiles(landscape, a, b, points=5)["3"]
    moved = Weights({**a, **{n: 0.25 * a[n] + 0.75 * b[n] for n in ("3.weight", "3.bias")}})
    assert along.loss[3].item() == pytest.approx(landscape(moved).loss, rel=1e-9)
    assert along.loss[0] == landscape(a).loss


def test_cumulative_groups_end_with_the_whole_line():
    model = mlp(3, 5, 4, 2)
    a, b = point(model, 0), point(model, 1)
    landscape = Landscape(model, data())
    profiles = layerwise_profiles(landscape, a, b, cumulative=True, points=7)
    torch.testing.assert_close(profiles["5"].loss, profile(landscape, Line(a, b), points=7).loss)
    first = layerwise_profiles(landscape, a, b, points=7)["1"]
    assert torch.equal(profiles["1"].loss, first.loss)


def test_groups_are_named_by_modules_or_tensors():
    model = resnet(width=2)
    a, b = point(model, 0), point(model, 1)
    seen = []

    def note(theta):
        seen.append(theta)
        return Score(0.0, 0.0)

    groups = {"body": ["stage1", "stage2"], "bias": ["head.bias"], "word": "head"}
    assert list(layerwise_profiles(note, a, b, groups=groups, points=2)) == list(groups)
    moved = [{n for n in a if not torch.equal(p[n], a[n])} for p in seen[1::2]]
    assert moved[0] == {n for n in a if n.startswith(("stage1.", "stage2."))}
    assert moved[1:] == [{"head.bias"}, {"head.weight", "head.bias"}]


def test_a_name_that_nothing_has_is_an_error():
    a, b = point(NORMED, 0), point(NORMED, 1)
    with pytest.raises(ValueError, match=r"no layer is called 'fc'.*The layers are 0, 1, 3"):
        layerwise_profiles(lambda _: Score(0, 0), a, b, groups={"head": ["3", "fc"]})
    with pytest.raises(ValueError, match=r"no layer is called '0\.wei'"):
        layerwise_profiles(lambda _: Score(0, 0), a, b, groups={"part": ["0.wei"]})


def test_ends_are_exact_and_a_layers_measurements_move_with_it():
    a, b = point(NORMED, 0), point(NORMED, 1)
    seen = []

    def note(theta):
        seen.append(theta)
        return Score(0.0, 0.0)

    layerwise_profiles(note, a, b, groups={"norm": ["1"], "all": ["0", "1", "3"]}, points=2)
    start, norm, _, whole = seen
    assert start is a
    assert torch.equal(norm.buffers["1.running_mean"], b.buffers["1.running_mean"])
    assert torch.equal(norm["3.weight"], a["3.weight"])
    assert all(torch.equal(whole[n], b[n]) for n in b)
    assert all(torch.equal(t, b.buffers[n]) for n, t in whole.buffers.items())


@pytest.mark.parametrize("policy", ["recalibrate", "interpolate", "fixed"])
def test_batch_norm_follows_the_landscapes_policy(policy):
    a, b = point(NORMED, 0), point(NORMED, 1)
    landscape = Landscape(NORMED, data(), batch_norm=policy)
    along = layerwise_profiles(landscape, a, b, points=3)["0"]
    middle = combine(
        [0.5, 0.5], [a, Weights({**a, "0.weight": b["0.weight"], "0.bias": b["0.bias"]})]
    )
    expected = landscape(Weights(middle, a.buffers)).loss
    assert along.loss[1].item() == pytest.approx(expected, rel=1e-6)


def test_a_deep_linear_network_has_no_layerwise_barrier():
    """Its loss is convex in each layer alone (Adilova et al. 2024, arXiv:2307.06966)."""
    model = nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 6), nn.Linear(6, 2))
    landscape = Landscape(model.double(), data())
    for seed in range(5):
        a, b = point(model, 2 * seed), point(model, 2 * seed + 1)
        profiles = layerwise_profiles(landscape, a, b, points=9)
        assert max(along.barrier for along in profiles.values()) < 1e-9
