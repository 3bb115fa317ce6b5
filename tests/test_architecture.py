"""The house plan: which room may import which. A new arrow is a decision, made here."""

import ast
import subprocess
import sys
from pathlib import Path

import fusionlab

PACKAGE = Path(fusionlab.__file__).parent
GROUND = {
    "outputs", "modes", "modules", "costs", "randomness", "spaces", "weights", "coordinates",
    "combinations", "scores", "threads", "arguments",
    "rows", "data", "streams", "quantities", "objectives", "checkpoints", "descent",
}  # fmt: skip
FAMILIES = {"connectivity", "alignment", "averaging", "ensembling"}

DOORS = {
    "spaces": set(),
    "outputs": set(),
    "modes": set(),
    "modules": set(),
    "costs": {"modes", "outputs"},
    "threads": {"costs", "outputs"},
    "weights": {"spaces", "modes", "modules"},
    "coordinates": {"spaces", "weights"},
    "arguments": {"weights"},
    "scores": {"quantities", "weights"},
    "combinations": {"spaces", "weights"},
    "randomness": set(),
    "rows": {"outputs", "randomness"},
    "data": {"rows", "outputs"},
    "streams": {"data", "rows", "outputs", "randomness"},
    "quantities": set(),
    "objectives": {"outputs", "quantities"},
    "checkpoints": {"spaces", "modules", "weights", "data"},
    "descent": {
        "coordinates",
        "data",
        "modules",
        "objectives",
        "outputs",
        "randomness",
    },
    "lab": GROUND,
    "landscape": GROUND,
    **dict.fromkeys(FAMILIES, GROUND | {"landscape"}),
    "compare": GROUND | {"landscape"} | FAMILIES,
    "show": GROUND | {"landscape"} | FAMILIES,
    "teach": GROUND | {"landscape"} | FAMILIES,
}


def test_rooms_open_only_onto_the_rooms_below():
    for file in PACKAGE.rglob("*.py"):
        room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        strangers = rooms_imported_by(file.read_text()) - DOORS[room] - {room}
        assert not strangers, f"{file.name} in {room!r} may not import {sorted(strangers)}"


def test_a_forbidden_arrow_is_seen():
    assert rooms_imported_by("from fusionlab.lab.tasks import digits") - DOORS["show"] == {"lab"}
    assert rooms_imported_by("import fusionlab.show") == {"show"}
    assert rooms_imported_by("from fusionlab import landscape") == {"landscape"}


def test_the_front_door_lists_what_is_there():
    assert all(hasattr(fusionlab, name) for name in fusionlab.__all__)
    for door in PACKAGE.glob("*/__init__.py"):
        room = __import__(f"fusionlab.{door.parent.name}", fromlist=["__all__"])
        assert room.__doc__, f"{door.parent.name} does not say what it holds"
        assert all(hasattr(room, name) for name in room.__all__)


def test_the_front_door_brings_no_heavy_library():
    heavy = "{'torchvision', 'sklearn', 'plotly', 'matplotlib', 'ipywidgets', 'scipy'}"
    code = (
        "import sys, torch; before = set(sys.modules); import fusionlab; "
        f"print({heavy} & (set(sys.modules) - before))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


def rooms_imported_by(source: str) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "fusionlab":
            rooms |= {alias.name for alias in node.names} & DOORS.keys()
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fusionlab."):
            rooms.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            rooms |= {name[1] for name in names if name[0] == "fusionlab" and len(name) > 1}
    return rooms


def test_a_room_is_used_by_its_front_door():
    rooms = {door.parent.name for door in PACKAGE.glob("*/__init__.py")}
    for file in PACKAGE.rglob("*.py"):
        own = file.relative_to(PACKAGE).parts[0]
        inner = {m for m in inner_modules_imported_by(file.read_text(), rooms) if m[1] != own}
        assert not inner, f"{file.name} of {own!r} imports {sorted('.'.join(m) for m in inner)}"


def test_a_way_around_a_front_door_is_seen():
    source = "from fusionlab.landscape.planes import Plane\nfrom fusionlab.landscape import Plane"
    assert inner_modules_imported_by(source, {"landscape"}) == {
        ("fusionlab", "landscape", "planes")
    }


def inner_modules_imported_by(source: str, rooms: set[str]) -> set[tuple[str, ...]]:
    modules = {
        tuple(node.module.split("."))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fusionlab.")
    }
    return {module for module in modules if len(module) > 2 and module[1] in rooms}


SHOW = {
    "page": {"page"},
    "figures": {"page", "figures"},
    "explore": {"page", "figures", "explore"},
}


def test_the_page_knows_no_figures_and_figures_know_no_explorers():
    for part, known in SHOW.items():
        for file in (PACKAGE / "show" / part).rglob("*.py"):
            strangers = parts_of_show_imported_by(file.read_text()) - known
            assert not strangers, f"{file.name} in show/{part} imports show/{sorted(strangers)}"


def test_a_forbidden_arrow_within_show_is_seen():
    source = (
        "from fusionlab.show.explore.line import explore_line\nfrom fusionlab.show import start"
    )
    assert parts_of_show_imported_by(source) == {"explore", "fusionlab.show itself"}


def parts_of_show_imported_by(source: str) -> set[str]:
    modules = {
        tuple(node.module.split("."))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fusionlab.show")
    }
    return {module[2] if len(module) > 2 else "fusionlab.show itself" for module in modules}


def test_a_file_of_show_and_what_it_defines_have_a_name_of_their_own():
    files, names = {}, {}
    for file in (each for each in PACKAGE.rglob("*.py") if each.name != "__init__.py"):
        files.setdefault(file.name, []).append(file)
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_":
                names.setdefault(node.name, []).append(file)
    for name, where in [*files.items(), *names.items()]:
        shown = [each for each in where if each.is_relative_to(PACKAGE / "show")]
        assert len(where) == 1 or not shown, f"{name} stands in {where}"
