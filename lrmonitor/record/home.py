"""Where runs are kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def runs_home(override: str | os.PathLike[str] | None = None) -> Path:
    """The folder of all runs: `override` (--runs), else LRMONITOR_RUNS, else the user's data.

    The last follows the rule of platformdirs' `user_data_dir("lrmonitor")`, which cannot be
    imported here: a script that calls `lrmonitor.start()` may not have it.
    """
    chosen = override or os.environ.get("LRMONITOR_RUNS")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return _user_data() / "lrmonitor" / "runs"


def _user_data() -> Path:
    if sys.platform == "darwin":
        return Path("~/Library/Application Support").expanduser()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "").strip() or "~/AppData/Local"
        return Path(local).expanduser() / "lrmonitor"
    told = os.environ.get("XDG_DATA_HOME", "").strip()
    return Path(told or "~/.local/share").expanduser()
