"""Learning-rate schedules as pure functions of the step: the probe uses them, previews draw them.

Standard library only, and nothing of the house: they run in any user's environment.
"""

from __future__ import annotations

from lrmonitor.schedules.base import MAX_STEPS, THEN, Parameter, Schedule, ScheduleError, parameters
from lrmonitor.schedules.decays import (
    Constant,
    Exponential,
    InverseSquareRoot,
    Linear,
    MultiStep,
    Polynomial,
    Step,
)
from lrmonitor.schedules.ramp import between
from lrmonitor.schedules.warm import Warmup, WarmupStableDecay
from lrmonitor.schedules.waves import Cosine, CosineRestarts, OneCycle
from lrmonitor.schedules.wire import KINDS, from_json, to_json

__all__ = [
    "KINDS",
    "MAX_STEPS",
    "THEN",
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "InverseSquareRoot",
    "Linear",
    "MultiStep",
    "OneCycle",
    "Parameter",
    "Polynomial",
    "Schedule",
    "ScheduleError",
    "Step",
    "Warmup",
    "WarmupStableDecay",
    "between",
    "from_json",
    "parameters",
    "to_json",
]
