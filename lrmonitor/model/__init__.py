"""The run as the window and the verbs see it: its state, its series, what can be done to it.

Plain objects with a tiny subscribe primitive; complete without Qt.
"""

from __future__ import annotations
