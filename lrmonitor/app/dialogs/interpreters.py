"""The choice of the Python that runs the script."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from lrmonitor.launch.interpreter import NoInterpreter, choose, locate
from lrmonitor.launch.pythons import Python, find_pythons, inspect, likeliest

from ..panels.parts import Choice
from .background import Background

__all__ = ["InterpreterChoice"]

DEBOUNCE_MS = 250


class InterpreterChoice(QObject):
    """Fills a list with the Pythons that are found, and keeps what the person chose.

    Looking for them happens in the background. Until the person chooses one, the likeliest for the
    script's folder is chosen. `changed()`: another one is chosen, or more is known of it.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self.box: QComboBox = Choice(parent)
        self.box.setAccessibleName(self.tr("Python"))
        self.box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.box.setMinimumContentsLength(24)
        self._found: list[Python] = []
        self._added: list[Python] = []
        self._beside: str | None = None
        self._by_person: str | None = None
        self._first = _first_guess()
        self.searched = False
        self._search = Background("pythons", self)
        self._search.done.connect(self._on_found)
        self._inspect = Background("python", self)
        self._inspect.done.connect(self._on_inspected)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self._look)
        self._fill()
        self._look()
        self.box.activated.connect(self._on_activated)

    @property
    def busy(self) -> bool:
        """Whether more is being found out just now."""
        return self._search.busy or self._inspect.busy or self._timer.isActive()

    @property
    def path(self) -> str:
        """The interpreter that is chosen; empty if there is none."""
        found = self.box.currentData()
        return found.path if isinstance(found, Python) else ""

    @property
    def python(self) -> Python | None:
        """What is known of it."""
        found = self.box.currentData()
        return found if isinstance(found, Python) else None

    def look_beside(self, folder: str | None) -> None:
        """Environments in this folder and above it come first from now on."""
        if folder != self._beside:
            self._beside = folder
            self._timer.start()

    def choose(self, path: str) -> None:
        """Choose an interpreter, listed or not; an empty path leaves the choice to us again."""
        if not path:
            self._by_person = None
            self._fill()
            self.changed.emit()
            return
        # One that is not there is shown too: the form says what is wrong with it.
        with contextlib.suppress(NoInterpreter):
            path = locate(path)
        self._by_person = path
        if not any(python.path == path for python in self._all()):
            self._added.insert(0, Python(path, self.tr("chosen")))
            self._inspect.ask(lambda: inspect(path, self.tr("chosen")))
        self._fill()
        self.changed.emit()

    def browse(self) -> None:
        """Ask for one that is not listed."""
        dialog = QFileDialog(self._parent, self.tr("Choose a Python"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        # An environment's Python is a link, and following it would lose the environment.
        dialog.setOption(QFileDialog.Option.DontResolveSymlinks)
        dialog.setDirectory(os.path.dirname(self.path) or str(Path.home()))
        dialog.fileSelected.connect(self.choose)
        dialog.open()

    def _look(self) -> None:
        beside = self._beside
        self._search.ask(lambda: find_pythons(beside))

    def _on_found(self, result: object) -> None:
        self.searched = True
        if isinstance(result, list):
            self._found = result
        self._fill()
        self.changed.emit()

    def _on_inspected(self, result: object) -> None:
        if isinstance(result, Python):
            self._added = [result if p.path == result.path else p for p in self._added]
            self._fill()
            self.changed.emit()

    def _on_activated(self) -> None:
        self._by_person = self.path
        self.changed.emit()

    def _all(self) -> list[Python]:
        found = {python.path for python in self._found}
        return [*(python for python in self._added if python.path not in found), *self._found]

    def _fill(self) -> None:
        pythons = self._all() or ([self._first] if self._first is not None else [])
        wanted = self._by_person
        if wanted is None:
            best = likeliest(pythons)
            wanted = best.path if best is not None else None
        self.box.clear()
        for python in pythons:
            tip = f"{python.path}\n{python.where}"
            self.box.addItem(self._words(python), python)
            self.box.setItemData(self.box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
            if python.path == wanted:
                self.box.setCurrentIndex(self.box.count() - 1)

    def _words(self, python: Python) -> str:
        place = short_path(python.path)
        if python.version is None:
            return place
        torch = self.tr("no torch")
        if python.torch is not None:
            torch = self.tr("torch") if python.torch == "?" else f"torch {python.torch}"
        return f"Python {python.version}, {torch}  ·  {place}"


def short_path(path: str) -> str:
    """A path with `~` for the home folder; of an environment's Python, the environment."""
    folder, name = os.path.split(path)
    if name in ("python", "python3") and os.path.basename(folder) == "bin":
        environment = os.path.dirname(folder)
        if environment not in (os.sep, "/usr", "/usr/local"):
            path = environment
    home = str(Path.home())
    return f"~{path[len(home) :]}" if path == home or path.startswith(home + os.sep) else path


def _first_guess() -> Python | None:
    """What `lrmonitor run` would choose, until the search is done."""
    try:
        chosen = choose(None)
    except NoInterpreter:
        return None
    return Python(chosen.path, chosen.why)
