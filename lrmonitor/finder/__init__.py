"""Which rate: reading range tests and comparing rates that were tried, from recorded numbers alone.

Pure numpy; nothing here knows of windows, of torch, or of how the numbers were obtained.
"""

from __future__ import annotations

from lrmonitor.finder.ladder import Choice, choose, rungs
from lrmonitor.finder.reading import Reading, read
from lrmonitor.finder.sweep import Sweep, SweepError
from lrmonitor.finder.trial import Candidate, Comparison, TrialError, Tried, compare

__all__ = [
    "Candidate",
    "Choice",
    "Comparison",
    "Reading",
    "Sweep",
    "SweepError",
    "TrialError",
    "Tried",
    "choose",
    "compare",
    "read",
    "rungs",
]
