"""The folder of Lightning's CSVLogger: `metrics.csv`, and `hparams.yaml` beside it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from lrmonitor.record.foreign.base import Batch
from lrmonitor.record.foreign.csvlog import CsvLog

METRICS = "metrics.csv"
HPARAMS = "hparams.yaml"

_LINE = re.compile(r"([A-Za-z_][\w.\- ]*):\s+(\S.*?)\s*")
_LARGEST = 1 << 20


class LightningLog(CsvLog):
    """`hparams.yaml` is read line by line: `key: value` at the margin, no YAML beyond that."""

    format = "Lightning CSV"

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path, path / METRICS, clock)
        self._told = False

    def read(self) -> Batch:
        if not self._told:
            self.settings = plain_settings(self.path / HPARAMS)
            self._told = bool(self.settings)
        return super().read()


def newest_version(path: Path) -> Path | None:
    """The folder that holds the metrics: this one, or the last `version_N` in it or in its
    `lightning_logs`."""
    if (path / METRICS).is_file():
        return path
    for place in (path, path / "lightning_logs"):
        versions = [
            (int(folder.name[8:]), folder)
            for folder in (place.iterdir() if place.is_dir() else ())
            if re.fullmatch(r"version_\d+", folder.name) and (folder / METRICS).is_file()
        ]
        if versions:
            return max(versions)[1]
    return None


def plain_settings(file: Path) -> dict[str, str]:
    """The lines `key: value` of a file; none where it cannot be read."""
    try:
        with open(file, encoding="utf-8", errors="replace") as source:
            text = source.read(_LARGEST)
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None and not match[2].startswith(("&", "!", "|", ">", "#")):
            found[match[1]] = match[2].strip("'\"")
    return found
