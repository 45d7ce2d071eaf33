"""What kind of log a path holds, told by its content."""

from __future__ import annotations

import json
import os
from pathlib import Path

from lrmonitor.record.foreign.base import ForeignLog, NotALog
from lrmonitor.record.foreign.csvlog import MOST_CELLS, CsvLog, delimiter, is_comment, is_data
from lrmonitor.record.foreign.jsonllog import JsonlLog
from lrmonitor.record.foreign.lightning import LightningLog, newest_version
from lrmonitor.record.foreign.linelog import BOM
from lrmonitor.record.foreign.names import is_rate, roles, step_columns
from lrmonitor.record.foreign.table import NoNumber, number
from lrmonitor.record.foreign.tensorboard import MARK, TensorBoardLog, event_files
from lrmonitor.record.foreign.tfrecord import Corrupt, split
from lrmonitor.record.foreign.trainer_state import TrainerStateLog, newest

HEAD = 1 << 20
"""Bytes at a file's start that it is told by."""

_LINES = 20

LOOKED_FOR_FILE = (
    "separated values (CSV) with a row of names or of numbers, JSON lines, a TensorBoard event "
    "file, or Hugging Face's trainer_state.json"
)
LOOKED_FOR_FOLDER = (
    "run.json (a run of lrmonitor's), trainer_state.json (Hugging Face), metrics.csv (Lightning's "
    "CSVLogger) or TensorBoard event files"
)


def open_log(path: str | os.PathLike[str]) -> ForeignLog:
    """The log at a path, nothing of it read yet. Raises NotALog, which says what was looked for."""
    place = Path(path)
    if place.is_dir():
        return _folder(place)
    try:
        with open(place, "rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise NotALog(f"{place} cannot be read: {error.strerror or error}") from None
    log = _file(place, head)
    if log is not None:
        return log
    if not head:
        raise NotALog(f"{place} is empty: there is nothing yet to tell its format by")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotALog(f"{place} is UTF-16 text: logs are read as UTF-8")
    raise NotALog(f"{place} is no log that is understood: it is not {LOOKED_FOR_FILE}")


def _folder(place: Path) -> ForeignLog:
    if newest(place) is not None:
        return TrainerStateLog(place)
    version = newest_version(place)
    if version is not None:
        return LightningLog(version)
    if event_files(place):
        return TensorBoardLog(place)
    raise NotALog(
        f"{place} is neither a run nor a log that is understood: it holds no {LOOKED_FOR_FOLDER}"
    )


def _file(place: Path, head: bytes) -> ForeignLog | None:
    if _is_events(place, head):
        return TensorBoardLog(place)
    if b"\0" in head[:4096]:
        return None
    text = head.removeprefix(BOM).decode("utf-8", "replace")
    start = text.lstrip()
    if start.startswith("{"):
        line = start.splitlines()[0]
        if _is_object(line):
            return TrainerStateLog(place) if '"log_history"' in line else JsonlLog(place)
        return TrainerStateLog(place) if '"log_history"' in text else None
    return CsvLog(place) if _is_csv(place, text) else None


def _is_events(place: Path, head: bytes) -> bool:
    try:
        return bool(split(head)[0]) or (MARK in place.name and len(head) < 12)
    except Corrupt:
        return MARK in place.name


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_csv(place: Path, text: str) -> bool:
    """Whether the first lines are a header and numbers below it, or rows of numbers; a header alone
    only if its names are those of a log."""
    lines = [line for line in text.splitlines()[: _LINES + 1] if line.strip()]
    while lines and is_comment(lines[0]):
        lines.pop(0)
    if not lines:
        return False
    if len(lines) > 1 and len(text) >= HEAD:
        lines.pop()  # cut off
    mark = delimiter(lines)
    comma = mark != ","
    rows = [line.split(mark)[:4096] for line in lines]
    if is_data(rows[0], comma):
        return True
    if len(text) >= HEAD and len(lines) == 1:
        return len(rows[0]) > MOST_CELLS  # a header that is longer than what is looked at
    if any(_has_number(row, comma) for row in rows[1:] if len(row) == len(rows[0])):
        return True
    names = [cell.strip().strip('"').lstrip("# ") for cell in rows[0]]
    told = roles(names)
    known = step_columns(names) or told.loss or told.validation or any(map(is_rate, names))
    return len(lines) == 1 and bool(known)


def _has_number(cells: list[str], comma: bool) -> bool:
    for cell in cells:
        try:
            if number(cell.strip('"'), comma) is not None:
                return True
        except NoNumber:
            continue
    return False
