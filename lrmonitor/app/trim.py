"""The style of what frames the panels: menus, tabs, titles of docks, scroll bars, tool buttons.

Qt's own Fusion draws their edges darker than the window, so that in the dark there are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrmonitor.resources import resource_path

if TYPE_CHECKING:
    from .theme import Theme

__all__ = ["image", "trim"]


def trim(theme: Theme) -> str:
    """Rules for a style sheet."""
    return "\n".join((_menus(theme), _docks(theme), _bars(theme), _tools(theme), _links(theme)))


def image(name: str) -> str:
    """The rule that shows the icon of that file; nothing where the installation is incomplete."""
    try:
        path = resource_path("icons", name)
    except FileNotFoundError:
        return ""
    return f'image: url("{path.as_posix()}");'


def _menus(theme: Theme) -> str:
    """Menus, whose boxes are those of the dialogs."""
    return f"""
    QMenu::item {{ padding: 4px 22px 4px 10px; }}
    QMenu::item:selected {{ background: {theme.accent}; color: {theme.accent_text}; }}
    QMenu::item:default {{ font-weight: 600; }}
    QMenu::item:disabled {{ color: {theme.disabled}; background: transparent; }}
    QMenu::indicator {{ width: 12px; height: 12px; margin-left: 8px; margin-right: 2px;
        border-radius: 3px; border: 1px solid {theme.quiet}; background: {theme.base}; }}
    QMenu::indicator:exclusive {{ border-radius: 7px; }}
    QMenu::indicator:checked {{ border-color: {theme.accent}; background: {theme.accent};
        {image(f"check-on-{theme.name}.svg")} }}
    QMenu::indicator:checked:selected {{ border-color: {theme.accent_text}; }}
    QMenu::right-arrow {{ width: 10px; height: 10px; margin-right: 8px;
        {image(f"arrow-right-{theme.name}.svg")} }}
    """


def _docks(theme: Theme) -> str:
    """Titles of docks in line with what is below them, and the tabs of those that share a place:
    the chosen one is told by a stroke, not by a shade alone."""
    return f"""
    QDockWidget {{ font-weight: 600; titlebar-close-icon: {_url("dock-close", theme)};
        titlebar-normal-icon: {_url("dock-float", theme)}; }}
    QDockWidget::title {{ text-align: left; padding: 7px 0 1px 6px; }}
    QDockWidget::close-button, QDockWidget::float-button {{ border: 1px solid transparent;
        border-radius: 3px; padding: 0; subcontrol-origin: margin;
        subcontrol-position: top right; position: absolute; top: 7px; width: 18px; height: 18px; }}
    QDockWidget::close-button {{ right: 6px; }}
    QDockWidget::float-button {{ right: 26px; }}
    QDockWidget::close-button:hover, QDockWidget::float-button:hover {{
        background: {theme.dim(theme.quiet, 0.25)}; }}
    QTabBar::tab {{ color: {theme.quiet}; padding: 5px 13px 6px 13px; border: none;
        border-top: 2px solid transparent; }}
    QTabBar::tab:selected {{ color: {theme.text}; background: {theme.raised};
        border-top-color: {theme.accent}; }}
    QTabBar::tab:hover:!selected {{ color: {theme.text};
        background: {theme.dim(theme.quiet, 0.12)}; }}
    QTabBar::tab:selected:focus {{ background: {theme.dim(theme.accent, 0.25)}; }}
    """


def _bars(theme: Theme) -> str:
    """Scroll bars: a handle that is seen on every ground."""
    return f"""
    QScrollBar {{ background: transparent; border: none; }}
    QScrollBar:vertical {{ width: 12px; }}
    QScrollBar:horizontal {{ height: 12px; }}
    QScrollBar::handle {{ background: {theme.edge}; border-radius: 4px; margin: 2px; }}
    QScrollBar::handle:vertical {{ min-height: 28px; }}
    QScrollBar::handle:horizontal {{ min-width: 28px; }}
    QScrollBar::handle:hover, QScrollBar::handle:pressed {{ background: {theme.quiet}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    """


def _tools(theme: Theme) -> str:
    """Tool buttons, lists of choices, tables and the console."""
    return f"""
    QToolButton[role="tool"]:hover:!checked {{ background: {theme.dim(theme.quiet, 0.14)}; }}
    QToolButton[role="tool"]:pressed {{ background: {theme.dim(theme.accent, 0.3)}; }}
    QToolButton[role="tool"]:disabled {{ background: {theme.window}; }}
    QLineEdit:disabled {{ placeholder-text-color: {theme.disabled}; }}
    QTableView {{ outline: 0; }}
    QComboBox {{ combobox-popup: 0; }}
    QComboBox QAbstractItemView {{ background: {theme.base}; color: {theme.text}; outline: 0;
        border: 1px solid {theme.border}; selection-background-color: {theme.accent};
        selection-color: {theme.accent_text}; }}
    QComboBox QAbstractItemView::item {{ min-height: 22px; padding: 0 6px; }}
    QAbstractItemView QComboBox {{ margin: 3px 0; }}
    QPlainTextEdit {{ border: 1px solid {theme.border}; }}
    QTableView:focus, QPlainTextEdit:focus {{ border-color: {theme.accent}; }}
    """


def _links(theme: Theme) -> str:
    """Buttons with a description below their text: rows of a list, without an edge at rest."""
    return f"""
    QCommandLinkButton {{ border: 1px solid transparent; border-radius: 6px;
        background: transparent; padding: 0; text-align: left; }}
    QCommandLinkButton:hover {{ background: {theme.dim(theme.accent, 0.12)}; }}
    QCommandLinkButton:pressed {{ background: {theme.dim(theme.accent, 0.25)}; }}
    QCommandLinkButton:focus {{ border: 1px solid {theme.accent}; padding: 0; }}
    QCommandLinkButton:disabled {{ background: transparent; border-color: transparent; }}
    """


def _url(name: str, theme: Theme) -> str:
    rule = image(f"{name}-{theme.name}.svg")
    return rule.removeprefix("image: ").removesuffix(";") or "none"
