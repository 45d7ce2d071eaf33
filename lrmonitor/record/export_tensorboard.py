"""A run's series as a TensorBoard event file, with no TensorBoard at hand.

Each point is a scalar event with its own wall time. Values are float32 there, as all that
TensorBoard shows; the table of `record.export` keeps all digits. A file's records are made many at
a time: those of a series with the same number of bytes for the step differ in the same places.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lrmonitor.record.export import ExportError, named_series, source_rank
from lrmonitor.record.foreign.tensorboard import MARK
from lrmonitor.record.foreign.tfrecord import Bytes, frame_rows, framed
from lrmonitor.record.reader import Floats, RunReader, Steps
from lrmonitor.record.span import WHOLE, StepRange

_ROWS = 1 << 15
"""Records made at a time."""


def export_tensorboard(
    reader: RunReader,
    folder: str | os.PathLike[str],
    rank: int | None = None,
    span: StepRange = WHOLE,
) -> int:
    """Write the series of one rank (by default the lowest) of a run that was polled into a folder,
    which is made if it is not there; the number of points.

    The file is there once it is complete. Raises ExportError for a rank that is not there, and for
    a folder that holds event files already (their curves would be drawn as one) or cannot be
    written.
    """
    source = source_rank(reader, rank)
    target = Path(folder)
    part = None
    count = 0
    try:
        target.mkdir(parents=True, exist_ok=True)
        if any(MARK in name for name in os.listdir(target)):
            raise ExportError(f"{folder} holds event files already: name another folder")
        host = "".join(c for c in socket.gethostname() if c.isalnum() or c in ".-") or "host"
        name = f"events.out.{MARK}.{int(time.time())}.{host}.{os.getpid()}.lrmonitor"
        part = target / f".{secrets.token_hex(4)}.part"
        with open(part, "xb") as file:
            file.write(framed(_begin()))
            for tag, series in named_series(source):
                points = span.points(series)
                count += len(points[0])
                for rows in records(tag, *points):
                    file.write(rows.tobytes())
        os.replace(part, target / name)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()
    return count


def records(tag: str, step: Steps, times: Floats, value: Floats) -> Iterator[Bytes]:
    """Records of the points (each shape (n,)) of a series, as arrays of bytes (records, length)."""
    name = tag.encode("utf-8", "backslashreplace")
    head = b"\x0a" + _varint(len(name)) + name + b"\x15"
    inner = len(head) + 4
    before = b"\x0a" + _varint(inner) + head
    lead = b"\x2a" + _varint(len(before) + 4) + before
    with np.errstate(over="ignore"):
        floats = value.astype("<f4")
    for start in range(0, len(step), _ROWS):
        part = slice(start, start + _ROWS)
        numbers = step[part].astype(np.int64).view(np.uint64)
        sizes = _sizes(numbers)
        for begin, end in _stretches(sizes):
            size = int(sizes[begin])
            rows = np.empty((end - begin, 10 + size + len(lead) + 4), np.uint8)
            rows[:, 0] = 0x09
            rows[:, 1:9] = _bytes_of(times[part][begin:end].astype("<f8"), 8)
            rows[:, 9] = 0x10
            for at in range(size):
                seven = (numbers[begin:end] >> np.uint64(7 * at)) & np.uint64(0x7F)
                rows[:, 10 + at] = seven | np.uint64(0x80 if at < size - 1 else 0)
            rows[:, 10 + size : -4] = np.frombuffer(lead, np.uint8)
            rows[:, -4:] = _bytes_of(floats[part][begin:end], 4)
            yield frame_rows(rows)


def _begin() -> bytes:
    """The event that each file begins with: its version."""
    version = b"brain.Event:2"
    return b"\x09" + struct.pack("<d", time.time()) + b"\x1a" + bytes([len(version)]) + version


def _bytes_of(column: np.ndarray[tuple[int], np.dtype[np.floating]], size: int) -> Bytes:
    return np.ascontiguousarray(column).view(np.uint8).reshape(len(column), size)


def _sizes(numbers: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> np.ndarray:
    """How many bytes each takes as a varint."""
    limits = np.array([1 << 7 * n for n in range(1, 10)], np.uint64)
    return np.searchsorted(limits, numbers, "right") + 1


def _stretches(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Where the size stays the same, so that the order of the points is kept."""
    edges = [0, *(np.flatnonzero(np.diff(sizes)) + 1).tolist(), len(sizes)]
    for begin, end in itertools.pairwise(edges):
        if end > begin:
            yield begin, end


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
