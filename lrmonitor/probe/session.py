"""This process's place in a run: its rank, its record and its endpoint."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from lrmonitor.link.server import Handler, Server
from lrmonitor.record import layout
from lrmonitor.record.writer import RankWriter


class Session:
    """Made at the first backward pass or optimizer step of a process that trains."""

    def __init__(self, folder: Path, handler: Handler) -> None:
        """Raises OSError when the run folder cannot be written."""
        if not (folder / layout.RUN).is_file():
            raise FileNotFoundError(2, "the run folder is gone", str(folder))
        self.folder = folder
        self.rank = _claim(folder / layout.RANKS)
        self.writer = RankWriter(folder / layout.RANKS / str(self.rank))
        self.server: Server | None = None
        self._errors = 0
        self.writer.event("environment", **_environment(self.rank))
        try:
            self.writer.begin()
        except RuntimeError:  # no more threads can be had
            self.writer.forget()
            raise
        try:
            self.server = Server(folder.name, self.rank, str(folder), handler)
        except OSError as error:
            self.writer.event(
                "probe_error",
                where="endpoint",
                error=f"no commands can be taken: {error}",
                traceback="",
            )

    def failed(self, where: str) -> None:
        """Write the exception being handled into the record, the first few times."""
        self._errors += 1
        if self._errors <= 5:
            error = sys.exc_info()[1]
            self.writer.event(
                "probe_error",
                where=where,
                error=f"{type(error).__name__}: {error}",
                traceback=traceback.format_exc(),
            )

    def close(self) -> None:
        """At the interpreter's exit: write all, remove the endpoint."""
        if self.server is not None:
            self.server.close()
        self.writer.event("ended", reason="exit")
        self.writer.close()

    def forget(self) -> None:
        """In a forked child: everything here is the parent's."""
        if self.server is not None:
            self.server.forget()
        self.writer.forget()


def world_size() -> int:
    """How many processes train together, as far as this one can know."""
    distributed = sys.modules.get("torch.distributed")
    with contextlib.suppress(Exception):
        if distributed is not None and distributed.is_available() and distributed.is_initialized():
            return int(distributed.get_world_size())
    return _number("WORLD_SIZE", 1)


def siblings(folder: Path, rank: int) -> int:
    """How many other training processes of this run are alive on this machine."""
    from lrmonitor.link import paths

    count = 0
    for other, path in paths.endpoints(folder.name).items():
        if other != rank and _alive(path):
            count += 1
    return count


def _alive(endpoint: Path) -> bool:
    import json

    try:
        address = json.loads(endpoint.read_text("utf-8"))["address"]
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(0.5)
            probe.connect(address)
        return True
    except (OSError, ValueError, KeyError):
        return False


def _claim(ranks: Path) -> int:
    """Make this process's folder: the number the launcher gave it, else the first that is free."""
    ranks.mkdir(exist_ok=True)
    told = _number("RANK", -1) if world_size() > 1 else -1
    rank = max(told, 0)
    while True:
        try:
            (ranks / str(rank)).mkdir()
            return rank
        except FileExistsError:
            rank += 1


def _number(name: str, default: int) -> int:
    try:
        return int(os.environ.get(name, ""))
    except ValueError:
        return default


def _environment(rank: int) -> dict[str, Any]:
    torch = sys.modules.get("torch")
    return {
        "rank": rank,
        "pid": os.getpid(),
        "started": _process_start(),
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "executable": sys.executable,
        "torch": str(getattr(torch, "__version__", None)) if torch else None,
        "argv": [str(arg) for arg in getattr(sys, "argv", [])],
        "cwd": _cwd(),
        "world_size": world_size(),
        "main_thread": threading.current_thread() is threading.main_thread(),
    }


def _cwd() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _process_start() -> float | None:
    """When this process was started, in unix seconds, from Linux's /proc; None elsewhere."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        with open("/proc/stat", "rb") as file:
            boot = next(int(line.split()[1]) for line in file if line.startswith(b"btime"))
        return boot + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration, AttributeError):
        return None
