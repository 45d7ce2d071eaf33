"""Hugging Face's `trainer_state.json`: written whole at each checkpoint."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lrmonitor.record.foreign.base import Batch, ForeignLog
from lrmonitor.record.foreign.table import Row, Table

NAME = "trainer_state.json"

LARGEST = 1 << 29
"""Bytes (512 MiB) beyond which the file is not read into memory."""

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_SETTINGS = (
    "max_steps", "num_train_epochs", "train_batch_size", "logging_steps", "eval_steps",
    "save_steps", "best_metric", "best_model_checkpoint", "total_flos",
)  # fmt: skip


class TrainerStateLog(ForeignLog):
    """The newest `trainer_state.json` at a path: the file itself, a checkpoint's folder, or an
    output folder with `checkpoint-N` in it."""

    format = "Hugging Face trainer"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._seen: tuple[Path, int, int, int] | None = None
        self._waits = False
        self._history: list[Any] = []
        self._table = Table()

    @property
    def left_out(self) -> list[str]:
        return self._table.left_out

    def files(self) -> Iterable[Path]:
        file = newest(self.path)
        return [] if file is None else [file]

    def read(self) -> Batch:
        file = newest(self.path)
        if file is None:
            return Batch()
        try:
            found = os.stat(file)
            seen = file, found.st_ino, found.st_size, found.st_mtime_ns
            if seen == self._seen:
                self._tell_torn(file)
                return Batch()
            if found.st_size > LARGEST:
                self._seen = seen
                self.say(file, "it is too large to be read")
                return Batch()
            state = json.loads(file.read_bytes())
        except OSError:
            return Batch()
        except (ValueError, RecursionError):
            # Being written now, as it seems: the next look tells.
            self._waits, self._seen = True, seen
            return Batch()
        self._waits, self._seen = False, seen
        return self._take(file, state, found.st_mtime)

    def _tell_torn(self, file: Path) -> None:
        if self._waits:
            self._waits = False
            self.say(file, "it is no JSON, or only a part of it is there")

    def _take(self, file: Path, state: object, time: float) -> Batch:
        history = state.get("log_history") if isinstance(state, dict) else None
        if not isinstance(state, dict) or not isinstance(history, list):
            self.say(file, "it has no log_history")
            return Batch()
        self.problems.clear()
        self.settings = {
            key: str(state[key]) for key in _SETTINGS if state.get(key) not in (None, "", 0)
        }
        before = len(self._history)
        anew = history[:before] != self._history
        if anew:
            self._table, before = Table(), 0
            self.say(file, "its history is another one now, and is read from its start again")
        self._history = history
        rows: list[tuple[int, Row]] = [
            (at, entry) for at, entry in enumerate(history, 1) if isinstance(entry, dict)
        ]
        rows = [row for row in rows if row[0] > before]
        batch = self._table.add(rows, time)
        for trouble in self._table.troubles:
            self.say(file, f"entry {trouble.line} of log_history: {trouble.text}")
        self._table.troubles.clear()
        batch.anew |= anew
        return batch


def newest(path: Path) -> Path | None:
    """The file at a path; in an output folder its own, else that of the last checkpoint."""
    if path.is_file():
        return path
    found: list[tuple[int, Path]] = []
    try:
        names = os.listdir(path)
    except OSError:
        return None
    for name in names:
        match = _CHECKPOINT.fullmatch(name)
        if match and (path / name / NAME).is_file():
            found.append((int(match[1]), path / name / NAME))
    own = path / NAME
    last = max(found)[1] if found else None
    if own.is_file() and (last is None or _changed(own) >= _changed(last)):
        return own
    return last


def _changed(file: Path) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0
