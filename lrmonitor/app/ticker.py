"""The one timer of the window: everything that moves by itself moves on its tick."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal

__all__ = ["TICK_MS", "Ticker"]

TICK_MS = 33


class Ticker(QObject):
    """Emits `ticked` about 30 times a second while it runs. Tests call `tick` themselves."""

    ticked = Signal()

    def __init__(self, parent: QObject | None = None, interval: int = TICK_MS) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.setInterval(interval)
        self._timer.timeout.connect(self.tick)

    def start(self) -> None:
        """Begin to tick."""
        self._timer.start()

    def stop(self) -> None:
        """Tick no more."""
        self._timer.stop()

    def tick(self) -> None:
        """Tick once, now."""
        self.ticked.emit()
