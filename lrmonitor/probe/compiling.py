"""Noticing that `torch.compile` is at work, which may hold a step up for a minute."""

from __future__ import annotations

import sys
from time import time
from typing import Any

from lrmonitor.record.writer import RankWriter

LONG = 0.2
"""Seconds after which a compilation is told: those of small pieces go by unnoticed."""


class Compiling:
    """Called back by torch's compiler on the training thread; writes on the writer's."""

    def __init__(self) -> None:
        self._asked = False
        self._since: float | None = None
        self._done: float | None = None
        self._told: float | None = None

    def look(self, writer: RankWriter, now: float) -> None:
        """Ask to be called back, once the script has had the compiler imported; write what began
        or ended."""
        if not self._asked:
            module: Any = sys.modules.get("torch._dynamo.callback")
            handler = getattr(module, "callback_handler", None)
            if handler is not None:
                self._asked = True
                handler.register_start_callback(self._begins)
                handler.register_end_callback(self._ends)
        since, done = self._since, self._done
        if self._told is None and since is not None and now - since >= LONG:
            self._told = since
            writer.event("compiling", time=since)
        if self._told is not None and done is not None and done >= self._told:
            writer.event("compiled", time=done, seconds=round(done - self._told, 3))
            self._told = None

    def _begins(self, *_: Any) -> None:
        self._since = time()

    def _ends(self, *_: Any) -> None:
        if self._since is not None:
            self._since, self._done = None, time()
