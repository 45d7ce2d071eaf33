"""What a window or a verb adds to a run: `clients/<id>.jsonl`, one file for each of them."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lrmonitor.record import layout
from lrmonitor.record.jsonl import JsonlWriter


class ClientLog:
    """Appends a client's events to a run folder.

    The file is made at the first event and has this object as its only writer. `kind` ("cli",
    "window") begins its name. Methods raise OSError when the folder cannot be written.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        kind: str,
        by: Mapping[str, Any],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.id = f"{kind}-{os.getpid()}-{secrets.token_hex(4)}"
        self._path = Path(folder) / layout.CLIENTS / f"{self.id}.jsonl"
        self._by = dict(by)
        self._clock = clock
        self._writer: JsonlWriter | None = None

    def note(self, text: str, step: int | None = None) -> None:
        """A note of the person; `step` is the step it belongs to, if it is known."""
        self.write("note", text=text, **({} if step is None else {"step": step}))

    def name(self, name: str) -> None:
        """Another name for the run."""
        self.write("name", name=name)

    def tags(self, tags: Iterable[str]) -> None:
        """The run's tags, in the place of those that it had."""
        self.write("tags", tags=sorted(set(tags)))

    def write(self, event: str, **fields: object) -> None:
        """Any event, stamped with the time now and the author."""
        if self._writer is None:
            # A run folder that was deleted must not come back as a folder with nothing but a note.
            if not self._path.parent.parent.is_dir():
                raise FileNotFoundError(f"{self._path.parent.parent} is gone")
            self._path.parent.mkdir(exist_ok=True)
            self._writer = JsonlWriter(self._path)
        self._writer.write({"time": self._clock(), "event": event, **fields, "by": self._by})
