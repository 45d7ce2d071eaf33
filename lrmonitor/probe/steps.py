"""What the probe knows in one process, and the steps that are not ordinary ones.

Called by the hooks (`hooks.py`) on the training thread. Only the outermost step of a thread counts.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrmonitor.probe.automatic import Automatic
from lrmonitor.probe.claims import claim, heal, undo
from lrmonitor.probe.control import Control
from lrmonitor.probe.evaluation import Evaluation
from lrmonitor.probe.frames import from_signal_handler, seen_calling, within_step
from lrmonitor.probe.hiding import hide
from lrmonitor.probe.lone import Lone
from lrmonitor.probe.loss import Losses
from lrmonitor.probe.mirror import Mirror
from lrmonitor.probe.norms import Clip, Norms
from lrmonitor.probe.optimizers import Optimizer
from lrmonitor.probe.progress import Progress
from lrmonitor.probe.rates import Rewritten
from lrmonitor.probe.session import Session
from lrmonitor.probe.threads import Detail, Thread
from lrmonitor.probe.values import Arriving, Deferred
from lrmonitor.record.writer import SeriesWriter

if TYPE_CHECKING:
    from lrmonitor.probe.guarding import Guards

UNSTEPPED = 1024
"""Backward passes without any optimizer step after which each of them counts as a step, where an
optimizer was made (accumulation over more is not known)."""

if TYPE_CHECKING:
    from lrmonitor.probe.guarding import Guards

REGISTER_SECONDS = 1.0
"""What a thread waits for another one that gets its place in the run; then its step goes unseen.
The other one may wait for this one, in a signal handler of the script's."""

CLIPS = 64
"""Calls of `clip_grad_norm_` in one step that are kept; a script may clip and never step."""


