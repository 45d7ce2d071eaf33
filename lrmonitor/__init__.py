"""lrmonitor: watch a PyTorch training run and change its learning rate while it trains."""

from __future__ import annotations

__version__ = "0.1.0"
