"""What notebook 13, landscapes, asks of its reader."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fusionlab.landscape import filter_normalise
from fusionlab.teach.checks import Exercise, Property, Wrong
from fusionlab.teach.quizzes import Question
from fusionlab.weights import Weights

Normalise = Callable[[Weights, Weights], Weights]


def _network() -> Weights:
    """Two layers whose filters differ in length; the first is a convolution."""
    linear = torch.tensor([[3.0, 4.0], [0.6, 0.8], [1.0, 0.0]])
    kernels = torch.arange(1.0, 17.0).reshape(2, 2, 2, 2)
    return Weights({"0.weight": kernels, "2.weight": linear, "2.bias": torch.tensor([1.0, 2, 3])})


def _direction() -> Weights:
    """A direction without symmetry."""
    linear = torch.tensor([[1.0, -2.0], [2.0, 1.0], [1.0, 1.0]])
    kernels = torch.tensor([1.0, -1, 2, 0, 3, 1, -2, 1, 4, 1, 0, -3, 2, 2, 1, -1]).reshape(
        2, 2, 2, 2
    )
    return Weights({"0.weight": kernels, "2.weight": linear, "2.bias": torch.tensor([1.0, -1, 1])})


def _is(answer: Weights, name: str, tensor: Tensor) -> bool:
    return bool(torch.allclose(answer[name], tensor, atol=1e-5))


def _answers(normalise: Normalise) -> Weights:
    return normalise(_direction(), _network())


def _keeps_its_arguments(normalise: Normalise) -> bool:
    direction, theta = _direction(), _network()
    normalise(direction, theta)
    pairs = ((direction, _direction()), (theta, _network()))
    return all(bool((now - before).norm() < 1e-6) for now, before in pairs)


def _lengths(tensor: Tensor) -> Tensor:
    lengths: Tensor = tensor.flatten(1).norm(dim=1)
    return lengths


def _right(name: str) -> Tensor:
    return filter_normalise(_direction(), _network())[name]


def _by_tensor(direction: Weights, theta: Weights) -> Weights:
    """The whole tensor at once: layer normalisation."""
    return direction.map(lambda d, t: d * t.norm() / d.norm() if d.ndim > 1 else 0 * d, theta)


def _by_column(direction: Weights, theta: Weights) -> Weights:
    def scale(d: Tensor, t: Tensor) -> Tensor:
        return d * t.norm(dim=0) / d.norm(dim=0).clamp_min(1e-12) if d.ndim > 1 else 0 * d

    return direction.map(scale, theta)


def _with(change: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Normalise:
    """A wrong answer: the right one, but for `change(answer, direction, theta)` of each tensor."""

    def wrong(direction: Weights, theta: Weights) -> Weights:
        return filter_normalise(direction, theta).map(change, direction, theta)

    return wrong


def _unit(direction: Weights, theta: Weights) -> Weights:
    return _with(lambda a, d, t: a / _shaped(_lengths(t), a) if a.ndim > 1 else a)(direction, theta)


def _shaped(lengths: Tensor, like: Tensor) -> Tensor:
    return lengths.clamp_min(1e-12).view(-1, *[1] * (like.ndim - 1))


NORMALISE = Exercise(
    key="13.1",
    properties=(
        Property(
            lambda f: isinstance(_answers(f), Weights),
            "`normalise` must return one direction, a `Weights`: `direction.map(scale, theta)` "
            "applies a function to the tensors of both, name by name.",
        ),
        Property(
            _keeps_its_arguments,
            "After the call, the direction or θ is another one. Make new tensors, without `*=`.",
        ),
        Property(
            lambda f: not _is(_answers(f), "2.bias", _direction()["2.bias"]),
            "You leave the biases of the direction as they were drawn. They have no filters whose "
            "length they could take: set them to zero.",
        ),
        Property(
            lambda f: _is(_answers(f), "2.bias", torch.zeros(3)),
            "Biases, and all tensors with one axis, must become zero.",
        ),
        Property(
            lambda f: (
                not _is(_answers(f), "2.weight", _by_tensor(_direction(), _network())["2.weight"])
            ),
            "You scale each tensor as a whole. That is layer normalisation: every row must get the "
            "length of the same row of θ.",
        ),
        Property(
            lambda f: (
                not _is(_answers(f), "2.weight", _by_column(_direction(), _network())["2.weight"])
            ),
            "You scale the columns. A filter makes one output: it is a slice along the first axis, "
            "so a row.",
        ),
        Property(
            lambda f: not _is(_answers(f), "2.weight", _unit(_direction(), _network())["2.weight"]),
            "Every filter has length 1. It must have the length of the network's filter: multiply "
            "by that.",
        ),
        Property(
            lambda f: _is(_answers(f), "2.weight", _right("2.weight")),
            "The rows of a linear layer do not have the lengths of θ's rows, or have another "
            "direction: multiply each by ‖θ's row‖ / ‖row‖.",
        ),
        Property(
            lambda f: _is(_answers(f), "0.weight", _right("0.weight")),
            "Linear layers are right, convolutions are not: a filter there has three axes. Flatten "
            "all but the first before you take the norm.",
        ),
    ),
    wrong=(
        Wrong(lambda d, t: {name: d[name] for name in d}, "one direction"),
        Wrong(lambda d, t: d.map(lambda x, y: x.mul_(2), t), "another one"),
        Wrong(_with(lambda a, d, t: d if a.ndim == 1 else a), "as they were drawn"),
        Wrong(_with(lambda a, d, t: t if a.ndim == 1 else a), "must become zero"),
        Wrong(_by_tensor, "layer normalisation"),
        Wrong(_by_column, "the columns"),
        Wrong(_unit, "length 1"),
        Wrong(lambda d, t: d.map(lambda x, y: 0 * x, t), "do not have the lengths"),
        Wrong(_with(lambda a, d, t: 2 * a if a.ndim == 2 else a), "do not have the lengths"),
        Wrong(_with(lambda a, d, t: 2 * a if a.ndim == 4 else a), "convolutions are not"),
    ),
    praise="Each filter has the length of θ's filter, and all other tensors are zero.",
)

EXERCISES = (NORMALISE,)

QUIZ = (
    Question(
        "Network A's minimum looks sharper than B's in pictures along raw random directions. So …",
        {
            "A is sharper": "Not if its weights are smaller: then equal steps matter more for A.",
            "A has another function": "Both may compute the same: rescale a ReLU layer, and undo "
            "it in the next layer.",
            "nothing yet": "First scale the directions like the weights, and use more than one "
            "direction and more than one network.",
        },
        right="nothing yet",
    ),
    Question(
        "Two principal components hold 76 % of the variance of a trajectory. What follows?",
        {
            "training moved in a plane": "A random walk explains as much.",
            "by itself, nothing": "A random walk of many steps in a large space explains as much: "
            "compare with it before you see structure.",
            "the picture of the plane shows the losses of training": "The checkpoints are not in "
            "the plane; its losses belong to their projections.",
        },
        right="by itself, nothing",
    ),
    Question(
        "A contour plot shows the path of training over a valley. Whose loss is the colour?",
        {
            "that of the checkpoints": "Only of those that lie in the plane.",
            "that of their projections": "The path is drawn as its projection on the plane, whose "
            "loss can be several times lower or higher than that of the networks.",
        },
        right="that of their projections",
    ),
    Question(
        "Why is the curvature of a trained network so small along a random direction?",
        {
            "the curvature is small everywhere": "Along a few directions it is hundreds of times "
            "the mean.",
            "few directions are steep, and a random one has little of them": "Of thousands of "
            "eigenvalues, a few make up most of the trace. A random direction has their mean.",
            "it is too short": "A longer step goes farther along the same flat direction.",
        },
        right="few directions are steep, and a random one has little of them",
    ),
)