class Steps:
    """Everything the probe knows in one process."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.session: Session | None = None
        self.broken = False
        self.step = 0
        self.gate = False
        """Whether a training thread has to stop at the next boundary and look (see `Control`)."""
        self.optimizers: list[Optimizer] = []
        self.known: dict[int, Optimizer] = {}
        """By the id of the script's object, which may be another's by now: see its `ref`."""
        self.loss_only: str | None = None
        self.guards: Guards | None = None
        """What judges steps before they are made; made at the first such command."""
        self.automatic = Automatic(self)
        self.control = Control(self)
        self.losses = Losses()
        self.sampling = False
        """Whether the norms of the next step of some optimizer are to be measured."""
        self.progress = Progress(self)
        self.evaluation = Evaluation(self)
        self.mirror = Mirror(self)
        self.deferred = Deferred()
        self._lone = Lone(self)
        self._registering = threading.RLock()
        """Held while this process or an optimizer gets its place in the run, once each: threads may
        begin to train at the same time."""
        self._metrics: dict[str, SeriesWriter] = {}
        self._steps_series: SeriesWriter | None = None
        self._recorded = 0

    # Registration

    def register(self) -> Session | None:
        """This process's place in the run, made at the first call; None if that failed."""
        if self.session is not None or self.broken:
            return self.session
        if self._registering.acquire(timeout=REGISTER_SECONDS):
            try:
                if self.session is None and not self.broken:
                    self._register()
            finally:
                self._registering.release()
        return self.session

    def _register(self) -> None:
        if self.folder is None:
            self.broken = True
            return
        try:
            session = Session(self.folder, self.control)
        except Exception:
            self.broken = True  # the disk may be full: the training goes on without us
            return
        session.writer.before_flush = self._before_flush
        self.session = session
        self.control.begin(os.environ)
        try:
            self.mirror.registered()
        except Exception:
            self.failed("at the values logged before")

    def finish(self) -> None:
        """At the interpreter's exit: write all."""
        if self.session is not None:
            self.control.close()
            try:
                self.mirror.look(self.session.writer, math.inf)
                self.evaluation.end(self.session.writer)
            except Exception:
                self.failed("at the end")
            self.session.close()

    def _before_flush(self) -> None:
        """On the writer's thread: what has arrived from a device; steps that have no loss."""
        self.deferred.settle()
        self.control.rates.look_ahead()
        sampling = False
        for one in list(self.optimizers):
            if one.norms.look():
                one.attention = sampling = True
            if (actual := one.ref()) is not None:
                one.options.look(actual, self.step)
        self.sampling = sampling
        self.progress.look()
        self.automatic.look()
        if self.session is not None:
            self.mirror.look(self.session.writer, time.time())
            self.evaluation.look(self.session.writer)
        if self._recorded != self.step and self.session is not None:
            self._recorded = self.step
            main = self.optimizers[0] if self.optimizers else None
            if main is not None and (not main.recorded or self.control.testing):
                if self._steps_series is None:
                    self._steps_series = self.session.writer.series("step", "step")
                self._steps_series.add(self.step, time.time(), float(self.step))

    def _know(self, actual: Any) -> Optimizer | None:
        """The record of an optimizer that is not in the table yet."""
        session = self.register()
        if session is None:
            return None
        if not self._registering.acquire(timeout=REGISTER_SECONDS):
            return None
        try:
            known = self.known.get(id(actual))
            if known is not None and known.ref() is actual:
                return known  # another thread has come before
            known = self._place(session, actual)
        finally:
            self._registering.release()
        self._came(known, actual)
        return known

    def _place(self, session: Session, actual: Any) -> Optimizer:
        """Its place among the optimizers."""
        gone = next(
            (o for o in self.optimizers if o.ref() is None and o.name == type(actual).__name__),
            None,
        )
        if gone is not None:
            gone.replace(actual)  # made anew, as each fold of a cross-validation does
            known = gone
        else:
            lone, self.loss_only = self._lone.stepped(), None
            number = len(self.optimizers)
            norms = Norms(number, session.writer, self.losses.values, self.deferred)
            known = Optimizer(number, actual, session.writer, norms, lone)
            self.optimizers.append(known)
        for key, one in list(self.known.items()):
            if one is known or one.ref() is None:
                del self.known[key]
        self.known[id(actual)] = known
        if gone is None and not known.number:
            try:
                self.automatic.look()
            except Exception:
                self.failed("before the first snapshot")
        return known

    def _came(self, known: Optimizer, actual: Any) -> None:
        """It, or groups of it, are about to step for the first time: a test may go on."""
        if self.control.tests is not None:
            self.control.tests.came(known, actual)

    # A step that is not an ordinary one

    def begin(self, actual: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Any) -> Any:
        """Before a step; gives back arguments with the closure wrapped where there is one."""
        if self.broken:
            return None
        here = self.losses.thread()
        seen_calling(frame)
        if here.stepping:
            if within_step(here, frame.f_back):
                here.odd = True
                here.nested = True  # a step within a step
                self._begin_within(here, actual)
                return None
            heal(self, here)
        known = self.known.get(id(actual))
        if known is None or known.ref() is not actual:
            known = self._know(actual)
            if known is None:
                return None
        here.stepping, here.known, here.nested, here.detail = True, known, False, None
        here.odd = here.rides = False
        known.stepped = True
        detail = Detail(here)
        if not claim(self, known, detail):
            known.overlaps(self.step)
            here.rides = here.odd = True
            if callable(known.closure(args, kwargs)):
                return self._wrap_closure(known, args, kwargs, self._first_alone(here))
            return None
        here.odd = True
        here.detail = detail
        groups = actual.param_groups
        if len(groups) != known.count:
            known.look_at_groups(actual)
            self._came(known, actual)
        known.seen()  # before what follows is looked at
        known.look(groups, mine=True)
        if self.control.first and known.number == 0:
            self.control.first_step()
        closure = known.closing = callable(known.closure(args, kwargs))
        left_out = self.guards is not None and self._guarded(here, known, actual, closure)
        if known.norms.wanted and not left_out and not known.together(self.step):
            try:
                detail.sampled = known.norms.before(actual, here.clips, closure)
            except Exception:
                known.norms.give_up()
                self.failed("at the norms")
            known.attention = known.attention or known.norms.wanted
        follows = self.control.follows and known.number > 0
        options = self.control.options.concern(known)
        if not (
            closure
            or detail.sampled
            or here.scaling
            or known.overridden
            or self.control.rates.waiting
            or options
            or follows
            or left_out
        ):
            if known.shared:  # it has it all the same, so that others are seen to step it too
                detail.scheduled = known.values()
                detail.effective = list(detail.scheduled)
                return None
            known.claims.let_go(detail)
            here.detail = None
            here.odd = False
            return None
        known.attention = known.attention or follows or options
        if left_out:
            hide(actual, detail.hidden)
        if self.control.rates.waiting:
            detail.applied = self.control.rates.apply(known)
            if self.control.rates.waiting:
                known.attention = True
        if options:
            self.control.options.apply(known, actual)
        if known.overridden and not known.plain:
            known.attention = True
        detail.scheduled = known.values()
        if (known.overridden or options) and (
            actual._optimizer_step_pre_hooks or actual._optimizer_step_post_hooks
        ):
            self._put_within(here, actual)
        else:
            self._put(here, actual)
        if not closure:
            return None
        return self._wrap_closure(known, args, kwargs, partial(self._watched, here, actual))

    def _begin_within(self, here: Thread, actual: Any) -> None:
        """A step is made within one: where both are of one optimizer, as that of a class and of
        what it is derived from are, the script's hooks are called once more. They see its own
        rates then, too; ours among them puts the effective ones anew."""
        known, detail = here.known, here.detail
        if known is None or detail is None or known.ref() is not actual:
            return
        if detail.handles and known.swap.active:
            self.put_back(known, actual)

    def _guarded(self, here: Thread, known: Optimizer, actual: Any, closure: bool) -> bool:
        """Whether a guard wants that step to be left out."""
        assert self.guards is not None
        try:
            return self.guards.before(here, known, actual, closure)
        except Exception:
            self.failed("at a guard")
            return False

    def end(self, here: Thread, actual: Any, frame: Any) -> bool:
        """After such a step, or one within it, whose hooks are called in `frame`; whether the
        thread's outermost step is over."""
        known = here.known
        if not here.stepping or known is None:
            return False
        if here.nested:
            if known.ref() is not actual or within_step(here, frame.f_back):
                return False  # a step within it
            here.nested = False
        if here.detail is not None:
            self._finish(here, actual)
            return True
        if here.put:
            self.take_out(here, known, actual)
        here.stepping = False
        rides, here.rides = here.rides, False
        here.odd = False
        self.step += known.advance
        now = time.time()
        if known.news and not rides:
            known.record_rates(self.step, now)
        self.close(here, now)
        return True

    def take_out(self, here: Thread, known: Optimizer, actual: Any) -> None:
        """Take out the rates that an ordinary step has put."""
        self.say_rewritten(known, known.restore(actual.param_groups))
        here.put = False

    def _finish(self, here: Thread, actual: Any) -> None:
        """After a step with a detail."""
        known, detail = here.known, here.detail
        assert known is not None
        assert detail is not None
        undo(detail)
        if known.swap.active and known.claims.detail is detail:
            self.put_back(known, actual)
        here.stepping, here.detail = False, None
        here.odd = False
        self.step += known.advance
        now = time.time()
        found = known.record_closely(detail.scheduled, detail.effective, self.step, now)
        if detail.applied:
            self.control.rates.taken(known, detail.applied, found, self.step)
        if known.options.busy:
            self.control.options.ended(known, actual, self.step, now)
        if known.moving:
            known.news = True
            known.go_on(self.step)
        if detail.sampled:
            try:
                known.norms.after(actual, here.clips, self.step, now)
            except Exception:
                known.norms.give_up()
                self.failed("at the norms")
        known.claims.let_go(detail)
        if here.scaling:
            infinite = getattr(actual, "found_inf", None)
            if infinite is not None and infinite.device.type == "cpu" and infinite.item():
                self.skipped(actual)
                return
        self.close(here, now)
        if self.control.follows and known.number > 0:
            self.control.stepped(known)

    def close(self, here: Thread, now: float) -> None:
        """Write the loss of a step, which is over, and the number of its parts."""
        known = here.known
        assert known is not None
        own = self.losses.of_step(here)
        total, count, arriving = own.total, own.count, own.arriving
        own.take()
        here.clips = None
        if not count:
            return
        known.recorded = True
        if arriving:
            at, add = self.step, known.loss.add
            self.deferred.add(arriving, lambda found: add(at, now, total + sum(found)))
        else:
            known.waiting.append((self.step, now, total))
        if count != known.last_parts:
            known.last_parts = count
            known.parts.append((self.step, now, float(count)))

    def scaler_begins(self, actual: Any) -> None:
        """A GradScaler is about to make an optimizer step, or not."""
        self.losses.thread().scaling = True
        known = self.known.get(id(actual))
        if known is not None:
            known.stepped, known.attention = False, True

    def scaler_ended(self, actual: Any) -> None:
        """It has."""
        self.losses.thread().scaling = False
        known = self.known.get(id(actual))
        if known is None or not known.stepped:
            self.skipped(actual)
            self.control.skipped(known)

    def skipped(self, actual: Any) -> None:
        """GradScaler did not step: what was back-propagated for this step is dropped."""
        try:
            if self.session is not None:
                here = self.losses.thread()
                testing = self.control.testing
                if testing:
                    known_loss = here.count and not here.taken and here.arriving is None
                    assert self.control.tests is not None
                    self.control.tests.lost(here.total if known_loss else None)
                here.take()
                here.clips = None
                if testing:
                    return
                known = self.known.get(id(actual))
                self.session.writer.event(
                    "step_skipped",
                    step=self.step,
                    optimizer=known.number if known else None,
                    reason="a gradient was not finite (GradScaler)",
                )
        except Exception:
            self.failed("at a skipped step")

    def clipped(self, norm: Any, bound: float, kind: float) -> None:
        """`clip_grad_norm_` found `norm` (of that kind) and scaled the gradients to `bound`."""
        try:
            here = self.losses.thread()
            if here.clips is None:
                here.clips = []
            value: float | Arriving | None = None
            if self.sampling or (here.detail is not None and here.detail.sampled):
                value = self.losses.values.read(norm)
            if len(here.clips) < CLIPS:
                here.clips.append(Clip(value, float(bound) if kind == 2 else math.nan))
        except Exception:
            self.failed("in clip_grad_norm_")

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
            self.failed("in log()")

    def has_metric(self, name: str) -> bool:
        """Whether the script gave `lrmonitor.log` values of that name."""
        return name in self._metrics

    def say_rewritten(self, known: Optimizer, rewritten: list[Rewritten]) -> None:
        """The script wrote a rate while an override stood in its place."""
        if self.session is None:
            return
        for one in rewritten:
            self.session.writer.event(
                "rate_rewritten",
                step=self.step,
                optimizer=known.number,
                group=one.group,
                found=one.found,
                put=one.put,
            )

    def main_gone(self) -> bool:
        """Whether the main optimizer's object is gone, so that boundaries are another's."""
        return bool(self.optimizers) and self.optimizers[0].ref() is None

    def failed(self, where: str) -> None:
        """Write the exception being handled into the record; raises it again if it is none of ours,
        but what a signal handler of the script raised while our code happened to run."""
        error = sys.exc_info()[1]
        if error is not None and from_signal_handler(error):
            raise error
        if self.session is not None:
            self.session.failed(where)

    def _put(self, here: Thread, actual: Any) -> None:
        known, detail = here.known, here.detail
        assert known is not None
        assert detail is not None
        detail.effective = known.swap.put(actual.param_groups, known.overrides)

    def _put_within(self, here: Thread, actual: Any) -> None:
        """The script has step hooks of its own on this optimizer; a scheduler may be stepped in
        them. They see its own rates: effective ones are put after its first and taken out before
        its last hooks."""
        known, detail = here.known, here.detail
        assert known is not None
        assert detail is not None

        def put(*_: Any) -> None:
            if self.losses.thread() is not here:
                return  # another thread's step of this optimizer, for which they stand as well
            try:
                known.look(actual.param_groups, mine=True)
                detail.scheduled = known.values()
                self._put(here, actual)
            except Exception:
                self.failed("before a step")

        def restore(*_: Any) -> None:
            try:
                if known.swap.active and self.losses.thread() is here:
                    self.put_back(known, actual)
            except Exception:
                self.failed("after a step")

        first, last = actual.register_step_pre_hook(put), actual.register_step_post_hook(restore)
        actual._optimizer_step_post_hooks.move_to_end(last.id, last=False)
        detail.handles = [first, last]

    def put_back(self, known: Optimizer, actual: Any) -> None:
        """Take out what a step that is looked at closely has put."""
        self.say_rewritten(known, known.swap.restore(actual.param_groups))

    # Closures

    def _wrap_closure(
        self,
        known: Optimizer,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        wrap: Callable[[Any], Any],
    ) -> Any:
        assert known.closure_at is not None
        at, name = known.closure_at
        wrapped = wrap(known.closure(args, kwargs))
        if len(args) > at:
            return (*args[:at], wrapped, *args[at + 1 :]), kwargs
        return args, {**kwargs, name: wrapped}

    def _first_alone(self, here: Thread) -> Callable[[Any], Any]:
        """What wraps the closure of a step that only counts: its first evaluation alone makes the
        step's loss."""

        def wrap(closure: Callable[..., Any]) -> Callable[..., Any]:
            evaluated = False

            def evaluate(*args: Any, **kwargs: Any) -> Any:
                nonlocal evaluated
                if evaluated:
                    self.losses.of_step(here).closed = True
                evaluated = True
                try:
                    return closure(*args, **kwargs)
                except BaseException as error:
                    if error.__traceback__ is not None:
                        error.__traceback__ = error.__traceback__.tb_next
                    raise

            return evaluate

        return wrap

    def _watched(self, here: Thread, actual: Any, closure: Callable[..., Any]) -> Any:
        """The closure, which sees the scheduled rates (a scheduler may be stepped in it), and of
        which the first evaluation alone makes the step's loss."""
        known, detail = here.known, here.detail
        assert known is not None
        assert detail is not None

        def evaluate(*args: Any, **kwargs: Any) -> Any:
            try:
                if known.swap.active:
                    self.put_back(known, actual)
                if detail.evaluations:
                    self.losses.of_step(here).closed = True
                detail.evaluations += 1
            except Exception:
                self.failed("before a closure")
            try:
                return closure(*args, **kwargs)
            except BaseException as error:
                if error.__traceback__ is not None:
                    error.__traceback__ = error.__traceback__.tb_next
                raise
            finally:
                self._evaluated(here, known, detail, actual)

        return evaluate

    def _evaluated(self, here: Thread, known: Optimizer, detail: Detail, actual: Any) -> None:
        try:
            groups = actual.param_groups
            known.look(groups, mine=True)
            scheduled = known.values()
            if detail.sampled and detail.evaluations == 1:
                known.norms.gradient(actual)
            if not known.reads_first:
                if scheduled != detail.scheduled and detail.applied:
                    # This is the rate that the step would have used: the change is made against it.
                    detail.applied = self.control.rates.again(known, detail.applied, scheduled)
                detail.scheduled = scheduled
            used = detail.effective
            self._put(here, actual)
            if known.reads_first:
                detail.effective = used
        except Exception:
            self.failed("after a closure")

    # Backward passes that are not ordinary ones, and runs without an optimizer

    def backward_begins(
        self, outputs: Any, gradients: Any, frame: Any
    ) -> tuple[Thread, float | Arriving | None]:
        """Before a backward pass: this thread, and what it back-propagates, if it is a loss."""
        here = self.losses.thread()
        if here.stepping and not within_step(here, frame):
            heal(self, here)
        return here, self.losses.begin(here, outputs, gradients)

    def backward_ended(self, here: Thread, value: float | Arriving) -> None:
        """It succeeded: its value is a part of this thread's next step."""
        try:
            here.add(value)
            if self._lone.looks:
                self._lone.take(here, value)
            here.slow = False  # before what follows is looked at
            if here.arriving or self.losses.scaling or self._lone.looks:
                here.slow = True
        except Exception:
            self.failed("after a backward pass")
