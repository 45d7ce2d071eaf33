"""Ending a run: a ladder of three steps, each named, each written into the record.

1. *interrupt*: the probe raises SIGINT at the next step boundary, which takes the script's own way
   out. Where nothing listens, several processes train, or no boundary comes in time: SIGINT to the
   script's process group, as Ctrl-C in its terminal does.
2. *terminate*: SIGTERM to every process of its tree.
3. *kill*: SIGKILL to every process of its tree.

A process is signalled only if its creation time shows that it is the one recorded.
"""

from __future__ import annotations

import contextlib
import os
import signal as signals
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from lrmonitor.link import client as link
from lrmonitor.link.messages import Author, CancelCommand, StopCommand
from lrmonitor.model import process
from lrmonitor.model.command import NotLive, live_endpoints, why_not
from lrmonitor.model.process import Identity
from lrmonitor.model.run import STATE_POINTS, RunModel
from lrmonitor.model.state import Phase, RunState, duration
from lrmonitor.record.client_log import ClientLog

LADDER = ("interrupt", "terminate", "kill")

BOUNDARY_SECONDS = 3.0
"""How long the next step boundary is waited for before SIGINT is sent from outside."""


SETTLE_SECONDS = 3.0
"""How long the record of an end is waited for once the processes are gone."""


@dataclass(frozen=True)
class StopStep:
    """One thing that was done to end the run.

    `how` is the rung of the ladder; `by` is "probe" or the signal's name; `pids` were signalled.
    """

    how: str
    by: str
    text: str
    pids: tuple[int, ...] = ()
    step: int | None = None


@dataclass(frozen=True)
class StopResult:
    """What was done, whether the run is over, and its state then. `sentence` says all of it."""

    steps: tuple[StopStep, ...]
    ended: bool
    state: RunState
    sentence: str
    refused: bool = False


def stop_run(
    folder: str | os.PathLike[str],
    how: str = "interrupt",
    *,
    escalate: bool = False,
    timeout: float = 30.0,
    by: Author | None = None,
    kind: str = "cli",
    boundary: float = BOUNDARY_SECONDS,
    progress: Callable[[StopStep], None] | None = None,
) -> StopResult:
    """End a run by one rung of the ladder, or by that one and, while it lives, those above it.

    Waits `timeout` seconds after each rung for the processes to go. `progress` is told of each step
    as it is done. Raises NotLive when the run has no process here, ValueError for an unknown rung.
    """
    if how not in LADDER:
        raise ValueError(f"{how!r} is not one of {', '.join(LADDER)}")
    return _Stop(folder, by or Author(), kind, boundary, progress).run(how, escalate, timeout)


