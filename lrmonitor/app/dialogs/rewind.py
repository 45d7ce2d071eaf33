"""Going back: the snapshots that are kept, and how they are taken."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.link.messages import CommandError, parse_rate
from lrmonitor.model.rate_tests import suggestion
from lrmonitor.model.snapshots import Kept
from lrmonitor.model.state_size import estimated
from lrmonitor.model.usage import bytes_text

from ..format import format_count, format_duration, format_rate
from ..panels.parts import Choice, Count, caption, quiet, set_primary
from ..panels.ratefield import RateField
from ..proposal import Proposal
from ..session import Session

__all__ = ["RewindDialog"]

STEP, AGE, SIZE, WHY = range(4)
FACTORS = (("÷3", 1 / 3), ("÷10", 0.1), ("÷2", 0.5))
"""Factors for the rate after a rewind; the first is what mostly ends a divergence."""

Onward = tuple[str, float | None]
"""How to go on: "scale" by a factor, "hold" a rate (None: the one that is typed), or "keep"."""

MIB = 2**20
MOST_MIB = 2**30
MOST_EVERY = 10**9
STEPS_EVERY = 1000
"""Steps between two snapshots that are suggested."""


class RewindDialog(QDialog):
    """Echoes the snapshots of the session's run, as the record tells them, and asks for more."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: tuple[object, ...] = ()
        self._rows: tuple[Kept, ...] = ()
        tr = self.tr
        self.setWindowTitle(tr("Rewind"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.table = self._table()
        # Takes the room of the table where there is none.
        self._space = QWidget(self)
        self.none = quiet("", self)
        self.none.setWordWrap(True)
        self.take = QPushButton(tr("&Take a snapshot now"), self)
        self.onward = Choice(self)
        self.onward.setAccessibleName(tr("Rate after the rewind"))
        self.typed = RateField(self)
        self.typed.setAccessibleName(tr("The rate to hold after the rewind"))
        self._fill_onward()
        self.rng = QCheckBox(tr("&Random numbers too"), self)
        self.rng.setToolTip(
            tr("A script that draws its batches from them draws the same ones again.")
        )
        self.every = QCheckBox(tr("&Every"), self)
        self.steps = Count(self)
        self.steps.setRange(1, MOST_EVERY)
        self.steps.setSuffix(tr(" steps"))
        self.before = QCheckBox(tr("&Before each change of the rate"), self)
        self.memory = Count(self)
        self.memory.setRange(0, MOST_MIB)
        self.memory.setSuffix(tr(" MiB"))
        self.memory.setSpecialValueText(tr("a quarter of the free memory"))
        self.cost = quiet("", self)
        self.cost.setWordWrap(True)
        self.set = QPushButton(tr("&Apply"), self)
        self._lost = False
        """Whether the snapshot that was chosen is not kept any more."""
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.back = self.buttons.addButton(tr("Re&wind"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.back.setDefault(True)
        set_primary(self.back, True)
        self._echo_settings()
        self._lay_out()
        for button in (self.take, self.set):
            button.setAutoDefault(False)
        self.take.clicked.connect(session.snapshot)
        self.set.clicked.connect(self._set)
        self.every.toggled.connect(self.steps.setEnabled)
        self.onward.currentIndexChanged.connect(self._enable)
        self.onward.activated.connect(self._type)
        self.typed.textEdited.connect(self._enable)
        self.typed.escaped.connect(self.reject)
        self.table.itemSelectionChanged.connect(self._enable)
        self.table.itemDoubleClicked.connect(lambda _: self.accept())
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        session.changed.connect(self.refresh)
        session.ended.connect(self.reject)
        self.refresh()

    @property
    def chosen(self) -> Kept | None:
        """The snapshot that is chosen."""
        row = self.table.currentRow()
        shown = self._rows
        return shown[row] if self.table.selectedItems() and 0 <= row < len(shown) else None

    def refresh(self, *_: object) -> None:
        """Echo the record."""
        found = self._session.model.snapshots
        now = (found.kept, found.every, found.before, found.budget)
        if now == self._shown[:4]:
            self._show_ages()
            return
        chosen = self.chosen
        self._shown = now
        self._fill(found.kept[::-1], chosen)
        self.none.setVisible(not found.kept)
        for widget in (self.onward, self.rng):
            widget.setVisible(bool(found.kept))
        self.table.setVisible(bool(found.kept))
        self._space.setVisible(not found.kept)
        self.none.setText(
            self.tr(
                "No snapshot is kept yet, so there is nothing to go back to. Take one now, or "
                "have them taken automatically."
            )
        )
        self.cost.setText(self._cost())
        self._enable()

    def accept(self) -> None:
        chosen = self.chosen
        if chosen is None or not self.back.isEnabled():
            return
        session, rng = self._session, self.rng.isChecked()
        how, value = self.onward.currentData()
        if how == "hold":
            rate = self._rate() if value is None else value
            session.rewind_at(chosen.step, Proposal("hold", rate), None, None, rng)
        else:
            session.rewind(chosen.step, value, rng)
        super().accept()

    def _fill_onward(self) -> None:
        """Factors, the rate that a range test found, and one's own. Where the test is newer than
        the last rewind its rate is what one comes for."""
        tr, model = self.tr, self._session.model
        choices: list[tuple[str, Onward]] = [
            (tr("Rate {0}").format(text), ("scale", value)) for text, value in FACTORS
        ]
        choices.append((tr("Rate as it is"), ("keep", None)))
        choices.append((tr("Hold a rate"), ("hold", None)))
        told = None if model.rank is None else suggestion(model.rate_tests, model.rank)
        if told is not None and told[0].optimizer == model.main and told[0].only is None:
            rate = float(f"{told[1]:.2g}")  # as the test's own dialog applies it
            words = tr("Hold {0}, as the range test found").format(format_rate(rate))
            newer = told[0].step >= max(model.snapshots.rewound, default=0)
            choices.insert(0 if newer else len(choices) - 1, (words, ("hold", rate)))
        for words, onward in choices:
            self.onward.addItem(words, onward)

    def _rate(self) -> float | None:
        """What is typed, if it is a rate."""
        try:
            return parse_rate(self.typed.text())
        except CommandError:
            return None

    def _type(self) -> None:
        """The choice was made by hand: what is to be typed is typed next."""
        if not self.typed.isHidden():
            self.typed.setFocus()

    def _table(self) -> QTableWidget:
        table = QTableWidget(0, 4, self)
        tr = self.tr
        table.setAccessibleName(tr("Snapshots"))
        table.setHorizontalHeaderLabels([tr("Step"), tr("Taken"), tr("Memory"), tr("Why")])
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column in (STEP, AGE, SIZE):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, (84, 100, 90)[column])
        header.setSectionResizeMode(WHY, QHeaderView.ResizeMode.Stretch)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(26)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        return table

    def _lay_out(self) -> None:
        tr = self.tr
        going = QHBoxLayout()
        going.setSpacing(12)
        going.addWidget(self.onward)
        going.addWidget(self.typed)
        going.addWidget(self.rng)
        going.addStretch(1)
        taking = QHBoxLayout()
        taking.addWidget(caption(tr("Snapshots"), self), 1)
        taking.addWidget(self.take)
        told = quiet(
            tr(
                "Parameters, buffers, optimizer and GradScaler go back, to the bit. The script’s "
                "loop, its schedulers and its data go on where they are."
            ),
            self,
        )
        told.setWordWrap(True)
        every = QHBoxLayout()
        every.setSpacing(8)
        every.addWidget(self.every)
        every.addWidget(self.steps)
        every.addStretch(1)
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.setVerticalSpacing(8)
        memory = QHBoxLayout()
        memory.addWidget(self.memory)
        memory.addStretch(1)
        form.addRow(tr("Automatically"), every)
        form.addRow("", self.before)
        form.addRow(tr("&Memory at most"), memory)
        label = form.labelForField(memory)
        if isinstance(label, QLabel):
            label.setBuddy(self.memory)
        setting = QHBoxLayout()
        setting.addWidget(self.cost, 1)
        setting.addWidget(self.set, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(caption(tr("Go back to"), self))
        column.addWidget(self.none)
        column.addWidget(self.table, 1)
        column.addLayout(going)
        column.addWidget(told)
        column.addSpacing(6)
        column.addLayout(taking)
        column.addLayout(form)
        column.addLayout(setting)
        column.addWidget(self._space, 1)
        column.addWidget(self.buttons)
        self.resize(620, 560)

    def _echo_settings(self) -> None:
        found = self._session.model.snapshots
        self.every.setChecked(bool(found.every))
        self.steps.setEnabled(bool(found.every))
        self.steps.setValue(found.every or STEPS_EVERY)
        self.before.setChecked(found.before)
        self.memory.setValue(0 if found.budget is None else found.budget // MIB)

    def _fill(self, kept: tuple[Kept, ...], chosen: Kept | None) -> None:
        why = {
            "command": self.tr("by hand"),
            "every": self.tr("automatic"),
            "auto": self.tr("automatic"),
            "change": self.tr("before a rate change"),
        }
        self._rows = kept
        table = self.table
        table.setRowCount(len(kept))
        for row, one in enumerate(kept):
            words = why.get(one.why, one.why)
            if one.left:
                words += self.tr(" · rewound since")
            for column, text in (
                (STEP, format_count(one.step)),
                (AGE, ""),
                (SIZE, bytes_text(one.bytes)),
                (WHY, words),
            ):
                item = QTableWidgetItem(text)
                if column == WHY:
                    item.setToolTip(text)
                table.setItem(row, column, item)
        self._show_ages()
        numbers = [one.number for one in kept]
        if chosen is not None:
            self._lost = chosen.number not in numbers
        # In the place of one that is not kept any more none is chosen: the newest may be of a
        # state that one wants to get away from.
        wanted = next((one.number for one in kept if not one.left and not self._lost), None)
        if chosen is not None and not self._lost:
            wanted = chosen.number
        if wanted is None:
            table.setCurrentCell(-1, -1)
        else:
            table.selectRow(numbers.index(wanted))

    def _show_ages(self) -> None:
        now = self._session.clock()
        for row, one in enumerate(self._rows):
            item = self.table.item(row, AGE)
            if item is not None:
                item.setText(self.tr("{0} ago").format(format_duration(max(now - one.time, 0))))

    def _cost(self) -> str:
        """What one takes: as the last one did, or as far as can be told before."""
        kept = self._session.model.snapshots.kept
        if kept:
            last = kept[-1]
            took = f"{last.seconds * 1000:.2g} ms" if last.seconds < 1 else f"{last.seconds:.2g} s"
            words = self.tr("The last one took {0} of memory and held the training for {1}.")
            return words.format(bytes_text(last.bytes), took)
        rank = self._session.model.rank
        wanted = None if rank is None else estimated(rank.events)
        if wanted is None:
            return self.tr("Each takes the memory of the model and its optimizer once more.")
        words = self.tr("Each takes about {0} of the host’s memory, and the time to copy that.")
        return words.format(bytes_text(wanted))

    def _set(self) -> None:
        every = self.steps.value() if self.every.isChecked() else 0
        budget = self.memory.value() * MIB or None
        self._session.keep_snapshots(every, self.before.isChecked(), budget)

    def _enable(self, *_: object) -> None:
        typing = self.onward.currentData() == ("hold", None)
        self.typed.setVisible(typing and bool(self._rows))
        fits = not typing or self._rate() is not None
        self.back.setEnabled(self.chosen is not None and fits)
