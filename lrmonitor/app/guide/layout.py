"""How a page of the guide looks: Markdown knows no style sheet, so its parts are given their form
once they are there."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtGui import (
    QColor,
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFragment,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)

from ..theme import Theme

__all__ = ["lay_out"]

LARGE, MEDIUM = 1.5, 1.15
"""Sizes of a page's title and of its other headings, in units of the text's."""


def lay_out(document: QTextDocument, font: QFont, theme: Theme) -> None:
    """Give headings, paragraphs, lists, tables, code, and the words below pictures their form."""
    below_picture = False
    for block in _blocks(document):
        picture = any(part.charFormat().isImageFormat() for part in _parts(block))
        level = block.blockFormat().headingLevel()
        if QTextCursor(block).currentTable() is None:
            _space(block, level, picture, below_picture)
        form = QTextCharFormat()
        if level:
            form.setFontPointSize(font.pointSizeF() * (LARGE if level == 1 else MEDIUM))
            form.setFontWeight(QFont.Weight.DemiBold)
            form.setForeground(QColor(theme.text))
            _merge(document, block.position(), block.length() - 1, form)
        elif below_picture and not picture:
            form.setFontItalic(False)
            form.setForeground(QColor(theme.quiet))
            _merge(document, block.position(), block.length() - 1, form)
        below_picture = picture
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _table(frame, theme)
    _code(document, theme)


def _space(block: QTextBlock, level: int, picture: bool, below_picture: bool) -> None:
    line = 130
    if block.textList() is not None:
        above, below = 0, 10 if block.next().textList() is None else 5
    elif level:
        above, below = (0, 12) if level == 1 else (16, 6)
    elif picture:
        above, below, line = 6, 2, 100
    else:
        above, below = 0, 14 if below_picture else 10
    form = QTextBlockFormat()
    form.setTopMargin(above)
    form.setBottomMargin(below)
    form.setLineHeight(line, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    QTextCursor(block).mergeBlockFormat(form)


def _table(table: QTextTable, theme: Theme) -> None:
    form = table.format()
    form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    form.setBorderBrush(QColor(theme.border))
    form.setBorder(1)
    form.setBorderCollapse(True)
    form.setCellPadding(5)
    form.setTopMargin(4)
    form.setBottomMargin(12)
    form.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
    table.setFormat(form)
    for column in range(table.columns()):
        cell = table.cellAt(0, column)
        cell_form = cell.format()
        cell_form.setBackground(QColor(theme.window))
        cell.setFormat(cell_form)


def _code(document: QTextDocument, theme: Theme) -> None:
    """Code stands on the window's ground."""
    form = QTextCharFormat()
    form.setBackground(QColor(theme.window))
    # Listed first: a change of the document ends the walk through it.
    for position, length in [
        (part.position(), part.length())
        for block in _blocks(document)
        for part in _parts(block)
        if part.charFormat().fontFixedPitch()
    ]:
        _merge(document, position, length, form)


def _merge(document: QTextDocument, position: int, length: int, form: QTextCharFormat) -> None:
    cursor = QTextCursor(document)
    cursor.setPosition(position)
    cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
    cursor.mergeCharFormat(form)


def _blocks(document: QTextDocument) -> Iterator[QTextBlock]:
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()


def _parts(block: QTextBlock) -> Iterator[QTextFragment]:
    it = block.begin()
    while not it.atEnd():
        yield it.fragment()
        it += 1
