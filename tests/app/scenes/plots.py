"""The plots in each of their modes, findings of each kind, and comparisons."""

from __future__ import annotations

import contextlib
import math
import time

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from lrmonitor.app.plots.pane import PlotPane
from tests.app.folders import RunFolder, falling
from tests.app.scenes.panels import events
from tests.app.studio import Studio

__all__ = ["pictures"]


def pictures(studio: Studio) -> None:
    """Plots, findings, comparisons."""
    studio.each((markers, scales, metrics, alarms, comparisons))


def _point(plots: PlotPane, step: float) -> None:
    view = plots.loss.view
    middle = QPointF(step, sum(view.ranges()[1]) / 2)  # in sight at every zoom
    plots._point(view.to_canvas(middle))


def markers(studio: Studio) -> None:
    """Every kind of mark, one that is pointed at, what a rewind looks like near."""
    if not studio.wants("marks"):
        return
    window = studio.window(events(studio.trained(400)))
    assert window.view is not None
    plots = window.view.plots
    assert plots is not None
    studio.take("marks", window)
    rewound = next(m for m in window.view.session.model.markers if m.kind == "rewound")
    _point(plots, rewound.step)
    studio.take("marks-rewound", window)
    plots._show_region(rewound.step - 60, rewound.step + 60)
    _point(plots, rewound.step + 20)
    studio.take("marks-near", window)
    studio.close(window)


def scales(studio: Studio) -> None:
    """Logarithmic axes, values that are no numbers, outliers, a stretch that is chosen, time."""
    names = ("log", "nan", "outliers", "zoom", "axis", "resumed", "one-step")
    if not any(studio.wants(f"plots-{name}") for name in names):
        return

    def loss(step: int) -> float:
        if step in (200, 201, 420):
            return math.nan
        return 40.0 if step in (300, 650) else falling(step) - 0.25

    run = studio.run(ago=32).register()
    for turn in range(10):
        run.event("loader", loader=0, iteration=turn + 1, batches=80, step=run.step)
        run.train(80, loss=loss)
    window = studio.window(run)
    plots = window.view.plots if window.view is not None else None
    assert plots is not None
    studio.take("plots-nan", window)
    plots.set_calm(plots.loss, True)
    studio.take("plots-outliers", window)
    plots.set_log(plots.loss, True)
    plots.set_log(plots.rate, True)
    _point(plots, 430)
    studio.take("plots-log", window)
    plots._leave()
    plots.set_log(plots.loss, False)
    _drag(plots, Qt.MouseButton.RightButton)
    studio.take("plots-zoom", window)
    _let_go(plots, Qt.MouseButton.RightButton)
    studio.take("plots-zoomed", window)
    for kind in ("relative", "wall", "epoch"):
        plots.set_axis(kind)
        studio.take(f"plots-axis-{kind}", window)
    studio.close(window)
    if studio.wants("plots-resumed"):
        run = studio.trained(500)
        run.step = 300
        run.train(400, loss=lambda s: falling(s) + 0.2)
        window = studio.window(run)
        studio.take("plots-resumed", window)
        studio.close(window)
    if studio.wants("plots-one-step"):
        run = studio.run(ago=2).register().train(1)
        window = studio.window(run)
        studio.take("plots-one-step", window)
        studio.close(window)


def _drag(plots: PlotPane, button: Qt.MouseButton) -> None:
    """Drag over a part of the loss, without letting go."""
    port = plots.canvas
    area = plots.loss.view.area
    places = [QPointF(area.left() + area.width() * x, area.center().y()).toPoint()
              for x in (0.3, 0.4, 0.5, 0.6)]  # fmt: skip
    kinds = [QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * 3]
    for kind, place in zip(kinds, places, strict=True):
        at = QPointF(place)
        event = QMouseEvent(kind, at, port.mapToGlobal(at), button, button, Qt.KeyboardModifier(0))
        QApplication.sendEvent(port, event)


