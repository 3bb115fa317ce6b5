"""The solution that a notebook folds away passes its check; the stub above it is not tried yet."""

import ast
import runpy
import sys

import pytest

from fusionlab.teach import EXERCISES, QUIZZES, check, exercises
from fusionlab.teach import course as taught

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


def test_every_file_of_exercises_belongs_to_a_notebook():
    numbers = {Notebook(path).number for path in course()}
    assert numbers == {key.partition(".")[0] for key in EXERCISES} == {*QUIZZES}


def test_a_file_that_is_put_into_the_folder_is_found(tmp_path, monkeypatch):
    words = "from fusionlab.teach import Exercise\n"
    words += "EXERCISES, QUIZ = (Exercise('77.1', properties=()),), ()\n"
    (tmp_path / "notebook_77.py").write_text(words)
    monkeypatch.setattr(exercises, "__path__", [*exercises.__path__, str(tmp_path)])
    found = runpy.run_path(taught.__file__)
    sys.modules.pop("fusionlab.teach.exercises.notebook_77")
    assert found["EXERCISES"].keys() == {*EXERCISES, "77.1"}
    assert found["QUIZZES"].keys() == {*QUIZZES, "77"}


def test_a_solution_that_is_wrong_would_be_seen(tmp_path):
    swapped = TEXT["solution"].replace("(1 - t) * a + t * b", "t * a + (1 - t) * b")
    notebook = Notebook(place(miniature(solution=swapped), tmp_path))
    (exercise,) = notebook.exercises()
    verdict = check(exercise.key, attempt(notebook, exercise, exercise.solution.fence()))
    assert verdict.passed is False
    assert "swap" in verdict.message
    assert check(exercise.key, attempt(notebook, exercise, exercise.stub.source)).passed is None
