"""How far steps move the weights: of each layer over the steps, and of single weights now."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.model.step_sizes import StepSizes

from ..format import format_count, format_rate
from ..session import Session
from ..theme import Theme
from .celledit import Index
from .distribution import DistributionPlot
from .header import ElidedLabel
from .heatstrip import HeatStrip
from .parts import Choice, caption, quiet
from .rowtable import RowTable

__all__ = ["SizesPanel", "SizesTable"]

LAYER, WEIGHTS, LATEST, LOWEST, HIGHEST = range(5)


class SizesTable(RowTable):
    """A row for each layer: its latest ratio, and the lowest and highest that were seen."""

    numbers = (WEIGHTS, LATEST, LOWEST, HIGHEST)

    def show_sizes(self, found: StepSizes | None) -> None:
        """Show these."""
        rows: list[tuple[str, ...]] = []
        for i, name in enumerate([] if found is None else found.layers):
            assert found is not None
            values = ("–" if v is None else format_rate(v) for v in found.last_of(i))
            weights = format_count(found.weights[i]) if found.weights[i] else "–"
            rows.append((name, weights, *values))
        if rows != self.rows:
            self.put(rows, len(rows) == len(self.rows))

    def heads(self) -> tuple[str, ...]:
        return (
            self.tr("Layer"),
            self.tr("Weights"),
            self.tr("Latest |Δw| / |w|"),
            self.tr("Lowest"),
            self.tr("Highest"),
        )

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(index.column())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self.rows[index.row()][index.column()]
        return None


class SizesPanel(QWidget):
    """The picture and the table; reads the record only while it is seen."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAccessibleName(self.tr("Step sizes"))
        self._found: StepSizes | None = None
        self._source: tuple[object, int] | None = None
        self._caption = caption(self.tr("Optimizer"), self)
        self.optimizer = Choice(self)
        self.optimizer.setAccessibleName(self.tr("Whose steps are shown"))
        self.form = Choice(self)
        self.form.setAccessibleName(self.tr("Picture or table"))
        self.form.addItem(self.tr("Picture"))
        self.form.addItem(self.tr("Table"))
        self.hint = ElidedLabel(self)
        self.hint.setProperty("role", "quiet")
        self.hint.show_text(self.tr("Update ratio |Δw| / |w| of each layer, in samples"))
        self.strip = HeatStrip(theme, self)
        self.distribution = DistributionPlot(theme, self)
        self.table = SizesTable(self)
        self.view = QTableView(self)
        self._set_up_view()
        self.empty = quiet(parent=self)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._lay_out()
        self.form.currentIndexChanged.connect(self.pages.setCurrentIndex)
        self.optimizer.currentIndexChanged.connect(self.refresh)
        self.setFocusProxy(self.form)
        self.refresh()

    def refresh(self) -> None:
        """Read what is new and show it."""
        model = self._session.model
        self._echo_optimizers()
        chosen = self.optimizer.currentData()
        number = model.main if chosen is None else int(chosen)
        source = (model.rank, number)
        new = False
        if source != self._source:
            self._source = source
            self._found = None if model.rank is None else StepSizes(model.rank.folder, number)
            new = True
        found = self._found
        if found is not None:
            new |= found.poll()
        if not new:
            return
        some = found is not None and len(found.steps) > 0
        for widget in (self.pages, self.form, self.hint):
            widget.setVisible(some)
        self.empty.setVisible(not some)
        self.empty.setText(self._nothing())
        if found is not None and some:
            self.strip.show_ratios(found.layers, found.steps, found.ratios)
            self.distribution.show_distribution(found.latest)
        self.table.show_sizes(found)

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.strip.set_theme(theme)
        self.distribution.set_theme(theme)

    def _nothing(self) -> str:
        model = self._session.model
        if model.no_optimizer:
            return model.no_optimizer
        if self._session.over:
            return self.tr("No step of this run was measured.")
        return self.tr(
            "Steps are measured from the first one on, as often as costs nearly nothing."
        )

    def _echo_optimizers(self) -> None:
        told = [(f"{o.number} · {o.name}", o.number) for o in self._session.model.optimizers]
        shown = [
            (self.optimizer.itemText(i), self.optimizer.itemData(i))
            for i in range(self.optimizer.count())
        ]
        if told != shown:
            self.optimizer.blockSignals(True)
            self.optimizer.clear()
            for text, number in told:
                self.optimizer.addItem(text, number)
            self.optimizer.blockSignals(False)
        for widget in (self.optimizer, self._caption):
            widget.setVisible(len(told) > 1)

    def _set_up_view(self) -> None:
        self.view.setModel(self.table)
        self.view.setAccessibleName(self.tr("Update ratios of the layers"))
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.setTabKeyNavigation(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 9)
        head = self.view.horizontalHeader()
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(LAYER, QHeaderView.ResizeMode.Stretch)

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(self._caption)
        tools.addWidget(self.optimizer)
        tools.addWidget(self.hint, 1)
        tools.addWidget(self.form)
        picture = QWidget(self)
        row = QHBoxLayout(picture)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.strip, 2)
        row.addWidget(self.distribution, 1)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(picture)
        self.pages.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(6)
        column.addLayout(tools)
        column.addWidget(self.pages, 1)
        column.addWidget(self.empty, 1)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
