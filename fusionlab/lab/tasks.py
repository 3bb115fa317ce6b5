"""Tasks: labelled data in three fixed, disjoint parts, with a card that says what they are."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import count
from math import pi
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import torch

from fusionlab.data import Data
from fusionlab.lab.glyphs import FACES, draw_glyphs
from fusionlab.outputs import tensors_of

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class TaskCard:
    """What a task is, in words, with its sizes (train, val, test), classes and input shape."""

    what: str
    source: str
    licence: str
    classes: tuple[str, ...] = ()
    sizes: tuple[int, int, int] = (0, 0, 0)
    shape: tuple[int, ...] = ()  # of the first input, where a network takes several

    def _repr_markdown_(self) -> str:
        sizes = ", ".join(f"{n} {split}" for n, split in zip(self.sizes, SPLITS, strict=True))
        shape = " × ".join(map(str, self.shape)) or "a number"
        classes = ", ".join(self.classes) or "none"
        return (
            f"{self.what}  \n**Size** {sizes}; each input {shape}  \n"
            f"**Classes** {classes}  \n"
            f"**Source** {self.source}  \n**Licence** {self.licence}"
        )


@dataclass(frozen=True, eq=False)
class Task:
    """One problem: `train` for training, `val` for choices, `test` for reports.

    Example:
        >>> from fusionlab.lab import two_moons
        >>> task = two_moons(n=100)
        >>> task.name, len(task.train), len(task.test), task.card.classes
        ('two_moons', 100, 100, ('upper', 'lower'))
    """

    name: str
    train: Data
    val: Data
    test: Data
    card: TaskCard

    @classmethod
    def of(
        cls,
        train: Any,
        val: Any = None,
        test: Any = None,
        *,
        name: str = "own",
        classes: Sequence[str] = (),
        seed: int = 0,
    ) -> Task:
        """Make a task of your own data, each part in any form that `Data.of` takes.

        A missing part is a fifth of `train`, drawn by `seed`. If the targets are not class
        numbers, the task has no classes.
        """
        rest = Data.of(train)
        fifth = len(rest) // 5
        if fifth == 0 and (val is None or test is None):
            raise ValueError(
                f"{len(rest)} examples are too few to set a fifth aside. Give val and test, too."
            )
        if test is None:
            test, rest = _carve(rest, fifth, seed=seed)
        if val is None:
            val, rest = _carve(rest, fifth, seed=seed + 1)
        card = TaskCard("Your own data.", "your files", "not stated", tuple(classes))
        return task(name, (rest, Data.of(val), Data.of(test)), card)


def task(name: str, parts: tuple[Data, Data, Data], card: TaskCard) -> Task:
    """Put train, val and test together; what is missing on the card is read from the data.

    Raises:
        ValueError: if the parts' inputs differ in shape, or a label has no name.
    """
    shapes = _shapes(parts[0])
    for split, part in zip(SPLITS, parts, strict=True):
        if _shapes(part) != shapes:
            raise ValueError(
                f"the inputs of {split} are {_listed(_shapes(part))}, those of train "
                f"{_listed(shapes)}: one network must take both. Give all parts the same shape."
            )
    names = _class_names(parts, card.classes)
    train, val, test = parts
    sizes = (len(train), len(val), len(test))
    return Task(
        name,
        train,
        val,
        test,
        replace(card, classes=names, sizes=sizes, shape=next(iter(shapes.values()))),
    )


def digits(*, n_train: int = 1000) -> Task:
    """Real handwritten digits, 8 × 8 pixels in [0, 1]: inputs (n, 1, 8, 8), ten classes.

    The split is random but fixed, and each writer's digits are in all parts; in a split by their
    order, the digits of new writers in the second half would be harder.
    """
    everything = _all_digits()
    test, rest = _carve(everything, 500, seed=0)
    val, train = _carve(rest, 297, seed=1)
    card = TaskCard(
        "Handwritten digits of 13 people, scanned and shrunk to 8 × 8 pixels in grey.",
        "Alpaydin and Kaynak 1998, UCI: Optical Recognition of Handwritten Digits (its test part, "
        "as in scikit-learn)",
        "CC BY 4.0",
        tuple("0123456789"),
    )
    return task("digits", (train[: _within(n_train, len(train))], val, test), card)


def letters(
    *,
    n_train: int = 2000,
    n_val: int = 500,
    n_test: int = 1000,
    characters: str = ascii_uppercase,
    faces: Sequence[str] = tuple(FACES),
    seed: int = 0,
    **warp: Any,
) -> Task:
    """Letters drawn in many fonts and warped at random: inputs (n, 1, 16, 16), 26 classes.

    Args:
        n_train: the number of training images; val and test do not depend on it.
        n_val: the number of validation images.
        n_test: the number of test images.
        characters: the classes.
        faces: families of fonts, of "sans", "serif", "mono".
        seed: draws everything; each part has its own generator.
        warp: `size`, `rotation`, `scale`, `shear`, `shift` and `noise` of `draw_glyphs`.
    """

    def draw(n: int, generator: torch.Generator) -> Data:
        labels = torch.randint(len(characters), (n,), generator=generator)
        return Data(draw_glyphs(characters, labels, generator, faces=tuple(faces), **warp), labels)

    card = TaskCard(
        "Letters in the fonts of matplotlib, turned, scaled, slanted and shifted, with noise.",
        "drawn by fusionlab",
        "none needed: the pictures are made on your machine",
        tuple(characters),
    )
    return task("letters", _draw_parts(draw, (n_train, n_val, n_test), seed), card)


def two_moons(*, n: int = 500, noise: float = 0.15, seed: int = 0) -> Task:
    """Two interleaved half circles of radius 1, `n` points in each part: inputs (n, 2)."""

    def draw(n: int, generator: torch.Generator) -> Data:
        labels = torch.arange(n) % 2
        angle = pi * torch.rand(n, generator=generator)
        sign = 1 - 2 * labels  # the second moon is the first, turned and moved to (1, 1/2)
        moon = torch.stack([labels + sign * angle.cos(), 0.5 * labels + sign * angle.sin()], 1)
        return Data(moon + noise * torch.randn(n, 2, generator=generator), labels)

    card = TaskCard("Two half moons in the plane.", "a formula", "none needed", ("upper", "lower"))
    return task("two_moons", _draw_parts(draw, (n, n, n), seed), card)


def spirals(
    *, n: int = 500, arms: int = 2, turns: float = 1.0, noise: float = 0.03, seed: int = 0
) -> Task:
    """Spirals from the middle to radius 1, one class per arm, `n` points in each part."""

    def draw(n: int, generator: torch.Generator) -> Data:
        labels = torch.arange(n) % arms
        radius = torch.rand(n, generator=generator).sqrt()  # equally dense along an arm
        angle = 2 * pi * (turns * radius + labels / arms)
        arm = radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
        return Data(arm + noise * torch.randn(n, 2, generator=generator), labels)

    names = tuple(f"arm {i}" for i in range(arms))
    card = TaskCard(
        f"{arms} spirals of {turns:g} turns in the plane.", "a formula", "none needed", names
    )
    return task("spirals", _draw_parts(draw, (n, n, n), seed), card)


def _all_digits() -> Data:
    """The file that scikit-learn's `load_digits` reads; importing that takes two seconds."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise ImportError("The digits come with scikit-learn: pip install scikit-learn.")
    file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    with gzip.open(file, "rt") as rows:
        table = torch.tensor([list(map(float, row.split(","))) for row in rows])
    images = table[:, :-1].reshape(-1, 1, 8, 8) / 16  # ink counts 0 … 16
    return Data(images, table[:, -1].long())