def _let_go(plots: PlotPane, button: Qt.MouseButton) -> None:
    """End the drag where it is."""
    port = plots.canvas
    at = QPointF(plots.loss.view.area.center().toPoint())
    none = Qt.MouseButton.NoButton
    up = QEvent.Type.MouseButtonRelease
    event = QMouseEvent(up, at, port.mapToGlobal(at), button, none, Qt.KeyboardModifier(0))
    QApplication.sendEvent(port, event)


def metrics(studio: Studio) -> None:
    """More plots below the loss, and what is read in all of them."""
    if not studio.wants("plots-metrics"):
        return
    run = studio.run(ago=32).register()
    for name, kind in (("accuracy", "metric"), ("val_loss", "metric")):
        run.declare(name, kind, None, None)
    run.declare("grad_norm", "grad_norm", 0, None)
    for step in range(1, 801):
        run.train(1)
        run.add("grad_norm", 2.0 + math.sin(step / 7) * math.exp(-step / 300))
        if step % 80 == 0:
            run.add("accuracy", 1 - math.exp(-step / 200))
            run.add("val_loss", falling(step) * 1.1)
    window = studio.window(run)
    plots = window.view.plots if window.view is not None else None
    assert plots is not None
    window.resize(1280, 1000)
    for choice in plots.metrics.choices:
        if choice.key.endswith(("accuracy", "val_loss", "grad_norm")) and not choice.shown:
            plots.show_metric(choice.key, True)
    studio.pass_time(0.5)
    _point(plots, 400)
    studio.take("plots-metrics", window)
    studio.close(window)


def alarms(studio: Studio) -> None:
    """Findings of other kinds than the divergence, muted ones, one that is critical."""
    from lrmonitor.app.panels.findings import FindingsPanel

    courses = {
        "plateau": lambda s: max(falling(s), 0.9) + 0.02 * math.sin(s * 12.9),
        "nan": lambda s: falling(s) if s < 700 else math.nan,
        "spike": lambda s: falling(s) * (30 if s in (600, 601, 700) else 1),
    }
    for name, course in courses.items():
        names = (name, "snoozed", "dismissed") if name == "nan" else (name,)
        if not any(studio.wants(f"alarms-{n}") for n in names):
            continue
        run = studio.run(ago=60).register().train(1400 if name == "plateau" else 800, loss=course)
        window = studio.window(run)
        diagnosis = window.session.diagnosis if window.session is not None else None
        assert diagnosis is not None
        window.docks.show("findings")
        with contextlib.suppress(TimeoutError):
            studio.wait(lambda: diagnosis.told, 60.0)  # noqa: B023
        studio.pass_time(0.5)
        studio.take(f"alarms-{name}", window)
        panel = window.docks.widget("findings")
        assert isinstance(panel, FindingsPanel)
        if name == "nan":
            panel.snooze.click()
            studio.pass_time(0.5)
            studio.take("alarms-snoozed", window)
            panel.dismiss.click()
            panel.show_evidence.click()
            window.resize(1280, 1000)
            studio.pass_time(0.5)
            studio.take("alarms-dismissed", window)
        studio.close(window)


def comparisons(studio: Studio) -> None:
    """Relative to one of the runs; twenty of them; a pattern that nothing has."""
    if not studio.wants("compare-"):
        return
    folders = []
    home = studio.run(alive=False).path.parent
    for at in range(20):
        other = RunFolder(home, f"{at:02d}-lr-{2**at}e-6", created=time.time() - 900 * (at + 2))
        other.launch(alive=False).register()
        other.train(300, loss=lambda s, at=at: falling(s) * (1 + 0.05 * at)).exited(0)
        folders.append(other.path)
    window = studio.window()
    window.compare(folders[:4])
    studio.pass_time(1.5)
    assert window.compared is not None
    window.compared.set_baseline(1)
    studio.pass_time(0.6)
    studio.take("compare-baseline", window)
    window.compared.bar.pattern.setText("accuracy")
    studio.pass_time(0.6)
    studio.take("compare-nothing", window)
    studio.close(window)
    window = studio.window()
    window.compare(folders)
    studio.pass_time(2.5)
    studio.take("compare-20", window)
    studio.close(window)
