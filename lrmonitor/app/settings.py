"""What the window remembers from one opening to the next: geometry and choices.

An ini file in the user's configuration folder, so that it can be read, copied and deleted.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import platformdirs
from PySide6.QtCore import QByteArray, QSettings

__all__ = ["VERSION", "Settings", "settings_file"]

VERSION = 1
"""Of what is in the file: raise it when an older lrmonitor would misread a newer one's."""

_KEY = "version"


def settings_file() -> Path:
    """The file (`$XDG_CONFIG_HOME/lrmonitor/window.ini` on Linux)."""
    return Path(platformdirs.user_config_dir("lrmonitor")) / "window.ini"


class Settings:
    """Typed access to the file. A value that makes no sense counts as absent.

    A file of a newer version is left as it is, and one beside it is used (`window-1.ini`). One that
    cannot be read is set aside (`window.damaged.ini`), and another begun. `path` is the one in use.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = _usable(path or settings_file())
        self._store = QSettings(str(self.path), QSettings.Format.IniFormat)

    def bytes(self, key: str) -> QByteArray | None:
        """A blob that Qt made, such as a geometry."""
        found = self._store.value(key)
        return found if isinstance(found, QByteArray) and not found.isEmpty() else None

    def mapping(self, key: str) -> dict[str, Any]:
        """A mapping of plain values."""
        try:
            found = json.loads(str(self._store.value(key, "{}")))
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def text(self, key: str, default: str = "") -> str:
        """A word."""
        found = self._store.value(key, default)
        return found if isinstance(found, str) else default

    def put(self, key: str, value: QByteArray | str | dict[str, Any]) -> None:
        """Remember a value."""
        if not self._store.contains(_KEY):
            self._store.setValue(_KEY, VERSION)
        self._store.setValue(key, json.dumps(value) if isinstance(value, dict) else value)

    def save(self) -> None:
        """Write to the disk now, and read what other windows wrote. A disk that refuses loses the
        choices and nothing else."""
        self._store.sync()


def _usable(path: Path) -> Path:
    """The file to use in place of `path`, if that is a newer version's or cannot be read."""
    for candidate in (path, path.with_name(f"{path.stem}-{VERSION}{path.suffix}")):
        store = QSettings(str(candidate), QSettings.Format.IniFormat)
        told = str(store.value(_KEY, VERSION))
        known = told.isascii() and told.isdigit()
        if store.status() == QSettings.Status.FormatError or not known:
            with contextlib.suppress(OSError):
                os.replace(candidate, candidate.with_name(f"{path.stem}.damaged{path.suffix}"))
            return candidate
        if int(told[:9]) <= VERSION:
            return candidate
    return path.with_name(f"{path.stem}-{VERSION}{path.suffix}")
