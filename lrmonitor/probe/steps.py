"""The training thread's part: what happens before and after each optimizer step.

torch calls `before_step` and `after_step` for every optimizer (its global step hooks). Only the
outermost step of a thread counts: its frame is kept, as a counter would break when a step raises.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from sys import _getframe
from threading import get_ident
from typing import Any

from lrmonitor.probe.control import Control, _Entry
from lrmonitor.probe.loss import Losses, Parts
from lrmonitor.probe.optimizers import Optimizer
from lrmonitor.probe.session import Session
from lrmonitor.probe.values import Arriving, Deferred
from lrmonitor.record.layout import RECORD
from lrmonitor.record.writer import SeriesWriter

_pack = RECORD.pack

UNSTEPPED = 1024
"""Backward passes without any optimizer step after which each of them counts as a step, where an
optimizer was made (accumulation over more is not known)."""

NO_OPTIMIZER = (
    "the script steps no torch optimizer; its learning rate is its own variable, which lrmonitor "
    "cannot reach (each backward pass counts as a step)"
)


class _Step:
    """A step in progress."""

    __slots__ = (
        "applied",
        "effective",
        "evaluations",
        "frame",
        "optimizer",
        "scheduled",
    )

    def __init__(self, frame: Any, optimizer: Optimizer) -> None:
        self.frame = frame
        self.optimizer = optimizer
        self.evaluations = 0
        self.applied: list[_Entry] | None = None
        self.scheduled: list[float] | None = None
        self.effective: list[float | None] = []


class Steps:
    """Everything the probe knows in one process. The hooks never raise into the training, but for
    what the script's own signal handler raises at a boundary."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.session: Session | None = None
        self.broken = False
        self.step = 0
        self.optimizers: list[Optimizer] = []
        self.loss_only: str | None = None
        self.control = Control(self)
        self.losses = Losses()
        self._deferred = Deferred()
        self._table: dict[int, Optimizer] = {}
        self._active: dict[int, _Step] = {}
        self._early: list[tuple[float, float]] | None = []
        self._lone: SeriesWriter | None = None
        self._metrics: dict[str, SeriesWriter] = {}
        self._steps_series: SeriesWriter | None = None
        self._recorded = 0

    # Registration

    def register(self) -> Session | None:
        """This process's place in the run, made at the first call; None if that failed."""
        if self.session is None and not self.broken:
            if self.folder is None:
                self.broken = True
                return None
            try:
                session = Session(self.folder, self.control)
            except OSError:
                self.broken = True  # the disk may be full: the training goes on without us
                return None
            session.writer.before_flush = self._before_flush
            self.session = session
        return self.session

    def _before_flush(self) -> None:
        """On the writer's thread: what has arrived from a device; steps that have no loss."""
        self._deferred.settle()
        if self._recorded != self.step and self.session is not None:
            self._recorded = self.step
            last = self.optimizers[0] if self.optimizers else None
            if last is not None and last.steps == 0:
                if self._steps_series is None:
                    self._steps_series = self.session.writer.series("step", "step")
                self._steps_series.add(self.step, time.time(), float(self.step))

    def _know(self, actual: Any) -> Optimizer | None:
        """The record of an optimizer that is not in the table yet."""
        session = self.register()
        if session is None:
            return None
        gone = next(
            (o for o in self.optimizers if o.ref() is None and o.name == type(actual).__name__),
            None,
        )
        if gone is not None:
            gone.replace(actual)  # made anew, as each fold of a cross-validation does
            known = gone
        else:
            if self._lone is not None:
                self._lone = None
                self.loss_only = None
            known = Optimizer(len(self.optimizers), actual, session.writer)
            self.optimizers.append(known)
        self._table = {key: o for key, o in self._table.items() if o.ref() is not None}
        self._table[id(actual)] = known
        return known

    # The hooks

    def backward(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`torch.autograd.backward` with its losses noted."""

        def backward(*args: Any, **kwargs: Any) -> Any:
            value: float | Arriving | None = None
            steps = _current
            if steps is None:
                return original(*args, **kwargs)
            losses = steps.losses
            try:
                if steps._active:
                    steps._heal_unless_within(_getframe(1))
                value = losses.begin(args, kwargs)
            except Exception:
                steps._failed("before a backward pass")
            ident = get_ident()
            losses.inside.add(ident)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                # The script's traceback looks as it does without us: from Python 3.11 on, a bare
                # `raise` adds no entry to what is taken off here.
                if error.__traceback__ is not None:
                    error.__traceback__ = error.__traceback__.tb_next
                raise
            finally:
                losses.inside.discard(ident)
            if value is not None:
                steps._backpropagated(value)
                if steps._lone is not None and steps.control.gate:
                    try:
                        steps.control.boundary()
                    except BaseException as error:
                        error.__traceback__ = None
                        raise
            return result

        return backward

    def skipped(self, actual: Any) -> None:
        """GradScaler did not step: what was back-propagated for this step is dropped."""
        try:
            if self.session is not None:
                self.losses.parts().drop()
                known = self._table.get(id(actual))
                self.session.writer.event(
                    "step_skipped",
                    step=self.step,
                    optimizer=known.number if known else None,
                    reason="a gradient was not finite (GradScaler)",
                )
        except Exception:
            self._failed("at a skipped step")

    def count(self, actual: Any) -> int:
        """How many steps an optimizer has made."""
        known = self._table.get(id(actual))
        return known.steps_made if known is not None else 0

    def log(self, step: int | None, values: dict[str, Any]) -> None:
        """`lrmonitor.log`."""
        try:
            session = self.register()
            if session is None:
                return
            at, now = self.step if step is None else int(step), time.time()
            for name, value in values.items():
                series = self._metrics.get(name)
                number = float(value)
                if series is None:
                    series = self._metrics[name] = session.writer.series(name, "metric")
                series.add(at, now, number)
        except Exception:
            self._failed("in log()")

    # One step

    def _put(self, step: _Step, actual: Any) -> None:
        known = step.optimizer
        if self.control.rates:
            step.applied = self.control.apply(known, actual)
        step.scheduled = known.scheduled(actual)
        step.effective = known.swap.put(actual.param_groups, known.overrides)

    def _restore(self, known: Optimizer, actual: Any) -> None:
        rewritten = known.swap.restore(actual.param_groups)
        for one in rewritten:
            if self.session is not None:
                self.session.writer.event(
                    "rate_rewritten",
                    step=self.step,
                    optimizer=known.number,
                    group=one.group,
                    found=one.found,
                    put=one.put,
                )

    def _record(self, step: _Step, actual: Any) -> None:
        known = step.optimizer
        used_scheduled = step.scheduled
        if known.swap.active:
            self._restore(known, actual)
        if known.number == 0:
            self.step += 1
        known.steps_made += 1
        now = time.time()
        if used_scheduled is None:
            known.record_rates(actual.param_groups, self.step, now)
        else:
            found = known.record_overridden(
                used_scheduled, step.effective, self.step, now, bool(step.applied)
            )
            if step.applied:
                self.control.taken(known, step.applied, found, self.step)
        parts = self.losses.parts()
        infinite = getattr(actual, "found_inf", None)
        if infinite is not None and infinite.device.type == "cpu" and infinite.item():
            self.skipped(actual)
            return
        closed = parts.take()
        if closed is not None:
            self._write_loss(known, closed, now)

    def _write_loss(
        self, known: Optimizer, closed: tuple[float, int, list[Arriving]], now: float
    ) -> None:
        total, count, arriving = closed
        known.steps += 1
        if arriving:
            at, add = self.step, known.loss.add
            self._deferred.add(total, arriving, lambda value: add(at, now, value))
        else:
            known.loss.append(_pack(self.step, now, total))
        if count != known.last_parts:
            known.last_parts = count
            known.parts.append(_pack(self.step, now, float(count)))

    def _wrap_closure(
        self, step: _Step, actual: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if not callable(closure):
            return None
        wrapped = self._watched(step, actual, closure)
        if len(args) > 1:
            return (args[0], wrapped, *args[2:]), kwargs
        return args, {**kwargs, "closure": wrapped}

    def _watched(self, step: _Step, actual: Any, closure: Callable[..., Any]) -> Any:
        """The closure, which sees the scheduled rates (a scheduler may be stepped in it), and of
        which the first evaluation alone makes the step's loss."""

        def evaluate(*args: Any, **kwargs: Any) -> Any:
            known = step.optimizer
            try:
                if known.swap.active:
                    self._restore(known, actual)
                if step.evaluations:
                    self.losses.parts().closed = True
                step.evaluations += 1
            except Exception:
                self._failed("before a closure")
            try:
                return closure(*args, **kwargs)
            except BaseException as error:
                if error.__traceback__ is not None:
                    error.__traceback__ = error.__traceback__.tb_next
                raise
            finally:
                self._evaluated(step, actual)

        return evaluate

    def _evaluated(self, step: _Step, actual: Any) -> None:
        known = step.optimizer
        try:
            if step.scheduled is None:
                return
            scheduled = known.scheduled(actual)
            if not known.reads_first:
                if scheduled != step.scheduled and step.applied:
                    # This is the rate that the step would have used: the change is made against it.
                    step.applied = [
                        e for e in step.applied if self.control.carry_out(known, e, scheduled)
                    ]
                step.scheduled = scheduled
            put = known.swap.put(actual.param_groups, known.overrides)
            if not known.reads_first:
                step.effective = put
        except Exception:
            self._failed("after a closure")

    # Healing and loss-only runs

    def _heal(self, ident: int) -> None:
        """A step raised: its after-hook never came, and its override still stands."""
        step = self._active.pop(ident, None)
        if step is None:
            return
        actual = step.optimizer.ref()
        if actual is not None:
            self._restore(step.optimizer, actual)

    def _heal_unless_within(self, frame: Any) -> None:
        step = self._active.get(get_ident())
        if step is not None and not _calls(step.frame, frame):
            self._heal(get_ident())

    def _main_gone(self) -> bool:
        return bool(self.optimizers) and self.optimizers[0].ref() is None

    def _backpropagated(self, value: float | Arriving) -> None:
        try:
            parts = self.losses.end(value)
            if self._early is None and self._lone is None:
                return
            if self.optimizers:
                self._early = None
                return
            self._without_optimizer(parts, value)
        except Exception:
            self._failed("after a backward pass")

    def _without_optimizer(self, parts: Parts, value: float | Arriving) -> None:
        """No optimizer has stepped so far. If none was ever made, each backward pass is a step."""
        session = self.register()
        if session is None or isinstance(value, Arriving):
            return
        now = time.time()
        if self._lone is not None:
            parts.take()
            self._lone_step(value, now)
            return
        if self._early is None:
            return
        self._early.append((now, value))
        if len(self._early) < UNSTEPPED and _optimizer_was_made():
            return
        early, self._early = self._early, None
        parts.take()
        self.loss_only = NO_OPTIMIZER
        session.writer.event("no_optimizer", reason=NO_OPTIMIZER)
        self.control.refuse_rates(f"the rate cannot be set: {NO_OPTIMIZER}")
        self._lone = session.writer.series("loss", "loss")
        for when, one in early:
            self._lone_step(one, when)

    def _lone_step(self, value: float, now: float) -> None:
        assert self._lone is not None
        self.step += 1
        self._lone.append(_pack(self.step, now, value))

    def _failed(self, where: str) -> None:
        if self.session is not None:
            self.session.failed(where)


_current: Steps | None = None


def current() -> Steps | None:
    """The process's probe."""
    return _current


def set_current(steps: Steps | None) -> None:
    """Make `steps` the process's probe (at install, and in a forked child)."""
    global _current
    _current = steps


def before_step(actual: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """torch's global pre-hook; may give back arguments with the closure wrapped."""
    steps = _current
    if steps is None or steps.broken:
        return None
    try:
        frame = _getframe(1)
        ident = get_ident()
        active = steps._active
        if ident in active:
            if _calls(active[ident].frame, frame):
                return None  # a step within a step
            steps._heal(ident)
        known = steps._table.get(id(actual))
        if known is None or known.ref() is not actual:
            known = steps._know(actual)
            if known is None:
                return None
        step = active[ident] = _Step(frame, known)
        if len(actual.param_groups) != len(known.groups):
            known.look_at_groups(actual)
            known.inherit(actual)
        if known.overrides.groups or steps.control.rates:
            steps._put(step, actual)
        if len(args) > 1 or kwargs:
            return steps._wrap_closure(step, actual, args, kwargs)
    except Exception:
        steps._failed("before a step")
    return None


def after_step(actual: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """torch's global post-hook."""
    steps = _current
    if steps is None:
        return
    ident = get_ident()
    step = steps._active.get(ident)
    if step is None:
        return
    frame = _getframe(1)
    # Another frame is the step within it; or, where a compiled one went on as another, itself.
    if step.frame is not frame and (
        step.optimizer.ref() is not actual or _calls(step.frame, frame)
    ):
        return
    del steps._active[ident]
    try:
        steps._record(step, actual)
    except Exception:
        steps._failed("after a step")
    if steps.control.gate and (step.optimizer.number == 0 or steps._main_gone()):
        try:
            steps.control.boundary()
        except BaseException as error:
            # What the script's SIGINT handler raised: as if Ctrl-C had come between two steps.
            error.__traceback__ = None
            raise


def run_folder() -> Path | None:
    """The run this process was launched for."""
    told = os.environ.get("LRMONITOR_RUN")
    return Path(told) if told else None


def _calls(outer: Any, frame: Any) -> bool:
    """Whether `outer` is `frame` or one of those that called it."""
    while frame is not None:
        if frame is outer:
            return True
        frame = frame.f_back
    return False


def _optimizer_was_made() -> bool:
    """Whether any torch optimizer was constructed: torch marks its class's step then."""
    torch = sys.modules["torch"]
    classes = list(torch.optim.Optimizer.__subclasses__())
    while classes:
        one = classes.pop()
        if getattr(one.__dict__.get("step"), "hooked", False):
            return True
        classes.extend(one.__subclasses__())
    return False
