"""Being told that modules have been imported, without being seen at it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from lrmonitor.probe.late import after_import, after_imports


class Modules:
    """Modules that can be imported, and what was told of them."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str] = []
        self._folder = folder

    def write(self, name: str, text: str = "done = True\n") -> None:
        """Make one, or make it anew."""
        (self._folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()

    def wait(self, *names: str) -> None:
        """Be told of these."""
        after_imports({name: lambda name=name: self.tell(name) for name in names})  # type: ignore[misc]

    def tell(self, name: str) -> None:
        """A module was imported: whole, as it must be."""
        assert sys.modules[name].done
        self.told.append(name)


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Modules]:
    """None so far."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before, finders = set(sys.modules), list(sys.meta_path)
    yield Modules(tmp_path)
    sys.meta_path[:] = finders
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_several_are_waited_for_by_one_finder(modules: Modules) -> None:
    finders = list(sys.meta_path)
    modules.write("late_a", "import late_b\ndone = True\n")
    modules.write("late_b")
    modules.write("late_c")
    modules.wait("late_a", "late_b")
    assert len(sys.meta_path) == len(finders) + 1
    importlib.import_module("late_c")
    assert modules.told == []
    importlib.import_module("late_a")
    assert modules.told == ["late_b", "late_a"]
    assert sys.meta_path == finders


def test_one_that_is_there_is_told_at_once(modules: Modules) -> None:
    finders = list(sys.meta_path)
    modules.write("late_d")
    importlib.import_module("late_d")
    modules.wait("late_d")
    assert modules.told == ["late_d"]
    assert sys.meta_path == finders


def test_looking_for_a_module_is_no_import(modules: Modules) -> None:
    modules.wait("late_e")
    assert importlib.util.find_spec("late_e") is None
    modules.write("late_e")
    assert importlib.util.find_spec("late_e") is not None
    assert modules.told == []
    importlib.import_module("late_e")
    assert modules.told == ["late_e"]


def test_an_import_that_fails_looks_as_ever_and_may_succeed_later(modules: Modules) -> None:
    modules.write("late_f", "1 / 0\n")
    told = []
    for waiting in (False, True):
        if waiting:
            modules.wait("late_f")
        with pytest.raises(ZeroDivisionError) as raised:
            importlib.import_module("late_f")
        frames = traceback.extract_tb(raised.value.__traceback__)
        told.append([frame.filename for frame in frames if "importlib" not in frame.filename])
    assert told[0] == told[1]
    modules.write("late_f", "done = True  # by now\n")
    importlib.import_module("late_f")
    assert modules.told == ["late_f"]


def test_what_we_raise_is_lost(modules: Modules) -> None:
    modules.write("late_g")
    after_import("late_g", lambda: 1 // 0)  # type: ignore[arg-type]
    assert importlib.import_module("late_g").done
