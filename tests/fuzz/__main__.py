"""Try random networks: `python -m tests.fuzz --count 2000 --seed 0`; exit 1 on a silent fault."""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor

import torch

from tests.fuzz.checks import POLICIES, Findings, check
from tests.fuzz.modules import cases, kinds


def look(job: tuple[str, int]) -> list[dict[str, object]]:
    """All policies on one network, as plain values."""
    torch.set_num_threads(1)
    return [summary(tried(*job, policy)) for policy in POLICIES]


def tried(kind: str, seed: int, policy: str) -> Findings:
    """A crash is a finding of its own kind."""
    case = cases(kind, seed)
    try:
        return check(case, policy)
    except Exception as error:
        found = Findings(case, policy)
        found.damaged.append(f"crash: {type(error).__name__}: {str(error)[:150]}")
        return found


def summary(found: Findings) -> dict[str, object]:
    worst = defaultdict(float)
    for what, apart in found.apart.items():
        worst[what.partition(",")[0]] = max(worst[what.partition(",")[0]], apart)
    return {
        "kind": found.case.kind, "worst": dict(worst), "told": found.told,
        "refused": found.refused, "wrong": found.wrong, "damaged": found.damaged,
        "distrusted": found.distrusted, "words": str(found),
    }  # fmt: skip


def report(findings: list[dict[str, object]]) -> str:
    """The table of kinds, then refusals, warnings and faults."""
    what = ("loss", "logits", "gradient", "product", "statistics", "first step")
    lines = ["| kind | networks | " + " | ".join(what) + " | told | refused |",
             "|---|---|" + "---|" * (len(what) + 2)]  # fmt: skip
    by_kind: dict[str, list[dict[str, object]]] = defaultdict(list)
    for one in findings:
        by_kind[one["kind"]].append(one)
    for kind, group in by_kind.items():
        cells = [max((g["worst"].get(w, 0.0) for g in group), default=0.0) for w in what]
        told, refused = (sum(bool(g[n]) for g in group) for n in ("told", "refused"))
        numbers = " | ".join(f"{c:.0e}" for c in cells)
        lines.append(f"| {kind} | {len(group) // len(POLICIES)} | {numbers} | {told} | {refused} |")
    refusals = Counter(str(f["refused"])[:160] for f in findings if f["refused"])
    warned = Counter(words[:110] for f in findings for words in set(f["told"]))
    lines += ["", "Refusals:", *(f"{n} × {words}" for words, n in refusals.most_common())]
    lines += ["", "Warnings:", *(f"{n} × {words}" for words, n in warned.most_common(12))]
    apart = [f["words"] for f in findings if f["wrong"] and f["distrusted"]]
    lines += ["", f"Different, with a warning that says so: {len(apart)}", *apart[:20]]
    silent = faults(findings)
    lines += ["", f"FAULTS: {len(silent)}", *(f["words"] for f in silent[:60])]
    return "\n".join(map(str, lines))


def faults(findings: list[dict[str, object]]) -> list[dict[str, object]]:
    """Silent differences, damage and crashes."""
    return [f for f in findings if f["damaged"] or (f["wrong"] and not f["distrusted"])]


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="networks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", choices=kinds(), default=kinds())
    options = parser.parse_args()
    known = options.kinds
    jobs = [(known[i % len(known)], options.seed + i // len(known)) for i in range(options.count)]
    if options.processes > 1:
        with ProcessPoolExecutor(options.processes) as pool:
            every = list(pool.map(look, jobs, chunksize=4))
    else:
        every = list(map(look, jobs))
    findings = [one for group in every for one in group]
    sys.stdout.write(report(findings) + "\n")
    return 1 if faults(findings) else 0


if __name__ == "__main__":
    sys.exit(main())
