"""The window's questions. Each is asked without blocking and answers by a signal."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractButton, QMessageBox, QWidget

__all__ = ["CloseQuestion", "Question", "StopQuestion", "UndoQuestion"]


class Question(QMessageBox):
    """A question with named answers. `answered(name)`; closing it answers "cancel"."""

    answered = Signal(str)

    def __init__(self, parent: QWidget, title: str, text: str, detail: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setIcon(QMessageBox.Icon.Question)
        self.setText(f"<b>{text.replace('&', '&amp;').replace('<', '&lt;')}</b>")
        self.setInformativeText(detail)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.answers: dict[str, QAbstractButton] = {}
        self.finished.connect(self._finish)

    def offer(
        self, name: str, text: str, role: QMessageBox.ButtonRole, default: bool = False
    ) -> None:
        """Add an answer; the `default` one is Enter's."""
        button = self.addButton(text, role)
        self.answers[name] = button
        if default:
            self.setDefaultButton(button)
        if name == "cancel":
            self.setEscapeButton(button)

    def _finish(self) -> None:
        clicked = self.clickedButton()
        name = next((name for name, button in self.answers.items() if button is clicked), "cancel")
        self.answered.emit(name)


class CloseQuestion(Question):
    """A live run's window is being closed: "leave" (default), "stop" or "cancel"."""

    def __init__(self, parent: QWidget, run: str, stopping: bool) -> None:
        super().__init__(parent, "", "", "")
        self.setWindowTitle(self.tr("Close the window"))
        heading = self.tr("“{0}” is still running.").format(run)
        self.setText(f"<b>{heading.replace('&', '&amp;').replace('<', '&lt;')}</b>")
        detail = self.tr(
            "Leave it training: it goes on without the window, and “lrmonitor” shows it again.\n\n"
            "Stop it: it ends as by Ctrl-C, at its next step; then the window closes."
        )
        if stopping:
            detail = self.tr("It was asked to stop and has not ended yet.\n\n") + detail
        self.setInformativeText(detail)
        role = QMessageBox.ButtonRole
        self.offer("leave", self.tr("Leave it training"), role.AcceptRole, default=True)
        self.offer("stop", self.tr("Stop it"), role.DestructiveRole)
        self.offer("cancel", self.tr("Cancel"), role.RejectRole)


class StopQuestion(Question):
    """The person wants the run ended in the way `how` names: "yes" or "cancel"."""

    def __init__(self, parent: QWidget, run: str, how: str) -> None:
        super().__init__(parent, "", "", "")
        titles = {
            "interrupt": self.tr("Stop “{0}”?"),
            "terminate": self.tr("Terminate “{0}”?"),
            "kill": self.tr("Kill “{0}”?"),
        }
        details = {
            "interrupt": self.tr(
                "It ends as by Ctrl-C: KeyboardInterrupt at the end of its current step. "
                "What the script does on Ctrl-C (saving, say) is done."
            ),
            "terminate": self.tr(
                "SIGTERM is sent to all its processes. Python ends at once, unless the script "
                "handles that signal: nothing more is saved."
            ),
            "kill": self.tr(
                "SIGKILL is sent to all its processes. They end without any chance to save "
                "or to clean up."
            ),
        }
        words = {
            "interrupt": self.tr("Stop training"),
            "terminate": self.tr("Terminate"),
            "kill": self.tr("Kill"),
        }
        title = titles[how].format(run)
        self.setWindowTitle(words[how])
        self.setText(f"<b>{title.replace('&', '&amp;').replace('<', '&lt;')}</b>")
        self.setInformativeText(details[how])
        self.setIcon(QMessageBox.Icon.Question if how == "interrupt" else QMessageBox.Icon.Warning)
        role = QMessageBox.ButtonRole
        self.offer("yes", words[how], role.DestructiveRole, default=how == "interrupt")
        self.offer("cancel", self.tr("Cancel"), role.RejectRole, default=how != "interrupt")


class UndoQuestion(Question):
    """Somebody else changed the rate since what is undone ("undo") or done again ("redo"): "yes"
    or "cancel". `what` is the change, `conflict` a sentence on the other one."""

    def __init__(self, parent: QWidget, way: str, what: str, conflict: str) -> None:
        super().__init__(parent, "", "", "")
        word = self.tr("Undo") if way == "undo" else self.tr("Redo")
        self.setWindowTitle(word)
        title = self.tr("{0} “{1}” all the same?").format(word, what)
        self.setText(f"<b>{title.replace('&', '&amp;').replace('<', '&lt;')}</b>")
        replaced = self.tr("{0}\n\nThat would be replaced.").format(conflict)
        if way == "undo":
            replaced += self.tr(" The weights are not undone.")
        self.setInformativeText(replaced)
        role = QMessageBox.ButtonRole
        self.offer("yes", self.tr("{0} it").format(word), role.AcceptRole)
        self.offer("cancel", self.tr("Leave it"), role.RejectRole, default=True)
