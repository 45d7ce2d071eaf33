"""The window's menus and keys, in one table."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

__all__ = ["Actions", "Handlers"]


@dataclass(frozen=True)
class Handlers:
    """What the actions do; each takes nothing but the ones that are switched on and off."""

    new_run: Callable[[], object]
    attach: Callable[[], object]
    rerun: Callable[[], None]
    rerun_with: Callable[[], None]
    open_folder: Callable[[], None]
    open_log: Callable[[], None]
    export_report: Callable[[], None]
    show_start: Callable[[], None]
    fill_runs: Callable[[QMenu], None]
    run_demo: Callable[[], None]
    find_run: Callable[[], None]
    compare: Callable[[], None]
    new_window: Callable[[], None]
    close: Callable[[], object]
    pause: Callable[[], None]
    step: Callable[[], None]
    stop: Callable[[], None]
    enter_rate: Callable[[], None]
    release: Callable[[], None]
    schedule: Callable[[], None]
    find_rate: Callable[[], None]
    try_rates: Callable[[], None]
    fill_tests: Callable[[QMenu], None]
    rules: Callable[[], None]
    guards: Callable[[], None]
    snapshot: Callable[[], None]
    rewind: Callable[[], None]
    undo: Callable[[], None]
    redo: Callable[[], None]
    save_picture: Callable[[], None]
    copy_picture: Callable[[], None]
    pin: Callable[[], None]
    fit: Callable[[], None]
    follow: Callable[[], None]
    loss_log: Callable[[], None]
    rate_log: Callable[[], None]
    reset_layout: Callable[[], None]
    theme: Callable[[str], None]
    preferences: Callable[[], None]
    zoom: Callable[[float], None]
    pan: Callable[[float], None]
    next_pane: Callable[[bool], None]
    guide: Callable[[], None]
    shortcuts: Callable[[], None]
    about: Callable[[], None]


class Actions:
    """Builds the menu bar of a window. `run_only` are disabled while no run is open.

    The docks put theirs into `view`, before `after_docks`.
    """

    def __init__(self, window: QMainWindow, do: Handlers, theme: str) -> None:
        self._window = window
        self.all: list[QAction] = []
        self.run_only: list[QAction] = []
        tr = window.tr
        bar = window.menuBar()
        runs = bar.addMenu(tr("&Runs"))
        self.new_run = self._add(runs, tr("&New run…"), "Ctrl+N", do.new_run)
        self.attach = self._add(runs, tr("&Attach…"), "Ctrl+Shift+O", do.attach)
        self.open = self._add(runs, tr("&Open…"), "Ctrl+O", do.open_folder)
        self._add(runs, tr("Open lo&g…"), "Ctrl+L", do.open_log)
        self.recent = runs.addMenu(tr("&Recent"))
        self.recent.aboutToShow.connect(lambda: do.fill_runs(self.recent))
        self._add(runs, tr("Run the &demo"), "", do.run_demo)
        runs.addSeparator()
        self._add(runs, tr("&Find a run"), "Ctrl+Shift+F", do.find_run)
        self._add(runs, tr("Co&mpare ticked runs"), "Ctrl+Shift+K", do.compare)
        runs.addSeparator()
        self.reruns = (
            self._add(runs, tr("R&e-run"), "Ctrl+Shift+E", do.rerun, True),
            # Not Ctrl+E: on X11 a text field takes that for its own (to the end of the line).
            self._add(runs, tr("Re-run with other &settings…"), "Ctrl+Alt+E", do.rerun_with, True),
        )
        self._add(runs, tr("Export re&port…"), "", do.export_report, True)
        self._add(runs, tr("C&lose the run"), "Ctrl+Home", do.show_start, True)
        runs.addSeparator()
        self._add(runs, tr("New &window"), "Ctrl+Shift+N", do.new_window)
        self._add(runs, tr("&Close window"), "Ctrl+W", do.close)
        train = bar.addMenu(tr("&Training"))
        self.pause = self._add(train, tr("&Pause"), "Space", do.pause, True)
        self.step = self._add(train, tr("&One step"), "N", do.step, True)
        self.step.setIconText(tr("Step"))
        self.stop = self._add(train, tr("S&top…"), "Ctrl+.", do.stop, True)
        train.addSeparator()
        self._add(train, tr("&Enter a rate"), "Ctrl+R", do.enter_rate, True)
        self._add(train, tr("&Release to the schedule"), "Ctrl+Shift+R", do.release, True)
        self._add(train, tr("&Schedule…"), "Ctrl+Shift+L", do.schedule, True)
        self.find_rate = self._add(
            train, tr("&Find the learning rate…"), "Ctrl+Shift+T", do.find_rate, True
        )
        self.try_rates = self._add(train, tr("Tr&y rates…"), "Ctrl+T", do.try_rates, True)
        self.tests = train.addMenu(tr("R&ate test results"))
        self.tests.aboutToShow.connect(lambda: do.fill_tests(self.tests))
        self.run_only.append(self.tests.menuAction())
        self.rules = self._add(train, tr("Ru&les…"), "Ctrl+Alt+R", do.rules, True)
        self.guards = self._add(train, tr("&Guards…"), "Ctrl+Alt+G", do.guards, True)
        train.addSeparator()
        self.snapshot = self._add(train, tr("Take a s&napshot"), "Ctrl+B", do.snapshot, True)
        self.rewind = self._add(train, tr("Re&wind…"), "Ctrl+Shift+B", do.rewind, True)
        train.addSeparator()
        self.undo = self._add(train, "", "Ctrl+Z", do.undo)
        self.redo = self._add(train, "", "Ctrl+Shift+Z", do.redo)
        self.undo.setIconText(tr("Undo"))
        self.redo.setIconText(tr("Redo"))
        self.show_undo("", "")
        self.view = view = bar.addMenu(tr("&View"))
        self._add(view, tr("&Fit the whole run"), "Home", do.fit, True)
        self._add(view, tr("F&ollow the newest step"), "F", do.follow, True)
        self._add(view, tr("&Logarithmic loss"), "L", do.loss_log, True)
        self._add(view, tr("Logarithmic &rate"), "Shift+L", do.rate_log, True)
        self._add(view, tr("Zoom &in"), "Ctrl++", lambda: do.zoom(0.5), True, "Ctrl+=")
        self._add(view, tr("Zoom o&ut"), "Ctrl+-", lambda: do.zoom(2.0), True)
        self._add(view, tr("&Earlier steps"), "Alt+Left", lambda: do.pan(-0.25), True)
        self._add(view, tr("L&ater steps"), "Alt+Right", lambda: do.pan(0.25), True)
        self._add(view, tr("Pin the reading, or unpin"), "P", do.pin, True)
        view.addSeparator()
        self._add(view, tr("&Save picture…"), "Ctrl+Shift+S", do.save_picture)
        self._add(view, tr("Copy pic&ture"), "Ctrl+Shift+C", do.copy_picture)
        view.addSeparator()
        self._add(view, tr("&Next pane"), "F6", lambda: do.next_pane(False))
        self._add(view, tr("Pre&vious pane"), "Shift+F6", lambda: do.next_pane(True))
        view.addSeparator()
        self.after_docks = self._add(view, tr("Reset la&yout"), "", do.reset_layout)
        view.addSeparator()
        colours = view.addMenu(tr("&Colours"))
        self.colours: dict[str, QAction] = {}
        group = QActionGroup(window)
        for choice, text in (
            ("system", tr("As the &system")),
            ("light", tr("&Light")),
            ("dark", tr("&Dark")),
        ):
            action = colours.addAction(text)
            action.setCheckable(True)
            action.setChecked(choice == theme)
            action.triggered.connect(lambda _=False, choice=choice: do.theme(choice))
            group.addAction(action)
            self.colours[choice] = action
        self._add(view, tr("&Preferences…"), "Ctrl+,", do.preferences)
        help_menu = bar.addMenu(tr("&Help"))
        self._add(help_menu, tr("&Guide"), "Shift+F1", do.guide)
        self._add(help_menu, tr("&Keys and mouse…"), "F1", do.shortcuts)
        self._add(help_menu, tr("&About lrmonitor…"), "", do.about)

    def show_colours(self, choice: str) -> None:
        """Mark the colours that are preferred."""
        self.colours[choice].setChecked(True)

    def set_run_open(self, on: bool) -> None:
        """Enable what needs a run, or not."""
        for action in self.run_only:
            action.setEnabled(on)

    def show_training(
        self, live: bool, can: bool, paused: bool, tested: Collection[str] = ()
    ) -> None:
        """Enable what its state allows: whether a process is there, whether commands reach it,
        whether it is paused, and of which kinds of tests there are results to see."""
        tr = self._window.tr
        self.pause.setText(tr("&Resume") if paused else tr("&Pause"))
        self.pause.setEnabled(can)
        self.step.setEnabled(can and paused)
        self.stop.setEnabled(live)
        self.snapshot.setEnabled(can)
        self.rewind.setEnabled(can)
        self.guards.setEnabled(can)
        self.find_rate.setEnabled(can or "range" in tested)
        self.try_rates.setEnabled(can or "trial" in tested)
        self.tests.menuAction().setEnabled(bool(tested))

    def show_undo(self, undo: str, redo: str, can: bool = True) -> None:
        """Say what could be undone and done again (empty: nothing), and whether it can now."""
        tr = self._window.tr
        for action, word, what in (
            (self.undo, tr("&Undo"), undo),
            (self.redo, tr("Re&do"), redo),
        ):
            action.setText(f"{word}: {what.replace('&', '&&')}" if what else word)
            action.setEnabled(bool(what) and can)

    def _add(
        self,
        menu: QMenu,
        text: str,
        keys: str,
        do: Callable[[], object],
        run: bool = False,
        also: str = "",
    ) -> QAction:
        action = menu.addAction(text)
        action.setShortcuts([QKeySequence(one) for one in (keys, also) if one])
        action.triggered.connect(lambda _=False: do())
        self.all.append(action)
        if run:
            self.run_only.append(action)
        return action
