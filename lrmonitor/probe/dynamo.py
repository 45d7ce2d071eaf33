"""Keeping out of what torch.compile does.

Where a compiled function steps an optimizer, torch's compiler would look into our hooks too: it
would compile them, and print warnings that speak of our files.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

RULES = "torch._dynamo.trace_rules"
"""The module that knows which files are left alone. Never imported by us: that takes a second."""

TRANSPARENT = "install.py"
"""Looked through: its wrappers give way where something is compiled."""


def keep_out() -> None:
    """Have the compiler leave our files alone, once it is imported (see `late.after_import`)."""
    rules: Any = sys.modules[RULES]
    here = Path(__file__).parent
    ours = [file for file in here.glob("*.py") if file.name != TRANSPARENT]
    ours += [here.parent / "record", here.parent / "link"]
    rules.SKIP_DIRS.extend(path.as_posix() for path in ours)
    rules._recompile_re()
