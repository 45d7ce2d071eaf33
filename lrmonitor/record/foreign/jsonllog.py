"""Logs of one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lrmonitor.record.foreign.linelog import BOM, LineLog
from lrmonitor.record.foreign.table import Row

_DEEPEST = 4
_MOST_KEYS = 4096


class JsonlLog(LineLog):
    """One file. A number inside an object inside the line is named by both: `train/loss`."""

    format = "JSON lines"
    unended = "a line does not end: these are no JSON lines"

    def _rows(self, lines: list[bytes]) -> list[tuple[int, Row]]:
        rows: list[tuple[int, Row]] = []
        for raw in lines:
            line, self.line = self.line, self.line + 1
            row = self._row(raw.removeprefix(BOM) if line == 1 else raw, line)
            if row:
                rows.append((line, row))
        return rows

    def _row(self, raw: bytes, line: int) -> dict[str, object] | None:
        if not raw.strip():
            return None
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            self.say(self.path, "no JSON: the line is left out", line)
            return None
        if not isinstance(found, dict):
            self.say(self.path, "no JSON object: the line is left out", line)
            return None
        row: dict[str, object] = {}
        if not flatten(found, row):
            self.say(self.path, f"more than {_MOST_KEYS} keys: the first are looked at", line)
        return row


def flatten(
    found: Mapping[str, Any], row: dict[str, object], prefix: str = "", deep: int = 0
) -> bool:
    """Put the values of an object, and of those inside it, into a row; False if not all."""
    for key, value in found.items():
        if len(row) >= _MOST_KEYS:
            return False
        name = f"{prefix}{key}"
        if isinstance(value, dict) and deep < _DEEPEST:
            if not flatten(value, row, f"{name}/", deep + 1):
                return False
        else:
            row[name] = value
    return True
