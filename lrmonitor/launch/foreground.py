"""A script in the foreground of a terminal, as the plain command would be.

The script belongs to its supervisor; this client lends it the terminal's keys, its size and the
signals, and ends as the script ends. When the client is killed the training goes on.
"""

from __future__ import annotations

import base64
import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrmonitor.launch import messages
from lrmonitor.launch.channel import Message
from lrmonitor.launch.keyboard import Keyboard, own_size
from lrmonitor.launch.messages import Messages
from lrmonitor.launch.spec import LaunchSpec
from lrmonitor.launch.start import Launched, go, start_run

FORWARDED = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
BACKGROUND_CHECK = 0.5
GRACE = 5.0
"""Seconds between Ctrl-C, terminate and kill where a run has to be stopped."""

StartWindow = Callable[[Path], "subprocess.Popen[bytes]"]


@dataclass(frozen=True)
class Outcome:
    """How a script in the foreground ended: its exit code, or the signal that killed it.

    `window` is the exit code of the window's process, None if there was none.
    """

    folder: Path
    code: int | None
    signal: int | None
    registered: bool
    window: int | None = None


class Foreground:
    """The client of one script. Use it once, in the main thread of a process."""

    def __init__(
        self,
        spec: LaunchSpec,
        *,
        notes: tuple[str, ...] = (),
        window: StartWindow | None = None,
        stop_with_window: bool = False,
    ) -> None:
        """Nothing happens yet.

        Args:
            notes: lines to say once the run is made.
            window: starts the window on the run's folder, in a process of its own.
            stop_with_window: stop the script when that process has ended.
        """
        self._spec = spec
        self._notes = notes
        self._start_window = window
        self._stop_with_window = stop_with_window
        self._messages = Messages()
        self._keyboard = Keyboard()
        self._signals: deque[int] = deque()
        self._window: subprocess.Popen[bytes] | None = None
        self._outcome: Outcome | None = None
        self._ladder: deque[tuple[float, signal.Signals]] = deque()

    def run(self) -> Outcome:
        """Run the script to its end, and wait for the window if there is one.

        Raises:
            LaunchError: the script was not started.
        """
        with self._signals_caught() as woken:
            launched = start_run(self._spec)
            try:
                lines = messages.beginning(
                    launched.folder, self._spec.name, self._start_window is not None
                )
                self._messages.say(*lines, *self._notes)
                self._take_keyboard()
                launched = go(launched)
                self._let_go_of_stdin()
                if self._start_window is not None:
                    self._window = self._start_window(launched.folder)
                outcome = self._follow(launched, woken)
            finally:
                self._give_keyboard_back()
                launched.channel.close()
            ending = messages.ending(
                launched.folder, outcome.code, outcome.signal, outcome.registered
            )
            self._messages.say(*ending)
            return self._wait_for_window(outcome, woken)

    # ------------------------------------------------------------------ while it runs

    def _follow(self, launched: Launched, woken: socket.socket) -> Outcome:
        """Lend the terminal until the script has ended."""
        channel = launched.channel
        while self._outcome is None:
            readers: list[Any] = [channel, woken]
            if self._keyboard.taken:
                readers.append(self._keyboard)
            ready: list[Any] = [channel]
            if not channel.queued:
                ready = select.select(readers, [], [], self._patience())[0]
            if woken in ready:
                _drain(woken)
            while self._signals:
                self._on_signal(self._signals.popleft(), launched)
            if self._keyboard in ready and self._keyboard.taken:
                keys = self._keyboard.read()
                self._messages.raw = self._keyboard.taken
                channel.send({"keys": base64.b64encode(keys).decode()})
            if channel in ready:
                for message in channel.read():
                    self._on_message(message, launched)
                if channel.closed and self._outcome is None:
                    self._messages.say(
                        "the supervisor was killed, so how the script ended is not known"
                    )
                    self._outcome = Outcome(launched.folder, 1, None, True)
            if self._keyboard.waiting:
                self._take_keyboard()
            self._look_after_window(launched)
        return self._outcome

    def _patience(self) -> float | None:
        if self._ladder:
            return max(0.0, self._ladder[0][0] - time.monotonic())
        return BACKGROUND_CHECK if self._keyboard.waiting else None

    def _on_message(self, message: Message, launched: Launched) -> None:
        match message.get("event"):
            case "stopped":
                if self._keyboard.in_foreground:
                    self._suspend(launched)
            case "gone":
                self._messages.say(
                    f"{message['sink']} is gone ({message['reason']}); the training goes on, its "
                    f"output is in {launched.folder / 'console.log'}"
                )
            case "exited":
                self._outcome = Outcome(
                    launched.folder, message["code"], message["signal"], message["registered"]
                )

    def _on_signal(self, number: int, launched: Launched) -> None:
        if number in FORWARDED or number == signal.SIGTSTP:
            launched.channel.send({"signal": signal.Signals(number).name})
        elif number == signal.SIGWINCH:
            self._send_size(launched)
        elif number == signal.SIGCONT:
            # The shell has set its own modes while we were stopped.
            self._keyboard.taken = False
            self._take_keyboard()
            self._send_size(launched)
        elif number == signal.SIGHUP:
            self._give_keyboard_back()
            die_by(signal.SIGHUP)

    def _send_size(self, launched: Launched) -> None:
        size = own_size()
        if size is not None:
            launched.channel.send({"size": size})

    def _suspend(self, launched: Launched) -> None:
        """Stop as the script has stopped, with all of our job; go on with it when continued."""
        self._give_keyboard_back()
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(os.getpgrp(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)
        self._take_keyboard()
        self._send_size(launched)
        launched.channel.send({"signal": "SIGCONT"})

    def _take_keyboard(self) -> None:
        self._messages.raw = self._keyboard.take()

    def _give_keyboard_back(self) -> None:
        self._keyboard.give_back()
        self._messages.raw = False

    def _let_go_of_stdin(self) -> None:
        """The script has it: whoever feeds it shall see it end when the script closes it."""
        if not os.isatty(0):
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            os.close(null)

    # ------------------------------------------------------------------ the window

    def _look_after_window(self, launched: Launched) -> None:
        """Notice that the window was closed; stop the script then, if that is wanted."""
        if self._window is not None and self._window.poll() is not None and not self._ladder:
            if self._stop_with_window:
                now = time.monotonic()
                steps = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
                self._ladder.extend((now + i * GRACE, step) for i, step in enumerate(steps))
                self._stop_with_window = False
            elif self._start_window is not None:
                self._start_window = None
                run = messages.how_to_name(launched.folder)
                self._messages.say(
                    "the window is closed, the script goes on here: "
                    f"`lrmonitor {run}` opens it again"
                )
        if self._ladder and self._ladder[0][0] <= time.monotonic():
            _, step = self._ladder.popleft()
            launched.channel.send({"signal": step.name})

    def _wait_for_window(self, outcome: Outcome, woken: socket.socket) -> Outcome:
        """The window outlasts the training; wait for it. Ctrl-C closes it."""
        if self._window is None:
            return outcome
        if self._window.poll() is None:
            self._messages.say("the window is still open: close it, or press Ctrl-C here")
        while self._window.poll() is None:
            select.select([woken], [], [])
            _drain(woken)
            while self._signals:
                number = self._signals.popleft()
                if number == signal.SIGHUP:
                    die_by(signal.SIGHUP)
                if number in FORWARDED:
                    self._window.terminate()
        return Outcome(
            outcome.folder,
            outcome.code,
            outcome.signal,
            outcome.registered,
            self._window.returncode,
        )

    # ------------------------------------------------------------------ signals

    @contextlib.contextmanager
    def _signals_caught(self) -> Iterator[socket.socket]:
        """Collect signals; yields what becomes readable when one came.

        What the caller ignores on purpose stays ignored by us.
        """
        wakes, woken = socket.socketpair()
        wakes.setblocking(False)
        woken.setblocking(False)
        caught = (*FORWARDED, signal.SIGTSTP, signal.SIGHUP)
        before = {number: signal.getsignal(number) for number in caught}
        for number in (signal.SIGWINCH, signal.SIGCONT, signal.SIGCHLD):
            before[number] = signal.getsignal(number)
        wakeup = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        try:
            for number, action in before.items():
                if action is not signal.SIG_IGN or number not in caught:
                    signal.signal(number, lambda number, _: self._signals.append(number))
            yield woken
        finally:
            for number, action in before.items():
                signal.signal(number, action)
            signal.set_wakeup_fd(wakeup)
            wakes.close()
            woken.close()


def end_like(outcome: Outcome) -> int:
    """The exit code of the script; ends this process by the signal that killed it, if one did.

    So the shell that waits for us sees what it would see of the plain command.
    """
    if outcome.signal is not None:
        die_by(outcome.signal)
        return 128 + outcome.signal
    return 1 if outcome.code is None else outcome.code


def die_by(number: int) -> None:
    """End this process by a signal, without leaving a core file of its own."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):  # SIGKILL has no other disposition
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)


def _drain(woken: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while woken.recv(4096):
            pass
