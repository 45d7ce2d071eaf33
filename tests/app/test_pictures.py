"""The pictures to look at can be taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_picture_of_a_state_and_of_a_dialog(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.app.pictures", str(tmp_path), "validating", "about"]
    done = subprocess.run([*words, "--look", "dark", "1"], capture_output=True, timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    assert {path.name: path.read_bytes()[1:4] for path in tmp_path.glob("*.png")} == {
        "about-dark-100.png": b"PNG",
        "validating-dark-100.png": b"PNG",
    }
