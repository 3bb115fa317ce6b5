"""The frame around the package: its files agree with each other, and its set-up speaks plainly."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
README = (ROOT / "README.md").read_text("utf-8")
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines())
REQUIRED = [
    *map(Requirement, PROJECT["dependencies"]),
    *(Requirement(r) for extra in PROJECT["optional-dependencies"].values() for r in extra),
]
CONDA_NAMES = {"pytorch": "torch"}
GB = 10**9


def tool(name):
    """A script of tools/ as a module; like there, one may import the other."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(ROOT / "tools"))


@pytest.fixture(scope="module")
def packages():
    return tool("packages")


@pytest.fixture(scope="module")
def set_up():
    return tool("set_up")


def tracked_files() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs git and a clone: this folder is a plain copy")
    return [file for line in done.stdout.splitlines() if (file := ROOT / line).is_file()]


# ---------------------------------------------------------------- files that must agree


@pytest.mark.parametrize("required", REQUIRED, ids=lambda required: required.name)
def test_every_direct_dependency_is_pinned_within_its_range(required):
    assert required.specifier.contains(PINS[canonicalize_name(required.name)])


def test_the_pins_are_plain():
    for name, version in PINS.items():
        assert name == canonicalize_name(name)
        assert re.fullmatch(r"[0-9][0-9a-z.]*", version), f"{name}=={version}"
    assert list(PINS) == sorted(PINS)


def test_the_installed_torch_needs_no_pin_for_one_platform_only():
    assert not [name for name in PINS if name.startswith(("nvidia", "cuda", "triton"))]


def test_the_conda_environment_agrees_with_the_project():
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    ranges = {required.name: str(required.specifier) for required in REQUIRED}
    python = PROJECT["requires-python"].removeprefix(">=")
    assert pip == {"pip": ["-e ."]}
    assert conda[:2] == [f"python={python}", "pip"]
    for line in conda[2:]:
        name, at_least, version = line.partition(">=")
        assert ranges[CONDA_NAMES.get(name, name)] == at_least + version


def test_what_runs_notebooks_comes_with_a_plain_install():
    plain = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert {"jupyterlab", "ipykernel", "papermill"} <= plain
    assert "papermill" not in {r.name for r in REQUIRED[len(plain) :]}


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    code = re.search(r'__version__ = "(.*)"', (ROOT / "fusionlab/__init__.py").read_text("utf-8"))
    assert {citation["version"], newest[1], code[1]} == {PROJECT["version"]}


def test_the_commands_of_the_readme_exist(set_up):
    targets = set(
        re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text("utf-8"), re.M)[1].split()
    )
    named = set(re.findall(r"\bmake (?:[A-Z_]+=\S+ )*([a-z][a-z-]*)", README))
    named |= set(re.findall(r"set_up\.py ([a-z-]+)", README))
    assert {"lab", "test", "clean"} <= named <= targets == set_up.COMMANDS.keys()


def test_what_the_readme_links_to_exists():
    links = re.findall(r"\]\(([^)#:]+)\)", re.sub(r"<!--.*?-->", "", README, flags=re.S))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_opens_with_a_picture_that_moves_and_loads_quickly():
    image = pytest.importorskip("PIL.Image")
    file = ROOT / re.search(r"!\[[^\]]+\]\(([^)]+)\)", README)[1]
    assert file.stat().st_size <= 2_000_000
    with image.open(file) as picture:
        assert picture.n_frames > 20


@pytest.mark.parametrize("number", [0, 1])
def test_the_code_of_the_readme_runs(number, capsys):
    code = re.findall(r"```python\n(.*?)```", README, re.S)[number]
    exec(code, {})
    assert "loss " in capsys.readouterr().out


def test_the_licences_are_named_and_there():
    assert "Redistribution and use" in (ROOT / "LICENSE").read_text("utf-8")
    assert "Attribution 4.0" in (ROOT / "LICENSE-TEXT").read_text("utf-8")
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])
    assert (
        yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["license"][0]
        == PROJECT["license"]
    )


def test_every_hook_of_a_commit_works_without_a_network():
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))[
        "repos"
    ]:
        assert repository["repo"] == "local"
        assert {hook["language"] for hook in repository["hooks"]} == {"system"}


