"""New run: what to run, with which Python, where; it is started only by the Start button."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.launch.again import recent
from lrmonitor.launch.form import Form, Problem, command_line, launch_spec, problems
from lrmonitor.launch.spec import SpecError
from lrmonitor.launch.start import Launched, LaunchError, ignored_signals, start_detached
from lrmonitor.model.state import duration
from lrmonitor.record.catalogue import Catalogue

from ..panels.parts import Banner, line, quiet
from ..theme import Theme
from .background import Background
from .commandline import CommandLine
from .drops import dropped_script
from .run_form import RunForm

__all__ = ["NewRunDialog"]

WIDTH = 660
PAUSE_MS = 600
"""After this long without a key, what was typed counts as meant, and is told if it is wrong."""


class NewRunDialog(QDialog):
    """Fills in a launch and starts it. `started(Path)`: the run's folder. Not modal."""

    started = Signal(object)

    def __init__(self, home: Path, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("New run"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        self._home = home
        self.form = RunForm(theme, self)
        self.command = CommandLine(self)
        self.banner = Banner(theme, self)
        self.reason = quiet(parent=self)
        self.recent = QPushButton(self.tr("&Recent runs"), self)
        self.recent.setAutoDefault(False)
        self.recent.setMenu(QMenu(self.recent))
        self.recent.setProperty("role", "menu")
        self.recent.hide()
        self.start = QPushButton(self.tr("Start"), self)
        self.start.setProperty("role", "primary")
        self.start.setDefault(True)
        self.cancel = QPushButton(self.tr("Cancel"), self)
        self.cancel.setAutoDefault(False)
        self._lay_out()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._tell)
        self._launch = Background("launch", self)
        self._launch.done.connect(self._on_launched)
        self._catalogue = Background("recent", self)
        self._catalogue.done.connect(self._on_recent)
        self._catalogue.ask(lambda: recent(run.info for run in Catalogue(home).runs()))
        self.form.edited.connect(self._on_edited)
        self.form.left.connect(self._tell)
        self.start.clicked.connect(self._start)
        self.cancel.clicked.connect(self.reject)
        self._on_edited()
        self.form.targets["script"].setFocus()
        self.setMinimumWidth(480)
        self.resize(self.sizeHint())

    def fill(self, form: Form, why: str = "") -> None:
        """Fill everything in; `why` is a sentence on what went wrong before, if so."""
        self.form.fill(form)
        self.banner.say(why, "bad")
        self._tell()

    def fill_script(self, path: Path) -> None:
        """Fill the script in, and nothing else."""
        self.form.fill_script(path)
        self.banner.say("")
        self._tell()
        self.form.arguments.setFocus()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.form.set_theme(theme)
        self.banner.set_theme(theme)

    def _on_edited(self) -> None:
        found = problems(self.form.form())
        self.form.clear_mended(found)
        self._show_state(found)
        self._pause.start()

    def _tell(self) -> None:
        """Say at the fields what is wrong."""
        self._pause.stop()
        found = problems(self.form.form())
        self.form.show_problems(found)
        self._show_state(found)
        self._grow()

    def _show_state(self, found: list[Problem]) -> None:
        starting = self._launch.busy
        self.start.setEnabled(not found and not starting)
        self.start.setText(self.tr("Starting…") if starting else self.tr("Start"))
        self.form.setEnabled(not starting)
        self.recent.setEnabled(not starting)
        # What stands at its field in red is not said once more beside the button.
        untold = [one.text for one in found if not self.form.tells(one)]
        self.reason.setText(untold[0] if untold else "")
        self.command.show_command(command_line(self.form.form(), self._home))

    def _start(self) -> None:
        self._tell()
        form = self.form.form()
        try:
            spec = launch_spec(form, self._home, ignored_signals())
        except SpecError as error:
            self.banner.say(_sentence(self.tr("It was not started: {0}"), str(error)), "bad")
            return
        self.banner.say("")
        self._launch.ask(lambda: start_detached(spec))
        self._show_state([])

    def _on_launched(self, result: object) -> None:
        self._show_state(problems(self.form.form()))
        if isinstance(result, Launched):
            self.started.emit(result.folder)
            self.accept()
            return
        reason = result.reason if isinstance(result, LaunchError) else str(result)
        self.banner.say(_sentence(self.tr("It was not started: {0}"), reason), "bad")
        self._grow()

    def _on_recent(self, result: object) -> None:
        menu = self.recent.menu()
        if not isinstance(result, list) or menu is None:
            return
        metrics = menu.fontMetrics()
        for form, when in result:
            text = metrics.elidedText(_words(form), Qt.TextElideMode.ElideMiddle, 420)
            age = self.tr("{0} ago").format(duration(time.time() - when))
            action = menu.addAction(f"{text}\t{age}".replace("&", "&&"))
            action.setToolTip(form.target)
            action.triggered.connect(lambda _=False, form=form: self.fill(form))
        self.recent.setVisible(bool(result))

    def _grow(self) -> None:
        """Make room for what is said at the fields, as far as the screen has it."""
        viewport = self._area.viewport()
        lacking = self._column.totalHeightForWidth(viewport.width()) - viewport.height()
        if lacking > 0 and self.isVisible():
            room = self.screen().availableGeometry().height() - 40
            self.resize(self.width(), max(self.height(), min(self.height() + lacking, room)))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(
            quiet(self.tr("It starts as the plain command would, and opens in this window."), self),
            1,
        )
        head.addWidget(self.recent, 0, Qt.AlignmentFlag.AlignTop)
        inside = QWidget(self)
        # Lines that may wrap say that they need several; the height for its width is the true one.
        inside.setMinimumSize(1, 1)
        self._column = column = QVBoxLayout(inside)
        column.setContentsMargins(20, 16, 20, 14)
        column.setSpacing(14)
        column.addLayout(head)
        column.addWidget(self.form)
        column.addWidget(line(inside))
        column.addWidget(self.command)
        column.addStretch(1)
        self._area = QScrollArea(self)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(inside)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.reason, 1)
        # In the order of the desktop, as in every other dialog.
        box = QDialogButtonBox(self)
        box.addButton(self.start, QDialogButtonBox.ButtonRole.AcceptRole)
        box.addButton(self.cancel, QDialogButtonBox.ButtonRole.RejectRole)
        buttons.addWidget(box)
        self._foot = foot = QVBoxLayout()
        foot.setContentsMargins(20, 10, 20, 14)
        foot.setSpacing(10)
        foot.addWidget(self.banner)
        foot.addLayout(buttons)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._area, 1)
        whole.addWidget(line(self))
        whole.addLayout(foot)

    def sizeHint(self) -> QSize:
        height = self._column.totalHeightForWidth(WIDTH) + self._foot.sizeHint().height() + 1
        room = self.screen().availableGeometry().size() - QSize(20, 40)
        return QSize(WIDTH, height).boundedTo(room)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_script(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = dropped_script(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            self.fill_script(path)


def _words(form: Form) -> str:
    """A form on one line, for a menu."""
    target = Path(form.target).name if form.kind == "script" else form.target
    words = " ".join(word for word in (target, form.arguments) if word)
    words = f"-m {words}" if form.kind == "module" else words
    return f"{form.name}: {words}" if form.name else words


def _sentence(pattern: str, reason: str) -> str:
    text = pattern.format(reason)
    return text if text.endswith((".", "…", "!")) else f"{text}."
