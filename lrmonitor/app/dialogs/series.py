"""Making a series of a printed number: its name, how its lines look, and where its values stand."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.model.patterns import X_ORDER, X_PRINTED, X_STEP, Found, Pattern, values

from ..format import format_count, format_loss
from ..panels.parts import Banner, Choice, caption, quiet
from ..theme import Theme

__all__ = ["SeriesDialog"]

SHOWN = 6
"""Matching lines that are shown, from the newest back."""

LONGEST = 110


class SeriesDialog(QDialog):
    """Shows what a pattern finds while it is edited. `texts` gives the lines printed so far.

    `timed`: the times of the output are known, and so the run's step of each line. `taken` are
    the names that there are. `keep` is called with the pattern; it returns why it failed or None.
    """

    def __init__(
        self,
        pattern: Pattern,
        texts: Callable[[], list[str]],
        timed: bool,
        taken: set[str],
        keep: Callable[[Pattern], str | None],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Make a series"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._texts = texts
        self._timed = timed
        self._taken = taken
        self._keep = keep
        self._theme = theme
        self.name = QLineEdit(pattern.name, self)
        self.template = QLineEdit(pattern.template, self)
        self.where = Choice(self)
        self.where_told = quiet("", self)
        self.heading = caption("", self)
        self.preview = QLabel(self)
        self.problem = Banner(theme, self)
        self.make = QPushButton(self.tr("Make the series"), self)
        self._lay_out(pattern)
        self.name.textChanged.connect(self.refresh)
        self.template.textChanged.connect(self.refresh)
        self.where.currentIndexChanged.connect(self.refresh)
        self.refresh()
        self.name.selectAll()

    def pattern(self) -> Pattern:
        """The pattern as it is written now."""
        return Pattern(
            " ".join(self.name.text().split()),
            self.template.text(),
            str(self.where.currentData() or X_STEP),
        )

    def refresh(self) -> None:
        """Show what the pattern finds now."""
        pattern = self.pattern()
        found: list[tuple[int, Found]] = []
        texts = self._texts()
        # The rest can be looked at whatever the x is.
        problem = replace(pattern, x=X_STEP).problem
        if problem is None:
            found = values(pattern, texts)
            problem = pattern.problem
        if problem is None and not pattern.name:
            problem = self.tr("The series needs a name.")
        self._tell_where(pattern)
        self._preview(texts, found)
        note, tone = problem or "", "bad"
        if problem is None and pattern.name in self._taken:
            note, tone = self.tr("It takes the place of the series of that name."), "wait"
        elif problem is None and not found:
            note, tone = self.tr("No line so far looks like this."), "warn"
        self.problem.say(note, tone)
        self.make.setEnabled(problem is None)
        self._grow()

    def _grow(self) -> None:
        """Have room for all words at this width."""
        layout = self.layout()
        needed = layout.totalHeightForWidth(self.width()) if layout is not None else 0
        if self.height() < needed:
            self.resize(self.width(), needed)

    def _accept(self) -> None:
        problem = self._keep(self.pattern())
        if problem is not None:
            self.problem.say(problem, "bad")
            return
        self.accept()

    def _preview(self, texts: list[str], found: list[tuple[int, Found]]) -> None:
        count = len(found)
        self.heading.setText(
            self.tr("1 value in the lines held")
            if count == 1
            else self.tr("{0} values in the lines held").format(format_count(count))
        )
        rows = []
        for index, one in found[-SHOWN:]:
            text = texts[index]
            # The number is in sight, however long its line is.
            cut = max(one.end - LONGEST + 12, 0)
            before, number = text[cut : one.start], text[one.start : one.end]
            after = text[one.end : one.end + max(LONGEST - (one.end - cut), 0)]
            mark = f"background-color:{self._theme.dim(self._theme.accent, 0.3)}"
            rows.append(
                f"<td align='right'><b>{_escaped(format_loss(one.value))}</b>&nbsp;&nbsp;</td>"
                f"<td style='color:{self._theme.quiet}'>{'…' if cut else ''}{_escaped(before)}"
                f"<span style='{mark};color:{self._theme.text}'>{_escaped(number)}</span>"
                f"{_escaped(after)}</td>"
            )
        rows += ["<td>&nbsp;</td><td></td>"] * (SHOWN - len(rows))
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        self.preview.setText(f"<table cellpadding='1'>{body}</table>")

    def _tell_where(self, pattern: Pattern) -> None:
        told = {
            X_STEP: self.tr(
                "Each value stands at the step that the run had done when its line was printed."
            ),
            X_PRINTED: self.tr(
                "Each value stands at the number that its line has in the place of {x}."
            ),
            X_ORDER: self.tr(
                "The first value stands at 1, the second at 2, and so on: these are no steps "
                "of the run."
            ),
        }[pattern.x]
        if not self._timed and pattern.x != X_STEP:
            told += " " + self.tr("When the lines were printed is not recorded for this run.")
        self.where_told.setText(told)

    def _lay_out(self, pattern: Pattern) -> None:
        if self._timed:
            self.where.addItem(self.tr("the run’s step at that time"), X_STEP)
        self.where.addItem(self.tr("the number printed as {x}"), X_PRINTED)
        self.where.addItem(self.tr("the order: 1, 2, 3, …"), X_ORDER)
        if not self._timed:
            choice = X_PRINTED if "{x}" in pattern.template else X_ORDER
            self.where.setCurrentIndex(self.where.findData(choice))
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self.template.setFont(fixed)
        self.template.setCursorPosition(0)
        self.preview.setFont(fixed)
        self.preview.setTextFormat(Qt.TextFormat.RichText)
        self.preview.setProperty("role", "code")
        self.preview.setAccessibleName(self.tr("What the pattern finds"))
        written = quiet(
            self.tr(
                "Written like the line itself: {value} is the number that is wanted, {number} any "
                "other, {x} a number that says where it belongs, {any} any text."
            )
        )
        self.where.setAccessibleName(self.tr("Where the values stand"))
        for words in (written, self.where_told):
            words.setAlignment(Qt.AlignmentFlag.AlignTop)  # close to the field they belong to
        # Not a QFormLayout: it gives words that wrap the height that they need in a narrow column.
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        form.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget], ...] = (
            (self.tr("&Name"), self.name),
            (self.tr("&Pattern"), self.template),
            ("", written),
            (self.tr("&At"), self.where),
            ("", self.where_told),
        )
        for row, (text, widget) in enumerate(rows):
            form.addWidget(widget, row, 1)
            if text:
                label = QLabel(text, self)
                label.setBuddy(widget)
                form.addWidget(label, row, 0)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.make.setProperty("role", "primary")
        self.make.setDefault(True)
        buttons.addButton(self.make, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 14)
        column.setSpacing(10)
        column.addLayout(form)
        column.addWidget(self.heading)
        column.addWidget(self.preview)
        column.addWidget(self.problem)
        column.addStretch(1)
        column.addWidget(buttons)
        self.resize(720, 380)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grow()


def _escaped(text: str) -> str:
    return html.escape(text).replace(" ", "&nbsp;")
