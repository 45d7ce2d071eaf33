"""A page of curves with their findings, for looking at mistakes. One file, pictures as SVG
inside."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lrmonitor.diagnosis import Finding

if TYPE_CHECKING:
    from tests.benchmarks.diagnosis.measures import Told

WIDTH, HEIGHT = 460, 130
COLOURS = {"info": "#3b82c4", "warning": "#c98a00", "critical": "#c93030"}
_STYLE = (
    "body{font:13px sans-serif;margin:16px;background:#fff;color:#222}"
    "section{display:inline-block;width:470px;vertical-align:top;margin:4px 8px 14px 0}"
    "h3{font-size:13px;margin:2px 0}p{margin:2px 0}svg{background:#f6f6f6}"
)


def write_page(path: Path, part: str, told: Sequence[Told]) -> None:
    """One picture a run: its loss, the findings as regions and lines, the label."""
    parts = [f"<h1>Diagnosis, {part} tasks</h1>"]
    for t in told:
        run = t.run
        label = (
            f"harmful from {run.onset}" if run.harmful
            else "healthy" if run.healthy
            else "too low a rate" if run.too_low
            else "flat" if run.flat
            else "neither"
        )  # fmt: skip
        parts.append(
            section(
                f"{run.key}: {label}, end {run.end:.2f}",
                run.curve.step,
                run.curve.loss,
                t.findings,
                run.onset,
            )
        )
    path.write_text(document(parts), "utf-8")


def document(parts: Sequence[str]) -> str:
    """The page around its parts."""
    return f"<!doctype html><meta charset='utf-8'><style>{_STYLE}</style>" + "\n".join(parts)


def section(
    title: str,
    step: npt.NDArray[np.int64],
    loss: npt.NDArray[np.float64],
    findings: Sequence[Finding],
    onset: int | None = None,
    note: str = "",
) -> str:
    """A curve with its findings, as HTML."""
    row = np.arange(len(step), dtype=np.float64)
    finite = np.isfinite(loss)
    if not finite.any():
        return ""
    positive = bool((loss[finite] > 0).all())
    shown = np.log10(np.where(finite & (loss > 0), loss, np.nan)) if positive else loss
    low, high = np.nanpercentile(shown[finite], (0, 100))
    if not positive:
        low, high = np.nanpercentile(shown[finite], (1, 99))
    high = min(high, low + 6) if positive else high
    span = (high - low) or 1.0

    def x(at: float) -> float:
        return at / max(len(step) - 1, 1) * WIDTH

    def place(at: int) -> float:
        found = np.flatnonzero(step >= at)
        return x(float(found[0]) if len(found) else len(step) - 1)

    thin = max(len(step) // 800, 1)
    points = [
        f"{x(row[i]):.1f},{HEIGHT * (high - float(np.clip(shown[i], low, high))) / span:.1f}"
        for i in range(0, len(step), thin)
        if finite[i] and not math.isnan(shown[i])
    ]
    marks, lines = [], []
    for f in findings:
        colour = COLOURS[f.severity]
        left, right, seen = (place(s) for s in (f.first_step, f.last_step, f.detected_step))
        marks.append(
            f"<rect x='{left:.1f}' width='{max(right - left, 1):.1f}' height='{HEIGHT}' "
            f"fill='{colour}' opacity='.12'/>"
            f"<line x1='{seen:.1f}' x2='{seen:.1f}' y2='{HEIGHT}' stroke='{colour}'/>"
        )
        text = f"{f.kind} ({f.cause}, {f.confidence:.0%}) at {f.detected_step}: {f.evidence.rule}"
        lines.append(f"<p style='color:{colour}'>{html.escape(text)}</p>")
    if onset is not None:
        marks.append(
            f"<line x1='{place(onset):.1f}' x2='{place(onset):.1f}' y2='{HEIGHT}' stroke='#000' "
            "stroke-dasharray='3'/>"
        )
    scale = f"{'log10 ' if positive else ''}{low:.3g} to {high:.3g}"
    return (
        f"<section><h3>{html.escape(title)}</h3><svg width='{WIDTH}' height='{HEIGHT}'>"
        f"{''.join(marks)}<polyline fill='none' stroke='#222' stroke-width='.7' "
        f"points='{' '.join(points)}'/></svg><p>steps {step[0]} to {step[-1]}, loss {scale}</p>"
        f"{''.join(lines[:12])}<p>{html.escape(note)}</p></section>"
    )
