"""What the processes of a run use of the machine: processor, memory, and GPUs where it has any."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import psutil

from lrmonitor.model import process
from lrmonitor.model.gpu import Gpus, GpuUsage
from lrmonitor.model.process import Identity


@dataclass(frozen=True)
class Reading:
    """One process: seconds of processor time so far (user and system, all its threads) and bytes
    that it has in memory. `created` is in unix seconds: with the pid it says which process it is.
    """

    pid: int
    created: float
    cpu: float
    resident: int


@dataclass(frozen=True)
class Usage:
    """What a run uses.

    - `cores`: processor cores, 1.0 is one that is busy all the time, since the look before; None at
      the first look.
    - `resident`: bytes in memory, summed over the processes: what they share counts for each.
    - `processes`: how many there are.
    - `gpus`: those that one of them has memory on.
    """

    cores: float | None
    resident: int
    processes: int
    gpus: tuple[GpuUsage, ...] = ()


class UsageMeter:
    """Looks at the processes of a run, again and again. One thread at a time calls it.

    `read` tells of the processes that are meant and all that belong to them; `find_gpus` is asked
    once, at the first look at anything; `clock` is in unix seconds.
    """

    def __init__(
        self,
        read: Callable[[Iterable[Identity]], Sequence[Reading]] | None = None,
        find_gpus: Callable[[], Gpus | None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._read = read or read_trees
        self._find_gpus: Callable[[], Gpus | None] | None = find_gpus
        self._gpus: Gpus | None = None
        self._clock = clock
        self._before: Mapping[tuple[int, float], float] = {}
        self._looked = 0.0

    def look(self, whose: Iterable[Identity]) -> Usage | None:
        """What these processes and those that belong to them use; None where none lives."""
        now = self._clock()
        readings = self._read(whose)
        spent = {(one.pid, one.created): one.cpu for one in readings}
        cores = self._cores(spent, now)
        self._before, self._looked = spent, now
        if not readings:
            return None
        if self._find_gpus is not None:
            self._gpus, self._find_gpus = self._find_gpus(), None
        pids = [one.pid for one in readings]
        return Usage(
            cores=cores,
            resident=sum(one.resident for one in readings),
            processes=len(readings),
            gpus=self._gpus.read(pids) if self._gpus is not None else (),
        )

    def close(self) -> None:
        """Let go of the GPUs' driver."""
        self._find_gpus = None
        if self._gpus is not None:
            self._gpus.close()
            self._gpus = None

    def _cores(self, spent: Mapping[tuple[int, float], float], now: float) -> float | None:
        """Processor time since the look before, by the time since then.

        A process that was made since counts from its beginning. What one that ended since has used
        in between is not known any more and is left out.
        """
        elapsed = now - self._looked
        if elapsed <= 0 or not spent.keys() & self._before.keys():
            return None
        used = 0.0
        for who, cpu in spent.items():
            if who in self._before:
                used += max(cpu - self._before[who], 0.0)
            elif who[1] >= self._looked:
                used += cpu
        return used / elapsed


def read_trees(whose: Iterable[Identity]) -> list[Reading]:
    """Read these processes and all that belong to them, each once; those that go meanwhile, or are
    another user's, are left out. A millisecond or two, and more where many processes run."""
    found: dict[int, Reading] = {}
    for who in whose:
        if who.pid in found:
            continue  # it descends from one that was read
        for one in process.tree(who):
            if one.pid in found:
                continue
            with contextlib.suppress(psutil.Error, OSError), one.oneshot():
                times = one.cpu_times()
                found[one.pid] = Reading(
                    one.pid, one.create_time(), times.user + times.system, one.memory_info().rss
                )
    return list(found.values())


def cores_text(cores: float) -> str:
    """Cores for a person: "1.8 cores", "12 cores", "1 core"."""
    text = f"{cores:.1f}" if cores < 9.95 else f"{cores:.0f}"
    text = text.removesuffix(".0")
    return f"{text} core" if text == "1" else f"{text} cores"


def bytes_text(size: float) -> str:
    """An amount of memory for a person, in powers of 1024: "812 MiB", "2.3 GiB"."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1023.5:
            return f"{size:.0f} {unit}"
        size /= 1024
    if size < 1000:
        return f"{size:.1f} GiB" if size < 99.95 else f"{size:.0f} GiB"
    return f"{size / 1024:.1f} TiB"
