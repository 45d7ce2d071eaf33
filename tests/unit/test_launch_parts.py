"""The parts of the supervisor one by one: sinks, newlines, the channel, the journal."""

from __future__ import annotations

import json
import os
import queue
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.launch import child, terminal
from lrmonitor.launch.channel import Channel
from lrmonitor.launch.console import ConsoleLog
from lrmonitor.launch.journal import Journal
from lrmonitor.launch.sinks import Loss, Sink
from lrmonitor.launch.wiring import _not_shown
from tests.helpers.wait import wait_until

LIMIT = 10_000


class Pipe:
    """A pipe with a sink at its one end."""

    def __init__(self, patient: bool, notice: Callable[[int], bytes] | None = None) -> None:
        self.read, write = os.pipe()
        self.woken: queue.Queue[None] = queue.Queue()
        self.sink = Sink(
            write,
            name="test",
            patient=patient,
            limit=LIMIT,
            wake=lambda: self.woken.put(None),
            notice=notice,
        )
        self.sink.start()

    def take(self, count: int) -> bytes:
        """Read so many bytes."""
        found = b""
        while len(found) < count:
            found += os.read(self.read, count - len(found))
        return found

    def rest(self) -> bytes:
        """Close the sink and read all there is."""
        self.sink.close()
        with open(self.read, "rb", closefd=False) as file:
            return file.read()

    def fill(self) -> int:
        """Put bytes until the pipe and the sink are full; how many it took."""
        count = 0
        while not self.sink.full and self.sink.take_loss() is None:
            self.sink.put(b"x" * 1000)
            count += 1000
        return count


@pytest.fixture
def make() -> Iterator[Callable[..., Pipe]]:
    made: list[Pipe] = []

    def pipe(patient: bool, notice: Callable[[int], bytes] | None = None) -> Pipe:
        made.append(Pipe(patient, notice))
        return made[-1]

    yield pipe
    for one in made:
        one.sink.close()
        os.close(one.read)


class TestSink:
    @pytest.mark.parametrize("patient", [True, False])
    def test_passes_all_on_in_order(self, make: Callable[..., Pipe], patient: bool) -> None:
        pipe = make(patient)
        for i in range(100):
            pipe.sink.put(b"%d " % i)
        assert pipe.rest() == b"".join(b"%d " % i for i in range(100))
        assert pipe.sink.idle
        assert pipe.sink.take_loss() is None

    def test_a_patient_one_is_full_and_loses_nothing(self, make: Callable[..., Pipe]) -> None:
        pipe = make(True)
        count = pipe.fill()
        assert pipe.sink.full
        assert not pipe.sink.idle
        pipe.sink.put(b"more")
        assert pipe.take(count + 4) == b"x" * count + b"more"
        wait_until(lambda: not pipe.sink.full and pipe.sink.idle)
        assert not pipe.woken.empty()

    def test_an_impatient_one_drops_and_says_so(self, make: Callable[..., Pipe]) -> None:
        pipe = make(False, lambda count: b"(%d)" % count)
        count = 0
        while (loss := pipe.sink.take_loss()) is None:
            pipe.sink.put(b"x" * 1000)
            count += 1000
        assert loss == Loss(1000, "it did not keep up")
        assert not pipe.sink.full
        pipe.sink.put(b"y" * LIMIT)
        assert pipe.take(count - 1000) == b"x" * (count - 1000)
        wait_until(lambda: pipe.sink.idle)
        pipe.sink.put(b"again")
        assert pipe.rest() == b"(11000)again"
        assert pipe.sink.take_loss() == Loss(LIMIT, "it did not keep up")

    def test_one_whose_reader_is_gone(self, make: Callable[..., Pipe]) -> None:
        pipe = make(True)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, pipe.read)
        os.close(null)
        pipe.sink.put(b"x")
        pipe.woken.get(timeout=30)
        assert pipe.sink.gone == "Broken pipe"
        pipe.sink.put(b"y" * 2 * LIMIT)
        assert not pipe.sink.full
        assert pipe.sink.idle

    def test_a_descriptor_that_does_not_block(self, make: Callable[..., Pipe]) -> None:
        pipe = make(True)
        os.set_blocking(pipe.sink._fd, False)
        count = pipe.fill()
        assert pipe.take(count) == b"x" * count

    def test_a_full_disk(self) -> None:
        woken: queue.Queue[None] = queue.Queue()
        full = os.open("/dev/full", os.O_WRONLY)
        sink = Sink(full, name="disk", patient=True, limit=9, wake=lambda: woken.put(None))
        sink.start()
        sink.put(b"12345")
        woken.get(timeout=30)
        assert sink.gone is None
        assert sink.idle
        assert sink.take_loss() is None  # it may not be over yet
        sink.close()
        assert sink.take_loss() == Loss(5, "No space left on device")

    def test_the_notice_is_a_line_of_ours(self) -> None:
        assert _not_shown(3).startswith(b"\r\nlrmonitor: 3 bytes ")
        assert _not_shown(3).endswith(b"\r\n")


