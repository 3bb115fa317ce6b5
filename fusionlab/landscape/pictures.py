"""A plane on which the loss draws any picture one likes: a warning about all pictures."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

from fusionlab.combinations import Combinations
from fusionlab.landscape.planes import Plane
from fusionlab.scores import ScoreFunction, score_all
from fusionlab.weights import Weights

FARTHEST = 100.0  # by how much the logit of one class is lifted at most
STEPS = 1001
SMOOTH = 12  # units per pixel; with fewer the loss is rough between the pixels


def picture_plane(
    landscape: ScoreFunction,
    theta: Weights,
    picture: Tensor,
    *,
    top: float = 3.0,
    units: int | None = None,
    seed: int = 0,
) -> Plane:
    """A plane of a wider network whose loss is a picture, over -1 … 1 along both axes.

    The last hidden layer gets units that see no data. The plane moves their biases alone, so they
    know the place (x, y); their outgoing weights, found by least squares, lift the logit of the
    first class by as much as the picture asks for. Where it is 0, the network computes exactly
    what θ's does.

    Args:
        landscape: of θ's network, which must end in Linear, ReLU, Linear.
        theta: a trained point.
        picture: the wanted loss from θ's own (0) to `top` (1), shape (rows, columns), the top row
            first, as pictures are stored.
        top: nats.
        units: how many are added; by default twelve per pixel, so that the loss is
            smooth between them.
        seed: draws how they look at (x, y).

    Returns:
        The plane, in the space of the network whose last hidden layer is wider by `units`.

    Raises:
        ValueError: if θ's last four tensors are not those of two linear layers, or if `top` is
            not above θ's loss.

    Source:
        Czarnecki et al. 2019, arXiv:1912.07559; Skorokhodov and Burtsev 2019, arXiv:1910.03867,
        find such planes by descent.
    """
    _check_last_layers(theta)
    rows, columns = picture.shape
    y, x = torch.meshgrid(_centres(rows).flip(0), _centres(columns), indexing="ij")
    places = torch.stack([torch.ones_like(x), x, y], -1).flatten(0, 1)  # (pixels, 3)
    units = units or SMOOTH * len(places)
    biases = _views(units, seed)
    outgoing = _lifts(landscape, theta, picture.flatten().double(), top)
    outgoing = torch.linalg.lstsq((places @ biases).relu(), outgoing[:, None], driver="gelsd")
    return Plane.around(
        _widened(theta, biases[0], outgoing.solution[:, 0]),
        _widened(0 * theta, biases[1], torch.zeros(units)),
        _widened(0 * theta, biases[2], torch.zeros(units)),
    )


def _check_last_layers(theta: Weights) -> None:
    shapes = [tuple(tensor.shape) for tensor in theta.values()][-4:]
    match shapes:
        case [(hidden, _), (biases,), (classes, inputs), (shifts,)] if (
            hidden == biases == inputs and classes == shifts
        ):
            return
    raise ValueError(
        f"the last four tensors have the shapes {shapes}: this needs a network that ends in "
        "Linear, ReLU, Linear, with biases, as mlp(64, 32, 10) does."
    )


def _centres(pixels: int) -> Tensor:
    """Middles of the pixels of a side that runs from -1 to 1."""
    return (2 * torch.arange(pixels, dtype=torch.double) + 1) / pixels - 1


def _views(units: int, seed: int) -> Tensor:
    """Each unit's bias at the origin, and how x and y move it: an edge drawn across the square."""
    generator = torch.Generator().manual_seed(seed)
    angle, offset = 2 * torch.rand(2, units, generator=generator, dtype=torch.double) - 1
    angle = torch.pi * angle
    return torch.stack([sqrt(2) * offset, angle.cos(), angle.sin()])  # (3, units)


def _lifts(landscape: ScoreFunction, theta: Weights, picture: Tensor, top: float) -> Tensor:
    """How far to lift the first class's logit for a loss: convex, so it grows once it grows."""
    last = list(theta)[-1]
    first = torch.zeros_like(theta[last])
    first[0] = 1
    lift = theta.map(torch.zeros_like)
    lift = Weights({**lift, last: first})
    by = torch.linspace(0, FARTHEST, STEPS, dtype=torch.double)
    line = Combinations([theta, theta + lift], torch.stack([1 - by, by], 1))
    losses = score_all(landscape, line).loss.cpu()
    if not losses[0] < top:
        raise ValueError(f"top={top} nats is not above the point's own loss, {losses[0]:.3g}.")
    wanted = losses[0] + (top - losses[0]) * picture
    losses = losses.cummax(0).values
    right = torch.searchsorted(losses, wanted).clamp(1, STEPS - 1)
    share = (wanted - losses[right - 1]) / (losses[right] - losses[right - 1])
    return torch.where(picture > 0, by[right - 1] + share * (by[1] - by[0]), 0.0)


def _widened(theta: Weights, bias: Tensor, outgoing: Tensor) -> Weights:
    """θ with units in its last hidden layer that see nothing and speak for the first class."""
    *_, weight, shift, head, _ = theta
    tensors = dict(theta)
    blind = theta[weight].new_zeros(len(bias), theta[weight].shape[1])
    spoken = theta[head].new_zeros(theta[head].shape[0], len(bias))
    spoken[0] = outgoing.to(spoken)
    tensors[weight] = torch.cat([theta[weight], blind])
    tensors[shift] = torch.cat([theta[shift], bias.to(theta[shift])])
    tensors[head] = torch.cat([theta[head], spoken], 1)
    return Weights(tensors, theta.buffers)
