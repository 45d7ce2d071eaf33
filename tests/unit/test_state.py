from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.progress import Reading
from lrmonitor.model.state import Ask, Exit, Facts, Phase, decide, duration, rate_text, stall_limit

NOW = 1_000_000.0
INTERRUPT = Ask("interrupt", "ann (window)")
KILL = Ask("kill", "ann (cli)")
TERMINATE = Ask("terminate", "ann (cli)")

LIVE = Facts(now=NOW, started=NOW - 60, alive=True, supervisor_alive=True, pid=42)
TRAINING = dataclasses.replace(
    LIVE, registered=True, step=100, step_time=NOW - 0.1, interval=0.1, speed=10.0
)
OVER = dataclasses.replace(TRAINING, alive=False, supervisor_alive=False)
READING = Reading(since=NOW - 34, seen=NOW - 3, step=100, taken=57, batches=80)
VALIDATING = dataclasses.replace(TRAINING, step_time=NOW - 35, reading=READING)
STARTED = dataclasses.replace(TRAINING, launched=False, supervisor_alive=False)
STARTED_OVER = dataclasses.replace(STARTED, alive=False)
ABROAD = dataclasses.replace(OVER, foreign="tower")


def but(facts: Facts, **changes: object) -> Facts:
    return dataclasses.replace(facts, **changes)  # type: ignore[arg-type]


