"""The runs that are compared: followed, and drawn in ways that can be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt

from lrmonitor.model.comparison import all_series, settings
from lrmonitor.model.relative import Relative
from lrmonitor.model.run import RunModel
from lrmonitor.record.reader import Series

__all__ = ["DASHES", "Compared", "Look"]

DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
)

COLOURS = 8
"""Of a theme."""


@dataclass(frozen=True)
class Look:
    """How a run is drawn: the number of a colour and a dash, so that it is told by either."""

    colour: int
    dash: Qt.PenStyle

    @staticmethod
    def of(number: int) -> Look:
        """That of the run number `number`: 32 different ones, neighbours unlike in both."""
        return Look(number % COLOURS, DASHES[(number + number // COLOURS) % len(DASHES)])


class Compared:
    """One of the runs. `poll` follows it; a run that is over is read once."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        self.look = Look.of(number)
        self.model = RunModel(folder)
        self.shown = True
        self.series: dict[str, Series] = {}
        self.settings: dict[str, str] = {}
        self._relative: dict[str, Relative] = {}
        self._settled = False
        self.poll()

    @property
    def name(self) -> str:
        """What the run is called now."""
        return self.model.name

    def poll(self) -> bool:
        """Read what is new; whether there was anything."""
        if self._settled:
            return False
        changes = self.model.poll()
        if changes or not self.series:
            self.series = all_series(self.model)
        if changes.events or not self.settings:
            self.settings = settings(self.model)
        self._settled = self.model.state.phase.over and not self.model.state.live
        return bool(changes)

    def curve(self, key: str, baseline: Compared | None) -> Series | None:
        """The series of that key, or its difference to the baseline's; None where there is none."""
        own = self.series.get(key)
        if own is None or baseline is None:
            return own
        other = baseline.series.get(key)
        if other is None:
            return None
        known = self._relative.get(key)
        if known is None or (known.origin, known.baseline) != (own, other):
            known = self._relative[key] = Relative(own, other)
        known.update()
        return known.series


def keys_of(runs: Sequence[Compared]) -> list[str]:
    """The series that any of the runs has: those of the first run first."""
    return list(dict.fromkeys(key for run in runs for key in run.series))
