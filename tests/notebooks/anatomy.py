"""What every notebook of the course is made of, as rules; each rule yields its complaints."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from .notebook import Cell, Exercise, Notebook

Complaints = Iterator[str]

MINUTES, SECONDS, CELLS, BYTES, FIGURES = 45, 60, 60, 200_000, 8  # budgets of a notebook
EARLY = 4  # text cells: a first picture may come before the aims
SHORT_CODE, LONG_CODE, SHORT_SHARE = 5, 12, 0.9  # lines of code in a cell
WORDS, MOST_WORDS, WORDS_SHARE = (15, 60), 120, 0.7  # words in a cell of running text
PAPER = re.compile(r"arXiv:\d{4}\.\d{4,5}|doi\.org/10\.\S+", re.IGNORECASE)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)[^)]*\)")


def file_is_clean(book: Notebook) -> Complaints:
    """Outputs, counts and widget state are stripped, cells have ids, the kernel is python3."""
    for cell in book.code:
        if cell.node.outputs or cell.node.execution_count is not None:
            yield f"cell {cell.place} carries outputs or a count: strip them (nbstripout)"
    if "widgets" in book.node.metadata:
        yield "the notebook carries widget state: strip it (nbstripout)"
    ids = Counter(cell.node.get("id") for cell in book.cells)
    if None in ids or max(ids.values(), default=0) > 1:
        yield "cell ids are missing or repeated"
    if book.node.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel must be called python3, or no other machine finds it"


def size_fits(book: Notebook) -> Complaints:
    """The budgets of the file: cells, bytes, live figures."""
    if len(book.cells) > CELLS:
        yield f"{len(book.cells)} cells, at most {CELLS}"
    if (size := book.path.stat().st_size) > BYTES:
        yield f"{size} bytes, at most {BYTES}"
    if (live := sum(cell.explores() for cell in book.code)) > FIGURES:
        yield f"{live} explorers, at most {FIGURES}"


def title_says_what_to_expect(book: Notebook) -> Complaints:
    """Cell 1: number, question, minutes, seconds, level, previous and next."""
    title = book.cell(1).source
    if book.cell(1).is_code or not title.startswith(f"# {book.number} "):
        yield f"the first cell must start with '# {book.number} Title'"
    if "?" not in title:
        yield "the title cell asks no question"
    for limit, unit in ((MINUTES, "min"), (SECONDS, "s")):
        found = re.search(rf"(\d+) {unit}\b", title)
        if not found:
            yield f"the title cell lacks a time in '{unit}'"
        elif int(found.group(1)) > limit:
            yield f"the title cell promises {found.group()}, at most {limit} {unit}"
    for word in ("level", "previous", "next"):
        if word not in title.lower():
            yield f"the title cell says nothing about '{word}'"
    if not any(link.endswith(".ipynb") for _, _, link in LINK.findall(title)):
        yield "the title cell links to no other notebook"


def aims_are_said(book: Notebook) -> Complaints:
    """One cell near the top: 3 to 5 aims, what is needed, and new words that the glossary knows."""
    aims = next((cell.source for cell in book.text[:EARLY] if _says_aims(cell)), "")
    for words in ("You will be able to", "You need", "New words"):
        if words not in aims:
            yield f"the first {EARLY} text cells lack '{words}'"
    able = re.split(r"You need|New words", aims.partition("You will be able to")[2])[0]
    bullets = len(re.findall(r"^\s*[-*] ", able, re.MULTILINE))
    if not 3 <= bullets <= 5:
        yield f"'You will be able to' has {bullets} bullets, it takes 3 to 5"
    words = aims.partition("New words")[2]
    if not any("glossary.md#" in link for _, _, link in LINK.findall(words)):
        yield "'New words' links to no word of docs/glossary.md"


def set_up_comes_first(book: Notebook) -> Complaints:
    """The first cell of code holds the parameters, the second the imports."""
    parameters, imports = book.code[:2]
    if "parameters" not in parameters.node.metadata.get("tags", []):
        yield "the first cell of code must have the tag 'parameters'"
    elif "seed" not in parameters.source:
        yield "the parameters lack 'seed'"
    if not re.search(r"^(from|import) fusionlab", imports.source, re.M):
        yield "the second cell of code must import from fusionlab"


def reader_predicts_and_explores(book: Notebook) -> Complaints:
    """At least one prediction, each with a key of its own and revealed later; one explorer."""
    predictions = [cell for cell in book.code if cell.calls("predict")]
    if not predictions:
        yield "the reader predicts nothing (teach.predict)"
    keys = Counter(
        ast.unparse(call.args[0]) for cell in predictions for call in cell.calls("predict")
    )
    for key, times in keys.items():
        if times > 1:
            yield f"prediction {key} is asked {times} times: give each its own key"
    asked, revealed = sum(keys.values()), sum(len(cell.calls("reveal")) for cell in book.code)
    if revealed < asked:
        yield f"{asked} predictions but {revealed} reveals: show each beside what was measured"
    if not any(cell.explores() for cell in book.code):
        yield "there is nothing to explore (explore_…)"


def exercises_are_whole(book: Notebook) -> Complaints:
    """Text with difficulty and minutes, stub, check, hints, and the solution last."""
    exercises = book.exercises()
    if not exercises:
        yield "there is no exercise (a stub, then teach.check(key, name))"
    for exercise in exercises:
        yield from (f"exercise {exercise.key}: {words}" for words in _faults(exercise))
    stubs = [cell.place for cell in book.code if cell.is_stub()]
    checked = [exercise.stub.place for exercise in exercises]
    for place in sorted(set(stubs) - set(checked)):
        yield f"the stub in cell {place} is not followed by its check"


def _faults(exercise: Exercise) -> Complaints:
    text, stub = exercise.text.source, exercise.stub
    if exercise.text.is_code or "●" not in text or not re.search(r"\d+ min", text):
        yield "the text before the stub must say difficulty (●●○○○) and minutes"
    functions = [node for node in stub.tree.body if isinstance(node, ast.FunctionDef)]
    if not stub.is_stub() or exercise.name not in {f.name for f in functions}:
        yield f"the cell before the check must be the stub of {exercise.name}"
    for function in functions:
        typed = all(argument.annotation for argument in function.args.args) and function.returns
        if not typed or not ast.get_docstring(function):
            yield f"the stub of {function.name} needs types and a docstring"
    yield from _faults_after(exercise)


def _faults_after(exercise: Exercise) -> Complaints:
    after = exercise.after
    if not any(cell.folds("hint") for cell in after):
        yield "no collapsed hint follows the check"
    if not after or not after[-1].folds("solution"):
        yield "the collapsed solution must be the last cell"
    if any("<details open" in cell.source for cell in after):
        yield "hints and solution must be closed at first"
    solution = exercise.solution
    if solution and f"def {exercise.name}" not in solution.fence():
        yield f"the solution needs a ```python fence that defines {exercise.name}"


def failures_are_shown(book: Notebook) -> Complaints:
    """'What can go wrong': 2 to 4 failures, each with symptom, cause and cure."""
    heading = book.section("What can go wrong")
    if heading is None:
        yield "there is no section 'What can go wrong'"
        return
    rest = " ".join(cell.source.lower() for cell in book.text if cell.place >= heading.place)
    counts = [len(re.findall(rf"\*{word}", rest)) for word in ("symptom", "cause", "cure")]
    if min(counts) != max(counts) or not 2 <= counts[0] <= 4:
        yield f"2 to 4 failures with *Symptom*, *Cause*, *Cure* each are needed; found {counts}"


def end_is_in_order(book: Notebook) -> Complaints:
    """Bring your own, then summary and quiz, then sources as the last cell."""
    own = book.section("Bring your own")
    quizzes = [cell.place for cell in book.code if cell.calls("quiz")]
    if own is None or not book.cell(own.place + 1).is_code:
        yield "there is no 'Bring your own' with a code cell right below it"
    if not quizzes:
        yield "there is no quiz (teach.quiz)"
    if own and quizzes and own.place > quizzes[-1]:
        yield "'Bring your own' must come before the quiz"
    last = book.cell(len(book.cells))
    if last.is_code or not re.search(r"^#+ Sources", last.source, re.M):
        yield "the last cell must be 'Sources'"
        return
    items = re.findall(r"^\s*[-*] .*(?:\n(?!\s*[-*] ).+)*", last.source, re.M)
    for item in items or [""]:
        if not PAPER.search(item):
            yield f"a source without its arXiv id or DOI: {item.strip()[:60]!r}"


def code_reads_like_the_text(book: Notebook) -> Complaints:
    """Short cells of valid Python, hardly a `def`, no magics."""
    ordinary = [cell for cell in book.code if not cell.is_stub()]
    for cell in book.code:
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            yield f"cell {cell.place} is not Python: {error.msg} (no magics, no shell)"
    for cell in ordinary:
        if cell.lines > LONG_CODE:
            yield f"cell {cell.place} has {cell.lines} lines of code, at most {LONG_CODE}"
    short = sum(cell.lines <= SHORT_CODE for cell in ordinary)
    if short < SHORT_SHARE * len(ordinary):
        yield f"{short} of {len(ordinary)} code cells are short (≤ {SHORT_CODE} lines): too few"
    makers = [c for c in ordinary if re.search(r"^\s*(def|class) ", c.source, re.M)]
    if len(makers) > 1:
        yield f"cells {[c.place for c in makers]} define things: that belongs in the package"


def text_is_brief(book: Notebook) -> Complaints:
    """Running text comes in cells of 15 to 60 words; set pieces (aims, sources, …) are free."""
    running = [cell for cell in book.text[1:-1] if not _says_aims(cell)]
    counts = {cell.place: _words(cell) for cell in running if "<details" not in cell.source}
    for place, words in counts.items():
        if words > MOST_WORDS:
            yield f"cell {place} has {words} words, at most {MOST_WORDS}"
    low, high = WORDS
    fitting = sum(low <= words <= high for words in counts.values())
    if fitting < WORDS_SHARE * len(counts):
        odd = [place for place, words in counts.items() if not low <= words <= high]
        yield f"{fitting} of {len(counts)} text cells have {low} to {high} words; see cells {odd}"


def _says_aims(cell: Cell) -> bool:
    return "You will be able to" in cell.source


def _words(cell: Cell) -> int:
    return len(re.findall(r"\w+", re.sub(r"\]\([^)]*\)|\$[^$]*\$", "] ", cell.source)))


def links_resolve(book: Notebook) -> Complaints:
    """Files and anchors exist; pictures have a text for those who cannot see them."""
    for cell in book.text:
        for picture, words, target in LINK.findall(cell.source):
            if picture and not words.strip():
                yield f"cell {cell.place}: the picture {target} has no alternative text"
            if not re.match(r"https?://|mailto:|attachment:|#", target):
                yield from (f"cell {cell.place}: {words}" for words in _dead(book, target))


def _dead(book: Notebook, target: str) -> Complaints:
    name, _, anchor = target.partition("#")
    file = book.path.parent / name
    if not file.exists():
        yield f"the link {target} leads nowhere"
    elif anchor and anchor not in anchors(file):
        yield f"{name} has no heading '{anchor}'"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings; lower-case words, as GitHub and JupyterLab agree on."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


RULES: tuple[Callable[[Notebook], Complaints], ...] = (
    file_is_clean,
    size_fits,
    title_says_what_to_expect,
    aims_are_said,
    set_up_comes_first,
    reader_predicts_and_explores,
    exercises_are_whole,
    failures_are_shown,
    end_is_in_order,
    code_reads_like_the_text,
    text_is_brief,
    links_resolve,
)


def complaints(book: Notebook) -> list[str]:
    """All that is wrong with a notebook, in words for its author."""
    return [words for rule in RULES for words in rule(book)]
