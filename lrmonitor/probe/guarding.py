"""Guards: steps that are judged before they touch the weights, and left out where they would harm.

Made at the first such command. While one is on, every step is looked at closely: `before` is called
on the training thread before each of them, once that its gradients are there.
"""

from __future__ import annotations

import math
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrmonitor.link.guard_command import AT_MOST, KINDS, NOISES, TIMES, GuardCommand
from lrmonitor.link.messages import (
    Acknowledgement,
    Author,
    RewindCommand,
    SnapshotCommand,
    SnapshotsCommand,
)
from lrmonitor.probe import gradients, hiding
from lrmonitor.probe.entry import Entry
from lrmonitor.probe.session import world_size
from lrmonitor.probe.usual import Usual

if TYPE_CHECKING:
    from lrmonitor.probe.control import Control
    from lrmonitor.probe.optimizers import Optimizer
    from lrmonitor.probe.steps import Steps
    from lrmonitor.probe.threads import Thread

EVERY = 100
"""Steps between the snapshots that a guard has taken where none are, so that it can go back."""

WAIT = "each step would wait for the GPU, since its loss and gradients have to be read before it"


@dataclass
class Guard:
    """One guard that is on."""

    on: str
    then: str
    bound: float
    times: float
    at_most: int
    scale: float | None
    acted: int = 0

    def told(self) -> dict[str, Any]:
        """As events and answers have it."""
        told = {k: v for k, v in vars(self).items() if v is not None}
        if self.on == "non-finite":
            del told["bound"], told["times"]
        return told


@dataclass
class Reason:
    """Why a guard acts: what was found, its value, and the bound that it is above (None: it is no
    finite number)."""

    what: str
    value: float
    bound: float | None


class Fit:
    """Whether the steps of an optimizer can be guarded, looked at once."""

    def __init__(self, known: Optimizer, actual: Any, closure: bool) -> None:
        self.ref: weakref.ref[Any] = known.ref
        self.why = _unguarded(known, actual, closure)
        if world_size() > 1:
            self.why = "several processes train together, and each would leave out other steps"
        devices = {p.device.type for g in actual.param_groups for p in g["params"]}
        self.other = min(devices - {"cpu"}, default=None)
        """A device that it trains on which has to be waited for."""
        self.capturable = "cuda" in devices


