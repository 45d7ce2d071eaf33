"""Numbers are shown as they would be typed, whatever the locale."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QLabel, QLineEdit, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.parts import Value
from lrmonitor.link.messages import parse_rate
from tests.app.conftest import OpenWindow
from tests.app.everything import full_window, rich_run
from tests.conftest import Isolated

pytestmark = pytest.mark.usefixtures("any_locale")


def told(window: QWidget) -> Iterator[str]:
    """Every text of a window and every cell of its tables."""
    for widget in window.findChildren(QWidget):
        if isinstance(widget, (QLabel, QLineEdit)):
            yield widget.text()
            yield widget.toolTip()
        elif isinstance(widget, QComboBox):
            yield from (widget.itemText(at) for at in range(widget.count()))
        elif isinstance(widget, QAbstractItemView) and widget.model() is not None:
            model = widget.model()
            for row in range(min(model.rowCount(), 50)):
                for column in range(model.columnCount()):
                    value = model.data(model.index(row, column))
                    # Qt would write a number in the locale's way.
                    assert value is None or isinstance(value, str), (widget, value)
                    yield value or ""


def test_the_locales_differ(any_locale: QLocale) -> None:
    written = {"en_US": "1,234.5", "de_DE": "1.234,5"}
    assert any_locale.toString(1234.5) == written.get(any_locale.name(), "١٬٢٣٤٫٥")


def test_numbers_read_back_as_they_are_shown(
    qtbot: QtBot, open_window: OpenWindow, isolated: Isolated
) -> None:
    window = full_window(qtbot, open_window, rich_run(isolated.runs))
    texts = list(told(window))
    assert sum(bool(re.search(r"\d", text)) for text in texts) > 200
    for text in texts:
        # No digits but those of code, no decimal comma, no thousands that are parted by a comma.
        assert not re.search(r"[^\x00-\x7f]", "".join(c for c in text if c.isdigit())), text
        assert not re.search(r"\d,\d", text), text
    view = window.view
    assert view is not None
    rates = [value.text() for value in view.control.readout.findChildren(Value)][:2]
    assert all(0 < parse_rate(rate) < 1 for rate in rates)
    data = view.data
    assert data is not None
    rows = data.rows
    for column in range(2, rows.columnCount()):
        words = rows.data(rows.index(10, column))
        assert not words or parse_rate(words) > 0
    assert not window.findChildren(QSpinBox)


@pytest.mark.parametrize(("typed", "value"), [("3e-4", 3e-4), ("0.0003", 3e-4), ("5E-3", 5e-3)])
def test_a_rate_is_typed_as_in_code(
    typed: str, value: float, open_window: OpenWindow, isolated: Isolated
) -> None:
    view = open_window(rich_run(isolated.runs).path).view
    assert view is not None
    sent: list[float | None] = []
    view.session.send_rate = lambda proposal, *_: sent.append(proposal.value)  # type: ignore[method-assign]
    field = view.control.entry.field
    QTest.keyClicks(field, typed)
    QTest.keyClick(field, Qt.Key.Key_Return)
    if not sent:  # more than ten times the present rate: Enter again
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert sent == [value]


@pytest.mark.parametrize("typed", ["3,5", "0,0003", "1.000,5", "٣e-٤"])
def test_what_another_locale_would_write_is_refused_not_guessed_at(
    typed: str, open_window: OpenWindow, isolated: Isolated
) -> None:
    view = open_window(rich_run(isolated.runs).path).view
    assert view is not None
    sent: list[object] = []
    view.session.send_rate = lambda *args: sent.append(args)  # type: ignore[method-assign]
    field = view.control.entry.field
    field.setText(typed)
    for _ in range(2):
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert not sent
    assert view.control.entry.banner.tone == "bad"
    assert view.control.entry.banner.text
