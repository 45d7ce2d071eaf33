"""Starting, attaching and starting again: the window's dialogs for it, one of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QDialog, QWidget

from lrmonitor.model.run import STATE_POINTS, RunModel
from lrmonitor.record.reader import read_run_json

from .dialogs.background import Background
from .dialogs.drops import dropped_script
from .format import format_rate
from .session import Session
from .theme import Theme, ThemeManager

if TYPE_CHECKING:
    from lrmonitor.launch.form import Form

    from .dialogs.attach import AttachDialog
    from .dialogs.new_run import NewRunDialog
    from .dialogs.questions import Question
    from .dialogs.rerun import CannotRerunBox

__all__ = ["Launcher"]

Shown = TypeVar("Shown", bound=QDialog)


class Launcher(QObject):
    """Belongs to one window. `opened(Path)`: a run that the window is to show.

    A Python file dropped on the window fills in the New run dialog; it is never started by that.
    The dialogs are imported when they are wanted, so that the window is there sooner.
    """

    opened = Signal(object)

    def __init__(
        self,
        window: QWidget,
        home: Path,
        themes: ThemeManager,
        session: Callable[[], Session | None],
    ) -> None:
        """`session` tells which run the window shows."""
        super().__init__(window)
        self._session = session
        self.ways: dict[str, Callable[[], object]] = {"new": self.new_run, "attach": self.attach}
        self._window = window
        self._home = home
        self._themes = themes
        self.new_dialog: NewRunDialog | None = None
        self.attach_dialog: AttachDialog | None = None
        self.question: Question | None = None
        self.box: CannotRerunBox | None = None
        self._again = Background("rerun", self)
        self._again.done.connect(self._on_again)
        self._repeating: dict[str, Any] = {}
        themes.changed.connect(self._on_theme)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def new_run(self) -> NewRunDialog:
        """Show the New run dialog; what was typed into an open one is kept."""
        from .dialogs.new_run import NewRunDialog

        if self.new_dialog is None:
            dialog = NewRunDialog(self._home, self._themes.theme, self._window)
            dialog.started.connect(self.opened)
            dialog.finished.connect(self._new_closed)
            self.new_dialog = dialog
        return _bring(self.new_dialog)

    def attach(self) -> AttachDialog:
        """Show the list of live runs."""
        from .dialogs.attach import AttachDialog

        if self.attach_dialog is None:
            dialog = AttachDialog(self._home, self._themes.theme, self._window)
            dialog.opened.connect(self.opened)
            dialog.new_run_wanted.connect(self.new_run)
            dialog.finished.connect(self._attach_closed)
            self.attach_dialog = dialog
        return _bring(self.attach_dialog)

    def rerun(self, folder: Path | None = None) -> None:
        """Start the run in `folder` (else the open one) again as it was; asks only if it still
        goes on."""
        from .dialogs.rerun import RerunQuestion

        folder = folder or self._open_folder()
        if folder is None or self.question is not None or self._again.busy:
            return
        info, _ = read_run_json(folder)
        model = RunModel(folder, last=STATE_POINTS)
        model.poll()
        if info is None or not self._can_rerun(model.name, info):
            return
        if not model.state.live:
            self._repeat(info)
            return
        question = RerunQuestion(self._window, model.name)
        question.answered.connect(lambda answer: self._on_answer(answer, info))
        self.question = question
        question.open()

    def restart(self, factor: float) -> None:
        """Ask whether to start the open run again with its rate times `factor` from its first step
        on; a live one is ended before."""
        from lrmonitor.link import first_rate

        from .dialogs.rerun import RestartQuestion

        session = self._session()
        if session is None or self.question is not None or self._again.busy:
            return
        info, name = session.model.reader.info, session.model.name
        if not self._can_rerun(name, info):
            return
        known = info.get("env")
        env = first_rate.multiplied(known if isinstance(known, dict) else {}, factor)
        added = {first_rate.VARIABLE: env[first_rate.VARIABLE]}
        times = f"×{format_rate(factor, 3)}"
        question = RestartQuestion(self._window, name, times, session.model.state.live)
        question.answered.connect(lambda answer: self._on_restart(answer, session, added))
        self.question = question
        question.open()

    def _on_restart(self, answer: str, session: Session, env: dict[str, str]) -> None:
        self.question = None
        if answer != "yes":
            return
        info = session.model.reader.info
        if session.over or not session.model.state.live:
            self._repeat(info, env)
            return
        session.ended.connect(lambda: self._repeat(info, env))
        session.stop()

    def rerun_with(self, folder: Path | None = None) -> None:
        """Show the New run dialog filled in with the settings of the run in `folder` (else of the
        open one)."""
        from lrmonitor.launch.again import form_of

        folder = folder or self._open_folder()
        info, _ = (None, None) if folder is None else read_run_json(folder)
        if (
            folder is not None
            and info is not None
            and self._can_rerun(str(info.get("name") or folder.name), info)
        ):
            self.new_run().fill(form_of(info))

    def close(self) -> None:
        """Close the dialogs, as their window closes."""
        for dialog in (self.new_dialog, self.attach_dialog, self.question, self.box):
            if dialog is not None:
                dialog.reject()

    def _open_folder(self) -> Path | None:
        session = self._session()
        return None if session is None else session.folder

    def _can_rerun(self, name: str, info: dict[str, Any]) -> bool:
        """Whether its record says how it was started; tells why not otherwise."""
        from lrmonitor.launch.again import CannotRerun, form_of

        from .dialogs.rerun import CannotRerunBox

        try:
            form_of(info)
        except CannotRerun as error:
            self.box = CannotRerunBox(self._window, name, str(error))
            self.box.finished.connect(self._box_closed)
            self.box.open()
            return False
        return True

    def _repeat(self, info: dict[str, Any], env: dict[str, str] | None = None) -> None:
        from lrmonitor.launch.again import CannotRerun, form_of, spec_again
        from lrmonitor.launch.start import ignored_signals, start_detached

        try:
            ignored = ignored_signals()
            spec = spec_again(info, self._home, detached=True, ignored=ignored, env=env)
        except CannotRerun as error:
            self._mend(form_of(info), str(error))
            return
        self._repeating = info
        self._again.ask(lambda: start_detached(spec))

    def _on_answer(self, answer: str, info: dict[str, Any]) -> None:
        self.question = None
        if answer == "yes":
            self._repeat(info)

    def _on_again(self, result: object) -> None:
        from lrmonitor.launch.again import form_of
        from lrmonitor.launch.start import Launched, LaunchError

        if isinstance(result, Launched):
            self.opened.emit(result.folder)
            return
        reason = result.reason if isinstance(result, LaunchError) else str(result)
        self._mend(form_of(self._repeating), reason)

    def _mend(self, form: Form, reason: str) -> None:
        """It could not be started as it was: the form, where what is wrong can be changed."""
        text = self.tr("It was not started again: {0}").format(reason)
        self.new_run().fill(form, text if text.endswith(".") else f"{text}.")

    def _new_closed(self) -> None:
        self.new_dialog = None

    def _attach_closed(self) -> None:
        self.attach_dialog = None

    def _box_closed(self) -> None:
        self.box = None

    def _on_theme(self, theme: Theme) -> None:
        for dialog in (self.new_dialog, self.attach_dialog):
            if dialog is not None:
                dialog.set_theme(theme)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDragEnterEvent) and dropped_script(event.mimeData()) is not None:
            event.acceptProposedAction()
            return True
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            script = dropped_script(event.mimeData())
            if script is not None:
                event.acceptProposedAction()
                self.new_run().fill_script(script)
                return True
        return super().eventFilter(watched, event)


def _bring(dialog: Shown) -> Shown:
    """Show a dialog, in front of its window."""
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
    return dialog
