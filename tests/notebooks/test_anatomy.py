"""Every notebook is complete, brief and clean; and each rule that says so is seen to fail."""

import re

import pytest

from .anatomy import RULES, anchors, complaints
from .miniature import TEXT, miniature, place
from .notebook import NOTEBOOKS, Notebook, course


@pytest.mark.parametrize("path", course(), ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_notebook_keeps_the_rule(path, rule):
    assert list(rule(Notebook(path))) == []


def test_the_miniature_keeps_every_rule(tmp_path):
    assert complaints(Notebook(place(miniature(), tmp_path))) == []


def changed(name, old, new):
    """The miniature with `old` replaced by `new` in one of its text cells."""
    assert old in TEXT[name]
    return miniature(**{name: TEXT[name].replace(old, new)})


def with_outputs():
    book = miniature()
    book.cells[2].execution_count = 1
    return book


def with_widgets():
    book = miniature()
    book.metadata["widgets"] = {}
    return book


def with_one_id():
    book = miniature()
    book.cells[0]["id"] = book.cells[1]["id"]
    return book


def with_a_private_kernel():
    book = miniature()
    book.metadata["kernelspec"]["name"] = "my-venv"
    return book


def untagged():
    book = miniature()
    book.cells[2].metadata = {}
    return book


def repeated(name, times):
    book = miniature()
    (cell,) = (cell for cell in book.cells if cell.id == name)
    copies = [type(cell)({**cell, "id": f"{name}{i}"}) for i in range(times)]
    book.cells[8:8] = copies
    return book


BROKEN = [
    (with_outputs, "strip them"),
    (with_widgets, "widget state"),
    (with_one_id, "ids are missing or repeated"),
    (with_a_private_kernel, "must be called python3"),
    (lambda: repeated("think", 45), "cells, at most 60"),
    (lambda: miniature(run="x = '" + "x" * 200_000 + "'"), "bytes, at most"),
    (lambda: repeated("explore", 8), "9 explorers, at most 8"),
    (lambda: changed("title", "# 20", "# 21"), "must start with '# 20 Title'"),
    (lambda: changed("title", "?", "."), "asks no question"),
    (lambda: changed("title", "20 min", "20 hours"), "lacks a time in 'min'"),
    (lambda: changed("title", "20 min", "90 min"), "promises 90 min"),
    (lambda: changed("title", "5 s", "61 s"), "promises 61 s"),
    (lambda: changed("title", "level", "for"), "nothing about 'level'"),
    (lambda: changed("title", "next", "later"), "nothing about 'next'"),
    (lambda: changed("title", "[19](19_before.ipynb)", "none"), "links to no other notebook"),
    (lambda: changed("title", "19_before", "18_lost"), "18_lost.ipynb leads nowhere"),
    (lambda: changed("aims", "You need", "Needed:"), "lack 'You need'"),
    (lambda: changed("aims", "- say a\n", ""), "has 2 bullets"),
    (lambda: changed("aims", "#basin", "#valley"), "no heading 'valley'"),
    (lambda: changed("aims", "../docs/glossary.md", "https://example.org"), "links to no word"),
    (untagged, "the tag 'parameters'"),
    (lambda: miniature(parameters="n = 1"), "lack 'seed'"),
    (lambda: miniature(imports="import torch"), "must import from fusionlab"),
    (lambda: miniature(aims=""), "lack 'You will be able to'"),
    (lambda: miniature(predict="guess = 1"), "predicts nothing"),
    (lambda: repeated("predict", 1), "asked 2 times"),
    (lambda: miniature(run="1.5"), "1 predictions but 0 reveals"),
    (lambda: miniature(explore="1"), "nothing to explore"),
    (lambda: miniature(check="interpolate"), "there is no exercise"),
    (lambda: miniature(check="interpolate"), "not followed by its check"),
    (lambda: changed("task", "●●○○○", "hard"), "difficulty"),
    (lambda: miniature(check='teach.check("10.1", other)'), "must be the stub of other"),
    (lambda: miniature(stub="def interpolate(a, b, t):\n    raise NotImplementedError"), "types"),
    (lambda: miniature(hint=""), "no collapsed hint"),
    (lambda: miniature(solution=""), "collapsed solution must be the last"),
    (lambda: changed("solution", "<details>", "<details open>"), "must be closed"),
    (lambda: changed("solution", "def interpolate", "def between"), "defines interpolate"),
    (lambda: changed("wrong", "What can go wrong", "Notes"), "no section 'What can go wrong'"),
    (lambda: changed("wrong", "*Cure*: fewer.", ""), "found [2, 2, 1]"),
    (lambda: miniature(ours=""), "no 'Bring your own'"),
    (lambda: miniature(quiz=""), "there is no quiz"),
    (lambda: miniature(sources=""), "last cell must be 'Sources'"),
    (lambda: changed("sources", "arXiv:2110.06296", "a paper"), "without its arXiv id"),
    (lambda: miniature(run="%time guess.reveal(1.5)"), "is not Python"),
    (lambda: miniature(run="guess.reveal(1.5)\n" + "x = 1\n" * 12), "13 lines of code"),
    (lambda: miniature(run="guess.reveal(1)\n" + "x = 1\n" * 6, ours="x = 1\n" * 6), "too few"),
    (lambda: miniature(run="guess.reveal(1)\ndef f():\n    pass"), "belongs in the package"),
    (lambda: miniature(think="word " * 121), "121 words, at most 120"),
    (lambda: miniature(think="a b", explain="c d", summary="e f"), "see cells [5, 8, 18]"),
    (lambda: changed("think", "think", "![](../docs/glossary.md) think"), "no alternative text"),
]


@pytest.mark.parametrize(("broken", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_a_broken_notebook_is_complained_about(tmp_path, broken, words):
    found = complaints(Notebook(place(broken(), tmp_path)))
    assert any(words in complaint for complaint in found), found


def test_the_glossary_defines_each_word_once_and_briefly():
    page = NOTEBOOKS.parent / "docs" / "glossary.md"
    entries = re.findall(r"^### (.+)\n\n((?:.+\n)+)", page.read_text(encoding="utf-8"), re.M)
    words = [word for word, _ in entries]
    assert len(words) == len(set(words)) >= 30
    assert all(word == word.lower() for word in words)  # capitals make other anchors
    assert [word for word, text in entries if not 8 <= len(text.split()) <= 60] == []


def test_the_glossarys_own_links_lead_to_words():
    page = NOTEBOOKS.parent / "docs" / "glossary.md"
    links = re.findall(r"\]\(#([^)]*)\)", page.read_text(encoding="utf-8"))
    assert links
    assert set(links) <= anchors(page)
