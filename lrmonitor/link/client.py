"""A client's end of the control connection."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import answer_challenge, deliver_challenge
from types import TracebackType
from typing import Any

from lrmonitor.link import paths, wire
from lrmonitor.link.messages import (
    MESSAGE_LIMIT,
    PROTOCOL,
    Acknowledgement,
    Command,
    decode,
    encode,
    parse_acknowledgement,
)


class LinkError(Exception):
    """The training process cannot be talked to; the message says why."""


class NoEndpoint(LinkError):
    """Nothing of that run listens."""


class Unreachable(LinkError):
    """It listened once, but does not answer: it is gone, or hangs."""


class AccessDenied(LinkError):
    """It is another user's, or the token is not its."""


class ProtocolMismatch(LinkError):
    """It speaks another version of the protocol."""


class Connection:
    """An open connection. Not for several threads at once."""

    def __init__(self, pipe: Pipe, welcome: dict[str, Any]) -> None:
        self._pipe = pipe
        self.welcome = welcome

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """For a selector or notifier: readable when an answer has come."""
        return self._pipe.fileno()

    def close(self) -> None:
        """Close the connection. Commands that were sent take effect all the same."""
        self._pipe.close()

    def send(self, command: Command) -> None:
        """Send a command without waiting for its answers. Raises LinkError."""
        self._send(command.to_json())

    def receive(self, timeout: float = 0.0) -> Acknowledgement | None:
        """The next answer, or None after `timeout` seconds. Raises LinkError when it is lost."""
        message = self._receive(timeout)
        if message is None:
            return None
        if message.get("type") == "error":
            raise LinkError(str(message.get("reason")))
        try:
            return parse_acknowledgement(message)
        except ValueError as error:
            raise ProtocolMismatch(f"the answer was not understood: {error}") from None

    def request(self, command: Command, timeout: float) -> Acknowledgement:
        """Send a command; its final answer, or the pending one after `timeout` seconds."""
        self.send(command)
        limit = time.monotonic() + timeout
        latest = Acknowledgement(id=command.id, status="pending")
        while not latest.final:
            answer = self.receive(max(0.0, limit - time.monotonic()))
            if answer is None:
                break
            if answer.id == command.id:
                latest = answer
        return latest

    def status(self, timeout: float = 2.0) -> dict[str, Any]:
        """What the process says of itself now. Raises LinkError."""
        self._send({"type": "status"})
        limit = time.monotonic() + timeout
        while True:
            message = self._receive(max(0.0, limit - time.monotonic()))
            if message is None:
                raise Unreachable("the training process does not answer")
            if message.get("type") == "status":
                return message

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._pipe.send_bytes(encode(message))
        except (OSError, ValueError) as error:
            raise Unreachable(f"the training process is gone ({error})") from None

    def _receive(self, timeout: float) -> dict[str, Any] | None:
        try:
            if not self._pipe.poll(timeout):
                return None
            return decode(self._pipe.recv_bytes(MESSAGE_LIMIT))
        except (OSError, EOFError):
            raise Unreachable("the training process closed the connection") from None
        except ValueError as error:
            raise ProtocolMismatch(f"the answer was not understood: {error}") from None


def connect(run_id: str, rank: int = 0, *, client: str = "cli", timeout: float = 2.0) -> Connection:
    """Connect to a rank of a run on this machine. Raises a LinkError that says what is wrong."""
    path = paths.endpoint_file(run_id, rank)
    try:
        told = json.loads(path.read_text("utf-8"))
        address, token = str(told["address"]), bytes.fromhex(told["token"])
    except FileNotFoundError:
        raise NoEndpoint(f"no process of run {run_id} listens for commands") from None
    except PermissionError:
        raise AccessDenied(f"run {run_id} belongs to another user") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise Unreachable(f"the endpoint of run {run_id} cannot be read") from None
    try:
        pipe = wire.dial(address, timeout)
    except PermissionError:
        raise AccessDenied(f"run {run_id} belongs to another user") from None
    except OSError as error:
        raise Unreachable(
            f"the training process of run {run_id} does not answer ({error.strerror or error})"
        ) from None
    try:
        return Connection(pipe, _greet(pipe, token, client, timeout))
    except BaseException:
        pipe.close()
        raise


def _greet(pipe: Pipe, token: bytes, client: str, timeout: float) -> dict[str, Any]:
    def within(call: Callable[[], Any]) -> Any:
        if not pipe.poll(timeout):
            raise Unreachable("the training process does not answer")
        return call()

    try:
        within(lambda: answer_challenge(pipe, token))
        deliver_challenge(pipe, token)
        pipe.send_bytes(encode({"type": "hello", "protocol": PROTOCOL, "client": client}))
        message: dict[str, Any] = within(lambda: decode(pipe.recv_bytes(MESSAGE_LIMIT)))
    except AuthenticationError:
        raise AccessDenied("the training process did not accept the token") from None
    except (OSError, EOFError, ValueError):
        raise Unreachable("the training process closed the connection") from None
    if message.get("type") != "welcome" or message.get("protocol") != PROTOCOL:
        reason = message.get("reason", f"it speaks protocol {message.get('protocol')}")
        raise ProtocolMismatch(f"{reason}: use the lrmonitor that the run was started with")
    return message
