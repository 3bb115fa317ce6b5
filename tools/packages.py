"""The pinned packages in `.venv`: what they need of the computer, and how they get there whole.

A set-up ends by writing a stamp into `.venv`: where it stands, for which pins, with which extras.
A `.venv` without a finished stamp was interrupted and is made anew; what was already downloaded is
kept in `.set-up`. Python 3.9 can read this file, so that it can say that a newer one is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

if sys.platform != "win32":  # there, two set-ups at once are not kept apart
    import fcntl

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "set-up.json"
WORK = ROOT / ".set-up"
CONSTRAINTS = ROOT / "constraints.txt"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")

TESTED = ((3, 13), (3, 12), (3, 11))
OLDEST = TESTED[-1]
CUDA_GB, CPU_GB = 7, 2  # 6.0 and about 1.5 in the end, and room to unpack

NO_NETWORK = (
    "The packages could not be fetched. The first set-up needs a network. Behind a proxy, set "
    "HTTPS_PROXY; for a local mirror, set PIP_INDEX_URL.\n"
    "What is already downloaded is kept: run the same command again."
)


class SetUpError(Exception):
    """What is missing, and what to do about it, in the reader's words."""


def say(text: str) -> None:
    print(f"fusionlab: {text}", file=sys.stderr, flush=True)


# ---------------------------------------------------------------- what the computer must have


def python_can(python: str, code: str) -> bool:
    """Tell whether this Python runs a line of code without an error."""
    try:
        return (
            subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


def find_python(
    version: tuple[int, ...], executable: str, can: Callable[[str, str], bool] = python_can
) -> str:
    """Give a new enough Python: the running one, else one on the PATH."""
    if version[:2] >= OLDEST:
        return executable
    for newer in TESTED:
        if can(f"python{dotted(newer)}", "import sys"):
            return f"python{dotted(newer)}"
    raise SetUpError(
        f"fusionlab needs Python {dotted(OLDEST)} or newer; this is Python {dotted(version)}, and "
        "no newer one was found.\n"
        "Install one and run the same command again, or say where it is: "
        f"make lab PYTHON=/path/to/python{dotted(TESTED[0])}"
    )


def check_venv(python: str, can: Callable[[str, str], bool] = python_can) -> None:
    """Make sure that this Python can make virtual environments."""
    if not can(python, "import ensurepip, venv"):
        raise SetUpError(
            f"{python} cannot make virtual environments: its module ensurepip is missing.\n"
            "On Debian and Ubuntu: sudo apt install python3-venv. Then run the same command again."
        )


def check_disk(free: int, *, held: int, torch: str, platform: str) -> None:
    """Make sure that the packages fit, given the bytes free and those that we hold already."""
    cuda = platform == "linux" and torch != "cpu"
    needed = CUDA_GB if cuda else CPU_GB
    found = (free + held) / 1e9
    if found >= needed:
        return
    cure = "Make room, then run the same command again."
    if cuda:
        cure = (
            f"Make room; or do without a GPU, which takes {CPU_GB} GB: set UV_TORCH_BACKEND=cpu.\n"
            "Then run the same command again."
        )
    raise SetUpError(
        f"Too little disk: the packages need {needed} GB, and {found:.1f} GB are free.\n{cure}"
    )


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version[:2]))


def size_of(*folders: Path) -> int:
    """Bytes below these folders; a file with two names is counted once."""
    sizes: dict[int, int] = {}
    for folder in folders:
        for path, _, names in os.walk(folder):
            for name in names:
                with contextlib.suppress(OSError):  # removed meanwhile
                    entry = os.lstat(os.path.join(path, name))
                    sizes[entry.st_ino] = entry.st_size
    return sum(sizes.values())


# ---------------------------------------------------------------- the stamp


def read_stamp() -> dict[str, Any]:
    """Give what the last set-up wrote; empty where it did not finish, or never began."""
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_stamp(stamp: Mapping[str, Any]) -> None:
    beside = STAMP.with_suffix(".new")
    beside.write_text(json.dumps(stamp), encoding="utf-8")
    beside.replace(STAMP)


def place(torch: str) -> dict[str, str]:
    """Name what a `.venv` cannot change without being made anew; empty where it does not run."""
    code = "import sys; print(sys.version)"
    try:
        done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"folder": str(ROOT), "python": done.stdout.strip(), "torch": torch}


def pins() -> str:
    files = (ROOT / "pyproject.toml", CONSTRAINTS)
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def is_usable(torch: str) -> bool:
    here = place(torch)
    return bool(here) and here.items() <= read_stamp().items()


def is_ready(extras: tuple[str, ...], torch: str) -> bool:
    stamp = read_stamp()
    fresh = stamp.get("pins") == pins() and {*extras} <= {*stamp["extras"]}
    return fresh and is_usable(torch)


# ---------------------------------------------------------------- the set-up


