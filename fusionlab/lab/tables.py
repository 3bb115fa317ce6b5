"""A regression task: a table of numbers, and a number to be predicted for each row."""

from __future__ import annotations

import torch

from fusionlab.data import Data
from fusionlab.lab.tasks import Task, TaskCard

PARTS = (282, 80, 80)  # train, val, test


def diabetes() -> Task:
    """The progress of diabetes within a year, from ten measurements: inputs (n, 10), targets (n,).

    All numbers are in standard deviations of the training part, from its mean, so a constant
    prediction of the mean has a squared error near 1. The split is random but fixed.

    Source:
        Efron et al. 2004, doi.org/10.1214/009053604000000067.
    """
    from sklearn.datasets import load_diabetes

    source = load_diabetes(scaled=False)
    table = torch.tensor(source.data), torch.tensor(source.target)
    rows = torch.randperm(sum(PARTS), generator=torch.Generator().manual_seed(0)).split(PARTS)
    inputs, targets = (_standard(column, column[rows[0]]) for column in table)
    train, val, test = (Data(inputs[part], targets[part]) for part in rows)
    card = TaskCard(
        "Ten measurements of 442 patients, and how far their diabetes progressed within a year.",
        "Efron et al. 2004, as in scikit-learn",
        "BSD 3-Clause, as scikit-learn",
        sizes=PARTS,
        shape=(10,),
    )
    return Task("diabetes", train, val, test, card)


def _standard(values: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Values in standard deviations of the known ones, from their mean."""
    return ((values - known.mean(0)) / known.std(0)).float()
