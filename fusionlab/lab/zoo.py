"""The zoo: trained networks, each trained once and kept on disk."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from torch import Tensor, nn

from fusionlab.arguments import expect_sequence
from fusionlab.checkpoints import CheckpointError, load, save
from fusionlab.data import Data, content_hash
from fusionlab.descent import Recipe, bar, checked_data, interrupts_wait
from fusionlab.lab.fingerprints import architecture, digest
from fusionlab.lab.many import stacks, train_in_turn, train_many
from fusionlab.lab.places import data_root
from fusionlab.lab.runs import Run, TrainingPlan
from fusionlab.weights import Weights

FORMAT = 1  # raise it when files are written differently, or the same recipe trains differently
LOSSES = "losses"  # their name beside the tensors of the checkpoints


def zoo(
    model: nn.Module,
    data: Any,
    recipe: Recipe | None = None,
    *,
    seeds: Sequence[int],
    start: Weights | None = None,
    progress: bool = True,
) -> list[Run]:
    """The runs of `train_many`, trained once and afterwards read from `data_root()/zoo`.

    A file is found by the hash of everything that decides the result: architecture, data, recipe,
    seed and start. The version of torch is noted in the file but does not count: an update only
    changes the rounding, and training everything again could take hours.

    Args:
        model: gives the architecture.
        data: as for `train`.
        recipe: how; by default `Recipe()`.
        seeds: one per run.
        start: where all begin, instead of weights drawn by their seeds.
        progress: show a bar if it takes longer than a second.

    Returns:
        One run per seed, in order. After an interrupt some are not complete; these are not saved.
    """
    expect_sequence(seeds, "seeds", "range(3)")
    shelf = _Shelf.of(model, checked_data(data, None), recipe or Recipe(), start)
    runs = shelf.read_all(seeds)
    if missing := [seed for seed in dict.fromkeys(seeds) if seed not in runs]:
        runs |= _make(model, shelf, missing, start=start, progress=progress)
    return [runs[seed] for seed in seeds]


def _make(
    model: nn.Module,
    shelf: _Shelf,
    seeds: Sequence[int],
    *,
    start: Weights | None,
    progress: bool,
) -> dict[int, Run]:
    """Train and keep what is missing, while no other process does."""
    with shelf.locked(seeds, progress=progress) as writable:
        # Another process may have made some while we waited for it.
        runs = shelf.read_all(seeds, warn=True) if writable else {}
        rest = [seed for seed in seeds if seed not in runs]
        for run in _train(model, shelf, rest, start=start, progress=progress):
            runs[run.seed] = run
            if writable and run.complete:
                shelf.write(run)
    return runs


def _train(
    model: nn.Module,
    shelf: _Shelf,
    seeds: Sequence[int],
    *,
    start: Weights | None,
    progress: bool,
) -> Iterator[Run]:
    """Stacked runs end together; others are returned one by one, so that each is kept."""
    data, recipe = shelf.data, shelf.recipe
    if seeds and stacks(model, data, [recipe]):
        yield from train_many(
            model, data, recipe, seeds=seeds, start=start, progress=progress, stacked=True
        )
        return
    with interrupts_wait():
        for seed in seeds:
            plan = TrainingPlan(recipe, seed, seed)
            yield from train_in_turn(model, data, [plan], start=start, progress=progress)


@dataclass(frozen=True)
class _Shelf:
    """The files of the runs that differ only in the seed."""

    folder: Path
    data: Data
    recipe: Recipe
    facts: dict[str, Any]

    @classmethod
    def of(cls, model: nn.Module, data: Data, recipe: Recipe, start: Weights | None) -> _Shelf:
        facts = {
            "format": FORMAT,
            "architecture": architecture(model),
            "data": data.fingerprint(),
            "recipe": asdict(recipe),
            "start": start and content_hash({**start, **start.buffers}),
        }
        return cls(data_root() / "zoo", data, recipe, facts)

    def file(self, seed: int) -> Path:
        return self.folder / f"{digest({**self.facts, 'seed': seed})[:32]}.safetensors"

    def write(self, run: Run) -> None:
        """All checkpoints of a run in one file, their names prefixed by the step."""
        points = list(zip(run.steps, run.checkpoints, strict=True))
        tensors = {f"{step}/{name}": t for step, theta in points for name, t in theta.items()}
        buffers = {
            f"{step}/{name}": t for step, theta in points for name, t in theta.buffers.items()
        }
        facts = {**self.facts, "seed": run.seed, "steps": list(run.steps)}
        try:
            save(self.file(run.seed), Weights(tensors, {**buffers, LOSSES: run.losses}), facts)
        except OSError as error:
            _warn_unkept(self.folder, error)

    def read_all(self, seeds: Sequence[int], *, warn: bool = False) -> dict[int, Run]:
        """The undamaged runs, on the device of the data; a warning for damaged ones."""
        runs = {}
        for seed in dict.fromkeys(seeds):
            try:
                runs[seed] = self._read(seed)
            except FileNotFoundError:
                continue
            except (CheckpointError, KeyError, TypeError, OSError) as error:
                if warn:
                    text = f"a saved network is damaged and is trained again: {error}"
                    warnings.warn(text, RuntimeWarning, stacklevel=2)
        return runs

    @contextmanager
    def locked(self, seeds: Sequence[int], *, progress: bool) -> Iterator[bool]:
        """Hold the files of these seeds; False, with a warning, if nothing can be kept."""
        with ExitStack() as locks:
            writable = True
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                for file in sorted({self.file(seed) for seed in seeds}):  # one order for all: no
                    locks.enter_context(_hold(file, progress=progress))  # two wait for each other
            except OSError as error:
                _warn_unkept(self.folder, error)
                locks.close()
                writable = False
            yield writable

    def _read(self, seed: int) -> Run:
        kept, facts = load(self.file(seed))
        steps = tuple(facts["steps"])
        if steps != self.recipe.kept_steps(len(self.data)):
            raise CheckpointError(f"{self.file(seed)} lacks some steps of its recipe")
        theta, buffers = _by_step(kept), _by_step(kept.buffers)
        device = self.data.device
        checkpoints = tuple(Weights(theta[s], buffers.get(s)).move(device) for s in steps)
        return Run(checkpoints, steps, kept.buffers[LOSSES], self.recipe, seed, seed)


@contextmanager
def _hold(file: Path, *, progress: bool) -> Iterator[None]:
    """Be the only process that makes `file`; remove what killed processes left of it."""
    lock = FileLock(file.with_suffix(".lock"))
    what = "waiting for another process that trains the same network"
    with bar(None, what, progress=progress, unit="look") as moved:
        while not lock.is_locked:
            try:
                lock.acquire(timeout=0.5)
            except Timeout:
                moved.update()
    try:
        for leftover in file.parent.glob(f".{file.name}.*.tmp"):
            leftover.unlink()
        yield
    finally:
        lock.release()


def _warn_unkept(folder: Path, error: OSError) -> None:
    warnings.warn(
        f"trained networks cannot be kept in {folder} ({error}), so they are trained again next "
        "time. Free some space there, or set FUSIONLAB_DATA to a folder with write access.",
        RuntimeWarning,
        stacklevel=2,
    )


def _by_step(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """Undo the prefixes: step → name → tensor."""
    found: dict[int, dict[str, Tensor]] = {}
    for prefixed, tensor in tensors.items():
        step, slash, name = prefixed.partition("/")
        if slash:
            found.setdefault(int(step), {})[name] = tensor
    return found
