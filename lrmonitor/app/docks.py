"""The panels around the plots: where they are, and that they are there again the next time."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QByteArray, QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QWidget
from shiboken6 import isValid

from .focus import enter, tab_by_layout
from .settings import Settings
from .theme import Theme

__all__ = ["BOTTOM", "LEFT", "RIGHT", "Docks", "Themed"]

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea

VERSION = 1
"""Of the places that are kept: raise it when old ones would not make sense any more."""

SIZES = {LEFT: 236, RIGHT: 354, BOTTOM: 240}
"""Width or height of an area, in pixels, until the person drags its edge."""


@runtime_checkable
class Themed(Protocol):
    """A panel that takes the theme's colours."""

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""


@dataclass
class _Dock:
    """`make` is None once the panel is there; `widget` is None before. `first` has the focus when
    the panel is shown."""

    frame: QDockWidget
    action: QAction
    area: Qt.DockWidgetArea
    visible: bool
    run: bool
    make: Callable[[], QWidget] | None
    widget: QWidget | None = None
    first: QWidget | None = None
    front: bool = False


class Docks(QObject):
    """The docks of a main window. Lives in the GUI thread.

    A dock is the window's own and stays, or belongs to the open run and goes with it. The places
    are kept for each *scene* ("start": no run is open; "run"): add the docks, then call `enter`;
    `leave` keeps the places and takes the run's docks away.
    """

    def __init__(
        self, window: QMainWindow, settings: Settings, menu: QMenu, before: QAction
    ) -> None:
        super().__init__(window)
        self._window = window
        self._settings = settings
        self._menu = menu
        self._before = before
        self._docks: dict[str, _Dock] = {}
        self._scene = ""
        self._filled = False
        window.setDockOptions(
            QMainWindow.DockOption.AllowTabbedDocks | QMainWindow.DockOption.AllowNestedDocks
        )
        # The columns at the sides reach down to the window's edge.
        window.setCorner(Qt.Corner.BottomLeftCorner, LEFT)
        window.setCorner(Qt.Corner.BottomRightCorner, RIGHT)

    @property
    def actions(self) -> list[QAction]:
        """What shows and hides each dock, in the order of the menu."""
        return [dock.action for dock in self._docks.values()]

    def add(
        self,
        name: str,
        title: str,
        panel: QWidget | Callable[[], QWidget],
        area: Qt.DockWidgetArea,
        *,
        visible: bool = True,
        keys: str = "",
        run: bool = True,
    ) -> QDockWidget:
        """Make a dock around a panel and put it into the View menu.

        `panel` may be a function that makes it: called when the dock is first seen, after the
        window's first frame, or when `widget` asks. `name` is the stable name under which its
        place is kept; docks of one area stand on top of each other as tabs at the bottom, and
        below each other elsewhere. With `run` it goes when the run is let go.
        """
        frame = QDockWidget(title, self._window)
        frame.setObjectName(name)
        action = QAction(title, self._window)
        action.setCheckable(True)
        if keys:
            action.setShortcut(QKeySequence(keys))
        make = None if isinstance(panel, QWidget) else panel
        dock = _Dock(frame, action, area, visible, run, make)
        self._docks[name] = dock
        if isinstance(panel, QWidget):
            self._put(dock, panel)
        self._menu.insertAction(self._before, action)
        action.triggered.connect(lambda: self._toggle(dock))
        frame.toggleViewAction().toggled.connect(action.setChecked)
        frame.visibilityChanged.connect(lambda seen: self._on_visible(dock, seen))
        self._place(name)
        return frame

    def panes(self) -> tuple[list[QWidget], list[QWidget]]:
        """The panels that are seen: those on the left, and the others, from the right to below."""
        order = [LEFT, RIGHT, BOTTOM]
        seen: list[tuple[int, QWidget]] = []
        for dock in self._docks.values():
            if dock.front and dock.widget is not None and not dock.frame.isHidden():
                area = self._window.dockWidgetArea(dock.frame)
                at = order.index(area) if area in order else len(order)
                seen.append((len(order) if dock.frame.isFloating() else at, dock.widget))
        seen.sort(key=lambda one: one[0])
        left = [widget for at, widget in seen if at == 0]
        return left, [widget for at, widget in seen if at > 0]

    def widget(self, name: str) -> QWidget | None:
        """The panel of a dock, made now if it was not yet; None where there is no such dock."""
        dock = self._docks.get(name)
        return None if dock is None else self._made(dock)

    def show(self, name: str, focus: bool = True) -> None:
        """Bring a dock to the front and give it the focus, unless not."""
        dock = self._docks.get(name)
        if dock is None:
            return
        dock.frame.show()
        dock.frame.raise_()
        widget = self._made(dock)
        widget.show()
        if focus:
            if dock.first is not None:
                dock.first.setFocus()
            else:
                enter(widget)

    def fill(self) -> None:
        """From now on make panels when they are seen; called after the window's first frame."""
        self._filled = True
        for dock in self._docks.values():
            if dock.front:
                self._made(dock)

    def enter(self, scene: str) -> None:
        """Put the docks where they were when this scene was left, or where they belong."""
        self._scene = scene
        central = self._window.centralWidget()
        if central is not None:
            # Qt shows a new one only later, and until then gives its room to the docks.
            central.show()
        names = self._restored(scene)
        # All of them, or those that came with a later version of lrmonitor.
        self._default([name for name in self._docks if name not in names])
        for dock in self._docks.values():
            dock.action.setChecked(not dock.frame.isHidden())

    def leave(self) -> None:
        """Keep the places, and take away the docks of the run."""
        self.save()
        self._scene = ""
        for name in [name for name, dock in self._docks.items() if dock.run]:
            dock = self._docks.pop(name)
            self._menu.removeAction(dock.action)
            dock.action.deleteLater()
            dock.frame.visibilityChanged.disconnect()
            self._window.removeDockWidget(dock.frame)
            # At once: until it is deleted the window would find it by its name.
            dock.frame.setParent(None)
            dock.frame.deleteLater()

    def save(self) -> None:
        """Keep the places of this scene."""
        if self._scene:
            state = base64.b64encode(self._window.saveState(VERSION).data()).decode("ascii")
            names = list(self._docks)
            self._settings.put(f"layout/{self._scene}", {"docks": names, "state": state})

    def reset(self) -> None:
        """Put every dock where it is at a first start."""
        self._default(self._docks)
        self.save()

    def set_theme(self, theme: Theme) -> None:
        """Hand the theme to every panel that is there."""
        for dock in self._docks.values():
            panel: object = dock.widget
            if isinstance(panel, Themed):
                panel.set_theme(theme)

    def _restored(self, scene: str) -> list[str]:
        """Restore the places that were kept; of which docks."""
        kept = self._settings.mapping(f"layout/{scene}")
        names, state = kept.get("docks"), _blob(kept.get("state"))
        if not isinstance(names, list) or state is None:
            return []
        return names if self._window.restoreState(state, VERSION) else []

    def _default(self, names: Iterable[str]) -> None:
        names = list(names)
        for name in names:
            self._place(name)
        first: dict[Qt.DockWidgetArea, QDockWidget] = {}
        for name in names:
            dock = self._docks[name]
            if dock.visible:
                first.setdefault(dock.area, dock.frame)
        for areas, way in (
            ((BOTTOM,), Qt.Orientation.Vertical),
            ((LEFT, RIGHT), Qt.Orientation.Horizontal),
        ):
            there = [area for area in areas if area in first]
            self._window.resizeDocks([first[a] for a in there], [SIZES[a] for a in there], way)
        if BOTTOM in first:
            first[BOTTOM].raise_()

    def _place(self, name: str) -> None:
        dock = self._docks[name]
        dock.frame.setFloating(False)
        self._window.addDockWidget(dock.area, dock.frame)
        # Not before a scene is entered: were they tabs already, Qt would leave their bar beside
        # that of the places which it restores.
        if dock.area == BOTTOM and self._scene:
            below = [
                other.frame
                for key, other in self._docks.items()
                if key != name
                and not other.frame.isFloating()
                and self._window.dockWidgetArea(other.frame) == BOTTOM
            ]
            if below:
                self._window.tabifyDockWidget(below[-1], dock.frame)
        # Nor is it seen before: side by side they would make the window wider than it is.
        dock.frame.setVisible(dock.visible and bool(self._scene))
        dock.action.setChecked(dock.visible)

    def _toggle(self, dock: _Dock) -> None:
        """Show it, or bring it to the front of its tabs; hide it only when it is seen."""
        if dock.frame.isHidden() or not dock.front:
            dock.frame.show()
            dock.frame.raise_()
        else:
            dock.frame.hide()
        dock.action.setChecked(not dock.frame.isHidden())

    def _on_visible(self, dock: _Dock, seen: bool) -> None:
        dock.front = seen
        if seen and self._filled:
            self._made(dock)
        if dock.widget is not None:
            dock.widget.setVisible(seen or not self._behind(dock))

    def _behind(self, dock: _Dock) -> bool:
        """Whether it is behind another's tab. Qt only moves it out of sight then, and the Tab key
        would still go there: what is in it is hidden as well."""
        return (
            self._filled
            # The docks of a window that is being deleted are hidden when it is gone.
            and isValid(self._window)
            and not dock.front
            and not dock.frame.isHidden()
            and bool(self._window.tabifiedDockWidgets(dock.frame))
        )

    def _made(self, dock: _Dock) -> QWidget:
        if dock.make is not None:
            self._put(dock, dock.make())
        assert dock.widget is not None
        return dock.widget

    def _put(self, dock: _Dock, widget: QWidget) -> None:
        dock.make, dock.widget = None, widget
        # A proxy would stand for the whole panel, and the Tab key leave out what is before it.
        dock.first = widget.focusProxy()
        widget.setFocusProxy(None)  # type: ignore[arg-type]  # the stubs forget it
        tab_by_layout(widget)
        # Hidden behind a tab it keeps its room: the area would fall back to the least height.
        policy = widget.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        widget.setSizePolicy(policy)
        dock.frame.setWidget(widget)
        widget.setVisible(not self._behind(dock))


def _blob(text: object) -> QByteArray | None:
    if not isinstance(text, str):
        return None
    try:
        return QByteArray(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None
