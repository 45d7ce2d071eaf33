"""A reader of the screen can name everything that can be operated, and tells values with names."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.parts import Value
from tests.app.conftest import OpenWindow
from tests.app.everything import dialogs, full_window, place, rich_run

OPERATED = (QAbstractButton, QLineEdit, QComboBox, QAbstractScrollArea, QAbstractSpinBox)


def name_of(widget: QWidget) -> str:
    """What a reader of the screen calls it."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return "" if interface is None else interface.text(QAccessible.Text.Name)


def description_of(widget: QWidget) -> str:
    """What it says besides."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return "" if interface is None else interface.text(QAccessible.Text.Description)


def inside_qt(widget: QWidget) -> bool:
    """Whether it is a part of one of Qt's own widgets, which tells of it itself."""
    parent = widget.parentWidget()
    if widget.objectName().startswith("qt_") or isinstance(widget, (QScrollBar, QHeaderView)):
        return True
    if isinstance(parent, QLineEdit):  # its button that empties it has no focus: Esc or Del do
        return widget.focusPolicy() == Qt.FocusPolicy.NoFocus
    if isinstance(parent, QAbstractScrollArea) and widget is parent.viewport():
        return True
    popup = parent if type(parent) is QFrame else None
    if popup is not None and isinstance(popup.parentWidget(), QComboBox):
        return True
    # What stays of the bar of tabs once its docks are gone.
    return isinstance(widget, QTabBar) and widget.count() == 0


def is_operated(widget: QWidget) -> bool:
    """Whether a person does something with it."""
    if isinstance(widget, QMenu) or inside_qt(widget):
        return False
    focus = bool(widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value)
    if isinstance(widget, QAbstractScrollArea):
        return focus
    return focus or isinstance(widget, (*OPERATED, QAbstractSlider))


def nameless(root: QWidget) -> list[str]:
    """What a person operates but could not be told of."""
    found = []
    for widget in (root, *root.findChildren(QWidget)):
        if not is_operated(widget):
            continue
        if not name_of(widget).strip():
            found.append(place(widget))
        elif isinstance(widget, QComboBox) and not description_of(widget).strip():
            # There Qt gives what is chosen as the name, on Linux.
            found.append(f"what for: {place(widget)}")
    return found


@pytest.fixture
def home(isolated: object, tmp_path: Path) -> Path:
    return tmp_path / "told"


def test_all_that_is_operated_has_a_name(qtbot: QtBot, open_window: OpenWindow, home: Path) -> None:
    window = full_window(qtbot, open_window, rich_run(home))
    assert nameless(window) == []
    with dialogs(window) as shown:
        for name, dialog in shown.items():
            assert (name, nameless(dialog)) == (name, [])
            assert dialog.windowTitle() or name == "about"
    window.show_start()
    assert nameless(window) == []


def test_the_search_for_nameless_ones_finds_them(qtbot: QtBot) -> None:
    box = QWidget()
    qtbot.addWidget(box)
    QLineEdit(box)
    QComboBox(box).addItem("chosen")
    assert len(nameless(box)) == 2


def test_a_value_is_told_with_its_name(qtbot: QtBot, open_window: OpenWindow, home: Path) -> None:
    window = full_window(qtbot, open_window, rich_run(home))
    told = {name_of(value) for value in window.findChildren(Value)}
    assert "Step: 300" in told
    assert "State of the run: Training" in told
    assert any(name.startswith("Effective rate: 9.") for name in told)
    for label in window.findChildren(QLabel):
        # A name of a label hides its text from readers of the screen.
        assert label.text() in name_of(label) or not label.text() or "<" in label.text(), place(
            label
        )
