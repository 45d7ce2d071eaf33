"""A page of the guide on the screen: Markdown laid out in the theme's colours, with its pictures.

Nothing is loaded but the guide's own files: whatever else a page may name stays unread.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QSignalBlocker, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QTextBrowser, QTextEdit, QWidget

from lrmonitor.guide import GuideError, find_topic, page
from lrmonitor.guide.pages import folder

from ..theme import Theme
from .layout import lay_out
from .pictures import drawn

__all__ = ["PageView"]

WIDEST = 640
"""The greatest width of a picture, in logical pixels: that of its drawing."""
MARGIN = 22
"""Between the text and the edge of the view."""


class PageView(QTextBrowser):
    """Shows pages and goes back and forth among them. Lives in the GUI thread.

    `topic` is the name of the page that is shown, "" before any.
    `topic_changed(name)`: another page is shown. `outside(url)`: a link that leads out of the guide
    was followed.
    """

    topic_changed = Signal(str)
    outside = Signal(QUrl)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words: list[str] = []
        self.topic = ""
        self._width = WIDEST
        self.setOpenLinks(False)
        self.document().setDocumentMargin(MARGIN)
        self.document().setIndentWidth(24)
        self.setAccessibleName(self.tr("Page of the guide"))
        # Links by Tab and Enter, text by arrows with Shift.
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        # The width of the page, and so of its pictures, does not depend on its length.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        # Never within an event: Qt may send one in the middle of laying a page out.
        self._resized = QTimer(self)
        self._resized.setSingleShot(True)
        self._resized.timeout.connect(self._fit)
        self.anchorClicked.connect(self._follow)
        # Told before `source()` knows of it.
        self.sourceChanged.connect(self._on_source)

    def open(self, topic: str) -> None:
        """Show a page from its beginning. Raises GuideError if it cannot be read."""
        page(topic)
        if topic != self.topic:
            self.setSource(QUrl(f"{topic}.md"))
        else:
            self.verticalScrollBar().setValue(0)

    def highlight(self, words: str) -> int:
        """Mark where the words stand in this page and those to come; how often they do here."""
        self._words = words.split()
        return self._mark()

    def next_found(self, backward: bool = False) -> None:
        """Go to the next of what is marked, round and round."""
        marks = sorted(
            (one.cursor.selectionStart(), one.cursor.selectionEnd())
            for one in self.extraSelections()
        )
        if not marks:
            return
        at = self.textCursor().selectionStart()
        if backward:
            begin, end = next((m for m in reversed(marks) if m[0] < at), marks[-1])
        else:
            here = self.textCursor().hasSelection()
            begin, end = next(
                (m for m in marks if m[0] > at or (m[0] == at and not here)), marks[0]
            )
        cursor = self.textCursor()
        cursor.setPosition(begin)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours, text and pictures; the place stays."""
        self._theme = theme
        self._again()

    def _follow(self, url: QUrl) -> None:
        name = find_topic(url.path().removesuffix(".md")) if url.isRelative() else None
        if name is not None:
            self.open(name)
        elif not url.isRelative():
            self.outside.emit(url)

    def _fit(self) -> None:
        """Draw the pictures as wide as there is room for them."""
        width = max(min(self.viewport().width() - 2 * MARGIN - 4, WIDEST), 160)
        if width != self._width:
            self._width = width
            self._again()

    def _again(self) -> None:
        """Lay the page out anew, at the same place."""
        if not self.topic:
            return
        bar = self.verticalScrollBar()
        share = bar.value() / max(bar.maximum(), 1)
        with QSignalBlocker(self):
            self.reload()
        self._lay_out()
        bar.setValue(round(share * bar.maximum()))

    def _on_source(self, source: QUrl) -> None:
        self.topic = source.path().removesuffix(".md")
        self._lay_out()
        self.topic_changed.emit(self.topic)

    def _lay_out(self) -> None:
        lay_out(self.document(), self.font(), self._theme)
        self._mark()

    def _mark(self) -> int:
        """Mark the words that are searched for."""
        marks = []
        colour = QColor(self._theme.warn_fill)
        for word in self._words:
            cursor = QTextCursor(self.document())
            while not (cursor := self.document().find(word, cursor)).isNull():
                mark = QTextEdit.ExtraSelection()
                mark.cursor = cursor
                form = QTextCharFormat()
                form.setBackground(colour)
                form.setFontUnderline(True)
                form.setUnderlineColor(QColor(self._theme.warn))
                mark.format = form
                marks.append(mark)
        self.setExtraSelections(marks)
        return len(marks)

    def loadResource(self, type: int, name: QUrl | str) -> Any:
        name = QUrl(name)
        if not name.isRelative() or "/" in name.path():
            return QByteArray()
        kind = QTextDocument.ResourceType
        try:
            if type == kind.MarkdownResource.value:
                return page(name.path().removesuffix(".md")).markdown
            if type == kind.ImageResource.value:
                svg = (folder() / name.path()).read_text("utf-8")
                family = self.font().family()
                ratio = self.devicePixelRatioF()
                return drawn(svg, self._theme, self._width, ratio, f"'{family}'")
        except (GuideError, OSError):
            # The words below the picture, and those of the page around, still tell.
            return QImage() if type == kind.ImageResource.value else QByteArray()
        return QByteArray()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._resized.start(0)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._again()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._again()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Backspace is Qt's own key for the page before; Esc is the window's.
        if event.key() == Qt.Key.Key_Escape:
            event.ignore()
            return
        super().keyPressEvent(event)
