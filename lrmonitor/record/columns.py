"""A column of numbers that grows: contiguous, with no pause that grows with it.

Where the system gives memory page by page as it is written (Linux, macOS), a large column takes a
range of 4 GiB of addresses, so that it is not copied before it has 536 million numbers, and what is
not written yet costs nothing. Elsewhere (Windows would count the whole range as used), and where no
such range is to be had, its room is doubled, as for a small column.
"""

from __future__ import annotations

import mmap
import platform
import sys
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

if sys.platform != "win32":
    import resource

    _UNLIMITED = resource.RLIM_INFINITY

__all__ = ["Column"]

Kind = TypeVar("Kind", bound=np.generic)

_LEAST = 1024
"""Bytes of the first room."""
_MAPPED = 1 << 18
"""Bytes from which a column has a range of addresses of its own."""
_UNCOUNTED = getattr(mmap, "MAP_NORESERVE", 0)
"""The flag that keeps Linux from counting the range as used; Python names it since 3.13."""
if not _UNCOUNTED and sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64"):
    _UNCOUNTED = 0x4000
_RANGE = 1 << 32
"""Bytes of that range."""
_POPULATE = 23 if sys.platform == "linux" else None
"""The advice to give the pages of a range memory in one call, where else the first write to each of
them is a fault of its own (`MADV_POPULATE_WRITE` of Linux 5.14; Python has no name for it)."""
_AT_ONCE = 1 << 16
"""Bytes of an append from which that is faster: 0.35 ms a megabyte in the place of 0.6."""


class Column(Generic[Kind]):
    """Numbers of one type, appended at the end.

    A view taken earlier stays valid, and keeps what it shows, but does not grow. Not thread-safe.
    """

    def __init__(self, kind: type[Kind] | np.dtype[Kind]) -> None:
        self._array: npt.NDArray[Kind] = np.empty(0, kind)
        self._range: mmap.mmap | None = None
        self._count = 0
        self._view: npt.NDArray[Kind] | None = None

    def __len__(self) -> int:
        return self._count

    @property
    def view(self) -> npt.NDArray[Kind]:
        """All numbers, shape (len,), read-only. No copy."""
        if self._view is None:
            self._view = self._array[: self._count]
            self._view.flags.writeable = False
        return self._view

    def append(self, numbers: npt.NDArray[Kind]) -> None:
        """Add these, shape (n,), in time proportional to n on average."""
        self.added(len(numbers))[:] = numbers

    def added(self, count: int) -> npt.NDArray[Kind]:
        """Room for `count` more, which belong to the column from now on: to be written at once."""
        end = self._count + count
        if end > len(self._array):
            self._enlarge(end)
        size = self._array.itemsize
        if self._range is not None and count * size >= _AT_ONCE:
            _populate(self._range, self._count * size, end * size)
        room = self._array[self._count : end]
        self._count = end
        self._view = None
        return room

    def clear(self) -> None:
        """Forget all. Views taken earlier keep theirs."""
        self._array = np.empty(0, self._array.dtype)
        self._range = None
        self._count = 0
        self._view = None

    def _enlarge(self, least: int) -> None:
        """Room for `least` numbers in all and more."""
        kind = self._array.dtype
        wanted = max(least, 2 * len(self._array)) * kind.itemsize
        wanted = max(wanted, _LEAST)
        self._range = _reserved(max(_RANGE, 2 * wanted)) if wanted > _MAPPED else None
        larger: npt.NDArray[Kind]
        if self._range is None:
            larger = np.empty(wanted // kind.itemsize, kind)
        else:
            larger = np.frombuffer(self._range, kind, len(self._range) // kind.itemsize)
        larger[: self._count] = self._array[: self._count]
        self._array = larger


def _populate(memory: mmap.mmap, start: int, stop: int) -> None:
    """Give the pages of these bytes their memory, where the system can do that in one call."""
    global _POPULATE
    if _POPULATE is None:
        return
    start -= start % mmap.PAGESIZE
    try:
        memory.madvise(_POPULATE, start, stop - start)
    except OSError:
        _POPULATE = None  # an older system: they have memory as they are written


def _reserved(size: int) -> mmap.mmap | None:
    """Addresses for `size` bytes, without memory until they are written; None if not to be had."""
    if sys.platform == "win32" or resource.getrlimit(resource.RLIMIT_AS)[0] != _UNLIMITED:
        return None
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _UNCOUNTED
    try:
        return mmap.mmap(-1, size, flags)
    except (OSError, OverflowError, ValueError):
        return None  # strict accounting, or addresses of 32 bits
