"""How points are trained: recipes, batches, optimizers, and long work that can be interrupted."""

from fusionlab.descent.batches import batch_rows, checked_data, fitted, noisy_targets
from fusionlab.descent.optimizers import Optimizer, Setting
from fusionlab.descent.progress import Interrupts, bar, carry_out, interrupts_wait
from fusionlab.descent.recipes import Recipe, factor

__all__ = [
    "Interrupts",
    "Optimizer",
    "Recipe",
    "Setting",
    "bar",
    "batch_rows",
    "carry_out",
    "checked_data",
    "factor",
    "fitted",
    "interrupts_wait",
    "noisy_targets",
]
