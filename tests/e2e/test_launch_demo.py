"""`lrmonitor demo`: the script that ships with lrmonitor, under watch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lrmonitor.launch.interpreter import can_import_torch
from lrmonitor.resources import resource_path
from tests.helpers.launch import LRMONITOR, TIMEOUT, alive, event, of_script, only_run, plain

pytest.importorskip("torch")

SHORT = ("--epochs", "1", "--seed", "3", "--lr", "0.01")


def demo(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run the verb to its end."""
    return subprocess.run(
        [*LRMONITOR, "demo", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, **(env or {})},
        timeout=2 * TIMEOUT,
        check=False,
    )


def test_without_a_window_it_is_the_script_itself() -> None:
    here = demo("--no-window", *SHORT)
    there = plain(resource_path("examples", "digits.py"), *SHORT)
    assert here.stdout == there.stdout
    assert (here.returncode, of_script(here.stderr)) == (0, b"")
    folder = only_run()
    info = json.loads((folder / "run.json").read_text())
    assert (info["kind"], info["name"]) == ("demo", "demo")
    assert event(folder, "exited")["registered"] is True
    assert b"no training was seen" not in here.stderr


def test_detached() -> None:
    done = demo("--detach", "--name", "mine", "--epochs", "900")
    assert done.returncode == 0
    folder = only_run()
    assert folder.name.encode() in done.stderr
    assert json.loads((folder / "run.json").read_text())["name"] == "mine"
    os.kill(event(folder, "started")["pid"], signal.SIGTERM)
    assert event(folder, "exited")["signal"] == "SIGTERM"


def test_a_picture_of_the_window_ends_the_training(tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    env = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"), "")
    done = demo("--screenshot", str(picture), "--screenshot-after", "2", env=env)
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    folder = only_run()
    assert event(folder, "exited")["signal"] == "SIGINT"
    assert not alive(event(folder, "started")["pid"])


def test_a_python_without_torch_is_told_what_to_do() -> None:
    python = getattr(sys, "_base_executable", sys.executable)
    if can_import_torch(python):
        pytest.skip("the Python that this environment was made from has torch as well")
    done = demo("--no-window", "--python", python)
    assert done.returncode == 2
    assert b"pip install 'lrmonitor[demo]'" in done.stderr
    assert not list(Path(os.environ["LRMONITOR_RUNS"]).iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], b"--screenshot FILE"),
        (["--screenshot", "x.png", "--no-window"], b"--screenshot needs the window"),
        (["--screenshot", "/no/such/folder/x.png"], b"there is no folder /no/such/folder"),
        (["--screenshot", "x.png", "--screenshot-after", "soon"], b"not a number of seconds"),
        (["--no-window", "--no-such-option"], b"--no-such-option"),
    ],
)
def test_wrong_use(words: list[str], said: bytes) -> None:
    env = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"), "")
    done = demo(*words, env=env)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(Path(os.environ["LRMONITOR_RUNS"]).iterdir())


def test_values_that_the_script_refuses_are_its_own_matter() -> None:
    done = demo("--no-window", "--lr", "fast")
    assert done.returncode == 2
    assert b"argument --lr: invalid float value: 'fast'" in of_script(done.stderr)
