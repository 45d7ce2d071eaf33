"""The process that diagnoses beside a window, as the window sees it."""

from __future__ import annotations

import signal
import sys

from PySide6.QtCore import QObject, QProcess, Signal

from lrmonitor.diagnosis.finding import Finding
from lrmonitor.diagnosis.wire import Work, findings_of, pack
from lrmonitor.launch.own import own_command

__all__ = ["DiagnosisProcess"]

PATIENCE_MS = 5000
"""How long its end is waited for, once it was killed."""


class DiagnosisProcess(QObject):
    """`lrmonitor.diagnosis.serve`. Lives in the GUI thread; nothing here waits but `close`.

    A thread would share the interpreter with the window: while it computes, each of the window's
    calls into Qt or numpy may wait for its turn, 5 ms at a time.

    - `answered()`: a piece of work is done; `taken` tells what was found.
    - `died(str)`: it ended by itself, or could not be started, and why.
    """

    answered = Signal()
    died = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.waiting = 0
        """Pieces of work that are not answered yet."""
        self._found: dict[int, Finding] = {}
        self._process = QProcess(self)
        if sys.platform != "win32":
            # A fork would copy the page tables of all the columns.
            parameters = QProcess.UnixProcessParameters()
            parameters.flags = QProcess.UnixProcessFlag.UseVFork
            self._process.setUnixProcessParameters(parameters)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)

    @property
    def pid(self) -> int:
        """Its number; 0 where it does not run."""
        return int(self._process.processId())

    def start(self) -> None:
        """Start it. Work may be asked for at once."""
        program, *words = own_command("lrmonitor.diagnosis.serve")
        self._process.start(program, words)

    def ask(self, work: Work) -> None:
        """Have this done next."""
        self.waiting += 1
        self._process.write(pack(work))

    def taken(self) -> list[Finding]:
        """What was found since the last call, each finding as it stands last."""
        found, self._found = self._found, {}
        return list(found.values())

    def close(self) -> None:
        """End it, without what is left to do."""
        self._process.blockSignals(True)
        self._process.kill()
        self._process.waitForFinished(PATIENCE_MS)
        self.deleteLater()

    def _read(self) -> None:
        while self._process.canReadLine():
            try:
                found = findings_of(bytes(self._process.readLine().data()))
            except ValueError as error:
                self.close()
                self.died.emit(str(error))
                return
            self._found.update((one.id, one) for one in found)
            self.waiting -= 1
            self.answered.emit()

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        said = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
        words = said.strip().rpartition("\n")[2].strip()
        if status is QProcess.ExitStatus.CrashExit:
            try:
                words = signal.Signals(code).name
            except ValueError:
                words = words or self.tr("it crashed")
        self.died.emit(words or self.tr("exit code {0}").format(code))

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self.died.emit(self._process.errorString())
