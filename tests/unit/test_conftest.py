"""The checks that every test is under really catch what they are for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"

CASES = """
from __future__ import annotations
import logging, os, subprocess, sys, threading, warnings

def test_good(isolated):
    assert os.environ["LRMONITOR_RUNS"] == str(isolated.runs)
    assert os.path.expanduser("~") == str(isolated.home)
    assert len(os.fsencode(isolated.runtime)) < 40
    assert os.stat(isolated.runtime).st_mode & 0o777 == 0o700
    with open("runtimes", "a") as file:
        file.write(f"{isolated.runtime}\\n")

def test_child():
    global child
    child = subprocess.Popen(["sleep", "60"])

def test_detached():
    subprocess.run(["sh", "-c", "setsid sleep 60 >/dev/null 2>&1 &"], check=True)

def test_thread():
    threading.Thread(target=threading.Event().wait, args=(60,), daemon=True, name="mine").start()

def test_log():
    logging.getLogger("somewhere").warning("unexpected")

def test_log_looked_at(caplog):
    logging.getLogger("somewhere").warning("expected")
    assert caplog.messages == ["expected"]
"""


def test_what_is_left_behind_is_removed_and_told(tmp_path: Path) -> None:
    text = CONFTEST.read_text(encoding="utf-8")
    hasty = re.sub(r"^GRACE = .*$", "GRACE = 0.3", text, flags=re.MULTILINE)
    assert hasty != text
    (tmp_path / "conftest.py").write_text(hasty, encoding="utf-8")
    (tmp_path / "test_cases.py").write_text(CASES, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xvfb", "-p", "no:cacheprovider", "-rA"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    told = {
        (word, name)
        for word, name in re.findall(
            r"^(PASSED|ERROR|FAILED) \S+::(\w+)", done.stdout, re.MULTILINE
        )
    }
    left = {"test_child", "test_detached", "test_thread", "test_log"}
    assert {name for word, name in told if word == "ERROR"} == left
    assert {name for word, name in told if word == "PASSED"} - left == {
        "test_good",
        "test_log_looked_at",
    }
    killed = set(re.findall(r"^  (\d+): sleep 60$", done.stdout, re.MULTILINE))
    assert len(killed) == 2
    assert "threads left running: ['mine']" in done.stdout
    assert "somewhere WARNING: unexpected" in done.stdout
    for runtime in (tmp_path / "runtimes").read_text(encoding="utf-8").split():
        assert not Path(runtime).exists()
