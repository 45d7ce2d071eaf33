"""The console's lines in a text widget: rewritten in place, coloured, found, never growing on."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontDatabase,
    QPaintEvent,
    QResizeEvent,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextLayout,
)
from PySide6.QtWidgets import QPlainTextDocumentLayout, QPlainTextEdit, QTextEdit, QWidget

from lrmonitor.model.console import ConsoleChange
from lrmonitor.model.terminal import Line, Terminal

from ..ansi import format_of
from ..theme import Theme

__all__ = ["ConsoleView"]

MARKED = 400
"""Finds around the present one that are marked: thousands would make typing slow."""

LAID_OUT = 500
"""Lines whose layout is kept. Qt keeps that of each line that was ever in view, 1.4 kB a line, and
has no way to let go of one alone; of all takes 7 ms."""

# Qt takes these for ends of paragraphs, or for its own marks.
_SANE = str.maketrans(dict.fromkeys("\u2028\u2029\ufdd0\ufdd1\ufffc", "\ufffd"))


class ConsoleView(QPlainTextEdit):
    """Shows a terminal's lines. Positions in a line are Python's, in characters.

    `follow_changed(bool)`: the person scrolled up (the end is followed no more) or back down.
    `number_wanted()`: a series is to be made of the number at the caret or selection.
    """

    follow_changed = Signal(bool)
    number_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.follow = True
        self._busy = False
        self._theme = theme
        self._first = 0
        self._styled: dict[int, Line] = {}
        self._coloured: set[int] = set()
        self._seen: set[int] = set()
        self._finds: list[tuple[int, int]] = []
        self._marked: tuple[int, int] | None = None
        self._empty = True
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setAccessibleName(self.tr("What the script printed"))
        self.document().setDocumentMargin(6)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.verticalScrollBar().rangeChanged.connect(self._on_range)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self._coloured.clear()
        self._mark()
        self.viewport().update()

    def apply(self, change: ConsoleChange, terminal: Terminal) -> None:
        """Show what changed."""
        if len(self._seen) > LAID_OUT:
            self._forget_layouts()
        bar = self.verticalScrollBar()
        place = bar.value()
        with self._moving():
            gone = change.first >= self._first + self.document().blockCount()
            if change.restarted or gone or self._empty:
                self.clear()
                self._styled.clear()
                self._coloured.clear()
                self._first = change.first
                self._empty = False
                self._append(terminal, change.first, begin=True)
            else:
                place -= self._drop(change.first - self._first)
                self._rewrite(terminal, change.changed)
            if not self.follow:
                bar.setValue(place)
        if self.follow:
            self.to_end()

    def to_end(self) -> None:
        """Bring the newest line into view."""
        bar = self.verticalScrollBar()
        with self._moving():
            bar.setValue(bar.maximum())

    def set_follow(self, on: bool) -> None:
        """Keep the newest line in view, or leave the view where it is."""
        self.follow = on
        if on:
            self.to_end()

    def chosen(self) -> tuple[str, int, int]:
        """The line that the selection begins in, and where in it the selection begins and ends."""
        cursor = self.textCursor()
        block = self.document().findBlock(cursor.selectionStart())
        text = block.text()
        start = _characters(text, cursor.selectionStart() - block.position())
        end = _characters(text, cursor.selectionEnd() - block.position())
        return text, start, end

    # ------------------------------------------------------------------ finding

    def find_all(self, words: str) -> int:
        """Mark all places where these words stand, whatever their case; how many there are."""
        found = self.current_find()
        self._finds = []
        if words:
            pattern = re.compile(re.escape(words), re.IGNORECASE)
            block = self.document().begin()
            while block.isValid():
                text = block.text()
                for match in pattern.finditer(text):
                    start = block.position() + _units(text, match.start())
                    self._finds.append((start, start + _units(match.group(), len(match.group()))))
                block = block.next()
        if found and not self._finds:
            # What was found before is not what is sought now; a search goes on from there.
            cursor = self.textCursor()
            cursor.setPosition(cursor.selectionStart())
            self.setTextCursor(cursor)
        self._mark()
        return len(self._finds)

    def current_find(self) -> int:
        """Which of the finds is selected, counted from 1; 0 for none."""
        cursor = self.textCursor()
        place = (cursor.selectionStart(), cursor.selectionEnd())
        at = bisect_left(self._finds, place)
        return at + 1 if at < len(self._finds) and self._finds[at] == place else 0

    def find_next(self, backwards: bool = False, here: bool = False) -> None:
        """Select the next find from the caret (`here`: one at the caret counts), or the one
        before; after the last comes the first."""
        if not self._finds:
            return
        cursor = self.textCursor()
        starts = [start for start, _ in self._finds]
        if backwards:
            at = bisect_left(starts, cursor.selectionStart()) - 1
        elif here:
            at = bisect_left(starts, cursor.selectionStart())
        else:
            at = bisect_right(starts, cursor.selectionStart())
        start, end = self._finds[at % len(starts)]
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        self._look_away()
        self.setTextCursor(cursor)
        self._mark()

    def show_lines(self, start: int, end: int) -> None:
        """Bring lines (indices of those held) into view and mark them."""
        self._look_away()
        self._marked = (start + self._first, end + self._first)
        last = self.document().findBlockByNumber(end)
        first = self.document().findBlockByNumber(start)
        for block in (last, first):  # the end is seen as well, if there is room
            cursor = QTextCursor(block)
            self.setTextCursor(cursor)
            self.ensureCursorVisible()
        if end - start >= self._rows():
            # The error itself stands at the end.
            self.setTextCursor(QTextCursor(last))
        self._mark()

    def _look_away(self) -> None:
        if self.follow:
            self.follow = False
            self.follow_changed.emit(False)

    def _rows(self) -> int:
        return max(self.viewport().height() // max(self.fontMetrics().height(), 1) - 1, 1)

    def _mark(self) -> None:
        """Colour the finds near the caret and the lines that were jumped to."""
        marks = []
        if self._marked is not None:
            marks += self._mark_lines(*self._marked)
        look = QTextCharFormat()
        look.setBackground(QColor(self._theme.dim(self._theme.warn, 0.35)))
        at = bisect_left(self._finds, (self.textCursor().position(), 0))
        for start, end in self._finds[max(at - MARKED // 2, 0) : at + MARKED // 2]:
            marks.append(self._selection(start, end, look))
        self.setExtraSelections(marks)

    def _mark_lines(self, begin: int, end: int) -> list[QTextEdit.ExtraSelection]:
        look = QTextCharFormat()
        look.setBackground(QColor(self._theme.bad_fill))
        look.setProperty(QTextFormat.Property.FullWidthSelection, True)
        found = []
        for number in range(max(begin, self._first), end + 1):
            block = self.document().findBlockByNumber(number - self._first)
            if block.isValid():
                found.append(self._selection(block.position(), block.position(), look))
        return found

    def _selection(self, start: int, end: int, look: QTextCharFormat) -> QTextEdit.ExtraSelection:
        made = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        made.cursor = cursor
        made.format = look
        return made

    # ------------------------------------------------------------------ lines

    def _drop(self, count: int) -> int:
        """Drop the oldest lines; how many."""
        if count <= 0:
            return 0
        cursor = QTextCursor(self.document())
        rest = self.document().findBlockByNumber(count)
        cursor.setPosition(rest.position(), QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        self._first += count
        self._styled = {n: line for n, line in self._styled.items() if n >= self._first}
        self._coloured = {n for n in self._coloured if n >= self._first}
        return count

    def _rewrite(self, terminal: Terminal, changed: int) -> None:
        """Lines from number `changed` on are others, or new."""
        block = self.document().findBlockByNumber(changed - self._first)
        number = changed
        while block.isValid() and (line := terminal.line(number)) is not None:
            text = _sane(line)
            if block.text() != text:
                cursor = QTextCursor(block)
                cursor.movePosition(
                    QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor
                )
                cursor.insertText(text)
            self._restyle(number, line)
            number += 1
            block = block.next()
        if number < terminal.end:
            self._append(terminal, number)

    def _append(self, terminal: Terminal, number: int, begin: bool = False) -> None:
        lines = terminal.lines[number - terminal.first :]
        text = "\n".join(_sane(line) for line in lines)
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text if begin else "\n" + text)
        for at, line in enumerate(lines, start=number):
            if line.styles is not None:
                self._styled[at] = line

    def _restyle(self, number: int, line: Line) -> None:
        if line.styles is not None:
            self._styled[number] = line
            self._coloured.discard(number)
        elif self._styled.pop(number, None) is not None:
            self._coloured.discard(number)
            self._colour(self.document().findBlockByNumber(number - self._first), line)

    def _colour_seen(self) -> None:
        """Colour the lines in view: of all that come, few are ever looked at."""
        block = self.firstVisibleBlock()
        number = block.blockNumber() + self._first
        for _ in range(self._rows() + 3):
            if not block.isValid():
                return
            self._seen.add(number)
            line = self._styled.get(number)
            if line is not None and number not in self._coloured:
                self._coloured.add(number)
                self._colour(block, line)
            block = block.next()
            number += 1

    def _forget_layouts(self) -> None:
        """Let go of what was worked out to draw the lines seen so far; those in view are laid out
        and coloured again when they are drawn."""
        document = self.document()
        layout = QPlainTextDocumentLayout(document)
        layout.setPaintDevice(document.documentLayout().paintDevice())
        bars = self.horizontalScrollBar(), self.verticalScrollBar()
        places = [bar.value() for bar in bars]
        with self._moving():
            document.setDocumentLayout(layout)
            self.setDocument(document)  # acquaints the widget with the layout
            for bar, place in zip(bars, places, strict=True):
                bar.setValue(place)
        self._seen.clear()
        self._coloured.clear()

    def _colour(self, block: QTextBlock, line: Line) -> None:
        if not block.isValid():
            return
        ranges = []
        for start, length, style in line.runs():
            made = QTextLayout.FormatRange()
            begin = _units(line.text, start)
            made.start = begin
            made.length = _units(line.text, start + length) - begin
            made.format = format_of(style, self._theme)
            ranges.append(made)
        block.layout().setFormats(ranges)
        self.document().markContentsDirty(block.position(), block.length())

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Whatever scrolls in here, it is not the person."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def _on_scrolled(self, value: int) -> None:
        if self._busy:
            return
        follow = value >= self.verticalScrollBar().maximum()
        if follow != self.follow:
            self.follow = follow
            self.follow_changed.emit(follow)

    def _on_range(self) -> None:
        if self.follow and not self._busy:
            self.to_end()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not self.textCursor().hasSelection():
            self.setTextCursor(self.cursorForPosition(event.pos()))
        menu = self.createStandardContextMenu(event.pos())
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addSeparator()
        action = menu.addAction(self.tr("Make a series of this number…"))
        action.triggered.connect(self.number_wanted)
        menu.popup(event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:
        self._colour_seen()
        super().paintEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        with self._moving():
            super().resizeEvent(event)
        self._on_range()


def _sane(line: Line) -> str:
    return line.text.rstrip().translate(_SANE)


def _units(text: str, index: int) -> int:
    """Qt counts in units of UTF-16: two for a character beyond the basic plane."""
    return index if text.isascii() else index + sum(c > "\uffff" for c in text[:index])


def _characters(text: str, units: int) -> int:
    """The other way round."""
    if text.isascii():
        return min(units, len(text))
    seen = 0
    for index, character in enumerate(text):
        if seen >= units:
            return index
        seen += 2 if character > "\uffff" else 1
    return len(text)
