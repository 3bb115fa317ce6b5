"""Eight runs trained at once against a loop over them."""

from __future__ import annotations

from benchmarks.cases import MODELS
from benchmarks.timing import medians, table
from fusionlab.lab import Recipe, digits, train, train_many

RUNS = 8
NAMES = ("MLP 32", "MLP 128")


def measure(name: str, *, rounds: int) -> dict[str, str]:
    """One row: seconds for eight runs of five epochs, and the ratio."""
    model, data, recipe = MODELS[name](), digits().train, Recipe(epochs=5)
    times = medians(
        {
            "a loop of train": lambda: [
                train(model, data, recipe, seed=seed, progress=False) for seed in range(RUNS)
            ],
            "train_many": lambda: train_many(
                model, data, recipe, seeds=range(RUNS), progress=False
            ),
        },
        rounds=rounds,
    )
    one, many = times.values()
    return {
        "network": name,
        **{way: f"{seconds:.2f} s" for way, seconds in times.items()},
        "ratio": f"{one / many:.1f}×",
    }


def report(*, rounds: int) -> str:
    """The table."""
    rows = [measure(name, rounds=rounds) for name in NAMES]
    return table(f"{RUNS} runs of 5 epochs, batches of {Recipe().batch_size}", rows)
