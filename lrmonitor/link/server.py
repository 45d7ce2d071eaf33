"""The training process's end: an endpoint that accepts connections and hands commands on."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import socket
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any, Protocol

from lrmonitor.link import paths, wire
from lrmonitor.link.messages import (
    MESSAGE_LIMIT,
    PROTOCOL,
    Acknowledgement,
    Command,
    CommandError,
    decode,
    encode,
    parse_command,
)

HANDSHAKE_SECONDS = 2.0
GOODBYE_SECONDS = 2.0
"""How long a connection that ends waits for the thread that answers on it."""

CONNECTIONS = 32
"""More than this at once are turned away: each has two threads in the training process."""

Reply = Callable[[Acknowledgement], None]


class Handler(Protocol):
    """Who carries commands out. Called from connection threads."""

    def submit(self, command: Command, reply: Reply) -> None:
        """Take a command; `reply` may be called at any time, from any thread, and never blocks."""

    def status(self) -> dict[str, Any]:
        """What to answer to a status request."""


class Server:
    """Listens for one rank until `close`. Each connection has its own threads, so that a silent
    or broken peer holds up nobody; nothing here ever runs on the training thread."""

    def __init__(self, run_id: str, rank: int, folder: str, handler: Handler) -> None:
        """Make the socket and the endpoint file. Raises OSError."""
        self._handler = handler
        self._welcome = {
            "type": "welcome",
            "protocol": PROTOCOL,
            "run": run_id,
            "rank": rank,
            "pid": os.getpid(),
        }
        self._token = secrets.token_bytes(32)
        self.address = paths.socket_address(run_id, rank)
        self.file = paths.endpoint_file(run_id, rank)
        paths.make_private(self.file.parent)
        paths.make_private(Path(self.address).parent)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.address)  # a killed process of this rank left it
        self._socket = wire.listen(self.address)
        self._open: set[Connection] = set()
        self._closed = False
        self._ended = threading.Event()
        try:
            self._publish(run_id, rank, folder)
        except BaseException:
            self.close()
            raise
        self._thread = threading.Thread(target=self._accept, name="lrmonitor-listen", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and remove the endpoint. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._ended.set()
        for path in (self.file, Path(self.address)):
            with contextlib.suppress(OSError):
                path.unlink()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._socket.close()

    def forget(self) -> None:
        """In a forked child: let go of the parent's sockets and leave its files alone."""
        self._closed = True
        self._socket.close()
        for connection in list(self._open):
            _hang_up(connection)

    def _publish(self, run_id: str, rank: int, folder: str) -> None:
        told = {
            "format": 1,
            "protocol": PROTOCOL,
            "run": run_id,
            "folder": folder,
            "rank": rank,
            "pid": os.getpid(),
            "family": wire.FAMILY,
            "address": self.address,
            "token": self._token.hex(),
        }
        partial = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as file:
            json.dump(told, file)
        os.replace(partial, self.file)

    def _accept(self) -> None:
        while not self._closed:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                self._ended.wait(0.1)  # out of descriptors, perhaps: do not spin
                continue
            if len(self._open) >= CONNECTIONS:
                sock.close()
                continue
            try:
                connection = wire.adopt(sock, HANDSHAKE_SECONDS)
                self._open.add(connection)
                threading.Thread(
                    target=self._serve, args=(connection,), name="lrmonitor-link", daemon=True
                ).start()
            except (OSError, RuntimeError):
                sock.close()

    def _serve(self, connection: Connection) -> None:
        out: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        sender = threading.Thread(
            target=_send, args=(connection, out), name="lrmonitor-answer", daemon=True
        )
        try:
            self._greet(connection)
            sender.start()
            while True:
                self._take(decode(connection.recv_bytes(MESSAGE_LIMIT)), out)
        except Exception:
            # Whatever a peer does, wrong token, half a message, 10 MB of it, ends its connection.
            pass
        finally:
            out.put(None)
            self._open.discard(connection)
            _hang_up(connection)
            if sender.ident is not None:
                # Closed under it, its number could be that of the next connection, which would get
                # the answer in the midst of its greeting.
                sender.join(GOODBYE_SECONDS)
            with contextlib.suppress(OSError):
                connection.close()

    def _greet(self, connection: Connection) -> None:
        deliver_challenge(connection, self._token)
        answer_challenge(connection, self._token)
        hello = decode(connection.recv_bytes(MESSAGE_LIMIT))
        if hello.get("type") != "hello" or hello.get("protocol") != PROTOCOL:
            reason = f"protocol {hello.get('protocol')} is not spoken here, only {PROTOCOL}"
            connection.send_bytes(encode({"type": "error", "reason": reason}))
            raise ValueError(reason)
        step = self._handler.status().get("step")
        connection.send_bytes(encode({**self._welcome, "step": step}))
        wire.patient(connection)

    def _take(self, message: dict[str, Any], out: queue.SimpleQueue[dict[str, Any] | None]) -> None:
        def reply(answer: Acknowledgement) -> None:
            out.put({"type": "acknowledgement", **answer.to_json()})

        if message.get("type") == "status":
            out.put({"type": "status", **self._handler.status()})
            return
        if message.get("type") != "command":
            out.put({"type": "error", "reason": f"unknown message {message.get('type')!r}"})
            return
        try:
            command = parse_command(message)
        except (CommandError, TypeError, ValueError) as error:
            id = str(message.get("id"))[:64]
            reply(Acknowledgement(id=id, status="refused", reason=str(error)))
            return
        self._handler.submit(command, reply)


def _send(connection: Connection, out: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """The only sender of a connection after its greeting."""
    while (message := out.get()) is not None:
        try:
            connection.send_bytes(encode(message))
        except (OSError, ValueError):
            # Gone, or a peer that does not read: reading it on would be of no use.
            _hang_up(connection)
            return


def _hang_up(connection: Connection) -> None:
    """End a connection for both its threads, which are not to lose its number before they know."""
    with contextlib.suppress(OSError, ValueError):
        if hasattr(socket, "AF_UNIX"):
            with socket.socket(fileno=os.dup(connection.fileno())) as one:
                one.shutdown(socket.SHUT_RDWR)
        else:
            connection.close()
