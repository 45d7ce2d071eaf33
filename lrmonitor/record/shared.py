"""Columns that begin alike, with one memory for what they have in common.

What is recorded of one step stands at one step and one time: a loss, the rates of each group. The
groups often have the same rate. So most columns of a run hold what another one holds already, and
what is equal so far is held once, until it differs.
"""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from lrmonitor.record.columns import Column

__all__ = ["Pool", "SharedColumn"]

Kind = TypeVar("Kind", bound=np.generic)

_FEW = 512
"""Numbers up to which they are compared fastest as bytes."""


class Pool(Generic[Kind]):
    """Columns of one type that may have numbers in common."""

    def __init__(self, kind: type[Kind]) -> None:
        self._root = _Line(kind)

    def column(self) -> SharedColumn[Kind]:
        """A new one, empty."""
        return SharedColumn(self._root)


class SharedColumn(Generic[Kind]):
    """A `Column` that shares its memory with those of its pool that begin with the same numbers, to
    the bit. The first append in which it differs from them copies what it had in common with them.

    A view taken earlier stays valid, and keeps what it shows, but does not grow. Not thread-safe.
    """

    def __init__(self, root: _Line[Kind]) -> None:
        self._root = self._line = root
        self._count = 0
        self._view: npt.NDArray[Kind] | None = None

    def __len__(self) -> int:
        return self._count

    @property
    def view(self) -> npt.NDArray[Kind]:
        """All numbers, shape (len,), read-only. No copy."""
        if self._view is None:
            self._view = self._line.beginning(self._count)
        return self._view

    def append(self, numbers: npt.NDArray[Kind]) -> None:
        """Add these, shape (n,), in time proportional to n on average."""
        if not len(numbers):
            return
        if self._count:
            self._line = self._line.followed(self._count, numbers)
        else:
            self._line = self._root.forked(0, numbers)
        self._count += len(numbers)
        self._view = None

    def clear(self) -> None:
        """Forget all. Views taken earlier keep theirs."""
        self._line, self._count, self._view = self._root, 0, None


class _Line(Column[Kind]):
    """The numbers of the columns that are alike so far: each has them up to an index of its own.

    Lines make a tree. A fork is a line that begins with what this one has up to an index, and has
    another number there; no two forks of a line have the same one. It lives as long as a column
    needs it.
    """

    def __init__(self, kind: type[Kind]) -> None:
        super().__init__(kind)
        self._kind = kind
        self._forks: list[tuple[int, weakref.ref[_Line[Kind]]]] = []

    def beginning(self, count: int) -> npt.NDArray[Kind]:
        """The first so many numbers, read-only."""
        found = self._array[:count]
        found.setflags(write=False)
        return found

    def followed(self, at: int, numbers: npt.NDArray[Kind]) -> _Line[Kind]:
        """The line with what this one has up to index `at` and, from there, these numbers: this
        one, to which new ones are added, or another."""
        both = min(len(self) - at, len(numbers))
        if both:
            alike = self._alike(at, numbers[:both])
            if alike < both:
                return self.forked(at + alike, numbers[alike:])
            numbers = numbers[both:]
        if len(numbers):
            self.append(numbers)
        return self

    def forked(self, at: int, numbers: npt.NDArray[Kind]) -> _Line[Kind]:
        """The same where these, at least one, differ from what this line has at index `at`."""
        living = []
        for place, ref in self._forks:
            fork = ref()
            if fork is None:
                continue
            if place == at and fork._alike(at, numbers[:1]):
                return fork.followed(at, numbers)
            living.append((place, ref))
        fork = _Line(self._kind)
        fork.append(self.beginning(at))
        fork.append(numbers)
        self._forks = [*living, (at, weakref.ref(fork))]
        return fork

    def _alike(self, at: int, numbers: npt.NDArray[Kind]) -> int:
        """How many of these, from the first on, are what stands from index `at` on, to the bit: a
        nan is like itself, and 0.0 unlike -0.0."""
        held = self._array[at : at + len(numbers)]
        if len(numbers) <= _FEW and held.tobytes() == numbers.tobytes():
            return len(numbers)
        bits = f"u{held.itemsize}"
        unlike = held.view(bits) != numbers.view(bits)
        at = int(unlike.argmax())
        return at if unlike[at] else len(numbers)
