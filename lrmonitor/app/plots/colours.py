"""Which colour each optimizer's and group's curves have, and the legend that tells it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from lrmonitor.model.optimizer import OptimizerInfo

from ..theme import Theme
from .curves import LossCurve, RateCurve
from .tools import Legend, LegendEntry

__all__ = ["CurveColours"]

Address = tuple[int, int]


class CurveColours:
    """Hands out the theme's colours in the order in which optimizers and groups come."""

    def __init__(self, legend: Legend, theme: Theme) -> None:
        self.theme = theme
        self._legend = legend
        self._index: dict[Address, int] = {}
        self._shown: Sequence[LegendEntry] | None = None

    def of(self, address: Address) -> str:
        """That of a group; a loss has that of its optimizer's first."""
        return self.theme.curve(self._index.setdefault(address, len(self._index)))

    def loss(self, number: int, curve: LossCurve) -> None:
        """Colour the loss of an optimizer."""
        colour = self.of((number, 0))
        share = 0.4 if self.theme.name == "light" else 0.5
        curve.colour(colour, self.theme.dim(colour, share))

    def rate(self, address: Address, curve: RateCurve) -> None:
        """Colour the rate of a group."""
        colour = self.of(address)
        curve.colour(colour, self.theme.dim(colour, 0.7))

    def explain(self, optimizers: Sequence[OptimizerInfo]) -> None:
        """Show the legend of these, where there are several curves of a kind."""
        entries = []
        several = len(optimizers) > 1 or any(info.groups > 1 for info in optimizers)
        for info in optimizers if several else ():
            for group in range(info.groups):
                name = f"{info.name} {info.number}"
                if info.groups > 1:
                    words = QCoreApplication.translate("PlotPane", " · group {0}")
                    name += words.format(group)
                entries.append(LegendEntry(name, self.of((info.number, group))))
        if entries != self._shown:
            self._shown = entries
            self._legend.show_entries(entries, self.theme.quiet)
