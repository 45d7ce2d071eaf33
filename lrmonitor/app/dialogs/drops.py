"""Files dropped on a window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData

__all__ = ["dropped_log", "dropped_script"]


def dropped_script(data: QMimeData) -> Path | None:
    """The first Python file of a drop; None if there is none."""
    for url in data.urls():
        path = Path(url.toLocalFile())
        if url.isLocalFile() and path.suffix == ".py" and path.is_file():
            return path
    return None


def dropped_log(data: QMimeData) -> Path | None:
    """The first file or folder of a drop that is no Python file; None if there is none. Whether it
    is a log or a run is not looked at yet."""
    for url in data.urls():
        path = Path(url.toLocalFile())
        if url.isLocalFile() and path.suffix != ".py" and path.exists():
            return path
    return None
