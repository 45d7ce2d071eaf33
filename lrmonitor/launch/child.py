"""The script's process: starting it as a shell would, and finding out how it ended."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""The exit codes with which a shell says so."""


class CannotStart(Exception):
    """The command could not be executed. `reason` is one sentence, `code` the exit code."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


@dataclass(frozen=True)
class Ended:
    """How a process ended: an exit code, or the number of the signal that killed it."""

    code: int | None
    signal: int | None


@dataclass(frozen=True)
class Stopped:
    """The process was stopped by a signal (as Ctrl-Z does), or continued if that is None."""

    signal: int | None


def spawn(
    command: Sequence[str],
    *,
    stdin: int,
    stdout: int,
    stderr: int,
    cwd: str | None,
    environ: Mapping[str, str],
    terminal: int | None,
    ignored: Collection[int],
) -> int:
    """Start the command in a process group of its own; the pid.

    Call it while this process has one thread. Descriptors that were inherited by this process are
    inherited further, as from a shell.

    Args:
        terminal: the controlling terminal of this session, in which the group becomes the
            foreground one; or None.
        ignored: signals that the command ignores; all others have their default action.

    Raises:
        CannotStart: there is no such command, or it cannot be executed.
    """

    def prepare() -> None:
        os.setpgid(0, 0)
        if terminal is not None:
            # We ignore SIGTTOU, which a process in the background gets for this; so does the child
            # up to here.
            os.tcsetpgrp(terminal, os.getpid())
        # A shell without job control has SIGINT ignored in what it puts in the background: then
        # nobody could ever stop the training by it.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        for number in signal.valid_signals():
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                action = signal.SIG_IGN if number in ignored else signal.SIG_DFL
                with contextlib.suppress(OSError, ValueError):
                    signal.signal(number, action)

    def start(words: Sequence[str]) -> int:
        process = subprocess.Popen(
            words,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            env=dict(environ),
            close_fds=False,
            preexec_fn=prepare,
        )
        process.returncode = 0  # it is waited for by `poll` below, not by subprocess
        return process.pid

    try:
        try:
            return start(command)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            # No "#!" in the first line: a shell runs such a file itself.
            return start(["/bin/sh", *command])
    except (OSError, subprocess.SubprocessError) as error:
        raise _explain(error, command[0], cwd, environ) from error


def poll(pid: int) -> Ended | Stopped | None:
    """What happened to the child since the last call; None if nothing did. Does not wait."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
    except ChildProcessError:
        return Ended(None, None)
    if not found:
        return None
    if os.WIFSTOPPED(status):
        return Stopped(os.WSTOPSIG(status))
    if os.WIFCONTINUED(status):
        return Stopped(None)
    if os.WIFSIGNALED(status):
        return Ended(None, os.WTERMSIG(status))
    return Ended(os.WEXITSTATUS(status), None)


def start_time(pid: int) -> float:
    """When the process was created, unix seconds (as psutil reckons it); now if it is not told."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        ticks = int(stat.rpartition(")")[2].split()[19])
        for line in Path("/proc/stat").read_text().splitlines():
            if line.startswith("btime "):
                return int(line.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        pass
    return time.time()


def signal_name(number: int | None) -> str | None:
    """`SIGKILL` for 9; `signal 40` for one that has no name."""
    if number is None:
        return None
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _explain(
    error: Exception, name: str, cwd: str | None, environ: Mapping[str, str]
) -> CannotStart:
    if not isinstance(error, OSError):
        return CannotStart(f"{name} could not be started: {error}", NOT_EXECUTABLE)
    if error.filename == cwd and cwd is not None and not os.path.isdir(cwd):
        return CannotStart(f"the folder {cwd} to work in does not exist", NOT_EXECUTABLE)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        if _lies_there(name, cwd, environ):
            reason = f"{name} needs an interpreter that is not there: look at its first line"
            return CannotStart(reason, NOT_EXECUTABLE)
        if os.sep in name:
            return CannotStart(f"there is no file {name}", NOT_FOUND)
        return CannotStart(f"there is no command {name} on PATH", NOT_FOUND)
    if error.errno == errno.EACCES:
        full = os.path.join(cwd or os.curdir, name)
        if os.path.isdir(full):
            return CannotStart(f"{name} is a folder, not a command", NOT_EXECUTABLE)
        reason = f"{name} may not be executed: `chmod +x` it, or name the program that runs it"
        return CannotStart(reason, NOT_EXECUTABLE)
    return CannotStart(f"{name} could not be started: {error.strerror}", NOT_EXECUTABLE)


def _lies_there(name: str, cwd: str | None, environ: Mapping[str, str]) -> bool:
    if os.sep in name:
        return os.path.isfile(os.path.join(cwd or os.curdir, name))
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    return any(os.path.isfile(os.path.join(folder or os.curdir, name)) for folder in folders)