def test_no_file_names_a_package_host_or_a_folder_of_one_machine():
    hosts = r"py[p]i\.(org|io)|python[h]osted|deb\.[d]ebian|registry\.[n]pm|download\.[p]ytorch"
    folders = r"(?<![\w.])/(?:work|root|tmp/[a-z]|home/\w|Users/\w)[/\w-]"  # in a word's place
    found = []
    for file in tracked_files():
        text = file.read_bytes().decode("utf-8", errors="ignore")
        found += [
            f"{file.relative_to(ROOT)}: {hit[0]}" for hit in re.finditer(f"{hosts}|{folders}", text)
        ]
    assert found == []


def test_clean_data_spares_what_git_holds(set_up):
    held = {file for file in tracked_files() if ROOT / "data" in file.parents}
    assert held <= {ROOT / "data" / name for name in set_up.KEPT_DATA}


# ---------------------------------------------------------------- what the set-up says


@pytest.mark.parametrize("name", ["set_up", "packages"])
def test_an_old_python_can_read_the_set_up_and_so_say_that_it_is_too_old(name):
    ast.parse((ROOT / f"tools/{name}.py").read_text("utf-8"), feature_version=(3, 9))


def test_an_old_python_looks_for_a_newer_one(packages):
    found = packages.find_python((3, 9, 2), "old", can=lambda name, _: name == "python3.12")
    assert found == "python3.12"
    assert packages.find_python((3, 14, 0), "new", can=None) == "new"


def test_no_new_enough_python_is_said(packages):
    with pytest.raises(
        packages.SetUpError, match=r"needs Python 3\.11 or newer; this is Python 3\.9"
    ):
        packages.find_python((3, 9, 2), "old", can=lambda *_: False)


def test_a_python_without_ensurepip_is_said_with_its_cure(packages):
    packages.check_venv(sys.executable)
    with pytest.raises(packages.SetUpError, match="apt install python3-venv"):
        packages.check_venv("python3", can=lambda *_: False)


