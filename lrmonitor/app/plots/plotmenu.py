"""What can be done with one plot: the menu of the right mouse button."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMenu

from .chart import Chart

if TYPE_CHECKING:
    from .pane import PlotPane

__all__ = ["PlotMenus"]


class PlotMenus(QObject):
    """Makes the menus of a pane's plots."""

    def __init__(self, pane: PlotPane) -> None:
        super().__init__(pane)
        self._pane = pane

    def of(self, chart: Chart) -> QMenu:
        """The menu of a plot, as things stand."""
        pane = self._pane
        menu = QMenu(pane)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        # A section's title is not drawn by a menu that has a style sheet.
        menu.addAction(chart.title.replace("&", "&&")).setEnabled(False)
        menu.addSeparator()
        scale = menu.addAction(self.tr("&Logarithmic"))
        scale.setCheckable(True)
        scale.setChecked(chart.log)
        scale.toggled.connect(lambda on: pane.set_log(chart, on))
        outliers = menu.addAction(self.tr("&Ignore outliers on the axis"))
        outliers.setCheckable(True)
        outliers.setChecked(chart.calm)
        outliers.toggled.connect(lambda on: pane.set_calm(chart, on))
        menu.addSeparator()
        if pane.pointed or pane.readout.pins:
            words = (self.tr("&Pin the reading"), self.tr("&Pin a second"), self.tr("Un&pin"))
            menu.addAction(words[len(pane.readout.pins)], pane.readout.pin)
        menu.addAction(self.tr("&Fit the whole run"), pane.fit)
        self._place(menu, chart)
        return menu

    def _place(self, menu: QMenu, chart: Chart) -> None:
        """Of a metric: where it stands, and whether it is shown at all."""
        pane = self._pane
        order = list(pane.metrics.charts)
        key = next((key for key in order if pane.metrics.charts[key] is chart), None)
        if key is None:
            return
        menu.addSeparator()
        if key != order[0]:
            menu.addAction(self.tr("Move &up"), lambda: pane.move_metric(key, -1))
        if key != order[-1]:
            menu.addAction(self.tr("Move &down"), lambda: pane.move_metric(key, 1))
        menu.addAction(self.tr("&Hide this plot"), lambda: pane.show_metric(key, False))
