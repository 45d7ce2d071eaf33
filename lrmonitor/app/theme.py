"""Light and dark: the palette, the pens, and following the system when it changes.

The curves' colours are those of `palettes`. The test of this module computes the contrasts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from .palettes import STANDARD, curves
from .trim import image, trim

__all__ = ["DARK", "LIGHT", "Theme", "ThemeManager"]


@dataclass(frozen=True)
class Theme:
    """Colours by their role, as `#rrggbb`.

    `border` parts what only lies side by side; `edge` is the outline of what can be typed into or
    pressed, and has the 3 : 1 of WCAG 2.1 (1.4.11) against all that lies behind it.
    """

    name: str
    window: str
    base: str
    raised: str
    border: str
    edge: str
    text: str
    quiet: str
    disabled: str
    accent: str
    accent_text: str
    good: str
    warn: str
    bad: str
    warn_fill: str
    bad_fill: str
    good_fill: str
    grid: str
    marker: str
    curves: tuple[str, ...]

    def curve(self, index: int) -> str:
        """The colour of the curve number `index` (they begin again after the last)."""
        return self.curves[index % len(self.curves)]

    def dim(self, colour: str, share: float = 0.38) -> str:
        """`colour` mixed into the plot's background: opaque, so that drawing stays cheap."""
        front, back = QColor(colour), QColor(self.base)
        return QColor(
            round(share * front.red() + (1 - share) * back.red()),
            round(share * front.green() + (1 - share) * back.green()),
            round(share * front.blue() + (1 - share) * back.blue()),
        ).name()


LIGHT = Theme(
    name="light",
    window="#f3f4f6",
    base="#ffffff",
    raised="#ffffff",
    border="#d3d7de",
    edge="#858c98",
    text="#1b1f26",
    quiet="#59616e",
    disabled="#9aa1ac",
    accent="#0068a8",
    accent_text="#ffffff",
    good="#00734f",
    warn="#8a5300",
    bad="#b3261e",
    warn_fill="#fff4dc",
    bad_fill="#fdeceb",
    good_fill="#e4f5ee",
    grid="#e9ebef",
    marker="#7d4698",
    curves=curves(STANDARD, "light"),
)

DARK = Theme(
    name="dark",
    window="#202328",
    base="#17191d",
    raised="#292d33",
    border="#3d424b",
    edge="#767e8b",
    text="#e8eaee",
    quiet="#a7aebb",
    disabled="#6c7480",
    accent="#4aa8e0",
    accent_text="#0c1116",
    good="#4cc9a0",
    warn="#f0b24a",
    bad="#ff8a80",
    warn_fill="#3a2f18",
    bad_fill="#41221f",
    good_fill="#17352b",
    grid="#2a2e35",
    marker="#c79be0",
    curves=curves(STANDARD, "dark"),
)


def palette(theme: Theme) -> QPalette:
    """The theme as Qt's palette."""
    result = QPalette()
    role = QPalette.ColorRole
    for target, colour in (
        (role.Window, theme.window),
        (role.WindowText, theme.text),
        (role.Base, theme.base),
        (role.AlternateBase, theme.window),
        (role.ToolTipBase, theme.raised),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.quiet),
        (role.Text, theme.text),
        (role.Button, theme.raised),
        (role.ButtonText, theme.text),
        (role.BrightText, theme.bad),
        (role.Link, theme.accent),
        (role.LinkVisited, theme.accent),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.accent_text),
        (role.Accent, theme.accent),
        (role.Mid, theme.border),
        (role.Midlight, theme.border),
        (role.Light, theme.raised),
        (role.Dark, theme.border),
        (role.Shadow, theme.border),
    ):
        result.setColor(target, QColor(colour))
    for target in (role.WindowText, role.Text, role.ButtonText, role.PlaceholderText):
        result.setColor(QPalette.ColorGroup.Disabled, target, QColor(theme.disabled))
    result.setColor(QPalette.ColorGroup.Disabled, role.Base, QColor(theme.window))
    return result


