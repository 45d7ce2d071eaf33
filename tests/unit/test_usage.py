"""What the processes of a run use: the reckoning, and a real tree of processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator

import psutil
import pytest

from lrmonitor.model.gpu import Gpus
from lrmonitor.model.process import Identity
from lrmonitor.model.usage import Reading, UsageMeter, bytes_text, cores_text, read_trees
from tests.helpers.gpus import Card, Driver, Process
from tests.helpers.wait import wait_until

ME = Identity(1)
MIB = 1 << 20


class Machine:
    """Processes and a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.readings: list[Reading] = []

    def read(self, whose: Iterable[Identity]) -> list[Reading]:
        assert list(whose) == [ME]
        return self.readings

    def clock(self) -> float:
        return self.now


def test_cores_are_processor_time_by_time() -> None:
    machine = Machine()
    meter = UsageMeter(machine.read, clock=machine.clock)
    machine.readings = [Reading(1, 10.0, 5.0, 3 * MIB), Reading(2, 20.0, 1.0, MIB)]
    first = meter.look([ME])
    assert first is not None
    assert (first.cores, first.resident, first.processes) == (None, 4 * MIB, 2)
    machine.now += 2.0
    machine.readings = [
        Reading(1, 10.0, 8.0, 3 * MIB),  # 3 s
        Reading(2, 1000.5, 0.5, MIB),  # the pid is another process's now, which was just made
        Reading(3, 30.0, 50.0, MIB),  # old, and not seen before: what it used lately is unknown
    ]
    second = meter.look([ME])
    assert second is not None
    assert second.cores == pytest.approx(1.75)
    assert second.gpus == ()


def test_a_clock_that_is_set_back_and_a_run_that_goes() -> None:
    machine = Machine()
    meter = UsageMeter(machine.read, clock=machine.clock)
    machine.readings = [Reading(1, 10.0, 5.0, MIB)]
    meter.look([ME])
    machine.now -= 100.0
    back = meter.look([ME])
    assert back is not None
    assert back.cores is None
    machine.now += 1.0
    on = meter.look([ME])
    assert on is not None
    assert on.cores == 0.0
    machine.readings = []
    assert meter.look([ME]) is None


def test_gpus_are_looked_for_once_and_only_where_something_lives() -> None:
    machine, asked = Machine(), []
    driver = Driver([Card("A", [Process(1, MIB)])])

    def find() -> Gpus:
        asked.append(True)
        return Gpus(driver)

    meter = UsageMeter(machine.read, find, machine.clock)
    assert meter.look([ME]) is None
    assert not asked
    machine.readings = [Reading(1, 10.0, 5.0, MIB)]
    for _ in range(2):
        usage = meter.look([ME])
        assert usage is not None
        assert [gpu.memory for gpu in usage.gpus] == [MIB]
    assert len(asked) == 1
    meter.close()
    assert driver.open == 0


BUSY = "import time; print('up', flush=True)\nwhile True: pass"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {BUSY!r}], stdout=subprocess.PIPE)
child.stdout.readline()
held = bytearray(64 << 20)
held[::4096] = b"x" * len(held[::4096])
print("up", flush=True)
child.wait()
"""


@contextlib.contextmanager
def busy_tree() -> Iterator[Identity]:
    """A process that holds 64 MiB, and a child of it that computes."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        yield Identity(parent.pid, psutil.Process(parent.pid).create_time())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)
        parent.communicate()


def test_a_real_tree_of_processes() -> None:
    with busy_tree() as who:
        child = psutil.Process(who.pid).children()[0]
        also = Identity(child.pid, child.create_time())
        assert len(read_trees([who, also])) == 2  # none is counted twice
        meter = UsageMeter()
        first = meter.look([who])
        assert first is not None
        assert first.processes == 2
        assert first.resident > 64 * MIB

        def computed() -> bool:
            return child.cpu_times().user > spent + 0.1

        spent = child.cpu_times().user
        wait_until(computed, what="the child to compute")
        usage = meter.look([who])
        assert usage is not None
        assert usage.cores is not None
        # One thread computes, and other programs may be at it too.
        assert 0.05 < usage.cores < 1.2
    assert read_trees([who]) == []


def test_looking_is_cheap() -> None:
    with busy_tree() as who:
        meter = UsageMeter()
        begun = time.thread_time()
        for _ in range(10):
            meter.look([who])
        # Every two seconds, in a thread: a tenth of that would be 200 ms; it takes about 3.
        assert (time.thread_time() - begun) / 10 < 0.1


@pytest.mark.parametrize(
    ("cores", "text"), [(0.0, "0 cores"), (1.0, "1 core"), (1.84, "1.8 cores"), (12.3, "12 cores")]
)
def test_cores_for_a_person(cores: float, text: str) -> None:
    assert cores_text(cores) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (812 * MIB, "812 MiB"),
        (2.34 * 1024 * MIB, "2.3 GiB"),
        (640 * 1024 * MIB, "640 GiB"),
        (1.5 * 1024 * 1024 * MIB, "1.5 TiB"),
    ],
)
def test_memory_for_a_person(size: float, text: str) -> None:
    assert bytes_text(size) == text
