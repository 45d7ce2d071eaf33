"""Every parameter group of every optimizer: its rates side by side, each to be changed in place."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from lrmonitor.link.messages import CommandError, parse_rate
from lrmonitor.model.groups import GroupRow, for_all, group_rows
from lrmonitor.model.preview import Wish

from ..proposal import Proposal, caution
from ..session import Session
from ..theme import Theme
from .entry import PAUSE_MS
from .grouptable import GroupTable, GroupView
from .header import ElidedLabel
from .parts import Banner, Choice, caption, quiet

__all__ = ["GroupsPanel"]


class GroupsPanel(QWidget):
    """The table, what a rate typed into it is for, and what is said of it before it is sent.

    `thought_of(Wish or None)`: the rate that is typed and not sent yet. `take_note` gives the
    reason that goes with a change, where one was typed.
    """

    thought_of = Signal(object)

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
        self.setAccessibleName(self.tr("Parameter groups"))
        self.table = GroupTable(theme, self)
        self.view = GroupView(self.table, self)
        self.scope = Choice(self)
        self.scope.setAccessibleName(self.tr("Which groups a rate typed into the table is for"))
        self.scope.addItem(self.tr("for this group alone"), "group")
        self.scope.addItem(self.tr("for all groups, ratios kept"), "all")
        self.scope.setToolTip(self.tr("All groups of the row's optimizer are meant"))
        self.release = QPushButton(self.tr("Release"), self)
        self.freeze = QPushButton(self.tr("Freeze"), self)
        self.hint = ElidedLabel(self)
        self.hint.setProperty("role", "quiet")
        self.banner = Banner(theme, self)
        self.empty = quiet(parent=self)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._scope_caption = caption(self.tr("A rate typed here is"), self)
        self._lay_out()
        self.view.judge = self._judge
        # As in the control panel a number is not shown while it is being typed.
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._think)
        self._typed = ""
        self.view.typed.connect(self._on_typed)
        self.view.ended.connect(self._forget)
        self.view.picked.connect(self._echo_buttons)
        self.view.release_wanted.connect(lambda: self._send_row(Proposal("follow")))
        self.release.clicked.connect(lambda: self._send_row(Proposal("follow")))
        self.freeze.clicked.connect(lambda: self._send_row(Proposal("freeze")))
        self.scope.currentIndexChanged.connect(self._echo_buttons)
        self._add_menu()
        self.setFocusProxy(self.view)
        self.refresh()

    def refresh(self) -> None:
        """Echo the record."""
        rows = group_rows(self._session.model)
        waiting = {
            (row.optimizer, row.group): outcome.words
            for row in rows
            if (outcome := self._session.waiting_for(row.address)) is not None
        }
        self.table.show_rows(rows, waiting, self._session.rate_problem(None))
        several = len(rows) > 1
        for widget in (self.view, self.scope, self._scope_caption, self.release, self.freeze):
            widget.setVisible(several)
        self.hint.setVisible(several)
        self.empty.setVisible(not several)
        if several and not self.view.currentIndex().isValid():
            with QSignalBlocker(self.view):
                self.view.pick(0)
        self.empty.setText(self._nothing(rows))
        self._echo_buttons()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.table.set_theme(theme)
        self.banner.set_theme(theme)

    def _nothing(self, rows: list[GroupRow]) -> str:
        if rows:
            return self.tr("This run has one parameter group: its rate is in the control panel.")
        return self._session.model.no_optimizer or self.tr(
            "The groups are known with the first step."
        )

    def _judge(self, row: GroupRow, text: str, insisted: bool) -> bool:
        """Enter in a cell: send what was typed, or say why not (yet). Whether it was sent."""
        problem = self._problem(row)
        try:
            if problem is not None:
                raise CommandError(problem)
            proposal = Proposal("hold", parse_rate(text))
            assert proposal.value is not None
            whole = self.scope.currentData() == "all"
            value = for_all(self.table.rows, row, proposal.value) if whole else proposal.value
            if value is None:
                raise CommandError(
                    self.tr("A schedule at 0 has no ratio to the others: choose this group alone.")
                )
        except CommandError as error:
            self.banner.say(str(error), "bad")
            return False
        warning = caution(self._session.rate_now(*row.address), proposal)
        if warning is not None and warning.ask and not insisted:
            again = self.tr(" Press Enter again to apply it all the same.")
            self.banner.say(warning.text + again, "warn")
            return False
        self.banner.say("")
        self._session.send_rate(
            Proposal("hold", value),
            row.optimizer,
            None if whole else row.group,
            self._take_note(),
        )
        self.refresh()
        return True

    def _on_typed(self, text: str) -> None:
        self._typed = text
        self._pause.start()

    def _think(self) -> None:
        """What is typed into a cell, for a preview."""
        row, wish = self.view.current_row(), None
        try:
            value: float | None = parse_rate(self._typed)
        except CommandError:
            value = None
        if row is not None and value is not None and self._problem(row) is None:
            group: int | None = row.group
            if self.scope.currentData() == "all":
                value, group = for_all(self.table.rows, row, value), None
            wish = None if value is None else Wish("hold", value, row.optimizer, group)
        self.thought_of.emit(wish)

    def _forget(self) -> None:
        self._pause.stop()
        self.banner.say("")
        self.thought_of.emit(None)

    def _send_row(self, proposal: Proposal) -> None:
        row = self.view.current_row()
        if row is None or self._problem(row) is not None:
            return
        whole = self.scope.currentData() == "all"
        group = None if whole else row.group
        self._session.send_rate(proposal, row.optimizer, group, self._take_note())
        self.refresh()

    def _problem(self, row: GroupRow) -> str | None:
        return self._session.rate_problem(row.optimizer)

    def _echo_buttons(self) -> None:
        row = self.view.current_row()
        whole = self.scope.currentData() == "all"
        rows = [
            one
            for one in self.table.rows
            if row is not None and one.optimizer == row.optimizer and (whole or one is row)
        ]
        problem = self.tr("Choose a group first.") if row is None else self._problem(row)
        held = any(one.kind != "none" for one in rows)
        frozen = bool(rows) and all(one.override == "frozen" for one in rows)
        self._enable(
            self.release,
            problem or (None if held else self.tr("The script's schedule is followed already.")),
            self.tr("Back to the script's schedule (Delete)"),
        )
        self._enable(
            self.freeze,
            problem or (self.tr("It is frozen already.") if frozen else None),
            self.tr("Hold the rate at 0"),
        )
        self._release_action.setEnabled(self.release.isEnabled())
        self._freeze_action.setEnabled(self.freeze.isEnabled())
        self.hint.show_text(problem or self._hint(row, whole))

    def _hint(self, row: GroupRow | None, whole: bool) -> str:
        if row is None or row.effective is None:
            return ""
        if whole:
            return self.tr("Enter holds all groups of optimizer {0} in proportion.").format(
                row.optimizer
            )
        return self.tr("Type a rate; Enter holds it.")

    def _enable(self, button: QPushButton, problem: str | None, tip: str) -> None:
        if button.isEnabled() != (problem is None):
            button.setEnabled(problem is None)
        if button.toolTip() != (problem or tip):
            button.setToolTip(problem or tip)

    def _add_menu(self) -> None:
        self._release_action = QAction(self.tr("Release to the schedule"), self.view)
        self._freeze_action = QAction(self.tr("Freeze at 0"), self.view)
        copy = QAction(self.tr("Copy the exact rate"), self.view)
        self._release_action.triggered.connect(self.release.click)
        self._freeze_action.triggered.connect(self.freeze.click)
        copy.triggered.connect(self.view.copy_rate)
        self.view.addActions([self._release_action, self._freeze_action, copy])
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(self._scope_caption)
        tools.addWidget(self.scope)
        tools.addWidget(self.hint, 1)
        for button in (self.release, self.freeze):
            button.setAutoDefault(False)
            tools.addWidget(button)
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
