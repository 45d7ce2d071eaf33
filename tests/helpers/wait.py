"""Waiting for what has no event to wait on, such as a file that another process writes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


PATIENCE = float(os.environ.get("LRMONITOR_TEST_PATIENCE", "1"))
"""How many times as long anything may take as on a machine that does nothing else."""


def wait_until(
    look: Callable[[], Found], timeout: float = 30.0 * PATIENCE, what: str = ""
) -> Found:
    """Look again until something true is found, and return that.

    Raises:
        AssertionError: nothing was found within `timeout` seconds.
    """
    limit = time.monotonic() + timeout
    while not (found := look()):
        assert time.monotonic() < limit, f"waited {timeout:g} s in vain for {what or look}"
        time.sleep(0.01)
    return found
