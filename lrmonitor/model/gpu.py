"""What processes use of NVIDIA's GPUs, as the driver's management library (NVML) tells it.

The library comes with the extra `gpu` (nvidia-ml-py) and the driver. Without either there is
nothing to tell, and that is no error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol


class Nvml(Protocol):
    """The functions of the module `pynvml` that are used. Each raises `NVMLError`."""

    NVMLError: type[Exception]

    def nvmlInit(self) -> None: ...
    def nvmlShutdown(self) -> None: ...
    def nvmlDeviceGetCount(self) -> int: ...
    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any: ...
    def nvmlDeviceGetName(self, handle: Any) -> str | bytes: ...
    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any: ...
    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> Any: ...
    def nvmlDeviceGetComputeRunningProcesses(self, handle: Any) -> list[Any]: ...


@dataclass(frozen=True)
class GpuUsage:
    """One GPU. Bytes; what the driver does not tell is None.

    - `memory`: of the run's processes; `used`: of all processes; `total`: what it has.
    - `busy`: the share of the last moment (a sixth of a second to a second, as the driver has it)
      in which the GPU worked, from 0 to 1, whoever it worked for.
    """

    index: int
    name: str
    memory: int | None
    used: int | None
    total: int | None
    busy: float | None


class Gpus:
    """The machine's GPUs. Threads take turns; `close` lets go of the driver."""

    def __init__(self, nvml: Nvml) -> None:
        """Raises `nvml.NVMLError` where there is no driver."""
        self._nvml = nvml
        nvml.nvmlInit()

    def read(self, pids: Collection[int]) -> tuple[GpuUsage, ...]:
        """The GPUs on which one of the processes computes; none where the driver cannot tell, as
        inside a container, where it knows the processes by other numbers."""
        found = []
        with contextlib.suppress(self._nvml.NVMLError):
            for index in range(self._nvml.nvmlDeviceGetCount()):
                with contextlib.suppress(self._nvml.NVMLError):
                    usage = self._read(index, pids)
                    if usage is not None:
                        found.append(usage)
        return tuple(found)

    def close(self) -> None:
        """Let go of the driver."""
        with contextlib.suppress(self._nvml.NVMLError):
            self._nvml.nvmlShutdown()

    def _read(self, index: int, pids: Collection[int]) -> GpuUsage | None:
        nvml = self._nvml
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        ours = [p for p in nvml.nvmlDeviceGetComputeRunningProcesses(handle) if p.pid in pids]
        if not ours:
            return None
        told = [p.usedGpuMemory for p in ours if p.usedGpuMemory is not None]
        name, used, total, busy = f"GPU {index}", None, None, None
        with contextlib.suppress(nvml.NVMLError):
            known = nvml.nvmlDeviceGetName(handle)
            name = known.decode("utf-8", "replace") if isinstance(known, bytes) else known
        with contextlib.suppress(nvml.NVMLError):
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            used, total = int(memory.used), int(memory.total)
        with contextlib.suppress(nvml.NVMLError):
            busy = nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
        return GpuUsage(index, name, sum(told) if told else None, used, total, busy)


def find_gpus() -> Gpus | None:
    """The machine's GPUs; None without the library, the driver or a GPU of NVIDIA's."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        return Gpus(pynvml)
    except pynvml.NVMLError:
        return None
