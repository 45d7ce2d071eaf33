"""Pseudo-terminals and terminal modes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
from typing import Any

Attributes = list[Any]
"""What `termios.tcgetattr` returns: iflag, oflag, cflag, lflag, ispeed, ospeed, cc."""

Size = tuple[int, int, int, int]
"""Rows, columns, width and height in pixels, as the kernel keeps them."""


def open_terminal(attributes: Attributes | None, size: Size) -> tuple[int, int]:
    """A new pseudo-terminal: (our side, non-blocking; the script's side), neither inheritable."""
    ours, theirs = os.openpty()
    if attributes is not None:
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    set_size(ours, size)
    os.set_blocking(ours, False)
    return ours, theirs


def take_control(fd: int) -> None:
    """Make a terminal the controlling one of this session, which this process leads."""
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)


def get_size(fd: int) -> Size:
    """The size of a terminal. Raises OSError if it is none."""
    found = fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8))
    rows, columns, width, height = struct.unpack("HHHH", found)
    return rows, columns, width, height


def set_size(fd: int, size: Size) -> None:
    """Set the size; the kernel tells the foreground process group if it changed."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *size))


def get_attributes(fd: int) -> Attributes | None:
    """The modes of a terminal, None if it is none (any more)."""
    try:
        return termios.tcgetattr(fd)
    except (termios.error, OSError):
        return None


def given_attributes(fd: int) -> Attributes | None:
    """The modes that a command gets with this terminal; None if they cannot be told.

    That is while a shell edits its own next line there (we were started in the background): those
    modes it gives to no command.
    """
    attributes = get_attributes(fd)
    return attributes if attributes is not None and attributes[3] & termios.ICANON else None


def set_attributes(fd: int, attributes: Attributes) -> bool:
    """Set the modes without losing what was typed or is still to be shown; whether that went."""
    try:
        termios.tcsetattr(fd, termios.TCSADRAIN, attributes)
    except (termios.error, OSError):
        return False
    return True


def raw(attributes: Attributes) -> Attributes:
    """The modes in which each key goes through untouched, and each byte to the screen."""
    iflag, oflag, cflag, lflag, ispeed, ospeed, cc = attributes
    cc = list(cc)
    cc[termios.VMIN], cc[termios.VTIME] = 1, 0
    iflag &= ~(
        termios.BRKINT
        | termios.ICRNL
        | termios.IGNBRK
        | termios.IGNCR
        | termios.INLCR
        | termios.INPCK
        | termios.ISTRIP
        | termios.IXON
        | termios.PARMRK
    )
    oflag &= ~termios.OPOST
    cflag = (cflag & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
    lflag &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN | termios.ISIG)
    return [iflag, oflag, cflag, lflag, ispeed, ospeed, cc]


def adds_returns(fd: int) -> bool:
    """Whether the terminal writes each newline of the script as return and newline just now."""
    attributes = get_attributes(fd)
    if attributes is None:
        return False
    both = termios.OPOST | termios.ONLCR
    return bool(attributes[1] & both == both)


class Newlines:
    """Takes back what the terminal did to newlines, so that a log holds what the script printed."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes, added: bool) -> bytes:
        """The script's bytes for the terminal's; `added`: the terminal adds returns just now.

        A return at the end is held back until it is known what follows.
        """
        data = self._held + data
        self._held = b""
        if not added:
            return data
        if data.endswith(b"\r"):
            data, self._held = data[:-1], b"\r"
        return data.replace(b"\r\n", b"\n")

    def end(self) -> bytes:
        """What is still held back."""
        held, self._held = self._held, b""
        return held
