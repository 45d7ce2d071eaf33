"""What every test gets: folders of its own, and a check that it leaves nothing behind.

The fixtures here are autouse. A test (or a module's own fixture) that starts threads or processes
ends them itself; whatever is still there a moment after the test is removed and the test fails.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import psutil
import pytest

# Before anything imports Qt. `QT_QPA_PLATFORM=xcb pytest` runs on the X server of pytest-xvfb.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Number formats, sort orders and messages do not depend on whose machine this is.
os.environ["LC_ALL"] = "C.UTF-8"

# The same examples in every run, and no deadline: two busy cores make any test slow at times.
hypothesis.settings.register_profile("house", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("house")

# Started in the background of a shell, or by nohup, these would be ignored, and so by the programs
# that tests start and then interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _ignored in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(_ignored, signal.SIG_DFL)

#: How long threads and processes that are on their way out may take, in seconds.
GRACE = 5.0


@dataclass(frozen=True)
class Isolated:
    """The folders of one test, all empty at its start."""

    home: Path
    runs: Path
    runtime: Path  # short, because a socket's path must fit into 100 bytes


def _environment(home: Path, runs: Path, runtime: Path) -> dict[str, str]:
    """The variables that lead every program of a test into the test's own folders."""
    xdg = runtime / "xdg"
    for folder in (home, runs, runtime, xdg):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "XDG_RUNTIME_DIR": str(xdg),
        "LRMONITOR_RUNS": str(runs),
        "LRMONITOR_RUNTIME_DIR": str(runtime),
        # None that a test has not asked for: which steps they are of depends on the machine.
        "LRMONITOR_SNAPSHOTS": "0",
    }


@pytest.fixture(scope="session", autouse=True)
def _isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fixtures of a whole module or session stay out of the person's home as well."""
    base = tmp_path_factory.mktemp("session")
    runtime = Path(tempfile.mkdtemp(dir="/tmp", prefix="lrm-"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _environment(base / "home", base / "runs", runtime).items():
            patch.setenv(name, value)
        # Tests may themselves be run under lrmonitor.
        patch.delenv("LRMONITOR_RUN", raising=False)
        yield
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Isolated]:
    """Give the test its own home, runs folder and runtime folder through the environment."""
    runtime = Path(tempfile.mkdtemp(dir="/tmp", prefix="lrm-"))
    folders = Isolated(home=tmp_path / "home", runs=tmp_path / "runs", runtime=runtime)
    for name, value in _environment(folders.home, folders.runs, folders.runtime).items():
        monkeypatch.setenv(name, value)
    yield folders
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(autouse=True)
def _no_process_left(isolated: Isolated) -> Iterator[None]:
    """Fail the test that leaves a process behind, after killing it.

    A supervisor leaves the test's process tree on purpose, so besides the children this looks for
    every process whose environment or arguments name the test's folders.
    """
    before = {(process.pid, process.create_time()) for process in _children()}
    yield
    deadline = time.monotonic() + GRACE
    while left := _left_processes(isolated, before):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    told = [_describe(process) for process in left]
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=GRACE)
    if told:
        pytest.fail("processes left behind (now killed):\n  " + "\n  ".join(told), pytrace=False)


@pytest.fixture(autouse=True)
def _no_thread_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that leaves a Python thread running (see the marker `keeps_threads`)."""
    before = set(threading.enumerate())
    yield
    if request.node.get_closest_marker("keeps_threads"):
        return
    deadline = time.monotonic() + GRACE
    while left := [thread for thread in threading.enumerate() if thread not in before]:
        # A thread that Python did not start (Qt's, torch's) is shown as a dummy for ever.
        left = [thread for thread in left if not isinstance(thread, threading._DummyThread)]
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.01)
    if left:
        pytest.fail(f"threads left running: {[thread.name for thread in left]}", pytrace=False)


class _Records(logging.Handler):
    """Keeps what is logged at warning level or above; records may come from any thread."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(f"{record.name} {record.levelname}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def _no_unexpected_log_record(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test during which a warning is logged, unless it looks at `caplog` itself."""
    handler = _Records()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    if handler.records and "caplog" not in request.fixturenames:
        pytest.fail("unexpected log records:\n  " + "\n  ".join(handler.records), pytrace=False)


def _children() -> list[psutil.Process]:
    """This process's live descendants, but for Python's own helper, which lives to the end."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if any("resource_tracker" in word for word in process.cmdline()):
                continue
        except psutil.NoSuchProcess:
            continue
        found.append(process)
    return found


def _left_processes(isolated: Isolated, before: set[tuple[int, float]]) -> list[psutil.Process]:
    """Processes of this test that still run: new descendants, and any that name its folders."""
    found = {process.pid: process for process in _children()}
    names = (str(isolated.runs), str(isolated.runtime))
    for process in psutil.process_iter():
        if process.pid in found or process.pid == os.getpid():
            continue
        try:
            words = [*process.environ().values(), *process.cmdline()]
            named = any(name in word for word in words for name in names)
            if named and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = process
        except (psutil.Error, OSError):
            continue  # gone, or another user's
    left = []
    for process in found.values():
        try:
            if process.is_running() and (process.pid, process.create_time()) not in before:
                left.append(process)
        except psutil.Error:
            continue
    return left


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid}: {' '.join(process.cmdline()) or process.name()}"
    except psutil.Error:
        return f"{process.pid}: gone meanwhile"
