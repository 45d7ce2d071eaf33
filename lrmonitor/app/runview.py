"""One open run on the screen: header and plots, and the docks around them. It wires them; they
never meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from lrmonitor.model.patterns import Pattern
from lrmonitor.model.preview import Wish
from lrmonitor.model.run import Changes
from lrmonitor.model.state import Phase

from .docks import BOTTOM, RIGHT, Docks
from .pace import Pace
from .panels.control import ControlPanel
from .panels.finding_alert import FindingAlert
from .panels.header import RunHeader
from .panels.notices import Notices
from .session import Session
from .theme import Theme

if TYPE_CHECKING:
    from .dialogs.rules import RulesDialog
    from .panels.console import ConsolePanel
    from .panels.data import DataPanel
    from .panels.findings import FindingsPanel
    from .panels.groups import GroupsPanel
    from .panels.journal import JournalPanel
    from .panels.options import OptionsPanel
    from .panels.sizes import SizesPanel
    from .plots.marks import Mark
    from .plots.pane import PlotPane

__all__ = ["RunView"]

SLOW_TICKS = 15
"""Ticks between two updates of figures and waiting times: two a second can be read. What a person
did, and another state, is told at once."""

TABLE_TICKS = 30
"""Ticks between two updates of the table of the data: one a second can be listened to."""


class RunView(QWidget):
    """Follows a `Session` on the window's ticks.

    `stop_wanted()`, `restart_wanted(float)`: the run is to be ended, or started again with its rate
    times that factor (both to be confirmed). `guide_wanted(str)`: a page of the guide.
    `trial_wanted()`: rates are to be tried. `test_wanted(str)`: what came of the range test or
    trial with this id is to be seen.

    The plots come with `load_plots`, after the window's first frame: importing what draws them
    takes as long as everything else together. `add_docks` puts the panels around the plots; those
    at the bottom are imported when they are first seen.
    """

    plots_loaded = Signal()
    choices_changed = Signal()
    stop_wanted = Signal()
    restart_wanted = Signal(float)
    guide_wanted = Signal(str)
    trial_wanted = Signal()
    test_wanted = Signal(str)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._theme = theme
        self._ticks = 0
        self._unseen = True
        self.pace = Pace()
        self.plots: PlotPane | None = None
        self._docks: Docks | None = None
        self.console: ConsolePanel | None = None
        self.rules: RulesDialog | None = None
        self.header = RunHeader(session, theme, self)
        self.notices = Notices(session, theme, self)
        self.alert = FindingAlert(session, theme, self)
        self.control = ControlPanel(session, theme, self)
        self.groups: GroupsPanel | None = None
        self.options: OptionsPanel | None = None
        self.sizes: SizesPanel | None = None
        self.data: DataPanel | None = None
        self.findings: FindingsPanel | None = None
        self._empty = QWidget(self)
        self._empty.setAutoFillBackground(True)
        self._empty.setBackgroundRole(self._empty.palette().ColorRole.Base)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        # Its margins go with it when there is nothing to tell.
        self._notice_bar = QWidget(self)
        inside = QVBoxLayout(self._notice_bar)
        inside.setContentsMargins(10, 8, 10, 8)
        inside.addWidget(self.notices)
        inside.addWidget(self.alert)
        column.addWidget(self._notice_bar)
        self._show_notices()
        # Narrower, the docks have to give way; the window is never smaller than its parts.
        self.setMinimumSize(430, 300)
        column.addWidget(self._empty, 1)
        session.changed.connect(self._on_changed)
        # Both after the notices took note of it.
        session.ended.connect(self._show_notices)
        self.notices.dismiss.clicked.connect(self._show_notices)
        self.control.thought_of.connect(self.think_of)
        self.notices.traceback_wanted.connect(self._show_traceback)
        self.header.rules_wanted.connect(self.show_rules)
        self.header.guards_wanted.connect(self.show_guards)
        session.diagnosis.changed.connect(self._show_findings)
        self.alert.shown_wanted.connect(self._show_finding)
        self.alert.follow_wanted.connect(self._follow_finding)

    def add_docks(self, docks: Docks) -> None:
        """Put the run's panels into docks; one call each. Their places are the window's to keep."""
        self._docks = docks
        docks.add("control", self.tr("Control"), self.control, RIGHT, keys="Ctrl+2")
        docks.add("journal", self.tr("Journal"), self._make_journal, BOTTOM, keys="Ctrl+3")
        docks.add("console", self.tr("Console"), self._make_console, BOTTOM, keys="Ctrl+4")
        several = sum(info.groups for info in self.session.model.optimizers) > 1
        docks.add(
            "groups", self.tr("Groups"), self._make_groups, BOTTOM, visible=several, keys="Ctrl+5"
        )
        docks.add(
            "data", self.tr("Data table"), self._make_data, BOTTOM, visible=False, keys="Ctrl+6"
        )
        docks.add("findings", self.tr("Findings"), self._make_findings, BOTTOM, keys="Ctrl+7")
        docks.add(
            "options", self.tr("Options"), self._make_options, BOTTOM, visible=False, keys="Ctrl+8"
        )
        docks.add(
            "sizes", self.tr("Step sizes"), self._make_sizes, BOTTOM, visible=False, keys="Ctrl+9"
        )
        self.control.groups_wanted.connect(lambda: docks.show("groups"))

    def show_rules(self) -> None:
        """Show the rules of the run, to be switched on and off."""
        from .dialogs.rules import RulesDialog

        if self.rules is None:
            self.rules = RulesDialog(self.session, self._theme, self)
            self.rules.destroyed.connect(self._forget_rules)
            self.rules.open()
        self.rules.activateWindow()

    def show_guards(self) -> None:
        """Show the guards of the run, to be set."""
        from .dialogs.guards import GuardsDialog

        if self.session.control_problem() is None or self.session.model.guards.on:
            GuardsDialog(self.session, self._theme, self).open()

    def _forget_rules(self) -> None:
        self.rules = None

    def _make_groups(self) -> GroupsPanel:
        from .panels.groups import GroupsPanel

        entry = self.control.entry
        self.groups = GroupsPanel(self.session, self._theme, self, entry.take_note)
        self.groups.thought_of.connect(self.think_of)
        return self.groups

    def _make_options(self) -> OptionsPanel:
        from .panels.options import OptionsPanel

        entry = self.control.entry
        self.options = OptionsPanel(self.session, self._theme, self, entry.take_note)
        return self.options

    def _make_sizes(self) -> SizesPanel:
        from .panels.sizes import SizesPanel

        self.sizes = SizesPanel(self.session, self._theme, self)
        return self.sizes

    def _make_data(self) -> DataPanel:
        from .panels.data import DataPanel

        self.data = DataPanel(self.session, self._span)
        self.data.step_wanted.connect(self._show_step)
        return self.data

    def _make_findings(self) -> FindingsPanel:
        from .panels.findings import FindingsPanel

        panel = self.findings = FindingsPanel(self.session, self._theme)
        panel.step_wanted.connect(self._show_step)
        panel.stop_wanted.connect(self.stop_wanted)
        panel.restart_wanted.connect(self.restart_wanted)
        panel.guide_wanted.connect(self.guide_wanted)
        panel.trial_wanted.connect(self.trial_wanted)
        return panel

    def _findings(self) -> FindingsPanel | None:
        from .panels.findings import FindingsPanel

        panel = None if self._docks is None else self._docks.widget("findings")
        return panel if isinstance(panel, FindingsPanel) else None

    def _show_findings(self) -> None:
        """What the diagnosis found is another."""
        self._show_notices()
        if self.plots is not None:
            self.plots.show_findings(self.session.diagnosis.told)

    def _show_finding(self, identity: int) -> None:
        panel = self._findings()
        if panel is not None and self._docks is not None:
            self._docks.show("findings", focus=False)
            panel.choose(identity)

    def _follow_finding(self, identity: int) -> None:
        panel = self._findings()
        if panel is not None:
            panel.choose(identity)
            panel.follow()

    def _span(self) -> tuple[float, float] | None:
        """The steps that the plots show."""
        return None if self.plots is None else self.plots.shown_steps()

    def _make_journal(self) -> JournalPanel:
        from .panels.journal import JournalPanel

        journal = JournalPanel(self.session, self._theme)
        journal.step_wanted.connect(self._show_step)
        journal.test_wanted.connect(self.test_wanted)
        return journal

    def _make_console(self) -> ConsolePanel:
        from .panels.console import ConsolePanel

        self.console = ConsolePanel(self.session, self._theme)
        self.console.series_wanted.connect(self._make_series)
        return self.console

    def _make_series(self, pattern: Pattern) -> None:
        """Ask how a printed number becomes a series."""
        console = self.console
        if console is None:
            return
        from .dialogs.series import SeriesDialog

        dialog = SeriesDialog(
            pattern,
            console.texts,
            self.session.timed_output,
            set(self.session.model.printed.series),
            self.session.record.keep_series,
            self._theme,
            self,
        )
        console.changed.connect(dialog.refresh)
        dialog.accepted.connect(self.session.poll)
        dialog.open()

    def _show_traceback(self) -> None:
        if self._docks is None:
            return
        self._docks.show("console")
        if self.console is not None:
            self.console.advance()
            if not self.console.show_traceback():
                self.console.follow.setChecked(True)

    def _show_step(self, step: int) -> None:
        if self.plots is not None:
            self.plots.show_step(step)

    def _show_mark(self, mark: Mark) -> None:
        """A marker was clicked: its row in the journal is selected."""
        from .panels.journal import JournalPanel

        if self._docks is None:
            return
        if mark.kind == "finding":
            self._show_finding(int(mark.time))
            return
        self._docks.show("journal", focus=False)
        journal = self._docks.widget("journal")
        if isinstance(journal, JournalPanel):
            journal.select(mark.time, mark.kind)

    def _remove_series(self, name: str) -> None:
        problem = self.session.record.remove_series(name)
        if problem is not None:
            self.session.problem.emit(problem)
        self.session.poll()

    def load_plots(self, choices: dict[str, Any] | None = None) -> PlotPane:
        """Put the plots in their place, with what the person chose before."""
        if self.plots is not None:
            return self.plots
        from .plots.pane import PlotPane

        self.plots = PlotPane(self.session.model, self._theme, self)
        self.plots.set_choices(choices or {})
        self.plots.choices_changed.connect(self.choices_changed)
        self.plots.mark_clicked.connect(self._show_mark)
        self.plots.remove_wanted.connect(self._remove_series)
        layout = self.layout()
        assert layout is not None
        layout.replaceWidget(self._empty, self.plots)
        self._empty.deleteLater()
        self.plots.set_message(self._message())
        self.plots.show_findings(self.session.diagnosis.told)
        self.plots.refresh()
        if self.session.over or self.session.model.log is not None:
            self.plots.fit()
        self.plots_loaded.emit()
        return self.plots

    def tick(self) -> None:
        """Read what is new and show it."""
        self._ticks += 1
        if self.pace.due():
            with self.pace.measured():
                self._look()
        if self._ticks % SLOW_TICKS == 0:
            self._show_figures()
        if self._ticks % TABLE_TICKS == 0 and self.data is not None and self.data.isVisible():
            self.data.refresh()

    def _look(self) -> None:
        """Read what the folder holds by now, and draw it. What the person does with the mouse is
        drawn at once, and an answer to a command does not wait for this."""
        self.session.poll()
        if self.console is not None:
            self.console.advance()
        if self.plots is not None and self._seen():
            self.plots.refresh(self._unseen)
            self._unseen = False

    def think_of(self, wish: Wish | None) -> None:
        """Draw on the plots where this would lead; None: nothing."""
        if self.plots is not None:
            self.plots.think_of(wish)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self.header.set_theme(theme)
        self.notices.set_theme(theme)
        self.alert.set_theme(theme)
        if self.rules is not None:
            self.rules.set_theme(theme)
        if self.plots is not None:
            self.plots.set_theme(theme)
            self.plots.refresh()

    def _on_changed(self, changes: Changes) -> None:
        self._unseen = True
        if changes.events or (changes.state and self._urgent()):
            self._show_figures()

    def _urgent(self) -> bool:
        """Whether the state is another, not just its step and speed."""
        phase = self.session.model.state.phase
        changed = phase is not getattr(self, "_phase", None)
        self._phase = phase
        return changed

    def _show_figures(self) -> None:
        self.header.refresh()
        if self.plots is not None:
            # Together with the head: what it leaves out is told here.
            self.plots.set_message(self._message())
        self._show_notices()
        self.control.refresh()
        for panel in (self.groups, self.options, self.sizes):
            if panel is not None and panel.isVisible():
                panel.refresh()
        if self.findings is not None and self.findings.isVisible():
            self.findings.refresh_words()

    def _show_notices(self) -> None:
        self.notices.refresh()
        self.alert.refresh()
        shown = (not part.isHidden() for part in (self.notices, self.alert))
        self._notice_bar.setVisible(any(shown))
        self.header.hush(self.notices.tells_end)

    def _seen(self) -> bool:
        return self.isVisible() and not self.window().isMinimized()

    def _message(self) -> str:
        state = self.session.model.state
        if state.phase is Phase.LOG:
            return self.tr(
                "No column of this log bears the name of a loss. Runs, Open log… lets you say "
                "which one is."
            )
        if state.phase is Phase.STARTING:
            return self.tr("Starting… the curves begin with the first step.")
        if state.phase is Phase.NOT_TRAINING:
            return self.tr("The curves begin with the first step.\n\n{0}").format(state.beside)
        if state.phase is Phase.COMPILING:
            return self.tr("The curves begin with the first step, once the model is compiled.")
        if state.phase is Phase.ENDED:
            return state.sentence
        if self.session.over:
            return self.tr("Nothing was trained in this run.\n\n{0}").format(state.beside)
        return self.tr("Waiting for the first step…")
