"""The command that runs a module of lrmonitor in a Python of its own."""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE_PARENT = Path(__file__).resolve().parent.parent.parent


def own_command(module: str) -> list[str]:
    """This Python with `-m` and the module.

    The working directory stays off its `sys.path`, since a script's folder may well hold a
    `queue.py`; unless lrmonitor itself is run from its checkout.
    """
    safe = ["-P"] if sys.version_info >= (3, 11) and Path.cwd() != _PACKAGE_PARENT else []
    return [sys.executable, *safe, "-m", module]
