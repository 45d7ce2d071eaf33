"""Which processes of a run live."""

from __future__ import annotations

from lrmonitor.model import process
from lrmonitor.model.process import Identity

LOOK_EVERY = 0.5
"""Seconds between two looks at the processes; the files are read at every poll."""


class ProcessWatch:
    """The processes that a run's record names, and which of them lived at the latest look.

    `script` is what the supervisor started, `registered` the processes that train, by rank; `torch`
    is whether the script has loaded PyTorch, looked at until one trains.
    """

    def __init__(self) -> None:
        self.supervisor: Identity | None = None
        self.script: Identity | None = None
        self.registered: dict[int, Identity] = {}
        self.supervisor_alive = False
        self.script_alive = False
        self.living: dict[int, Identity] = {}
        self.torch: bool | None = None
        self._looked: float | None = None

    @property
    def alive(self) -> bool:
        """Whether the script or a process that trains lived."""
        return self.script_alive or bool(self.living)

    @property
    def identity(self) -> Identity | None:
        """The process to signal to end the run: the launched script, or the one that trains."""
        if self.script is not None and self.script_alive:
            return self.script
        if self.living:
            return self.living[min(self.living)]
        if self.script is None and self.registered:
            return self.registered[min(self.registered)]
        return self.script

    def due(self, now: float) -> bool:
        """Whether it is time for another look."""
        return self._looked is None or abs(now - self._looked) >= LOOK_EVERY

    def hasten(self) -> None:
        """Make another look due."""
        self._looked = None

    def look(self, now: float, *, over: bool, elsewhere: bool) -> None:
        """See who lives.

        `over`: the script's end is recorded, and its pid may be on its way to another process.
        `elsewhere`: the processes are another machine's, and cannot be seen.
        """
        self._looked = now
        self.supervisor_alive = not (over or elsewhere) and _lives(self.supervisor)
        self.script_alive = not (over or elsewhere) and _lives(self.script)
        if self.script is not None and self.script_alive and not self.registered and not self.torch:
            self.torch = process.loads_torch(self.script)
        ended = self.script.pid if over and self.script is not None else None
        self.living = {
            rank: who
            for rank, who in self.registered.items()
            if not elsewhere and who.pid != ended and _lives(who)
        }


def _lives(who: Identity | None) -> bool:
    return who is not None and process.find(who) is not None
