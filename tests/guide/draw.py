"""The guide's pictures as small SVG files: curves in stacked panels over one horizontal axis.

Curves are named at their right ends, and differ in dashes as well as in colour. What the classes
look like is `lrmonitor.app.guide.pictures`' to say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import numpy.typing as npt

from lrmonitor.model.smoothing import ema, weight_of
from lrmonitor.report.scale import Scale, short
from lrmonitor.report.svg import sampled, staircase

Floats = npt.NDArray[np.float64]

WIDTH, LEFT, RIGHT, TOP, GAP, BOTTOM = 640, 56, 136, 22, 30, 30
COLUMNS = 230
"""Columns of a drawing: at most twice as many points are in a curve."""
LINE = 15.0
"""The least distance of two names, in pixels."""


@dataclass(frozen=True)
class Line:
    """A curve: points of shape (n,) by ascending x. `span` smooths it over so many values and
    draws what was smoothed behind it, and a mark where values stop being finite; `stairs` keeps
    each value until the next."""

    x: npt.ArrayLike
    y: npt.ArrayLike
    name: str
    colour: int = 0
    span: int = 0
    stairs: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves over each other. `top` cuts off what is above; `band` is a stretch of x that is
    shaded; `marks` are lines at an x with their words."""

    title: str
    lines: Sequence[Line]
    height: int = 150
    log: bool = False
    top: float = math.inf
    band: tuple[float, float] | None = None
    marks: Sequence[tuple[float, str]] = field(default_factory=tuple)


@dataclass(frozen=True)
class Picture:
    """Panels over one axis; `words` tell a reader of the screen what is to be seen."""

    name: str
    words: str
    panels: Sequence[Panel]
    x_title: str = "step"
    x_log: bool = False

    def svg(self, style: str, dark: str) -> str:
        """The file's text, with the style sheet for light and that for dark surroundings."""
        height = TOP + sum(p.height for p in self.panels) + GAP * (len(self.panels) - 1) + BOTTOM
        xs = np.concatenate([_finite(line.x) for panel in self.panels for line in panel.lines])
        along = _scale(xs, LEFT, WIDTH - RIGHT, self.x_log, spare=0.0)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img"><title>{escape(self.words)}</title>'
            f"<style>{style}@media(prefers-color-scheme:dark){{{dark}}}</style>"
        ]
        top = TOP
        for panel in self.panels:
            last = panel is self.panels[-1]
            parts += _panel(panel, along, top, self.x_title if last else "")
            top += panel.height + GAP
        return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, along: Scale, top: int, x_title: str) -> list[str]:
    bottom = top + panel.height
    right = WIDTH - RIGHT
    curves = [_drawn(line) for line in panel.lines]
    everything = np.concatenate([_finite(y) for _, y, _, raw in curves for y in (y, raw)])
    up = _scale(np.minimum(everything, panel.top), bottom, top, panel.log, spare=0.06)
    parts = [_text(LEFT - 48, top - 8, panel.title)]
    if panel.band is not None:
        a, b = along.of(np.array(panel.band)).tolist()
        parts.append(
            f'<rect class="band" x="{a:.1f}" y="{top}" width="{max(b - a, 2):.1f}" '
            f'height="{panel.height}"/>'
        )
    for y, text in _ticks(up, 4):
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>')
        parts.append(_text(LEFT - 7, y + 4, text, "q", "end"))
    if x_title:
        parts += [_text(x, bottom + 16, text, "q", "middle") for x, text in _ticks(along, 6)]
        parts.append(_text(right + 29, bottom + 16, x_title, "q"))
    parts.append(f'<path class="axis" d="M{LEFT} {top}V{bottom}H{right}"/>')
    high = panel.top
    for line, (_, _, raw_x, raw) in zip(panel.lines, curves, strict=True):
        if line.span:
            path = _path(along.of(raw_x), up.of(np.minimum(raw, high)))
            parts.append(f'<path class="r{line.colour}" d="{path}"/>')
    names = []
    for line, (x, points, _, _) in zip(panel.lines, curves, strict=True):
        shown = up.of(np.minimum(points, high))
        dashed = line.colour % 4 and len(panel.lines) > 1
        dash = f" d{line.colour % 4}" if dashed else ""
        parts.append(f'<path class="c{line.colour}{dash}" d="{_path(along.of(x), shown)}"/>')
        if line.dots:
            parts += [
                f'<circle class="c{line.colour}" cx="{a:.1f}" cy="{b:.1f}" r="3"/>'
                for a, b in zip(along.of(x).tolist(), shown.tolist(), strict=True)
                if math.isfinite(b)
            ]
        good = np.flatnonzero(np.isfinite(shown))
        if line.name and len(good):
            end = (float(along.of(x)[good[-1]]), float(shown[good[-1]]))
            names.append((end, line.name, f"c{line.colour}{dash}"))
        broken = np.flatnonzero(~np.isfinite(np.asarray(line.y, np.float64)))
        if line.span and len(broken):
            spot = float(along.of(np.asarray(line.x, np.float64)[broken[:1]])[0])
            parts.append(f'<path class="lost" d="M{spot:.1f} {bottom}l-5 -9h10z"/>')
    parts += _named(names, right, top, bottom)
    for at, (x_mark, words) in enumerate(panel.marks):
        place = float(along.of(np.array([x_mark]))[0])
        parts.append(f'<path class="mark" d="M{place:.1f} {top}V{bottom}"/>')
        # Words stand where there is room: before a mark that is far right, or has another behind.
        before = place > LEFT + 0.62 * (right - LEFT) or at + 1 < len(panel.marks)
        anchor = "end" if before else ""
        parts.append(_text(place + (-6 if before else 6), top + 11, words, "", anchor))
    return parts


