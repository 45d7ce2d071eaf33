"""The supervisor: owns one launched script from its start to the last byte of its output.

A small process of its own session, standard library only, that nobody has to look after. The
client that asked for the run may leave or be killed, and so may its terminal: the script's output
still goes to `console.log`, and how it ended to `supervisor.jsonl`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import selectors
import signal
import socket
import time
import traceback
from pathlib import Path

from lrmonitor.launch import child, environment, terminal
from lrmonitor.launch.channel import Channel, Message
from lrmonitor.launch.console import ConsoleLog
from lrmonitor.launch.journal import Journal
from lrmonitor.launch.sinks import Sink
from lrmonitor.launch.spec import LaunchSpec
from lrmonitor.launch.wiring import Stream, Wiring

QUIET = 0.1
"""Seconds without output after which an ended script's output counts as complete, if what it left
behind (a server in the background, say) keeps the pipe open."""

DRAIN = 2.0
"""Seconds after which it counts as complete even if such a process keeps printing."""

STALL = 1.0
"""Seconds that the client is kept waiting for a terminal or the disk to take the last output."""

RETRY = 0.5
"""Seconds after which the disk is tried again."""

DISK_PATIENCE = 3600.0
"""Seconds for which a full disk is tried, so that the record says in the end how the run ended."""

KEYS_LIMIT = 64 << 10

_TO_GROUP = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGCONT)
"""Signals that a terminal sends to the whole group in its foreground."""


class Supervisor:
    """The loop around one script. All of it runs in one thread; only the sinks have their own."""

    def __init__(self, spec: LaunchSpec, channel: Channel, client: int, folder: Path) -> None:
        """Nothing is started yet.

        Args:
            client: pid of the process at the other end of the channel.
            folder: the run's, made already.
        """
        self._spec = spec
        self._channel = channel
        self._client = client
        self._folder = folder
        self._journal = Journal(folder / "supervisor.jsonl")
        self._selector = selectors.DefaultSelector()
        self._wakes, self._woken = socket.socketpair()
        self._log = ConsoleLog(folder / "console.log", self._wake)
        self._sinks: list[Sink] = self._log.sinks
        self._told: set[Sink] = set()
        self._keys = bytearray()
        self._pid = 0
        self._ended: child.Ended | None = None
        self._ended_at = 0.0
        self._heard_at = 0.0
        self._reported = False
        self._terminated = False

    def run(self) -> None:
        """Run the script; return when nothing can print any more."""
        self._journal.write("starting", pid=os.getpid(), command=list(self._spec.command))
        # Before the client hears of the run and makes its terminal raw: the script shall find the
        # modes that were there.
        size = (self._spec.rows, self._spec.columns, 0, 0)
        self._wiring = Wiring(detached=self._spec.detached, size=size, wake=self._wake)
        self._channel.send(
            {"event": "created", "id": self._folder.name, "folder": str(self._folder)}
        )
        early = self._await_go()
        if early is None:
            self._journal.write("failed", reason="lrmonitor was ended before the script began")
            return
        self._listen()
        if not self._start():
            return
        for message in early:
            self._obey(message)
        while not self._finished():
            try:
                self._turn()
            except Exception:
                # Whatever is wrong with us, the script shall keep its terminal and pipes.
                self._write_down()
        self._close()

    # ------------------------------------------------------------------ beginning

    def _await_go(self) -> list[Message] | None:
        """Wait until the client is ready; what it said besides, or None if it is gone."""
        said: list[Message] = []
        while not self._channel.closed:
            said += self._channel.read()
            if any("go" in message for message in said):
                return said
        return None

    def _listen(self) -> None:
        """Have signals and sinks wake the loop."""
        self._wakes.setblocking(False)
        self._woken.setblocking(False)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_terminate)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(self._channel, selectors.EVENT_READ)

    def _on_terminate(self, *_: object) -> None:
        self._terminated = True

    def _start(self) -> bool:
        """Start the script; False if that failed."""
        try:
            self._pid = child.spawn(
                self._spec.command,
                stdin=self._wiring.stdin,
                stdout=self._wiring.stdout,
                stderr=self._wiring.stderr,
                cwd=self._spec.cwd,
                environ=environment.for_script(
                    environment.inherited(), self._spec.env, str(self._folder)
                ),
                terminal=self._wiring.controlling,
                ignored={getattr(signal, name) for name in self._spec.ignored},
            )
        except child.CannotStart as error:
            self._wiring.failed()
            self._journal.write("failed", reason=error.reason)
            self._channel.send({"event": "failed", "reason": error.reason, "code": error.code})
            return False
        self._journal.write("started", pid=self._pid, started=child.start_time(self._pid))
        self._channel.send({"event": "started", "pid": self._pid})
        self._wiring.started()
        self._sinks += self._wiring.sinks
        for sink in self._sinks:
            sink.start()
        for stream in self._wiring.streams:
            self._watch(stream, True)
        return True

    # ------------------------------------------------------------------ the loop

    def _turn(self) -> None:
        """Wait for something to happen, and deal with it."""
        for key, events in self._selector.select(self._patience()):
            if key.fileobj is self._woken:
                self._drain()
            elif key.fileobj is self._channel:
                self._listen_to_client()
            else:
                if events & selectors.EVENT_WRITE:
                    self._type()
                if events & selectors.EVENT_READ:
                    self._read(key.data)
        if self._terminated:
            self._terminated = False
            self._signal(signal.SIGTERM, by="system")
        self._look_after_child()
        self._hold_back()
        self._report_losses()
        self._report_end()

    def _patience(self) -> float | None:
        """Seconds to wait at most for something to happen."""
        if self._ended is not None and not self._reported:
            return QUIET / 4
        if self._journal.waiting or any(not sink.idle for sink in self._sinks):
            return RETRY
        return None

    def _read(self, stream: Stream) -> None:
        try:
            data = os.read(stream.fd, 1 << 16)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody holds the terminal's other side any more
            data = b""
        if not data:
            if stream.logged:
                self._log.put(stream.newlines.end())
            self._watch(stream, False)
            self._wiring.close(stream)
            return
        self._heard_at = time.monotonic()
        for sink in stream.sinks:
            sink.put(data)
        if stream.logged:
            if stream.tty:
                data = stream.newlines.feed(data, terminal.adds_returns(stream.fd))
            self._log.put(data)

    def _watch(self, stream: Stream, wanted: bool) -> None:
        """Watch the stream for output if wanted, and for room for the keys that wait."""
        events = selectors.EVENT_READ if wanted else 0
        stream.reading = wanted
        if stream is self._wiring.main and self._keys:
            events |= selectors.EVENT_WRITE
        known = stream.fd in self._selector.get_map()
        if events and known:
            self._selector.modify(stream.fd, events, stream)
        elif events:
            self._selector.register(stream.fd, events, stream)
        elif known:
            self._selector.unregister(stream.fd)

    def _hold_back(self) -> None:
        """Read only what can be passed on, so that a slow reader slows the script as usual."""
        for stream in self._wiring.streams:
            wanted = not any(sink.full for sink in stream.sinks)
            if wanted != stream.reading:
                self._watch(stream, wanted)

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._wakes.send(b"\0")

    def _write_down(self) -> None:
        """Leave the traceback of a failure of our own in the run folder, and do not spin."""
        with (
            contextlib.suppress(OSError),
            open(self._folder / "supervisor-failed.txt", "a", encoding="utf-8") as file,
        ):
            traceback.print_exc(file=file)
        time.sleep(QUIET)

    # ------------------------------------------------------------------ the client

    def _listen_to_client(self) -> None:
        for message in self._channel.read():
            self._obey(message)
        if self._channel.closed:
            self._selector.unregister(self._channel)
            self._channel.close()
            self._wiring.restore()
        elif len(self._keys) > KEYS_LIMIT:
            # The script does not read what is typed or pasted; let the client wait for it.
            self._selector.unregister(self._channel)

    def _obey(self, message: Message) -> None:
        """Do what the client says."""
        name, keys, size = message.get("signal"), message.get("keys"), message.get("size")
        if isinstance(name, str) and name in signal.Signals.__members__:
            self._signal(signal.Signals[name], by="client")
        if isinstance(keys, str):
            with contextlib.suppress(binascii.Error):
                self._keys += base64.b64decode(keys)
            self._type()
        if isinstance(size, list) and len(size) == 4:
            for stream in self._wiring.streams:
                if stream.tty:
                    terminal.set_size(stream.fd, (size[0], size[1], size[2], size[3]))

    def _type(self) -> None:
        """Give waiting keys to the terminal, as far as it takes them."""
        stream = self._wiring.main
        if stream is None:
            self._keys.clear()
            return
        with contextlib.suppress(OSError):
            while self._keys:
                del self._keys[: os.write(stream.fd, self._keys)]
        self._watch(stream, stream.reading)
        if not self._channel.closed and len(self._keys) <= KEYS_LIMIT:
            with contextlib.suppress(KeyError):  # that is: it is listened to as it is
                self._selector.register(self._channel, selectors.EVENT_READ)

    def _signal(self, number: signal.Signals, by: str) -> None:
        """Pass a signal on as a terminal or `kill` would have: to the group, or to the script."""
        if self._ended is not None:
            return
        groups = {self._pid}
        if self._wiring.main is not None and number in _TO_GROUP:
            with contextlib.suppress(OSError):
                foreground = os.tcgetpgrp(self._wiring.main.fd)
                groups = {foreground} if number != signal.SIGCONT else {foreground, self._pid}
        try:
            if number in _TO_GROUP:
                for group in groups - {0, os.getpgrp()}:
                    os.killpg(group, number)
            else:
                os.kill(self._pid, number)
        except OSError:
            return
        if number not in (signal.SIGTSTP, signal.SIGCONT):
            self._journal.write("signalled", signal=number.name, by=by)

    # ------------------------------------------------------------------ the end

    def _look_after_child(self) -> None:
        while self._ended is None:
            found = child.poll(self._pid)
            if found is None:
                return
            if isinstance(found, child.Ended):
                self._ended = found
                self._ended_at = self._heard_at = time.monotonic()
                self._journal.write(
                    "exited",
                    code=found.code,
                    signal=child.signal_name(found.signal),
                    registered=self._registered(),
                )
                self._wiring.ended()
            elif found.signal is not None:
                name = child.signal_name(found.signal)
                self._channel.send({"event": "stopped", "signal": name})
            elif not self._channel.closed:
                # Somebody continued the script: then its client, suspended with it, goes on too.
                with contextlib.suppress(OSError):
                    os.kill(self._client, signal.SIGCONT)

    def _registered(self) -> bool:
        """Whether a training process made itself known in the run folder."""
        with contextlib.suppress(OSError):
            return any((self._folder / "ranks").iterdir())
        return False

    def _report_end(self) -> None:
        """Tell the client that the script ended, once its output has reached it."""
        if self._ended is None or self._reported:
            return
        now = time.monotonic()
        if self._wiring.streams:
            held_back = not all(stream.reading for stream in self._wiring.streams)
            quiet = now - self._heard_at >= QUIET or now - self._ended_at >= DRAIN
            if held_back or not quiet:
                return
        for sink in self._sinks:
            if not sink.idle and (sink.patient or now - self._heard_at < STALL):
                return
        self._reported = True
        self._channel.send(
            {
                "event": "exited",
                "code": self._ended.code,
                "signal": self._ended.signal,
                "registered": self._registered(),
            }
        )

    def _report_losses(self, *, final: bool = False) -> None:
        """Say what of the output was lost, where it can be said."""
        for sink in self._sinks:
            if sink.gone is None or sink in self._told or sink in self._log.sinks:
                continue
            self._told.add(sink)
            self._channel.send({"event": "gone", "sink": sink.name, "reason": sink.gone})
        loss = self._log.take_loss(final=final)
        if loss is not None:
            self._journal.write("lost", bytes=loss.bytes, reason=f"console.log: {loss.reason}")
        if self._journal.waiting:
            self._journal.retry()

    def _finished(self) -> bool:
        """Whether the script has ended, and so has all that could still print."""
        return (
            self._reported
            and not self._wiring.streams
            and all(sink.idle or not sink.patient for sink in self._sinks)
        )

    def _close(self) -> None:
        """Write the last lines; if the disk does not take them, try for a good while."""
        if not self._channel.closed:
            self._selector.unregister(self._channel)
            self._channel.close()
        for sink in self._sinks:
            sink.close()
        limit = time.monotonic() + STALL
        while any(not sink.idle for sink in self._sinks) and time.monotonic() < limit:
            self._selector.select(QUIET)
            self._drain()
        self._report_losses(final=True)
        limit = time.monotonic() + DISK_PATIENCE
        while self._journal.waiting and self._folder.is_dir() and time.monotonic() < limit:
            time.sleep(RETRY)
            self._journal.retry()
