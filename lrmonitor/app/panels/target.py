"""Which optimizer and which group a command is for. Hidden while there is nothing to choose."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QFormLayout, QPushButton, QWidget

from ..session import Session
from .parts import Choice, caption

__all__ = ["TargetChoice"]

ALL = "all"


class TargetChoice(QWidget):
    """Optimizer and group. `changed()` when the person chose another; `table_wanted()` when the
    groups should be seen side by side."""

    changed = Signal()
    table_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._key: object = None
        self.optimizer = Choice(self)
        self.optimizer.setAccessibleName(self.tr("Optimizer"))
        self.group = Choice(self)
        self.group.setAccessibleName(self.tr("Parameter group"))
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._form.addRow(caption(self.tr("Optimizer"), self), self.optimizer)
        self._form.addRow(caption(self.tr("Group"), self), self.group)
        self.table = QPushButton(self.tr("Side by side…"), self)
        self.table.setAutoDefault(False)
        self.table.setToolTip(
            self.tr("The rates of all groups in a table, to change each in place")
        )
        self.table.clicked.connect(self.table_wanted)
        self._form.addRow("", self.table)
        self.optimizer.currentIndexChanged.connect(self._optimizer_picked)
        self.group.currentIndexChanged.connect(self.changed)
        self.refresh()

    def chosen_optimizer(self) -> int | str | None:
        """The optimizer's number, "all", or None for the only (the main) one."""
        if self.optimizer.count() <= 1:
            return None
        found = self.optimizer.currentData()
        return found if isinstance(found, (int, str)) else None

    def chosen_group(self) -> int | None:
        """The group's number, or None for all of them."""
        found = self.group.currentData()
        return found if isinstance(found, int) else None

    def address(self) -> tuple[int, int]:
        """The optimizer and group whose rates stand for the choice."""
        optimizer = self.chosen_optimizer()
        number = optimizer if isinstance(optimizer, int) else self._session.model.main
        return number, self.chosen_group() or 0

    def note(self) -> str:
        """What the numbers shown stand for, when it is more than one group; else empty."""
        several = self.group.count() > 1 and self.chosen_group() is None
        if self.chosen_optimizer() == ALL:
            return self.tr("the main optimizer's group 0; a change goes to all")
        if several:
            count = self.group.count() - 1
            return self.tr("group 0 of {0}; the others keep their ratio").format(count)
        return ""

    def refresh(self) -> None:
        """Echo the optimizers that the model knows."""
        optimizers = self._session.model.optimizers
        key = [(o.number, o.name, o.groups, o.main) for o in optimizers]
        if key == self._key:
            return
        self._key = key
        kept = self.chosen_optimizer()
        with QSignalBlocker(self.optimizer):
            self.optimizer.clear()
            for info in optimizers:
                text = f"{info.number} · {info.name}"
                if info.main and len(optimizers) > 1:
                    text += self.tr(" (main)")
                self.optimizer.addItem(text, info.number)
            if len(optimizers) > 1:
                self.optimizer.addItem(self.tr("All optimizers"), ALL)
                wanted = self.optimizer.findData(kept if kept is not None else self._main())
                self.optimizer.setCurrentIndex(max(wanted, 0))
        self._fill_groups()
        self._form.setRowVisible(self.optimizer, len(optimizers) > 1)
        self.changed.emit()

    def _main(self) -> int:
        return self._session.model.main

    def _optimizer_picked(self) -> None:
        self._fill_groups()
        self.changed.emit()

    def _fill_groups(self) -> None:
        chosen = self.chosen_optimizer()
        number = self._main() if chosen is None else chosen
        groups = next((o.groups for o in self._session.model.optimizers if o.number == number), 1)
        kept = self.chosen_group()
        with QSignalBlocker(self.group):
            self.group.clear()
            self.group.addItem(self.tr("All groups"), None)
            if groups > 1:
                for group in range(groups):
                    self.group.addItem(self.tr("Group {0}").format(group), group)
            index = self.group.findData(kept) if kept is not None else 0
            self.group.setCurrentIndex(max(index, 0))
        self._form.setRowVisible(self.group, groups > 1)
        several = len(self._session.model.optimizers) > 1 or groups > 1
        self.setVisible(several)