def style_sheet(theme: Theme) -> str:
    """The few rules that a palette cannot say. Widgets opt in by object name or property."""
    return f"""
    QMenu {{ padding: 4px 0; border: 1px solid {theme.border}; background: {theme.base}; }}
    QMenu::separator {{ height: 1px; background: {theme.border}; margin: 4px 8px; }}
    QToolTip {{ color: {theme.text}; background: {theme.raised};
        border: 1px solid {theme.border}; padding: 3px; }}
    QLabel[role="quiet"] {{ color: {theme.quiet}; }}
    QLabel[role="caption"] {{ color: {theme.quiet}; font-weight: 600; }}
    QLabel[role="code"] {{ background: {theme.window}; border: 1px solid {theme.border};
        border-radius: 4px; padding: 5px 9px; }}
    QFrame[role="card"] {{ background: {theme.raised}; border: 1px solid {theme.border};
        border-radius: 6px; }}
    QFrame[role="header"] {{ background: {theme.raised}; border: none;
        border-bottom: 1px solid {theme.border}; }}
    QFrame[role="tools"] {{ background: {theme.base}; border: none; }}
    QFrame[role="line"] {{ background: {theme.border}; border: none; }}
    QFrame[role="strip"] {{ background: {theme.window}; border: none;
        border-top: 1px solid {theme.border}; }}
    QFrame[tone="quiet"] {{ background: transparent; border: none; }}
    QFrame[tone="wait"] {{ background: {theme.window}; border: 1px solid {theme.border};
        border-radius: 5px; }}
    QFrame[tone="good"] {{ background: {theme.good_fill}; border: 1px solid {theme.good};
        border-radius: 5px; }}
    QFrame[tone="warn"] {{ background: {theme.warn_fill}; border: 1px solid {theme.warn};
        border-radius: 5px; }}
    QFrame[tone="bad"] {{ background: {theme.bad_fill}; border: 1px solid {theme.bad};
        border-radius: 5px; }}
    QLabel[tone="bad"] {{ color: {theme.bad}; }}
    QLabel[tone="warn"] {{ color: {theme.warn}; }}
    QLabel[note="quiet"] {{ color: {theme.quiet}; }}
    QLabel[note="warn"] {{ color: {theme.warn}; }}
    QLabel[note="bad"] {{ color: {theme.bad}; }}
    QLineEdit {{ background: {theme.base};
        border: 1px solid {theme.edge}; border-radius: 4px; padding: 2px 4px; }}
    QLineEdit:focus {{ border-color: {theme.accent}; }}
    QLineEdit:disabled {{ background: {theme.window};
        color: {theme.disabled}; border-color: {theme.border}; }}
    QLineEdit[tone="bad"] {{ border: 1px solid {theme.bad}; border-radius: 4px; }}
    QDialog QLineEdit, QDialog QPlainTextEdit, QDialog QTableView, QDialog QTreeView {{
        background: {theme.base}; border: 1px solid {theme.edge}; border-radius: 4px; }}
    QDialog QLineEdit {{ padding: 3px 4px; }}
    QDialog QTableView, QDialog QTreeView {{ outline: 0; }}
    QDialog QTableView {{ gridline-color: {theme.border}; }}
    QDialog QLineEdit:focus, QDialog QPlainTextEdit:focus, QDialog QTableView:focus,
    QDialog QTreeView:focus {{ border-color: {theme.accent}; }}
    QDialog QTableView QLineEdit {{ padding: 0 2px; border-radius: 0; }}
    QDialog QLineEdit[tone="bad"] {{ border-color: {theme.bad}; }}
    QAbstractSpinBox QLineEdit, QComboBox QLineEdit, QDialog QAbstractSpinBox QLineEdit {{
        border: none; border-radius: 0; padding: 0; background: transparent; }}
    QProgressBar {{ background: {theme.base}; border: 1px solid {theme.edge};
        border-radius: 4px; }}
    QProgressBar::chunk {{ background: {theme.accent}; border-radius: 3px; }}
    {_boxes(theme)}
    {_buttons(theme)}
    QCheckBox::indicator, QAbstractItemView::indicator {{ width: 14px; height: 14px;
        border-radius: 3px; border: 1px solid {theme.quiet}; background: {theme.base}; }}
    QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{
        border-color: {theme.accent}; background: {theme.accent}; {_check(theme)} }}
    QCheckBox::indicator:focus {{ border-color: {theme.text}; }}
    QCheckBox::indicator:disabled {{ border-color: {theme.disabled}; }}
    QCheckBox::indicator:checked:disabled {{ background: {theme.disabled}; }}
    QRadioButton::indicator {{ width: 12px; height: 12px; border-radius: 7px;
        border: 1px solid {theme.quiet}; background: {theme.base}; }}
    QRadioButton::indicator:checked {{ width: 6px; height: 6px;
        border: 4px solid {theme.accent}; background: {theme.accent_text}; }}
    QRadioButton::indicator:focus {{ border-color: {theme.text}; }}
    QRadioButton::indicator:disabled {{ border-color: {theme.disabled}; }}
    QPushButton[role="primary"] {{ background: {theme.accent}; color: {theme.accent_text};
        border: 1px solid {theme.accent}; border-radius: 4px; padding: 4px 14px;
        font-weight: 600; }}
    QPushButton[role="primary"]:disabled {{ background: {theme.window};
        color: {theme.disabled}; border-color: {theme.border}; }}
    QPushButton[role="primary"]:focus {{ border: 2px solid {theme.text}; padding: 3px 13px; }}
    QPushButton[role="chip"] {{ background: {theme.dim(theme.accent, 0.16)}; color: {theme.text};
        border: 1px solid {theme.accent}; border-radius: 8px; padding: 0 8px; }}
    QPushButton[role="chip"]:hover {{ background: {theme.dim(theme.accent, 0.3)}; }}
    QPushButton[role="chip"]:focus {{ border-color: {theme.text}; }}
    QToolButton[role="tool"] {{ background: {theme.raised}; border: 1px solid {theme.edge};
        border-radius: 4px; padding: 4px 9px; }}
    QToolButton[role="tool"]:hover {{ border-color: {theme.quiet}; }}
    QToolButton[role="tool"]:disabled {{ border-color: {theme.border}; }}
    QToolButton[role="tool"]:checked {{ background: {theme.dim(theme.accent, 0.2)};
        border-color: {theme.accent}; }}
    QListView[role="rows"]::item:selected {{ background: {theme.dim(theme.accent, 0.22)};
        color: {theme.text}; }}
    QToolButton[role="tool"]::menu-indicator {{ image: none; }}
    QToolButton[role="tool"]:focus {{ border-color: {theme.text}; }}
    QTreeView::item {{ padding: 5px 8px; }}
    QTableView::item {{ padding: 0 8px; }}
    QTableView {{ border: 1px solid {theme.border}; }}
    QTableView QLineEdit {{ border: 1px solid {theme.accent}; padding: 0 6px; }}
    QHeaderView::section {{ padding: 4px 11px; background: {theme.window}; color: {theme.quiet};
        border: none; border-bottom: 1px solid {theme.border}; }}
    QMessageBox QLabel#qt_msgbox_informativelabel {{ min-width: 380px; }}
    QToolBar {{ border: none; border-bottom: 1px solid {theme.border}; spacing: 2px;
        padding: 2px 6px; }}
    QToolBar QToolButton {{ padding: 3px 6px; }}
    QToolBar::separator {{ background: {theme.border}; width: 1px; margin: 4px 8px; }}
    QStatusBar {{ border-top: 1px solid {theme.border}; }}
    QStatusBar::item {{ border: none; }}
    QStatusBar QLabel {{ color: {theme.quiet}; }}
    QScrollArea {{ background: transparent; border: none; }}
    {trim(theme)}
    """


