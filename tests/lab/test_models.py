"""Networks take the images that they say, and come by name."""

import pytest
import torch
from torch import nn

from fusionlab.lab import convnet, mlp, resnet, torchvision_model

IMAGES = [(1, 8), (1, 16), (1, 28), (3, 32)]


def test_an_mlp_is_a_chain_of_linear_layers_that_flattens_its_input():
    model = mlp(64, 32, 16, 10)
    widths = [(m.in_features, m.out_features) for m in model if isinstance(m, nn.Linear)]
    assert widths == [(64, 32), (32, 16), (16, 10)]
    assert isinstance(model[-1], nn.Linear)
    assert model(torch.rand(5, 1, 8, 8)).shape == (5, 10)


@pytest.mark.parametrize("widths", [(), (10,), (4, 0, 2)])
def test_an_mlp_needs_two_widths(widths):
    with pytest.raises(ValueError, match="has no layer"):
        mlp(*widths)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("make", [convnet, resnet])
@pytest.mark.parametrize(("inputs", "side"), IMAGES)
def test_image_networks_take_images_of_every_task(make, norm, inputs, side):
    model = make(inputs=inputs, classes=7, norm=norm)
    assert model(torch.rand(2, inputs, side, side)).shape == (2, 7)


def test_a_convnet_may_be_deeper_than_its_image_is_wide():
    assert convnet((4,) * 6)(torch.rand(2, 1, 8, 8)).shape == (2, 10)


def test_a_resnet_has_the_depth_and_width_that_are_asked_for():
    model = resnet(14, width=6)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    deep = [m for m in convolutions if m.kernel_size == (3, 3)]
    assert len(deep) + 1 == 14  # and the head
    assert [m.out_channels for m in deep] == [6] * 5 + [12] * 4 + [24] * 4
    assert len(convolutions) - len(deep) == 2  # the two shortcuts that change shape


def test_a_block_without_residual_is_its_shortcut():
    block = resnet(8, width=4).stage1[0]
    nn.init.zeros_(block.residual[-1].weight)
    x = torch.rand(2, 4, 8, 8)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("depth", [0, 2, 7, 10, 18])
def test_a_depth_that_does_not_divide_is_an_error(depth):
    with pytest.raises(ValueError, match="6n"):
        resnet(depth)


def test_layer_norm_needs_no_running_statistics():
    assert not list(resnet(norm="layer").buffers())
    assert list(resnet(norm="batch").buffers())


def test_an_unknown_norm_is_an_error_that_names_the_known():
    with pytest.raises(ValueError, match="'batch', 'layer' or 'none'"):
        convnet(norm="group")


# One of each family; on the meta device nothing is computed or drawn.
FAMILIES = [
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet",
    "inception_v3", "maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "resnet18",
    "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11",
    "vit_b_32", "wide_resnet50_2",
]  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_torchvisions_classifiers_answer_a_training_batch_with_logits(name):
    side = 299 if name == "inception_v3" else 224
    with torch.device("meta"):
        model = torchvision_model(name, classes=7).train()
        assert model(torch.rand(2, 3, side, side)).shape == (2, 7)


def test_regnets_answer_too():  # they compute with numbers while they are built: no meta device
    assert torchvision_model("regnet_x_400mf", classes=3)(torch.rand(2, 3, 32, 32)).shape == (2, 3)


def test_the_families_are_all_of_torchvisions():
    from torchvision import models

    tested = {name[:3] for name in [*FAMILIES, "regnet"]}
    assert {name[:3] for name in models.list_models(module=models)} == tested


def test_settings_reach_torchvision():
    assert torchvision_model("mobilenet_v2", classes=3, dropout=0.7).classifier[0].p == 0.7


def test_a_misspelt_name_is_an_error_that_names_the_near():
    with pytest.raises(ValueError, match=r"no classifier 'resnet81'.*resnet18"):
        torchvision_model("resnet81", classes=3)
