"""Starting a script under a supervisor that owns it, with the probe carried in."""

from __future__ import annotations
