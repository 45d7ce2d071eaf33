"""Begins and ends tests of rates for the keeper of snapshots: at most one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lrmonitor.link.test_commands import TestCommand
from lrmonitor.probe.aside import Aside
from lrmonitor.probe.copies import Memory, Unkept
from lrmonitor.probe.frames import from_signal_handler
from lrmonitor.probe.memory import lacking
from lrmonitor.probe.overrides import Refused
from lrmonitor.probe.snapshots import needed
from lrmonitor.probe.testing import Test, check, states_of

if TYPE_CHECKING:
    from lrmonitor.probe.control import Control
    from lrmonitor.probe.entry import Entry
    from lrmonitor.probe.holders import Holders
    from lrmonitor.probe.optimizers import Optimizer
    from lrmonitor.probe.steps import Steps

PAUSED = "the training is paused: resume it first"
"""Not of a test that ends in a pause: it may begin in one too, and goes on with the resume that
follows, so that one test can follow on another from the very same state."""


class Tester:
    """`refusal` runs on connection threads, the rest on the training thread."""

    def __init__(
        self,
        control: Control,
        steps: Steps,
        look: Callable[[], Holders],
        room: Callable[[int, str], None],
        answer: Callable[..., None],
        journal: Callable[..., None],
    ) -> None:
        """`look` finds the script's objects, `room` raises NotKept where there is no memory for so
        many bytes; `answer` and `journal` are the control's."""
        self._control = control
        self._steps = steps
        self._look = look
        self._room = room
        self._answer = answer
        self._journal = journal
        self._made: Test | None = None
        self._holders: Holders | None = None
        self._count = 0

    @property
    def test(self) -> Test | None:
        """The test that goes on."""
        made = self._made
        return None if made is None or made.over else made

    def refusal(self, command: TestCommand, waits: bool) -> str | None:
        """Why a test cannot be made, as far as that is known; `waits`: there is another one."""
        if self._control.paused and command.then != "pause":
            return PAUSED
        if waits or self.test is not None:
            return "another test goes on: wait until it is over, or cancel it"
        try:
            self._check(command)
        except Refused as why:
            return str(why)
        return None

    def begin(self, entry: Entry, command: TestCommand, step: int) -> None:
        """Begin a test after the run's step `step`. Raises Refused, NotKept, Unkept, and what torch
        does where there is no memory."""
        if self._control.paused and command.then != "pause":
            raise Refused(PAUSED)
        self._check(command)
        holders = self._holders = self._look()
        self._room(states_of(command) * needed(self._steps.optimizers, holders), "the test")
        self._count += 1
        made = Test(self._count, entry, step, self._steps, self._take, self._answer, self._journal)
        self._made = made
        try:
            made.begin()
        except BaseException:
            made.finish(step, "failed")
            if made.held:
                self._control.hold()
            raise

    def turn(self, step: int) -> bool:
        """A leg of the test is over, and an iteration: whether the whole test is. Raises what a
        signal handler of the script's raises, once everything is put back."""
        test = self._made
        assert test is not None
        interrupted: BaseException | None = None
        try:
            interrupted = test.turn(step)
        except BaseException as error:
            why = "interrupted"
            if isinstance(error, Exception) and not from_signal_handler(error):
                why = "memory" if lacking(error) else "failed"
                why = "unkept" if isinstance(error, Unkept) else why
                if why == "failed":
                    self._steps.failed("in a test")
            else:
                interrupted = error
            interrupted = test.finish(step, why) or interrupted
        if test.over:
            self._made = None
            self._control.look_at_gate()
            if test.held:
                self._control.hold()
        if interrupted is not None:
            raise interrupted
        return test.over

    def end(self, why: str) -> None:
        """End the test that goes on, wherever the training is."""
        test = self.test
        if test is not None:
            interrupted = test.finish(self._steps.step, why)
            if interrupted is not None:
                raise interrupted

    def came(self, known: Optimizer, actual: Any) -> None:
        """An optimizer, or groups of one, that are about to step for the first time."""
        test = self.test
        if test is not None:
            test.adopt(known, actual)

    def lost(self, loss: float | None) -> None:
        """A GradScaler makes no step of what was back-propagated: its value."""
        test = self.test
        if test is not None:
            test.skipped(loss)

    def forget_overflow(self) -> None:
        """A GradScaler is about to take notice of a step that was put back."""
        for scaler in self._holders.scalers() if self._holders is not None else ():
            for state in vars(scaler).get("_per_optimizer_states", {}).values():
                for found in state.get("found_inf_per_device", {}).values():
                    found.zero_()

    def _check(self, command: TestCommand) -> None:
        total = self._steps.progress.total_steps
        left = None if total is None else total - self._steps.step
        check(command, self._steps.optimizers, left)

    def _take(self, shared: Aside | None, free: Aside | None) -> Aside:
        """The present state: not among the snapshots that are kept."""
        assert self._holders is not None
        used = {id(held) for held in shared.held()} if shared is not None else set()
        spare = [held for held in (free.held() if free else ()) if id(held) not in used]
        memory = Memory(iter(spare))
        steps = self._steps
        return Aside(0, steps.step, "test", steps.optimizers, self._holders, memory, shared)