class _Stop:
    """One request to end a run, with the processes that it is about."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        by: Author,
        kind: str,
        boundary: float,
        progress: Callable[[StopStep], None] | None,
    ) -> None:
        self._model = RunModel(folder, last=STATE_POINTS)
        self._by = by
        self._kind = kind
        self._boundary = boundary
        self._progress = progress
        who = {"who": by.who, "via": by.via, "name": by.name}
        self._log = ClientLog(folder, kind, who)
        self._steps: list[StopStep] = []
        self._held: list[psutil.Process] = []
        self._refused: str | None = None

    def run(self, how: str, escalate: bool, timeout: float) -> StopResult:
        self._model.poll()
        who = self._model.identity
        if who is None or not self._model.state.live:
            raise NotLive(why_not(self._model), self._model.state)
        self._held = process.tree(who)
        rungs = LADDER[LADDER.index(how) :] if escalate else (how,)
        left: Sequence[psutil.Process] = self._held
        for rung in rungs:
            self._refused = None
            try:
                left = self._climb(rung, who, timeout)
            except PermissionError:
                self._refused = f"process {who.pid} belongs to another user"
            if not left or self._refused:
                break
        return self._result(bool(left), timeout)

    def _climb(self, rung: str, who: Identity, timeout: float) -> list[psutil.Process]:
        """Do one rung and wait; the processes that still live."""
        if rung == "interrupt":
            if self._ask_probe(who):
                return self._wait(who, timeout)
            pids = process.interrupt(who)
            if pids:
                self._did("interrupt", "SIGINT", f"SIGINT sent to {_processes(pids)}", pids)
            return self._wait(who, timeout)
        signal = signals.SIGTERM if rung == "terminate" else signals.SIGKILL
        # What was seen of the tree before counts too: its root may be gone and leave children.
        known = {p.pid: p for p in process.tree(who)}
        orphans = [p for p in self._held if p.pid not in known]
        reached = process.signal_tree(who, signal)
        reached += process.signal_each(process.wait_gone(orphans, 0), signal)
        if reached:
            pids = [p.pid for p in reached]
            self._did(rung, signal.name, f"{signal.name} sent to {_processes(pids)}", pids)
            self._held = list({p.pid: p for p in [*self._held, *reached]}.values())
        return self._wait(who, timeout)

    def _ask_probe(self, who: Identity) -> bool:
        """Ask for an end at the next step boundary; whether the probe saw to it."""
        asked: float | None = None
        endpoints = live_endpoints(self._model.id)
        if len(endpoints) != 1:
            return False
        try:
            with link.connect(self._model.id, endpoints[0].rank, client=self._kind) as connection:
                command = StopCommand(by=self._by)
                asked = time.time()
                answer = connection.request(command, self._boundary)
                if answer.status == "pending":
                    # Or it would interrupt a second time, should a boundary come after all.
                    withdraw = CancelCommand(target=command.id, by=self._by)
                    if connection.request(withdraw, self._boundary).final:
                        # What came of it: it may have been carried out just before.
                        answer = connection.request(command, self._boundary)
        except link.LinkError:
            if asked is None or not self._interrupted(who, asked):
                return False
            self._did("interrupt", "SIGINT", "interrupted by SIGINT, before it could answer")
            return True
        if answer.status != "applied":
            return False
        if answer.step is None:  # it had waited long enough, and sent the signal to itself
            self._did("interrupt", "SIGINT", "interrupted by SIGINT: no step boundary came in time")
            return True
        text = f"interrupted after step {answer.step}, at a step boundary"
        self._did("interrupt", "probe", text, (), answer.step)
        return True

    def _interrupted(self, who: Identity, asked: float) -> bool:
        """Whether a process whose connection is gone interrupted itself, as it was asked to at that
        time: it is gone, or has recorded that it will be."""
        root = process.find(who)
        limit = time.monotonic() + SETTLE_SECONDS
        while root is not None and process.wait_gone([root], 0.05):
            self._model.poll()
            rank = self._model.rank
            told = () if rank is None else rank.events
            if any(e["event"] == "stopping" and e["time"] >= asked for e in told):
                return True
            if time.monotonic() >= limit:
                return False
        return True

    def _wait(self, who: Identity, timeout: float) -> list[psutil.Process]:
        """Wait for the end; a run's end is its script's, its children may take care of themselves
        unless it was them who were signalled."""
        root = process.find(who)
        signalled = {pid for step in self._steps for pid in step.pids if step.how != "interrupt"}
        watched = {p.pid: p for p in self._held if p.pid in signalled}
        if root is not None:
            watched[root.pid] = root
        return process.wait_gone(list(watched.values()), timeout)

    def _did(
        self, how: str, by: str, text: str, pids: Sequence[int] = (), step: int | None = None
    ) -> None:
        done = StopStep(how, by, text, tuple(pids), step)
        self._steps.append(done)
        # A disk that is full must not keep a run from being stopped.
        with contextlib.suppress(OSError):
            self._log.write("stop", how=how, signal=None if by == "probe" else by, pids=list(pids))
        if self._progress is not None:
            self._progress(done)

    def _result(self, alive: bool, timeout: float) -> StopResult:
        self._settle(alive)
        state = self._model.state
        words = "; then ".join(step.text for step in self._steps)
        words = words[:1].upper() + words[1:] if words else "Nothing was sent"
        if self._refused:
            sentence = f"{words}: {self._refused}."
        elif alive:
            last = self._steps[-1].how if self._steps else "interrupt"
            after = LADDER[LADDER.index(last) + 1 :][:1]
            hint = f"; {after[0]} is the next step" if after else ""
            sentence = f"{words}; still running {duration(timeout)} later{hint}."
        else:
            sentence = f"{words}. {state.sentence}"
        return StopResult(
            tuple(self._steps), not alive, state, sentence, refused=self._refused is not None
        )

    def _settle(self, alive: bool) -> None:
        """Read the end of the record: a supervisor tells of the exit a moment late."""
        limit = time.monotonic() + (0.0 if alive else SETTLE_SECONDS)
        while True:
            self._model.look()
            self._model.poll()
            phase = self._model.state.phase
            # A process that is gone without a record may only be ahead of its supervisor.
            settled = phase.over and phase is not Phase.LOST
            if settled or time.monotonic() >= limit:
                return
            time.sleep(0.02)


def _processes(pids: Sequence[int]) -> str:
    if len(pids) == 1:
        return f"process {pids[0]}"
    shown = ", ".join(map(str, pids[:6]))
    return f"{len(pids)} processes ({shown}{', …' if len(pids) > 6 else ''})"
