"""The states of the random number generators that a training draws from."""

from __future__ import annotations

import random
import sys
from typing import Any


def states() -> dict[str, Any]:
    """Those of Python, of NumPy where the script has imported it, and of torch."""
    torch = sys.modules["torch"]
    found: dict[str, Any] = {"python": random.getstate(), "torch": torch.get_rng_state()}
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "random"):
        found["numpy"] = numpy.random.get_state()
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        found["cuda"] = torch.cuda.get_rng_state_all()
    return found


def put_back(found: dict[str, Any]) -> None:
    """Make the generators go on from there."""
    torch = sys.modules["torch"]
    random.setstate(found["python"])
    torch.set_rng_state(found["torch"])
    numpy = sys.modules.get("numpy")
    if numpy is not None and "numpy" in found:
        numpy.random.set_state(found["numpy"])
    if "cuda" in found:
        torch.cuda.set_rng_state_all(found["cuda"])
