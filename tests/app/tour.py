"""The pictures of README.md and docs/, taken of real trainings.

    python -m tests.app.tour FOLDER HOME

trains the example of handwritten digits several times, some minutes in all, and writes PNG files
into FOLDER. HOME (`/home/ann`, say) is seen in the pictures; it must not exist, and is removed in
the end. Those of the rescue are taken by its test: see `test_scenario_rescue.py`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.app import passing

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from lrmonitor.app.theme import ThemeManager
    from lrmonitor.app.window import MainWindow

LIMIT = 600.0
"""Seconds that are waited for anything, at most."""


def few_colours(path: Path) -> None:
    """Write a picture anew with 256 colours, a third of its bytes, where Pillow is there. Those of
    surfaces and texts stay what they are; of the others a rare one, of a mark or a symbol, weighs
    as much as a common one."""
    try:
        # Not a dependency, nor one that types are known of everywhere.
        image: Any = importlib.import_module("PIL.Image")
    except ImportError:
        return
    picture = image.open(path).convert("RGB")
    found = sorted(picture.getcolors(1 << 24) or (), reverse=True)
    common, rare = found[:192], found[192:]
    palette = [part for _, colour in common for part in colour]
    if rare:
        rest = image.new("RGB", (len(rare), 1))
        rest.putdata([colour for _, colour in rare])
        palette += (rest.quantize(64).getpalette() or [])[: 3 * 64]
    # Each of the colours to the nearest one, exactly: Pillow's own search rounds.
    kept = np.array(palette, np.int32).reshape(-1, 3)
    pixels = np.asarray(picture, np.int32).reshape(-1, 3)
    own, which = np.unique(pixels @ (1 << 16, 1 << 8, 1), return_inverse=True)
    rgb = np.stack((own >> 16, own >> 8 & 255, own & 255), 1)
    nearest = np.array([np.argmin(((kept - one) ** 2).sum(1)) for one in rgb], np.uint8)
    few = image.fromarray(nearest[which].reshape(picture.height, picture.width), "P")
    few.putpalette(palette)
    few.save(path, optimize=True)


class Tour:
    """Starts trainings, opens windows on them, and takes pictures. Lives in the GUI thread."""

    def __init__(self, folder: Path, home: Path, runs: Path) -> None:
        self.folder = folder
        self.scripts = home / "digits"
        self.runs = runs
        self.python = self.scripts / ".venv" / "bin" / "python"
        self._settings = 0

    def verb(self, *words: str) -> str:
        """What a verb of the command line prints."""
        command = [sys.executable, "-m", "lrmonitor", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def train(self, name: str, *words: str) -> Path:
        """Start a training of its own; its folder."""
        options = ["--name", name, "--cwd", str(self.scripts), "--python", str(self.python)]
        told = self.verb("run", "--detach", "--json", *options, "train.py", *words)
        return self.runs / str(json.loads(told)["id"])

    def window(self, run: Path | None, themes: ThemeManager) -> MainWindow:
        """A window as at a first start."""
        from lrmonitor.app.settings import Settings
        from lrmonitor.app.window import MainWindow

        self._settings += 1
        settings = Settings(self.runs.parent / f"window-{self._settings}.ini")
        window = MainWindow(self.runs, settings, themes)
        window.resize(1280, 800)
        if run is not None:
            window.open_run(run)
        window.show()
        self.wait(lambda: window.view is None or window.view.plots is not None)
        self.pass_time(1.5)
        return window

    def steps(self, window: MainWindow, count: int) -> None:
        """Wait until the run has made so many steps."""
        model = window.view.session.model if window.view is not None else None
        assert model is not None
        self.wait(lambda: (model.state.step or 0) >= count)

    def take(self, name: str, widget: QWidget) -> None:
        """A picture, of few colours where Pillow is there."""
        from PySide6.QtWidgets import QApplication

        for _ in range(5):
            QApplication.sendPostedEvents()
        path = self.folder / f"{name}.png"
        if not widget.grab().save(str(path)):
            raise OSError(f"{path} could not be written")
        few_colours(path)

    def wait(self, found: Callable[[], object]) -> None:
        """Go on until something is true."""
        passing.wait(found, LIMIT)

    def pass_time(self, seconds: float) -> None:
        """Go on for a while."""
        passing.pass_time(seconds)


def new_run(tour: Tour, window: MainWindow) -> None:
    """The dialog, filled in."""
    from PySide6.QtTest import QTest

    dialog = window.launcher.new_run()
    tour.wait(lambda: not dialog.form.interpreters.busy)
    dialog.form.fill_script(tour.scripts / "train.py")
    QTest.keyClicks(dialog.form.arguments, "--lr 0.05 --epochs 20")
    QTest.keyClicks(dialog.form.name, "higher rate")
    dialog.form.variables.set_pairs([("OMP_NUM_THREADS", "1")])
    tour.pass_time(2.0)
    tour.wait(lambda: not dialog.form.interpreters.busy)
    tour.take("new-run", dialog)
    dialog.reject()


def several(tour: Tour, themes: ThemeManager) -> None:
    """Two that go on, in Attach; four that are over, compared."""
    window = tour.window(None, themes)
    new_run(tour, window)
    rates = {"low": "0.002", "half": "0.01", "usual": "0.02", "high": "0.1"}
    folders = [tour.train(name, "--lr", rate, "--epochs", "3") for name, rate in rates.items()]
    first = tour.window(folders[0], themes)
    tour.steps(first, 300)
    attach = window.launcher.attach()
    tour.wait(lambda: attach.found is not None)
    tour.pass_time(2.5)
    tour.take("attach", attach)
    attach.reject()
    first.leave_and_close()
    roster = window.runs.roster
    tour.wait(lambda: len(roster.lines) >= 4 and not any(x.live for x in roster.lines.values()))
    window.compare(folders)
    tour.pass_time(4.0)
    tour.take("compare", window)
    window.leave_and_close()


def one(tour: Tour, themes: ThemeManager) -> None:
    """A training whose rate is changed, with what is kept of it; its rate is then ruined."""
    from PySide6.QtCore import QPointF

    from lrmonitor.app.dialogs.rewind import RewindDialog
    from lrmonitor.app.panels.findings import FindingsPanel
    from lrmonitor.model.planning import Draft

    run = tour.train("digits", "--lr", "0.02", "--epochs", "40", "--seed", "0")
    name = run.name
    window = tour.window(run, themes)
    tour.steps(window, 100)
    tour.verb("snapshot", name, "--every", "1000", "--before-changes", "on")
    tour.steps(window, 1200)
    tour.verb("lr", name, "hold", "0.003", "--note", "calm it")
    tour.steps(window, 1900)
    tour.verb("lr", name, "follow", "--note", "back to the cosine")
    tour.steps(window, 2600)
    view = window.view
    assert view is not None
    plots = view.plots
    assert plots is not None
    tour.take("window", window)
    themes.choose("dark")
    tour.pass_time(1.0)
    tour.take("window-dark", window)
    themes.choose("light")
    tour.pass_time(1.0)
    pin, read = 400, next(m.step for m in view.session.model.markers if m.kind == "rate")
    plots._show_region(1, 4200)  # which does not move on while it is read
    tour.pass_time(0.5)
    for place in (pin, read):
        middle = QPointF(place, sum(plots.loss.view.ranges()[1]) / 2)
        plots._point(plots.loss.view.to_canvas(middle))
        if place == pin:
            plots.readout.pin()
    tour.pass_time(0.3)
    tour.take("pinned", view)
    plots._leave()
    plots.readout.unpin()
    plots.fit()
    plots.set_following(True)
    plots.set_log(plots.loss, True)  # single losses would flatten all others
    window.asking.rewind()
    tour.pass_time(0.5)
    (rewind,) = window.findChildren(RewindDialog)
    tour.take("rewind", rewind)
    rewind.reject()
    window.edit_schedule()
    dialog = window.scheduling.dialog
    assert dialog is not None
    texts = {"warmup": "40", "after": "cosine", "after.start": "0.02", "after.end": "1e-5"}
    dialog.put(Draft("warmup", texts, "300"))
    tour.pass_time(0.6)
    dialog.adjustSize()
    tour.pass_time(0.2)
    tour.take("schedule", dialog)
    dialog.reject()
    # Most often it diverges; now and then the loss is no number then, and it is taken once more.
    tour.verb("lr", name, "hold", "0.6", "--note", "as an example")
    tour.wait(view.alert.isVisible)
    view.alert.more.click()
    panel = window.docks.widget("findings")
    assert isinstance(panel, FindingsPanel)
    tour.pass_time(2.0)
    tour.take("findings", window)
    tour.verb("stop", name, "--terminate")
    window.leave_and_close()


def main() -> int:
    """Prepare the home, and take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("home", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    given.home.mkdir()
    try:
        with tempfile.TemporaryDirectory(prefix="lrm-") as temporary:
            return _tour(given.folder, given.home, Path(temporary))
    finally:
        shutil.rmtree(given.home)


def _tour(folder: Path, home: Path, temporary: Path) -> int:
    from lrmonitor.resources import resource_path

    runs = home / ".local" / "share" / "lrmonitor" / "runs"
    runs.mkdir(parents=True)
    scripts = home / "digits"
    scripts.mkdir()
    example = Path(resource_path("examples", "digits.py"))
    shutil.copy(example, scripts / "train.py")
    shutil.copy(example.with_name("digits.csv.gz"), scripts)
    (scripts / ".venv").symlink_to(sys.prefix)
    os.environ |= {
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(home),
        "USER": home.name,
        "LOGNAME": home.name,
        "XDG_CONFIG_HOME": f"{temporary}/config",
        "LRMONITOR_RUNS": str(runs),
        "LRMONITOR_RUNTIME_DIR": f"{temporary}/run",
    }
    from PySide6.QtWidgets import QApplication

    from lrmonitor.app import main as app
    from lrmonitor.app.theme import ThemeManager

    app._import_numpy()
    application = QApplication(["lrmonitor"])
    tour = Tour(folder, home, runs)
    themes = ThemeManager("light")
    try:
        several(tour, themes)
        one(tour, themes)
    finally:
        for line in json.loads(tour.verb("list", "--live", "--json")):
            subprocess.run(
                [sys.executable, "-m", "lrmonitor", "stop", str(line["id"]), "--kill"], check=False
            )
    application.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
