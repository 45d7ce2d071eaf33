"""The composition root: everything of the window is made and joined here."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrmonitor.record.reader import RunReader

    from .presence import Presence
    from .settings import Settings

__all__ = ["run_window"]


def run_window(
    folder: Path | None,
    *,
    log: RunReader | None = None,
    screenshot: Path | None = None,
    screenshot_after: float | None = None,
    runs: Path | None = None,
    theme: str | None = None,
    new: bool = False,
) -> int:
    """Open the window on the run in `folder` until it is closed; without one on the run that was
    open last, if it still lives (unless `new`), or on none. If another window shows the run, that
    one comes to the front instead. `log` reads what is there, if that is no run but another
    program's log.

    With `screenshot`, save a picture there after `screenshot_after` seconds (or, without that,
    as soon as there is something to see) and return. `runs` is the home of the runs listed;
    `theme` is "light", "dark", "system" or None for what was chosen last. Returns the exit code:
    0, or 2 when there is no display or the picture cannot be written.
    """
    # Before Qt: it aborts the process when there is no display.
    from .display import display_problem

    if screenshot is not None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    problem = display_problem()
    if problem is not None:
        return _fail(problem)
    _import_numpy()
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QApplication

    from lrmonitor.record.home import runs_home

    from . import preferences
    from .geometry import SIZE
    from .presence import Presence
    from .screenshot import Photographer, picture_problem
    from .settings import Settings
    from .theme import ThemeManager
    from .window import MainWindow

    if screenshot is not None and (problem := picture_problem(screenshot)) is not None:
        return _fail(problem)
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        application = QApplication(["lrmonitor"])
    application.setApplicationName("lrmonitor")
    application.setApplicationDisplayName("lrmonitor")
    application.setDesktopFileName("lrmonitor")
    settings = Settings()
    home = runs_home(runs)
    # A picture is of its own window, whoever else shows the run.
    presence = Presence() if screenshot is None else None
    if presence is not None:
        if folder is None and not new:
            folder = _to_reopen(settings, home, presence)
        elif folder is not None and presence.elsewhere(folder):
            print("lrmonitor: its window was open and came to the front", file=sys.stderr)
            return 0
    themes = ThemeManager(theme or preferences.load(settings).colours)
    window = MainWindow(home, settings, themes, presence)
    if folder is not None:
        window.open_run(folder, log)
    code = 0
    if screenshot is not None:
        window.leave_on_close = True
        # The same picture everywhere: no screen is there to fit, and no size was chosen for it.
        window.resize(*SIZE)
        photographer = Photographer(window, screenshot, screenshot_after)

        def taken(saved: bool) -> None:
            nonlocal code
            if saved:
                print(f"lrmonitor: saved {screenshot}", file=sys.stderr)
            else:
                code = _fail(f"--screenshot {screenshot}: it could not be written")
            window.leave_and_close()

        photographer.taken.connect(taken)
    window.finished.connect(application.quit)
    window.show()
    with _interrupts(window.leave_and_close):
        application.exec()
    # In this order: the scene's items go while Qt is whole.
    window.deleteLater()
    application.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    application.processEvents()
    return code


def _to_reopen(settings: Settings, home: Path, presence: Presence) -> Path | None:
    """What a window without a run begins with, as it is preferred: the last run, or none."""
    from . import preferences

    if not preferences.load(settings).reopen:
        return None
    return _last_live(settings.text("session/run"), home, presence)


def _last_live(kept: str, home: Path, presence: Presence) -> Path | None:
    """The run of this home that was open last, if it still lives and no other window shows it."""
    from lrmonitor.model.run import STATE_POINTS, RunModel

    folder = Path(kept)
    if not kept or folder.parent != home or not folder.is_dir():
        return None
    model = RunModel(folder, last=STATE_POINTS)
    model.poll()
    if not model.state.live or presence.elsewhere(folder, show=False):
        return None
    return folder


def _import_numpy() -> None:
    """Load numpy without its idle BLAS threads, and leave the environment as it was: a run that
    is started from this process inherits it."""
    if "numpy" in sys.modules:
        return
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import numpy  # noqa: F401

    if before is None:
        del os.environ["OPENBLAS_NUM_THREADS"]


@contextlib.contextmanager
def _interrupts(close: object) -> Iterator[None]:
    """Ctrl-C in the terminal (or SIGTERM) closes the window; the run goes on."""
    if threading.current_thread() is not threading.main_thread() or not callable(close):
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: close())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fail(problem: str) -> int:
    print(f"lrmonitor: {problem}", file=sys.stderr)
    return 2
