"""The user's terminal while a script is in the foreground: keys go to the script untouched."""

from __future__ import annotations

import os
import signal

from lrmonitor.launch import terminal
from lrmonitor.launch.terminal import Attributes, Size


class Keyboard:
    """The terminal at stdin, if it is one. Raw while it is taken, as found after `give_back`."""

    def __init__(self, fd: int = 0) -> None:
        self._fd = fd
        self._found: Attributes | None = terminal.get_attributes(fd)
        self._ended = False
        self.taken = False

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._fd

    @property
    def waiting(self) -> bool:
        """Whether there is a terminal which is not ours just now (a job in the background)."""
        return self._found is not None and not self.taken and not self._ended

    @property
    def in_foreground(self) -> bool:
        """Whether our process group is the one that the terminal's keys are for."""
        if self._found is None or self._ended:
            return False
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:
            return False

    def take(self) -> bool:
        """Make the terminal raw if we are in its foreground; whether it is ours now.

        In the background nothing is touched: that would stop us.
        """
        if not self.in_foreground:
            self.taken = False
        elif not self.taken:
            self._found = terminal.get_attributes(self._fd) or self._found
            assert self._found is not None
            self.taken = terminal.set_attributes(self._fd, terminal.raw(self._found))
        return self.taken

    def give_back(self) -> None:
        """Set the modes that were found."""
        if self.taken and self._found is not None:
            self.taken = False
            # We may have been put in the background while the terminal was ours.
            before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            terminal.set_attributes(self._fd, self._found)
            signal.signal(signal.SIGTTOU, before)

    def read(self) -> bytes:
        """Keys that were pressed; empty when the terminal is gone, which ends the taking."""
        try:
            keys = os.read(self._fd, 4096)
        except OSError:
            keys = b""
        if not keys:
            self.taken, self._ended = False, True
        return keys


def own_size() -> Size | None:
    """The size of the first terminal among stdin, stdout and stderr."""
    for fd in (0, 1, 2):
        try:
            return terminal.get_size(fd)
        except OSError:
            continue
    return None
