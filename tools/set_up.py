"""Set fusionlab up inside this folder and run it, with nothing but Python's standard library.

    python3 tools/set_up.py lab         open JupyterLab on the first notebook
    python3 tools/set_up.py test        run every test
    python3 tools/set_up.py check       check format, lint, types and style budgets
    python3 tools/set_up.py clean       remove what the set-up made
    python3 tools/set_up.py clean-data  remove downloaded data and trained networks

What follows `lab` goes on to JupyterLab, what follows `test` to pytest. The packages go to `.venv`,
their downloads and JupyterLab's own files to `.set-up`; nothing is written outside this folder.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping

from packages import PYTHON, ROOT, SCRIPTS, VENV, WORK, SetUpError, discard, prepare, say

TEST_EXTRAS = ("browser", "dev", "networks", "oracles")
KEPT_DATA = {"README.md"}
CACHES = (".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", "build", "dist")
SOURCES = ("benchmarks", "fusionlab", "notebooks", "tests", "tools")
JUPYTER = WORK / "jupyter"
SETTINGS = {  # nothing is asked of the network; a link to the glossary shows a page, not its source
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    "docmanager-extension/plugin": '{"defaultViewers": {"markdown": "Markdown Preview"}}',
}


def lab(flags: list[str]) -> int:
    """Open JupyterLab on the first notebook, with settings of its own in `.set-up`."""
    prepare()
    for plugin, content in SETTINGS.items():
        file = JUPYTER / "settings/@jupyterlab" / f"{plugin}.jupyterlab-settings"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content + "\n", encoding="utf-8")
    say("JupyterLab starts; its address follows. To stop it, press Ctrl-C twice.")
    given = [*shlex.split(os.environ.get("LAB_FLAGS", "")), *flags]
    return become("-m", "jupyterlab", *lab_flags(os.environ), *given, **lab_folders())


def lab_flags(given: Mapping[str, str]) -> list[str]:
    """Choose JupyterLab's flags for this computer."""
    flags = [
        "--log-level=WARN",
        f"--notebook-dir={ROOT}",
        "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb",
        "--LabApp.extension_manager=readonly",  # else its panel asks the network
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--allow-root")
    if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & {*given}:
        flags.append("--no-browser")  # else a text browser may take the terminal
    return flags


def lab_folders() -> dict[str, str]:
    """Keep the reader's own Jupyter settings and kernels out, and ours in."""
    names = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {variable: str(JUPYTER / name) for variable, name in names.items()}


def test(flags: list[str]) -> int:
    """Run every test, with a worker for each core; `-n 0` in the flags does without them."""
    prepare(*TEST_EXTRAS)
    given = [*shlex.split(os.environ.get("TEST_FLAGS", "")), *flags]
    return become("-m", "pytest", "-n", "auto", *given)


def check(_: list[str]) -> int:
    """Run every check, also after one has failed."""
    prepare(*TEST_EXTRAS)
    checks = {
        "format": ["-m", "ruff", "format", "--check", "."],
        "lint": ["-m", "ruff", "check", "."],
        "types": ["-m", "mypy", "fusionlab", "tools"],
        "style": ["tools/style.py", "fusionlab"],
    }
    failed = [name for name, command in checks.items() if run(*command)]
    say(f"failed: {', '.join(failed)}." if failed else "every check passed.")
    return bool(failed)


def clean(_: list[str]) -> int:
    """Remove the packages, their downloads, JupyterLab's own files and every cache."""
    discard(VENV)
    caches = [ROOT / name for name in CACHES]
    for source in SOURCES:
        caches += [
            *(ROOT / source).rglob("__pycache__"),
            *(ROOT / source).rglob(".ipynb_checkpoints"),
        ]
    for folder in (WORK, *caches):
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def clean_data(_: list[str]) -> int:
    """Remove downloaded data and trained networks."""
    for entry in (ROOT / "data").iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name not in KEPT_DATA:
            entry.unlink()
    return 0


def run(*arguments: str) -> int:
    """Run `.venv`'s Python in this folder."""
    return subprocess.run([PYTHON, *arguments], cwd=ROOT, env=environment(), check=False).returncode


def become(*arguments: str, **variables: str) -> int:
    """Go on as `.venv`'s Python, so that Ctrl-C and other signals reach it and nothing else."""
    os.environ.update({**environment(), **variables})
    if os.name == "nt":
        return run(*arguments)
    os.chdir(ROOT)
    return os.execv(PYTHON, [str(PYTHON), *arguments])


def environment() -> dict[str, str]:
    """Put the programs of `.venv` before all others."""
    path = os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV)}


COMMANDS = {"lab": lab, "test": test, "check": check, "clean": clean, "clean-data": clean_data}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__)
        return 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except SetUpError as trouble:
        say(str(trouble))
    except KeyboardInterrupt:
        say("stopped. Run the same command again to go on.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
