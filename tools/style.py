"""Hold the package to its budgets of style: python tools/style.py FOLDER prints a table.

A function's length is its lines less its docstring, decorators not counted. Its nesting is the
depth of if, for, while, with, try and match; an elif stands beside its if. Public names are those
of `__all__`, else what a module defines at its top without a leading underscore.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


# ---------------------------------------------------------------- one definition


@dataclass(frozen=True)
class Definition:
    """A function or class, its file, and the definitions around it (outermost first)."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    around: tuple[Definition, ...]
    file: Path

    def __str__(self) -> str:
        return f"{self.file}:{self.node.lineno} {self.node.name}"

    @property
    def is_function(self) -> bool:
        return isinstance(self.node, FUNCTIONS)

    @property
    def is_inner(self) -> bool:
        """Whether it stands inside a function, where its words and types are nobody else's."""
        return any(outer.is_function for outer in self.around)

    @property
    def is_public(self) -> bool:
        names = [each.node.name for each in (*self.around, self)]
        return not self.is_inner and not any(name.startswith("_") for name in names)

    @property
    def is_setter(self) -> bool:
        marks = [mark for mark in self.node.decorator_list if isinstance(mark, ast.Attribute)]
        return any(mark.attr in ("setter", "deleter") for mark in marks)

    @property
    def is_documented(self) -> bool:
        return ast.get_docstring(self.node) is not None

    @property
    def length(self) -> int:
        return span(self.node) - (span(self.node.body[0]) if self.is_documented else 0)

    @property
    def nesting(self) -> int:
        return max(map(depth, self.node.body))

    @property
    def types(self) -> list[bool]:
        """Whether each parameter, and what is returned, has its type written down."""
        assert not isinstance(self.node, ast.ClassDef)
        given = self.node.args
        ends = [place for place in (given.vararg, given.kwarg) if place]
        places = [*given.posonlyargs, *given.args, *given.kwonlyargs, *ends]
        is_method = bool(self.around) and not self.around[-1].is_function
        if is_method and places and places[0].arg in ("self", "cls", "mcs"):
            places = places[1:]
        written = [place.annotation for place in places]
        if self.node.name != "__init__":
            written.append(self.node.returns)
        return [each is not None for each in written]


def span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def depth(node: ast.AST) -> int:
    """Count the blocks on the deepest way down; an inner definition counts for itself only."""
    if isinstance(node, (*DEFINITIONS, ast.Lambda)):
        return 0
    if isinstance(node, ast.If) and [type(below) for below in node.orelse] == [ast.If]:
        return max(1 + max(map(depth, node.body)), depth(node.orelse[0]))
    below = max(map(depth, ast.iter_child_nodes(node)), default=0)
    return below + isinstance(node, BLOCKS)


def definitions(
    node: ast.AST, file: Path, around: tuple[Definition, ...] = ()
) -> Iterator[Definition]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, DEFINITIONS):
            yield from definitions(child, file, around)
        elif not any(ast.unparse(mark).endswith("overload") for mark in child.decorator_list):
            found = Definition(child, around, file)
            yield found
            yield from definitions(child, file, (*around, found))


# ---------------------------------------------------------------- one module


@dataclass(frozen=True)
class Module:
    """One file of the package under its dotted name."""

    name: str
    file: Path

    def __str__(self) -> str:
        return str(self.file)

    @cached_property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def is_door(self) -> bool:
        return self.file.name == "__init__.py"

    @property
    def public_names(self) -> set[str]:
        names = set()
        for node in self.tree.body:
            if isinstance(node, DEFINITIONS):
                names.add(node.name)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                assigned = {target.id for target in targets if isinstance(target, ast.Name)}
                if "__all__" in assigned and isinstance(node.value, (ast.List, ast.Tuple)):
                    return {ast.literal_eval(name) for name in node.value.elts}
                names |= assigned
        return {name for name in names if not name.startswith("_")}

    def imports(self, package: set[str], *, inside: bool = False) -> set[str]:
        """Name the package's modules imported at the top, or inside functions."""
        statements = import_statements(self.tree, inside=inside)
        return {name for each in statements for name in self.reached(each, package)} - {self.name}

    def reached(self, node: ast.Import | ast.ImportFrom, package: set[str]) -> set[str]:
        """Name the package's modules that one import statement reaches."""
        if isinstance(node, ast.Import):
            return {alias.name for alias in node.names} & package
        base = node.module or ""
        if node.level:
            parts = self.name.split(".")
            up = parts[: len(parts) - node.level + self.is_door]
            base = ".".join([*up, base]).rstrip(".")
        deeper = {f"{base}.{alias.name}" for alias in node.names} & package
        some_from_base = len(deeper) < len(node.names)
        return deeper | ({base} & package if some_from_base else set())