class Guards:
    """`refusal` and `take` run on connection threads, `before` on training threads."""

    def __init__(
        self,
        control: Control,
        steps: Steps,
        lock: threading.Lock,
        answer: Callable[..., None],
        journal: Callable[..., None],
    ) -> None:
        """`lock` is the control's, `answer` and `journal` are how it answers and records."""
        self.on: dict[str, Guard] = {}
        """By what they look for."""
        self.resting = False
        """Whether steps are not judged for now: they are those of a test, which means to go far."""
        self._control = control
        self._steps = steps
        self._lock = lock
        self._answer = answer
        self._journal = journal
        self._waiting: list[Entry] = []
        self._losses: dict[int, Usual] = {}
        self._norms: dict[int, Usual] = {}
        self._fits: dict[int, Fit] = {}

    # On connection threads

    def refusal(self, command: GuardCommand) -> str | None:
        """Why a command can be refused at once."""
        if self._steps.loss_only:
            return f"there are no steps to guard: {self._steps.loss_only}"
        if command.then == "off":
            return None
        for one in list(self._steps.optimizers):
            actual = one.ref()
            if actual is not None and (why := _unguarded(one, actual, one.closing)):
                return why
        return None

    def take(self, entry: Entry) -> None:
        """Take up a command at the next step."""
        with self._lock:
            self._waiting.append(entry)
        for one in list(self._steps.optimizers):
            one.attention = True

    # On the training thread

    def before(self, here: Thread, known: Optimizer, actual: Any, closure: bool) -> bool:
        """Before a step of that optimizer: whether it is to be left out. May wait (a pause), and
        raise what a signal handler of the script's raises."""
        step = self._steps.step + known.advance
        if self._waiting and (known.number == 0 or self._steps.main_gone()):
            self._take_up(step, closure)
        if self._waiting or self.on:
            known.attention = True  # the next one as well
        if not self.on or self.resting:
            return False
        fit = self._fits.get(known.number)
        if fit is None or fit.ref is not known.ref or closure:
            fit = self._fits[known.number] = Fit(known, actual, closure)
            if fit.why is not None:
                self._off(step, fit.why)
                return False
        if fit.capturable and sys.modules["torch"].cuda.is_current_stream_capturing():
            return False  # a graph is being captured, which would take the reading in
        if here.scaling and gradients.found_infinite(actual):
            return False  # the GradScaler leaves it out
        loss = self._loss(here)
        wanted = "non-finite" in self.on or "gradient" in self.on
        norm, finite = gradients.norm(actual) if wanted else (None, True)
        for kind in KINDS:
            guard = self.on.get(kind)
            reason = guard and self._reason(guard, known.number, loss, norm, finite)
            if guard and reason:
                self._act(guard, reason, known, step)
                return True
        if loss is not None and "spike" in self.on:
            self._losses.setdefault(known.number, Usual()).add(loss)
        if norm is not None and "gradient" in self.on:
            self._norms.setdefault(known.number, Usual()).add(norm)
        return False

    def begin_anew(self) -> None:
        """The training goes on from an earlier state: what was usual is not any more."""
        self._losses.clear()
        self._norms.clear()

    def _loss(self, here: Thread) -> float | None:
        """What was back-propagated for the step that is about to be made; None if that is not known
        (a step within its backward pass)."""
        if here.inside:
            return None
        parts = self._steps.losses.of_step(here)
        if not parts.count:
            return None
        return parts.total + sum(one.wait() for one in parts.arriving or ())

    def _reason(
        self, guard: Guard, number: int, loss: float | None, norm: float | None, finite: bool
    ) -> Reason | None:
        if guard.on == "non-finite":
            if loss is not None and not math.isfinite(loss):
                return Reason("loss", loss, None)
            return None if finite else Reason("gradient", math.nan if norm is None else norm, None)
        spike = guard.on == "spike"
        value, usual = (loss, self._losses) if spike else (norm, self._norms)
        if value is None or number not in usual:
            return None
        bound = usual[number].bound(guard.bound, guard.times)
        # Not a NaN: that is another guard's.
        return Reason("loss" if spike else "gradient norm", value, bound) if value > bound else None

    def _act(self, guard: Guard, reason: Reason, known: Optimizer, step: int) -> None:
        """Do what the guard is to do, but for leaving the step out."""
        guard.acted += 1
        instead = self._rewind(guard, step) if guard.then == "rewind" else None
        self._journal(
            "guard",
            step=step,
            on=guard.on,
            then=guard.then,
            optimizer=known.number,
            acted=guard.acted,
            at_most=guard.at_most,
            **{k: v for k, v in vars(reason).items() if v is not None},
            **({} if instead is None else {"instead": instead}),
        )
        if guard.acted >= guard.at_most:
            del self.on[guard.on]
            times = "once" if guard.acted == 1 else f"{guard.acted} times"
            self._tell(step, reason=f"{guard.on} has acted {times}, as often as it may")
        if guard.then == "pause":
            self._control.hold_now(step - known.advance)

    def _rewind(self, guard: Guard, step: int) -> str | None:
        """Go back to the newest snapshot; why the step is only left out, or None."""
        author = Author(who="guard", via="probe", name=guard.on)
        command = RewindCommand(scale=guard.scale, by=author)
        keeper = self._control.keeper()
        why = keeper.refusal(command)
        if why is None:
            entry = Entry(command, [], Acknowledgement(id=command.id, status="pending"))
            self._journal(
                "command", id=command.id, command="rewind", args=command.args(), by=vars(author)
            )
            keeper.carry_out(entry, self._steps.step)
            if entry.answer.status == "refused":
                why = entry.answer.reason
        return why

    # Setting them

    def _take_up(self, step: int, closure: bool) -> None:
        with self._lock:
            work, self._waiting = self._waiting, []
        for entry in work:
            if entry.answer.final:  # cancelled meanwhile
                continue
            assert isinstance(entry.command, GuardCommand)
            entry.begun = True
            try:
                self._set(entry, entry.command, step, closure)
            except Exception as error:
                self._steps.failed("at a guard")
                self._answer(entry, "refused", reason=f"it failed: {error}")

    def _set(self, entry: Entry, command: GuardCommand, step: int, closure: bool) -> None:
        if command.then == "off":
            gone = [k for k in self.on if command.on in (None, k)]
            if not gone:
                which = "no guard" if command.on is None else f"no guard {command.on}"
                self._answer(entry, "refused", reason=f"{which} is on")
                return
            for kind in gone:
                del self.on[kind]
        else:
            why = self._refused_now(command, closure)
            if why is not None:
                self._answer(entry, "refused", reason=why)
                return
            assert command.on is not None
            self.on[command.on] = Guard(
                command.on,
                command.then,
                NOISES if command.bound is None else float(command.bound),
                TIMES if command.times is None else float(command.times),
                AT_MOST if command.at_most is None else command.at_most,
                command.scale,
            )
            self.begin_anew()
            if command.then == "rewind":
                self._keep_snapshots(entry, command)
        self._tell(step, id=command.id)
        warning = "; ".join(entry.warnings) or None
        self._answer(entry, "applied", step, warning=warning, detail={"guards": self._told()})

    def _refused_now(self, command: GuardCommand, closure: bool) -> str | None:
        for one in self._steps.optimizers:
            actual = one.ref()
            if actual is None:
                continue
            fit = Fit(one, actual, one.closing or (closure and one.number == 0))
            if fit.why is not None:
                return fit.why
            if fit.other is not None and not command.sync:
                return f"the training runs on {fit.other}: {WAIT} (--sync accepts that)"
        return None

    def _keep_snapshots(self, entry: Entry, command: GuardCommand) -> None:
        """What a guard is to go back to has to be kept."""
        if self._control.keeper().every:
            return
        entry.warnings.append(
            f"no snapshots were taken by themselves: now one is taken every {EVERY} steps, which "
            f"`lrmonitor snapshot RUN --every N` changes"
        )
        self._control.submit(SnapshotsCommand(every=EVERY, by=command.by), lambda answer: None)
        self._control.submit(SnapshotCommand(by=command.by), lambda answer: None)

    def _off(self, step: int, why: str) -> None:
        """They cannot do what they promise any more."""
        self.on.clear()
        self._tell(step, reason=why)

    def _tell(self, step: int, **more: Any) -> None:
        self._journal("guards", step=step, on=self._told(), **more)

    def _told(self) -> list[dict[str, Any]]:
        return [self.on[kind].told() for kind in KINDS if kind in self.on]


def _unguarded(known: Optimizer, actual: Any, closure: bool) -> str | None:
    """Why steps of that optimizer cannot be guarded."""
    which = f"optimizer {known.number} ({known.name})"
    if closure:
        return (
            f"{which} is stepped with a closure: its loss and gradients come only within the step, "
            "which cannot be left out then"
        )
    why = hiding.problem(actual)
    return None if why is None else f"no step of {which} can be left out: {why}"
