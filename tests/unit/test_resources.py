"""Resources are found in a checkout and in an installed package, and missed in a clear sentence."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from hatchling.builders.wheel import WheelBuilder

from lrmonitor import resources

ROOT = Path(__file__).parents[2]


def _installed(site: Path) -> ModuleType:
    """`lrmonitor.resources` as it would be in the `site-packages` at `site`."""
    package = site / "lrmonitor"
    package.mkdir(parents=True)
    shutil.copy(resources.__file__, package / "resources.py")
    spec = importlib.util.spec_from_file_location("elsewhere", package / "resources.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "parts",
    [
        ("examples", "digits.py"),
        ("examples", "digits.csv.gz"),
        ("guide", "learning_rate.md"),
        ("guide", "rates.svg"),
        ("icons", "lrmonitor.svg"),
    ],
)
def test_what_the_program_needs_is_there(parts: tuple[str, ...]) -> None:
    path = resources.resource_path(*parts)
    assert path.is_absolute()
    assert path.stat().st_size > 100


def test_installed_package_has_its_own(tmp_path: Path) -> None:
    module = _installed(tmp_path)
    inside = tmp_path / "lrmonitor" / "_resources" / "icons"
    inside.mkdir(parents=True)
    (inside / "a.svg").touch()
    assert module.resource_path("icons", "a.svg") == inside / "a.svg"


def test_missing_file_and_missing_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing/such is not among lrmonitor's files"):
        resources.resource_path("nothing", "such")
    with pytest.raises(FileNotFoundError, match="please install lrmonitor again"):
        _installed(tmp_path).resource_path("icons")


def test_they_all_travel_inside_the_wheel() -> None:
    packed = {one.distribution_path for one in WheelBuilder(str(ROOT)).recurse_included_files()}
    folder = ROOT / "resources"
    own = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert len(own) > 40
    assert [name for name in own if f"lrmonitor/_resources/{name}" not in packed] == []
