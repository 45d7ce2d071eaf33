"""Which series of metrics have plots below the loss, and in which row each of them stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lrmonitor.model.run import known_anyway
from lrmonitor.record.reader import Series

from ..theme import Theme
from .chart import Chart
from .metrics import MEASURED, MOST, MetricChart, MetricChoice, metric_key, metric_name
from .sheet import PlotSheet

__all__ = ["MetricPlots"]


class MetricPlots:
    """The plots of metrics in the rows 1 to MOST of a canvas.

    `begin` is called with each new plot and `end` with each that goes, before it is used and after.
    The first MOST series that tell what lrmonitor does not know anyway are shown, unless the person
    chose otherwise (`choice`: key to yes or no).
    """

    def __init__(
        self,
        canvas: PlotSheet,
        begin: Callable[[MetricChart], None],
        end: Callable[[MetricChart], None],
    ) -> None:
        self.charts: dict[str, MetricChart] = {}
        self.choice: dict[str, bool] = {}
        self.order: list[str] = []
        """Keys in the order that the person gave them; others come after in their own."""
        self.logs: set[str] = set()
        """Keys of those on a logarithmic scale."""
        self.calm: set[str] = set()
        """Keys of those whose axis ignores outliers."""
        self._canvas = canvas
        self._begin = begin
        self._end = end
        self._there: dict[str, Series] = {}

    @property
    def choices(self) -> list[MetricChoice]:
        """The series that can be shown."""
        return [
            MetricChoice(key, metric_name(one), key in self.charts, key.startswith("printed:"))
            for key, one in self._there.items()
        ]

    def take(
        self, metrics: Sequence[Series], theme: Theme, on_axis: Callable[[Series], Series]
    ) -> bool:
        """Show what is chosen of these, as they stand `on_axis`; True if plots came or went."""
        self._there = {metric_key(series): on_axis(series) for series in metrics}
        wanted = [key for key in self._sorted() if self._chosen(key)][:MOST]
        changed = list(self.charts) != wanted
        if changed:
            self._place(wanted, theme)
        for key, chart in self.charts.items():
            chart.curve.follow(self._there[key])
        return changed

    def move(self, key: str, by: int) -> bool:
        """Move a plot so many places down (up: negative), at the next `take`; False at the end."""
        shown = list(self.charts)
        place = shown.index(key) + by
        if not 0 <= place < len(shown):
            return False
        shown.remove(key)
        shown.insert(place, key)
        self.order = shown + [one for one in self._sorted() if one not in shown]
        return True

    def set_log(self, chart: Chart, on: bool) -> None:
        """Draw the plot on a logarithmic scale, or not; it is remembered of a metric."""
        chart.set_log(on)
        self._remember(self.logs, chart, on)

    def set_calm(self, chart: Chart, on: bool) -> None:
        """Have the plot's axis ignore outliers, or not; it is remembered of a metric."""
        chart.set_calm(on)
        self._remember(self.calm, chart, on)

    def _remember(self, keys: set[str], chart: Chart, on: bool) -> None:
        for key in [key for key, one in self.charts.items() if one is chart]:
            (keys.add if on else keys.discard)(key)

    def _chosen(self, key: str) -> bool:
        # What the script tells is shown unless it is not wanted; what lrmonitor measures, and what
        # it records itself too, if it is.
        measured = key.startswith(f"{MEASURED}:")
        return self.choice.get(key, not measured and not known_anyway(self._there[key].info))

    def _sorted(self) -> list[str]:
        place = {key: at for at, key in enumerate(self.order)}
        return sorted(self._there, key=lambda key: place.get(key, len(place)))

    def choose(self, key: str, on: bool) -> None:
        """Show a series or not, at the next `take`; where there is no room the last one goes."""
        self.choice[key] = on
        if not on:
            return
        for other in self._there:
            if other != key and other not in self.charts:
                self.choice.setdefault(other, False)
        for other in [other for other in self.charts if other != key][MOST - 1 :]:
            self.choice[other] = False

    def colour(self, theme: Theme) -> None:
        """Take the theme's colours."""
        for at, chart in enumerate(self.charts.values()):
            chart.colour(theme)
            # After those of the first optimizers and groups, of which there are rarely more.
            chart.curve.colour(theme.curve(2 + at))

    def _place(self, wanted: Sequence[str], theme: Theme) -> None:
        known, self.charts = self.charts, {}
        for key, chart in known.items():
            self._canvas.remove(chart)
            if key not in wanted:
                self._end(chart)
        for row, key in enumerate(wanted, start=1):
            chart = known.get(key) or MetricChart(self._there[key])
            self.charts[key] = chart
            self._canvas.add(chart, row, 2)
            if key not in known:
                chart.set_log(key in self.logs)
                chart.set_calm(key in self.calm)
                self._begin(chart)
        self.colour(theme)
