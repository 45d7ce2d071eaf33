"""What a diagnosis in a process of its own is told and tells: frames on two pipes.

Work: one line of JSON, and for rows their columns after it, as they stand in memory (both ends are
of one machine). An answer to each, in their order: one line of JSON with the findings that are new
or changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import BinaryIO, TypeAlias

import numpy as np

from lrmonitor.diagnosis.chunk import OPTIONAL, Chunk
from lrmonitor.diagnosis.finding import Finding

__all__ = ["Work", "answer", "findings_of", "pack", "unpack"]

Work: TypeAlias = Chunk | float | None
"""Rows, the time of day in unix seconds, or the end of the log."""

_TYPES = {"step": np.int64} | dict.fromkeys(("loss", *OPTIONAL), np.float64)


def pack(work: Work) -> bytes:
    """A piece of work as bytes."""
    if work is None:
        return b'{"end": true}\n'
    if not isinstance(work, Chunk):
        return json.dumps({"now": work}).encode() + b"\n"
    columns = [name for name in _TYPES if getattr(work, name) is not None]
    head = {"rows": len(work), "columns": columns, "rewound": work.rewound}
    parts = [getattr(work, name).tobytes() for name in columns]
    return b"".join((json.dumps(head).encode(), b"\n", *parts))


def unpack(stream: BinaryIO) -> Work:
    """The next piece of work. EOFError where none comes any more, even amid one."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head = json.loads(line)
    if "now" in head:
        return float(head["now"])
    if "end" in head:
        return None
    found = {}
    for name in head["columns"]:
        kind = np.dtype(_TYPES[name])
        data = stream.read(head["rows"] * kind.itemsize)
        if len(data) < head["rows"] * kind.itemsize:
            raise EOFError
        found[name] = np.frombuffer(data, kind)
    chunk = Chunk(**found)
    chunk.rewound = tuple(head["rewound"])
    return chunk


def answer(findings: Iterable[Finding]) -> bytes:
    """What came of a piece of work."""
    return json.dumps([finding.to_json() for finding in findings]).encode() + b"\n"


def findings_of(line: bytes) -> list[Finding]:
    """The findings of an answer. ValueError where it is none."""
    try:
        return [Finding.from_json(one) for one in json.loads(line)]
    except (KeyError, TypeError) as error:
        raise ValueError(f"no answer of a diagnosis: {line[:100]!r}") from error
