"""The bar below: what the run uses of the machine, and how long ago its last step was."""

from __future__ import annotations

import os

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from lrmonitor.model.gpu import GpuUsage
from lrmonitor.model.state import duration
from lrmonitor.model.usage import Usage, bytes_text, cores_text

from ..session import Session
from ..usage import UsageWatch

__all__ = ["StatusBar"]

SHOW_TICKS = 15
"""Ticks between two updates of the time since the last step: two a second."""


class StatusBar(QStatusBar):
    """Follows the open run's usage; hidden where there is nothing to tell.

    Each figure explains itself in its tooltip. In a narrow window the last ones go.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        # Narrower than all that could be told in it: what has no room is left out.
        self.setMinimumWidth(1)
        self._session: Session | None = None
        self._watch: UsageWatch | None = None
        self._ticks = 0
        self._usage: Usage | None = None
        self.step = self._figure(
            self.tr("Last step"),
            self.tr("How long ago the latest step that was recorded was done."),
        )
        self.cores = self._figure(
            self.tr("CPU"),
            self.tr(
                "Processor cores that the run's processes keep busy, data loaders included, over "
                "the last two seconds. This machine has {0}."
            ).format(os.cpu_count() or "?"),
        )
        self.memory = self._figure(self.tr("Memory"), "")
        self.gpus: list[QLabel] = []
        self._show_usage(None)

    def follow(self, session: Session | None) -> None:
        """Tell of this run from now on, or of none."""
        if self._watch is not None:
            self._watch.close()
            self._watch.deleteLater()
        self._session = session
        self._watch = None if session is None else UsageWatch(session, self)
        if self._watch is not None:
            self._watch.changed.connect(self._show_usage)
        self._show_usage(None)

    def tick(self) -> None:
        """Have the run's processes looked at when it is time."""
        if self._watch is None:
            return
        self._watch.tick()
        self._ticks += 1
        if self._ticks % SHOW_TICKS == 0:
            self._show_step()

    def _show_usage(self, usage: Usage | None) -> None:
        self._usage = usage
        if usage is not None:
            cores = "–" if usage.cores is None else cores_text(usage.cores)
            self._say(self.cores, self.tr("CPU"), cores)
            self._say(self.memory, self.tr("Memory"), bytes_text(usage.resident))
            self.memory.setToolTip(
                self.tr(
                    "Memory that the run's processes ({0}) occupy (resident). What several of "
                    "them share counts for each."
                ).format(usage.processes)
            )
            self._show_gpus(usage.gpus)
            self._show_step()
        self._fit()
        if self.isHidden() != (usage is None):
            self.setVisible(usage is not None)

    def _show_gpus(self, gpus: tuple[GpuUsage, ...]) -> None:
        while len(self.gpus) < len(gpus):
            self.gpus.append(self._figure("GPU", ""))
        for label, gpu in zip(self.gpus, gpus, strict=False):
            name = self.tr("GPU {0}").format(gpu.index)
            told = [] if gpu.memory is None else [bytes_text(gpu.memory)]
            if gpu.busy is not None:
                told.append(self.tr("{0} % busy").format(round(100 * gpu.busy)))
            self._say(label, name, ", ".join(told) or self.tr("in use"))
            lines = [gpu.name, self.tr("The first figure is the memory of the run's processes.")]
            if gpu.used is not None and gpu.total is not None:
                lines.append(
                    self.tr("All programs together use {0} of its {1}.").format(
                        bytes_text(gpu.used), bytes_text(gpu.total)
                    )
                )
            lines.append(
                self.tr("“Busy” is the share of the last moment in which it worked for anybody.")
            )
            label.setToolTip("\n".join(lines))

    def _show_step(self) -> None:
        if self._session is None or self._usage is None:
            return
        latest = self._session.model.step_time
        if latest is None:
            self._say(self.step, self.tr("Last step"), "–")
            return
        ago = max(self._session.clock() - latest, 0.0)
        text = self.tr("less than 1 s ago") if ago < 1 else self.tr("{0} ago").format(_whole(ago))
        self._say(self.step, self.tr("Last step"), text)

    def _figure(self, name: str, tip: str) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setContentsMargins(8, 0, 8, 0)
        label.setToolTip(tip)
        label.setText(name)
        self.addWidget(label)
        return label

    def _say(self, label: QLabel, name: str, value: str) -> None:
        text = f"{name}  {value}"
        if text != label.text():
            label.setText(text)
            label.setAccessibleName(f"{name}: {value}")
            self._fit()

    def _fit(self) -> None:
        """Show what is known and has room."""
        gpus = self._usage.gpus if self._usage is not None else ()
        known = [self.cores, self.memory, *self.gpus[: len(gpus)], self.step]
        room = self.width()
        for label in [self.cores, self.memory, *self.gpus, self.step]:
            room -= label.sizeHint().width() + 6 if label in known else 0
            fits = label in known and room >= 0
            if label.isHidden() == fits:
                label.setVisible(fits)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


def _whole(seconds: float) -> str:
    """In whole seconds, so that the bar does not flicker."""
    return duration(float(int(seconds)))
