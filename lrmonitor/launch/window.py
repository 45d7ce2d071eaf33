"""Starting the window as a process of its own. Nothing of Qt is imported here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lrmonitor.launch import environment
from lrmonitor.launch.own import own_command


def window_command(
    folder: Path | None, options: Sequence[str] = (), home: Path | None = None
) -> list[str]:
    """The command that opens the window on a run, or on none but the list of those in `home`."""
    # For the window's list of runs.
    home = home or (folder.parent if folder is not None else None)
    listed = [] if home is None else [f"--runs={home}"]
    shown = [] if folder is None else [str(folder)]
    return [*own_command("lrmonitor"), "window", *shown, *listed, *options]


def start_window(
    folder: Path | None,
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start the window in a session of its own: keys and the end of the terminal are not for it.

    Its stdout is our stderr, since stdout is the script's alone.
    """
    return subprocess.Popen(
        window_command(folder, options, home),
        stdin=subprocess.DEVNULL,
        stdout=2,
        env={**environment.inherited(), **(env or {})},
        start_new_session=True,
    )


def missing_display(environ: Mapping[str, str] | None = None) -> bool:
    """Whether a window could not be shown here, as far as the environment tells."""
    environ = os.environ if environ is None else environ
    if sys.platform in ("darwin", "win32"):
        return False
    platform = environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if platform and not platform.startswith(("xcb", "wayland")):
        return False
    return not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
