"""The solution that a notebook folds away passes its check; the stub above it is not tried yet."""

import ast

import pytest

from fusionlab.teach import EXERCISES, QUIZZES, check

from .miniature import TEXT, miniature, place
from .notebook import Notebook, course

FOUND = [
    pytest.param(Notebook(path), exercise, id=f"{path.stem}-{exercise.key}")
    for path in course()
    for exercise in Notebook(path).exercises()
]


def attempt(notebook, exercise, source):
    """What `source` defines under the exercise's name, among the notebook's imports."""
    imports = [
        node
        for cell in notebook.code
        for node in cell.tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    names = {}
    exec(compile(ast.Module(imports, type_ignores=[]), "<imports>", "exec"), names)
    exec(compile(source, f"<exercise {exercise.key}>", "exec"), names)
    return names[exercise.name]


@pytest.mark.parametrize(("notebook", "exercise"), FOUND)
def test_the_folded_solution_passes(notebook, exercise):
    solution = attempt(notebook, exercise, exercise.solution.fence())
    verdict = check(exercise.key, solution)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("notebook", "exercise"), FOUND)
def test_the_stub_is_not_tried_yet(notebook, exercise):
    assert check(exercise.key, attempt(notebook, exercise, exercise.stub.source)).passed is None


@pytest.mark.parametrize(("notebook", "exercise"), FOUND)
def test_the_exercise_lists_wrong_answers(notebook, exercise):
    assert len(EXERCISES[exercise.key].wrong) >= 3


@pytest.mark.parametrize("path", course(), ids=lambda path: path.stem)
def test_the_notebook_asks_all_its_exercises_and_its_quiz(path):
    notebook = Notebook(path)
    asked = {exercise.key for exercise in notebook.exercises()}
    assert asked == {key for key in EXERCISES if key.partition(".")[0] == notebook.number}
    assert notebook.number in QUIZZES


def test_a_solution_that_is_wrong_would_be_seen(tmp_path):
    swapped = TEXT["solution"].replace("(1 - t) * a + t * b", "t * a + (1 - t) * b")
    notebook = Notebook(place(miniature(solution=swapped), tmp_path))
    (exercise,) = notebook.exercises()
    verdict = check(exercise.key, attempt(notebook, exercise, exercise.solution.fence()))
    assert verdict.passed is False
    assert "swap" in verdict.message
    assert check(exercise.key, attempt(notebook, exercise, exercise.stub.source)).passed is None
