"""A run once more: from its record back to a launch and to a form."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.launch import spec as specs
from lrmonitor.launch.again import CannotRerun, form_of, spec_again
from lrmonitor.launch.form import launch_spec
from lrmonitor.launch.spec import LaunchSpec, Options
from lrmonitor.record.create import create_run
from tests.conftest import Isolated


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where it works."""
    place = tmp_path / "project"
    place.mkdir()
    (place / "train.py").write_text("")
    return place


def recorded(spec: LaunchSpec, home: Path) -> dict[str, Any]:
    """What `run.json` says of a launch, written as the supervisor does."""
    made = create_run(
        home,
        name=spec.name,
        kind=spec.kind,
        script=spec.target,
        argv=spec.argv,
        command=spec.command,
        cwd=spec.cwd or "/",
        python=spec.python,
        env=spec.env,
    )
    found: dict[str, Any] = json.loads((made / "run.json").read_text())
    return found


def launches(folder: Path, home: Path) -> list[LaunchSpec]:
    """One of each kind."""
    options = Options(home, cwd=str(folder), env={"A": "1"}, detached=True)
    return [
        specs.script("train.py", ["--lr", "0.1", "a b"], sys.executable, options),
        specs.module("json.tool", ["--lr", "0.1"], sys.executable, options),
        specs.command(["echo", "a b", "$HOME"], options),
        specs.script(
            "train.py", [], sys.executable, Options(home, "demo", "demo", str(folder), {}, True)
        ),
    ]


@pytest.mark.parametrize("index", range(4))
def test_the_same_again_is_the_same_launch(index: int, folder: Path, isolated: Isolated) -> None:
    spec = launches(folder, isolated.runs)[index]
    assert spec_again(recorded(spec, isolated.runs), isolated.runs, detached=True) == spec


@pytest.mark.parametrize("index", range(3))
def test_the_form_of_a_run_starts_the_same(index: int, folder: Path, isolated: Isolated) -> None:
    spec = launches(folder, isolated.runs)[index]
    form = form_of(recorded(spec, isolated.runs))
    assert launch_spec(form, isolated.runs) == spec
    assert form.name == ""  # it was the script's own
    assert form.env == (("A", "1"),)


def test_a_name_of_its_own_and_a_folder_of_its_own_are_kept(
    folder: Path, isolated: Isolated, tmp_path: Path
) -> None:
    options = Options(isolated.runs, name="long warm-up", cwd=str(tmp_path))
    spec = specs.script("project/train.py", [], sys.executable, options)
    form = form_of(recorded(spec, isolated.runs))
    assert form.name == "long warm-up"
    assert (form.target, form.folder) == (str(folder / "train.py"), str(tmp_path))


@pytest.mark.parametrize("index", range(3))
def test_other_arguments_and_another_name(index: int, folder: Path, isolated: Isolated) -> None:
    info = recorded(launches(folder, isolated.runs)[index], isolated.runs)
    spec = spec_again(info, isolated.runs, name="second", arguments=["--lr", "1"])
    before = {0: (sys.executable, "train.py"), 1: (sys.executable, "-m", "json.tool"), 2: ("echo",)}
    assert spec.command == (*before[index], "--lr", "1")
    assert spec.name == "second"
    assert spec_again(info, isolated.runs, arguments=[]).command == before[index]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "started"}, r"called lrmonitor\.start\(\) itself"),
        ({"command": None}, "does not say which command"),
        ({"command": []}, "does not say which command"),
        ({"cwd": None}, "does not say where"),
        ({"cwd": "/no/such"}, "folder /no/such that it worked in is gone"),
        ({"cwd": "/no/such", "host": "elsewhere"}, "it ran on elsewhere"),
        ({"command": ["/no/python", "train.py"]}, "the Python /no/python that ran it is gone"),
        ({"script": "x.py", "command": [sys.executable, "x.py"]}, "there is no script x.py"),
    ],
)
def test_why_it_cannot_be_run_again(
    changes: dict[str, Any], said: str, folder: Path, isolated: Isolated
) -> None:
    info = recorded(launches(folder, isolated.runs)[0], isolated.runs)
    with pytest.raises(CannotRerun, match=said):
        spec_again({**info, **changes}, isolated.runs)


def test_what_was_not_launched_has_no_form(folder: Path, isolated: Isolated) -> None:
    info = recorded(launches(folder, isolated.runs)[0], isolated.runs)
    with pytest.raises(CannotRerun, match="Run it again where it ran"):
        form_of({**info, "kind": "started"})