def _drawn(line: Line) -> tuple[Floats, Floats, Floats, Floats]:
    """Of a curve the points of the line, (n,) twice, and those of what is drawn behind it."""
    x, y = np.asarray(line.x, np.float64), np.asarray(line.y, np.float64)
    if line.stairs:
        changes = np.flatnonzero(np.append(True, y[1:] != y[:-1]))
        if len(changes) < len(y) / 4:
            x_s, y_s = staircase(x[changes], y[changes], float(x[-1]))
            return x_s, y_s, x_s, y_s
    if not line.span:
        keep = np.isfinite(y)
        x, y = x[keep], y[keep]
        if len(x) > 2 * COLUMNS:
            chosen = np.unique(np.linspace(0, len(x) - 1, COLUMNS).round().astype(int))
            x, y = x[chosen], y[chosen]
        return x, y, x, y
    smooth = (
        np.exp(ema(np.log(y), weight_of(line.span)))
        if (y > 0).all()
        else ema(y, weight_of(line.span))
    )
    smooth[~np.isfinite(y)] = np.nan
    steps = np.arange(len(x))
    at, raw, _ = sampled(steps.astype(np.int64), y, 0, len(x) - 1, COLUMNS)
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), COLUMNS)).round().astype(int))
    return x[chosen], smooth[chosen], x[at.astype(int)], raw


def _scale(values: Floats, begin: float, end: float, log: bool, spare: float) -> Scale:
    good = values[values > 0] if log else values
    low, high = float(good.min()), float(good.max())
    if log:
        low, high = math.log10(low), math.log10(high)
    room = spare * ((high - low) or 1.0)
    return Scale(low - room, high + room, begin, end, log)


def _ticks(scale: Scale, count: int) -> list[tuple[float, str]]:
    if not scale.log:
        return scale.ticks(count)
    first, last = math.floor(scale.low), math.ceil(scale.high)
    digits = (1,) if scale.high - scale.low > 2 else (1, 2, 5)
    values = [d * 10.0**n for n in range(first, last + 1) for d in digits]
    inside = [v for v in values if scale.low - 1e-9 <= math.log10(v) <= scale.high + 1e-9]
    if len(inside) > 2 * count:
        inside = inside[:: math.ceil(len(inside) / count)]
    places = scale.of(np.array(inside))
    return [(float(p), short(float(f"{v:.6g}"))) for p, v in zip(places, inside, strict=True)]


def _named(
    names: list[tuple[tuple[float, float], str, str]], right: int, top: int, bottom: int
) -> list[str]:
    """The curves' names beside their ends, no nearer to each other than can be read."""
    names = sorted(names, key=lambda one: one[0][1])
    places = [end[1] for end, _, _ in names]
    for _ in range(200):
        for i in range(len(places) - 1):
            near = LINE - (places[i + 1] - places[i])
            if near > 0:
                places[i] -= near / 2
                places[i + 1] += near / 2
        places = [min(max(p, top + 2), bottom - 8) for p in places]
    parts = []
    for place, (_, name, style) in zip(places, names, strict=True):
        parts.append(f'<path class="{style}" d="M{right + 8} {place:.1f}h16"/>')
        parts.append(_text(right + 29, place + 4, name))
    return parts


def _text(x: float, y: float, words: str, style: str = "", anchor: str = "") -> str:
    kind = f' class="{style}"' if style else ""
    where = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}"{where}>{escape(words)}</text>'


def _path(x: Floats, y: Floats) -> str:
    """A path in steps of a tenth of a pixel, broken where a value is missing."""
    parts: list[str] = []
    pen: tuple[int, int] | None = None
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if not (math.isfinite(a) and math.isfinite(b)):
            pen = None
            continue
        at = (round(a * 10), round(b * 10))
        if pen is None:
            parts.append(f"M{at[0] / 10:g} {at[1] / 10:g}")
        else:
            dx, dy = (at[0] - pen[0]) / 10, (at[1] - pen[1]) / 10
            parts.append(f"l{dx:g} {dy:g}".replace(" -", "-"))
        pen = at
    return "".join(parts)


def _finite(values: npt.ArrayLike) -> Floats:
    array = np.asarray(values, np.float64)
    return array[np.isfinite(array)]
