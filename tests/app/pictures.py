"""Pictures of every state and dialog of the window, to look at: what no test can judge.

    python -m tests.app.pictures FOLDER [WORD ...]

writes PNG files into FOLDER, in light and dark at 100 % and 200 %; with words, those alone whose
name has one of them. The runs are folders as `folders.py` writes them; what has to live is this
process. Nothing is started, and nothing outside FOLDER is written but in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.app.studio import ERROR, Studio

if TYPE_CHECKING:
    from lrmonitor.app.window import MainWindow
    from tests.app.folders import RunFolder

SCREEN = {"name": "large", "x": 0, "y": 0, "width": 3840, "height": 2400, "dpr": 1}
SCREEN |= {"logicalDpi": 96, "logicalBaseDpi": 96}
"""The desktop without a display: at 200 % too it has room for the largest dialog."""

LOOKS = [(theme, scale) for theme in ("light", "dark") for scale in (1, 2)]


def states(studio: Studio) -> Iterator[tuple[str, RunFolder]]:
    """A run in each of the states."""

    def fresh() -> RunFolder:
        return studio.run(ago=12.0)

    yield "starting", _starting(studio)
    yield "starting-up", fresh()
    compiling = fresh().register()
    compiling.now = time.time() - 9
    compiling.event("compiling")
    yield "compiling", compiling
    yield "training", studio.trained()
    paused = studio.trained()
    paused.event("paused")
    yield "paused", paused
    yield "stalled", studio.trained(quiet=34)
    validating = studio.trained(quiet=12)
    validating.event("loader", loader=1, iteration=1, batches=80)
    validating.now = time.time() - 1
    validating.event("reading", loader=1, iteration=1, taken=57, over=False)
    yield "validating", validating
    yield "ended", studio.trained(alive=False).exited(0)
    yield "stopped", _stopped(studio)
    crashed = studio.trained(alive=False)
    with open(crashed.path / "console.log", "a") as console:
        console.write(ERROR)
    yield "crashed", crashed.exited(1)
    yield "killed", studio.trained(alive=False).exited(None, "SIGKILL")
    yield "lost", studio.trained(alive=False, quiet=60)


def _starting(studio: Studio) -> RunFolder:
    from tests.app.folders import RunFolder

    studio.run()
    return RunFolder(studio.home, "resnet", created=time.time())


def _stopped(studio: Studio) -> RunFolder:
    run = studio.trained(alive=False)
    run.client("stop", how="interrupt", signal="SIGINT", pids=[run.pid])
    return run.exited(130)


def changes(run: RunFolder) -> None:
    """Changes of the rate with their reasons, a refused one, notes."""
    run.command("a", "hold", 5e-4)
    run.applied("a", "hold", 5e-4, ("hold", 5e-4), 8e-4, 5e-4)
    run.train(120, effective=lambda step: 5e-4)
    run.note("calmer since the rate is lower")
    run.command("b", "scale", 2.0, via="cli")
    run.refused("b", "there is no group 7")
    run.command("c", "follow")
    run.applied("c", "follow", None, ("none", None), 5e-4, 7e-4)
    run.train(120)


def state_pictures(studio: Studio) -> None:
    """The window in each state."""
    for name, run in states(studio):
        if not studio.wants(name):
            continue
        window = studio.window(run)
        studio.take(name, window)
        studio.close(window)


def start_pictures(studio: Studio) -> None:
    """Without a run: with and without earlier ones."""
    if studio.wants("start-empty"):
        studio.home = studio.home.parent / "runs-none"
        window = studio.window()
        studio.take("start-empty", window)
        studio.close(window)
    if studio.wants("start-runs"):
        run = studio.trained()
        others = [("bert", 0), ("resnet", 1), ("mnist", None)]
        from tests.app.folders import RunFolder

        for name, code in others:
            other = RunFolder(run.path.parent, name, created=time.time() - 9000)
            other.launch(alive=False).register().train(300)
            other.exited(code, "SIGKILL" if code is None else None)
        window = studio.window()
        studio.pass_time(1.5)
        studio.take("start-runs", window)
        studio.close(window)


def panel_pictures(studio: Studio) -> None:
    """What the panels say of changes, and the panels at the bottom."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from lrmonitor.model.planning import Draft

    def typed(
        name: str, text: str, run: RunFolder, enter: bool, mode: str = "hold", ramp: int = 0
    ) -> None:
        if not studio.wants(name):
            return
        window = studio.window(run)
        assert window.view is not None
        sent: list[object] = []
        window.view.session.commander.send = sent.append  # type: ignore[method-assign, assignment]
        entry = window.view.control.entry
        entry.mode.setCurrentIndex(entry.mode.findData(mode))
        entry.ramp.setValue(ramp)
        field = entry.field
        QTest.keyClicks(field, text)
        if enter:
            QTest.keyClick(field, Qt.Key.Key_Return)
        studio.pass_time(0.6)  # what is typed is drawn once one stops typing
        studio.take(name, window)
        studio.close(window)

    typed("rate-typed", "5e-4", studio.trained(), enter=False)
    typed("rate-ramp", "2e-4", studio.trained(), enter=False, ramp=150)
    for name, kind in (("schedule", "cosine"), ("schedule-warmup", "warmup")):
        if not studio.wants(name):
            continue
        window = studio.window(studio.trained())
        window.edit_schedule()
        dialog = window.scheduling.dialog
        assert dialog is not None
        texts = {"end": "1e-5", "warmup": "40", "after.start": "1e-3", "after.end": "1e-5"}
        dialog.put(Draft(kind, texts, "300"))
        studio.pass_time(0.4)
        studio.take(f"{name}-editor", dialog)
        studio.take(name, window)
        dialog.length.setText("-3")
        dialog.submit()
        studio.take(f"{name}-refused", dialog)
        dialog.reject()
        studio.close(window)
    typed("rate-no-number", "3,0e-4", studio.trained(), enter=True)
    typed("rate-pending", "5e-4", studio.trained(), enter=True)
    typed("rate-beyond-10x", "0.5", studio.trained(), enter=True)
    rising = studio.run(ago=16).register()
    rising.train(400, scheduled=lambda step: 1e-3 * min(step / 1000, 1.0))
    typed("rate-rising", "3e-4", rising, enter=True, mode="set")
    if studio.wants("rate-refused"):
        run = studio.trained()
        window = studio.window(run)
        assert window.view is not None
        run.now = time.time()
        run.command("z", "hold", 5e-4)
        run.refused("z", "the schedule's rate is 0 at this step, and nothing can be set from it")
        window.view.session.poll()
        studio.take("rate-refused", window)
        studio.close(window)
    for dock in ("journal", "console", "groups"):
        if not studio.wants(dock):
            continue
        if dock == "groups":
            run = studio.run(ago=32).register((("AdamW", 3), ("SGD", 1))).train(800)
        else:
            run = studio.trained()
            changes(run)
            with open(run.path / "console.log", "a") as console:
                console.write(ERROR)
            if dock == "console":
                run.exited(1)
        window = studio.window(run)
        window.docks.show(dock)
        if dock == "console":
            assert window.view is not None
            window.view._show_traceback()
        studio.take(dock, window)
        studio.close(window)


