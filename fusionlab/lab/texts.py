"""A task of tokens: predict the next character of a text."""

from __future__ import annotations

import re
from string import ascii_lowercase

import torch
from torch import Tensor

from fusionlab.data import Data
from fusionlab.lab.tasks import Task, TaskCard

CHARACTERS = " " + ascii_lowercase


def characters(
    *, length: int = 32, n_train: int = 600, n_val: int = 100, n_test: int = 200
) -> Task:
    """Python's own help as rows of `length` characters: inputs (n, length), targets the next ones.

    Everything but the letters a to z counts as a blank. The parts follow one another in the text,
    so no sentence is in two of them.

    Raises:
        ValueError: if the text is too short for so many rows.
    """
    sizes = (n_train, n_val, n_test)
    text, needed = _text(), sum(sizes) * length + 1
    if needed > len(text):
        raise ValueError(
            f"{sum(sizes)} rows of {length} characters need {needed}, but the text has "
            f"{len(text)}: give fewer or shorter rows."
        )
    inputs, targets = (text[i : needed - 1 + i].view(-1, length) for i in (0, 1))
    rows = torch.arange(sum(sizes)).split(sizes)
    train, val, test = (Data(inputs[part], targets[part]) for part in rows)
    card = TaskCard(
        "Letters and blanks of the pages that Python's help() shows; for each, the next one is "
        "to be predicted.",
        "pydoc_data.topics, a part of Python; its pages differ from version to version",
        "PSF License, the licence of Python",
        tuple(CHARACTERS),
        sizes,
        (length,),
    )
    return Task("characters", train, val, test, card)


def _text() -> Tensor:
    """The text as numbers of `CHARACTERS`."""
    from pydoc_data.topics import topics

    whole = " ".join(topics[name] for name in sorted(topics)).lower()
    return torch.tensor([CHARACTERS.index(each) for each in re.sub("[^a-z]+", " ", whole)])