def _shapes(data: Data) -> dict[str, tuple[int, ...]]:
    """The shape of one row of each input, by its name or place."""
    names = data.inputs if isinstance(data.inputs, dict) else count()
    shapes = zip(names, tensors_of(data.inputs), strict=False)
    return {str(name): tuple(tensor.shape[1:]) for name, tensor in shapes}


def _listed(shapes: dict[str, tuple[int, ...]]) -> str:
    if len(shapes) == 1:
        return str(*shapes.values())
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())


def _class_names(parts: Sequence[Data], names: tuple[str, ...]) -> tuple[str, ...]:
    """A name for each class; without names these are numbers, if targets are class numbers."""
    targets = [part.targets for part in parts]
    if not names and not all(t.dtype == torch.long and t.ndim == 1 for t in targets):
        return ()
    most = 1 + max(int(t.max()) for t in targets)
    names = names or tuple(map(str, range(most)))
    if most > len(names):
        raise ValueError(
            f"labels run to {most - 1}, but only {len(names)} classes have a name. Name all "
            "classes."
        )
    return names


def _draw_parts(
    draw: Callable[[int, torch.Generator], Data], sizes: tuple[int, int, int], seed: int
) -> tuple[Data, Data, Data]:
    """Train, val and test, each with its own generator: the size of one changes no other."""
    generators = [torch.Generator().manual_seed(3 * seed + i) for i in range(3)]
    train, val, test = (draw(n, own) for n, own in zip(sizes, generators, strict=True))
    return train, val, test


def _carve(data: Data, n: int, *, seed: int) -> tuple[Data, Data]:
    """Take `n` random rows out: these, and the rest."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(data), generator=generator).to(data.device)
    return data[rows[:n]], data[rows[n:]]


def _within(n: int, most: int) -> int:
    if not 1 <= n <= most:
        raise ValueError(f"n_train={n}: there are {most} training examples. Give 1 to {most}.")
    return n
