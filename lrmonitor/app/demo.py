"""Starting the demo from the window."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from lrmonitor.launch.demo import NoTorch, demo
from lrmonitor.launch.interpreter import NoInterpreter
from lrmonitor.launch.spec import SpecError
from lrmonitor.launch.start import LaunchError, start_detached
from lrmonitor.resources import resource_path

__all__ = ["DemoStarter"]


class DemoStarter(QObject):
    """Starts the demo as a run of its own, which needs no window to go on. Lives in the GUI thread;
    the work is done in a short-lived one, since to ask a Python for torch may take a second.

    `started(Path)`: the run's folder; `failed(str)`: why there is none, and what to do.
    """

    started = Signal(object)
    failed = Signal(str)

    def __init__(self, home: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._home = home
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether it is being started."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start it; a second call while it starts does nothing."""
        if self.busy:
            return
        self._thread = threading.Thread(target=self._run, name="lrmonitor-demo", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait until nothing is being started any more."""
        if self._thread is not None:
            self._thread.join(10.0)

    def _run(self) -> None:
        try:
            spec, _ = demo(resource_path("examples", "digits.py"), self._home)
            launched = start_detached(spec)
        except NoTorch as error:
            problem = self.tr(
                "The demo trains with PyTorch, which {0} does not have. Install it there with "
                "“pip install 'lrmonitor[demo]'”, then try again."
            ).format(error.python)
            self._tell(problem=problem)
        except (NoInterpreter, SpecError, LaunchError, OSError) as error:
            self._tell(problem=self.tr("The demo could not be started: {0}").format(error))
        else:
            self._tell(folder=launched.folder)

    def _tell(self, folder: Path | None = None, problem: str = "") -> None:
        try:
            if folder is not None:
                self.started.emit(folder)
            else:
                self.failed.emit(problem)
        except RuntimeError:
            return  # the window was closed meanwhile
