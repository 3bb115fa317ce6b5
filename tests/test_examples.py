"""The examples in docstrings run and print what they say; every public noun has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest
import torch

import fusionlab

MODULES = ["fusionlab", *(f"fusionlab.{m.name}" for m in pkgutil.iter_modules(fusionlab.__path__))]
FINDER = doctest.DocTestFinder(exclude_empty=True)
EXAMPLES = [
    example
    for module in pkgutil.walk_packages(fusionlab.__path__, "fusionlab.")
    for example in FINDER.find(importlib.import_module(module.name), globs={})
    if example.examples
]


def nouns():
    """Classes that a package exports; a protocol is no noun, for nothing is made of it."""
    for package in map(importlib.import_module, MODULES):
        for name in getattr(package, "__all__", []):
            value = getattr(package, name)
            is_class = inspect.isclass(value) and not getattr(value, "_is_protocol", False)
            if is_class:
                yield pytest.param(value, id=f"{package.__name__}.{name}")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_example_prints_what_it_says(example, tmp_path, monkeypatch):
    monkeypatch.setenv("FUSIONLAB_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng(devices=[]):
        failures = []
        doctest.DocTestRunner().run(example, out=failures.append, clear_globs=True)
    assert not failures, "".join(failures)


@pytest.mark.parametrize("noun", [*nouns()])
def test_the_noun_has_an_example(noun):
    assert ">>> " in (noun.__doc__ or "")


def test_an_example_that_prints_something_else_is_seen():
    wrong = FINDER.find(type("Wrong", (), {"__doc__": ">>> 1 + 1\n3"}), "wrong", globs={})
    assert doctest.DocTestRunner().run(wrong[0], out=lambda _: None).failed == 1
