"""What the window's actions do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .actions import Handlers
from .focus import next_pane
from .recent import fill_recent

if TYPE_CHECKING:
    from .window import MainWindow

__all__ = ["handlers", "show_help"]


def handlers(window: MainWindow) -> Handlers:
    """The actions of a window; those of a run do nothing while none is open."""
    w = window
    return Handlers(
        new_run=lambda: w.launcher.new_run(),
        attach=lambda: w.launcher.attach(),
        rerun=lambda: w.launcher.rerun(),
        rerun_with=lambda: w.launcher.rerun_with(),
        open_folder=lambda: w.logs.choose_folder(),
        open_log=lambda: w.logs.choose(),
        export_report=lambda: w.reporter.choose(),
        show_start=w.close_run,
        fill_runs=lambda menu: fill_recent(
            menu, w.home, w.session.folder if w.session else None, w.open_run
        ),
        run_demo=w.run_demo,
        compare=w.compare,
        find_run=lambda: w.docks.show("runs"),
        new_window=w.open_apart,
        close=w.close,
        pause=lambda: w.view.control.training.toggle_pause() if w.view else None,
        step=lambda: w.view.control.training.single_step() if w.view else None,
        stop=w.ask_stop,
        enter_rate=lambda: _enter_rate(w),
        undo=w.undo,
        redo=lambda: w.undo("redo"),
        rules=lambda: w.view.show_rules() if w.view else None,
        guards=lambda: w.view.show_guards() if w.view else None,
        release=lambda: w.view.control.release.click() if w.view else None,
        schedule=w.edit_schedule,
        find_rate=lambda: w.trying.find(w.view),
        try_rates=lambda: w.trying.compare(w.view),
        fill_tests=lambda menu: w.trying.fill(menu, w.view),
        snapshot=lambda: w.session.snapshot() if w.session else None,
        rewind=lambda: w.asking.rewind(),
        save_picture=lambda: w.sharing.save_picture(),
        copy_picture=lambda: w.sharing.copy_picture(),
        pin=lambda: w.view.plots.readout.pin() if w.view and w.view.plots else None,
        fit=lambda: w.view.plots.fit() if w.view and w.view.plots else None,
        follow=lambda: _toggle(w, "follow"),
        loss_log=lambda: _toggle(w, "loss_log"),
        rate_log=lambda: _toggle(w, "rate_log"),
        theme=lambda choice: w.preferring.put_colours(choice),
        preferences=lambda: w.preferring.show_dialog(w.home),
        zoom=lambda factor: w.view.plots.zoom(factor) if w.view and w.view.plots else None,
        pan=lambda share: w.view.plots.pan(share) if w.view and w.view.plots else None,
        next_pane=lambda backward: next_pane(w.panes(), backward),
        reset_layout=lambda: _reset_layout(w),
        guide=w.show_guide,
        shortcuts=lambda: show_help(w, keys=True),
        about=lambda: show_help(w, keys=False),
    )


def _reset_layout(window: MainWindow) -> None:
    window.addToolBar(window.toolbar)
    window.toolbar.show()
    window.docks.reset()


def show_help(window: MainWindow, keys: bool) -> None:
    """Show the keys, or what lrmonitor is."""
    from .dialogs.help import AboutBox, ShortcutsDialog

    actions = [*window.actions_table.all, *window.docks.actions]
    (ShortcutsDialog(window, actions) if keys else AboutBox(window)).open()


def _toggle(window: MainWindow, name: str) -> None:
    if window.view is not None and window.view.plots is not None:
        getattr(window.view.plots.tools, name).toggle()


def _enter_rate(window: MainWindow) -> None:
    if window.view is not None:
        window.view.control.entry.field.setFocus()
        window.view.control.entry.field.selectAll()
