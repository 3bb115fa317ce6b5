"""The folder of downloads and trained networks on this machine."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from platformdirs import user_cache_path

CLONE = Path(__file__).resolve().parents[2]


def data_root() -> Path:
    """The folder FUSIONLAB_DATA, else the clone's `data/`, else the user's cache folder."""
    if named := os.environ.get("FUSIONLAB_DATA"):
        return Path(named).expanduser().resolve()
    return CLONE / "data" if _is_clone(CLONE) else user_cache_path("fusionlab")


def _is_clone(folder: Path) -> bool:
    """Whether this is a clone of the project; an installed package has no pyproject beside it."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(project.get("project", {}).get("name") == "fusionlab")
