"""Values of tensors, read without making the training thread wait for a device."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

SLOTS = 4096
"""Values on their way from a device at once; beyond that a value is given up."""


class Arriving:
    """A value on its way: a copy in pinned memory, and the event that tells when it is there."""

    def __init__(self, slot: Any, event: Any) -> None:
        self._slot = slot
        self._event = event

    def ready(self) -> bool:
        """Whether it has arrived; never waits."""
        return bool(self._event.query())

    def value(self) -> float:
        """The value, once it is ready."""
        return float(self._slot.item())

    def wait(self) -> float:
        """The value, waited for."""
        self._event.synchronize()
        return self.value()


class Values:
    """Reads values: at once from the CPU (about 1 µs), later from a CUDA device."""

    def __init__(self) -> None:
        self._memory: Any = None
        self._next = 0

    def read(self, tensor: Any) -> float | Arriving | None:
        """The value of a tensor with one element; None if it has none that can be had cheaply."""
        torch = sys.modules["torch"]
        if type(tensor) is not torch.Tensor:
            with torch._C.DisableTorchFunctionSubclass():
                return self._read(torch, tensor)
        return self._read(torch, tensor)

    def _read(self, torch: Any, tensor: Any) -> float | Arriving | None:
        if tensor.is_cpu:
            return float(tensor.item())
        if tensor.device.type != "cuda" or torch.cuda.is_current_stream_capturing():
            return None
        if self._memory is None:
            self._memory = torch.empty(SLOTS, dtype=torch.float64, device="cpu", pin_memory=True)
        slot = self._memory[self._next]
        self._next = (self._next + 1) % SLOTS
        # A copy and not an alias: captured graphs use their output memory again.
        slot.copy_(tensor.detach().reshape(()), non_blocking=True)
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(tensor.device))
        return Arriving(slot, event)


Then = Callable[[list[float]], None]


class Deferred:
    """What waits for values that are still arriving, in order; the writer's thread looks after
    it."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Sequence[float | Arriving], Callable[[list[float]], None]]] = (
            deque()
        )

    def add(self, parts: Sequence[float | Arriving], then: Then) -> None:
        """Call `then` with the values when all are there."""
        if len(self._waiting) < SLOTS // 2:
            self._waiting.append((parts, then))

    def settle(self) -> None:
        """Finish what has arrived."""
        while self._waiting:
            parts, then = self._waiting[0]
            if not all(isinstance(part, float) or part.ready() for part in parts):
                return
            self._waiting.popleft()
            then([part if isinstance(part, float) else part.value() for part in parts])