TABLE: list[tuple[str, Facts, Phase, str, str]] = [
    # what, facts, phase, label, part of the sentence
    (
        "supervisor up",
        Facts(NOW, supervisor_alive=True),
        Phase.STARTING,
        "starting",
        "being started",
    ),
    (
        "script up",
        but(LIVE, started=NOW - 2),
        Phase.NOT_TRAINING,
        "not training yet",
        "nothing has",
    ),
    (
        "script up, no torch",
        but(LIVE, started=NOW - 2, torch=False),
        Phase.NOT_TRAINING,
        "starting up",
        "has not loaded PyTorch yet",
    ),
    (
        "script up, torch",
        but(LIVE, started=NOW - 2, torch=True),
        Phase.NOT_TRAINING,
        "preparing",
        "loading data, building or compiling",
    ),
    (
        "compiling before the first step",
        but(LIVE, registered=True, compiling=NOW - 12),
        Phase.COMPILING,
        "compiling",
        "for 12 s now",
    ),
    (
        "compiling between two steps is not stalled",
        but(TRAINING, step_time=NOW - 60, compiling=NOW - 59),
        Phase.COMPILING,
        "compiling",
        "compiled",
    ),
    (
        "gone while compiling",
        but(OVER, exit=Exit(1), compiling=NOW - 3),
        Phase.FAILED,
        "failed",
        "exit code 1",
    ),
    ("long without torch", LIVE, Phase.NOT_TRAINING, "not training yet", "-I, -E or -S"),
    ("registered", but(LIVE, registered=True), Phase.RUNNING, "training", "no step is done yet"),
    ("training", TRAINING, Phase.RUNNING, "training", "step 100, 10 steps/s"),
    ("paused", but(TRAINING, paused=True), Phase.PAUSED, "paused", "after step 100"),
    (
        "paused for an hour",
        but(TRAINING, paused=True, step_time=NOW - 3600),
        Phase.PAUSED,
        "paused",
        "step 100",
    ),
    ("10 s is not stalled", but(TRAINING, step_time=NOW - 10), Phase.RUNNING, "training", ""),
    (
        "another loader is read",
        VALIDATING,
        Phase.VALIDATING,
        "validating",
        "not the training one has been read since step 100, 34 s ago; 57 of 80 of its batches",
    ),
    (
        "of which it is not known how long it is",
        but(VALIDATING, reading=Reading(NOW - 2, NOW - 1, 100, 57)),
        Phase.VALIDATING,
        "validating",
        "2 s ago; 57 of its batches were taken, and no step was made",
    ),
    (
        "a step is not missed yet",
        but(VALIDATING, step_time=NOW - 2.9, interval=1.0),
        Phase.RUNNING,
        "training",
        "",
    ),
    (
        "no batch came for long",
        but(VALIDATING, reading=Reading(NOW - 34, NOW - 16, 100, 57)),
        Phase.STALLED,
        "stalled",
        "No step for 35 s",
    ),
    ("paused while it is read", but(VALIDATING, paused=True), Phase.PAUSED, "paused", ""),
    (
        "gone while it is read",
        but(VALIDATING, alive=False, supervisor_alive=False, exit=Exit(0)),
        Phase.ENDED,
        "ended",
        "",
    ),
    (
        "11 s is",
        but(TRAINING, step_time=NOW - 11),
        Phase.STALLED,
        "stalled",
        "No step for 11 s; a step usually takes 0.1 s",
    ),
    (
        "11 s of slow steps is not",
        but(TRAINING, step_time=NOW - 11, interval=2.0),
        Phase.RUNNING,
        "training",
        "",
    ),
    (
        "10 times a slow step",
        but(TRAINING, step_time=NOW - 21, interval=2.0),
        Phase.STALLED,
        "stalled",
        "usually takes 2 s",
    ),
    (
        "one step and no rhythm",
        but(TRAINING, step_time=NOW - 11, interval=None),
        Phase.STALLED,
        "stalled",
        "No step for 11 s: it may",
    ),
    (
        "resumed after a long pause",
        but(TRAINING, step_time=NOW - 600, resumed_time=NOW - 1),
        Phase.RUNNING,
        "training",
        "",
    ),
    ("exit 0", but(OVER, exit=Exit(0)), Phase.ENDED, "ended", "after step 100 (exit code 0)"),
    (
        "exit 0, untrained",
        but(OVER, exit=Exit(0), registered=False, step=None),
        Phase.ENDED,
        "ended",
        "trained nothing",
    ),
    (
        "an exception",
        but(OVER, exit=Exit(1), crash="ValueError: no."),
        Phase.FAILED,
        "crashed",
        "crashed after step 100: ValueError: no.",
    ),
    (
        "an old traceback and another end",
        but(OVER, exit=Exit(3), crash="ValueError: no"),
        Phase.FAILED,
        "failed",
        "exit code 3",
    ),
    (
        "exit 1",
        but(OVER, exit=Exit(1)),
        Phase.FAILED,
        "failed",
        "exit code 1; the console says why",
    ),
    ("sys.exit(3)", but(OVER, exit=Exit(3)), Phase.FAILED, "failed", "exit code 3"),
    (
        "a shell tells of SIGKILL",
        but(OVER, exit=Exit(137)),
        Phase.FAILED,
        "failed",
        "how a shell tells of SIGKILL",
    ),
    (
        "stopped through lrmonitor",
        but(OVER, exit=Exit(signal="SIGINT"), asks=(INTERRUPT,)),
        Phase.STOPPED,
        "stopped",
        "asked to stop by ann (window)",
    ),
    (
        "Ctrl-C in its terminal",
        but(OVER, exit=Exit(signal="SIGINT")),
        Phase.STOPPED,
        "interrupted",
        "not through lrmonitor",
    ),
    (
        "Ctrl-C of a shell script",
        but(OVER, exit=Exit(130)),
        Phase.STOPPED,
        "interrupted",
        "not through lrmonitor",
    ),
    (
        "a script that ends well when interrupted",
        but(OVER, exit=Exit(0), asks=(INTERRUPT,)),
        Phase.STOPPED,
        "stopped",
        "It ended after step 100, as asked to stop",
    ),
    (
        "a script that ends with a code when interrupted",
        but(OVER, exit=Exit(5), asks=(INTERRUPT,)),
        Phase.STOPPED,
        "stopped",
        "exit code 5",
    ),
    (
        "kill -9",
        but(OVER, exit=Exit(signal="SIGKILL")),
        Phase.KILLED,
        "killed",
        "SIGKILL after step 100, not through lrmonitor; when memory runs out",
    ),
    (
        "killed through lrmonitor",
        but(OVER, exit=Exit(signal="SIGKILL"), asks=(INTERRUPT, KILL)),
        Phase.KILLED,
        "killed",
        "asked to kill by ann (cli)",
    ),
    (
        "killed while a stop was pending",
        but(OVER, exit=Exit(signal="SIGKILL"), asks=(INTERRUPT,)),
        Phase.KILLED,
        "killed",
        "not through lrmonitor",
    ),
    (
        "terminated through lrmonitor",
        but(OVER, exit=Exit(signal="SIGTERM"), asks=(TERMINATE,)),
        Phase.KILLED,
        "terminated",
        "asked to terminate by ann (cli)",
    ),
    (
        "terminated by another",
        but(OVER, exit=Exit(signal="SIGTERM")),
        Phase.KILLED,
        "terminated",
        "not through lrmonitor",
    ),
    (
        "native crash",
        but(OVER, exit=Exit(signal="SIGSEGV")),
        Phase.KILLED,
        "crashed",
        "a crash in native code",
    ),
    ("exit unknown", but(OVER, exit=Exit()), Phase.LOST, "ended", "how was not recorded"),
    (
        "no such script",
        but(OVER, start_failure="train.py does not exist.", registered=False),
        Phase.FAILED,
        "not started",
        "could not be started: train.py does not exist.",
    ),
    ("gone with its supervisor", OVER, Phase.LOST, "lost", "so is its supervisor"),
    (
        "killed with its supervisor through lrmonitor",
        but(OVER, asks=(KILL,)),
        Phase.KILLED,
        "killed",
        "asked to kill",
    ),
    (
        "supervisor gone before the script",
        Facts(NOW),
        Phase.LOST,
        "lost",
        "it was never started",
    ),
    (
        "supervisor about to record the exit",
        but(OVER, supervisor_alive=True),
        Phase.RUNNING,
        "ending",
        "being recorded",
    ),
    ("started, training", STARTED, Phase.RUNNING, "training", "step 100"),
    (
        "started, ended",
        but(STARTED_OVER, said_bye=True),
        Phase.ENDED,
        "ended",
        "The process ended after step 100.",
    ),
    (
        "started, stopped",
        but(STARTED_OVER, said_bye=True, asks=(INTERRUPT,)),
        Phase.STOPPED,
        "stopped",
        "asked to stop by ann (window)",
    ),
    ("started, killed", STARTED_OVER, Phase.LOST, "lost", "it was killed, or crashed"),
    (
        "folder deleted, training",
        but(TRAINING, folder_gone=True),
        Phase.LOST,
        "record deleted",
        "process 42 goes on",
    ),
    (
        "folder deleted, over",
        but(OVER, folder_gone=True, exit=Exit(0)),
        Phase.LOST,
        "record deleted",
        "its process too",
    ),
    ("abroad, training", ABROAD, Phase.RUNNING, "training", "Training on tower: step 100"),
    ("abroad, paused", but(ABROAD, paused=True), Phase.PAUSED, "paused", "on tower"),
    (
        "abroad, silent",
        but(ABROAD, step_time=NOW - 7200),
        Phase.LOST,
        "elsewhere",
        "no sign of it for 2 h",
    ),
    ("abroad, unseen", but(ABROAD, step_time=None), Phase.LOST, "elsewhere", "tower"),
    (
        "abroad, nothing at all",
        Facts(NOW, foreign="tower"),
        Phase.LOST,
        "elsewhere",
        "no sign of it yet",
    ),
    (
        "abroad, ended",
        but(ABROAD, launched=False, said_bye=True),
        Phase.ENDED,
        "ended",
        "ended after step 100",
    ),
    ("abroad, exited", but(ABROAD, exit=Exit(0)), Phase.ENDED, "ended", "exit code 0"),
]


