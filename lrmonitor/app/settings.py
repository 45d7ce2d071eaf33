"""What the window remembers from one opening to the next: geometry and choices.

An ini file in the user's configuration folder, so that it can be read, copied and deleted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import platformdirs
from PySide6.QtCore import QByteArray, QSettings

__all__ = ["Settings", "settings_file"]


def settings_file() -> Path:
    """The file (`$XDG_CONFIG_HOME/lrmonitor/window.ini` on Linux)."""
    return Path(platformdirs.user_config_dir("lrmonitor")) / "window.ini"


class Settings:
    """Typed access to the file. A value that makes no sense counts as absent."""

    def __init__(self, path: Path | None = None) -> None:
        self._store = QSettings(str(path or settings_file()), QSettings.Format.IniFormat)

    def bytes(self, key: str) -> QByteArray | None:
        """A blob that Qt made, such as a geometry."""
        found = self._store.value(key)
        return found if isinstance(found, QByteArray) and not found.isEmpty() else None

    def mapping(self, key: str) -> dict[str, Any]:
        """A mapping of plain values."""
        try:
            found = json.loads(str(self._store.value(key, "{}")))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def text(self, key: str, default: str = "") -> str:
        """A word."""
        found = self._store.value(key, default)
        return found if isinstance(found, str) else default

    def put(self, key: str, value: QByteArray | str | dict[str, Any]) -> None:
        """Remember a value."""
        self._store.setValue(key, json.dumps(value) if isinstance(value, dict) else value)

    def save(self) -> None:
        """Write to the disk now. A disk that refuses loses the choices and nothing else."""
        self._store.sync()