def prepare(*extras: str) -> None:
    """Make `.venv` hold the pinned packages and these extras; at once where it does."""
    torch = os.environ.get("UV_TORCH_BACKEND") or read_stamp().get("torch", "")
    if is_ready(extras, torch):
        return
    with one_at_a_time():
        if is_ready(extras, torch):
            return
        if not is_usable(torch):
            build(torch)
        fill(extras, torch)
    say("the packages are ready.")


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for another set-up in this folder, or for what a killed one left running."""
    WORK.mkdir(exist_ok=True)
    with (WORK / "lock").open("w") as lock:
        if sys.platform != "win32":
            os.set_inheritable(lock.fileno(), True)  # pip and uv hold it too, and may outlive us
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                say("another set-up is at work in this folder; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(torch: str) -> None:
    """Make an empty `.venv` that has uv."""
    if (VENV / "pyvenv.cfg").exists() and not STAMP.exists():
        raise SetUpError(
            f"{VENV} was not made by this set-up.\n"
            "Move it away, or remove it with: make clean. Then run the same command again."
        )
    base = getattr(sys, "_base_executable", None) or sys.executable  # not that of a venv in use
    python = find_python(sys.version_info[:3], base)
    check_venv(python)
    free, held = shutil.disk_usage(ROOT).free, size_of(VENV, WORK)
    check_disk(free, held=held, torch=torch, platform=sys.platform)
    if VENV.exists() and not read_stamp():
        say("the last set-up did not finish; starting anew with what is already downloaded.")
    discard(VENV)
    VENV.mkdir()
    write_stamp({})  # from here on, ours and unfinished
    say(f"making {VENV} with {python}; the next runs take seconds.")
    call([python, "-m", "venv", str(VENV)], "Python could not make a virtual environment here.")
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    call([*pip, "--retries", "2", pinned("uv")], NO_NETWORK)


def fill(extras: tuple[str, ...], torch: str) -> None:
    """Install the project, editable, with its pinned packages, and stamp `.venv` as finished."""
    every = sorted({*extras, *read_stamp().get("extras", ())})
    write_stamp({})
    say("installing the pinned packages; the first time this can fetch 3 GB.")
    project = f"{ROOT}[{','.join(every)}]" if every else str(ROOT)
    limits = ["--constraints", str(CONSTRAINTS), "--build-constraints", str(CONSTRAINTS)]
    uv = [str(SCRIPTS / "uv"), "pip", "install", "--python", str(PYTHON), *limits]
    uv.append("--compile-bytecode")  # else the first notebook waits while Python does that
    env = uv_environment(torch, os.environ)
    done = subprocess.run([*uv, "--editable", project], env=env, close_fds=False, check=False)
    if done.returncode:
        raise SetUpError(why_uv_failed(done.returncode, shutil.disk_usage(ROOT).free))
    own = [str(PYTHON), "-m", "compileall", "-q", str(ROOT / "fusionlab")]  # uv leaves it out
    subprocess.run(own, stdout=subprocess.DEVNULL, check=False)
    write_stamp({**place(torch), "pins": pins(), "extras": every})


def uv_environment(torch: str, given: Mapping[str, str]) -> dict[str, str]:
    """Tell uv what pip's variables say, which it does not read, and keep its downloads in here."""
    told = {
        "UV_INDEX_URL": given.get("PIP_INDEX_URL"),
        "UV_EXTRA_INDEX_URL": given.get("PIP_EXTRA_INDEX_URL"),
        "UV_FIND_LINKS": given.get("PIP_FIND_LINKS", "").replace(" ", ","),
        "SSL_CERT_FILE": given.get("PIP_CERT"),
        "UV_CACHE_DIR": str(WORK / "cache"),
        "UV_TORCH_BACKEND": torch,
    }
    return {**{name: value for name, value in told.items() if value}, **given}


def why_uv_failed(code: int, free: int) -> str:
    """Say why, after uv's own words; it ends with 1 where no versions fit, else with 2."""
    if free < 1e9:  # less than torch itself takes
        return "The disk is full. Make room, then run the same command again."
    if code == 1:
        return (
            "The pinned versions do not fit this Python or this computer (uv says above which).\n"
            f"Tested are Python {dotted(OLDEST)} to {dotted(TESTED[0])} on Linux, Windows and "
            "macOS (Apple silicon). For another: make clean, then make lab PYTHON=python3.12"
        )
    return NO_NETWORK


def call(command: list[str], trouble: str) -> None:
    """Run a step quietly; where it fails, show its last words before ours."""
    done = subprocess.run(command, capture_output=True, text=True, close_fds=False, check=False)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        print(*words[-2:], sep="\n", file=sys.stderr)
        raise SetUpError(trouble)


def pinned(name: str) -> str:
    """Give one package with its pinned version, as pip and uv read it."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"{name}=="))


def discard(folder: Path) -> None:
    """Remove a folder; it leaves its place in one step, so that no half of it is ever used."""
    WORK.mkdir(exist_ok=True)
    if folder.exists():
        try:
            folder.rename(WORK / f"discarded-{os.getpid()}")
        except PermissionError as error:
            raise SetUpError(f"{folder} is in use: close JupyterLab, then try again.") from error
    for old in WORK.glob("discarded-*"):
        shutil.rmtree(old, ignore_errors=True)
