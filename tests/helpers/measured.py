"""A benchmark's program, run in a process of its own: what it holds and does is its alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def measured(program: str, *words: str, seconds: float = 280.0) -> Any:
    """What `tests.benchmarks.<program>` prints last, a line of JSON. Its window is off screen."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{program}", *words],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
