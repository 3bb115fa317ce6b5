"""The data root is the one that the reader names, else the clone's, else the user's cache."""

from pathlib import Path

from platformdirs import user_cache_path

from fusionlab.lab import data_root, places


def test_a_named_folder_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSIONLAB_DATA", str(tmp_path / "mine"))
    assert data_root() == tmp_path / "mine"


def test_a_clone_keeps_its_data_beside_the_package(monkeypatch):
    monkeypatch.delenv("FUSIONLAB_DATA")
    assert data_root() == Path(places.__file__).parents[2] / "data"


def test_an_installed_package_uses_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("FUSIONLAB_DATA")
    monkeypatch.setattr(places, "CLONE", tmp_path)
    assert data_root() == user_cache_path("fusionlab")


def test_another_projects_folder_is_no_clone(monkeypatch, tmp_path):
    monkeypatch.delenv("FUSIONLAB_DATA")
    monkeypatch.setattr(places, "CLONE", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "other"\n')
    assert data_root() == user_cache_path("fusionlab")
