"""Diagnosis: streaming detectors that say what is wrong with a training, why, and what to do.

The same code serves a live run and a finished log. Nothing here knows of windows or of torch.
"""

from __future__ import annotations

from lrmonitor.diagnosis.chunk import Chunk
from lrmonitor.diagnosis.engine import Diagnosis, diagnose
from lrmonitor.diagnosis.finding import Advice, Evidence, Finding

__all__ = ["Advice", "Chunk", "Diagnosis", "Evidence", "Finding", "diagnose"]
