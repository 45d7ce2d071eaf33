"""The runs as a list of Qt's: its model, its order and search, and how a row is drawn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from lrmonitor.diagnosis.words import KINDS, severity_word
from lrmonitor.model.roster import RunLine
from lrmonitor.model.state import duration

from ..format import format_count, format_loss
from ..icons import pixmap
from ..phases import phase_colour, phase_symbol, phase_word
from ..severity import severity_colour, severity_symbol
from ..theme import Theme

__all__ = ["FOLDER", "LINE", "RunDelegate", "RunListModel", "sorted_and_searched"]

LINE = Qt.ItemDataRole.UserRole
FOLDER = Qt.ItemDataRole.UserRole + 1
ORDER = Qt.ItemDataRole.UserRole + 2
SEARCHED = Qt.ItemDataRole.UserRole + 3

LIVE_FIRST = 1e12
"""Added to the time of a live run: later than any that is over."""

Index = QModelIndex | QPersistentModelIndex


class RunListModel(QAbstractListModel):
    """A row for each `RunLine`, in no order: see `sorted_and_searched`."""

    def __init__(
        self, parent: QObject | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(parent)
        self._lines: list[RunLine] = []
        self._row: dict[Path, int] = {}
        self._clock = clock
        self.ticked: list[Path] = []
        """The runs to compare, in the order in which they were ticked."""

    def take(self, lines: Mapping[Path, RunLine], changed: Iterable[Path]) -> None:
        """Show what changed of `lines`; rows that did not change are left alone."""
        for folder in changed:
            row, line = self._row.get(folder), lines.get(folder)
            if line is None:
                if row is not None:
                    self._remove(row)
            elif row is None:
                end = len(self._lines)
                self.beginInsertRows(QModelIndex(), end, end)
                self._lines.append(line)
                self._row[folder] = end
                self.endInsertRows()
            else:
                self._lines[row] = line
                self.dataChanged.emit(self.index(row), self.index(row))

    def tick(self, folder: Path, on: bool | None = None) -> None:
        """Choose a run to compare, or no longer; by default the other way round."""
        chosen = folder in self.ticked
        if on is None or on != chosen:
            self.ticked = [f for f in self.ticked if f != folder] + [folder] * (not chosen)
            # All of them: the boxes are drawn while any is ticked.
            self.dataChanged.emit(self.index(0), self.index(max(len(self._lines) - 1, 0)))

    def index_of(self, folder: Path) -> QModelIndex:
        """The row of a run; invalid where there is none."""
        row = self._row.get(folder)
        return QModelIndex() if row is None else self.index(row)

    def age(self, line: RunLine) -> str:
        """How long ago it began, coarsely: it need not be drawn anew each second."""
        seconds = self._clock() - line.created
        return self.tr("now") if seconds < 60 else duration(max(seconds, 120.0))

    def brief(self, line: RunLine, fits: Callable[[str], bool]) -> str:
        """`details`, with fewer words where all of them do not fit."""
        whole = self.details(line)
        if fits(whole) or line.state is None:
            return whole
        word, *figures = whole.split(" · ")
        # "step 12 345" and "loss 0.2173" can be told apart without their names.
        short = [figure.rpartition(" ")[2] for figure in figures]
        tries = [figures[:-1] + short[-1:], short, short[:1]]
        told = [" · ".join([word, *few]) for few in tries if few]
        return next((text for text in told if fits(text)), whole)

    def details(self, line: RunLine) -> str:
        """State, step and loss, for a person."""
        if line.problem is not None:
            return self.tr("Cannot be read")
        if line.state is None:
            return ""
        words = [phase_word(line.state)]
        if line.state.step:
            words.append(self.tr("step {0}").format(format_count(line.state.step)))
        if line.loss is not None:
            loss = "NaN" if math.isnan(line.loss) else format_loss(line.loss)
            words.append(self.tr("loss {0}").format(loss))
        return " · ".join(words)

    def _alarm(self, line: RunLine) -> str:
        """What is wrong with it, in words."""
        if line.alarm is None:
            return ""
        severity, kind = line.alarm
        return f"{severity_word(severity, self.tr)}: {self.tr(KINDS.get(kind, kind))}"

    def _remove(self, row: int) -> None:
        self.beginRemoveRows(QModelIndex(), row, row)
        self.ticked = [f for f in self.ticked if f != self._lines[row].folder]
        del self._lines[row]
        self._row = {line.folder: index for index, line in enumerate(self._lines)}
        self.endRemoveRows()

    def _tip(self, line: RunLine) -> str:
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(line.created))
        said = line.problem or (line.state.sentence if line.state is not None else "")
        tags = " ".join(f"#{tag}" for tag in line.tags)
        words = [
            line.name,
            tags,
            self.details(line),
            said,
            self._alarm(line),
            self.tr("Started {0}").format(began),
            str(line.folder),
        ]
        return "\n".join(word for word in words if word)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        return 0 if parent.isValid() else len(self._lines)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        line = self._lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return line.name
        if role == LINE:
            return line
        if role == FOLDER:
            return line.folder
        if role == Qt.ItemDataRole.CheckStateRole:
            on = line.folder in self.ticked
            return Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
        if role == ORDER:
            return line.created + (LIVE_FIRST if line.live else 0.0)
        if role == SEARCHED:
            tags = "".join(f" #{tag}" for tag in line.tags)
            told = f"{self.details(line)} {self._alarm(line)}"
            return f"{line.name} {line.id} {line.script} {told}{tags}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(line)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            spoken = f"{line.name}, {self.details(line)}, {self.tr('started')} {self.age(line)}"
            return ", ".join(word for word in (spoken, self._alarm(line), *line.tags) if word)
        return None


def sorted_and_searched(source: RunListModel, parent: QObject) -> QSortFilterProxyModel:
    """The rows of `source`, live ones first, each kind newest first; `setFilterFixedString`
    searches in name, id, script and state."""
    proxy = QSortFilterProxyModel(parent)
    proxy.setSourceModel(source)
    proxy.setSortRole(ORDER)
    proxy.setFilterRole(SEARCHED)
    proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    proxy.setDynamicSortFilter(True)
    proxy.sort(0, Qt.SortOrder.DescendingOrder)
    return proxy


class RunDelegate(QStyledItemDelegate):
    """Draws a run on two lines: name and age; symbol, state, step and loss.

    `open` is the folder of the run that the window shows, if any: a bar marks it.
    """

    MARGIN = 10
    SYMBOL = 13
    BOX = 16

    def __init__(self, source: RunListModel, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self.theme = theme
        self.open: Path | None = None

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        line = index.data(LINE)
        theme = self.theme
        # PySide's stubs do not know the fields of this class.
        given: Any = option
        box: QRect = given.rect
        painter.save()
        shade = self._shade(given.state)
        if shade is not None:
            painter.fillRect(box, QColor(shade))
        if line.folder == self.open:
            painter.fillRect(QRect(box.left(), box.top(), 3, box.height()), QColor(theme.accent))
        inner = box.adjusted(self.MARGIN, 6, -self.MARGIN, -6)
        if self._ticking(given.state) and line.problem is None:
            self._box(painter, self.box_in(box), line.folder in self._source.ticked)
            inner.setLeft(inner.left() + self.BOX + 8)
        upper = QRect(inner.left(), inner.top(), inner.width(), inner.height() // 2)
        lower = QRect(inner.left(), upper.bottom() + 1, inner.width(), inner.height() // 2)
        plain = QFont(given.font)
        strong = QFont(plain)
        strong.setWeight(QFont.Weight.DemiBold)
        painter.setFont(plain)
        painter.setPen(QColor(theme.quiet))
        age = self._source.age(line)
        painter.drawText(upper, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, age)
        upper.setRight(upper.right() - painter.fontMetrics().horizontalAdvance(age) - 8)
        painter.setFont(strong)
        painter.setPen(QColor(theme.quiet if line.problem else theme.text))
        self._text(painter, upper, line.name)
        self._symbol(painter, lower, line)
        if line.alarm is not None:
            lower.setRight(lower.right() - self.SYMBOL - 4)
            name, colour = severity_symbol(line.alarm[0]), severity_colour(line.alarm[0], theme)
            top = lower.top() + (lower.height() - self.SYMBOL) // 2
            painter.drawPixmap(lower.right() + 4, top, pixmap(name, colour, self.SYMBOL))
        lower.setLeft(lower.left() + self.SYMBOL + 6)
        painter.setFont(plain)
        painter.setPen(QColor(theme.quiet))
        tags = "".join(f"  #{tag}" for tag in line.tags)
        metrics, room = painter.fontMetrics(), lower.width()
        right = Qt.TextElideMode.ElideRight
        # By what is drawn: an advance in whole pixels may fit where the text is then cut.
        told = self._source.brief(line, lambda text: metrics.elidedText(text, right, room) == text)
        self._text(painter, lower, told + tags)
        painter.restore()

    def box_in(self, row: QRect) -> QRect:
        """Where the box to tick is in a row."""
        top = row.top() + (row.height() - self.BOX) // 2
        return QRect(row.left() + self.MARGIN, top, self.BOX, self.BOX)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        given: Any = option
        return QSize(120, 2 * given.fontMetrics.height() + 16)

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        if isinstance(event, QMouseEvent) and event.button() is Qt.MouseButton.LeftButton:
            given: Any = option
            # A little around it too: it is small.
            where = self.box_in(given.rect).adjusted(-8, -10, 4, 10)
            line = index.data(LINE)
            if where.contains(event.position().toPoint()) and line.problem is None:
                if event.type() == QEvent.Type.MouseButtonRelease:
                    self._source.tick(line.folder)
                return True
        return False

    def _ticking(self, state: QStyle.StateFlag) -> bool:
        """Whether the row shows its box: pointed at, or while any run is ticked."""
        return bool(self._source.ticked) or bool(state & QStyle.StateFlag.State_MouseOver)

    def _box(self, painter: QPainter, where: QRect, on: bool) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(self.theme.accent if on else self.theme.quiet))
        painter.setBrush(QColor(self.theme.accent) if on else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(where).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        if on:
            painter.drawPixmap(where.topLeft(), pixmap("good", self.theme.accent_text, self.BOX))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _symbol(self, painter: QPainter, where: QRect, line: RunLine) -> None:
        if line.state is None and line.problem is None:
            return
        name, colour = "lost", self.theme.bad
        if line.state is not None:
            name = phase_symbol(line.state.phase)
            colour = phase_colour(line.state.phase, self.theme)
        top = where.top() + (where.height() - self.SYMBOL) // 2
        painter.drawPixmap(where.left(), top, pixmap(name, colour, self.SYMBOL))

    def _shade(self, state: QStyle.StateFlag) -> str | None:
        theme = self.theme
        if state & QStyle.StateFlag.State_Selected:
            return theme.dim(theme.accent, 0.22 if state & QStyle.StateFlag.State_Active else 0.14)
        if state & QStyle.StateFlag.State_MouseOver:
            return theme.dim(theme.accent, 0.08)
        return None

    def _text(self, painter: QPainter, where: QRect, text: str) -> None:
        fitting = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, where.width())
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(where, flags, fitting)
