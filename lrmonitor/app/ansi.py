"""A script's colours on our backgrounds: what it asked for, but always readable."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtGui import QColor, QFont, QTextCharFormat

from lrmonitor.model.terminal import Color, Style

from .theme import Theme

__all__ = ["contrast", "format_of", "readable"]

LEAST = 4.5
"""Contrast of text that can be read (WCAG 2.1, 1.4.3); faint text gets 3, as large text does."""

FAINT = 3.0

# Black, red, green, yellow, blue, magenta, cyan, white; then the same, bright.
NAMED = {
    "light": (
        *("#1b1f26", "#b3261e", "#00734f", "#8a5300", "#0b5cad", "#8a2f8a", "#006f7a", "#59616e"),
        *("#59616e", "#c92a20", "#0a7d3c", "#946100", "#1668c7", "#a03aa0", "#007885", "#1b1f26"),
    ),
    "dark": (
        *("#8b93a1", "#ff8a80", "#4cc9a0", "#f0b24a", "#6cb6ff", "#d9a0e8", "#56cfe1", "#d5d9e0"),
        *("#a7aebb", "#ffa59d", "#7fe0bd", "#ffd27a", "#94ccff", "#ecc0f7", "#8be3f0", "#ffffff"),
    ),
}

# As backgrounds they are meant as such: the plain colours.
GROUNDS = (
    *("#000000", "#a83232", "#2e7d32", "#b58900", "#1f5fa8", "#8e3a8e", "#137d87", "#d0d0d0"),
    *("#555555", "#d75f5f", "#5faf5f", "#e0c050", "#5f87d7", "#c080c0", "#5fb7c0", "#ffffff"),
)


@lru_cache(maxsize=1024)
def format_of(style: Style, theme: Theme) -> QTextCharFormat:
    """How text of that style is drawn."""
    named = NAMED[theme.name]
    ground = _ground(style.background) if style.background is not None else theme.base
    front = _front(style.foreground, named) if style.foreground is not None else theme.text
    if style.inverse:
        front, ground = ground, front
    result = QTextCharFormat()
    least = FAINT if style.faint else LEAST
    if style.faint:
        front = _mixed(front, ground, 0.6)
    result.setForeground(QColor(readable(front, ground, least)))
    if ground != theme.base:
        result.setBackground(QColor(ground))
    if style.bold:
        result.setFontWeight(QFont.Weight.Bold)
    result.setFontItalic(style.italic)
    result.setFontUnderline(style.underline)
    result.setFontStrikeOut(style.strike)
    return result


def readable(front: str, ground: str, least: float = LEAST) -> str:
    """`front`, mixed with white or black as far as it takes to be read on `ground`."""
    end = "#ffffff" if contrast("#ffffff", ground) > contrast("#000000", ground) else "#000000"
    share = 0.0
    while contrast(front, ground) < least and share < 1.0:
        share += 0.1
        front = _mixed(end, front, share)
    return front


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.1, "contrast ratio")."""
    lights = sorted((_luminance(one), _luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _front(color: Color, named: tuple[str, ...]) -> str:
    return named[color] if isinstance(color, int) else color


def _ground(color: Color) -> str:
    return GROUNDS[color] if isinstance(color, int) else color


def _luminance(color: str) -> float:
    found = QColor(color)
    red, green, blue = (_linear(c) for c in (found.redF(), found.greenF(), found.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _mixed(front: str, back: str, share: float) -> str:
    one, other = QColor(front), QColor(back)
    return QColor(
        round(share * one.red() + (1 - share) * other.red()),
        round(share * one.green() + (1 - share) * other.green()),
        round(share * one.blue() + (1 - share) * other.blue()),
    ).name()
