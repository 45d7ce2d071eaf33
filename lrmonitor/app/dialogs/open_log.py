"""What a log holds, before it is opened: its format, its columns, and what each is taken for."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.record.foreign.names import LOSS, METRIC, RATE, VALIDATION, Roles
from lrmonitor.record.foreign.reader import Choice as LogChoice
from lrmonitor.record.foreign.reader import LogReader

from ..format import format_count
from ..panels.parts import Banner, Choice, caption, quiet, set_primary
from ..theme import Theme

__all__ = ["OpenLogDialog"]

SHOWN_PROBLEMS = 3


class OpenLogDialog(QDialog):
    """A line a column: whether it is shown, and as what. `reader` has read the log's beginning.

    The loss, the learning rates and the losses of a validation are shown as such by their names;
    the other columns are metrics, and can be made something else.
    """

    def __init__(self, reader: LogReader, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Open log"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.reader = reader
        self.told = quiet("", self)
        self.problem = Banner(theme, self)
        self.table = QTableWidget(0, 3, self)
        self.go = QPushButton(self.tr("Open"), self)
        self._told_roles = reader.roles
        self._lay_out()
        self._fill(reader.roles)
        self._tell()

    def choice(self) -> LogChoice:
        """What the person left or made of each column."""
        roles: dict[str, str | None] = {}
        for row, name in enumerate(self.reader.columns):
            on = self.box(row).checkState() is Qt.CheckState.Checked
            roles[name] = str(self.role(row).currentData()) if on else None
        return LogChoice(roles)

    def box(self, row: int) -> QTableWidgetItem:
        """The check box and name of a line."""
        item = self.table.item(row, 0)
        assert item is not None
        return item

    def role(self, row: int) -> Choice:
        """What the column of a line is to be."""
        widget = self.table.cellWidget(row, 1)
        assert isinstance(widget, Choice)
        return widget

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.problem.set_theme(theme)

    def _lay_out(self) -> None:
        self.table.setHorizontalHeaderLabels(
            [self.tr("Column"), self.tr("Shown as"), self.tr("Points")]
        )
        head = self.table.horizontalHeader()
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        head.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        head.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(36)
        self.table.setShowGrid(False)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setAccessibleName(self.tr("Columns of the log"))
        self.table.itemChanged.connect(self._refresh)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        buttons.addButton(self.go, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        set_primary(self.go, True)
        self.go.setDefault(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(self.told)
        column.addWidget(caption(self.tr("Columns of numbers"), self))
        column.addWidget(self.table, 1)
        column.addWidget(self.problem)
        column.addWidget(buttons)
        self.resize(560, 460)

    def _fill(self, told: Roles) -> None:
        names = self.reader.columns
        self.table.setRowCount(len(names))
        series = self.reader.ranks[0].by_name
        for row, name in enumerate(names):
            item = QTableWidgetItem(name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
            item.setToolTip(name)
            self.table.setItem(row, 0, item)
            role = Choice(self)
            role.setAccessibleName(self.tr("What {0} is").format(name))
            for key, text in (
                (LOSS, self.tr("Loss")),
                (RATE, self.tr("Learning rate")),
                (VALIDATION, self.tr("Validation loss")),
                (METRIC, self.tr("Metric")),
            ):
                role.addItem(text, key)
            role.setCurrentIndex(role.findData(_role(told, name)))
            role.currentIndexChanged.connect(self._refresh)
            self.table.setCellWidget(row, 1, role)
            count = QTableWidgetItem(format_count(len(series[name])) if name in series else "")
            count.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, 2, count)

        # A column does not take its width from the widgets in it.
        wide = max((self.role(row).sizeHint().width() for row in range(len(names))), default=0)
        self.table.horizontalHeader().resizeSection(1, max(wide + 32, 120))
        self.go.setFocus()

    def _tell(self) -> None:
        log = self.reader.log
        told = self.tr("{0} is a {1} log. It is only read, and followed while it grows.").format(
            log.path.name, log.format
        )
        if self.reader.info.get("reading"):
            told += " " + self.tr("It is long: its beginning is counted here.")
        left_out = log.left_out
        if left_out:
            some = ", ".join(left_out[:6]) + (", …" if len(left_out) > 6 else "")
            told += "\n" + self.tr("Left out, without numbers in them: {0}.").format(some)
        self.told.setText(told)
        self._refresh()

    def _refresh(self) -> None:
        problems = [p.sentence for p in self.reader.log.problems]
        text = "\n".join(problems[:SHOWN_PROBLEMS])
        if len(problems) > SHOWN_PROBLEMS:
            text += "\n" + self.tr("and {0} more").format(len(problems) - SHOWN_PROBLEMS)
        tone = "warn"
        columns = self.reader.columns
        if not columns:
            text = self.tr("There are no numbers in it yet.") + (f"\n{text}" if text else "")
        elif self.table.cellWidget(len(columns) - 1, 1) is not None:
            chosen = [role for role in self.choice().roles.values() if role is not None]
            if chosen.count(LOSS) > 1:
                text = self.tr("There can be one loss: the first is it, the others are metrics.")
            self.go.setEnabled(bool(chosen))
        self.problem.say(text, tone)


def _role(told: Roles, name: str) -> str:
    if name == told.loss:
        return LOSS
    if name in told.rates:
        return RATE
    return VALIDATION if name in told.validation else METRIC
