"""Print the tables: `python -m benchmarks`, or some of them by `--only`."""

from __future__ import annotations

import argparse

import torch

from benchmarks import (
    curvature,
    curves,
    explorers,
    largest,
    networks,
    surveys,
    ticks,
    training,
    truths,
)
from benchmarks.cases import MODELS, case
from benchmarks.timing import peak

TABLES = (
    "surveys",
    "ticks",
    "training",
    "curves",
    "curvature",
    "explorers",
    "truths",
    "largest",
    "networks",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--networks", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=5, help="a median is over so many")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    fastest = peak()
    print(f"torch {torch.__version__}, {options.threads} threads, medians of {options.rounds}")
    print(f"a 2048×2048 matrix product runs at {fastest / 1e9:.0f} GFLOP/s, the peak below\n")
    alone = {"training", "curves", "truths", "networks"}  # these bring networks of their own
    needed = set(options.only) - alone
    cases = [case(name) for name in options.networks] if needed else []
    if "surveys" in options.only:
        print(surveys.report(cases, rounds=options.rounds, peak=fastest))
    if "ticks" in options.only:
        print(ticks.report(cases, rounds=options.rounds))
    if "training" in options.only:
        print(training.report(rounds=options.rounds))
    if "curves" in options.only:
        print(curves.report(rounds=options.rounds))
    if "curvature" in options.only:
        print(curvature.report(cases, rounds=options.rounds))
    if "explorers" in options.only:
        print(explorers.report(cases))
    if "truths" in options.only:
        print(truths.report())
    if "largest" in options.only:
        print(largest.report())
    if "networks" in options.only:
        print(networks.report())


if __name__ == "__main__":
    main()
