"""What the GPUs' driver tells, with a driver of the test's own: no GPU is needed."""

from __future__ import annotations

import importlib.util
import inspect

import pytest

from lrmonitor.model import gpu
from lrmonitor.model.gpu import Gpus, GpuUsage
from tests.helpers.gpus import GIB, Card, Driver, Memory, Process, Refused


def test_the_gpus_on_which_the_run_computes() -> None:
    cards = [
        Card("A", [Process(7, 2 * GIB), Process(8, GIB), Process(99, 4 * GIB)]),
        Card(b"B", [Process(99, GIB)]),
        Card(b"C", [Process(8, GIB)], Memory(GIB, 8 * GIB), 0),
    ]
    driver = Driver(cards)
    gpus = Gpus(driver)
    assert gpus.read({7, 8}) == (
        GpuUsage(0, "A", 3 * GIB, 9 * GIB, 24 * GIB, 0.93),
        GpuUsage(2, "C", GIB, GIB, 8 * GIB, 0.0),
    )
    assert gpus.read({1}) == ()
    gpus.close()
    assert driver.open == 0


def test_what_the_driver_does_not_tell_is_left_out() -> None:
    silent = Card(None, [Process(7, None)], None, None)
    broken = Card("broken", None)
    assert Gpus(Driver([broken, silent])).read({7}) == (
        GpuUsage(1, "GPU 1", None, None, None, None),
    )


def test_without_a_driver() -> None:
    with pytest.raises(Refused):
        Gpus(Driver([], there=False))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pynvml", None)
    assert gpu.find_gpus() is None


@pytest.mark.skipif(
    importlib.util.find_spec("pynvml") is None, reason="the extra `gpu` is not installed"
)
def test_the_real_library_has_what_is_used() -> None:
    import pynvml

    wanted = [name for name, _ in inspect.getmembers(gpu.Nvml) if name.startswith("nvml")]
    assert len(wanted) == 8
    for name in wanted:
        ours = list(inspect.signature(getattr(gpu.Nvml, name)).parameters)[1:]
        inspect.signature(getattr(pynvml, name)).bind(*ours)  # raises where they do not fit
    assert issubclass(pynvml.NVMLError, Exception)
    found = gpu.find_gpus()  # with a driver or without: no error
    if found is not None:
        assert found.read({-1}) == ()
        found.close()
