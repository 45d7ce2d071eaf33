"""The panels in each of their modes, the menus, and the toolbar where it has no room."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDockWidget, QMenu, QToolButton, QWidget

from tests.app.folders import RunFolder, cosine, falling
from tests.app.studio import ERROR, Studio

if TYPE_CHECKING:
    from lrmonitor.app.window import MainWindow

__all__ = ["pictures"]

COSINE = {"kind": "cosine", "start": 4e-4, "end": 1e-5, "length": 500, "then": "hold"}


def pictures(studio: Studio) -> None:
    """Control, runs, journal, console, groups, menus."""
    studio.each((control, runs, journal, console, groups, menus))


def _overridden(run: RunFolder, mode: str, value: float | None, **more: Any) -> RunFolder:
    """A change of the rate that took effect, and steps under it."""
    kind = {"set": "scale", "freeze": "hold", "follow": "none"}.get(mode, mode)
    run.command("m", mode, value)
    step = run.step + 1
    before = cosine(step)
    factor = {"set": (value or 0.0) / before}.get(mode, value)
    inner = {"freeze": 0.0, "set": factor, "follow": None, "plan": None}.get(mode, value)

    def effective(at: int) -> float:
        if "ramp" in more:
            return float(before * ((value or 0.0) / before) ** min((at - step + 1) / 400, 1.0))
        if mode == "plan":
            return 1e-5 + 3.9e-4 * cosine(at - step, 1.0, 500)
        if mode in ("set", "scale"):
            return float((factor or 0.0) * cosine(at))
        return {"freeze": 0.0, "follow": cosine(at)}.get(mode, value or 0.0)

    told = {"optimizer": 0, "group": 0, "scheduled": before, "previous": before}
    told["effective"] = effective(step)
    override = {"optimizer": 0, "group": 0, "kind": kind, "value": inner, **more}
    run.event(
        "rates", id="m", step=step, mode=mode, value=value, overrides=[override], groups=[told]
    )
    run.event(
        "acknowledgement", id="m", status="applied", step=step, reason=None, warning=None,
        groups=[told],
    )  # fmt: skip
    return run.train(60, effective=effective)


def control(studio: Studio) -> None:
    """The control panel for each override, and its lists opened."""
    modes: dict[str, tuple[str, float | None, dict[str, Any]]] = {
        "follow": ("follow", None, {}),
        "scale": ("scale", 0.5, {}),
        "set": ("set", 3e-4, {}),
        "hold": ("hold", 3e-4, {}),
        "freeze": ("freeze", None, {}),
        "plan": ("plan", None, {"plan": COSINE, "from": 801}),
        "ramp": ("hold", 3e-4, {"ramp": {"steps": 400, "start": cosine(801), "from": 801}}),
    }
    for name, (mode, value, more) in modes.items():
        if studio.wants(f"control-{name}"):
            window = studio.window(_overridden(studio.trained(), mode, value, **more))
            assert window.view is not None
            studio.take(f"control-{name}", window.view.control)
            studio.close(window)
    if studio.wants("control-several"):
        run = studio.run(ago=32).register((("AdamW", 3), ("SGD", 1))).train(800)
        window = studio.window(run)
        assert window.view is not None
        studio.take("control-several", window.view.control)
        studio.close(window)
    if studio.wants("control-waiting"):
        run = studio.trained()
        run.command("w", "hold", 3e-4)
        window = studio.window(run)
        assert window.view is not None
        assert window.session is not None
        window.session.commander.send = lambda command: ""  # type: ignore[method-assign]
        window.session.pause()
        studio.pass_time(1.2)
        studio.take("control-waiting", window.view.control)
        studio.close(window)
    if studio.wants("control-problem"):
        window = studio.window(studio.trained())
        assert window.view is not None
        assert window.session is not None
        window.session.problem.emit("The run's control endpoint does not answer (5 s).")
        studio.pass_time(0.4)
        studio.take("control-problem", window.view.control)
        studio.close(window)
    if studio.wants("control-modes"):
        window = studio.window(studio.trained())
        assert window.view is not None
        choice = window.view.control.entry.mode
        choice.showPopup()
        studio.take("control-modes", choice.view().window())
        choice.hidePopup()
        studio.close(window)


def runs(studio: Studio) -> None:
    """The list of runs: searched, ticked, deleted from, its menu."""
    names = ("all", "search", "none-found", "ticked", "deleted", "menu")
    if not any(studio.wants(f"runs-{name}") for name in names):
        return
    run = studio.trained(12345)
    ends: dict[str, tuple[int | None, str | None]] = {
        "a-run-with-a-long-name-of-its-own": (0, None),
        "resnet": (1, None),
    }
    ends |= {"mnist": (None, "SIGKILL")}
    for name, (code, signal) in ends.items():
        other = RunFolder(run.path.parent, name, created=time.time() - 9000)
        other.launch(alive=False).register().train(300)
        other.exited(code, signal)
    RunFolder(run.path.parent, "broken", created=time.time() - 9500)
    (run.path.parent / "20260101-101112-brok" / "run.json").write_text("{")
    window = studio.window(run)
    studio.pass_time(2.0)
    panel = window.runs
    if studio.wants("runs-all") or studio.wants("runs-search"):
        studio.take("runs-all", panel)
        panel.search.setText("mni|res")
        studio.take("runs-search", panel)
    if studio.wants("runs-none-found"):
        panel.search.setText("transformer")
        studio.take("runs-none-found", panel)
    panel.search.clear()
    lines = [line for line in panel.roster.lines.values() if line.problem is None]
    if studio.wants("runs-menu"):
        for name, live in (("runs-menu-live", True), ("runs-menu", False)):
            line = next(line for line in lines if line.live is live)
            _take_menu(studio, name, panel.menu_for(line), window)
    if studio.wants("runs-ticked"):
        for line in lines[:1]:
            panel.model.tick(line.folder)
        studio.take("runs-ticked-one", panel)
        for line in lines[1:3]:
            panel.model.tick(line.folder)
        studio.take("runs-ticked", panel)
        for line in lines[:3]:
            panel.model.tick(line.folder)
    if studio.wants("runs-deleted"):
        window.delete_run(next(line.folder for line in lines if line.name == "mnist"))
        studio.pass_time(0.5)
        studio.take("runs-deleted", panel)
    studio.close(window)


def events(run: RunFolder) -> RunFolder:
    """Everything that is marked on the plots: changes, a pause, a snapshot, a rewind, a note."""
    run.event("snapshot", id=1, step=run.step, bytes=48_000_000, seconds=0.02, why="command")
    run.train(100)
    run.event("paused")
    run.now += 5
    run.event("resumed")
    run.train(60)
    run.note("the images of class 3 look odd")
    run.train(60, loss=lambda step: falling(step) * 1.01 ** (step - 600))
    step = run.step
    run.event("command", id="r", command="rewind", args={"to": 400, "scale": 0.3}, by=_BY)
    run.event(
        "rewound", id="r", step=step, to=400, rng=False, scale=0.3, seconds=0.02, snapshot=1,
        **{"from": step},
    )  # fmt: skip
    run.event("acknowledgement", id="r", status="applied", step=step, reason=None, warning=None,
              groups=[], detail={"to": 400, "from": step, "snapshot": 1})  # fmt: skip
    run.train(200, loss=lambda s: falling(400 + s - step))
    run.event("checkpoint", step=run.step, path="/home/ann/best.pt", bytes=48_000_000)
    run.command("h", "hold", 2e-4)
    run.applied("h", "hold", 2e-4, ("hold", 2e-4), 3e-4, 2e-4)
    return run.train(150, effective=lambda s: 2e-4)


_BY = {"who": "person", "via": "window", "name": "ann"}


def journal(studio: Studio) -> None:
    """With everything in it, filtered, with nothing found; its menu."""
    if not any(studio.wants(f"journal-{name}") for name in ("full", "filter", "none", "menu")):
        return
    from lrmonitor.app.panels.journal import JournalPanel

    window = studio.window(events(studio.trained(400)))
    window.resize(1600, 1000)
    window.docks.show("journal")
    panel = window.docks.widget("journal")
    assert isinstance(panel, JournalPanel)
    studio.take("journal-full", window)
    panel.search.setText("step 4")
    studio.take("journal-filter", panel)
    panel.search.setText("quantum")
    studio.take("journal-none", panel)
    panel.search.clear()
    for button in panel.findChildren(QToolButton):
        menu = button.menu()
        if menu is not None:
            _take_menu(studio, "journal-menu", menu, window)
    studio.close(window)


def console(studio: Studio) -> None:
    """Without output, searched, with colours."""
    if studio.wants("console-empty"):
        window = studio.window(studio.run(ago=20))
        window.docks.show("console")
        studio.take("console-empty", window)
        studio.close(window)
    if studio.wants("console-colours") or studio.wants("console-not-found"):
        run = studio.trained()
        colours = "".join(f"\x1b[{30 + n}mcolour {n}\x1b[0m \x1b[{90 + n}mbright {n}\x1b[0m  "
                          f"\x1b[{40 + n}mground {n}\x1b[0m\n" for n in range(8))  # fmt: skip
        with open(run.path / "console.log", "a") as log:
            log.write(colours + ERROR)
        window = studio.window(run)
        window.resize(1280, 1100)
        window.docks.show("console")
        frame = window.findChild(QDockWidget, "console")
        assert frame is not None
        window.resizeDocks([frame], [560], Qt.Orientation.Vertical)
        view = window.view
        assert view is not None
        assert view.console is not None
        studio.pass_time(0.5)
        view.console.open_search()
        view.console.search.setText("loss")
        studio.pass_time(0.5)
        studio.take("console-colours", view.console)
        view.console.search.setText("nowhere")
        studio.pass_time(0.5)
        studio.take("console-not-found", view.console)
        studio.close(window)


def groups(studio: Studio) -> None:
    """A cell that is edited, with its warning."""
    if not studio.wants("groups-edited"):
        return
    from lrmonitor.app.panels.groups import GroupsPanel

    run = studio.run(ago=32).register((("AdamW", 3), ("SGD", 1))).train(800)
    window = studio.window(run)
    window.docks.show("groups")
    panel = window.docks.widget("groups")
    assert isinstance(panel, GroupsPanel)
    panel.view.setFocus()
    panel.view.pick(1)
    QTest.keyClicks(panel.view, "5")
    field = panel.view.indexWidget(panel.view.currentIndex())
    assert field is not None
    QTest.keyClicks(field, "e-4")
    studio.pass_time(0.6)
    studio.take("groups-edited", window)
    studio.close(window)


def menus(studio: Studio) -> None:
    """The menus of the window, of the toolbar where it is narrow, and of the series."""
    if not studio.wants("menus"):
        return
    run = studio.run(ago=32).register()
    run.declare("accuracy", "metric", None, None)
    run.declare("val_loss", "metric", None, None)
    run.train(800)
    window = studio.window(run)
    for action in window.menuBar().actions():
        menu = action.menu()
        if isinstance(menu, QMenu):
            _take_menu(studio, f"menus-{menu.title().strip('&').lower()}", menu, window)
    view = window.view
    assert view is not None
    assert view.plots is not None
    for button in view.plots.tools.findChildren(QToolButton):
        menu = button.menu()
        if menu is not None and not button.isHidden():
            _take_menu(studio, "menus-series", menu, window)
    window.resize(430, 600)
    studio.pass_time(0.5)
    extension = window.toolbar.findChild(QToolButton, "qt_toolbar_ext_button")
    assert extension is not None
    extension.click()
    studio.take("menus-overflow", window)
    studio.close(window)


def _take_menu(studio: Studio, name: str, menu: QWidget, window: MainWindow) -> None:
    assert isinstance(menu, QMenu)
    menu.popup(window.mapToGlobal(QPoint(200, 200)))
    studio.take(name, menu)
    menu.close()
