"""What the window shows when no run is open: the recent runs, and how to start one."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.model.run import STATE_POINTS, RunModel
from lrmonitor.model.state import duration
from lrmonitor.record.catalogue import Catalogue, RunEntry

from ..icons import icon, pixmap
from ..theme import Theme
from .header import phase_colour, phase_symbol
from .parts import caption, quiet

__all__ = ["SHOWN", "StartView"]

SHOWN = 50
NAME, STATE, AGE = range(3)
FOLDER = Qt.ItemDataRole.UserRole


class StartView(QWidget):
    """An inviting empty state. `opened(Path)`: the person chose a run's folder."""

    opened = Signal(object)

    def __init__(self, home: Path, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue = Catalogue(home)
        self._theme = theme
        self._next = 0
        self._known: list[Path] = []
        self.problem = quiet(parent=self)
        self.problem.setProperty("tone", "bad")
        self.title = QLabel(self.tr("No run is open"), self)
        font = QFont(self.title.font())
        font.setPointSizeF(font.pointSizeF() * 1.6)
        font.setWeight(QFont.Weight.DemiBold)
        self.title.setFont(font)
        self.list = QTreeWidget(self)
        self.open = QPushButton(self.tr("Open"), self)
        self.open.setProperty("role", "primary")
        self.browse = QPushButton(self.tr("Open a folder…"), self)
        self.none = quiet(self.tr("There are none yet in {0}.").format(home), self)
        self._set_up_list()
        self._lay_out()
        self.list.itemActivated.connect(self._activate)
        self.list.currentItemChanged.connect(lambda item: self.open.setEnabled(item is not None))
        self.open.clicked.connect(lambda: self._activate(self.list.currentItem()))
        self.browse.clicked.connect(self.choose_folder)
        self.refresh()

    def refresh(self) -> None:
        """Read the catalogue again: runs that came or went."""
        entries = self._catalogue.runs()[:SHOWN]
        folders = [entry.folder for entry in entries]
        if folders == self._known and self.list.topLevelItemCount():
            return
        current = self.list.currentItem()
        kept = None if current is None else current.data(NAME, FOLDER)
        self._known = folders
        self.list.clear()
        for entry in entries:
            self.list.addTopLevelItem(self._item(entry))
        self.list.setVisible(bool(entries))
        self.none.setVisible(not entries)
        chosen = self.list.topLevelItem(folders.index(kept) if kept in folders else 0)
        if chosen is not None:
            self.list.setCurrentItem(chosen)
        self.open.setEnabled(bool(entries))
        self._next = 0

    def advance(self) -> None:
        """Look up the state of one run of the list, the next each time: no look takes long."""
        count = self.list.topLevelItemCount()
        if not count:
            return
        self._next %= count
        item = self.list.topLevelItem(self._next)
        self._next += 1
        if item is None or item.isDisabled():
            return
        model = RunModel(item.data(NAME, FOLDER), last=STATE_POINTS)
        model.poll()
        state = model.state
        item.setText(NAME, model.name)
        item.setText(STATE, state.label[:1].upper() + state.label[1:])
        symbol = icon(phase_symbol(state.phase), phase_colour(state.phase, self._theme))
        symbol.addPixmap(
            pixmap(phase_symbol(state.phase), self._theme.accent_text), QIcon.Mode.Selected
        )
        item.setIcon(STATE, symbol)
        item.setToolTip(STATE, state.sentence)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self._next = 0

    def say(self, text: str) -> None:
        """A sentence about a folder that could not be opened; empty to take it back."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def choose_folder(self) -> None:
        """Ask for a run's folder."""
        chosen = QFileDialog.getExistingDirectory(
            self, self.tr("Open a run's folder"), str(self._catalogue.home)
        )
        if chosen:
            self.opened.emit(Path(chosen))

    def _item(self, entry: RunEntry) -> QTreeWidgetItem:
        age = self.tr("{0} ago").format(duration(time.time() - entry.created))
        item = QTreeWidgetItem([entry.name, "", age])
        item.setData(NAME, FOLDER, entry.folder)
        item.setToolTip(NAME, f"{entry.id}\n{entry.folder}")
        if entry.problem is not None:
            item.setText(STATE, self.tr("cannot be read"))
            item.setToolTip(STATE, entry.problem)
            item.setDisabled(True)
        return item

    def _activate(self, item: QTreeWidgetItem | None) -> None:
        if item is not None and not item.isDisabled():
            self.opened.emit(item.data(NAME, FOLDER))

    def _set_up_list(self) -> None:
        self.list.setAccessibleName(self.tr("Recent runs"))
        self.list.setHeaderLabels([self.tr("Name"), self.tr("State"), self.tr("Started")])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAllColumnsShowFocus(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setIconSize(QSize(14, 14))
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(STATE, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(AGE, QHeaderView.ResizeMode.ResizeToContents)

    def _lay_out(self) -> None:
        card = QFrame(self)
        card.setProperty("role", "card")
        card.setMaximumWidth(680)
        column = QVBoxLayout(card)
        column.setContentsMargins(26, 22, 26, 22)
        column.setSpacing(10)
        column.addWidget(self.title)
        column.addWidget(
            quiet(
                self.tr(
                    "Start your script under lrmonitor, with no change to it, and its loss and "
                    "learning rate appear here while it trains:"
                ),
                card,
            )
        )
        column.addWidget(self._command("lrmonitor run train.py"))
        column.addWidget(quiet(self.tr("or try it on handwritten digits:"), card))
        column.addWidget(self._command("lrmonitor demo"))
        column.addSpacing(8)
        column.addWidget(caption(self.tr("Recent runs"), card))
        column.addWidget(self.list, 1)
        column.addWidget(self.none, 1, Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.problem)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.browse)
        row.addWidget(self.open)
        column.addLayout(row)
        self.problem.hide()
        outer = QHBoxLayout(self)
        outer.setContentsMargins(24, 24, 24, 24)
        outer.addStretch(1)
        outer.addWidget(card, 8)
        outer.addStretch(1)

    def _command(self, text: str) -> QLabel:
        label = QLabel(text, self)
        font = QFont("monospace")
        font.setStyleHint(QFont.StyleHint.Monospace)
        label.setFont(font)
        label.setProperty("role", "code")
        label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        label.setAccessibleName(text)
        return label
