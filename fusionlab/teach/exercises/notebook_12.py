"""What notebook 12, subspaces, asks of its reader."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin

import torch
from torch import Tensor

from fusionlab.teach.checks import Exercise, Property, Wrong
from fusionlab.teach.quizzes import Question

OfProducts = Callable[[Tensor], float | Tensor]


def _products(*rows: tuple[float, ...]) -> Tensor:
    """⟨θᵢ, θⱼ⟩ of points given by their coordinates."""
    points = torch.tensor(rows, dtype=torch.double)
    return points @ points.T


def _fan() -> Tensor:
    """Three vectors of different lengths at 0°, 60° and 90°: squared cosines 1/4, 0 and 3/4."""
    third = pi / 3
    return _products((2.0, 0.0), (cos(third), sin(third)), (0.0, 3.0))


def _pair(angle: float, length: float = 1.0) -> Tensor:
    """Two vectors with a given angle; the second has a given length."""
    return _products((1.0, 0.0), (length * cos(angle), length * sin(angle)))


def _number(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, Tensor) and value.ndim == 0)


def _gives(f: OfProducts, products: Tensor, expected: float) -> bool:
    return abs(float(f(products)) - expected) < 1e-6


def _cosines(products: Tensor) -> Tensor:
    lengths = products.diagonal().sqrt()
    return products / torch.outer(lengths, lengths)


def _pairs(values: Tensor) -> Tensor:
    i, j = torch.triu_indices(len(values), len(values), 1)
    return values[i, j]


MEAN_SQUARED_COSINE = Exercise(
    key="12.1",
    properties=(
        Property(
            lambda f: _number(f(_fan())),
            "`mean_squared_cosine` must return one number: the mean over all pairs of vertices.",
        ),
        Property(
            lambda f: not _gives(f, _fan(), _pairs(_fan()).square().mean().item()),
            "You square the inner products themselves. A cosine is an inner product divided by "
            "both lengths; the length of vertex i is the square root of `products[i, i]`.",
        ),
        Property(
            lambda f: not _gives(f, _fan(), _cosines(_fan()).square().mean().item()),
            "You average over the whole matrix. Its diagonal compares each vertex with itself, "
            "which always gives 1: take each pair i < j once.",
        ),
        Property(
            lambda f: not _gives(f, _fan(), _pairs(_cosines(_fan())).square().sum().item()),
            "You add up the pairs. Take their mean: it does not grow with the number of vertices.",
        ),
        Property(
            lambda f: not _gives(f, _fan(), _pairs(_cosines(_fan())).mean().item()),
            "You average the cosines without squaring them. Then opposite vertices would count as "
            "less similar than vertices at a right angle.",
        ),
        Property(
            lambda f: _gives(f, _pair(pi / 2), 0.0),
            "For two vectors at a right angle the answer must be 0.",
        ),
        Property(
            lambda f: _gives(f, _pair(0.4, 5.0), cos(0.4) ** 2),
            "If one of two vectors is five times longer, your answer changes, but the angle does "
            "not. Do you divide by the lengths, and not by their squares?",
        ),
        Property(
            lambda f: _gives(f, _pair(2.5), cos(2.5) ** 2),
            "Two vectors that point away from each other have a negative cosine: use its square, "
            "too.",
        ),
        Property(
            lambda f: _gives(f, _fan(), 1 / 3),
            "For vectors at 0°, 60° and 90° the squared cosines are 1/4, 0 and 3/4: their mean is "
            "1/3. Your answer is different.",
        ),
    ),
    wrong=(
        Wrong(_cosines, "one number"),
        Wrong(lambda p: _pairs(p).square().mean(), "divided by both lengths"),
        Wrong(lambda p: _cosines(p).square().mean(), "diagonal"),
        Wrong(lambda p: _pairs(_cosines(p)).square().sum(), "add up the pairs"),
        Wrong(lambda p: _pairs(_cosines(p)).mean(), "without squaring"),
        Wrong(lambda p: 0.7, "the answer must be 0"),
        Wrong(
            lambda p: _pairs(p / torch.outer(p.diagonal(), p.diagonal())).square().mean(),
            "five times longer",
        ),
        Wrong(lambda p: _pairs(_cosines(p)).clamp_min(0).square().mean(), "negative cosine"),
        Wrong(lambda p: _cosines(p)[0, 1] ** 2, "their mean is"),
        Wrong(lambda p: p.cosine().mean(), "AttributeError"),
    ),
    praise="This penalty keeps the vertices of a learned subspace apart.",
)


def _gram(products: Tensor) -> Tensor:
    """Inner products of the two edges that leave vertex 0."""
    steps = torch.tensor([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]], dtype=products.dtype)
    return steps @ products @ steps.T


def _triangle(scale: float = 1.0, shift: float = 0.0) -> Tensor:
    """Corners of a triangle with base 4 and height 3, so of area 6."""
    corners = ((0.0, 0.0), (4.0, 0.0), (1.0, 3.0))
    return _products(*((scale * x + shift, scale * y + 2 * shift) for x, y in corners))


AREA = Exercise(
    key="12.2",
    properties=(
        Property(
            lambda f: _number(f(_triangle())),
            "`area` must return one number: take the determinant of the 2 × 2 matrix of edges.",
        ),
        Property(
            lambda f: not _gives(f, _triangle(), 144.0),
            "You return the determinant, which is the square of twice the area: take its root.",
        ),
        Property(
            lambda f: not _gives(f, _triangle(), 12.0),
            "You return the area of the parallelogram of the two edges. The triangle is half of "
            "it.",
        ),
        Property(
            lambda f: _gives(f, _triangle(), 6.0),
            "A triangle with base 4 and height 3 has area 6; your answer is different. Are your "
            "edges the differences to vertex 0, θ₁ − θ₀ and θ₂ − θ₀?",
        ),
        Property(
            lambda f: _gives(f, _triangle(shift=2.0), 6.0),
            "Your area changes when the triangle is moved as a whole. Use differences of vertices: "
            "⟨θ₁ − θ₀, θ₂ − θ₀⟩ = ⟨θ₁, θ₂⟩ − ⟨θ₁, θ₀⟩ − ⟨θ₂, θ₀⟩ + ⟨θ₀, θ₀⟩.",
        ),
        Property(
            lambda f: _gives(f, _triangle(scale=2.0), 24.0),
            "If all lengths are doubled, the area must be four times the area before.",
        ),
    ),
    wrong=(
        Wrong(_gram, "one number"),
        Wrong(lambda p: torch.linalg.det(_gram(p)), "take its root"),
        Wrong(lambda p: torch.linalg.det(_gram(p)).sqrt(), "half of it"),
        Wrong(lambda p: _gram(p).diagonal().prod().sqrt() / 2, "your answer is different"),
        Wrong(lambda p: torch.linalg.det(p[1:, 1:]).sqrt() / 2, "moved as a whole"),
        Wrong(lambda p: 6.0, "four times the area"),
        Wrong(lambda p: p.area(), "AttributeError"),
    ),
    praise="The same formula measures simplexes of any dimension.",
)

EXERCISES = (MEAN_SQUARED_COSINE, AREA)

QUIZ = (
    Question(
        "What does one step of learning a line cost, compared with a step of a single network?",
        {
            "twice as much": "There are two ends, but only one point between them is evaluated.",
            "about as much": "One point is drawn and needs one gradient; each end gets its share.",
            "it depends on t": "Every t costs the same: one mixed network, one gradient.",
        },
        right="about as much",
    ),
    Question(
        "A mixture is half of one end and half of the other. How much of its gradient does each "
        "end get?",
        {
            "all of it": "Then both ends together would move the mixture twice as far.",
            "half of it": "The gradient for an end is its share times the gradient of the mixture. "
            "This is why learned lines need larger learning rates.",
            "none": "Then nothing would be learned.",
        },
        right="half of it",
    ),
    Question(
        "Three networks were trained independently. Where is the loss low?",
        {
            "everywhere in their triangle": "The straight lines between independent networks "
            "already cross hills.",
            "on a complex through a trained connecting vertex": "The loss is low on each edge "
            "from a mode to that vertex; the triangle of the modes is not part of the complex.",
            "only at the three points": "A connecting vertex joins them by lines of low loss.",
        },
        right="on a complex through a trained connecting vertex",
    ),
    Question(
        "A learned line is better than a single network with the same recipe. What else must you "
        "try?",
        {
            "nothing, the claim is shown": "The single network may only lack regularisation, and "
            "weight decay is cheaper than a second network.",
            "a recipe chosen on validation data for each of the two": "Much of the gain may be "
            "plain regularisation, which weight decay also gives.",
            "a larger test set": "It would make the error bars smaller, but not the comparison "
            "fair.",
        },
        right="a recipe chosen on validation data for each of the two",
    ),
)
