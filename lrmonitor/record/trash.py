"""Deleted runs: they lie in a folder of the home until it is emptied, and can be put back.

The folder's name begins with a dot, so that the catalogue does not list what is in it. It is in the
home itself: there a run of any size is moved in an instant, and what is in it moves with the home.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

TRASH = ".trash"
"""The folder, in the home."""


class Trash:
    """The deleted runs of a home. Methods raise OSError where the disk does not let them.

    Whether a run still trains is not its affair: ask before.
    """

    def __init__(self, home: str | os.PathLike[str]) -> None:
        self.folder = Path(home) / TRASH

    def runs(self) -> list[Path]:
        """What lies in it, the latest deleted first."""
        try:
            found = [path for path in self.folder.iterdir() if path.is_dir()]
        except OSError:
            return []
        return sorted(found, key=lambda path: (path.stat().st_ctime, path.name), reverse=True)

    def put(self, run: Path) -> Path:
        """Delete the run in that folder, which must be one of the home; where it lies now."""
        if run.parent != self.folder.parent:
            raise OSError(f"{run} is not in {self.folder.parent}")
        self.folder.mkdir(exist_ok=True)
        place = self._free(run.name)
        os.rename(run, place)
        return place

    def restore(self, place: Path, name: str | None = None) -> Path:
        """Put a deleted run back, by default under the name that it lies there under; its folder.

        Raises FileExistsError where there is one of that name again.
        """
        target = self.folder.parent / (place.name if name is None else name)
        if target.exists():
            raise FileExistsError(f"{target} is there again")
        os.rename(place, target)
        return target

    def empty(self) -> int:
        """Remove for good what lies in it; how many runs that were."""
        found = self.runs()
        for path in found:
            shutil.rmtree(path)
        return len(found)

    def _free(self, name: str) -> Path:
        """A place that nothing lies in: a run of that name may have been deleted before."""
        place, number = self.folder / name, 2
        while place.exists():
            place, number = self.folder / f"{name}.{number}", number + 1
        return place
