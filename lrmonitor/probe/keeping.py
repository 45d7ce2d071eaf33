"""Carries out what is asked of snapshots: taking, keeping, saving them, and going back to one.

Made at the first such command, so that a training that is never asked pays nothing.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lrmonitor.link.messages import (
    Acknowledgement,
    Command,
    LrCommand,
    RewindCommand,
    SnapshotCommand,
    SnapshotsCommand,
)
from lrmonitor.link.test_commands import TestCommand
from lrmonitor.probe import checkpoint
from lrmonitor.probe.claims import let_all_go, take_all
from lrmonitor.probe.copies import Memory, Unkept
from lrmonitor.probe.frames import from_signal_handler
from lrmonitor.probe.holders import Holders
from lrmonitor.probe.iterations import Iterations
from lrmonitor.probe.memory import available, lacking, size
from lrmonitor.probe.multiplying import multiplied
from lrmonitor.probe.overrides import Refused
from lrmonitor.probe.ring import NotKept, Ring
from lrmonitor.probe.snapshots import Mismatch, Snapshot, check_threads, needed, trained_by
from lrmonitor.probe.tester import Tester

if TYPE_CHECKING:
    from lrmonitor.probe.control import Control
    from lrmonitor.probe.entry import Entry
    from lrmonitor.probe.steps import Steps

LOOK_SECONDS = 60.0
"""Modules that were made since the last look are looked for again after this time, and whenever a
person asks for a snapshot."""

SHARE = 4
"""Without a budget that was set, snapshots may take one part in so many of the memory that is
free."""

LEFT_FREE = 0.2
"""The part of the free memory that a snapshot never takes."""

SAVE_SECONDS = 20.0
"""What the interpreter's exit waits for a file that is being written."""

FAILURES = 3
"""Snapshots in a row that fail before no more are taken by themselves."""