def test_too_little_disk_is_said_with_what_is_needed(packages):
    with pytest.raises(packages.SetUpError, match=r"need 7 GB, and 3\.5 GB .*[\s\S]*BACKEND=cpu"):
        packages.check_disk(3 * GB, held=GB // 2, torch="", platform="linux")
    with pytest.raises(packages.SetUpError, match=r"need 2 GB, and 1\.0 GB .*\nMake room, then"):
        packages.check_disk(GB, held=0, torch="cpu", platform="linux")


def test_what_we_hold_already_counts_as_room(packages):
    packages.check_disk(2 * GB, held=6 * GB, torch="", platform="linux")
    packages.check_disk(3 * GB, held=0, torch="cpu", platform="linux")
    packages.check_disk(3 * GB, held=0, torch="", platform="darwin")


def test_a_file_with_two_names_takes_its_room_once(packages, tmp_path):
    for name in ("cache", "venv"):
        (tmp_path / name).mkdir()
    (tmp_path / "cache/a").write_bytes(bytes(1000))
    (tmp_path / "venv/a").hardlink_to(tmp_path / "cache/a")
    (tmp_path / "venv/b").write_bytes(bytes(10))
    assert packages.size_of(tmp_path / "cache", tmp_path / "venv", tmp_path / "none") == 1010


def test_a_failed_installation_is_told_apart(packages):
    assert "disk is full" in packages.why_uv_failed(2, free=10**8)
    assert "do not fit this Python" in packages.why_uv_failed(1, free=10 * GB)
    assert "needs a network" in packages.why_uv_failed(2, free=10 * GB)


def test_what_pip_was_told_reaches_uv_and_what_uv_was_told_wins(packages):
    given = {"PIP_INDEX_URL": "mirror", "PIP_FIND_LINKS": "a b", "UV_INDEX_URL": "other"}
    told = packages.uv_environment("cpu", given)
    assert (told["UV_INDEX_URL"], told["UV_FIND_LINKS"]) == ("other", "a,b")
    assert told["UV_TORCH_BACKEND"] == "cpu"
    assert "SSL_CERT_FILE" not in told
    assert "UV_TORCH_BACKEND" not in packages.uv_environment("", {})


def test_the_packages_and_the_project_are_compiled_by_the_set_up(packages, monkeypatch, tmp_path):
    commands = []

    def note(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(packages.subprocess, "run", note)
    monkeypatch.setattr(packages, "STAMP", tmp_path / "set-up.json")
    monkeypatch.setattr(packages, "place", lambda torch: {"torch": torch})
    packages.fill(("dev",), torch="cpu")
    uv, own = commands
    assert "--compile-bytecode" in uv
    assert own[1:3] == ["-m", "compileall"]
    assert own[-1] == str(ROOT / "fusionlab")
    assert packages.read_stamp()["extras"] == ["dev"]


def test_an_unfinished_or_damaged_stamp_is_no_stamp(packages, monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "STAMP", tmp_path / "set-up.json")
    for content in (None, "", '{"extras": ["dev"', "{}"):
        if content is not None:
            packages.STAMP.write_text(content)
        assert packages.read_stamp() == {}
        assert not packages.is_ready((), torch="")


def test_a_stamp_serves_its_extras_and_fewer_for_the_same_pins_only(
    packages, monkeypatch, tmp_path
):
    monkeypatch.setattr(packages, "STAMP", tmp_path / "set-up.json")
    monkeypatch.setattr(packages, "place", lambda torch: {"folder": "here", "torch": torch})
    stamp = {"folder": "here", "torch": "cpu", "pins": packages.pins(), "extras": ["dev"]}
    packages.write_stamp(stamp)
    assert packages.is_ready((), "cpu")
    assert packages.is_ready(("dev",), "cpu")
    assert not packages.is_ready(("browser", "dev"), "cpu")
    assert not packages.is_ready(("dev",), "auto")
    packages.write_stamp({**stamp, "pins": "others"})
    assert not packages.is_ready((), "cpu")


def test_a_folder_is_discarded_whole(packages, monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "WORK", tmp_path / "work")
    (tmp_path / "work/discarded-1").mkdir(parents=True)  # left by a killed run
    (tmp_path / "venv/lib").mkdir(parents=True)
    packages.discard(tmp_path / "venv")
    assert [*tmp_path.iterdir()] == [tmp_path / "work"]
    assert [*(tmp_path / "work").iterdir()] == []


def test_an_environment_of_somebody_elses_making_is_left_alone(packages, monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "VENV", tmp_path)
    monkeypatch.setattr(packages, "STAMP", tmp_path / "set-up.json")
    (tmp_path / "pyvenv.cfg").touch()
    with pytest.raises(packages.SetUpError, match="was not made by this set-up"):
        packages.build("")
    assert (tmp_path / "pyvenv.cfg").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="displays are named so on Linux only")
def test_without_a_display_no_browser_is_opened(set_up):
    assert "--no-browser" in set_up.lab_flags({})
    assert "--no-browser" not in set_up.lab_flags({"WAYLAND_DISPLAY": "wayland-0"})


def test_jupyterlab_writes_below_the_clone_only(set_up):
    assert all(Path(folder).is_relative_to(ROOT) for folder in set_up.lab_folders().values())


def test_an_unknown_command_shows_the_known_ones(set_up, capsys):
    assert set_up.main(["fly"]) == 2
    assert "set_up.py lab" in capsys.readouterr().out


# ---------------------------------------------------------------- the style budgets


WANTING = '''
def fine(x: int) -> int:
    """One line."""
    return x


def nested(x) -> None:
    for i in x:
        while i:
            if i:
                with i:
                    from pack import other

                    def inner(y):
                        if y:
                            return other
            elif x:
                pass


A = 1
'''


def test_the_style_budgets_name_what_is_over_them(tmp_path, capsys):
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "one.py").write_text(WANTING + "from pack import two\n")
    (folder / "two.py").write_text("from .one import fine\n")
    (folder / "other.py").write_text("\n".join(f"NAME_{i} = {i}" for i in range(301)))
    assert tool("style").main(str(folder)) == 1
    figures = dict(re.findall(r"^(\S.*?)  +(\d+) ", capsys.readouterr().out, re.M))
    assert figures == {
        "lines of a function, median": "3",  # of 2, 3 and 12
        "lines of a function, 95 % within": "12",
        "lines of a function, longest": "12",
        "nesting": "4",
        "lines of a module": "301",
        "public names of a module": "301",
        "annotated, %": "75",
        "documented, %": "50",
        "modules in import cycles": "2",
        "late imports of the package": "1",
    }


def test_the_package_keeps_to_its_style_budgets():
    over = [
        str(each)
        for each in tool("style").measure(tool("style").read(ROOT / "fusionlab"))
        if each.is_over
    ]
    assert over == []
