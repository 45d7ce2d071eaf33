"""The other numbers of the groups than the rate, each to be held in place and released."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from lrmonitor.link.messages import CommandError
from lrmonitor.link.option_command import parse_option
from lrmonitor.model.options import OptionRow, Slot

from ..format import format_rate
from ..history import told
from ..session import Session
from ..theme import Theme
from .header import ElidedLabel
from .optiontable import OptionTable, OptionView
from .parts import Banner, Choice, caption, quiet

__all__ = ["OptionsPanel"]


class OptionsPanel(QWidget):
    """The table, whom a number typed into it is for, and what became of the latest change.

    `take_note` gives the reason that goes with a change, where one was typed.
    """

    def __init__(
        self,
        session: Session,
        theme: Theme,
        parent: QWidget | None = None,
        take_note: Callable[[], str] = str,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._take_note = take_note
        self.setAccessibleName(self.tr("Optimizer options"))
        self.table = OptionTable(theme, self)
        self.view = OptionView(self.table, self)
        self.scope = Choice(self)
        self.scope.setAccessibleName(self.tr("Which groups a number typed into the table is for"))
        self.scope.addItem(self.tr("for this group alone"), "group")
        self.scope.addItem(self.tr("for all groups of the optimizer"), "optimizer")
        self.scope.addItem(self.tr("for all optimizers"), "all")
        self.release = QPushButton(self.tr("Release"), self)
        self.release.setAutoDefault(False)
        self.hint = ElidedLabel(self)
        self.hint.setProperty("role", "quiet")
        self.banner = Banner(theme, self)
        self.empty = quiet(parent=self)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._caption = caption(self.tr("A number typed here is"), self)
        self._said = ""
        self._lay_out()
        self.view.judge = self._judge
        self.view.ended.connect(self._forget)
        self.view.picked.connect(self._echo)
        self.view.release_wanted.connect(self._release)
        self.release.clicked.connect(self._release)
        self.scope.currentIndexChanged.connect(self._echo)
        self._add_menu()
        self.setFocusProxy(self.view)
        self.refresh()

    def refresh(self) -> None:
        """Echo the record."""
        model = self._session.model
        rows = model.options.rows(model.rank)
        self.table.show_rows(
            rows, model.optimizers, self._waiting(rows), self._session.control_problem()
        )
        for widget in (self.view, self.scope, self._caption, self.release, self.hint):
            widget.setVisible(bool(rows))
        self.empty.setVisible(not rows)
        if rows and not self.view.currentIndex().isValid():
            with QSignalBlocker(self.view):
                self.view.pick(0)
        self.empty.setText(
            model.no_optimizer
            or (
                self.tr("This optimizer has no other number than the rate that can be changed.")
                if model.optimizers
                else self.tr("Momentum, betas, weight decay, … are known with the first step.")
            )
        )
        self._echo()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.table.set_theme(theme)
        self.banner.set_theme(theme)

    def _waiting(self, rows: list[OptionRow]) -> dict[Slot, str]:
        """What is asked for and not in effect yet, in words."""
        model, waiting = self._session.model, {}
        for outcome in self._session.pending():
            if outcome.command != "option" or self._session.over:
                continue
            optimizer, group = outcome.args.get("optimizer"), outcome.args.get("group")
            value = outcome.args.get("value")
            text = self.tr("release")
            if isinstance(value, (int, float)):
                text = self.tr("hold {0}").format(format_rate(value))
            for row in rows:
                meant = model.main if optimizer is None else optimizer
                mine = meant in ("all", row.optimizer)
                if mine and row.name == outcome.args.get("name") and group in (None, row.group):
                    waiting[row.slot] = text
        return waiting

    def _judge(self, row: OptionRow, text: str, insisted: bool) -> bool:
        """Enter in a cell: send what was typed, or say why not. Whether it was sent."""
        problem = self._session.control_problem()
        try:
            if problem is not None:
                raise CommandError(problem)
            value = parse_option(row.name, text)
        except CommandError as error:
            self._said = str(error)
            self.banner.say(self._said, "bad")
            return False
        self._send(row, value)
        return True

    def _release(self) -> None:
        row = self.view.current_row()
        if row is not None and self.release.isEnabled():
            self._send(row, None)

    def _send(self, row: OptionRow, value: float | None) -> None:
        self._said = ""
        scope = self.scope.currentData()
        optimizer: int | str = "all" if scope == "all" else row.optimizer
        group = row.group if scope == "group" else None
        self._session.send_option(row.name, value, optimizer, group, self._take_note())
        self.refresh()

    def _forget(self) -> None:
        self._said = ""
        self._echo()

    def _meant(self, row: OptionRow) -> list[OptionRow]:
        """The rows that a change of this one is for."""
        scope = self.scope.currentData()
        return [
            one
            for one in self.table.rows
            if one.name == row.name
            and (scope == "all" or one.optimizer == row.optimizer)
            and (scope != "group" or one is row)
        ]

    def _echo(self) -> None:
        row, problem = self.view.current_row(), self._session.control_problem()
        held = row is not None and any(one.held is not None for one in self._meant(row))
        tip = self.tr("Back to the script's own number (Delete)")
        if problem is None and not held:
            tip = self.tr("The script's own number is used already.")
        enabled = problem is None and held
        if self.release.isEnabled() != enabled:
            self.release.setEnabled(enabled)
        if self.release.toolTip() != (problem or tip):
            self.release.setToolTip(problem or tip)
        self._release_action.setEnabled(enabled)
        self.hint.show_text(problem or self.tr("Type a number; Enter holds it."))
        if self._said:
            return
        latest = self._session.log.latest(("option",))
        if latest is None or latest.status == "pending":
            self.banner.say("")
            return
        text = told(latest, self.tr)
        words = latest.words
        if latest.warning:
            text += f"\n{latest.warning}"
        tones = {"applied": "warn" if latest.warning else "good", "refused": "bad"}
        self.banner.say(f"{words}: {text}", tones.get(latest.status, "none"))

    def _add_menu(self) -> None:
        self._release_action = QAction(self.tr("Release to the script"), self.view)
        copy = QAction(self.tr("Copy the exact number"), self.view)
        self._release_action.triggered.connect(self._release)
        copy.triggered.connect(self.view.copy_value)
        self.view.addActions([self._release_action, copy])
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(self._caption)
        tools.addWidget(self.scope)
        tools.addWidget(self.hint, 1)
        tools.addWidget(self.release)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(6)
        column.addLayout(tools)
        column.addWidget(self.banner)
        column.addWidget(self.view, 1)
        column.addWidget(self.empty, 1)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
