"""The console dock: what the script printed as a terminal would show it, and series made of it."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.ansi import NAMED, contrast, format_of, readable
from lrmonitor.app.dialogs.series import SeriesDialog
from lrmonitor.app.panels import console_view
from lrmonitor.app.panels.console import ConsolePanel
from lrmonitor.app.panels.console_view import ConsoleView
from lrmonitor.app.session import Session
from lrmonitor.app.theme import DARK, LIGHT, Theme, ThemeManager
from lrmonitor.model.console import ConsoleText
from lrmonitor.model.patterns import Pattern
from lrmonitor.model.terminal import Style
from tests.app.conftest import OpenWindow
from tests.app.desktop import come_up
from tests.app.folders import RunFolder
from tests.conftest import Isolated

ERROR = """\
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    main()
ValueError: bad rate
"""


@pytest.fixture
def folder(isolated: Isolated, themes: ThemeManager) -> RunFolder:
    """A run that trains."""
    return RunFolder(isolated.runs, created=time.time() - 30).launch().register().train(100)


@pytest.fixture
def panel(folder: RunFolder, qtbot: QtBot) -> ConsolePanel:
    session = Session(folder.path)
    made = ConsolePanel(session, LIGHT)
    session.setParent(made)
    qtbot.addWidget(made, before_close_func=lambda _: session.close())
    made.resize(900, 260)
    come_up(made, qtbot)
    return made


def output(folder: RunFolder, text: str, at: float | None = None) -> None:
    """The script prints."""
    log = folder.path / "console.log"
    size = log.stat().st_size if log.exists() else 0
    with open(folder.path / "console.times", "a") as times:
        times.write(f"{size} {folder.now if at is None else at:.6f}\n")
    with open(log, "ab") as file:
        file.write(text.encode())


def shown(panel: ConsolePanel) -> list[str]:
    return panel.view.toPlainText().split("\n")


def held(panel: ConsolePanel) -> list[str]:
    return panel.texts()


def select(view: ConsoleView, line: int, words: str) -> None:
    block = view.document().findBlockByNumber(line)
    at = block.text().index(words)
    cursor = QTextCursor(block)
    cursor.setPosition(block.position() + at)
    cursor.setPosition(block.position() + at + len(words), QTextCursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)


def test_it_says_why_there_is_nothing(panel: ConsolePanel, folder: RunFolder) -> None:
    assert "printed nothing yet" in panel.none.text()
    output(folder, "hello\n")
    panel.advance()
    assert not panel.none.isVisible()
    assert shown(panel) == ["hello", ""]


def test_lines_are_rewritten_in_place(panel: ConsolePanel, folder: RunFolder) -> None:
    output(folder, "start\n")
    for at in range(5):
        output(folder, f"\router {at}\n inner {at}\x1b[A")
        panel.advance()
        assert shown(panel) == ["start", f"outer {at}", f" inner {at}"] == held(panel)
    output(folder, "\r\x1b[J\x1b[32mdone\x1b[0m\nmore\n")
    panel.advance()
    assert shown(panel) == ["start", "done", "more", ""] == held(panel)


def test_what_is_shown_is_what_a_terminal_would_show(
    panel: ConsolePanel, folder: RunFolder
) -> None:
    pieces = ["a 🚀 line\n", "\r\x1b[31mred\x1b[0m 🚀", "\n", "\x1b[2A\rup", "\n\n\n", "x\u2028y\n"]
    for piece in pieces * 3:
        output(folder, piece)
        panel.advance()
        assert shown(panel) == [text.replace("\u2028", "\ufffd") for text in held(panel)]


def test_colours_are_the_themes(panel: ConsolePanel, folder: RunFolder) -> None:
    output(folder, "🚀 \x1b[31mred\x1b[0m \x1b[38;2;255;255;200mpale\x1b[0m plain\n")
    panel.advance()

    def looks() -> dict[str, str]:
        panel.view.viewport().repaint()
        block = panel.view.document().firstBlock()
        raw = block.text().encode("utf-16-le")
        return {
            raw[2 * f.start : 2 * (f.start + f.length)].decode("utf-16-le"): (
                f.format.foreground().color().name()
            )
            for f in block.layout().formats()
        }

    light = looks()
    assert light["red"] == NAMED["light"][1]
    assert contrast(light["pale"], LIGHT.base) >= 4.5
    panel.set_theme(DARK)
    dark = looks()
    assert dark["red"] == NAMED["dark"][1]
    assert dark["pale"] == "#ffffc8"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_can_be_read(theme: Theme) -> None:
    for ground in (None, *range(16), "#000000", "#ffffff", "#808080"):
        for front in (None, *range(16), "#101010", "#f0f0f0", "#808080"):
            for inverse in (False, True):
                made = format_of(Style(front, ground, inverse=inverse), theme)
                back = made.background().color().name()
                if made.background().style() == Qt.BrushStyle.NoBrush:
                    back = theme.base
                assert contrast(made.foreground().color().name(), back) >= 4.4, (front, ground)
    assert readable("#123456", "#ffffff") == "#123456"


def test_the_end_is_followed_until_one_scrolls_up(panel: ConsolePanel, folder: RunFolder) -> None:
    output(folder, "".join(f"line {at}\n" for at in range(300)))
    panel.advance()
    bar = panel.view.verticalScrollBar()
    assert panel.follow.isChecked()
    assert bar.value() == bar.maximum() > 100
    bar.setValue(50)
    assert not panel.follow.isChecked()
    output(folder, "more\n" * 50)
    panel.advance()
    assert bar.value() == 50
    panel.follow.click()
    assert bar.value() == bar.maximum()
    bar.setValue(50)
    bar.setValue(bar.maximum())  # all the way down: the end again
    assert panel.follow.isChecked()
    panel.resize(900, 200)
    QApplication.processEvents()
    assert bar.value() == bar.maximum()


def test_old_lines_are_dropped_and_the_view_stays(folder: RunFolder, panel: ConsolePanel) -> None:
    panel.text = ConsoleText(folder.path, keep=1000)
    output(folder, "".join(f"line {at}\n" for at in range(1050)))
    panel.advance()
    panel.view.verticalScrollBar().setValue(700)
    top = panel.view.firstVisibleBlock().text()
    assert not panel.older.isVisible()
    output(folder, "".join(f"line {at}\n" for at in range(1050, 1200)))
    panel.advance()
    assert panel.view.firstVisibleBlock().text() == top == "line 700"
    assert panel.view.document().blockCount() == 1000
    assert shown(panel) == held(panel)
    assert panel.older.isVisible()
    assert "console.log" in panel.open_log.text()


def test_much_output_at_once_is_caught_up_with(folder: RunFolder, panel: ConsolePanel) -> None:
    output(folder, "".join(f"\x1b[32mline\x1b[0m {at}\n" for at in range(60_000)))
    panel.advance()
    while panel.text.behind:
        panel.advance()
    panel.advance()
    assert shown(panel) == held(panel)
    assert shown(panel)[-2] == "line 59999"
    assert panel.view.document().blockCount() <= 22_000


def test_words_are_found(panel: ConsolePanel, folder: RunFolder) -> None:
    output(folder, "Loss 1\n🚀 loss 2\nnone\nLOSS 3\n")
    panel.advance()
    panel.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert panel.search.hasFocus()
    QTest.keyClicks(panel.search, "loss")
    assert panel.count.text() == "1 of 3"
    seen = []
    for _ in range(3):
        QTest.keyClick(panel.search, Qt.Key.Key_Return)
        seen.append((panel.count.text(), panel.view.textCursor().selectedText()))
    assert seen == [("2 of 3", "loss"), ("3 of 3", "LOSS"), ("1 of 3", "Loss")]
    QTest.keyClick(panel.search, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert panel.count.text() == "3 of 3"
    assert not panel.follow.isChecked()
    output(folder, "loss 4\n")
    for _ in range(10):
        panel.advance()
    assert panel.count.text() == "3 of 4"
    panel.search.setText("zebra")
    assert panel.count.text() == "no match"
    assert not panel.view.textCursor().hasSelection(), "what was found before is not it"
    assert not panel.next.isEnabled()
    QTest.keyClick(panel.search, Qt.Key.Key_Escape)
    assert panel.count.text() == ""
    assert panel.view.hasFocus()


def test_text_is_copied(panel: ConsolePanel, folder: RunFolder) -> None:
    output(folder, "one\ntwo\n")
    panel.advance()
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(panel.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "one\ntwo\n"


def test_a_selection_survives_what_comes(panel: ConsolePanel, folder: RunFolder) -> None:
    output(folder, "one\ntwo\nbar 1")
    panel.advance()
    select(panel.view, 0, "one")
    output(folder, "\rbar 2\nnext\n")
    panel.advance()
    assert panel.view.textCursor().selectedText() == "one"


def test_lines_seen_long_ago_take_no_layout(
    panel: ConsolePanel, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_view, "LAID_OUT", 60)
    view = panel.view
    wide = "wide " * 100
    output(folder, f"one {wide}\ntwo\n")
    panel.advance()
    select(view, 0, "one")

    def coloured() -> list[int]:
        view.viewport().repaint()
        lines = range(view.document().blockCount())
        blocks = [view.document().findBlockByNumber(line) for line in lines]
        return [block.blockNumber() for block in blocks if block.layout().formats()]

    for at in range(20):
        output(folder, "".join(f"\x1b[31m{at}.{i}\x1b[0m {wide}\n" for i in range(10)))
        panel.advance()
        view.viewport().repaint()
    last = view.document().blockCount() - 2
    found = coloured()
    assert found[-1] == last
    assert len(found) < 60 + 40
    assert view.textCursor().selectedText() == "one"
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()

    # Where one looks meanwhile stays, to the side as well, and has its colours.
    view.verticalScrollBar().setValue(80)
    view.horizontalScrollBar().setValue(50)
    for top in range(80, 180, 5):
        view.verticalScrollBar().setValue(top)
        view.viewport().repaint()
    place = view.verticalScrollBar().value(), view.horizontalScrollBar().value()
    output(folder, "more\n")
    panel.advance()
    assert (view.verticalScrollBar().value(), view.horizontalScrollBar().value()) == place
    top = view.firstVisibleBlock().blockNumber()
    found = coloured()
    assert found[0] == top > 100
    assert len(found) < 30


def test_a_crash_leads_to_its_traceback(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    output(folder, "fine\n" * 40 + " 45%|██  | 4/9" + ERROR + "wandb: bye\n")
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    folder.exited(1)
    qtbot.waitUntil(lambda: "ValueError: bad rate" in view.notices.text)
    view.notices.show_error.click()
    console = window.docks.widget("console")
    assert isinstance(console, ConsolePanel)
    assert console.isVisible()
    block = console.view.textCursor().block()
    assert "Traceback" in block.text() or block.text() == "ValueError: bad rate"
    rect = console.view.cursorRect()
    assert console.view.viewport().rect().contains(rect.center())
    assert console.traceback.isVisible()


def test_a_series_needs_a_number(panel: ConsolePanel, folder: RunFolder, qtbot: QtBot) -> None:
    output(folder, "no number here\nacc 0.5\n")
    panel.advance()
    select(panel.view, 0, "number")
    with qtbot.assertNotEmitted(panel.series_wanted):
        panel.series.click()
    assert "Select a printed number" in panel.said.text()
    select(panel.view, 1, "0.5")
    assert not panel.said.isVisible()
    with qtbot.waitSignal(panel.series_wanted) as caught:
        panel.series.click()
    assert caught.args == [Pattern("acc", "acc {value}")]


def test_a_printed_number_becomes_a_curve(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    begun = folder.now - 100 * 0.04
    for epoch in range(1, 6):
        moment = begun + epoch * 20 * 0.04 + 0.001
        output(folder, f"epoch {epoch}  accuracy {50 + epoch / 8:.2f}%\n", moment)
    window = open_window(folder.path)
    view = window.view
    assert view is not None
    assert view.plots is not None
    plots = view.plots
    window.docks.show("console")
    console = window.docks.widget("console")
    assert isinstance(console, ConsolePanel)
    qtbot.waitUntil(lambda: not console.text.empty)
    select(console.view, 2, "50.38")
    console.series.click()
    dialog = window.findChild(SeriesDialog)
    assert dialog is not None
    assert dialog.name.text() == "accuracy"
    assert dialog.heading.text() == "5 values in the lines held"
    assert "50.62" in dialog.preview.text()
    assert "run" in dialog.where_told.text()
    dialog.template.setText("no {value}")
    assert "No line so far" in dialog.problem.text
    dialog.template.setText("no value")
    assert "no {value}" in dialog.problem.text
    assert not dialog.make.isEnabled()
    dialog.template.setText("accuracy {value}%")
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(plots.metrics.charts) == 1)
    (chart,) = plots.metrics.charts.values()
    qtbot.waitUntil(lambda: len(chart.curve.series) == 5)
    assert chart.curve.series.value.tolist() == [50.12, 50.25, 50.38, 50.5, 50.62]
    assert chart.curve.series.step.tolist() == [20, 40, 60, 80, 100]
    # It is kept with the run: another window shows it at once, and removes it for both.
    other = open_window(folder.path)
    assert other.view is not None
    assert other.view.plots is not None
    more = other.view.plots
    qtbot.waitUntil(lambda: len(more.metrics.charts) == 1)
    more.tools.series.menu().actions()[-1].trigger()
    qtbot.waitUntil(lambda: not more.metrics.charts and not plots.metrics.charts)


def test_without_times_the_dialog_says_so(qtbot: QtBot, themes: ThemeManager) -> None:
    kept: list[Pattern] = []

    def keep(pattern: Pattern) -> str | None:
        kept.append(pattern)
        return "The disk is full." if len(kept) == 1 else None

    pattern = Pattern("acc", "step {x} acc {value}")
    dialog = SeriesDialog(pattern, lambda: ["step 5 acc 0.5"], False, {"acc"}, keep, LIGHT)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    assert dialog.where.currentData() == "printed"
    assert "not recorded" in dialog.where_told.text()
    assert "takes the place" in dialog.problem.text
    dialog.name.clear()
    assert not dialog.make.isEnabled()
    dialog.name.setText("acc 2")
    dialog.make.click()
    assert dialog.problem.text == "The disk is full."
    dialog.make.click()
    assert kept == [Pattern("acc 2", "step {x} acc {value}", "printed")] * 2
