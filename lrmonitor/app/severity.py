"""How severe findings look: a shape, a colour and a word for each."""

from __future__ import annotations

from .theme import Theme

__all__ = ["severity_colour", "severity_symbol", "severity_tone"]

_SYMBOLS = {"info": "info", "warning": "warn", "critical": "critical"}


def severity_symbol(severity: str) -> str:
    """The name of its symbol (see `icons`)."""
    return _SYMBOLS.get(severity, "info")


def severity_colour(severity: str, theme: Theme) -> str:
    """The colour of its symbol."""
    return {"warning": theme.warn, "critical": theme.bad}.get(severity, theme.quiet)


def severity_tone(severity: str) -> str:
    """The tone in which it is told: see `parts.set_tone`."""
    return {"warning": "warn", "critical": "bad"}.get(severity, "quiet")