def _boxes(theme: Theme) -> str:
    """Boxes with numbers and with choices. Fusion draws their edge darker than the window: in the
    dark there is none."""
    return f"""
    QAbstractSpinBox, QComboBox {{ border: 1px solid {theme.edge}; border-radius: 4px; }}
    QAbstractSpinBox {{ background: {theme.base}; padding: 1px 0 2px 0; }}
    QComboBox {{ background: {theme.raised}; padding: 3px 0 3px 6px; }}
    QComboBox:editable {{ background: {theme.base}; padding-left: 4px; }}
    QComboBox:hover {{ background: {theme.dim(theme.quiet, 0.14)}; }}
    QAbstractSpinBox:focus, QComboBox:focus, QComboBox:on {{ border-color: {theme.accent}; }}
    QAbstractSpinBox:disabled, QComboBox:disabled {{ background: {theme.window};
        color: {theme.disabled}; border-color: {theme.border}; }}
    QAbstractSpinBox[tone="bad"], QComboBox[tone="bad"] {{ border-color: {theme.bad}; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ subcontrol-origin: padding;
        width: 18px; border: none; }}
    QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
    QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
    QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover {{
        background: {theme.dim(theme.quiet, 0.2)}; }}
    QComboBox::drop-down {{ subcontrol-origin: padding; subcontrol-position: center right;
        width: 20px; border: none; }}
    QAbstractSpinBox::up-arrow {{ width: 10px; height: 10px; {_arrow("up", theme.name)} }}
    QAbstractSpinBox::down-arrow, QComboBox::down-arrow {{ width: 10px; height: 10px;
        {_arrow("down", theme.name)} }}
    QAbstractSpinBox::up-arrow:disabled, QAbstractSpinBox::up-arrow:off {{ {_arrow("up", "off")} }}
    QAbstractSpinBox::down-arrow:disabled, QAbstractSpinBox::down-arrow:off,
    QComboBox::down-arrow:disabled {{ {_arrow("down", "off")} }}
    """