class Keeper:
    """`waiting` and `held` are filled by connection threads, under the control's lock; all else is
    the training thread's, between two steps."""

    def __init__(
        self,
        control: Control,
        steps: Steps,
        lock: threading.Lock,
        answer: Callable[..., None],
        journal: Callable[..., None],
    ) -> None:
        """`lock` is the control's, `answer` and `journal` are how it answers and records."""
        self.waiting: list[Entry] = []
        self.held: list[Entry] = []
        """Rate commands before which a snapshot is to be taken."""
        self.every = 0
        self.budget: int | None = None
        self.before = False
        self._control = control
        self._steps = steps
        self._lock = lock
        self._answer = answer
        self._journal = journal
        self._ring = Ring()
        self._holders: Holders | None = None
        self._looked = 0.0
        self._next = 0
        self._count = 0
        self._failures = 0
        self._latest: Snapshot | None = None
        """The snapshot of the state that the training is in now, where there is one."""
        self._own: set[str] = set()
        self._iterations = Iterations(control, steps)
        self.tests = Tester(control, steps, lambda: self._look(True), self._room, answer, journal)
        self._saving: list[threading.Thread] = []
        self._turn = threading.RLock()
        """Of the thread that does what waits: several may train."""
        self._at_it: int | None = None
        """Its number."""

    @property
    def armed(self) -> bool:
        """Whether step boundaries have to be looked at."""
        wanted = self._steps.automatic.wanted
        return bool(self.waiting or self.held or self.every or wanted or self.tests.test)

    @property
    def work(self) -> bool:
        """Whether something waits that can be done while the training is paused."""
        if self._iterations.several or self._at_it not in (None, threading.get_ident()):
            return False
        test = self.tests.test
        return bool(self.waiting or self.held) if test is None else test.ending is not None

    # On connection threads

    def refusal(self, command: Command) -> str | None:
        """Why a command can be refused at once."""
        if self._steps.loss_only:
            return f"there is no state to keep: {self._steps.loss_only}"
        if isinstance(command, TestCommand):
            waits = any(isinstance(one.command, TestCommand) for one in self.waiting)
            return self.tests.refusal(command, waits)
        if isinstance(command, RewindCommand):
            if not self.waiting and not self.tests.test:
                try:
                    self._ring.choose(command.to, command.back, self._steps.step)
                except NotKept as why:
                    return str(why)
            if command.rate is not None:
                # A state that came of another rate is not to be trained on at the present one.
                return self._control.rates.refusal(command.change(""))
        if isinstance(command, SnapshotCommand) and command.save is not None:
            return checkpoint.refusal(command.save)
        return None

    def hold(self, entry: Entry) -> bool:
        """Whether a rate command has to wait until a snapshot was taken."""
        if not self.before or entry.command.id in self._own or not self._steps.step:
            return False
        with self._lock:
            self.held.append(entry)
        return True

    def withdraw(self, gone: set[int]) -> None:
        """Let go of entries with these ids; under the control's lock."""
        self.waiting = [e for e in self.waiting if id(e) not in gone]
        self.held = [e for e in self.held if id(e) not in gone]

    def refuse(self, reason: str) -> None:
        """Refuse what waits."""
        with self._lock:
            waiting, self.waiting = self.waiting, []
        for entry in waiting:
            self._answer(entry, "refused", reason=reason)

    def close(self) -> None:
        """At the interpreter's exit: let a file that a person asked for become whole."""
        self.tests.end("exit")
        limit = time.monotonic() + SAVE_SECONDS
        for thread in self._saving:
            thread.join(max(0.0, limit - time.monotonic()))

    # On the training thread

    def boundary(self, step: int) -> None:
        """Between two steps of the main optimizer: do what waits, at once or where the iteration
        ends. Raises nothing but what a signal handler of the script's raises."""
        test, wanted = self.tests.test, self._steps.automatic.wanted
        if test is not None:
            test.stepped()
            wanted = test.due
        elif not (self.waiting or self.held or wanted) and step < self._next:
            return  # by far the most frequent while one is taken every so many steps
        else:
            wanted = True
        if self._iterations.main_stepped(wanted):
            self._do(step)

    def while_paused(self, step: int) -> None:
        """There is `work` while the training is held."""
        self._do(step)

    def stepped(self, number: int, step: int) -> None:
        """An optimizer that is not the main one has stepped."""
        test = self.tests.test
        if self._iterations.other_stepped(number) and (test is None or test.due):
            self._do(step)

    def skipped(self, step: int) -> None:
        """A GradScaler made no step of the main optimizer while a test goes on."""
        test = self.tests.test
        if test is not None and test.due:
            self._do(step)
            if test.over:
                self.tests.forget_overflow()

    def first_step(self) -> None:
        """The main optimizer is about to make its first step: a test that waits for that begins."""
        self._do(0)

    def _do(self, step: int) -> None:
        if not self._turn.acquire(blocking=False):
            return  # another thread does it
        taken = []
        try:
            self._at_it = threading.get_ident()
            taken = take_all(self._steps, self._steps.losses.thread())
            self._do_alone(step)
        finally:
            let_all_go(taken)
            self._at_it = None
            self._turn.release()

    def _do_alone(self, step: int) -> None:
        self._iterations.used()
        if self.tests.test is not None:
            if _capturing() or not self.tests.turn(step):
                return
            self._latest = None
        with self._lock:
            work, self.waiting = self.waiting, []
            held, self.held = self.held, []
        try:
            if _capturing():
                return  # a graph is being captured, which would take the copying in: the next time
            while work:
                entry = work.pop(0)
                if not entry.answer.final:  # not cancelled meanwhile
                    self.carry_out(entry, step)
                if self.tests.test is not None:
                    return  # all else is done once it is over
            if held:
                why = self.take_itself("change", step)
                while held:
                    self._release(held[0], why)
                    held.pop(0)
            elif self.every and step >= self._next:
                self._next = step + self.every
                self.take_itself("every", step)
            elif self._steps.automatic.wanted:
                self._steps.automatic.take(self, step)
        finally:
            with self._lock:
                self.waiting = [*work, *self.waiting]
                self.held = [*held, *self.held]
            self._control.look_at_gate()

    def _room(self, fresh: int, what: str) -> None:
        """Raises NotKept where there is not enough memory for so many bytes."""
        free = available()
        if free is not None and fresh > (1 - LEFT_FREE) * free:
            raise NotKept(
                f"there is not enough memory: {what} takes {size(fresh)}, and {size(free)} are free"
            )

    def _release(self, entry: Entry, why: str | None) -> None:
        """Let a rate command go on; `why` there is no snapshot of before it."""
        if entry.answer.final:
            return  # cancelled meanwhile
        if why:
            entry.warnings.append(f"no snapshot was taken before it: {why}")
        self._own.add(entry.command.id)
        self._control.release(entry)
        self._own.discard(entry.command.id)

    def carry_out(self, entry: Entry, step: int) -> None:
        """Do what a command asks for; a guard has one carried out within a step it leaves out."""
        command = entry.command
        entry.begun = True
        try:
            if isinstance(command, SnapshotCommand):
                self._snapshot(entry, command, step)
            elif isinstance(command, RewindCommand):
                self._rewind(entry, command, step)
            elif isinstance(command, SnapshotsCommand):
                self._set(entry, command, step)
            elif isinstance(command, TestCommand):
                self.tests.begin(entry, command, step)
        except (NotKept, Mismatch, Unkept, Refused) as why:
            self._refuse(entry, str(why))
        except Exception as error:
            if from_signal_handler(error):
                raise
            if not lacking(error):
                self._steps.failed("at a snapshot")
            self._refuse(entry, _words(error))

    def _refuse(self, entry: Entry, reason: str) -> None:
        command = entry.command
        if isinstance(command, TestCommand) and command.then == "pause" and entry.paused:
            self._control.hold()  # it was given in a pause, which goes on
        self._answer(entry, "refused", reason=reason)

    def _set(self, entry: Entry, command: SnapshotsCommand, step: int) -> None:
        if command.every is not None:
            self.every, self._steps.automatic.off = command.every, True
            self._next = step + command.every
        if command.budget is not None:
            self.budget = command.budget
            self._dropped(self._ring.make_room(0, command.budget)[0], "budget")
        if command.before is not None:
            self.before = command.before
        if command.forget:
            self._latest = None
            self._dropped(self._ring.forget(), "forgotten")
        self._failures = 0
        set_now = {"every": self.every, "before": self.before, "budget": self._allowed()}
        self._journal("snapshots", step=step, **set_now)
        wanted = needed(self._steps.optimizers, self._holders)
        detail = {**set_now, "wanted": wanted, "free": available()}
        self._answer(entry, "applied", step, detail=detail)

    def _snapshot(self, entry: Entry, command: SnapshotCommand, step: int) -> None:
        made = self._latest
        if made is None or made.step != step:
            made = self._take("command", step, look=True)
        if command.save is not None:
            assert self._holders is not None
            told = checkpoint.contents(made, self._holders)
            self._ring.saving.append(made)
            thread = threading.Thread(
                target=self._save,
                args=(entry, made, told, command.save),
                name="lrmonitor-save",
                daemon=True,
            )
            self._saving = [one for one in self._saving if one.is_alive()]
            self._saving.append(thread)
            thread.start()
            return
        warning = "; ".join(dict.fromkeys(made.warnings)) or None
        self._answer(entry, "applied", step, warning=warning, detail=_told(made))

    def _save(self, entry: Entry, made: Snapshot, told: dict[str, Any], path: str) -> None:
        """On a thread of its own: nothing of a snapshot changes any more."""
        step = made.step
        try:
            written = checkpoint.save(told, path)
        except Exception as error:
            reason = f"{path} cannot be written: {getattr(error, 'strerror', None) or error}"
            self._answer(entry, "refused", reason=reason)
        else:
            self._journal("checkpoint", step=step, path=path, bytes=written)
            detail = {**_told(made), "saved": path, "file_bytes": written}
            self._answer(entry, "applied", step, detail=detail)
        finally:
            self._ring.saving.remove(made)

    def tell(self, step: int, **more: Any) -> None:
        """Journal how they are taken."""
        set_now = {"every": self.every, "before": self.before, "budget": self._allowed()}
        self._journal("snapshots", step=step, **set_now, **more)

    def holders(self) -> Holders:
        """The modules and the like, looked for where that was long ago."""
        self._look(False)
        assert self._holders is not None
        return self._holders

    def take_itself(self, why: str, step: int) -> str | None:
        """Take a snapshot that nobody waits for; why it failed, or None."""
        if self._latest is not None and self._latest.step == step:
            return None
        try:
            self._take(why, step)
            self._failures = 0
            return None
        except Exception as error:
            if from_signal_handler(error):
                raise
            reason = str(error) if isinstance(error, (NotKept, Unkept)) else _words(error)
        self._failures += 1
        self._journal("snapshot_failed", step=step, why=why, reason=reason)
        if self._failures >= FAILURES and self.every:
            self.every = 0
            self.tell(step, reason=reason)
        return reason

    def _take(self, why: str, step: int, look: bool = False) -> Snapshot:
        """Raises NotKept, Unkept, and what torch raises where there is no memory."""
        optimizers = self._steps.optimizers
        holders = self._look(look)
        wanted = needed(optimizers, holders)
        dropped, spare = self._ring.make_room(wanted, self._allowed())
        self._dropped(dropped, "budget")
        self._room(wanted - sum(held.bytes for held in spare), "a snapshot")
        last = self._ring.kept[-1] if self._ring.kept else None
        made = Snapshot(self._count + 1, step, why, optimizers, holders, Memory(iter(spare)), last)
        self._count += 1
        self._ring.add(made)
        self._latest = made
        told = _told(made)
        del told["left"], told["time"]
        self._journal("snapshot", **told, **_warned(made))
        return made

    def _rewind(self, entry: Entry, command: RewindCommand, step: int) -> None:
        chosen = self._ring.choose(command.to, command.back, step)
        check_threads(self._steps.optimizers, step)
        if command.rate is not None:
            # While there is still time: this state is not to be trained on at the present rate.
            self._control.rates.check(command.change(""))
        begun = time.perf_counter()
        try:
            interrupted = chosen.restore(self._steps.optimizers, command.rng)
        except Mismatch:
            raise
        except Exception as error:
            # Looked at before, it should fit: some of it has been put back by now.
            self._latest = None
            self._steps.failed("at a rewind")
            half = f"some of the state may be that of step {chosen.step} now"
            raise NotKept(f"{_words(error)}; {half}") from error
        seconds = time.perf_counter() - begun
        self._ring.leave(chosen.step)
        self._latest = None
        self._next = step + self.every
        if self._steps.guards is not None:
            self._steps.guards.begin_anew()
        detail: dict[str, Any] = {
            "to": chosen.step,
            "from": step,
            "snapshot": chosen.number,
            "rng": command.rng,
            "seconds": seconds,
        }
        wanted: dict[str, Any] = {"scale": command.scale}
        if command.rate is not None:
            wanted |= {"rate": command.rate, "mode": command.mode}
        self._journal("rewound", id=command.id, step=step, **wanted, **detail)
        entry.warnings += chosen.warnings
        note = f"rewound to step {chosen.step}"
        if command.rate is not None:
            self._change(entry, [command.change(note)], step, detail)
        elif command.scale is not None:
            self._change(entry, self._multiplied(entry, command.scale, note), step, detail)
        else:
            self._rewound(entry, step, detail)
        if interrupted is not None:
            raise interrupted

    def _multiplied(self, entry: Entry, factor: float, note: str) -> list[LrCommand]:
        """The commands that multiply all rates."""
        commands: list[LrCommand] = []
        for one in self._steps.optimizers:
            if one.ref() is None:
                continue
            made, why = multiplied(one, factor)
            commands += made
            if why:
                entry.warnings.append(why)
        return [replace(c, by=entry.command.by, note=note) for c in commands]

    def _change(
        self, entry: Entry, commands: list[LrCommand], step: int, detail: dict[str, Any]
    ) -> None:
        """The rates change with the next step; only then it is all done."""
        left = {c.id for c in commands}
        groups: list[Any] = []

        def heard(answer: Acknowledgement) -> None:
            if not answer.final:
                return
            if answer.status != "applied":
                entry.warnings.append(f"the rate was left: {answer.reason}")
            elif answer.warning:
                entry.warnings.append(answer.warning)
            groups.extend(answer.groups)
            left.discard(answer.id)
            if not left:
                self._rewound(entry, step, detail, tuple(groups))

        if self._control.paused:
            entry.warnings.append("the rate changes with the first step after the pause")
            left.clear()
        if not left:
            self._rewound(entry, step, detail)
        for command in commands:
            self._own.add(command.id)
            self._control.submit(command, heard if left else lambda answer: None)
        self._own.clear()

    def _rewound(
        self, entry: Entry, step: int, detail: dict[str, Any], groups: tuple[Any, ...] = ()
    ) -> None:
        warning = "; ".join(dict.fromkeys(entry.warnings)) or None
        self._answer(entry, "applied", step, warning=warning, groups=groups, detail=detail)

    def _look(self, now: bool) -> Holders:
        late = time.monotonic() - self._looked > LOOK_SECONDS
        if self._holders is None or now or late:
            self._holders = Holders(trained_by(self._steps.optimizers))
            self._looked = time.monotonic()
        return self._holders

    def _allowed(self) -> int:
        if self.budget is not None:
            return self.budget
        free = available()
        return sys.maxsize if free is None else (free + self._ring.bytes) // SHARE

    def _dropped(self, dropped: list[Snapshot], reason: str) -> None:
        if dropped:
            ids = [one.number for one in dropped]
            self._journal("snapshots_dropped", ids=ids, reason=reason)
        if self._latest in dropped:
            self._latest = None


def _told(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "id": snapshot.number,
        "step": snapshot.step,
        "time": snapshot.time,
        "bytes": snapshot.bytes,
        "seconds": snapshot.seconds,
        "why": snapshot.why,
        "left": snapshot.left,
    }


def _warned(snapshot: Snapshot) -> dict[str, Any]:
    warnings = list(dict.fromkeys(snapshot.warnings))
    return {"warnings": warnings[:8]} if warnings else {}


def _words(error: Exception) -> str:
    text = str(error).strip().splitlines()
    if lacking(error):
        return "there is not enough memory; the training goes on as it was"
    return f"it failed ({type(error).__name__}: {text[0] if text else ''})"


def _capturing() -> bool:
    cuda = sys.modules["torch"].cuda
    return bool(
        cuda.is_available() and cuda.is_initialized() and cuda.is_current_stream_capturing()
    )
