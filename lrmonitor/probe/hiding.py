"""Leaving a step out: its gradients are hidden while it is made, so that the optimizer finds
nothing to do and leaves parameters, their state, weight decay and step counters as they are.

Nothing else cancels a step from within a hook: what a hook raises would reach the script.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

_LOOKS = re.compile(r"\.grad\s+is\s+(not\s+)?None|getattr\([^)]*[\"']grad[\"']\s*,\s*None")
"""Code that asks whether a parameter has a gradient."""

Hidden = list[tuple[Any, Any]]
"""Parameters, and the gradients that were taken from them."""


def problem(actual: Any) -> str | None:
    """Why no step of that optimizer can be left out; None if one can.

    torch's own optimizers pass over parameters without a gradient; of others it must be seen in
    their source that they do, since a step that fails would end the training.
    """
    for one in type(actual).__mro__:
        if "step" not in one.__dict__:
            continue
        module = str(one.__module__)
        if module == "torch" or module.startswith("torch."):
            if one.__name__ == "LBFGS":
                return "LBFGS computes its gradients within its step"
            return None
        try:
            source = inspect.getsource(one)
        except (OSError, TypeError):
            return f"the source of {one.__name__} cannot be read, to see what it does without them"
        if _LOOKS.search(source):
            return None
        if ".grad" in source or "super()" not in source:
            return (
                f"{one.__name__} does not look whether a parameter has a gradient: it may fail "
                "without them (`if p.grad is None: continue` in its step tells)"
            )
    return None


def hide(actual: Any, hidden: Hidden) -> None:
    """Take the gradients from an optimizer's parameters, and note them in `hidden`."""
    for group in actual.param_groups:
        for parameter in group["params"]:
            gradient = parameter.grad
            if gradient is not None:
                hidden.append((parameter, gradient))
                parameter.grad = None


def reveal(hidden: Hidden) -> None:
    """Give them back, where none has come meanwhile, and forget each: later they are old ones."""
    while hidden:
        parameter, gradient = hidden[-1]
        if parameter.grad is None:
            parameter.grad = gradient
        hidden.pop()
