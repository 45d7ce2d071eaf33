"""Sending without blocking: order, answers that come late, connections that fail or break.

The other end is a socket pair here, so that each moment can be chosen; `test_real_run` has the
real one.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from lrmonitor.app.commands import Commander
from lrmonitor.link.client import LinkError
from lrmonitor.link.messages import Acknowledgement, PauseCommand, ResumeCommand


class Connection:
    """One end of a socket pair with the methods of `link.client.Connection`."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        end.setblocking(False)
        self._buffer = b""
        self.closed = False

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, command: Any) -> None:
        try:
            self._end.sendall(f"{type(command).__name__} {command.id}\n".encode())
        except OSError as error:
            raise LinkError(f"it is gone: {error}") from error

    def receive(self, timeout: float) -> Acknowledgement | None:
        assert timeout == 0
        try:
            data = self._end.recv(65536)
        except BlockingIOError:
            data = None
        if data == b"":
            raise LinkError("the training process is gone")
        self._buffer += data or b""
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            return None
        self._buffer = rest
        told = json.loads(line)
        return Acknowledgement(
            id=told["id"], status=told["status"], step=7, reason=None, warning=None, groups=()
        )

    def close(self) -> None:
        self.closed = True
        self._end.close()


class Peer:
    """The training's end, and a `connect` that waits until it is let go."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.connection = Connection(ours)
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.calls: list[tuple[str, int]] = []

    def connect(self, run: str, rank: int, **_: object) -> Connection:
        self.calls.append((run, rank))
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return self.connection

    def answer(self, id: str, status: str) -> None:
        self.theirs.sendall(json.dumps({"id": id, "status": status}).encode() + b"\n")


@pytest.fixture
def peer() -> Iterator[Peer]:
    """The other end."""
    made = Peer()
    yield made
    made.gate.set()
    made.theirs.close()
    made.connection.close()


@pytest.fixture
def commander(qtbot: QtBot, peer: Peer) -> Iterator[Commander]:
    """A commander of run `r`, rank 3."""
    made = Commander("r", lambda: 3, connect=peer.connect)
    yield made
    peer.gate.set()
    made.close()
    made.deleteLater()


def test_pending_then_applied(qtbot: QtBot, commander: Commander, peer: Peer) -> None:
    command = PauseCommand()
    with qtbot.waitSignal(commander.sent):
        assert commander.send(command) == command.id
    assert peer.calls == [("r", 3)]
    with qtbot.waitSignal(commander.pending) as pending:
        peer.answer(command.id, "pending")
    assert pending.args is not None
    assert pending.args[0].status == "pending"
    with qtbot.waitSignal(commander.finished) as finished:
        peer.answer(command.id, "applied")
    assert finished.args is not None
    assert finished.args[0].status == "applied"
    assert peer.connection.closed
    assert commander.busy is False


def test_the_order_is_kept_while_it_connects(
    qtbot: QtBot, commander: Commander, peer: Peer
) -> None:
    peer.gate.clear()
    commands = [PauseCommand(), ResumeCommand(), PauseCommand()]
    for command in commands:
        commander.send(command)
    with qtbot.waitSignals([commander.sent] * 3):
        peer.gate.set()
    told = peer.theirs.recv(4096).decode().split()
    assert told[1::2] == [command.id for command in commands]
    assert len(peer.calls) == 1


def test_nobody_listens(qtbot: QtBot, commander: Commander, peer: Peer) -> None:
    peer.error = LinkError("the run does not listen")
    peer.gate.clear()
    ids = [commander.send(PauseCommand()), commander.send(ResumeCommand())]
    failed: list[tuple[str, str]] = []
    commander.failed.connect(lambda id, why: failed.append((id, why)))
    with qtbot.waitSignals([commander.failed] * 2):
        peer.gate.set()
    assert failed == [(id, "The run does not listen.") for id in ids]
    peer.error = None
    with qtbot.waitSignal(commander.sent):
        commander.send(PauseCommand())


def test_a_fault_of_our_own_is_told_and_not_swallowed(
    qtbot: QtBot, commander: Commander, peer: Peer
) -> None:
    peer.error = ZeroDivisionError("division by zero")
    with qtbot.waitSignal(commander.failed) as failed:
        commander.send(PauseCommand())
    assert failed.args is not None
    assert "ZeroDivisionError" in failed.args[1]


def test_the_training_ends_before_it_answers(
    qtbot: QtBot, commander: Commander, peer: Peer
) -> None:
    with qtbot.waitSignal(commander.sent):
        id = commander.send(PauseCommand())
    assert id in peer.theirs.recv(4096).decode()
    with qtbot.waitSignal(commander.failed) as failed:
        peer.theirs.close()
    assert failed.args == [id, "The training process is gone."]
    assert peer.connection.closed


def test_closing_while_it_connects(qtbot: QtBot, commander: Commander, peer: Peer) -> None:
    peer.gate.clear()
    commander.send(PauseCommand())
    threading.Timer(0.05, peer.gate.set).start()
    commander.close()
    qtbot.waitUntil(lambda: peer.connection.closed)
    peer.theirs.setblocking(True)
    assert peer.theirs.recv(4096) == b""
