"""Further windows: each is a process of its own, so that none can take another down."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lrmonitor.launch.window import start_window

__all__ = ["OtherWindows"]


class OtherWindows:
    """Starts windows that outlive this one. `home` is the folder of the runs they list."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.started: list[subprocess.Popen[bytes]] = []

    def open(self, folder: Path | None = None) -> None:
        """Open a window on a run, or on none. Raises OSError."""
        # Those that were closed meanwhile are taken off the system's table of processes.
        self.started = [one for one in self.started if one.poll() is None]
        self.started.append(
            start_window(folder, () if folder is not None else ("--new",), home=self._home)
        )

    def let_go(self) -> None:
        """Leave them to themselves."""
        for one in self.started:
            # Else Python warns of a child that was not waited for; the system will reap it.
            one.returncode = one.poll() or 0
        self.started = []
