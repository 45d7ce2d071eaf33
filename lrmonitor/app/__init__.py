"""The desktop window: Qt, never torch. `main.run_window` puts it together."""

from __future__ import annotations
