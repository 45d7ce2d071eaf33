"""What a person prefers of all windows. Plain values, kept in the window's settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from .palettes import PALETTES, STANDARD
from .settings import Settings

__all__ = ["COLOURS", "Preferences", "load", "save"]

COLOURS = ("system", "light", "dark")

_THEME = "window/theme"
_OTHERS = "preferences"


@dataclass(frozen=True)
class Preferences:
    """- `colours`: "system", "light" or "dark"; `curves`: the name of a set of `palettes`.
    - `tell_ended`, `tell_failed`: whether a run that ended (or was stopped), or one that crashed,
      failed or was killed, is news for a person who looks elsewhere; how: `task_bar`, `tray`.
    - `tell_findings`: whether a finding that opens, a warning or worse, is such news too.
    - `reopen`: whether `lrmonitor` alone opens the run that was open last.
    """

    colours: str = "system"
    curves: str = STANDARD
    tell_ended: bool = True
    tell_failed: bool = True
    task_bar: bool = True
    tray: bool = True
    reopen: bool = True
    tell_findings: bool = True


def load(settings: Settings) -> Preferences:
    """What was kept; each value that makes no sense is the default."""
    kept = settings.mapping(_OTHERS)
    colours = settings.text(_THEME)
    default = Preferences()
    told = {
        field.name: kept[field.name]
        for field in fields(Preferences)
        if isinstance(getattr(default, field.name), bool) and isinstance(kept.get(field.name), bool)
    }
    curves = kept.get("curves")
    return Preferences(
        colours=colours if colours in COLOURS else default.colours,
        curves=curves if isinstance(curves, str) and curves in PALETTES else default.curves,
        **told,
    )


def save(settings: Settings, preferences: Preferences) -> None:
    """Keep them, where the other windows find them. What a newer lrmonitor keeps there stays."""
    kept = asdict(preferences)
    settings.put(_THEME, kept.pop("colours"))
    settings.put(_OTHERS, {**settings.mapping(_OTHERS), **kept})
    settings.save()
