"""How much memory this process may still take on its machine."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

UNLIMITED = 1 << 60
"""A control group's limit from which on it is none (Linux writes a number near 2**63)."""


def available(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that can be had without swapping, within the process's control group; None if this
    system does not tell."""
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError, StopIteration, IndexError):
        lines = (proc / "meminfo").read_text().splitlines()
        line = next(one for one in lines if one.startswith("MemAvailable:"))
        found.append(int(line.split()[1]) * 1024)
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):
            most = int((groups / limit).read_text())
            if most < UNLIMITED:
                found.append(max(most - int((groups / used).read_text()), 0))
    if not found:
        with contextlib.suppress(AttributeError, OSError, ValueError):
            found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)


def size(count: float) -> str:
    """A number of bytes for a person, in powers of 1024: "812 MiB", "2.3 GiB"."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1023.5:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB" if count < 99.95 else f"{count:.0f} GiB"


def lacking(error: BaseException) -> bool:
    """Whether it says that there is no memory: Python's own, and torch's RuntimeError."""
    return isinstance(error, MemoryError) or "memory" in str(error).lower()
