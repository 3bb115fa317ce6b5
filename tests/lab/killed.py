"""A process that forks children which fill the zoo, and kills them at random moments.

Run as `python killed.py KILLS SEED`; it says as JSON how each child ended and what it left.
Children are forked, so that torch is imported once; nothing is trained before the fork, as
autograd's threads do not survive one.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from fusionlab.checkpoints import CheckpointError, load
from fusionlab.lab import Recipe, data_root, digits, mlp, resnet, zoo

torch.set_num_threads(1)
DATA = digits(n_train=64).train
SEEDS = [0, 1, 2]


def fill(root: Path) -> None:
    """Stacked and lone trainings, whose saving takes a fair share of the time."""
    os.environ["FUSIONLAB_DATA"] = str(root)
    wide, deep = mlp(64, 256, 256, 10), resnet(width=4)
    zoo(wide, DATA, Recipe(steps=12, checkpoints=12), seeds=SEEDS, progress=False)
    zoo(deep, DATA, Recipe(steps=3, checkpoints=3), seeds=SEEDS, progress=False)


def forked(root: Path, patience: float | None) -> tuple[int, float]:
    """Fill the zoo in a child, killed after `patience` seconds; its status, and its time."""
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        fill(root)
        os._exit(0)
    if patience is not None:
        time.sleep(patience)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    return status, time.monotonic() - started


def damaged(root: Path) -> list[str]:
    """The files of the zoo that are there and cannot be read."""
    found = []
    for file in root.glob("zoo/*.safetensors"):
        try:
            load(file)
        except CheckpointError as error:
            found.append(str(error))
    return found


def content(root: Path) -> dict[str, str]:
    return {file.name: load(file).facts["sha256"] for file in root.glob("zoo/*.safetensors")}


def main(kills: int, seed: int) -> None:
    dice = random.Random(seed)
    base = data_root()
    forked(base / "warm", None)
    _, usual = forked(base / "undisturbed", None)
    broken, lost, left, saving, roots = [], [], [], 0, 1
    before: dict[str, str] = {}
    while len(left) < kills and roots < 10 * kills:
        root = base / f"killed{roots}"
        status, _ = forked(root, usual * dice.random() ** 2)  # squared: early ones have most to do
        if not os.WIFSIGNALED(status):  # it was done: the next begins with an empty zoo
            roots, before = roots + 1, {}
            continue
        broken += damaged(root)
        now = content(root)
        lost += [name for name in before if now.get(name) != before[name]]
        left.append(len(now))
        before = now
        saving += bool(list(root.glob("zoo/.*.tmp")))
    last, _ = forked(root, None)
    report = {
        "files after each kill": left,
        "killed while saving": saving,
        "broken": broken,
        "lost": lost,
        "finished": os.WIFEXITED(last) and os.WEXITSTATUS(last) == 0,
        "same": content(root) == content(base / "undisturbed"),
        "files": len(content(root)),
        "leftovers": len(list(root.glob("zoo/.*.tmp"))),
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
