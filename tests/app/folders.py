"""Run folders for the window's tests, written in the documented format (1), step by step.

What a real supervisor and probe would have appended is appended here, so that each state of the
window can be looked at without a process that happens to be in it. Where a process has to live,
the test's own stands in.
"""

from __future__ import annotations

import json
import math
import os
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil


class RunFolder:
    """A run's folder that grows as the methods are called."""

    def __init__(self, home: Path, name: str = "digits", created: float | None = None) -> None:
        self.now = time.time() - 90.0 if created is None else created
        self.id = f"20260101-101112-{name[:4]:x<4}"
        self.path = home / self.id
        self.path.mkdir(parents=True)
        self.step = 0
        self._series: dict[str, int] = {}
        self._last: dict[str, float] = {}
        info = {
            "format": 1,
            "id": self.id,
            "name": name,
            "kind": "launched",
            "created": self.now,
            "script": f"{name}.py",
            "argv": [f"{name}.py"],
            "command": ["python", f"{name}.py"],
            "cwd": "/home/ann",
            "host": os.uname().nodename,
            "user": "ann",
            "python": "3.11.7",
            "git_commit": None,
            "lrmonitor": "0.1.0",
            "env": {},
        }
        (self.path / "run.json").write_text(json.dumps(info))

    def supervisor(self, event: str, **fields: Any) -> None:
        """A line of the supervisor."""
        self._line(self.path / "supervisor.jsonl", event, fields)

    def event(self, event: str, **fields: Any) -> None:
        """A line of rank 0."""
        self._line(self._rank() / "events.jsonl", event, fields)

    def note(self, text: str) -> None:
        """A note of the person."""
        self.client("note", text=text, step=self.step)

    def client(self, event: str, **fields: Any) -> None:
        """A line of a client."""
        folder = self.path / "clients"
        folder.mkdir(exist_ok=True)
        by = {"who": "person", "via": "cli", "name": "ann"}
        self._line(folder / "cli-1.jsonl", event, {**fields, "by": by})

    def launch(self, alive: bool = True, pid: int | None = None) -> RunFolder:
        """The supervisor starts the script; alive, it is the process `pid` or this very one."""
        me = psutil.Process(pid)
        pid = me.pid if alive else 2**22 - 7
        self.supervisor("starting", pid=pid, command=["python", "digits.py"])
        self.supervisor("started", pid=pid, started=me.create_time() if alive else self.now)
        self.pid = pid
        self.started = me.create_time() if alive else self.now
        return self

    def register(
        self, optimizers: Sequence[tuple[str, int]] = (("SGD", 1),), reason: str | None = None
    ) -> RunFolder:
        """A process registers with these optimizers (class, number of groups); none: loss only."""
        self.event(
            "environment",
            rank=0,
            pid=self.pid,
            started=self.started,
            host=os.uname().nodename,
            python="3.11.7",
            executable="/usr/bin/python",
            torch="2.13.0",
            argv=["digits.py"],
            cwd="/home/ann",
            world_size=1,
            main_thread=True,
        )
        if not optimizers:
            self.event("no_optimizer", reason=reason or "No torch optimizer makes steps here.")
            self.declare("loss", "loss", None, None)
        for number, (name, groups) in enumerate(optimizers):
            self.event(
                "optimizer",
                optimizer=number,
                groups=groups,
                main=number == 0,
                controllable=reason is None,
                reason=reason,
                **{"class": name},
            )
            self.declare("loss" if number == 0 else f"loss[{number}]", "loss", number, None)
            for group in range(groups):
                self.declare(f"lr[{number}.{group}]", "lr", number, group)
                self.declare(f"scheduled[{number}.{group}]", "scheduled_lr", number, group)
        return self

    def declare(
        self, name: str, kind: str, optimizer: int | None, group: int | None, **more: str
    ) -> None:
        """A series."""
        self._series[name] = len(self._series)
        self.event(
            "series",
            series=self._series[name],
            name=name,
            kind=kind,
            optimizer=optimizer,
            group=group,
            recorded="each" if kind == "loss" else "changes",
            **more,
        )

    def add(self, name: str, value: float, step: int | None = None) -> None:
        """One point; a rate only where it changes."""
        if name.startswith(("lr", "scheduled")):
            if self._last.get(name) == value:
                return
            self._last[name] = value
        folder = self._rank() / "series"
        folder.mkdir(exist_ok=True)
        record = struct.pack("<qdd", self.step if step is None else step, self.now, value)
        with open(folder / f"{self._series[name]}.f64", "ab") as file:
            file.write(record)

    def train(
        self,
        steps: int,
        *,
        loss: Any = None,
        scheduled: Any = None,
        effective: Any = None,
        seconds: float = 0.04,
    ) -> RunFolder:
        """Make steps; `loss`, `scheduled` and `effective` are functions of the step."""
        for _ in range(steps):
            self.step += 1
            self.now += seconds
            value = loss(self.step) if loss else falling(self.step)
            for name in self._series:
                inside = name.partition("[")[2].rstrip("]") or "0"
                number = int(inside.partition(".")[0])
                if name.startswith("loss"):
                    self.add(name, value * (1 + 0.4 * number))
                elif name.startswith("scheduled"):
                    group = int(name.rstrip("]").partition(".")[2])
                    self.add(name, (scheduled or cosine)(self.step) / (1 + group) / (1 + number))
                elif name.startswith("lr"):
                    group = int(name.rstrip("]").partition(".")[2])
                    rate = (effective or scheduled or cosine)(self.step)
                    self.add(name, rate / (1 + group) / (1 + number))
        return self

    def command(self, id: str, mode: str, value: float | None = None, via: str = "window") -> None:
        """A rate command arrives."""
        args = {"mode": mode, "value": value, "optimizer": None, "group": None}
        by = {"who": "person", "via": via, "name": "ann"}
        self.event("command", id=id, command="lr", args=args, by=by)

    def applied(
        self,
        id: str,
        mode: str,
        value: float | None,
        override: tuple[str, float | None],
        previous: float,
        effective: float,
        scheduled: float = 1e-3,
        groups: int = 1,
    ) -> None:
        """It took effect at the next step."""
        step = self.step + 1
        told = [
            {
                "optimizer": 0,
                "group": group,
                "scheduled": scheduled / (1 + group),
                "previous": previous / (1 + group),
                "effective": effective / (1 + group),
            }
            for group in range(groups)
        ]
        overrides = [
            {"optimizer": 0, "group": group, "kind": override[0], "value": override[1]}
            for group in range(groups)
        ]
        self.event(
            "rates", id=id, step=step, mode=mode, value=value, overrides=overrides, groups=told
        )
        self.event(
            "acknowledgement",
            id=id,
            status="applied",
            step=step,
            reason=None,
            warning=None,
            groups=told,
        )

    def options(self, told: dict[int, tuple[dict[str, float], ...]]) -> RunFolder:
        """The optimizers tell their groups' other numbers, by optimizer and group."""
        for number, groups in told.items():
            about = [{"options": one} for one in groups]
            self.event("optimizer", optimizer=number, groups=len(groups), about=about)
        return self

    def sizes(self, layers: list[str], steps: range, optimizer: int = 0) -> RunFolder:
        """How far these steps moved the weights: less and less, the first layers less."""
        path = self._rank() / f"sizes.{optimizer}.jsonl"
        head = {"layers": layers, "weights": [4096] * len(layers), "rest": 0}
        lines: list[dict[str, Any]] = [{**head, "lowest": -14, "per_decade": 4}]
        for step in steps:
            falling = 1e-2 / (1 + step / 60)
            ratios = [falling * (1 + i) / len(layers) for i in range(len(layers))]
            shares = [math.exp(-((i - 6) ** 2) / 8) / 5.013 for i in range(13)]
            lines.append(
                {"step": step, "ratios": ratios, "first": 32, "shares": shares, "still": 0.01}
            )
        with open(path, "a") as file:
            file.writelines(json.dumps({"time": self.now, **line}) + "\n" for line in lines)
        return self

    def option_asked(self, id: str, name: str, value: float | None, **where: Any) -> None:
        """A command about an option arrives."""
        args = {"name": name, "value": value, "optimizer": 0, "group": None, **where}
        by = {"who": "person", "via": "window", "name": "ann"}
        self.event("command", id=id, command="option", args=args, by=by)

    def option_applied(
        self, id: str, name: str, value: float | None, scheduled: tuple[float, ...]
    ) -> None:
        """It took effect at the next step, in all groups of the main optimizer."""
        step = self.step + 1
        told = [
            {
                "optimizer": 0,
                "group": group,
                "scheduled": was,
                "previous": was,
                "effective": was if value is None else value,
            }
            for group, was in enumerate(scheduled)
        ]
        overrides = [{"optimizer": 0, "group": g, "value": value} for g in range(len(scheduled))]
        self.event(
            "options", id=id, step=step, name=name, value=value, overrides=overrides, groups=told
        )
        answer = {"status": "applied", "step": step, "reason": None, "warning": None}
        self.event("acknowledgement", id=id, groups=told, **answer)

    def refused(self, id: str, reason: str) -> None:
        """It cannot be made."""
        self.event(
            "acknowledgement",
            id=id,
            status="refused",
            step=None,
            reason=reason,
            warning=None,
            groups=[],
        )

    def exited(self, code: int | None = 0, signal: str | None = None) -> RunFolder:
        """The script ended."""
        self.supervisor("exited", code=code, signal=signal, registered=True)
        return self

    def _rank(self) -> Path:
        folder = self.path / "ranks" / "0"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _line(self, path: Path, event: str, fields: dict[str, Any]) -> None:
        line = {"time": self.now, "event": event, **fields}
        if path.parent.name == "0" and "step" not in fields:
            line["step"] = self.step
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def falling(step: int) -> float:
    """A loss like those of small classifiers: falling, with repeatable noise."""
    noise = math.sin(12.9898 * step) * 43758.5453
    noise -= math.floor(noise)
    return 2.3 * math.exp(-step / 260) + 0.18 + 0.35 * (noise - 0.5) * math.exp(-step / 900)


def cosine(step: int, top: float = 1e-3, steps: int = 1500) -> float:
    """A cosine schedule."""
    return top * 0.5 * (1 + math.cos(math.pi * min(step, steps) / steps))
