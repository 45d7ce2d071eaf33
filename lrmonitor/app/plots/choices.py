"""What a person chose of the plots, as it is kept in the settings and taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lrmonitor.model.axis import RELATIVE, STEP, WALL

if TYPE_CHECKING:
    from .pane import PlotPane

__all__ = ["choices_of", "take_choices"]


def choices_of(pane: PlotPane) -> dict[str, Any]:
    """The choices, of plain values."""
    metrics = pane.metrics
    calm = [name for name, chart in (("loss", pane.loss), ("rate", pane.rate)) if chart.calm]
    return {
        "loss_log": pane.loss.log,
        "rate_log": pane.rate.log if pane.rate_scale_chosen else None,
        "smoothing": pane.tools.smoothing(),
        "metrics": dict(metrics.choice),
        "order": list(metrics.order),
        "logs": sorted(metrics.logs),
        "calm": [*calm, *sorted(metrics.calm)],
        "axis": pane.placing.kind,
    }


def take_choices(pane: PlotPane, choices: Mapping[str, Any]) -> None:
    """Take them up; what is missing, or is not what it should be, is left as it is."""
    metrics = pane.metrics
    kept = choices.get("metrics")
    if isinstance(kept, dict):
        metrics.choice = {str(key): bool(on) for key, on in kept.items()}
    metrics.order = _names(choices, "order")
    metrics.logs = set(_names(choices, "logs"))
    calm = set(_names(choices, "calm"))
    pane.loss.set_calm("loss" in calm)
    pane.rate.set_calm("rate" in calm)
    metrics.calm = calm - {"loss", "rate"}
    for key, chart in metrics.charts.items():
        chart.set_log(key in metrics.logs)
        chart.set_calm(key in metrics.calm)
    # Not every run tells its epochs: that axis is for the run on which it was chosen.
    if choices.get("axis") in (RELATIVE, WALL) and pane.placing.kind == STEP:
        pane.set_axis(str(choices["axis"]))
    smoothing = choices.get("smoothing")
    if isinstance(smoothing, (int, float)):
        pane.tools.set_smoothing(int(smoothing))
    pane.set_smoothing(pane.tools.smoothing())
    if choices.get("loss_log") is not None:
        pane.set_loss_log(bool(choices["loss_log"]))
    if choices.get("rate_log") is not None:
        pane.rate_scale_chosen = True
        pane.set_rate_log(bool(choices["rate_log"]))


def _names(choices: Mapping[str, Any], key: str) -> list[str]:
    found = choices.get(key)
    return [str(name) for name in found] if isinstance(found, list) else []
