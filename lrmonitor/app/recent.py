"""The menu of recent runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QMenu

from lrmonitor.record.catalogue import Catalogue

__all__ = ["fill_recent"]

SHOWN = 20


def fill_recent(
    menu: QMenu, home: Path, current: Path | None, open_run: Callable[[Path], object]
) -> None:
    """Fill a menu with the newest runs of a home; the one that is open is ticked."""
    menu.clear()
    entries = [run for run in Catalogue(home).runs() if run.problem is None][:SHOWN]
    for entry in entries:
        action = menu.addAction(entry.name.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(entry.folder == current)
        action.triggered.connect(lambda _=False, folder=entry.folder: open_run(folder))
    if not entries:
        menu.addAction(menu.tr("No runs yet")).setEnabled(False)
