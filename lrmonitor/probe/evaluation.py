"""Losses that the script computes with gradients off, between its steps: one value an evaluation.

All calls of a loss between two steps are one evaluation of one thing, if they are made in the same
place of the script and with the same data loader. Its value is the mean over the examples.
"""

from __future__ import annotations

import sys
from collections import deque
from time import time
from typing import TYPE_CHECKING, Any

from lrmonitor.probe.threads import NOBODY
from lrmonitor.record.writer import RankWriter, SeriesWriter

if TYPE_CHECKING:
    from lrmonitor.probe.steps import Steps

SERIES = 4
"""Things that are evaluated between the same two steps and have a series each."""

PLACES = 256
"""Places of the script that are remembered."""

DEPTH = 200
"""Frames of the stack that are looked at."""

SOURCE = "evaluation"

Place = tuple[Any, ...]
"""The loss, the loader's number, and the code and instruction of each frame that called."""


class Group:
    """The calls in one place between two steps."""

    __slots__ = ("device", "event", "examples", "time", "total")

    def __init__(self) -> None:
        self.total = 0.0
        """The sum over all examples."""
        self.examples = 0
        self.time = 0.0
        """Of the last call, in unix seconds."""
        self.device: Any = None
        """The sum so far, on a CUDA device, and the event that tells when it is there."""
        self.event: Any = None


class Phase:
    """All between two steps."""

    __slots__ = ("groups", "step")

    def __init__(self, step: int) -> None:
        self.step = step
        self.groups: dict[Place, Group] = {}


class Evaluation:
    """What one process evaluates. `seen` is called by the thread that trains, the rest by the
    writer's; a phase is added to by the former until its next step, and taken by the latter
    after."""

    def __init__(self, steps: Steps) -> None:
        self.mark = -1
        """The main optimizer's step at which a loss was last computed for training: what comes
        after it and before its step is a part of that step."""
        self.quiet = False
        """Whether nothing is to be noted: what is evaluated is the model of a test."""
        self._steps = steps
        self._phase: Phase | None = None
        self._phases: deque[Phase] = deque()
        self._numbers: dict[Place, int] = {}
        self._series: dict[int, SeriesWriter] = {}

    def seen(self, loss: Any, name: str, target: Any, reduction: str) -> None:
        """A loss was computed with gradients off."""
        steps = self._steps
        torch: Any = sys.modules["torch"]
        step = steps.step
        if (
            steps.broken
            or self.quiet
            or type(loss) is not torch.Tensor
            or type(target) is not torch.Tensor
            or loss.dim() != 0
            or reduction not in ("mean", "sum", "batchmean")
            or (self.mark == step and len(steps.optimizers) < 2)
            or _watched(torch)
        ):
            return
        here = steps.losses.local.here
        if here is NOBODY:
            if steps.losses.threads:
                return  # a thread that does not train
        elif (
            here.inside
            or here.stepping
            or (here.count and not here.taken)
            # The first pass of a step does not say that it is `inside`.
            or torch._C._current_graph_task_id() != -1
        ):
            return  # amid a step
        examples = target.shape[0] if target.dim() else 1
        place = self._place(name, step)
        if place is None or not examples:
            return
        factor = 1 if reduction == "sum" else examples
        phase = self._phase
        if phase is None or phase.step != step:
            phase = self._phase = Phase(step)
            self._phases.append(phase)
        group = phase.groups.get(place)
        if group is None:
            if len(phase.groups) >= SERIES:
                return
            group = phase.groups[place] = Group()
        if loss.is_cpu:
            with torch._C.DisableTorchFunction():
                group.total += loss.item() * factor
        elif loss.device.type == "cuda" and not torch.cuda.is_current_stream_capturing():
            with torch._C.DisableTorchFunction():
                value = loss.double() * factor
                # Not in place: in inference mode it could not be changed outside of it.
                group.device = value if group.device is None else group.device + value
                group.event = torch.cuda.Event()
                group.event.record(torch.cuda.current_stream(loss.device))
        else:
            return
        group.examples += examples
        group.time = time()

    def look(self, writer: RankWriter) -> None:
        """Write the evaluations that are over, on the writer's thread."""
        while self._phases and self._phases[0].step != self._steps.step:
            if not all(_arrived(group) for group in self._phases[0].groups.values()):
                return
            self._write(writer, self._phases.popleft())

    def end(self, writer: RankWriter) -> None:
        """The training is over, and so is what is evaluated."""
        while self._phases:
            self._write(writer, self._phases.popleft())

    def _write(self, writer: RankWriter, phase: Phase) -> None:
        taken = {self._numbers[place] for place in phase.groups if place in self._numbers}
        for place, group in phase.groups.items():
            number = self._numbers.get(place)
            if number is None:
                number = next(n for n in range(1, 2 * SERIES + 1) if n not in taken)
                taken.add(number)
                if len(self._numbers) < PLACES:
                    self._numbers[place] = number
            if not group.examples or number > SERIES:
                continue
            series = self._series.get(number)
            if series is None:
                which = "" if number == 1 else f" {number}"
                name = f"eval loss{which} (observed)"
                series = self._series[number] = writer.series(name, "metric", source=SOURCE)
            total = group.total + _read(group)
            series.append((phase.step, group.time, total / group.examples))

    def _place(self, name: str, step: int) -> Place | None:
        """Where the script computes this; None where it is for training after all."""
        number = -1
        loader = self._steps.progress.loaders.latest
        # An iteration in which steps were made is the training's: this is amid it, not of it.
        if loader is not None and loader.step == step and loader.going:
            if loader.trains:
                return None  # training data
            number = loader.number
        found: list[Any] = [name, number]
        add = found.append
        forward = sys.modules["torch"].autograd.Function.apply.__code__
        frame: Any = sys._getframe(3)
        for _ in range(DEPTH):
            if frame is None:
                break
            code = frame.f_code
            if code is forward:
                self.mark = step  # a forward pass that autograd will go back through
                return None
            add(id(code))
            add(frame.f_lasti)
            frame = frame.f_back
        return tuple(found)


def _watched(torch: Any) -> bool:
    """Whether torch is being watched at what it does (traced, transformed by functorch, under a
    dispatch mode), so that reading a value would be seen or cannot be done."""
    c = torch._C
    return (
        c._get_tracing_state() is not None
        or c._len_torch_dispatch_stack() > 0
        or c._functorch.peek_interpreter_stack() is not None
    )


def _arrived(group: Group) -> bool:
    return group.event is None or bool(group.event.query())


def _read(group: Group) -> float:
    """The sum on a device, which has arrived; in a stream of its own, which waits for nothing."""
    if group.device is None:
        return 0.0
    torch: Any = sys.modules["torch"]
    with torch.cuda.stream(torch.cuda.Stream(group.device.device)):
        return float(group.device.item())
