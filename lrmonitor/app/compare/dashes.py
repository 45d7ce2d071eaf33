"""Dashed lines that cost no more than solid ones.

Qt works out the dashes of a wide line from its outline, which takes tens of milliseconds a frame
where a curve has hundreds of points. Here the line itself has gaps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt

from ..plots.curves import Span

Floats = NDArray[np.float64]

__all__ = ["PATTERNS", "Dashes", "dashed"]

PATTERNS: dict[Qt.PenStyle, str] = {
    Qt.PenStyle.DashLine: "111100",
    Qt.PenStyle.DotLine: "100",
    Qt.PenStyle.DashDotLine: "11110010",
}
"""Pieces of line and gaps, in equal units."""

UNITS = 220
"""Units across what is visible, about: each is some pixels wide."""


@dataclass(frozen=True)
class Dashes:
    """The gaps of lines of this style; a `plots.curves.Dash`."""

    style: Qt.PenStyle

    def unit(self, width: float) -> float:
        """Steps of the shortest piece in a view that is so many steps wide; 0 without dashes."""
        return _unit(width) if self.style in PATTERNS else 0.0

    def put(self, x: Floats, y: Floats, span: Span) -> tuple[Floats, Floats]:
        """The line with its gaps."""
        return dashed(x, y, span, self.style)


def _unit(width: float) -> float:
    return float(2.0 ** round(math.log2(max(width / UNITS, 1e-9))))


def dashed(x: Floats, y: Floats, span: Span, dash: Qt.PenStyle) -> tuple[Floats, Floats]:
    """A line (x ascending, y; nan is a gap), shapes (n,), as one with the gaps of its dash.

    The gaps stand at fixed places of the axis, so that they do not crawl as the view moves. Between
    its points the line is straight, which is what is drawn of a solid one too.
    """
    pattern = PATTERNS.get(dash)
    if pattern is None or len(x) < 2 or np.isnan(x).any():
        return x, y  # steps that go back make several lines: they are drawn as they are
    unit = _unit((span.high - span.low) / span.share)
    on = np.array([mark == "1" for mark in pattern])
    first = math.floor(max(span.low, float(x[0])) / unit)
    last = math.ceil(min(span.high, float(x[-1])) / unit)
    if last <= first:
        return x, y
    edges = np.arange(first, last + 1, dtype=np.float64) * unit
    marks = on[(np.arange(first, last) % len(on)).astype(np.int64)]
    # The points of the line that lie on a piece, and the ends of the pieces.
    inside = (x >= edges[0]) & (x <= edges[-1])
    unit_of = np.clip(np.floor(x / unit).astype(np.int64) - first, 0, len(marks) - 1)
    kept = inside & marks[unit_of]
    starts, ends = edges[:-1][marks], edges[1:][marks]
    # A gap after each piece that no other follows.
    follows = np.append(marks[1:], False)[marks]
    gaps = ends[~follows]
    joints = np.concatenate((starts, ends[~follows]))
    xs = np.concatenate((x[kept], joints, gaps))
    ys = np.concatenate((y[kept], np.interp(joints, x, y), np.full(len(gaps), np.nan)))
    # Stable: at one place the point of the line, then the joint, then the gap.
    order = np.argsort(xs, kind="stable")
    return xs[order], ys[order]
