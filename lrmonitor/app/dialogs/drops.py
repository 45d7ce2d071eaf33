"""Files dropped on a window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData

__all__ = ["dropped_script"]


def dropped_script(data: QMimeData) -> Path | None:
    """The first Python file of a drop; None if there is none."""
    for url in data.urls():
        path = Path(url.toLocalFile())
        if url.isLocalFile() and path.suffix == ".py" and path.is_file():
            return path
    return None
