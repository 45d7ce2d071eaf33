"""The journal dock: rows live, found, copied, kept, and linked both ways with the plots."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from lrmonitor.app.panels.journal import JournalPanel
from lrmonitor.app.panels.journal_table import RESULT, STEP, TEXT
from lrmonitor.app.session import Session
from lrmonitor.app.theme import DARK, LIGHT, ThemeManager
from tests.app.conftest import OpenWindow
from tests.app.desktop import come_up
from tests.app.folders import RunFolder
from tests.conftest import Isolated


@pytest.fixture
def folder(isolated: Isolated, themes: ThemeManager) -> RunFolder:
    """A run with a change at step 101, a note at 150 and a refusal."""
    made = RunFolder(isolated.runs, created=time.time() - 30).launch().register().train(100)
    made.command("a", "hold", 3e-4)
    made.applied("a", "hold", 3e-4, ("hold", 3e-4), 1e-3, 3e-4)
    made.train(50)
    made.note("plateau")
    made.command("b", "scale", 2.0)
    made.refused("b", "there is no group 7")
    return made.train(10)


@pytest.fixture
def panel(folder: RunFolder, qtbot: QtBot) -> JournalPanel:
    session = Session(folder.path)
    made = JournalPanel(session, LIGHT)
    session.setParent(made)
    qtbot.addWidget(made, before_close_func=lambda _: session.close())
    made.resize(900, 260)
    come_up(made, qtbot)
    return made


def texts(panel: JournalPanel) -> list[str]:
    return [row.text for row in panel.table.rows]


def test_every_event_is_there_in_words(panel: JournalPanel) -> None:
    told = {row.text: row for row in panel.table.rows}
    assert told["Hold 3e-4"].result == "Applied: 0.001 → 3e-4"
    assert told["Hold 3e-4"].step == 101
    assert told["×2, schedule continues"].result == "Refused: there is no group 7"
    assert told["plateau"].who == "ann (cli)"
    assert panel.kinds["rate"].text() == "Rates  2"
    at = texts(panel).index("Hold 3e-4")
    shown = [panel.table.index(at, column).data() for column in range(6)]
    assert shown[1:] == ["101", "Rate", "ann (window)", "Hold 3e-4", "Applied: 0.001 → 3e-4"]


def test_rows_are_filtered_by_kind_and_words(panel: JournalPanel) -> None:
    panel.kinds["run"].click()
    panel.kinds["rate"].click()
    assert texts(panel) == ["plateau"]
    panel.search.setText("nothing like it")
    assert panel.table.rowCount() == 0
    assert panel.none.isVisible()
    assert "No event matches" in panel.none.text()
    panel.search.clear()
    assert not panel.none.isVisible()


def test_what_comes_keeps_selection_and_place(panel: JournalPanel, folder: RunFolder) -> None:
    for at in range(60):
        folder.note(f"note {at}")
    panel._session.poll()
    QApplication.processEvents()
    assert panel.view.at_end()
    panel.view.choose(5)
    QApplication.processEvents()
    place, chosen = panel.view.verticalScrollBar().value(), panel.selected()
    folder.note("late")
    folder.now -= 1000  # of another clock: it belongs to the beginning
    folder.note("early")
    folder.now += 1000
    panel._session.poll()
    QApplication.processEvents()
    assert "late" in texts(panel)
    assert texts(panel)[0] == "early"
    assert panel.selected() == chosen
    assert panel.view.verticalScrollBar().value() == place


def test_it_begins_with_the_newest_rows(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    """Its rows are there before it has a size; and it becomes lower by the field for a note."""
    for at in range(60):
        folder.note(f"note {at}")
    window = open_window()
    window.open_run(folder.path)
    qtbot.waitUntil(lambda: isinstance(window.docks._docks["journal"].widget, JournalPanel))
    journal = window.docks.widget("journal")
    assert isinstance(journal, JournalPanel)
    bar = journal.view.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 100 and bar.value() == bar.maximum())
    # An X server tells late what size the window has; until then the docks are at their lowest.
    qtbot.waitUntil(lambda: journal.height() > journal.minimumSizeHint().height())
    before = bar.maximum()
    QTest.mouseClick(journal.write_note, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bar.maximum() > before)
    assert bar.value() == bar.maximum()


def test_an_answer_changes_its_row_in_place(
    panel: JournalPanel, folder: RunFolder, qtbot: QtBot
) -> None:
    folder.command("c", "freeze", None)
    panel._session.poll()
    at = panel.table.rowCount() - 1
    assert panel.table.rows[at].result == "Pending"
    panel.view.choose(at)
    folder.applied("c", "freeze", None, ("hold", 0.0), 3e-4, 0.0)
    with qtbot.waitSignal(panel.table.dataChanged):
        panel._session.poll()
    assert panel.table.rows[at].result == "Applied: 3e-4 → 0"
    assert [row.text for row in panel.selected()] == ["Freeze: rate 0"]


def test_thousands_of_rows_are_fluid(panel: JournalPanel, folder: RunFolder) -> None:
    for at in range(3000):
        folder.note(f"note {at}")
    panel._session.poll()
    before = time.process_time()
    for at in range(20):
        folder.note(f"more {at}")
        panel._session.poll()
        QApplication.processEvents()
    # Far more than each takes; drawing all rows anew for each would take longer.
    assert time.process_time() - before < 20 * 0.1
    assert texts(panel)[-1] == "more 19"


def test_a_row_is_copied_as_text(panel: JournalPanel) -> None:
    panel.view.choose(texts(panel).index("Hold 3e-4"))
    QTest.keyClick(panel.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    fields = QApplication.clipboard().text().split("\t")
    assert fields[1:] == ["101", "Rate", "ann (window)", "Hold 3e-4", "Applied: 0.001 → 3e-4"]


def test_the_rows_shown_are_written_to_a_file(panel: JournalPanel, tmp_path: Path) -> None:
    panel.kinds["run"].click()
    panel.write(tmp_path / "journal.csv")
    with open(tmp_path / "journal.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["text"] for row in table] == texts(panel)
    assert "3 rows written" in panel.said.text()
    panel.write(tmp_path / "journal.jsonl")
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events == ["command", "rates", "acknowledgement", "command", "acknowledgement", "note"]
    panel.write(tmp_path / "nowhere" / "journal.csv")
    assert "cannot be written" in panel.said.text()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "journal.csv",
        "journal.jsonl",
    ]


def test_where_to_is_asked(panel: JournalPanel, tmp_path: Path) -> None:
    panel.export.click()
    dialog = panel.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "kept.csv"))
    assert (tmp_path / "kept.csv").exists()
    dialog.reject()


def test_a_note_is_added_from_here(panel: JournalPanel, folder: RunFolder) -> None:
    panel.write_note.click()
    assert panel.note.isVisible()
    QTest.keyClicks(panel.note, "weights look odd")
    QTest.keyClick(panel.note, Qt.Key.Key_Return)
    row = panel.table.rows[-1]
    assert (row.what, row.text, row.step) == ("Note", "weights look odd", 160)
    assert row.who.endswith("(window)")
    assert not panel.note.isVisible()
    panel.write_note.click()
    assert not panel.add.isEnabled()
    QTest.keyClick(panel.note, Qt.Key.Key_Escape)
    assert not panel.note.isVisible()


def test_a_note_that_cannot_be_written_is_not_lost(panel: JournalPanel, folder: RunFolder) -> None:
    (folder.path / "clients").rename(folder.path / "kept")
    (folder.path / "clients").write_text("a file where a folder should be")
    panel.write_note.click()
    panel.note.setText("important")
    panel.add.click()
    assert "could not be written" in panel.said.text()
    assert panel.note.text() == "important"


def test_where_it_is_narrow_a_menu_takes_the_place_of_the_buttons(panel: JournalPanel) -> None:
    assert panel.kinds["run"].isVisible()
    panel.resize(420, 260)
    assert not panel.kinds["run"].isVisible()
    assert panel.filter.isVisible()
    panel.filter.menu().actions()[-1].trigger()
    assert not any(row.kind == "run" for row in panel.table.rows)
    panel.set_theme(DARK)


def test_rows_and_markers_lead_to_each_other(
    open_window: OpenWindow, folder: RunFolder, qtbot: QtBot
) -> None:
    window = open_window(folder.path)
    window.docks.show("journal")
    journal = window.docks.widget("journal")
    assert isinstance(journal, JournalPanel)
    assert window.view is not None
    plots = window.view.plots
    assert plots is not None
    plots.fit()
    at = texts(journal).index("plateau")
    place = journal.view.visualRect(journal.table.index(at, STEP)).center()
    QTest.mouseClick(journal.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert "Step 150" in plots.readout.text()
    assert "plateau" in plots.readout.text()
    journal.view.choose(texts(journal).index("Hold 3e-4"))
    QTest.keyClick(journal.view, Qt.Key.Key_Return)
    assert "Step 101" in plots.readout.text()
    journal.search.setText("hides all of them")
    view = plots.loss.view
    middle = sum(view.ranges()[1]) / 2
    pos = view.to_canvas(QPointF(150, middle)).toPoint()
    QTest.mouseClick(plots.canvas, Qt.MouseButton.LeftButton, pos=pos)
    assert [row.text for row in journal.selected()] == ["plateau"]


def test_the_text_has_the_place_of_a_result_that_is_not_there(
    panel: JournalPanel, folder: RunFolder
) -> None:
    panel.refresh()

    def spans() -> list[bool]:
        return [panel.view.columnSpan(at, TEXT) == 2 for at in range(len(panel.table.rows))]

    assert spans() == [not row.result for row in panel.table.rows]
    assert len(set(spans())) == 2
    count = len(panel.table.rows)
    folder.command("late", "hold", 1e-4)
    folder.note("and a note")
    panel._session.poll()
    panel.refresh()
    assert len(panel.table.rows) == count + 2
    assert spans()[count:] == [False, True]
    panel.search.setText("note")
    assert spans() == [not row.result for row in panel.table.rows]


def test_a_result_has_the_room_it_needs_and_the_text_the_rest(
    panel: JournalPanel, folder: RunFolder
) -> None:
    panel.refresh()
    view = panel.view
    widest = max(view.fontMetrics().horizontalAdvance(row.result) for row in panel.table.rows)
    assert widest < view.columnWidth(RESULT) < view.columnWidth(TEXT)
    folder.command("late", "hold", 1e-4)
    folder.refused("late", "a reason that is a good deal longer than all there is room for, twice")
    panel._session.poll()
    panel.refresh()
    # What is too long for both is shared.
    assert abs(view.columnWidth(RESULT) - view.columnWidth(TEXT)) <= 2
