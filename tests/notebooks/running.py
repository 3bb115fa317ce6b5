"""Run a notebook as a reader would, by papermill, then try everything in it that moves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

TIMEOUT = 600  # seconds; the budget of 60 is measured by a benchmark, this only ends what hangs
MEMORY, FIGURES = 2 * 1024**3, 8  # budgets: bytes, living figures
KERNEL = Path(__file__).parent / "kernel"
TOUCH = "import hands\nawait hands.try_everything()"


@dataclass(frozen=True)
class Outcome:
    """What a run left: the notebook with its outputs, papermill's last words, what hands found."""

    notebook: NotebookNode
    log: str
    returncode: int
    tried: dict

    @property
    def seconds(self) -> float:
        """How long the notebook itself took, without the hands."""
        cells = [cell.metadata.get("papermill", {}) for cell in self.notebook.cells[:-1]]
        return sum(cell.get("duration") or 0.0 for cell in cells)

    def complaints(self) -> list[str]:
        """All that a reader would stumble over."""
        found = [*self._of_the_outputs(), *self._of_the_hands()]
        if self.returncode and not found:
            found = [f"papermill ended with {self.returncode}: {self.log[-2000:]}"]
        return found

    def _of_the_outputs(self) -> Iterator[str]:
        added = "papermill-error-cell-tag"  # papermill points at a failing cell by cells of its own
        tags = [cell.metadata.get("tags", []) for cell in self.notebook.cells]
        cells = [c for c, t in zip(self.notebook.cells, tags, strict=True) if added not in t]
        for place, cell in enumerate(cells, 1):
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    yield f"cell {place} fails: {output.ename}: {output.evalue}"
                if output.get("name") == "stderr":
                    yield f"cell {place} writes to stderr: {output.text.strip()[:300]}"

    def _of_the_hands(self) -> Iterator[str]:
        yield from self.tried.get("errors", [])
        if self.tried.get("live_figures", 0) > FIGURES:
            yield f"{self.tried['live_figures']} living figures, at most {FIGURES}"
        if (self.tried.get("peak_bytes") or 0) > MEMORY:
            yield f"{self.tried['peak_bytes'] / 1024**3:.1f} GiB of memory, at most 2"


def run(path: Path, folder: Path) -> Outcome:
    """Run a copy of a notebook beside the original's files, with nothing cached and no network."""
    copy, result, report = folder / path.name, folder / "result.ipynb", folder / "tried.json"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(TOUCH))
    nbformat.write(notebook, copy)
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--cwd", str(path.parent)]
    process = subprocess.Popen(
        [*command, str(copy), str(result)],
        env=environment(folder) | {"FUSIONLAB_TRIED": str(report)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    log = _wait(process)
    tried = json.loads(report.read_text()) if report.exists() else {}
    done = nbformat.read(result if result.exists() else copy, as_version=4)
    return Outcome(done, log, process.returncode, tried)


def environment(folder: Path) -> dict[str, str]:
    """A reader's environment on the first day: empty folders; and our watch."""
    start_up = folder / "ipython" / "profile_default" / "startup"
    start_up.mkdir(parents=True)
    (start_up / "00_watch.py").write_text("import watch\ndel watch\n")
    python_path = [str(KERNEL), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "FUSIONLAB_DATA": str(folder / "data"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PYTHONPATH": os.pathsep.join(python_path),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def hand_on(folder: Path, data: Path) -> None:
    """Move the networks that a run trained to where others look for them first."""
    (data / "zoo").mkdir(parents=True, exist_ok=True)
    for file in (folder / "data" / "zoo").glob("*.safetensors"):
        file.replace(data / "zoo" / file.name)


def _wait(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate(timeout=TIMEOUT)[0]
    except subprocess.TimeoutExpired:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # papermill, and the kernel it started
        process.kill()
        return f"stopped after {TIMEOUT} s\n{process.communicate()[0]}"
