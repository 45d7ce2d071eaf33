"""Run folders written byte by byte, as docs/run-folder.md says: an independent check of readers."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Point = tuple[int, float, float]

T0 = 1_700_000_000.0
"""When recorded runs begin, in unix seconds."""


class Recorded:
    """A run folder that a test writes."""

    def __init__(self, home: Path, id: str = "20231114-221320-abcd", **info: Any) -> None:
        self.folder = home / id
        self.folder.mkdir(parents=True)
        self.info = {
            "format": 1,
            "id": id,
            "name": "digits",
            "kind": "launched",
            "created": T0,
            "script": "train.py",
            "argv": ["train.py"],
            "command": ["python", "train.py"],
            "cwd": "/somewhere",
            "host": socket.gethostname(),
            "user": "ann",
            "python": "/usr/bin/python3",
            "git_commit": None,
            "lrmonitor": "0.1.0",
            "env": {},
            **info,
        }
        (self.folder / "run.json").write_text(json.dumps(self.info), "utf-8")

    @property
    def id(self) -> str:
        """The run's id."""
        return self.folder.name

    def supervisor(self, event: str, time: float = T0, **fields: Any) -> None:
        """A line of the supervisor's."""
        self._line(self.folder / "supervisor.jsonl", event, time, fields)

    def event(self, event: str, time: float = T0, rank: int = 0, **fields: Any) -> None:
        """A line of a rank's."""
        self._line(self.folder / "ranks" / str(rank) / "events.jsonl", event, time, fields)

    def client(self, event: str, time: float = T0, client: str = "cli-1", **fields: Any) -> None:
        """A line of a window's or a verb's."""
        self._line(self.folder / "clients" / f"{client}.jsonl", event, time, fields)

    def declare(
        self,
        index: int,
        name: str,
        kind: str,
        optimizer: int | None = 0,
        group: int | None = None,
        recorded: str = "each",
        rank: int = 0,
    ) -> None:
        """A `series` event."""
        self.event(
            "series",
            rank=rank,
            series=index,
            name=name,
            kind=kind,
            optimizer=optimizer,
            group=group,
            recorded=recorded,
        )

    def optimizer(
        self,
        number: int = 0,
        kind: str = "AdamW",
        groups: int = 1,
        main: bool = True,
        refuses: str | None = None,
        time: float = T0,
        rank: int = 0,
    ) -> None:
        """An `optimizer` event; `refuses` is why its rate cannot be set."""
        fields: dict[str, Any] = {"optimizer": number, "class": kind, "groups": groups}
        fields |= {"main": main, "controllable": refuses is None, "reason": refuses}
        self.event("optimizer", time, rank, **fields)

    def points(self, index: int, points: Iterable[Point], rank: int = 0) -> None:
        """Records at the end of a series file."""
        self.raw(index, b"".join(struct.pack("<qdd", *point) for point in points), rank)

    def raw(self, index: int, data: bytes, rank: int = 0) -> None:
        """Bytes at the end of a series file."""
        path = self.series_file(index, rank)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:
            file.write(data)

    def series_file(self, index: int, rank: int = 0) -> Path:
        """Where a series is."""
        return self.folder / "ranks" / str(rank) / "series" / f"{index}.f64"

    def training(self, steps: int = 10, pid: int | None = None, dt: float = 0.1) -> None:
        """One optimizer with one group that made some steps: loss 1/n at a rate of 0.001."""
        self.event(
            "environment",
            pid=pid or 2**22 + 1,
            started=None,
            rank=0,
            host=self.info["host"],
            python="3.11.7",
            torch="2.13.0",
        )
        self.optimizer()
        self.declare(0, "loss", "loss")
        self.declare(1, "lr[0.0]", "lr", group=0, recorded="changes")
        self.declare(2, "scheduled[0.0]", "scheduled_lr", group=0, recorded="changes")
        self.points(0, ((n, T0 + dt * n, 1 / n) for n in range(1, steps + 1)))
        self.points(1, [(1, T0 + dt, 1e-3)])
        self.points(2, [(1, T0 + dt, 1e-3)])

    def _line(self, path: Path, event: str, time: float, fields: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"time": time, "event": event, **fields}) + "\n")
