"""What a person reads in the window goes through `tr`, so that it can be translated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import lrmonitor

APP = Path(lrmonitor.__file__).parent / "app"

WORDS = re.compile(r"[A-Za-z]{2,}[ ,.:…]+[A-Za-z]|^[A-Z][a-z]{2,}[….:]?$|^[a-z]+ [a-z]|[a-z]{2,}: ")
"""What looks like words for a person: two words, or one that begins with a capital letter."""

ELSEWHERE = {
    "display.py": "said in the terminal, before there is a window",
    "main.py": "said in the terminal",
    "screenshot.py": "said in the terminal",
    "theme.py": "a style sheet",
    "trim.py": "a style sheet",
    "guide/pictures.py": "a style sheet",
    "proposal.py": "pure: its words are those of the record and of the command line",
}
"""Modules whose words are no words of the window, and why."""

NO_WORDS = {
    "Space": "a key, in the form that Qt reads",
    "Home": "a key, in the form that Qt reads",
    "Esc": "a key, in the form that Qt reads",
    "Ins": "a key, in the form that Qt reads",
    "Del": "a key, in the form that Qt reads",
    "lrmonitor run train.py": "a command to be typed",
    "lrmonitor.diagnosis.serve": "a module to be run",
    "import lrmonitor; lrmonitor.start()": "code to be typed",
    "package.train": "a sample of what is to be typed",
    "torchrun --nproc-per-node 2 train.py": "a sample of what is to be typed",
    "digits.py": "a file's name",
    "lrmonitor.svg": "a file's name",
    "lrmonitor.png": "a file's name",
    "window.ini": "a file's name",
    "console.log": "a file's name",
    "-journal.csv": "a file's name",
    "Python ": "a name",
    "Shown": "the name of a type variable",
    "Command": "the end of a class's name",
    "Not recorded": "measured for its width, not shown",
}
"""Literals that are no words for a person, and why."""

KEYS = {"panels/journal_table.py": "`_OWN`: words of the model, looked up, not shown"}


def spoken(tree: ast.AST) -> Iterator[ast.Constant]:
    """The literals with words that are neither documentation, nor errors, nor passed to `tr`."""
    quiet: set[int] = set()
    for node in ast.walk(tree):
        if _is_quiet(node):
            quiet.update(id(inner) for inner in ast.walk(node))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in quiet
            and WORDS.search(re.sub(r"<[^>]*>?|&nbsp;", "", node.value).strip())
        ):
            yield node


def _is_quiet(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return _called(node) in ("tr", "translate", "QT_TRANSLATE_NOOP", "setStyleSheet")
    if isinstance(node, ast.Assign):
        return any(isinstance(one, ast.Name) and one.id == "__all__" for one in node.targets)
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(node, ast.Raise)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_all_words_of_the_window_go_through_tr() -> None:
    found = []
    for path in sorted(APP.rglob("*.py")):
        name = path.relative_to(APP).as_posix()
        if name in ELSEWHERE or name in KEYS:
            continue
        found += [
            f"{name}:{node.lineno}: {node.value!r}"
            for node in spoken(ast.parse(path.read_text("utf-8")))
            if node.value not in NO_WORDS
        ]
    assert found == []


def test_the_lists_of_exceptions_hold_nothing_in_vain() -> None:
    said = {
        str(node.value)
        for path in APP.rglob("*.py")
        for node in spoken(ast.parse(path.read_text("utf-8")))
    }
    assert set(NO_WORDS) <= said
    for name in (*ELSEWHERE, *KEYS):
        assert list(spoken(ast.parse((APP / name).read_text("utf-8")))), name


@pytest.mark.parametrize(
    "code",
    [
        'label.setText("Nothing yet")',
        'QPushButton("Copy", self)',
        'button.setText(f"Copy {name} now")',
        'self.tr("A").format("two words")',
        'x = {"good": "all is well"}',
    ],
)
def test_words_that_are_not_translated_are_found(code: str) -> None:
    assert list(spoken(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        'label.setText(self.tr("Nothing yet"))',
        'def f():\n    "Does it all."',
        'raise ValueError("it is wrong")',
        'settings.put("window/theme", "dark")',
        'self.setProperty("role", "quiet")',
    ],
)
def test_what_needs_no_translation_is_not(code: str) -> None:
    assert not list(spoken(ast.parse(code)))