def import_statements(
    node: ast.AST, *, inside: bool, here: bool = False
) -> Iterator[ast.Import | ast.ImportFrom]:
    """Find imports at the top, or those inside functions; those for type checkers are neither."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            if inside == here:
                yield child
        elif not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            within = here or isinstance(child, FUNCTIONS)
            yield from import_statements(child, inside=inside, here=within)


# ---------------------------------------------------------------- the package


@dataclass(frozen=True)
class Figure:
    """One figure, its budget, and where to look if it is over."""

    name: str
    value: int
    budget: int
    where: list[str]
    at_least: bool = False

    @property
    def is_over(self) -> bool:
        return self.value < self.budget if self.at_least else self.value > self.budget

    def __str__(self) -> str:
        side = "at least" if self.at_least else "at most"
        mark = "   <- over the budget" if self.is_over else ""
        return f"{self.name:34} {self.value:4}   {side:8} {self.budget}{mark}"


Sizes = Iterable[tuple[int, object]]


def largest(name: str, sizes: Sizes, budget: int) -> Figure:
    ordered = sorted(((size, str(place)) for size, place in sizes), reverse=True)
    over = [f"{place}: {size}" for size, place in ordered if size > budget]
    return Figure(name, ordered[0][0] if ordered else 0, budget, over)


def middle(name: str, sizes: Sizes, share: float, budget: int) -> Figure:
    """Give the size that a share of all sizes stays below; the culprits are the largest ten."""
    ordered = sorted((size, str(place)) for size, place in sizes)
    at = min(len(ordered) - 1, int(share * len(ordered)))
    typical = median(size for size, _ in ordered) if share == 0.5 else ordered[at][0]
    worst = [f"{place}: {size}" for size, place in ordered[:-11:-1]]
    return Figure(name, round(typical), budget, worst)


def percent(name: str, flags: Iterable[tuple[bool, object]], budget: int) -> Figure:
    every = [(good, str(place)) for good, place in flags]
    bad = [place for good, place in every if not good]
    good = round(100 * (1 - len(bad) / len(every))) if every else 100
    return Figure(name, good, budget, bad, at_least=True)


def count(name: str, places: Iterable[object]) -> Figure:
    every = list(map(str, places))
    return Figure(name, len(every), 0, every)


def measure(modules: list[Module]) -> list[Figure]:
    """Give each figure that has a budget."""
    every = [found for module in modules for found in definitions(module.tree, module.file)]
    functions = [found for found in every if found.is_function]
    outer = [found for found in functions if not found.is_inner]
    public = [found for found in every if found.is_public and not found.is_setter]
    rooms = [module for module in modules if not module.is_door] or modules
    lengths = [(found.length, found) for found in functions]
    names = {module.name for module in modules}
    arrows = {module.name: module.imports(names) for module in modules}
    late = {module.name: module.imports(names, inside=True) for module in modules}
    return [
        middle("lines of a function, median", lengths, 0.5, budget=8),
        middle("lines of a function, 95 % within", lengths, 0.95, budget=30),
        largest("lines of a function, longest", lengths, budget=60),
        largest("nesting", [(found.nesting, found) for found in functions], budget=3),
        largest("lines of a module", [(len(m.text.splitlines()), m) for m in modules], budget=300),
        largest("public names of a module", [(len(r.public_names), r) for r in rooms], budget=8),
        percent("annotated, %", [(t, found) for found in outer for t in found.types], budget=100),
        percent("documented, %", [(found.is_documented, found) for found in public], budget=90),
        count("modules in import cycles", [name for name in names if name in ways(arrows, name)]),
        count(
            "late imports of the package",
            [f"{name}: {to}" for name in names for to in late[name] - arrows[name]],
        ),
    ]


def ways(arrows: dict[str, set[str]], start: str) -> set[str]:
    """Name every module that importing `start` imports in the end."""
    seen: set[str] = set()
    ahead = [*arrows[start]]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead.extend(arrows[name])
    return seen


def read(folder: Path) -> list[Module]:
    """Read every module below a folder."""
    modules = []
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules.append(Module(name, file))
    return modules


def main(folder: str) -> int:
    modules = read(Path(folder))
    if not modules:
        print(f"{folder}: no Python files here; name the package's folder")
        return 2
    figures = measure(modules)
    print(*figures, sep="\n")
    over = [figure for figure in figures if figure.is_over]
    for figure in over:
        print(f"\n{figure.name}, at fault or largest:", *sorted(figure.where), sep="\n  ")
    return bool(over)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "fusionlab"))
