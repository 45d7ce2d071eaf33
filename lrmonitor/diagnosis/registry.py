"""The detectors that are used: ours, and those that installed packages name."""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from lrmonitor.diagnosis.detector import Detector
from lrmonitor.diagnosis.divergence import Divergence
from lrmonitor.diagnosis.gradients import ExplodingGradient, VanishingUpdates
from lrmonitor.diagnosis.non_finite import NonFinite
from lrmonitor.diagnosis.oscillation import Oscillation
from lrmonitor.diagnosis.overfitting import Overfitting
from lrmonitor.diagnosis.rising import Rising
from lrmonitor.diagnosis.spike import Spike
from lrmonitor.diagnosis.stagnation import Stagnation
from lrmonitor.diagnosis.stalled import Stalled

__all__ = ["BUILT_IN", "GROUP", "detectors"]

GROUP = "lrmonitor.detectors"

BUILT_IN: tuple[type[Detector], ...] = (
    NonFinite,
    Divergence,
    Rising,
    Spike,
    Oscillation,
    ExplodingGradient,
    VanishingUpdates,
    Overfitting,
    Stagnation,
    Stalled,
)
"""In the order in which they are told: of one cause the worse symptom should speak first."""

_log = logging.getLogger(__name__)


@cache
def named() -> tuple[EntryPoint, ...]:
    """What installed packages name. They are looked through once in a process: that takes
    milliseconds, and a folder of logs has many runs."""
    return tuple(entry_points(group=GROUP))


def detectors() -> list[Detector]:
    """New detectors for one run. One of a package that cannot be made is left out, with a
    warning."""
    made: list[Detector] = [kind() for kind in BUILT_IN]
    for point in named():
        try:
            detector = point.load()()
        except Exception as error:
            _log.warning("the detector %s of %s cannot be used: %s", point.name, point.value, error)
            continue
        if isinstance(detector, Detector):
            made.append(detector)
        else:
            _log.warning("the detector %s of %s is not a Detector", point.name, point.value)
    return made
