"""Where the keyboard goes: in which order within a panel, and from one pane to the next."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLayout, QScrollArea, QWidget

__all__ = ["enter", "next_pane", "tab_by_layout"]


def tab_by_layout(root: QWidget) -> None:
    """Have the Tab key go through what is in a panel as it is laid out, from the top left on, not
    as it happened to be made."""
    stops = list(_stops(root))
    for one, other in itertools.pairwise(stops):
        QWidget.setTabOrder(one, other)


def next_pane(panes: Sequence[QWidget], backward: bool = False) -> None:
    """Give the focus to the pane behind the one that has it (or before it), in a circle."""
    if not panes:
        return
    focus = QApplication.focusWidget()
    at = next((n for n, pane in enumerate(panes) if focus is not None and _holds(pane, focus)), -1)
    if at < 0 and backward:
        at = 0
    for step in range(1, len(panes) + 1):
        pane = panes[(at + (-step if backward else step)) % len(panes)]
        if enter(pane):
            return


def enter(pane: QWidget) -> bool:
    """Give the focus to what had it last in a pane, else to the first that takes it; False if
    there is none."""
    last = pane.focusWidget()
    for widget in [last, *_stops(pane), *pane.findChildren(QWidget)]:
        if widget is not None and _holds(pane, widget) and _takes(widget):
            widget.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return True
    return False


def _holds(pane: QWidget, widget: QWidget) -> bool:
    return widget is pane or pane.isAncestorOf(widget)


def _takes(widget: QWidget) -> bool:
    tab = bool(widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value)
    return tab and widget.isVisible() and widget.isEnabled()


def _stops(widget: QWidget) -> Iterator[QWidget]:
    """What takes the Tab key's focus, in the order of the layouts."""
    if widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value:
        yield widget
    inside = widget.widget() if isinstance(widget, QScrollArea) else None
    if inside is not None:
        yield from _stops(inside)
    layout = widget.layout()
    if layout is not None:
        yield from _in_layout(layout)


def _in_layout(layout: QLayout) -> Iterator[QWidget]:
    for at in range(layout.count()):
        item = layout.itemAt(at)
        if item is None:
            continue
        inner, widget = item.layout(), item.widget()
        if widget is not None:
            yield from _stops(widget)
        elif inner is not None:
            yield from _in_layout(inner)
