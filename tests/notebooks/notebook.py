"""A notebook as its tests see it: cells, exercises, calls."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode

FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@dataclass(frozen=True)
class Cell:
    """A cell and its place, counted from 1 as a reader counts."""

    place: int
    node: NotebookNode

    @property
    def source(self) -> str:
        return self.node.source

    @property
    def is_code(self) -> bool:
        return self.node.cell_type == "code"

    @property
    def lines(self) -> int:
        """Lines of code, comments and blank lines left out."""
        rows = [row.strip() for row in self.source.splitlines()]
        return sum(bool(row) and not row.startswith("#") for row in rows)

    @cached_property
    def tree(self) -> ast.Module:
        try:
            return ast.parse(self.source)
        except SyntaxError:
            return ast.parse("")

    def calls(self, name: str) -> list[ast.Call]:
        """Calls of a function or method, by the last part of its name."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return [call for call in found if _name_of(call.func) == name]

    def explores(self) -> bool:
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return any(_name_of(call.func).startswith("explore") for call in found)

    def is_stub(self) -> bool:
        return "raise NotImplementedError" in self.source

    def folds(self, word: str) -> bool:
        """True of a collapsed cell whose summary says `word`."""
        return bool(re.search(rf"<details.*<summary>.*{word}", self.source, re.I | re.S))

    def fence(self) -> str:
        """The Python code inside the text cell's first fence; empty if there is none."""
        found = FENCE.search(self.source)
        return found.group(1) if found else ""


def _name_of(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


@dataclass(frozen=True)
class Exercise:
    """The cells of one exercise, from its text to the last before another section."""

    key: str
    name: str
    text: Cell
    stub: Cell
    check: Cell
    after: tuple[Cell, ...]

    @property
    def solution(self) -> Cell | None:
        return next((cell for cell in self.after if cell.folds("solution")), None)


class Notebook:
    """A notebook as the rules see it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.node = nbformat.v4.reads(path.read_text(encoding="utf-8"))  # read() would mend it
        self.cells = [Cell(place, node) for place, node in enumerate(self.node.cells, 1)]

    @property
    def number(self) -> str:
        return self.path.stem[:2]

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_code]

    @property
    def text(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.is_code]

    def cell(self, place: int) -> Cell:
        """The cell at a place, an empty one beyond the end."""
        empty = Cell(place, nbformat.v4.new_raw_cell(""))
        return self.cells[place - 1] if place <= len(self.cells) else empty

    def section(self, title: str) -> Cell | None:
        """The text cell with this heading."""
        found = (cell for cell in self.text if re.search(rf"^#+ {title}", cell.source, re.M))
        return next(found, None)

    def exercises(self) -> list[Exercise]:
        """Every check with the cells around it; a check without a stub before it is left out."""
        found = []
        for check in (cell for cell in self.code if cell.calls("check")):
            stub, text = self.cell(check.place - 1), self.cell(max(check.place - 2, 1))
            arguments = check.calls("check")[0].args
            if len(arguments) == 2 and isinstance(arguments[0], ast.Constant):
                key, name = str(arguments[0].value), ast.unparse(arguments[1])
                found.append(Exercise(key, name, text, stub, check, self._details_after(check)))
        return found

    def _details_after(self, cell: Cell) -> tuple[Cell, ...]:
        rest = self.cells[cell.place :]
        stop = next((i for i, c in enumerate(rest) if "<details" not in c.source), len(rest))
        return tuple(rest[:stop])


def course() -> list[Path]:
    """The notebooks of the course, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
