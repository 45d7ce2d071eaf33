"""The plots of a run: loss over learning rate, sharing one step axis."""

from __future__ import annotations