@pytest.mark.parametrize(
    ("facts", "phase", "label", "part"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_decisions(facts: Facts, phase: Phase, label: str, part: str) -> None:
    state = decide(facts)
    assert (state.phase, state.label) == (phase, label)
    assert part in state.sentence
    assert state.sentence.endswith(".")
    # What stands beside label and time tells neither again.
    assert state.beside.endswith(".")
    assert state.beside[0].isupper()
    assert not state.beside.lower().startswith(("training:", "paused", "killed"))
    if facts.crash is not None:
        # It stands below the head, where there is room for it.
        assert facts.crash not in state.beside or state.phase is not Phase.FAILED
    if state.since is not None:
        assert not re.search(r"No step for|, for [\d.]+ s|ago", state.beside), state.beside
    assert (
        state.phase.over == (not (facts.alive or facts.supervisor_alive))
        or facts.foreign
        or (facts.folder_gone)
    )


def test_a_state_carries_how_it_ended() -> None:
    state = decide(but(OVER, exit=Exit(3)))
    assert (state.code, state.signal, state.step, state.live) == (3, None, 100, False)
    assert decide(but(OVER, exit=Exit(signal="SIGKILL"))).signal == "SIGKILL"


def test_speed_is_told_while_it_trains() -> None:
    assert decide(TRAINING).steps_per_second == 10.0
    assert decide(but(TRAINING, paused=True)).steps_per_second == 0.0
    assert decide(but(OVER, exit=Exit(0))).steps_per_second is None


def test_only_a_process_of_this_machine_is_live() -> None:
    assert decide(TRAINING).live
    assert decide(TRAINING).pid == 42
    assert not decide(but(TRAINING, foreign="tower")).live


facts_of_any_kind = st.builds(
    Facts,
    now=st.just(NOW),
    folder_gone=st.booleans(),
    foreign=st.none() | st.just("tower"),
    launched=st.booleans(),
    start_failure=st.none() | st.just("no such file"),
    started=st.none() | st.floats(NOW - 1e6, NOW + 10),
    alive=st.booleans(),
    supervisor_alive=st.booleans(),
    exit=st.none()
    | st.builds(
        Exit,
        code=st.none() | st.integers(0, 255),
        signal=st.none() | st.sampled_from(["SIGINT", "SIGTERM", "SIGKILL", "SIGABRT", "SIGHUP"]),
    ),
    registered=st.booleans(),
    torch=st.none() | st.booleans(),
    crash=st.none() | st.just("ValueError: shape"),
    compiling=st.none() | st.floats(NOW - 1e6, NOW),
    said_bye=st.booleans(),
    asks=st.lists(st.sampled_from([INTERRUPT, TERMINATE, KILL, Ask("interrupt")])).map(tuple),
    paused=st.booleans(),
    pid=st.none() | st.just(42),
    step=st.none() | st.integers(0, 10**9),
    step_time=st.none() | st.floats(NOW - 1e6, NOW + 10),
    resumed_time=st.none() | st.floats(NOW - 1e6, NOW + 10),
    interval=st.none() | st.floats(0, 1e4),
    speed=st.none() | st.floats(0, 1e6),
)


@given(facts_of_any_kind)
def test_every_state_explains_itself(facts: Facts) -> None:
    state = decide(facts)
    assert 1 <= len(state.label.split()) <= 3
    assert state.sentence[0].isupper()
    assert state.sentence.endswith(".")
    assert "None" not in state.sentence.replace("process None", "")


def test_since_when_no_step_was_made() -> None:
    assert decide(TRAINING).since is None
    stalled = but(TRAINING, step_time=NOW - 600, resumed_time=NOW - 60)
    assert decide(stalled).since == NOW - 60
    assert decide(but(TRAINING, compiling=NOW - 5)).since == NOW - 5
    assert decide(but(TRAINING, compiling=NOW - 5)).steps_per_second == 0.0


def test_stall_limit_follows_the_rhythm() -> None:
    assert stall_limit(None) == stall_limit(0.01) == 10.0
    assert stall_limit(60.0) == 600.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0.2 s"),
        (9.96, "10 s"),
        (34.2, "34 s"),
        (119.0, "119 s"),
        (300, "5 min"),
        (7200, "2 h"),
        (12_000, "3 h 20 min"),
        (86400 * 3, "3 days"),
        (-1, "0 s"),
        (None, "an unknown time"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("speed", "text"),
    [
        (5.234, "5.23 steps/s"),
        (1234.5, "1234 steps/s"),
        (0.5, "2 s a step"),
        (1 / 90, "90 s a step"),
        (0.0, "–"),
        (None, "–"),
    ],
)
def test_rate_text(speed: float | None, text: str) -> None:
    assert rate_text(speed) == text
