"""Opening the window as a process: no display, a picture, Ctrl-C, what it never imports."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from lrmonitor.app import main
from tests.app.folders import RunFolder, cosine
from tests.conftest import Isolated

PROGRAM = "import sys; from lrmonitor.cli.main import main; sys.exit(main(sys.argv[1:]))"


def window(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `lrmonitor WORDS` to its end, without a display unless `env` names one."""
    outer = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    outer.pop("QT_QPA_PLATFORM", None)
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        env={**outer, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def ended(isolated: Isolated) -> RunFolder:
    """A run that is over."""
    run = RunFolder(isolated.runs).launch(False).register().train(100)
    run.command("a", "hold", 3e-4)
    run.applied("a", "hold", 3e-4, ("hold", 3e-4), cosine(100), 3e-4)
    return run.train(100, effective=lambda s: 3e-4).exited(0)


def test_without_a_display_it_says_what_to_do(ended: RunFolder) -> None:
    done = window("window", str(ended.path))
    assert done.returncode == 2
    assert done.stderr.startswith("lrmonitor: there is no display")
    assert done.stderr.count("\n") == 1
    assert "xvfb-run" in done.stderr


def test_a_display_that_does_not_answer_does_not_abort(ended: RunFolder) -> None:
    done = window("window", str(ended.path), DISPLAY=":4711")
    assert done.returncode == 2
    assert "DISPLAY=:4711" in done.stderr


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_picture_needs_no_display(ended: RunFolder, tmp_path: Path, theme: str) -> None:
    picture = tmp_path / "window.png"
    done = window("window", "latest", "--screenshot", str(picture), "--theme", theme)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"lrmonitor: saved {picture}" in done.stderr
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1280, 800)
    colours = {image.pixel(x, image.height() // 2) for x in range(image.width())}
    assert len(colours) > 3


def test_a_picture_of_a_live_run_is_taken_after_the_time_given(
    isolated: Isolated, tmp_path: Path
) -> None:
    run = RunFolder(isolated.runs).launch().register().train(10)
    picture = tmp_path / "window.png"
    done = window(
        "window", str(run.path), "--screenshot", str(picture), "--screenshot-after", "0.3"
    )
    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 5000


@pytest.mark.parametrize("name", ["no/such/folder/w.png", "w.txt", "folder.png"])
def test_a_picture_that_cannot_be_written(ended: RunFolder, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.png").mkdir()
    done = window("window", str(ended.path), "--screenshot", str(tmp_path / name))
    assert done.returncode == 2
    assert done.stderr.startswith("lrmonitor: --screenshot ")
    assert done.stderr.count("\n") == 1


def test_after_without_a_picture_is_a_mistake() -> None:
    done = window("window", "--screenshot-after", "3")
    assert done.returncode == 2
    assert "--screenshot FILE" in done.stderr


def test_a_run_that_does_not_exist() -> None:
    done = window("window", "nothing-of-that-name", QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 4


def test_the_window_never_imports_torch_and_leaves_the_environment_alone(
    ended: RunFolder, tmp_path: Path
) -> None:
    program = (
        "import os, sys; before = dict(os.environ)\n"
        "from pathlib import Path\n"
        "from lrmonitor.app.main import run_window\n"
        f"code = run_window(Path({str(ended.path)!r}), screenshot=Path('w.png'))\n"
        "assert code == 0\n"
        "assert 'lrmonitor.app.plots.sheet' in sys.modules\n"
        "loaded = [m for m in sys.modules if m == 'torch' or m.startswith('lrmonitor.probe')]\n"
        "assert not loaded, loaded\n"
        "assert dict(os.environ) == before\n"
    )
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


STARTUP = """
import sys, time
from pathlib import Path
from lrmonitor.app import main
def told(name):
    print(name, time.process_time(), flush=True)
def watch():
    from lrmonitor.app.window import MainWindow
    whole = MainWindow._after_first_frame
    def after(self):
        told("frame")
        whole(self)
        self.view.plots.canvas.repaint()
        told("curves")
        self.leave_and_close()
    MainWindow._after_first_frame = after
numpy = main._import_numpy
main._import_numpy = lambda: (numpy(), watch())
sys.exit(main.run_window(Path(sys.argv[1])))
"""


@pytest.mark.benchmark
def test_the_first_frame_within_a_second_of_processor_time(ended: RunFolder) -> None:
    frames, curves = [], []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", STARTUP, str(ended.path)],
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        told = dict(line.split() for line in done.stdout.splitlines())
        frames.append(float(told["frame"]))
        curves.append(float(told["curves"]))
    print(f"first frame {statistics.median(frames):.2f} s, with curves {min(curves):.2f} s")
    assert statistics.median(frames) <= 1.0


def test_ctrl_c_closes_the_window(qapp: QApplication) -> None:
    closed: list[bool] = []
    before = signal.getsignal(signal.SIGINT)
    with main._interrupts(lambda: closed.append(True)):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert closed == [True, True]
    assert signal.getsignal(signal.SIGINT) is before
