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


class Column(Generic[Kind]):
    """Numbers of one type, appended at the end.

    A view taken earlier stays valid, and keeps what it shows, but does not grow. Not thread-safe.
    """

    def __init__(self, kind: type[Kind] | np.dtype[Kind]) -> None:
        self._array: npt.NDArray[Kind] = np.empty(0, kind)
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
            self._array = _larger(self._array, self._count, end)
        room = self._array[self._count : end]
        self._count = end
        self._view = None
        return room

    def clear(self) -> None:
        """Forget all. Views taken earlier keep theirs."""
        self._array = np.empty(0, self._array.dtype)
        self._count = 0
        self._view = None


def _larger(column: npt.NDArray[Kind], count: int, least: int) -> npt.NDArray[Kind]:
    """A column with room for `least` numbers and more that begins with `count` of another."""
    size = column.dtype.itemsize
    wanted = max(least * size, 2 * len(column) * size, _LEAST)
    larger: npt.NDArray[Kind] | None = None
    if wanted > _MAPPED:
        larger = _reserved(max(_RANGE, 2 * wanted), column.dtype)
    if larger is None:
        larger = np.empty(wanted // size, column.dtype)
    larger[:count] = column[:count]
    return larger


def _reserved(size: int, kind: np.dtype[Kind]) -> npt.NDArray[Kind] | None:
    """Addresses for `size` bytes, without memory until they are written; None if not to be had."""
    if sys.platform == "win32" or resource.getrlimit(resource.RLIMIT_AS)[0] != _UNLIMITED:
        return None
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _UNCOUNTED
    try:
        return np.frombuffer(mmap.mmap(-1, size, flags), kind)
    except (OSError, OverflowError, ValueError):
        return None  # strict accounting, or addresses of 32 bits
