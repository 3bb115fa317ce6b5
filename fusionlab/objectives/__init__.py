"""What is measured on a network's outputs: a loss, and one named quality."""

from fusionlab.objectives.choose import AnyObjective, objective_of
from fusionlab.objectives.named import (
    classification,
    one_logit,
    own,
    pictures,
    regression,
    several_labels,
    tokens,
)
from fusionlab.objectives.objective import Objective, Sums

__all__ = [
    "AnyObjective",
    "Objective",
    "Sums",
    "classification",
    "objective_of",
    "one_logit",
    "own",
    "pictures",
    "regression",
    "several_labels",
    "tokens",
]
