"""The journal's rows as Qt's table model: changed row by row, so that a selection stays."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QIcon

from lrmonitor.model.journal_rows import JournalRow, as_text

from ..format import format_count
from ..icons import pixmap
from ..theme import Theme

__all__ = ["STEP", "TEXT", "JournalTable"]

TIME, STEP, WHAT, WHO, TEXT, RESULT = range(6)

Index = QModelIndex | QPersistentModelIndex

_ICONS = {"rate": "rate", "training": "paused", "note": "note", "problem": "warn", "run": "dot"}
_ICONS["finding"] = "info"
_OWN = {
    "Paused": "paused",
    "Pause": "paused",
    "Resumed": "play",
    "Resume": "play",
    "Start": "play",
    "One step": "step",
    "Stop": "stop",
    "Stopping": "stop",
    "Signal": "stop",
    "End": "ended",
    "Series": "series",
    "Snapshot": "snapshot",
    "Snapshots": "snapshot",
    "Checkpoint": "snapshot",
    "Rewind": "rewind",
}


class JournalTable(QAbstractTableModel):
    """Shows `rows`; `show` takes others and tells views only of what differs."""

    def __init__(self, theme: Theme, begun: float | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[JournalRow] = []
        self._theme = theme
        self._day = None if begun is None else datetime.date.fromtimestamp(begun)
        self._icons: dict[tuple[str, str], QIcon] = {}

    def show(self, rows: Sequence[JournalRow]) -> None:
        """Show these rows. A row that tells of the same event as before is the same row; those
        that stay are in the same order as before, the order of the journal."""
        new = list(rows)
        if self._day is None and new:  # of a log, whose beginning is not told
            self._day = datetime.date.fromtimestamp(new[0].time)
        self._remove({id(row.entries[0]) for row in new})
        at = 0
        while at < len(new):
            if at < len(self.rows) and _same(self.rows[at], new[at]):
                at += 1
                continue
            begin = at
            while at < len(new) and not (
                begin < len(self.rows) and _same(self.rows[begin], new[at])
            ):
                at += 1
            self.beginInsertRows(QModelIndex(), begin, at - 1)
            self.rows[begin:begin] = new[begin:at]
            self.endInsertRows()
        for at, row in enumerate(new):
            if self.rows[at] is not row:
                told = self.rows[at] != row
                self.rows[at] = row
                if told:
                    self.dataChanged.emit(self.index(at, 0), self.index(at, RESULT))

    def _remove(self, kept: set[int]) -> None:
        """Remove the rows that are not among these, in runs, from the last on."""
        end = len(self.rows)
        while end:
            if id(self.rows[end - 1].entries[0]) in kept:
                end -= 1
                continue
            begin = end
            while begin and id(self.rows[begin - 1].entries[0]) not in kept:
                begin -= 1
            self.beginRemoveRows(QModelIndex(), begin, end - 1)
            del self.rows[begin:end]
            self.endRemoveRows()
            end = begin

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self._icons.clear()
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, RESULT))

    def row_at(self, index: Index) -> JournalRow | None:
        """The row of an index."""
        return self.rows[index.row()] if 0 <= index.row() < len(self.rows) else None

    def step(self, row: int) -> int | None:
        """The step of a row, where it has one."""
        return self.rows[row].step if 0 <= row < len(self.rows) else None

    def text(self, rows: list[int]) -> str:
        """Rows as lines of text."""
        return as_text([self.rows[at] for at in rows])

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else RESULT + 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.DecorationRole and column == WHAT:
            return self._icon(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column == STEP:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return (
                self.tr("Time"),
                self.tr("Step"),
                self.tr("What"),
                self.tr("Who"),
                self.tr("Text"),
                self.tr("Result"),
            )[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section == STEP else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _text(self, row: JournalRow, column: int) -> str:
        if column == TIME:
            when = datetime.datetime.fromtimestamp(row.time)
            clock = when.strftime("%H:%M:%S")
            return clock if when.date() == self._day else when.strftime("%Y-%m-%d ") + clock
        if column == STEP:
            return "" if row.step is None else format_count(row.step)
        words = {WHAT: row.what, WHO: row.who, TEXT: row.text, RESULT: row.result}[column]
        return " ".join(words.split())

    def _tip(self, row: JournalRow, column: int) -> str | None:
        if column == TIME:
            return datetime.datetime.fromtimestamp(row.time).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        if column == TEXT:
            # Where there is little room, who it was has no column.
            return "\n".join(word for word in (row.text, row.who) if word) or None
        return {WHAT: row.what, RESULT: row.result}.get(column) or None

    def _colour(self, row: JournalRow, column: int) -> QColor | None:
        if column in (TIME, WHO):
            return QColor(self._theme.quiet)
        if column == RESULT or (column == WHAT and row.tone == "bad"):
            tones = {"good": self._theme.good, "bad": self._theme.bad, "wait": self._theme.quiet}
            return QColor(tones[row.tone]) if row.tone in tones else None
        return None

    def _icon(self, row: JournalRow) -> QIcon:
        name = _OWN.get(row.what, _ICONS.get(row.kind, "dot"))
        if row.what == "End" and row.tone == "bad":
            name = "failed"
        colour = self._theme.quiet
        if row.tone == "bad":
            colour = self._theme.bad
        elif row.kind in ("rate", "note"):
            colour = self._theme.marker
        key = (name, colour)
        if key not in self._icons:
            made = QIcon(pixmap(name, colour, 16))
            made.addPixmap(pixmap(name, self._theme.accent_text, 16), QIcon.Mode.Selected)
            self._icons[key] = made
        return self._icons[key]


def _same(one: JournalRow, other: JournalRow) -> bool:
    return one.entries[0] is other.entries[0]
