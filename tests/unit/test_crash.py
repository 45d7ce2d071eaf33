"""The error that ended a script, from the traceback that Python printed."""

from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lrmonitor.model import process
from lrmonitor.model.crash import LONGEST, last_error
from lrmonitor.model.process import Identity
from lrmonitor.model.run import RunModel
from lrmonitor.model.state import Phase
from tests.app.folders import RunFolder
from tests.conftest import Isolated

HEAD = "Traceback (most recent call last):\n"
FRAME = '  File "train.py", line 3, in <module>\n    loss.backward()\n    ~~~~~^^\n'


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("epoch 1\n", None),
        ("", None),
        (HEAD + FRAME, None),
        (HEAD + FRAME + "ValueError: shape\n", "ValueError: shape"),
        (HEAD.replace("\n", "\r\n") + FRAME + "KeyboardInterrupt\r\n", "KeyboardInterrupt"),
        (
            HEAD + FRAME + "\x1b[1;35mtorch.OutOfMemoryError\x1b[0m: 3 GiB\n",
            "torch.OutOfMemoryError: 3 GiB",
        ),
        (
            HEAD + FRAME + "KeyError: 'a'\n\nDuring handling of the above exception, another "
            "exception occurred:\n\n" + HEAD + FRAME + "RuntimeError: b\nwandb: synced, bye: 1\n",
            "RuntimeError: b",
        ),
        (HEAD + FRAME + "ValueError: " + "x" * 400, "ValueError: " + "x" * (LONGEST - 12) + "…"),
    ],
)
def test_last_error(text: str, error: str | None, tmp_path: Path) -> None:
    (tmp_path / "console.log").write_bytes(text.encode())
    assert last_error(tmp_path) == error


def test_a_run_without_a_console(tmp_path: Path) -> None:
    assert last_error(tmp_path) is None


def test_what_python_prints_is_understood(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "def f(): return {}['no']\nf()"], capture_output=True, check=False
    )
    (tmp_path / "console.log").write_bytes(b"much\n" * 20000 + done.stderr)
    assert last_error(tmp_path) == "KeyError: 'no'"


def test_the_state_of_a_run_names_the_error(isolated: Isolated) -> None:
    run = RunFolder(isolated.runs).launch(False).register().train(7)
    (run.path / "console.log").write_text(HEAD + FRAME + "ValueError: shape\n")
    model = RunModel(run.exited(1).path)
    model.poll()
    assert (model.state.phase, model.state.label) == (Phase.FAILED, "crashed")
    assert model.state.sentence == "The script crashed after step 7: ValueError: shape."


def test_compiling_is_shown_until_it_is_done_or_a_step_comes(isolated: Isolated) -> None:
    run = RunFolder(isolated.runs).launch().register().train(7)
    model = RunModel(run.path, clock=lambda: run.now + 1)
    run.now += 1
    seen = []
    for do in (
        lambda: run.event("compiling"),
        lambda: run.event("compiled"),
        lambda: run.event("compiling"),
        lambda: run.train(1),
    ):
        do()
        model.poll()
        seen.append((model.state.phase, model.state.since is not None))
    compiling, training = (Phase.COMPILING, True), (Phase.RUNNING, False)
    assert seen == [compiling, training, compiling, training]


def test_whether_torch_is_loaded_is_seen_from_outside(tmp_path: Path) -> None:
    library = tmp_path / "libtorch_cpu.so"
    library.write_bytes(b"\0" * mmap.PAGESIZE)
    program = (
        "import mmap, subprocess, sys\n"
        "if sys.argv[1] == 'parent':\n"
        "    child = subprocess.Popen([sys.executable, '-c', sys.argv[3], 'child', sys.argv[2]])\n"
        "    child.wait()\n"
        "else:\n"
        "    if sys.argv[2]:\n"
        "        file = open(sys.argv[2], 'rb')\n"
        "        held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    for words, expected in (
        (["child", ""], False),
        (["child", str(library)], True),
        (["parent", str(library), program], True),
    ):
        with subprocess.Popen(
            [sys.executable, "-c", program, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout is not None
            assert child.stdin is not None
            assert child.stdout.readline() == b"ready\n"
            who = Identity(child.pid, psutil.Process(child.pid).create_time())
            assert process.loads_torch(who) is (expected if sys.platform == "linux" else None)
            child.stdin.close()
    assert process.loads_torch(who) is None
