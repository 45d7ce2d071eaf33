"""The command line: one module per verb, every heavy import late."""

from __future__ import annotations
