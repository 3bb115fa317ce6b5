"""A complete notebook in miniature: what the tests of the notebook tests break in many ways."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

TEXT = {
    "title": "# 20 Small roads\n\nHow far is it?\n\n*≈ 20 min · 5 s to run · level ●○○○○ · "
    "previous: [19](19_before.ipynb) · next: none yet*",
    "aims": "**You will be able to**\n\n- say a\n- draw b\n- write c\n\n**You need** 19.\n\n"
    "**New words** [basin](../docs/glossary.md#basin), [loss landscape]"
    "(../docs/glossary.md#loss-landscape)",
    "think": "Before it runs, think of two roads between two villages. One is short and climbs a "
    "hill, the other is long and flat. Which would you take?",
    "explain": "The short one climbs. What you predicted stands beside what was measured, and the "
    "gap between both is what this notebook is about.",
    "task": "## Exercise 10.1\n\n●●○○○ · 5 min. Write the line between two points, so that it "
    "starts at the first point for zero and ends at the second for one.",
    "hint": "<details><summary>Hint</summary>\n\nTwo shares sum to one.\n\n</details>",
    "solution": "<details><summary>Solution</summary>\n\n```python\n"
    "def interpolate(a: Weights, b: Weights, t: float) -> Weights:\n"
    "    return (1 - t) * a + t * b\n```\n\n</details>",
    "wrong": "## What can go wrong\n\n*Symptom*: it fails. *Cause*: a hill between the two. "
    "*Cure*: walk around it.\n\n*Symptom*: it is slow. *Cause*: many points. *Cure*: fewer.",
    "own": "## Bring your own\n\nPut two networks of your own where ours stand; everything above "
    "then runs with yours, and what is missing is said below.",
    "summary": "## Summary\n\nOne line joins two points. What lies on it can be higher than both "
    "of its ends, and how much higher is called the barrier of that line.",
    "sources": "## Sources\n\n- Frankle et al. 2020, arXiv:1912.05671: linear mode connectivity.\n"
    "- Entezari et al. 2022,\n  arXiv:2110.06296: the barrier.",
}
CODE = {
    "parameters": "seed = 0",
    "imports": "from fusionlab import Weights, teach",
    "predict": 'guess = teach.predict("20.1", "How high?", low=0, high=2)\nguess',
    "run": "guess.reveal(1.5)",
    "explore": "def explore_line():\n    return None\nexplore_line()",
    "stub": "def interpolate(a: Weights, b: Weights, t: float) -> Weights:\n"
    '    """The point between a and b."""\n    raise NotImplementedError',
    "check": 'teach.check("10.1", interpolate)',
    "ours": "mine = None",
    "quiz": 'teach.quiz("20", [teach.Question("Sure?", {"yes": "So it is.", "no": "Why?"}, '
    'right="yes")])',
}
ORDER = (
    *("title", "aims", "parameters", "imports", "think", "predict", "run", "explain", "explore"),
    *("task", "stub", "check", "hint", "solution", "wrong", "own", "ours", "summary", "quiz"),
    "sources",
)


def miniature(**changes: str) -> NotebookNode:
    """The miniature, with some of its cells replaced; an empty source leaves a cell out."""
    sources = {**TEXT, **CODE, **changes}
    book = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for name in ORDER:
        make = new_markdown_cell if name in TEXT else new_code_cell
        if sources[name]:
            book.cells.append(make(sources[name], id=name))
    for cell in book.cells:
        if cell.id == "parameters":
            cell.metadata["tags"] = ["parameters"]
    return book


def place(book: NotebookNode, root: Path, name: str = "20_small_roads.ipynb") -> Path:
    """Write a notebook where its links lead somewhere."""
    (root / "notebooks").mkdir(parents=True, exist_ok=True)
    (root / "docs").mkdir(exist_ok=True)
    (root / "docs" / "glossary.md").write_text("# Words\n\n## basin\n\n## loss landscape\n")
    (root / "notebooks" / "19_before.ipynb").write_text("{}")
    path = root / "notebooks" / name
    path.write_text(nbformat.v4.writes(book), encoding="utf-8")
    return path
