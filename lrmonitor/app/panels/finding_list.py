"""The findings as a list of Qt's: what alarms first, then by where they were detected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    Qt,
)
from PySide6.QtGui import QFontMetrics, QGuiApplication

from lrmonitor.diagnosis.finding import RANK, Finding
from lrmonitor.diagnosis.words import Translate, headline, severity_word
from lrmonitor.model.findings import Told

from ..format import format_count
from ..icons import icon
from ..severity import severity_colour, severity_symbol
from ..theme import Theme

__all__ = ["FindingList", "state_words", "steps_words"]

Index = QModelIndex | QPersistentModelIndex


class FindingList(QAbstractListModel):
    """A row for each finding, on two lines. Rows keep their place while only states change."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: list[Told] = []

    def show(self, told: Sequence[Told]) -> None:
        """Show these."""
        rows = sorted(told, key=_order)
        same = [r.finding.id for r in rows] == [r.finding.id for r in self._rows]
        if same:
            before, self._rows = self._rows, rows
            for at, (old, new) in enumerate(zip(before, rows, strict=True)):
                if old != new:
                    self.dataChanged.emit(self.index(at), self.index(at))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.dataChanged.emit(self.index(0), self.index(max(len(self._rows) - 1, 0)))

    def row_of(self, identity: int | None) -> QModelIndex:
        """Where the finding with that id is; invalid if it is not there."""
        for at, row in enumerate(self._rows):
            if row.finding.id == identity:
                return self.index(at)
        return QModelIndex()

    def told(self, index: Index) -> Told | None:
        """The row's finding."""
        return self._rows[index.row()] if index.isValid() else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        told = self.told(index)
        if told is None:
            return None
        found = told.finding
        if role == Qt.ItemDataRole.DisplayRole:
            below = f"{steps_words(found, self.tr)} · {state_words(told, self.tr)}"
            return f"{headline(found, self.tr)}\n{below}"
        if role == Qt.ItemDataRole.DecorationRole:
            colour = severity_colour(found.severity, self._theme)
            quiet = self._theme.disabled
            shown = colour if _matters(told) else quiet
            return icon(severity_symbol(found.severity), shown, chosen=shown)
        if role == Qt.ItemDataRole.SizeHintRole:
            # As wide as the list, whatever its words: what has no room ends in an ellipsis.
            return QSize(80, 2 * QFontMetrics(QGuiApplication.font()).height() + 8)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            tr = self.tr
            words = (severity_word(found.severity, tr), headline(found, tr))
            return ", ".join((*words, steps_words(found, tr), state_words(told, tr)))
        return None


def steps_words(finding: Finding, tr: Translate = str) -> str:
    """Where it was: "step 512 to 600"."""
    first, last = finding.first_step, max(finding.last_step, finding.detected_step)
    if first == last:
        return tr("step {0}").format(format_count(first))
    return tr("step {0} to {1}").format(format_count(first), format_count(last))


def state_words(told: Told, tr: Translate = str) -> str:
    """How it stands, in a word or two."""
    if told.muted == "dismiss":
        return tr("not a problem")
    if told.muted == "snooze":
        return tr("snoozed until step {0}").format(format_count(told.until or 0))
    return tr("open") if told.finding.open else tr("over")


def _matters(told: Told) -> bool:
    return told.finding.open and not told.muted


def _order(told: Told) -> tuple[int, int, int]:
    found = told.finding
    return (-RANK.get(found.severity, 0) if told.alarming else 1, -found.detected_step, -found.id)
