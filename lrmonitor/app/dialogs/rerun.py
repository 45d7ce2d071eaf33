"""What is asked and told about running a run once more."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from .questions import Question

__all__ = ["CannotRerunBox", "RerunQuestion", "RestartQuestion"]


class RerunQuestion(Question):
    """The run that is to be started again still goes on: "yes" or "cancel"."""

    def __init__(self, parent: QWidget, run: str) -> None:
        super().__init__(
            parent,
            self.tr("Re-run"),
            self.tr("“{0}” is still running.").format(run),
            self.tr(
                "A second run with the same settings starts beside it. Both write what the script "
                "writes: checkpoints of the one may replace those of the other."
            ),
        )
        role = QMessageBox.ButtonRole
        self.offer("yes", self.tr("Start a second one"), role.AcceptRole)
        self.offer("cancel", self.tr("Cancel"), role.RejectRole, default=True)


class RestartQuestion(Question):
    """The run is to be started again with its rate multiplied, `times` in words: "yes" or
    "cancel"."""

    def __init__(self, parent: QWidget, run: str, times: str, live: bool) -> None:
        detail = self.tr(
            "The same script, settings and folder. From its first step on the script’s own "
            "learning rate is multiplied, its schedule included; that can be released in the "
            "control panel, and is recorded with the run."
        )
        if live:
            detail = self.tr("This run is ended first, as by Ctrl-C. ") + detail
        super().__init__(
            parent,
            self.tr("Start again"),
            self.tr("Start “{0}” again with the rate {1}?").format(run, times),
            detail,
        )
        role = QMessageBox.ButtonRole
        words = self.tr("Stop it and start again") if live else self.tr("Start again")
        self.offer("yes", words, role.AcceptRole, default=not live)
        self.offer("cancel", self.tr("Cancel"), role.RejectRole, default=live)


class CannotRerunBox(QMessageBox):
    """Why a run cannot be started again."""

    def __init__(self, parent: QWidget, run: str, reason: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setIcon(QMessageBox.Icon.Information)
        self.setWindowTitle(self.tr("Re-run"))
        heading = self.tr("“{0}” cannot be run again from here.").format(run)
        self.setText(f"<b>{heading.replace('&', '&amp;').replace('<', '&lt;')}</b>")
        text = reason[:1].upper() + reason[1:]
        self.setInformativeText(text if text.endswith(".") else f"{text}.")
