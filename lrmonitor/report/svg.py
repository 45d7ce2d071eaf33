"""Curves as SVG text, with no more points than can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import numpy.typing as npt

from lrmonitor.model.pyramid import Pyramid
from lrmonitor.record.reader import Series, Steps
from lrmonitor.report.scale import Floats, Scale, fitted

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1000, 70, 12, 12, 26
COLUMNS = 900
"""Columns of a drawing: at most twice as many points are in a curve."""

MOST_MARKS = 300


@dataclass(frozen=True)
class Curve:
    """A curve: points of shape (n,) by ascending step. `style` is a class of the style sheet;
    `steps` draws it as a staircase that ends at the drawing's last step. One without a `name` is a
    further piece of one that has it."""

    step: Steps
    value: Floats
    style: str
    name: str
    steps: bool = False


@dataclass(frozen=True)
class Mark:
    """An event at a step: a line from top to bottom with its words."""

    step: int
    text: str


@dataclass(frozen=True)
class Shade:
    """Steps that are shaded; `style` is a class of the style sheet."""

    first: int
    last: int
    style: str
    text: str


@dataclass
class Drawing:
    """Some curves over the same steps, from `first` to `last`."""

    title: str
    curves: list[Curve]
    first: int
    last: int
    height: int = 260
    marks: Sequence[Mark] = field(default_factory=tuple)
    shades: Sequence[Shade] = field(default_factory=tuple)

    def svg(self) -> str:
        """The drawing as an SVG element."""
        along = Scale(self.first, max(self.last, self.first + 1), LEFT, WIDTH - RIGHT)
        drawn = [sampled(c.step, c.value, self.first, self.last, COLUMNS) for c in self.curves]
        lines = [
            staircase(x, y, self.last) if curve.steps else (x, y)
            for curve, (x, y, _) in zip(self.curves, drawn, strict=True)
        ]
        values = [y for _, y in lines]
        up = fitted(np.concatenate(values) if values else np.empty(0), self.height - BOTTOM, TOP)
        parts = [
            f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" '
            f'aria-label="{escape(self.title)}">',
            *self._shades(along),
            *self._axes(along, up),
            *self._marks(along),
        ]
        for curve, (x, y) in zip(self.curves, lines, strict=True):
            path = _path(along.of(x), up.of(y))
            if path:
                parts.append(f'<path class="{curve.style}" d="{path}"/>')
        parts += self._lost(along, [lost for _, _, lost in drawn])
        return "".join([*parts, "</svg>"])

    def legend(self) -> str:
        """The names of the curves, each with its line."""
        return "".join(
            f'<span class="key"><svg viewBox="0 0 24 8" width="24" height="8" aria-hidden="true">'
            f'<path class="{curve.style}" d="M1 4H23"/></svg>{escape(curve.name)}</span>'
            for curve in self.curves
            if curve.name
        )

    def _axes(self, along: Scale, up: Scale) -> list[str]:
        parts = []
        for y, text in up.ticks(5):
            parts.append(
                f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
                f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
            )
        for x, text in along.ticks(8):
            parts.append(
                f'<text x="{x:.1f}" y="{self.height - 8}" text-anchor="middle">{text}</text>'
            )
        bottom = self.height - BOTTOM
        parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>')
        return parts

    def _shades(self, along: Scale) -> list[str]:
        shown = self.shades[:MOST_MARKS]
        height = self.height - BOTTOM - TOP
        parts = []
        for shade in shown:
            first, last = along.of(np.array([shade.first, shade.last], np.float64)).tolist()
            parts.append(
                f'<rect class="shade {shade.style}" x="{first:.1f}" y="{TOP}" '
                f'width="{max(last - first, 2):.1f}" height="{height}">'
                f"<title>{escape(shade.text)}</title></rect>"
            )
        return parts

    def _marks(self, along: Scale) -> list[str]:
        bottom = self.height - BOTTOM
        shown = self.marks[:MOST_MARKS]
        places = along.of(np.array([m.step for m in shown], np.float64))
        return [
            f'<g class="mark"><path d="M{x:.1f} {TOP}V{bottom}"/><title>step {mark.step}: '
            f"{escape(mark.text)}</title></g>"
            for x, mark in zip(places.tolist(), shown, strict=True)
        ]

    def _lost(self, along: Scale, found: list[Floats]) -> list[str]:
        """Values that are not finite, as marks on the axis."""
        bottom = self.height - BOTTOM
        steps = np.unique(np.concatenate(found)) if found else np.empty(0)
        return [
            f'<path class="lost" d="M{x:.1f} {bottom}l-4 -8h8z"><title>step {int(step)}: no finite '
            "value</title></path>"
            for x, step in zip(along.of(steps).tolist(), steps.tolist(), strict=True)
        ]


def sampled(
    step: Steps, value: Floats, first: int, last: int, columns: int
) -> tuple[Floats, Floats, Floats]:
    """What is drawn of points by ascending step, shape (n,), between two steps: x and y with the
    least and the greatest value of each column (nan where a value is not finite), and the steps
    whose value is not, about one for each three columns."""
    begin, end = np.searchsorted(step, first, "left"), np.searchsorted(step, last, "right")
    if begin >= end:
        return np.empty(0), np.empty(0), np.empty(0)
    pyramid = Pyramid()
    pyramid.update(value)
    width = (last - first) / columns
    index = pyramid.sample(step, int(begin), int(end), width)
    index = np.unique(np.append(index, (begin, end - 1)))
    y = value[index].astype(np.float64)
    y[~np.isfinite(y)] = np.nan
    lost = pyramid.unplaced(step, int(begin), int(end), 3 * width)
    return step[index].astype(np.float64), y, step[lost].astype(np.float64)


def ordered(series: Series) -> tuple[Steps, Floats]:
    """Steps and values of a series by ascending step."""
    if series.ascending:
        return series.step, series.value
    order = np.argsort(series.step, kind="stable")
    return series.step[order], series.value[order]


def pieces(series: Series, after: Sequence[int] = ()) -> list[tuple[Steps, Floats]]:
    """Steps and values of a series, parted where its steps go back and after the steps `after`: as
    something was taken up again there, nothing joins the one with the other."""
    step, value = series.step, series.value
    back = (np.flatnonzero(np.diff(step) < 0) + 1).tolist()
    found: list[tuple[Steps, Floats]] = []
    for steps, values in zip(np.split(step, back), np.split(value, back), strict=True):
        places = np.searchsorted(steps, sorted(after), "right")
        places = places[(places > 0) & (places < len(steps))]
        found += zip(np.split(steps, places), np.split(values, places), strict=True)
    return found


def staircase(x: Floats, y: Floats, end: float) -> tuple[Floats, Floats]:
    """The corners of a line that keeps each value until the next, shapes (n,) → (2n,)."""
    if not len(x):
        return x, y
    corners = np.repeat(x, 2)
    corners = np.append(corners[1:], max(end, float(x[-1])))
    return corners, np.repeat(y, 2)


def _path(x: Floats, y: Floats) -> str:
    """An SVG path that breaks where a value is missing, and shows one that stands alone."""
    parts: list[str] = []
    good: npt.NDArray[np.bool_] = np.isfinite(x) & np.isfinite(y)
    pen = False
    for at, (a, b, here) in enumerate(zip(x.tolist(), y.tolist(), good.tolist(), strict=True)):
        if here:
            parts.append(f"{'L' if pen else 'M'}{a:.1f} {b:.1f}")
            if not pen and not (at + 1 < len(good) and good[at + 1]):
                parts.append("h.1")
        pen = here
    return "".join(parts)
