"""Starting a run: the client's half, up to the moment when the script runs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lrmonitor.launch import environment
from lrmonitor.launch.channel import Channel, Message
from lrmonitor.launch.spec import LaunchSpec

PATIENCE = 60.0
"""Seconds within which the supervisor, a bare Python, must have come up."""


class LaunchError(Exception):
    """The script was not started. The message is one sentence for the user; `code` the exit code.

    `folder` is the run's, None if none was made.
    """

    def __init__(self, reason: str, code: int, folder: Path | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.folder = folder


@dataclass(frozen=True)
class Launched:
    """A run that was made. Its supervisor waits at `channel` for `go` unless it is detached.

    `pid` is the script's, None as long as it waits. Close the channel, or keep it open as long as
    the script is to be in the foreground.
    """

    id: str
    folder: Path
    channel: Channel
    pid: int | None


def start_run(spec: LaunchSpec) -> Launched:
    """Start a supervisor for the spec.

    A detached script has been started when this returns. Any other one waits: see `go`.

    Raises:
        LaunchError: no run could be made, or (detached) the command could not be executed.
    """
    channel = _start_supervisor(spec)
    try:
        message = _next(channel)
        if message.get("event") != "created":
            raise LaunchError(str(message.get("reason")), 2)
        launched = Launched(message["id"], Path(message["folder"]), channel, None)
        return go(launched) if spec.detached else launched
    except BaseException:
        channel.close()
        raise


def start_detached(spec: LaunchSpec) -> Launched:
    """Start a run that nobody keeps in the foreground: `start_run`, and the channel let go.

    Raises:
        LaunchError: as `start_run`.
    """
    launched = start_run(dataclasses.replace(spec, detached=True))
    launched.channel.close()
    return launched


def go(launched: Launched) -> Launched:
    """Let the supervisor start the script, and wait until it has; with the script's pid.

    Raises:
        LaunchError: the command could not be executed; the run says so.
    """
    launched.channel.send({"go": True})
    message = _next(launched.channel, launched.folder)
    if message.get("event") == "failed":
        raise LaunchError(str(message.get("reason")), int(message["code"]), launched.folder)
    return Launched(launched.id, launched.folder, launched.channel, int(message["pid"]))


def _start_supervisor(spec: LaunchSpec) -> Channel:
    _fill_standard_descriptors()
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.set_inheritable(True)
        null = subprocess.DEVNULL if spec.detached else None
        process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                "-X",
                f"utf8={sys.flags.utf8_mode}",  # else bytes that are no text might change
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "supervisor_main.py"),
                str(theirs.fileno()),
            ],
            stdin=null,
            stdout=null,
            stderr=null,
            env=environment.inherited(),
            # The script inherits what the caller opened for it, but a detached one holds nothing.
            close_fds=spec.detached,
            pass_fds=(theirs.fileno(),) if spec.detached else (),
            start_new_session=True,
        )
    channel = Channel(ours)
    process.wait()  # it forks at once: the supervisor is nobody's child
    channel.send({"spec": spec.to_json(), "client": os.getpid()})
    return channel


def _next(channel: Channel, folder: Path | None = None) -> Message:
    message = channel.next(PATIENCE)
    if message is None:
        raise LaunchError("lrmonitor's supervisor did not come up", 1, folder)
    return message


def _fill_standard_descriptors() -> None:
    """See that 0, 1 and 2 are open, or what is opened next would be taken for them."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            with contextlib.suppress(OSError):
                opened = os.open(os.devnull, os.O_RDWR)
                if opened != fd:
                    os.dup2(opened, fd)
                    os.close(opened)
                os.set_inheritable(fd, True)


def ignored_signals() -> tuple[str, ...]:
    """The signals that the caller's caller ignores on purpose, as `nohup` does with SIGHUP."""
    return ("SIGHUP",) if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else ()