class TestConsoleLog:
    def test_without_a_folder_all_is_lost(self, tmp_path: Path) -> None:
        log = ConsoleLog(tmp_path / "gone" / "console.log", lambda: None)
        log.put(b"12345")
        assert log.take_loss() is None
        assert log.take_loss(final=True) == Loss(5, "No such file or directory")
        assert log.take_loss(final=True) is None

    def test_when_what_came_stands_beside_it(self, tmp_path: Path) -> None:
        moments = iter([10.0, 10.01, 10.5, 3.0])
        log = ConsoleLog(tmp_path / "console.log", lambda: None, clock=lambda: next(moments))
        for sink in log.sinks:
            sink.start()
        for data in (b"one\n", b"two\n", b"", b"three\n", b"four\n"):
            log.put(data)
        wait_until(lambda: all(sink.idle for sink in log.sinks))
        for sink in log.sinks:
            sink.close()
        assert (tmp_path / "console.log").read_text() == "one\ntwo\nthree\nfour\n"
        # What came within 20 ms shares a time; a clock that was set back is told.
        assert (tmp_path / "console.times").read_text() == (
            "0 10.000000\n8 10.500000\n14 3.000000\n"
        )


class TestNewlines:
    @given(st.lists(st.text("a\r\n", max_size=6)), st.booleans())
    def test_takes_back_what_the_terminal_did(self, parts: list[str], added: bool) -> None:
        newlines = terminal.Newlines()
        printed = "".join(parts).encode()
        shown = printed.replace(b"\n", b"\r\n") if added else printed
        size = 1 + len(shown) // max(1, len(parts))
        found = b"".join(
            newlines.feed(shown[at : at + size], added) for at in range(0, len(shown), size)
        )
        assert found + newlines.end() == printed


class TestTerminal:
    def test_raw_and_back(self) -> None:
        ours, theirs = terminal.open_terminal(None, (30, 90, 0, 0))
        try:
            found = terminal.get_attributes(theirs)
            assert found is not None
            assert terminal.given_attributes(theirs) == found
            assert terminal.adds_returns(ours)
            assert terminal.set_attributes(theirs, terminal.raw(found))
            assert terminal.get_attributes(ours) == terminal.raw(found)
            assert terminal.given_attributes(theirs) is None
            assert not terminal.adds_returns(ours)
            assert terminal.get_size(theirs) == (30, 90, 0, 0)
        finally:
            os.close(ours)
            os.close(theirs)

    def test_what_is_no_terminal(self, tmp_path: Path) -> None:
        with (tmp_path / "file").open("wb") as file:
            assert terminal.get_attributes(file.fileno()) is None
            assert not terminal.set_attributes(file.fileno(), [0, 0, 0, 0, 0, 0, [0] * 32])
            assert not terminal.adds_returns(file.fileno())


class TestChannel:
    @pytest.fixture
    def ends(self) -> Iterator[tuple[Channel, Channel, socket.socket]]:
        one, two = socket.socketpair()
        ends = Channel(one), Channel(two), two
        yield ends
        ends[0].close()
        ends[1].close()

    def test_messages(self, ends: tuple[Channel, Channel, socket.socket]) -> None:
        one, two, _ = ends
        assert one.send({"a": "\udcff", "n": 1})
        assert one.send({"b": [2]})
        assert two.next(9) == {"a": "\udcff", "n": 1}
        assert two.queued
        assert two.read() == [{"b": [2]}]
        assert two.next(0) is None
        assert not two.closed

    def test_a_peer_that_is_gone(self, ends: tuple[Channel, Channel, socket.socket]) -> None:
        one, two, _ = ends
        one.send({"last": 1})
        one.close()
        assert not one.send({})
        assert two.next(9) == {"last": 1}
        assert two.next(9) is None
        assert two.closed
        assert two.read() == []
        assert not two.send({})

    def test_what_is_torn_or_no_message(self, ends: tuple[Channel, Channel, socket.socket]) -> None:
        one, _, raw = ends
        raw.sendall(b'not json\n[1]\n{"a":')
        assert one.read() == []
        raw.sendall(b'1}\n{"torn"')
        assert one.next(9) == {"a": 1}
        raw.shutdown(socket.SHUT_WR)
        assert one.next(9) is None


class TestJournal:
    def test_keeps_what_the_disk_does_not_take(self, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        journal = Journal(folder / "supervisor.jsonl", clock=iter([1.5, 2.5, 3.5]).__next__)
        journal.write("starting", pid=1)
        journal.write("started", pid=2)
        seen = [journal.waiting]
        folder.mkdir()
        journal.write("exited", code=0)
        assert [*seen, journal.waiting] == [True, False]
        lines = (folder / "supervisor.jsonl").read_text().splitlines()
        assert list(map(json.loads, lines)) == [
            {"time": 1.5, "event": "starting", "pid": 1},
            {"time": 2.5, "event": "started", "pid": 2},
            {"time": 3.5, "event": "exited", "code": 0},
        ]


class TestChild:
    def test_start_time_is_psutils(self) -> None:
        psutil = pytest.importorskip("psutil")
        assert child.start_time(os.getpid()) == pytest.approx(
            psutil.Process().create_time(), abs=1.0
        )

    def test_names_of_signals(self) -> None:
        assert child.signal_name(9) == "SIGKILL"
        assert child.signal_name(40) == "signal 40"
        assert child.signal_name(None) is None
