"""Sockets as `multiprocessing.connection` frames them, each with a limit in time.

Its own `Client` and `Listener` cannot be given one: a silent peer would hold a thread for ever.
"""

from __future__ import annotations

import os
import socket
import struct
from multiprocessing.connection import Connection

FAMILY = "AF_UNIX"


def dial(address: str, timeout: float) -> Connection:
    """Connect to a Unix socket. Raises OSError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(address)
        return adopt(sock, timeout)
    except BaseException:
        sock.close()
        raise


def listen(address: str) -> socket.socket:
    """A Unix socket that accepts this user's connections. Raises OSError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(address)
        os.chmod(address, 0o600)
        sock.listen(16)
    except BaseException:
        sock.close()
        raise
    return sock


def adopt(sock: socket.socket, timeout: float) -> Connection:
    """The connection on a connected socket, which it takes over; each read and write that gets
    nowhere for `timeout` seconds raises OSError."""
    sock.setblocking(True)
    limit(sock, timeout)
    return Connection(sock.detach())


def limit(sock: socket.socket, seconds: float) -> None:
    """Let reads and writes of a blocking socket fail after `seconds`; 0 lets reads wait."""
    whole = int(seconds)
    value = struct.pack("@ll", whole, int((seconds - whole) * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
    if seconds:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


def patient(connection: Connection) -> None:
    """Let reads of a connection wait for ever; writes keep their limit."""
    duplicate = socket.socket(fileno=os.dup(connection.fileno()))
    try:
        limit(duplicate, 0)
    finally:
        duplicate.close()
