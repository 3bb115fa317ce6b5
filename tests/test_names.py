"""One word means one thing: no file and no public name of the package stands in two folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import fusionlab
from tools.style import Module, read

PACKAGE = Path(fusionlab.__file__).parent

# What stands in two folders and may, with the reason.
ALLOWED: dict[str, str] = {}


def words(module: Module) -> Iterator[str]:
    """The file's name, and its public names; constants are read beside their module's name."""
    yield module.file.name
    yield from (name for name in module.public_names if not name.isupper())


def doubles(modules: Iterable[Module]) -> set[str]:
    """The words that stand in two folders."""
    folders = defaultdict(set)
    for module in modules:
        if not module.is_door:
            for word in words(module):
                folders[word].add(module.file.parent)
    return {word for word, places in folders.items() if len(places) > 1}


def test_no_file_and_no_public_name_stands_in_two_folders():
    found = doubles(read(PACKAGE)) - ALLOWED.keys()
    assert found == set(), "rename one of each, or say in ALLOWED why both may stay"


def test_a_name_in_two_folders_is_seen(tmp_path):
    for folder, text in {"a": "def load(): ...\nFEW = 1", "b": "class load: ...\nFEW = 2"}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
        (tmp_path / folder / f"{folder}.py").write_text(text)
        (tmp_path / folder / "both.py").touch()
    assert doubles(read(tmp_path)) == {"load", "both.py"}
