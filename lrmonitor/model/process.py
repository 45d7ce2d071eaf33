"""Processes of a run: whether they live, and signals that never reach a stranger.

A process is its pid *and* the time it was created, since a pid is given anew to another process
after its own is gone. Where that time was not recorded, a moment at which the process was seen
alive does as well: whoever has the pid now and was created before that moment is the same process.
"""

from __future__ import annotations

import contextlib
import os
import signal as signals
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import psutil

from lrmonitor.model.rates import number

TOLERANCE = 2.0
"""Seconds by which two readings of a creation time may differ: the kernel counts it in ticks since
boot, and the boot time is re-estimated when the clock is set."""


@dataclass(frozen=True)
class Identity:
    """A process that outlives its pid's reuse: created at `started`, or alive at `seen`.

    Both are unix seconds; with neither the process can be found but is never signalled.
    """

    pid: int
    started: float | None = None
    seen: float | None = None


def identity(pid: object, started: object, seen: object) -> Identity | None:
    """The process that a record names; None where it does not."""
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        return None
    return Identity(pid, number(started), number(seen))


def find(who: Identity) -> psutil.Process | None:
    """The process, if it lives and is the one meant; a zombie does not live."""
    if who.pid <= 0:
        return None
    try:
        process = psutil.Process(who.pid)
        created = process.create_time()
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
    except psutil.AccessDenied:
        # It exists and belongs to another user, so it can only be watched.
        return None
    except (psutil.Error, OSError):
        return None
    if who.started is not None:
        return process if abs(created - who.started) <= TOLERANCE else None
    if who.seen is not None:
        return process if created <= who.seen + TOLERANCE else None
    return process


def alive(pid: int, started: float | None, seen: float | None = None) -> bool:
    """Whether the process of that pid, created at `started` or seen alive at `seen`, lives."""
    return find(Identity(pid, started, seen)) is not None


def tree(who: Identity) -> list[psutil.Process]:
    """The process, all that descend from it, and the rest of its process group if it leads one.

    The process itself is the first. Empty when it is gone. Never holds the caller's own process.
    """
    root = find(who)
    if root is None:
        return []
    found = {root.pid: root}
    with contextlib.suppress(psutil.Error):
        found.update((child.pid, child) for child in root.children(recursive=True))
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(root.pid) == root.pid:
            found.update((p.pid, p) for p in _group(root.pid) if p.pid not in found)
    found.pop(os.getpid(), None)
    return list(found.values())


def loads_torch(who: Identity) -> bool | None:
    """Whether PyTorch's library is loaded in the process or one that descends from it.

    None where that cannot be seen: the process is gone or another user's, or the system is not
    Linux, which alone lists what a process has mapped.
    """
    root = find(who)
    if root is None or not os.path.isdir("/proc"):
        return None
    found = [root]
    with contextlib.suppress(psutil.Error):
        found += root.children(recursive=True)
    seen = None
    for one in found:
        with contextlib.suppress(OSError):
            with open(f"/proc/{one.pid}/maps", "rb") as maps:
                seen = b"/libtorch" in maps.read()
            if seen:
                return True
    return seen


def interrupt(who: Identity) -> list[int]:
    """SIGINT to the process group of the process, as Ctrl-C in its terminal does.

    Where the caller is itself in that group, the process alone is signalled. The pids signalled;
    empty when the process is gone or cannot be told from another. Raises PermissionError for a
    process of another user.
    """
    root = _sure(who)
    if root is None:
        return []
    try:
        group = os.getpgid(root.pid)
        if group != os.getpgrp():
            members = [p.pid for p in _group(group)]
            os.killpg(group, signals.SIGINT)
            return members
        os.kill(root.pid, signals.SIGINT)
    except ProcessLookupError:
        return []
    return [root.pid]


def terminate(who: Identity) -> list[psutil.Process]:
    """SIGTERM to the whole tree; the processes that were signalled."""
    return signal_tree(who, signals.SIGTERM)


def kill(who: Identity) -> list[psutil.Process]:
    """SIGKILL to the whole tree; the processes that were signalled."""
    return signal_tree(who, signals.SIGKILL)


def signal_tree(who: Identity, signal: int) -> list[psutil.Process]:
    """Send a signal to the tree of a process; the processes that got it.

    The tree is looked up again until nobody new is found, so that a child that was made meanwhile
    gets it too. Raises PermissionError when none of them could be signalled for want of rights.
    """
    if _sure(who) is None:
        return []
    reached: dict[int, psutil.Process] = {}
    denied = False
    for _ in range(10):
        new = [p for p in tree(who) if p.pid not in reached]
        for process in new:
            try:
                process.send_signal(signal)
            except psutil.NoSuchProcess:
                continue
            except psutil.AccessDenied:
                denied = True
                continue
            reached[process.pid] = process
        if not new:
            break
    if denied and not reached:
        raise PermissionError(f"process {who.pid} belongs to another user")
    return list(reached.values())


def signal_each(processes: Iterable[psutil.Process], signal: int) -> list[psutil.Process]:
    """Send a signal to processes held from before (psutil checks that each is still the same)."""
    reached = []
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            process.send_signal(signal)
            reached.append(process)
    return reached


def wait_gone(
    processes: Sequence[psutil.Process],
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
) -> list[psutil.Process]:
    """Wait at most `timeout` seconds until the processes are gone; those that still live.

    Polls, since the processes are seldom the caller's children; a zombie counts as gone.
    """
    limit = time.monotonic() + timeout
    pause = 0.005
    while True:
        left = [p for p in processes if _lives(p)]
        rest = limit - time.monotonic()
        if not left or rest <= 0:
            return left
        sleep(min(pause, rest))
        pause = min(2 * pause, 0.1)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _sure(who: Identity) -> psutil.Process | None:
    """The process, if there is proof that it is the one meant."""
    return None if who.started is None and who.seen is None else find(who)


def _group(group: int) -> list[psutil.Process]:
    """The processes of a process group."""
    members = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getpgid(pid) == group:
                members.append(psutil.Process(pid))
    return members