def option_pictures(studio: Studio) -> None:
    """The numbers of the groups other than the rate: one held, one waiting."""
    from lrmonitor.app.panels.options import OptionsPanel

    if not studio.wants("options"):
        return
    run = studio.run(ago=32).register((("AdamW", 2), ("SGD", 1))).train(800)
    run.options(
        {0: ({"beta1": 0.9, "beta2": 0.999, "weight_decay": 0.01, "eps": 1e-8},) * 2}
        | {1: ({"momentum": 0.9, "dampening": 0.0, "weight_decay": 0.0},)}
    )
    run.option_asked("a", "weight_decay", 0.1)
    run.option_applied("a", "weight_decay", 0.1, (0.01, 0.01))
    run.option_asked("b", "beta2", 0.95, group=1)
    window = studio.window(run)
    window.docks.show("options")
    panel = window.docks.widget("options")
    assert isinstance(panel, OptionsPanel)
    panel.view.pick(6)
    studio.take("options", window)
    studio.close(window)


def size_pictures(studio: Studio) -> None:
    """How far steps move the weights, in a picture and as a table."""
    from lrmonitor.app.panels.sizes import SizesPanel

    if not studio.wants("sizes"):
        return
    run = studio.run(ago=32).register((("AdamW", 1),)).train(800)
    layers = [
        f"encoder.layers.{i}.{part}.{kind}"
        for i in range(6)
        for part in ("attention", "mlp")
        for kind in ("weight", "bias")
    ]
    run.sizes(["embedding.weight", *layers, "head.weight"], range(1, 801, 5))
    window = studio.window(run)
    window.docks.show("sizes")
    studio.take("sizes", window)
    panel = window.docks.widget("sizes")
    assert isinstance(panel, SizesPanel)
    panel.form.setCurrentIndex(1)
    studio.take("sizes-table", window)
    studio.close(window)


