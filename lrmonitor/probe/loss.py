"""What is back-propagated: the parts that a step's loss is the sum of."""

from __future__ import annotations

import sys
import weakref
from threading import get_ident
from typing import Any

from lrmonitor.probe.threads import NOBODY, Local, Thread
from lrmonitor.probe.values import Arriving, Values

SMALL = 4096
"""Elements of an output that is worth a product with its gradient; larger ones are no losses."""


class Losses:
    """Notes the losses that go through `torch.autograd.backward`, thread by thread."""

    def __init__(self) -> None:
        self.threads: dict[int, Thread] = {}
        self.local = Local()
        self.values = Values()
        self._scaled: dict[int, tuple[weakref.ref[Any], Any]] = {}

    @property
    def scaling(self) -> bool:
        """Whether there are scaled losses that were not back-propagated yet."""
        return bool(self._scaled)

    def thread(self) -> Thread:
        """This thread's record, made where it has none."""
        found = self.local.here
        if found is NOBODY:
            # One that has ended may have left its number, and parts of a step with it.
            ident = get_ident()
            found = self.local.here = self.threads.setdefault(ident, Thread(ident))
        return found

    def of_step(self, own: Thread) -> Thread:
        """Whose parts a step of this thread has: its own; another's if only that one has any (it
        back-propagates for us)."""
        if own.count:
            return own
        others = [one for one in list(self.threads.values()) if one.count and not one.taken]
        return others[0] if len(others) == 1 else own

    def begin(self, own: Thread, outputs: Any, gradients: Any) -> float | Arriving | None:
        """Before a backward pass: what it back-propagates, None if that is no part of a loss."""
        torch = sys.modules["torch"]
        if own.inside or torch._C._current_graph_task_id() != -1:
            return None  # checkpointing back-propagates within a backward pass
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
        for thread in list(self.threads.values()):
            thread.slow = True

    def _one(self, torch: Any, output: Any, gradient: Any) -> float | Arriving | None:
        if self._scaled:
            held = self._scaled.pop(id(output), None)
            if held is not None and held[0]() is output:
                output = held[1]
        if gradient is None:
            return self.values.read(output) if output.numel() == 1 else None
        if output.numel() > SMALL:
            return None
        with torch.no_grad():
            return self.values.read((output.detach() * gradient.detach()).sum())
