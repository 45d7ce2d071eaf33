"""Without a display: one sentence that says what to do, before Qt can abort."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lrmonitor.app.display import display_problem


def test_no_display_at_all() -> None:
    problem = display_problem({}, "linux")
    assert problem is not None
    assert "xvfb-run" in problem
    assert "--screenshot FILE" in problem


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_there_is_always_one(platform: str) -> None:
    assert display_problem({}, platform) is None


def test_qt_is_taken_at_its_word() -> None:
    assert display_problem({"QT_QPA_PLATFORM": "offscreen"}, "linux") is None


@pytest.mark.parametrize("display", [":4711", "localhost:4711", "unix:4711.0"])
def test_an_x_server_that_is_not_there(display: str) -> None:
    problem = display_problem({"DISPLAY": display}, "linux")
    assert problem is not None
    assert f"DISPLAY={display}" in problem


def test_a_wayland_socket(isolated: object, tmp_path: Path) -> None:
    folder = Path("/tmp") / f"lrm-w-{tmp_path.name[:20]}"
    folder.mkdir(exist_ok=True)
    env = {"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": str(folder)}
    assert display_problem(env, "linux") is not None
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "wayland-9"))
        server.listen()
        assert display_problem(env, "linux") is None
    (folder / "wayland-9").unlink()
    folder.rmdir()
