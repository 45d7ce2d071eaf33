"""The main window: a shell around one open run, or the list of runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QMainWindow,
    QMessageBox,
    QWidget,
)

from lrmonitor.diagnosis.words import headline
from lrmonitor.record.reader import RunReader, read_run_json

from .actions import Actions
from .asking import Asking
from .demo import DemoStarter
from .dialogs.questions import Question
from .docks import LEFT, Docks
from .echo import show_session
from .geometry import restore_geometry
from .guide.opener import GuideOpener
from .handlers import handlers
from .icons import window_icon
from .launching import Launcher
from .logs import LogOpener
from .notifier import Notifier
from .panels.runs import RunsPanel
from .panels.start import StartView
from .panels.status import StatusBar
from .phases import phase_tone
from .preferences import Preferences
from .preferring import Preferring
from .presence import Presence
from .reporting import Reporter
from .runview import RunView
from .scheduling import Scheduling
from .session import Session
from .settings import Settings
from .sharing import Sharing
from .stopper import Stopper
from .theme import Theme, ThemeManager
from .ticker import Ticker
from .toolbar import ToolBar
from .trying import Trying
from .windows import OtherWindows

if TYPE_CHECKING:
    from lrmonitor.model.deeds import Deed
    from lrmonitor.model.findings import Told
    from lrmonitor.model.run import RunModel

    from .compare.view import CompareView
    from .plots.sheet import PlotSheet

__all__ = ["MainWindow"]


class MainWindow(QMainWindow):
    """Lives in the GUI thread. `first_frame()`: it was painted once; `finished()`: it is closed."""

    first_frame = Signal()
    finished = Signal()

    def __init__(
        self,
        home: Path,
        settings: Settings,
        themes: ThemeManager,
        presence: Presence | None = None,
    ) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        self.home = home
        self._settings = settings
        self._themes = themes
        self._painted = False
        self.leave_on_close = False
        self.view: RunView | None = None
        self.start: StartView | None = None
        self.compared: CompareView | None = None
        self.setWindowIcon(window_icon())
        self.preferring = Preferring(settings, themes, self)
        self.preferring.changed.connect(self._on_preferences)
        self.actions_table = Actions(self, handlers(self), themes.choice)
        table = self.actions_table
        self.toolbar = ToolBar(self, table, themes.theme)
        self.addToolBar(self.toolbar)
        table.view.insertAction(table.after_docks, self.toolbar.toggleViewAction())
        self.status = StatusBar(self)
        self.setStatusBar(self.status)
        self.docks = Docks(self, settings, table.view, self.toolbar.toggleViewAction())
        self.runs = RunsPanel(home, themes.theme, self)
        self.runs.opened.connect(self.open_run)
        self.runs.opened_apart.connect(self.open_apart)
        self.runs.stop_wanted.connect(self.ask_stop_of)
        self.runs.delete_wanted.connect(self.delete_run)
        self.runs.compare_wanted.connect(self.compare)
        self.launcher = Launcher(self, home, themes, lambda: self.session)
        self.launcher.opened.connect(self.open_run)
        self.logs = LogOpener(self, home, themes)
        self.logs.opened.connect(self.open_run)
        self.reporter = Reporter(self, lambda: self.session)
        self.runs.rerun_wanted.connect(self.launcher.rerun)
        self.runs.rerun_with_wanted.connect(self.launcher.rerun_with)
        self.stopper = Stopper(self)
        self.guide = GuideOpener(self, themes)
        for part in (self.stopper, self.logs, self.reporter, self.guide):
            part.failed.connect(self.say)
        self.others = OtherWindows(home)
        self.sharing = Sharing(self, self._canvas, self.say)
        self.asking = Asking(self, lambda: self.session, self.stopper)
        self.asking.left.connect(self.leave_and_close)
        self.scheduling = Scheduling(settings, themes)
        self.trying = Trying(themes)
        self.notifier = Notifier(self)
        self.notifier.clicked.connect(self.come_forward)
        self._presence = presence
        if presence is not None:
            presence.asked.connect(self.come_forward)
        self.docks.add("runs", self.tr("Runs"), self.runs, LEFT, keys="Ctrl+1", run=False)
        self.demo = DemoStarter(home, self)
        self.demo.started.connect(self.open_run)
        self.demo.failed.connect(self._on_demo_failed)
        restore_geometry(self, settings)
        self.ticker = Ticker(self)
        self.ticker.ticked.connect(self._tick)
        themes.changed.connect(self._on_theme)
        self.show_start()

    @property
    def session(self) -> Session | None:
        """The open run, or None."""
        return None if self.view is None else self.view.session

    @property
    def question(self) -> Question | None:
        """What is being asked, or None."""
        return self.asking.question

    def panes(self) -> list[QWidget]:
        """What F6 goes through: the runs, the middle, the panels on the right and below."""
        left, others = self.docks.panes()
        middle = self.centralWidget()
        return [*left, *([middle] if middle is not None else []), *others]

    def open_run(self, folder: Path, log: RunReader | None = None) -> bool:
        """Show the run in `folder` in the place of what is shown, or what `log` reads there. False
        if it is no run: what is shown stays, and the reason is said. If another window shows it,
        that one comes forward."""
        info, problem = (log.info, "") if log is not None else read_run_json(folder)
        if info is None:
            self.say(self.tr("{0} cannot be opened: {1}.").format(folder, problem))
            return False
        if self._presence is not None:
            if self._presence.elsewhere(folder):
                if self.start is not None:
                    self.start.say("")
                return True
            self._presence.claim(folder)
        self._let_go()
        self._settings.put("session/run", str(folder))
        self.start = None
        session = Session(folder, self, reader=log)
        self.view = RunView(session, self._themes.theme, self)
        self.view.control.stop_wanted.connect(self.ask_stop)
        self.view.stop_wanted.connect(self.ask_stop)
        self.view.restart_wanted.connect(self.launcher.restart)
        self.view.guide_wanted.connect(self.show_guide)
        self.view.trial_wanted.connect(self.actions_table.try_rates.trigger)
        self.view.test_wanted.connect(lambda one: self.trying.show(self.view, one))
        session.diagnosis.alarmed.connect(self._on_alarm)
        session.rules.acted.connect(self._on_deed)
        self.view.control.undo_wanted.connect(self.undo)
        self.view.control.schedule_wanted.connect(self.edit_schedule)
        session.undo.changed.connect(self._show_session)
        session.changed.connect(self._show_session)
        self.view.choices_changed.connect(self._save_choices)
        self.view.control.entry.set_recent(self._settings.mapping("rates/recent"))
        self.view.control.entry.recent_changed.connect(self._save_recent)
        session.ended.connect(self._on_ended)
        self.status.follow(session)
        self.setCentralWidget(self.view)
        self.view.add_docks(self.docks)
        self.docks.enter("run")
        self.actions_table.set_run_open(True)
        self._show_session()
        self.setWindowTitle(f"{session.model.name} – lrmonitor")
        self.runs.show_open(folder, session.model)
        field = self.view.control.entry.field
        # Before the first step no rate can be typed yet; from the list digits find their way.
        (field if field.isEnabled() else self.runs.list).setFocus()
        if self._painted:
            self._load_plots()
        return True

    def show_start(self) -> None:
        """Show no run but the ways to begin; a run that was shown goes on."""
        self._let_go()
        self.start = StartView(self._themes.theme, self)
        self.start.wanted.connect(self._begin)
        self._enter("start", "lrmonitor", self.start)
        self.runs.list.setFocus()

    def close_run(self) -> None:
        """Let the run go on without this window, which shows the ways to begin."""
        self._settings.put("session/run", "")
        self.show_start()

    def compare(self, folders: Sequence[Path] | None = None) -> None:
        """Show several runs together, by default those that are ticked; "done" leads back."""
        chosen = list(self.runs.model.ticked if folders is None else folders)
        if len(chosen) < 2:
            self.docks.show("runs")
            self.say(self.tr("Tick two runs or more in the list of runs, to compare them."))
            return
        from .compare.view import CompareView

        before = None if self.session is None else self.session.model
        self._let_go()
        self.start = None
        self.compared = CompareView(chosen, self._themes.theme, self)
        self.compared.done.connect(lambda: self._compared(before))
        self._enter("compare", self.tr("{0} runs – lrmonitor").format(len(chosen)), self.compared)
        self.compared.bar.pattern.setFocus()

    def _compared(self, before: RunModel | None) -> None:
        """Go back to the run that was shown before, or to the log."""
        reader = None if before is None else before.reader
        log = reader if before is not None and before.log else None
        if reader is None or not self.open_run(reader.folder, log):
            self.show_start()

    def _enter(self, scene: str, title: str, shown: QWidget) -> None:
        """Show something that is no run in the middle."""
        self.setCentralWidget(shown)
        self.docks.enter(scene)
        self.actions_table.set_run_open(False)
        self._show_session()
        self.setWindowTitle(title)
        self.runs.show_open(None)
        if self._presence is not None:
            self._presence.claim(None)

    def say(self, problem: str) -> None:
        """Tell what did not work, without stopping anything."""
        if self.start is not None:
            self.start.say(problem)
            return
        box = QMessageBox(QMessageBox.Icon.Warning, "lrmonitor", problem, parent=self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    def run_demo(self) -> None:
        """Start the demo and open it."""
        if self.start is not None:
            self.start.say(self.tr("Starting the demo…"), "wait")
            self.start.busy("demo", True)
        self.demo.start()

    def show_guide(self, topic: str = "") -> None:
        """Show the guide at the page of a topic; `lrmonitor.guide.topic_of` names a finding's."""
        self.guide.show(topic)

    def ask_stop(self, how: str = "interrupt") -> None:
        """Ask whether to end the run in the way `how` names, and do it on a yes."""
        self.asking.stop(how)

    def ask_stop_of(self, folder: Path) -> None:
        """Ask whether to end a run of the list, and do it on a yes."""
        line = self.runs.roster.lines.get(folder)
        if self.session is not None and folder == self.session.folder:
            self.asking.stop()
        elif line is not None:
            self.asking.stop_elsewhere(folder, line.name)

    def delete_run(self, folder: Path) -> None:
        """Move a run of the list to the trash; one that is shown is closed first."""
        session = self.session
        if session is not None and session.folder == folder and not session.model.state.live:
            self.close_run()
        self.runs.delete(folder)

    def _canvas(self) -> PlotSheet | None:
        """The plots that are shown, if any are."""
        shown = self.compared or (self.view.plots if self.view is not None else None)
        return None if shown is None else shown.canvas

    def undo(self, way: str = "undo") -> None:
        """Undo the latest change of the rate made here, or redo it ("redo")."""
        self.asking.undo(way)

    def come_forward(self) -> None:
        """Show the window to the person, wherever it is."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
        # Where the desktop does not let a window step forward by itself.
        QApplication.alert(self)

    def open_apart(self, folder: Path | None = None) -> None:
        """Open a run, or none, in a window of its own."""
        try:
            self.others.open(folder)
        except OSError as error:
            self.say(self.tr("No further window could be opened: {0}.").format(error))

    def leave_and_close(self) -> None:
        """Close without asking; the run goes on."""
        self.leave_on_close = True
        self.close()

    def _show_session(self) -> None:
        show_session(self.actions_table, self.toolbar, self.session)

    def _on_ended(self) -> None:
        self.asking.run_ended()
        session = self.session
        if session is not None:
            state = session.model.state
            title = self.tr("{0}: {1}").format(session.model.name, state.label)
            bad = phase_tone(state.phase) == "bad"
            self.notifier.tell(title, state.sentence, bad, self.preferring.now)

    def _on_alarm(self, told: Told) -> None:
        session = self.session
        if session is not None:
            title = self.tr("{0}: {1}").format(session.model.name, headline(told.finding, self.tr))
            self.notifier.tell_finding(title, told.finding.severity, self.preferring.now)

    def _on_deed(self, deed: Deed) -> None:
        session = self.session
        if session is not None:
            title = self.tr("{0}: {1}").format(session.model.name, deed.sentence)
            self.notifier.tell_finding(title, "warning", self.preferring.now)

    def _tick(self) -> None:
        if self.view is not None:
            self.view.tick()
            self.status.tick()
        if self.compared is not None:
            self.compared.tick()
        if self.runs.isVisible():
            self.runs.tick()

    def _load_plots(self) -> None:
        if self.view is not None and self.view.plots is None:
            self.view.load_plots(self._settings.mapping("plots/choices"))

    def _let_go(self) -> None:
        """Keep the layout, and close the run that is open, if any."""
        self.docks.leave()
        if self.compared is not None:
            compared, self.compared = self.compared, None
            self.takeCentralWidget()
            compared.deleteLater()
        if self.view is None:
            return
        view, self.view = self.view, None
        self.scheduling.close()
        self.trying.close()
        self.status.follow(None)
        view.session.close()
        self.takeCentralWidget()
        view.session.deleteLater()
        view.deleteLater()

    def edit_schedule(self) -> None:
        """Open the editor of schedules on the run that is shown."""
        self.scheduling.show(self.view)

    def _save_choices(self) -> None:
        if self.view is not None and self.view.plots is not None:
            self._settings.put("plots/choices", self.view.plots.choices())

    def _save_recent(self) -> None:
        if self.view is not None:
            self._settings.put("rates/recent", self.view.control.entry.recent())

    def _on_theme(self, theme: Theme) -> None:
        for part in (self.view, self.start, self.compared):
            if part is not None:
                part.set_theme(theme)
        self.docks.set_theme(theme)
        self.toolbar.set_theme(theme)

    def _on_preferences(self, now: Preferences) -> None:
        self.actions_table.show_colours(now.colours)

    def _begin(self, way: str) -> None:
        ways: dict[str, Callable[[], object]] = {
            **self.launcher.ways,
            "demo": self.run_demo,
            "open": self.logs.choose_folder,
        }
        ways[way]()

    def _on_demo_failed(self, problem: str) -> None:
        if self.start is not None:
            self.start.busy("demo", False)
        self.say(problem)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            # On a button or a list of choices the Space bar is that widget's own key.
            focus = QApplication.focusWidget()
            if event.key() == Qt.Key.Key_Space and isinstance(focus, (QAbstractButton, QComboBox)):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # A digit typed anywhere is the beginning of a rate.
        if event.text() and event.text() in "0123456789." and self.view is not None:
            field = self.view.control.entry.field
            if field.isEnabled() and not field.hasFocus():
                field.setFocus()
                field.clear()
                QApplication.sendEvent(field, event)
                return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.notifier.seen()
            self.preferring.look()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self._after_first_frame)

    def closeEvent(self, event: QCloseEvent) -> None:
        session = self.session
        if session is not None and not self.leave_on_close:
            session.poll()
            if session.model.state.live and not session.over:
                event.ignore()
                self.asking.close(session)
                return
        self.ticker.stop()
        for part in (self.launcher, self.demo, self.stopper):
            part.close()
        self.others.let_go()
        if self._presence is not None:
            self._presence.claim(None)
        self._settings.put("window/geometry", self.saveGeometry())
        self._let_go()
        self._settings.save()
        event.accept()
        self.finished.emit()

    def _after_first_frame(self) -> None:
        self.first_frame.emit()
        self._load_plots()
        self.docks.fill()
        self.ticker.start()
