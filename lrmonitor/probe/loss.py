"""What is back-propagated: the parts that a step's loss is the sum of."""

from __future__ import annotations

import sys
import weakref
from threading import get_ident
from typing import Any

from lrmonitor.probe.values import Arriving, Values

SMALL = 4096
"""Elements of an output that is worth a product with its gradient; larger ones are no losses."""


class Parts:
    """The parts that one thread has back-propagated since its last step."""

    __slots__ = ("arriving", "closed", "count", "last", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self.count = 0
        self.arriving: list[Arriving] = []
        self.closed = False
        """Whether a closure's first evaluation is over: what follows in that step is not its."""
        self.last: tuple[float, int, list[Arriving]] | None = None

    def add(self, value: float | Arriving) -> None:
        """One more part."""
        if type(value) is float:
            self.total += value
        elif isinstance(value, Arriving):
            self.arriving.append(value)
        self.count += 1

    def drop(self) -> None:
        """Forget what was back-propagated: the step it was for is skipped."""
        self.total, self.count, self.arriving, self.closed = 0.0, 0, [], False

    def take(self) -> tuple[float, int, list[Arriving]] | None:
        """Close the record: sum and number of the parts and those still arriving. A step for which
        nothing was back-propagated (the second optimizer of one backward) has the last one's."""
        if self.count:
            self.last = (self.total, self.count, self.arriving)
            self.total, self.count, self.closed = 0.0, 0, False
            if self.arriving:
                self.arriving = []
        else:
            self.closed = False
        return self.last


class Losses:
    """Notes the losses that go through `torch.autograd.backward`, thread by thread."""

    def __init__(self) -> None:
        self._values = Values()
        self._threads: dict[int, Parts] = {}
        self.inside: set[int] = set()
        """Threads that are in a backward pass."""
        self._scaled: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def parts(self) -> Parts:
        """This thread's parts; another's if only that one has any (it back-propagates for us)."""
        ident = get_ident()
        own = self._threads.get(ident)
        if own is not None and (own.count or own.last is not None):
            return own
        others = [p for p in list(self._threads.values()) if p.count]
        if own is None and len(others) == 1:
            return others[0]
        return self._threads.setdefault(ident, Parts()) if own is None else own

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> float | Arriving | None:
        """Before a backward pass: what it back-propagates, None if that is no part of a loss."""
        ident = get_ident()
        torch = sys.modules["torch"]
        if ident in self.inside or torch._C._current_graph_task_id() != -1:
            return None  # checkpointing back-propagates within a backward pass
        if not args:
            args = (kwargs.get("tensors"),)
        outputs = args[0]
        gradients = args[1] if len(args) > 1 else kwargs.get("grad_tensors")
        if type(outputs) is torch.Tensor and gradients is None and not self._scaled:
            # By far the most frequent: `loss.backward()`.
            if outputs.numel() != 1:
                return None
            return float(outputs.item()) if outputs.is_cpu else self._values.read(outputs)
        if isinstance(outputs, torch.Tensor):
            return self._one(torch, outputs, gradients)
        total: float | Arriving | None = None
        outputs = tuple(outputs or ())
        gradients = tuple(gradients) if gradients is not None else (None,) * len(outputs)
        for output, gradient in zip(outputs, gradients, strict=False):
            value = self._one(torch, output, gradient)
            if isinstance(value, float) and (total is None or isinstance(total, float)):
                total = value if total is None else total + value
            elif total is None:
                total = value
        return total

    def end(self, value: float | Arriving) -> Parts:
        """The backward pass succeeded: its value is a part of this thread's next step."""
        ident = get_ident()
        parts = self._threads.get(ident)
        if parts is None:
            parts = self._threads[ident] = Parts()
        if not parts.closed:
            parts.add(value)
        return parts

    def remember_scaled(self, outputs: Any, scaled: Any) -> None:
        """`GradScaler.scale` made `scaled` of `outputs`: the unscaled value is the loss."""
        torch = sys.modules["torch"]
        if not isinstance(outputs, torch.Tensor):
            for one, other in zip(outputs, scaled, strict=False):
                self.remember_scaled(one, other)
            return
        if scaled is outputs:  # a scaler that is switched off
            return
        if len(self._scaled) > 64:
            self._scaled = {k: v for k, v in self._scaled.items() if v[0]() is not None}
        self._scaled[id(scaled)] = (weakref.ref(scaled), outputs.detach())

    def _one(self, torch: Any, output: Any, gradient: Any) -> float | Arriving | None:
        if self._scaled:
            held = self._scaled.pop(id(output), None)
            if held is not None and held[0]() is output:
                output = held[1]
        if gradient is None:
            return self._values.read(output) if output.numel() == 1 else None
        if output.numel() > SMALL:
            return None
        with torch.no_grad():
            return self._values.read((output.detach() * gradient.detach()).sum())
