"""The questions the window asks."""

from __future__ import annotations
