"""A driver for GPUs of the test's own: it answers as `pynvml` does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

GIB = 1 << 30


class Refused(Exception):
    """The driver cannot tell."""


@dataclass
class Process:
    pid: int
    usedGpuMemory: int | None


@dataclass
class Memory:
    used: int
    total: int


@dataclass
class _Rates:
    gpu: int


@dataclass
class Card:
    """One GPU; None: the driver refuses to tell."""

    name: str | bytes | None
    processes: list[Process] | None
    memory: Memory | None = field(default_factory=lambda: Memory(9 * GIB, 24 * GIB))
    busy: int | None = 93


class Driver:
    """Answers as `pynvml` does."""

    NVMLError: type[Exception] = Refused

    def __init__(self, cards: list[Card], there: bool = True) -> None:
        self.cards, self.there, self.open = cards, there, 0

    def nvmlInit(self) -> None:
        if not self.there:
            raise Refused
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Card:
        return self.cards[index]

    def nvmlDeviceGetName(self, handle: Card) -> str | bytes:
        name: str | bytes = _told(handle.name)
        return name

    def nvmlDeviceGetMemoryInfo(self, handle: Card) -> Any:
        return _told(handle.memory)

    def nvmlDeviceGetUtilizationRates(self, handle: Card) -> Any:
        return _Rates(_told(handle.busy))

    def nvmlDeviceGetComputeRunningProcesses(self, handle: Card) -> list[Any]:
        processes: list[Any] = _told(handle.processes)
        return processes


def _told(value: Any) -> Any:
    if value is None:
        raise Refused
    return value
