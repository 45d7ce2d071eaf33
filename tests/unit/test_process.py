from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from lrmonitor.model import process
from lrmonitor.model.process import Identity

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}])
print("up", child.pid, flush=True)
child.wait()
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def running(code: str, session: bool = True) -> Iterator[subprocess.Popen[str]]:
    """A Python process that has said it is up; killed with its group at the end."""
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=session,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("up")
        yield child
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            for descendant in psutil.Process(child.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    descendant.kill()
        child.kill()
        if session:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def created(pid: int) -> float:
    return psutil.Process(pid).create_time()


def test_a_process_is_its_pid_and_its_birth() -> None:
    with running(SLEEPER) as child:
        birth = created(child.pid)
        assert process.alive(child.pid, birth)
        assert process.alive(child.pid, birth + 1)
        assert not process.alive(child.pid, birth - 100)
        assert not process.alive(child.pid, birth + 100)
        child.kill()
        child.wait()
        assert not process.alive(child.pid, birth)


def test_a_zombie_does_not_live() -> None:
    with running(SLEEPER) as child:
        birth = created(child.pid)
        child.kill()
        limit = time.monotonic() + 10
        while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < limit
        assert not process.alive(child.pid, birth)


def test_a_process_seen_before_a_stranger_was_born_is_not_the_stranger() -> None:
    with running(SLEEPER) as child:
        assert process.alive(child.pid, None, time.time())
        assert not process.alive(child.pid, None, created(child.pid) - 60)
        assert process.alive(child.pid, None)  # nothing is known: it is at least there


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 12345])
def test_pids_that_are_nobody(pid: int) -> None:
    assert not process.alive(pid, None)
    assert process.tree(Identity(pid)) == []


def test_the_tree_holds_children_and_group() -> None:
    with running(PARENT) as parent:
        found = {p.pid for p in process.tree(Identity(parent.pid, created(parent.pid)))}
        children = {p.pid for p in psutil.Process(parent.pid).children(recursive=True)}
        assert children
        assert found == {parent.pid, *children}


def test_a_reused_pid_is_never_signalled() -> None:
    with running(SLEEPER) as stranger:
        for who in (
            Identity(stranger.pid, created(stranger.pid) - 1000),
            Identity(stranger.pid, None, created(stranger.pid) - 1000),
            Identity(stranger.pid),  # no proof at all
        ):
            assert process.interrupt(who) == []
            assert process.terminate(who) == []
            assert process.kill(who) == []
        assert stranger.poll() is None


def test_interrupt_reaches_the_group_as_ctrl_c_does() -> None:
    with running(PARENT) as parent:
        children = psutil.Process(parent.pid).children()
        pids = process.interrupt(Identity(parent.pid, created(parent.pid)))
        assert set(pids) == {parent.pid, *(c.pid for c in children)}
        assert parent.wait(10) == -signal.SIGINT
        assert process.wait_gone(children, 10) == []


def test_interrupt_spares_the_callers_own_group() -> None:
    with running(SLEEPER, session=False) as child:
        assert os.getpgid(child.pid) == os.getpgrp()
        assert process.interrupt(Identity(child.pid, created(child.pid))) == [child.pid]
        assert child.wait(10) == -signal.SIGINT


def test_terminate_reaches_the_whole_tree() -> None:
    with running(PARENT) as parent:
        children = psutil.Process(parent.pid).children()
        reached = process.terminate(Identity(parent.pid, created(parent.pid)))
        assert {p.pid for p in reached} == {parent.pid, *(c.pid for c in children)}
        assert parent.wait(10) == -signal.SIGTERM
        assert process.wait_gone(children, 10) == []


def test_kill_ends_what_is_deaf_to_the_rest() -> None:
    with running(DEAF) as child:
        who = Identity(child.pid, created(child.pid))
        held = process.tree(who)
        process.interrupt(who)
        process.terminate(who)
        assert process.wait_gone(held, 0.3) == held
        process.kill(who)
        assert child.wait(10) == -signal.SIGKILL
        assert process.wait_gone(held, 10) == []


def test_orphans_are_reached_through_what_was_held() -> None:
    with running(PARENT) as parent:
        held = process.tree(Identity(parent.pid, created(parent.pid)))
        parent.kill()
        parent.wait()
        orphans = process.wait_gone(held, 0)
        assert len(orphans) == 1
        assert process.signal_each(held, signal.SIGKILL) == orphans
        assert process.wait_gone(orphans, 10) == []