def dialog_pictures(studio: Studio) -> None:
    """The dialogs, without the window behind them."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from lrmonitor.app.dialogs.series import SeriesDialog
    from lrmonitor.app.panels.console import ConsolePanel
    from lrmonitor.model.patterns import Pattern

    names = (
        "series",
        "new-run",
        "attach",
        "rules",
        "guards",
        "question",
        "keys",
        "about",
        "preferences",
    )
    if not any(studio.wants(name) for name in names):
        return
    run = studio.trained()
    window = studio.window(run)
    view = window.view
    assert view is not None
    if studio.wants("new-run"):
        dialog = window.launcher.new_run()
        studio.wait(lambda: not dialog.form.interpreters.busy)
        studio.take("new-run-empty", dialog)
        for field, text in (
            (dialog.form.targets["script"], "/home/ann/no such script.py"),
            (dialog.form.arguments, "--name 'unfinished --data ~/digits"),
        ):
            field.setFocus()
            QTest.keyClicks(field, text)
            QTest.keyClick(field, Qt.Key.Key_Tab)
        studio.take("new-run-errors", dialog)
        dialog.form.targets["script"].setText(__file__)
        dialog.form.arguments.setText("--lr 0.01 --data ~/digits --epochs 20")
        studio.take("new-run-filled", dialog)
        studio.wait(lambda: not dialog.form.interpreters.busy)
        dialog.reject()
    if studio.wants("attach"):
        attach = window.launcher.attach()
        studio.wait(lambda: attach.found is not None)
        studio.take("attach", attach)
        attach.search.setText("nothing like it")
        studio.take("attach-nothing-found", attach)
        attach.reject()
    if studio.wants("series"):
        window.docks.show("console")
        console = window.docks.widget("console")
        assert isinstance(console, ConsolePanel)
        view._make_series(Pattern("accuracy", "accuracy {value}%"))
        (series,) = view.findChildren(SeriesDialog)
        studio.take("series", series)
        series.template.setText("accuracy")
        studio.take("series-errors", series)
        series.reject()
    if studio.wants("preferences"):
        window.preferring.show_dialog(window.home)
        preferences = window.preferring.dialog
        assert preferences is not None
        studio.take("preferences", preferences)
        preferences.reject()
    if studio.wants("rules"):
        rules_pictures(studio, window)
    if studio.wants("guards"):
        guard_pictures(studio, window)
    if studio.wants("question"):
        window.launcher.restart(0.1)
        assert window.launcher.question is not None
        studio.take("question-restart", window.launcher.question)
        window.launcher.question.reject()
        for how in ("interrupt", "kill"):
            window.ask_stop(how)
            assert window.question is not None
            studio.take(f"question-{how}", window.question)
            window.question.reject()
        window.close()
        assert window.question is not None
        studio.take("question-close", window.question)
        window.question.reject()
    for name, keys in (("keys", True), ("about", False)):
        if studio.wants(name):
            from PySide6.QtWidgets import QApplication

            from lrmonitor.app.handlers import show_help

            show_help(window, keys)
            box = QApplication.activeModalWidget() or QApplication.activeWindow()
            assert box is not None
            studio.take(name, box)
            box.close()
    studio.close(window)


def rate_test_pictures(studio: Studio) -> None:
    """The range test and the trial: before, while they go on, with a result and without one."""
    from lrmonitor.app.dialogs.rate_test import RateTestDialog
    from lrmonitor.finder.ladder import RATIO, RUNGS
    from tests.app.rate_tests import ladder, only_noise, range_test, trial

    rates = tuple(0.5 / 26 / RATIO**i for i in range(RUNGS))

    def tried(run: RunFolder, ends: tuple[float, ...], done: int = 200) -> None:
        range_test(run).end()
        after = ladder(run, "cccc", rates, ends, done)
        if len(ends) == RUNGS:
            after.end()

    def shown(name: str, prepare: Callable[[RunFolder], object], find: bool) -> None:
        if not studio.wants(name):
            return
        run = studio.trained(300)
        prepare(run)
        window = studio.window(run)
        (window.trying.find if find else window.trying.compare)(window.view)
        (dialog,) = window.findChildren(RateTestDialog)
        studio.take(name, dialog)
        dialog.reject()
        studio.close(window)

    shown("find-rate", lambda run: None, True)
    shown("find-rate-going", lambda run: range_test(run, sweeps=2, of=3, done=55), True)
    shown("find-rate-found", lambda run: range_test(run).end(), True)
    shown("find-rate-refused", lambda run: range_test(run, only_noise).end(), True)
    shown("find-rate-trying", lambda run: tried(run, (1.0, 0.4, 0.9), 60), True)
    shown("find-rate-tried", lambda run: tried(run, (1.0, 0.4, 0.9, 1.4, 1.8)), True)
    broke = (math.inf, math.inf, 0.9, 0.95, 1.8)
    shown("find-rate-tried-broke", lambda run: tried(run, broke), True)
    shown("find-rate-tried-none", lambda run: tried(run, (2.3,) * RUNGS), True)
    shown("find-rate-stopped", lambda run: range_test(run, done=20).end("cancelled"), True)
    shown("try-rates", lambda run: None, False)
    shown("try-rates-going", lambda run: trial(run, (-1e-3, -3e-3, -5e-3), 20, 2), False)
    shown("try-rates-found", lambda run: trial(run, (-1e-3, -3e-3, -5e-3)).end(), False)
    shown("try-rates-alike", lambda run: trial(run, (-3e-4, -3e-4, -3e-4)).end(), False)


def plot_pictures(studio: Studio) -> None:
    """Pins, the menu of a plot, the plotted data as a table, several runs compared, a log."""
    from PySide6.QtCore import QPointF
    from PySide6.QtWidgets import QApplication

    from tests.app.folders import RunFolder, falling

    if any(studio.wants(name) for name in ("pins", "plot-menu", "data")):
        run = studio.trained()
        changes(run)
        window = studio.window(run)
        assert window.view is not None
        plots = window.view.plots
        assert plots is not None
        if studio.wants("data"):
            window.docks.show("data")
            studio.take("data", window)
            window.docks.show("journal")
        if studio.wants("pins"):
            for share in (0.25, 0.7):
                place = QPointF(plots.newest() * share, 1.0)
                plots._point(plots.loss.view.to_canvas(place))
                plots.readout.pin()
            studio.take("pins", window)
        if studio.wants("plot-menu"):
            menu = plots.menus.of(plots.loss)
            menu.popup(window.mapToGlobal(window.rect().center()))
            studio.take("plot-menu", menu)
            menu.close()
        studio.close(window)
    if studio.wants("compare"):
        first = studio.trained(alive=False).exited(0)
        folders = [first.path]
        for at, name in enumerate(("bert", "resnet", "mnist"), 2):
            other = RunFolder(studio.home, name, created=time.time() - 900 * at)
            other.launch(alive=False).register()
            other.train(600 + 100 * at, loss=lambda s, at=at: falling(s) * (1 + 0.2 * at)).exited(0)
            folders.append(other.path)
        window = studio.window()
        window.compare(folders)
        studio.pass_time(1.5)
        studio.take("compare", window)
        studio.close(window)
    if studio.wants("open-log"):
        log = studio.home.parent / "log.csv"
        rows = [f"{s};{falling(s):.4f};{falling(s) * 1.2:.4f};{1e-3}" for s in range(1, 300)]
        log.write_text("\n".join(["iteration;cost;test cost;rate", *rows, ""]))
        window = studio.window()
        window.logs.look_at(log)
        studio.wait(lambda: QApplication.activeModalWidget() is not None)
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        studio.take("open-log", dialog)
        dialog.close()
        studio.close(window)


def diverging(step: int) -> float:
    """A loss that falls for 500 steps, and rises then."""
    from tests.app.folders import falling

    return falling(step) if step < 500 else falling(500) * 1.015 ** min(step - 500, 130)


def finding_pictures(studio: Studio) -> None:
    """A finding above the plots and in its panel, followed and judged; none yet."""
    from lrmonitor.app.panels.findings import FindingsPanel

    if studio.wants("findings-none"):
        window = studio.window(studio.trained())
        studio.wait(lambda: window.session is not None and window.session.diagnosis.settled)
        window.docks.show("findings")
        studio.take("findings-none", window)
        studio.close(window)
    if not any(studio.wants(name) for name in ("finding-open", "finding-judged")):
        return
    run = studio.run(ago=28).register()
    run.train(700, loss=diverging)
    window = studio.window(run)
    view = window.view
    assert view is not None
    studio.wait(lambda: view.alert.isVisible())
    view.alert.more.click()
    panel = window.docks.widget("findings")
    assert isinstance(panel, FindingsPanel)
    panel.show_evidence.click()
    studio.pass_time(1.5)
    studio.take("finding-open", window)
    finding = panel.chosen.finding if panel.chosen is not None else None
    assert finding is not None
    run.command("a", "scale", 0.3)
    run.applied("a", "scale", 0.3, ("scale", 0.3), 8e-4, 2.4e-4)
    view.session.diagnosis.follow(finding, "a", "×0.3, schedule continues")
    at = run.step
    level = diverging(at)
    run.train(330, loss=lambda s: max(level * 0.985 ** (s - at), 0.3) + 0.02 * (s % 7))
    studio.wait(lambda: any(t.taken and t.taken.judged for t in view.session.diagnosis.told))
    panel.choose(finding.id)
    studio.pass_time(1.0)
    studio.take("finding-judged", window)
    studio.close(window)


def guide_pictures(studio: Studio) -> None:
    """The guide: every page, and a search."""
    from lrmonitor.guide import TOPICS

    if not any(studio.wants(f"guide-{topic.name}") for topic in TOPICS):
        return
    window = studio.window()
    window.show_guide()
    guide = window.guide.window
    assert guide is not None
    for topic in TOPICS:
        if studio.wants(f"guide-{topic.name}"):
            guide.view.open(topic.name)
            studio.take(f"guide-{topic.name}", guide)
    guide.search.setText("update ratio")
    guide.view.open("too_low")
    studio.take("guide-search", guide)
    studio.close(window)


def rules_pictures(studio: Studio, window: MainWindow) -> None:
    """The rules: all off; one that acted, one with a number that cannot be meant; the head."""
    from dataclasses import replace

    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from lrmonitor.diagnosis.rule_presets import PRESETS
    from lrmonitor.diagnosis.rules import Rule

    view = window.view
    assert view is not None
    view.show_rules()
    assert view.rules is not None
    studio.take("rules-off", view.rules)
    view.rules.reject()
    studio.wait(lambda: view.rules is None)
    own = Rule("Calm it", ("spike",), "hold", severity="warning", value=1e-4)
    view.session.rules.switch([replace(PRESETS[0], least_rate=1e-6), PRESETS[3], own])
    (armed, *_) = view.session.rules.armed
    run = studio.latest
    run.now = time.time()
    run.command(armed.command(1), "scale", 0.1)
    run.applied(armed.command(1), "scale", 0.1, ("scale", 0.1), 1e-3, 1e-4)
    view.session.poll()
    studio.pass_time(0.5)
    studio.take("rules-window", window)
    view.show_rules()
    dialog = view.rules
    assert dialog is not None
    QTest.keyClick(dialog.cards["lower-on-divergence"].box, Qt.Key.Key_Space)
    QTest.keyClicks(dialog.cards["lower-on-divergence"].fields["factor"], "x")
    studio.take("rules-on", dialog)
    dialog.reject()


def guard_pictures(studio: Studio, window: MainWindow) -> None:
    """Guards off, on, refused, and in the window once they acted."""
    from lrmonitor.app.dialogs.guards import GuardsDialog

    view = window.view
    assert view is not None
    view.session.control_problem = lambda: None  # type: ignore[method-assign]
    dialog = GuardsDialog(view.session, window._themes.theme, window)
    dialog.show()
    studio.take("guards-off", dialog)
    dialog._refused.append(
        "Refused: optimizer 0 (LBFGS) is stepped with a closure: its loss and gradients come only "
        "within the step, which cannot be left out then."
    )
    for row in dialog.rows.values():
        row.box.setChecked(True)
    dialog.refresh()
    studio.take("guards-refused", dialog)
    dialog.reject()
    run = studio.latest
    run.now = time.time()
    non_finite = {"on": "non-finite", "then": "rewind", "at_most": 10, "scale": 1 / 3}
    spike = {"on": "spike", "then": "skip", "bound": 8.0, "times": 1.5, "at_most": 5}
    run.event("guards", step=900, on=[non_finite, spike])
    told = {"on": "spike", "then": "skip", "optimizer": 0, "what": "loss", "at_most": 5}
    run.event("guard", step=1100, value=6.25, bound=1.75, acted=1, **told)
    view.session.poll()
    studio.pass_time(0.5)
    studio.take("guards-window", window)
    dialog = GuardsDialog(view.session, window._themes.theme, window)
    dialog.show()
    studio.take("guards-on", dialog)
    dialog.reject()


def take_all(folder: Path, theme: str, scale: int, words: list[str]) -> int:
    """The pictures of one look, in this process."""
    from PySide6.QtWidgets import QApplication

    from lrmonitor.app import main as app

    app._import_numpy()
    application = QApplication(["lrmonitor"])
    from tests.app.scenes import dialogs, panels, plots
    from tests.app.scenes import states as rarer

    with tempfile.TemporaryDirectory(prefix="lrm-") as temporary:
        studio = Studio(folder, Path(temporary) / "runs", theme, scale, words)
        studio.each(
            (
                start_pictures,
                state_pictures,
                panel_pictures,
                option_pictures,
                size_pictures,
                dialog_pictures,
                rate_test_pictures,
                plot_pictures,
                finding_pictures,
                guide_pictures,
                rarer.pictures,
                panels.pictures,
                plots.pictures,
                dialogs.pictures,
            )
        )
    application.quit()
    return int(studio.failed)


def main() -> int:
    """All looks, each in a process of its own: the scale is a process's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--look", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.look:
        return take_all(given.folder, given.look[0], int(given.look[1]), given.words)
    with tempfile.TemporaryDirectory(prefix="lrm-") as temporary:
        # They wait more than they work: all looks at once.
        looks = [_look(given, Path(temporary), theme, scale) for theme, scale in LOOKS]
        codes = [look.wait() for look in looks]
    return max(codes)


def _look(
    given: argparse.Namespace, temporary: Path, theme: str, scale: int
) -> subprocess.Popen[bytes]:
    home = temporary / f"{theme}-{scale}"
    home.mkdir()
    screens = home / "screens.json"
    screens.write_text(json.dumps({"screens": [SCREEN]}))
    env = {
        **os.environ,
        "QT_QPA_PLATFORM": f"offscreen:configfile={screens}",
        "QT_SCALE_FACTOR": str(scale),
        "HOME": str(home),
        "XDG_CONFIG_HOME": f"{home}/config",
        "LRMONITOR_RUNS": f"{home}/runs",
        "LRMONITOR_RUNTIME_DIR": f"{home}/run",
    }
    look = ["--look", theme, str(scale)]
    words = [sys.executable, "-m", "tests.app.pictures", str(given.folder), *given.words, *look]
    return subprocess.Popen(words, env=env)


if __name__ == "__main__":
    sys.exit(main())
