"""Text of which mostly the digits change: painted anew, and laid out only where it needs room."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.live import LiveText

WORDS = ("12,345", "used by the optimizer in step 98,765", "3.14e−05", "1 min 20 s", "–")


class Layouts(QObject):
    """Counts how often a widget is laid out anew."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() is QEvent.Type.LayoutRequest
        return False


def painted(label: QLabel, width: int, wrap: bool) -> QImage:
    """The label as it looks in a row."""
    label.setWordWrap(wrap)
    label.resize(width, 60)
    image = QImage(width, 60, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFF)
    label.render(image)
    return image


@pytest.mark.parametrize("text", WORDS)
@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("style", ["", "QLabel { color: #a04000; padding: 3px; }"])
def test_it_looks_like_a_label_of_that_text(
    qtbot: QtBot, text: str, wrap: bool, style: str
) -> None:
    live, label = LiveText("7"), QLabel(text)
    for one in (live, label):
        qtbot.addWidget(one)
        one.setStyleSheet(style)
    live.setText(text)
    label.setBackgroundRole(live.backgroundRole())
    label.setAutoFillBackground(True)
    assert live.text() == text
    assert painted(live, 120, wrap) == painted(label, 120, wrap)
    assert live.sizeHint() == label.sizeHint()
    assert live.heightForWidth(90) == label.heightForWidth(90)
    assert live.accessibleName() == text


def test_it_is_laid_out_only_where_it_needs_another_room(qtbot: QtBot) -> None:
    row = QWidget()
    qtbot.addWidget(row)
    text = LiveText("Step 98", row)
    QHBoxLayout(row).addWidget(text)
    row.show()
    qtbot.waitExposed(row)
    QApplication.processEvents()
    layouts, before = Layouts(row), text.grab().toImage()
    text.setText("Step 99")
    QApplication.processEvents()
    assert layouts.count == 0
    assert text.grab().toImage() != before
    text.setText("Step 100")
    QApplication.processEvents()
    assert layouts.count == 1
    assert text.width() >= text.fontMetrics().horizontalAdvance("Step 100")
