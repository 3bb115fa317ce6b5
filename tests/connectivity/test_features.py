"""Features of a merged network against merged features: closed forms, and by hand."""

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights, lerp
from fusionlab.connectivity import feature_connectivity
from fusionlab.landscape import recalibrate

from .test_layers import NORMED, data, point

ONE = torch.ones((), dtype=torch.double)
DEEP = nn.Sequential(nn.Linear(3, 5), nn.ReLU(inplace=True), nn.Linear(5, 4), nn.Linear(4, 2))


@pytest.mark.parametrize("t", [0.5, 0.3])
def test_a_linear_network_has_exactly_the_merged_features(t):
    model = nn.Sequential(nn.Linear(3, 4))
    found = feature_connectivity(model, point(model, 0), point(model, 1), data(), t=t)
    assert found.layers == ("0",)
    torch.testing.assert_close(found.cosine, ONE[None], rtol=0, atol=1e-12)
    torch.testing.assert_close(found.factor, ONE[None], rtol=0, atol=1e-12)
    assert found.ends.item() < 0.9


def test_if_only_the_last_layers_differ_all_features_agree():
    a = point(DEEP, 0)
    b = Weights({n: t + 1.0 if n.startswith("3.") else t for n, t in a.items()})
    found = feature_connectivity(DEEP, a, b, data())
    assert found.layers == ("0", "2", "3")
    torch.testing.assert_close(found.cosine, ONE.expand(3), rtol=0, atol=1e-12)
    torch.testing.assert_close(found.factor, ONE.expand(3), rtol=0, atol=1e-12)


def test_two_linear_layers_of_opposite_signs_cancel_where_their_features_do_not():
    """b = (−W₁, −W₂) computes what a does; halfway all weights are 0, and so are the features."""
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Linear(4, 2, bias=False)).double()
    a = Weights.of(model)
    found = feature_connectivity(model, a, -a, data())
    assert found.ends.tolist() == pytest.approx([-1, 1])
    assert found.factor.tolist() == [0, 0]
    # at t = 1/4 the weights are a / 2 and the features a quarter: in line, but too short
    quarter = feature_connectivity(model, a, -a, data(), t=0.25)
    assert quarter.cosine.tolist() == pytest.approx([1, 1])
    assert quarter.factor.tolist() == pytest.approx([1, 0.25])


def test_by_hand_on_a_network_with_an_activation_that_works_in_place():
    a, b = point(DEEP, 0), point(DEEP, 1)
    x, names = data().inputs, ["0", "1", "3"]
    found = feature_connectivity(DEEP, a, b, data(), t=0.3, layers=names)

    def features(theta):
        first = x @ theta["0.weight"].T + theta["0.bias"]
        second = first.relu()
        third = second @ theta["2.weight"].T + theta["2.bias"]
        return first, second, third @ theta["3.weight"].T + theta["3.bias"]

    for i, (of_a, of_b, merged) in enumerate(
        zip(features(a), features(b), features(lerp(a, b, 0.3)), strict=True)
    ):
        mixture = 0.7 * of_a + 0.3 * of_b
        inner = (merged * mixture).sum(1)
        cosine = inner / merged.norm(dim=1) / mixture.norm(dim=1)  # 0 / 0 counts as 0
        assert found.cosine[i].item() == pytest.approx(cosine.nan_to_num().mean().item())
        factor = inner / mixture.norm(dim=1) ** 2
        assert found.factor[i].item() == pytest.approx(factor.nan_to_num().mean().item())
        ends = (of_a * of_b).sum(1) / of_a.norm(dim=1) / of_b.norm(dim=1)
        assert found.ends[i].item() == pytest.approx(ends.nan_to_num().mean().item())


def test_batch_norm_is_recalibrated_at_all_three_networks():
    a, b, other = point(NORMED, 0), point(NORMED, 1), data(seed=5)
    found = feature_connectivity(NORMED, a, b, data(), calibration=other, layers=["3"])
    points = [recalibrate(NORMED, theta, other) for theta in (a, b, lerp(a, b, 0.5))]
    with torch.no_grad():
        of_a, of_b, merged = (p.to(NORMED).eval()(data().inputs) for p in points)
    expected = torch.cosine_similarity(merged, (of_a + of_b) / 2).mean()
    assert found.cosine.item() == pytest.approx(expected.item())
    bare = feature_connectivity(NORMED, a + 0 * a, b, data(), calibration=other, layers=["3"])
    assert torch.equal(bare.cosine, found.cosine)


def test_many_examples_are_averaged_by_their_number(monkeypatch):
    whole = feature_connectivity(DEEP, point(DEEP, 0), point(DEEP, 1), data())
    monkeypatch.setattr("fusionlab.connectivity.features.ROWS", 7)
    pieces = feature_connectivity(DEEP, point(DEEP, 0), point(DEEP, 1), data())
    torch.testing.assert_close(whole.cosine, pieces.cosine)
    torch.testing.assert_close(whole.factor, pieces.factor)


def test_images_and_single_precision_inputs_will_do():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    images = Data(torch.rand(6, 1, 4, 4), torch.arange(6) % 2)
    found = feature_connectivity(model, point(model, 0), point(model, 1), images)
    assert found.layers == ("0", "3")
    assert found.cosine[0].item() == pytest.approx(1)


def test_the_model_is_left_alone():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double().train()
    before = Weights.of(model)
    feature_connectivity(model, point(model, 0), point(model, 1), data())
    assert model.training
    assert not any(layer._forward_hooks for layer in model.modules())
    after = Weights.of(model)
    assert all(torch.equal(after[n], t) for n, t in before.items())
    assert all(torch.equal(after.buffers[n], t) for n, t in before.buffers.items())


def test_a_layer_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match=r"no layer is called '7'.*The layers are 0, 1, 2, 3"):
        feature_connectivity(DEEP, point(DEEP, 0), point(DEEP, 1), data(), layers=["7"])
