"""There is a plane on which the loss draws any picture."""

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights
from fusionlab.landscape import Landscape, picture_plane, survey


def network(hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(5, 4), nn.ReLU(), *last_layers(hidden))


def last_layers(hidden: int) -> list[nn.Module]:
    return [nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 3)]


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(0)
    data = Data(torch.randn(40, 5), torch.arange(40) % 3)
    model = network(6)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(data.inputs), data.labels).backward()
        optimizer.step()
    return model, Weights.of(model), data


PICTURE = torch.tensor([[0.0, 1.0, 0.5], [0.0, 0.0, 0.25]])


def centres(pixels: int) -> torch.Tensor:
    return (torch.arange(pixels) + 0.5) * 2 / pixels - 1


def test_the_loss_at_the_middle_of_every_pixel_is_the_pictures(trained):
    model, theta, data = trained
    landscape = Landscape(model, data)
    plane = picture_plane(landscape, theta, PICTURE, top=4.0, units=24)
    drawn = survey(Landscape(network(6 + 24), data), plane, centres(3), centres(2))
    home = landscape(theta).loss
    expected = home + (4.0 - home) * PICTURE.flip(0).double()  # a grid's rows run upwards
    torch.testing.assert_close(drawn.loss, expected, rtol=0, atol=2e-3)


def test_where_the_picture_is_black_the_network_computes_what_it_did(trained):
    model, theta, data = trained
    plane = picture_plane(Landscape(model, data), theta, PICTURE, units=24)
    wide = plane(centres(3)[0].item(), centres(2)[0].item()).to(network(6 + 24))
    torch.testing.assert_close(wide(data.inputs), model(data.inputs), rtol=0, atol=1e-4)


def test_only_biases_move(trained):
    model, theta, data = trained
    plane = picture_plane(Landscape(model, data), theta, PICTURE, units=24)
    moved = plane(0.3, -0.7) - plane(0, 0)
    assert [name for name, t in moved.items() if t.abs().max() > 0] == ["3.bias"]
    assert moved["3.bias"][:6].abs().max() == 0


def test_what_it_cannot_do_is_said(trained):
    model, theta, data = trained
    landscape = Landscape(model, data)
    with pytest.raises(ValueError, match="not above the point's own loss"):
        picture_plane(landscape, theta, PICTURE, top=0.001)
    with pytest.raises(ValueError, match="ends in Linear, ReLU, Linear"):
        picture_plane(landscape, Weights({"w": torch.zeros(3, 2)}), PICTURE)
