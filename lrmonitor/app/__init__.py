"""The desktop window: Qt and pyqtgraph, never torch. `main.run_window` puts it together."""

from __future__ import annotations