def _buttons(theme: Theme) -> str:
    """Buttons: an edge that is seen in both themes, and one way to show which has the focus."""
    return f"""
    QPushButton {{ background: {theme.raised}; color: {theme.text};
        border: 1px solid {theme.edge}; border-radius: 4px; padding: 4px 9px; }}
    QDialog QPushButton {{ min-width: 60px; }}
    QPushButton:default {{ border-color: {theme.accent}; }}
    QPushButton:hover {{ background: {theme.dim(theme.quiet, 0.14)}; }}
    QPushButton:pressed, QPushButton:checked {{ background: {theme.dim(theme.accent, 0.25)}; }}
    QPushButton:focus {{ border: 2px solid {theme.accent}; padding: 3px 8px; }}
    QPushButton:disabled {{ background: {theme.window}; color: {theme.disabled};
        border-color: {theme.border}; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QPushButton[role="menu"] {{ padding-right: 18px; }}
    QPushButton::menu-indicator {{ {_arrow("down", theme.name)} width: 10px; height: 10px;
        subcontrol-origin: padding; subcontrol-position: center right; right: 6px; }}
    """


def _check(theme: Theme) -> str:
    """The mark in a box that is ticked."""
    return image(f"check-on-{theme.name}.svg")


def _arrow(way: str, name: str) -> str:
    """The mark of a button that steps `way`: "up" or "down"; of a theme, or "off"."""
    return image(f"arrow-{way}-{name}.svg")


def system_scheme() -> Qt.ColorScheme:
    """Whether the system is light or dark now."""
    return QGuiApplication.styleHints().colorScheme()


class ThemeManager(QObject):
    """Applies a theme to the application and says when it changed. Lives in the GUI thread.

    `choice` is "light", "dark" or "system"; with "system" the theme follows
    `QStyleHints.colorScheme` while the window is open. `palette` names the curves' colours.
    """

    changed = Signal(object)

    def __init__(
        self,
        choice: str = "system",
        parent: QObject | None = None,
        scheme: Callable[[], Qt.ColorScheme] = system_scheme,
    ) -> None:
        super().__init__(parent)
        self._choice = choice
        self._palette = STANDARD
        self._scheme = scheme
        self.theme = self._wanted()
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._echo)
        self._apply()

    @property
    def choice(self) -> str:
        """What the person chose: "light", "dark" or "system"."""
        return self._choice

    def choose(self, choice: str, palette: str | None = None) -> None:
        """Switch to "light", "dark" or whatever the "system" says, and to a set of the curves'
        colours, by default the one there is."""
        self._choice = choice
        self._palette = palette or self._palette
        self._echo()

    def _wanted(self) -> Theme:
        dark = self._choice == "dark" or (
            self._choice != "light" and self._scheme() == Qt.ColorScheme.Dark
        )
        theme = DARK if dark else LIGHT
        return replace(theme, curves=curves(self._palette, theme.name))

    def _echo(self) -> None:
        wanted = self._wanted()
        if wanted == self.theme:
            return
        self.theme = wanted
        self._apply()
        self.changed.emit(wanted)

    def _apply(self) -> None:
        application = QApplication.instance()
        if not isinstance(application, QApplication):
            return
        if application.style().objectName().lower() not in ("windows11", "macos"):
            application.setStyle("Fusion")
            application.setPalette(palette(self.theme))
        application.setStyleSheet(style_sheet(self.theme))
