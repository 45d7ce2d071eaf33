"""Schedules that the person has kept under a name, in the settings."""

from __future__ import annotations

from lrmonitor.model.planning import Draft

from .settings import Settings

__all__ = ["Presets"]

KEY = "schedules/presets"


class Presets:
    """Drafts by name. What cannot be read (a newer version's) is left alone and not offered."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def names(self) -> list[str]:
        """The names, sorted."""
        kept = self._settings.mapping(KEY)
        return sorted(name for name in kept if Draft.from_json(kept[name]) is not None)

    def get(self, name: str) -> Draft | None:
        """The schedule of that name."""
        return Draft.from_json(self._settings.mapping(KEY).get(name))

    def put(self, name: str, draft: Draft) -> None:
        """Keep a schedule under a name, in the place of one that was kept under it."""
        self._settings.put(KEY, {**self._settings.mapping(KEY), name: draft.to_json()})

    def remove(self, name: str) -> None:
        """Forget one."""
        kept = self._settings.mapping(KEY)
        kept.pop(name, None)
        self._settings.put(KEY, kept)
