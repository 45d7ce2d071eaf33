"""The steps to come, if what stands in the field were applied: dashed, from the newest step on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QObject, QPoint, QRectF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from lrmonitor.model.preview import Preview, Wish, preview
from lrmonitor.model.run import RunModel

from ..format import format_count
from ..proposal import Proposal
from ..theme import Theme
from .line import Line
from .pens import pen_of
from .ranges import StepWindow
from .samples import Samples
from .sampling import as_log, value_range
from .stepview import StepView

__all__ = ["PreviewCurves", "PreviewLayer"]

Address = tuple[int, int]

BELOW = 20
"""Pixels from the plot to the words: the numbers of the step axis are between."""

DASHES, DOTS = (5.0, 3.0), (1.0, 2.5)

ROOM, LEAST_ROOM = 0.2, 0.1
"""Share of the visible steps that lies ahead while there is a preview: when it is made, and below
which it is made anew (a view that moved with every step would never stand still)."""

MOST_ROOM = 0.6
"""The largest share, for a ramp or a plan that is long: it is to be seen beside what was."""

FAR_LOG = 1.5
"""Powers of ten outside of what is shown that a preview may add to a logarithmic axis."""

FAR = 3.0
"""Times the height of what is shown that a preview may add to a linear axis."""


class PreviewCurves:
    """A pair of curves for each group: its rate as proposed (dashed), its schedule (dotted)."""

    def __init__(self, view: StepView) -> None:
        self._view = view
        self.curves: dict[Address, tuple[Line, Line]] = {}
        self.preview: Preview | None = None
        self.range: tuple[float, float] | None = None

    def show(
        self, preview: Preview | None, log: bool, theme: Theme, colours: Mapping[Address, str]
    ) -> None:
        """Draw this; None draws nothing."""
        self.preview = preview
        courses = {} if preview is None else {course.address: course for course in preview.courses}
        for address in [one for one in self.curves if one not in courses]:
            for item in self.curves.pop(address):
                self._view.remove(item)
        ranges = []
        for address, course in courses.items():
            proposed, schedule = self.curves.setdefault(address, self._pair(address))
            colour = colours.get(address, theme.accent)
            proposed.set_pen(pen_of(colour, width=2, dash=DASHES))
            schedule.set_pen(pen_of(theme.dim(colour, 0.8), width=1.5, dash=DOTS))
            value, wanted = course.value, course.schedule
            if log:
                value, wanted = as_log(value), as_log(wanted)
            proposed.show(course.step, value)
            schedule.show(course.schedule_step, wanted)
            ranges += [value_range(value), value_range(wanted)]
        known = [one for one in ranges if one is not None]
        self.range = (min(r[0] for r in known), max(r[1] for r in known)) if known else None

    def within(self, data: tuple[float, float] | None, log: bool) -> tuple[float, float] | None:
        """The part of the range that the axis should make room for beside that of the `data`.

        A slip of the keyboard must not flatten the curves: what is far away is not shown.
        """
        if self.range is None or data is None:
            return self.range
        room = FAR_LOG if log else FAR * max(data[1] - data[0], 0.5 * abs(data[1]))
        low, high = max(self.range[0], data[0] - room), min(self.range[1], data[1] + room)
        return (low, high) if low <= high else None

    def side(self, shown: tuple[float, float]) -> str:
        """ "above" or "below" where the proposed rate ends outside of these values, else ""."""
        ends = [float(item.points()[1][-1]) for item, _ in self.curves.values()]
        # On a logarithmic axis 0 has no place: it is below every one.
        ends = [end if np.isfinite(end) else -np.inf for end in ends]
        if ends and min(ends) > shown[1]:
            return "above"
        return "below" if ends and max(ends) < shown[0] else ""

    def _pair(self, address: tuple[int, int]) -> tuple[Line, Line]:
        pair = Line(antialias=True, whole=True, height=12), Line(whole=True, height=6)
        for item in pair:
            self._view.add(item)
        return pair


class PreviewLayer(QObject):
    """What is thought of in the control panel, on the rate's plot, with a line of words.

    `think_of` says what; `room` and `refresh` are called with each frame.
    """

    def __init__(self, canvas: QWidget, model: RunModel, curves: PreviewCurves) -> None:
        super().__init__(canvas)
        self._model = model
        self._curves = curves
        self._kept: tuple[StepWindow, StepWindow] | None = None
        self.wish: Wish | None = None
        self.label = Samples(canvas)
        self.label.hide()

    def think_of(self, wish: Wish | None) -> bool:
        """Another wish, or none. True if that changes anything."""
        changed = wish != self.wish
        self.wish = wish
        if wish is None:
            self._kept = None
        return changed

    def room(self, window: StepWindow, newest: float) -> StepWindow:
        """The steps to show, so that there is something to see ahead of the newest one."""
        if self.wish is None or not window.follow:
            return window
        need = _length(self.wish, newest)
        if self._kept is None or self._kept[0] != window or not _roomy(self._kept[1], newest, need):
            shown = window
            if not _roomy(window, newest, need):
                # The whole run is shown narrower: what it has done takes as much room as it needs.
                width = newest - window.low if window.whole else window.high - window.low
                part = need / (need + width) if window.whole else need / max(width, 1.0)
                shown = window.ahead(newest, min(max(ROOM, part), MOST_ROOM))
            self._kept = window, shown
        return self._kept[1]

    def refresh(
        self, newest: int, until: int, log: bool, theme: Theme, colours: Mapping[Address, str]
    ) -> None:
        """Draw it from the newest step on."""
        found = None
        if self.wish is not None and not self._model.state.phase.over:
            found = preview(self._model, self.wish, newest, until)
        if found is not None or self._curves.preview is not None:
            self._curves.show(found, log, theme, colours)

    @property
    def shown(self) -> bool:
        """Whether there is anything to write, or to take away."""
        return self._curves.preview is not None or not self.label.isHidden()

    def write(self, area: QRectF, shown: tuple[float, float], theme: Theme) -> None:
        """Say what is drawn, below the plot (`area`, in the canvas' pixels)."""
        found = self._curves.preview
        self.label.setVisible(found is not None)
        if found is None:
            return
        # In the colour of the words: there may be several groups, each in its own.
        proposed = pen_of(theme.text, width=2, dash=DASHES)
        schedule = pen_of(theme.text, width=1.5, dash=DOTS)
        told, basis = self._words(found, self._curves.side(shown))
        samples = [(proposed, told), (schedule, basis)]
        self.label.show_samples(samples, QColor(theme.text), QColor(theme.base))
        # Beside the title of the step axis, where it covers no curve.
        left = max(int(area.right()) - self.label.width(), int(area.left()))
        self.label.move(QPoint(left, int(area.bottom()) + BELOW))

    def _words(self, found: Preview, side: str) -> tuple[str, str]:
        """What the proposed rate is, and on what the schedule's course rests."""
        wish = found.wish
        if wish.plan is not None:
            told = wish.plan.title  # all of it is said where it is typed, and has no room here
        else:
            told = Proposal(wish.mode, wish.value, wish.ramp).words
        said = self.tr("If applied: {0}").format(told)
        if side == "above":
            said += self.tr(" ↑ above this axis")
        elif side == "below":
            said += self.tr(" ↓ below this axis")
        steps = format_count(_rounded(found.basis))
        return said, self.tr("Schedule, drawn on as in the last {0} steps").format(steps)


def _rounded(steps: int) -> int:
    """Down to two digits, so that the words stand still while steps are made."""
    unit = int(10 ** max(len(str(steps)) - 2, 0))
    return steps // unit * unit


def _roomy(window: StepWindow, newest: float, need: float) -> bool:
    """Whether enough of the steps to come is shown of a change that needs so many of them."""
    width = window.high - window.low
    least = min(max(LEAST_ROOM * width, 0.8 * need), 0.9 * MOST_ROOM * width)
    return window.high - newest >= max(LEAST_ROOM * width, least)


def _length(wish: Wish, newest: float) -> float:
    """Steps from the newest one in which a change goes on its way, as far as that has an end."""
    need = float(wish.ramp)
    if wish.plan is not None and wish.plan.steps is not None:
        begin = newest if wish.begin is None else wish.begin
        need = max(need, begin + wish.plan.steps - newest)
    return max(need * 1.05, 0.0)
