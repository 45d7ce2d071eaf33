"""Exit codes of the verbs, stable for scripts."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
REFUSED = 3
NO_RUN = 4
PENDING = 5
INTERRUPTED = 130
BROKEN_PIPE = 141
