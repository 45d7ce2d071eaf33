"""Looking at what a run's processes use, every other second and off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from lrmonitor.model.gpu import find_gpus
from lrmonitor.model.usage import Usage, UsageMeter

from .dialogs.background import Background
from .session import Session

__all__ = ["LOOK_SECONDS", "UsageWatch"]

LOOK_SECONDS = 2.0
"""Between two looks: a person reads no faster, and a look reads some files of each process."""


class UsageWatch(QObject):
    """Follows one session on the window's ticks. Lives in the GUI thread; the meter is used by one
    short-lived thread at a time.

    `changed(Usage | None)`: None where there is nothing to tell, as of a run that is over or whose
    processes are another machine's.
    """

    changed = Signal(object)

    def __init__(
        self,
        session: Session,
        parent: QObject | None = None,
        make: Callable[[], UsageMeter] = lambda: UsageMeter(find_gpus=find_gpus),
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._meter = make()
        self._looked: float | None = None
        self._worker = Background("usage", self)
        self._worker.done.connect(self._on_done)

    def tick(self) -> None:
        """Look, if it is time for that and no look is under way."""
        if not self._session.model.state.live:
            if self._looked is not None:
                self._looked = None
                self.changed.emit(None)
            return
        now = self._session.clock()
        due = self._looked is None or abs(now - self._looked) >= LOOK_SECONDS
        if due and not self._worker.busy:
            self._looked = now
            processes = self._session.model.processes
            self._worker.ask(lambda: self._meter.look(processes))

    def close(self) -> None:
        """Look no more, and let go of the GPUs' driver."""
        self._looked = None
        self._worker.close()
        self._meter.close()

    def _on_done(self, result: object) -> None:
        if self._looked is not None:
            self.changed.emit(result if isinstance(result, Usage) else None)
