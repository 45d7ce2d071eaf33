"""Score the diagnosis and the published rules on one half of the tasks.

`python -m tests.benchmarks.diagnosis.score development|test [PAGE.html]` prints the tables of
docs/diagnosis.md, and writes a page of curves with their findings. Thresholds are tuned on the
development half only: ours by hand, those of the published rules over their grids here.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from lrmonitor.diagnosis import Chunk, Finding, diagnose
from tests.benchmarks.diagnosis.baselines import BASELINES, STAGNATION
from tests.benchmarks.diagnosis.cases import CASES
from tests.benchmarks.diagnosis.labels import Run, runs

UNSTABLE = ("non_finite", "spike", "divergence", "oscillation", "exploding_gradient")
STAGNANT = ("plateau", "slow_progress")
SLACK = 20
"""Steps before the onset label at which an alarm counts: the label is not exact."""
EVENT = 100
"""Steps after an injected event in which an alarm is no false one: something did happen."""
EPOCH = 40
"""Rows whose mean is one row of the same run at epoch cadence."""
RESAMPLED = 400


@dataclass
class Told:
    """What a rule said of a run: steps of alarms of instability and of stagnation."""

    run: Run
    unstable: list[int]
    stagnant: list[int] = field(default_factory=list)
    too_low: bool = False
    findings: list[Finding] = field(default_factory=list)

    @cached_property
    def delay(self) -> int | None:
        """Steps from the onset to the first alarm; None if it was missed."""
        onset = self.run.onset
        assert onset is not None
        later = [step for step in self.unstable if step >= onset - SLACK]
        warned = [f for f in self.findings if f.kind in UNSTABLE and f.severity != "info"]
        if any(f.detected_step < onset - SLACK <= f.last_step for f in warned):
            return 0  # an alarm that still holds needs no other
        return later[0] - onset if later else None

    @cached_property
    def false(self) -> list[int]:
        """Alarms of instability of a healthy run, but for those after an injected event."""
        event = CASES[self.run.case].event
        return [s for s in self.unstable if event is None or not event <= s < event + EVENT]

    @cached_property
    def wrong(self) -> int:
        """Warnings of a healthy run that are not true of it."""
        warned = [f for f in self.findings if f.severity != "info"]
        other = [f for f in warned if f.kind not in UNSTABLE]
        return len(self.false) + sum(not true(self.run, f) for f in other)

    @cached_property
    def alarmed_stagnation(self) -> bool | None:
        """Whether the first alarm of stagnation is true; None where there is none. What the
        diagnosis gives as info (flat after a real gain) is no alarm."""
        steps = self.stagnant
        if self.findings:
            warned = [f for f in self.findings if f.severity != "info"]
            steps = [f.detected_step for f in warned if f.kind in STAGNANT]
        return self.run.stagnates(steps[0]) if steps else None


def true(run: Run, finding: Finding) -> bool:
    """Whether a finding that is not about instability is true of the run."""
    if finding.kind in STAGNANT:
        return run.stagnates(finding.detected_step)
    if finding.kind == "overfitting":
        return run.overfits
    return finding.kind == "vanishing_updates" and run.end < 0.5


def whole(run: Run) -> list[Finding]:
    """All that the probe records."""
    c = run.curve
    return diagnose([Chunk(c.step, c.loss, c.lr, c.val, c.grad_norm, c.update_ratio)])


def plain(run: Run) -> list[Finding]:
    """What a CSV log holds: loss, rate, validation."""
    return diagnose([Chunk(run.curve.step, run.curve.loss, run.curve.lr, run.curve.val)])


def epochs(run: Run) -> list[Finding]:
    """A row each 40 steps: their mean loss, the last rate."""
    c = run.curve
    count = len(c.loss) // EPOCH
    if not count:
        return []
    loss = c.loss[: count * EPOCH].reshape(count, EPOCH).mean(1)
    last = slice(EPOCH - 1, count * EPOCH, EPOCH)
    return diagnose([Chunk(EPOCH * np.arange(1, count + 1), loss, c.lr[last])])


def told_by_us(every: Sequence[Run], how: Callable[[Run], list[Finding]]) -> list[Told]:
    """What the diagnosis says; of instability, what is a warning or worse."""
    told = []
    for run in every:
        found = how(run)
        unstable = [f.detected_step for f in found if f.kind in UNSTABLE and f.severity != "info"]
        stagnant = [f for f in found if f.kind in STAGNANT]
        low = any(f.cause == "lr_too_low" for f in stagnant)
        told.append(Told(run, unstable, [f.detected_step for f in stagnant], low, found))
    return told


def told_by(name: str, every: Sequence[Run], threshold: float) -> list[Told]:
    """What a published rule says at a threshold."""
    rule = next(b for b in BASELINES if b.name == name)
    told = []
    for run in every:
        alarms = [int(run.curve.step[i]) for i in rule.alarms(run.curve.loss, threshold)]
        stagnant = alarms if rule.aim == STAGNATION else []
        told.append(Told(run, alarms, stagnant))
    return told


@dataclass(frozen=True)
class Row:
    """Figures of a rule about instability; `late` is the 90th percentile of the delay."""

    recall: float
    delay: float
    late: float
    per_10k: float
    share: float


def row(told: Sequence[Told]) -> Row:
    """The figures about instability."""
    harmful = [t.delay for t in told if t.run.harmful]
    caught = [d for d in harmful if d is not None]
    healthy = [t for t in told if t.run.healthy]
    steps = sum(len(t.run.curve.loss) for t in healthy)
    return Row(
        len(caught) / len(harmful) if harmful else math.nan,
        float(np.median(caught)) if caught else math.nan,
        float(np.percentile(caught, 90)) if caught else math.nan,
        1e4 * sum(len(t.false) for t in healthy) / max(steps, 1),
        sum(t.wrong > 0 for t in healthy) / max(len(healthy), 1),
    )


Figures = Callable[[Sequence[Told]], tuple[float, ...]]


def intervals(told: Sequence[Told], figures: Figures) -> list[tuple[float, float]]:
    """The 95 % intervals of figures by resampling setups."""
    setups: dict[str, list[Told]] = {}
    for t in told:
        setups.setdefault(f"{t.run.task}-{t.run.optimizer}", []).append(t)
    groups = list(setups.values())
    draw = np.random.default_rng(0)
    drawn = [
        figures([t for i in draw.integers(0, len(groups), len(groups)) for t in groups[i]])
        for _ in range(RESAMPLED)
    ]
    bounds = []
    for values in np.array(drawn, np.float64).T:
        known = values[~np.isnan(values)]
        low, high = np.percentile(known, (2.5, 97.5)) if len(known) else (math.nan, math.nan)
        bounds.append((float(low), float(high)))
    return bounds


def stagnation(told: Sequence[Told]) -> tuple[float, float, float, float]:
    """Recall of too low rates, the same with the right cause, recall of flat runs, precision."""
    low = [t for t in told if t.run.too_low]
    flat = [t for t in told if t.run.flat]
    alarms = [t.alarmed_stagnation for t in told if t.alarmed_stagnation is not None]
    return (
        sum(bool(t.stagnant) for t in low) / max(len(low), 1),
        sum(t.too_low for t in low) / max(len(low), 1),
        sum(bool(t.stagnant) for t in flat) / max(len(flat), 1),
        sum(alarms) / len(alarms) if alarms else math.nan,
    )


def tuned(name: str, every: Sequence[Run], most: float) -> float:
    """The threshold with the best recall whose false alarms per 10,000 steps are at most this."""
    rule = next(b for b in BASELINES if b.name == name)

    def key(threshold: float) -> tuple[float, float, float]:
        told = told_by(name, every, threshold)
        figures = row(told)
        if rule.aim == STAGNATION:
            low, _, flat, precision = stagnation(told)
            fine = not precision < 0.9
            return (
                float(fine),
                low + flat if fine else (0.0 if math.isnan(precision) else precision),
                0,
            )
        fine = figures.per_10k <= most
        late = figures.delay if not math.isnan(figures.delay) else math.inf
        return (float(fine), figures.recall if fine else -figures.per_10k, -late)

    return max(rule.grid, key=key)


def _cell(value: float, bounds: tuple[float, float], percent: bool = False) -> str:
    if math.isnan(value):
        return "–"
    low, middle, high = (
        f"{100 * v:.0f} %" if percent else f"{v:.3g}" for v in (bounds[0], value, bounds[1])
    )
    return f"{middle} ({low.removesuffix(' %')} to {high})"


def report(half: str) -> tuple[list[str], list[Told]]:
    """The tables in Markdown, and what the diagnosis said of each run."""
    every, dev = list(runs(half)), list(runs("development"))
    ours = told_by_us(every, whole)
    most = max(row(told_by_us(dev, whole)).per_10k, 0.2)
    counted = Counter(
        "harmful" if r.harmful else "healthy" if r.healthy else "other" for r in every
    )
    lines = [
        f"{half} half: {len(every)} runs, {counted['harmful']} harmful, "
        f"{counted['healthy']} healthy, {sum(r.too_low for r in every)} with a too low rate, "
        f"{sum(r.flat for r in every)} flat, {sum(r.overfits for r in every)} overfitting.",
        "",
        "| instability | harmful caught | median delay | 90th percentile | false alarms per 10,000 "
        "steps | healthy runs warned |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]

    def add(name: str, told: Sequence[Told]) -> None:
        figures = astuple(row(told))
        bounds = intervals(told, lambda t: astuple(row(t)))
        percent = (True, False, False, False, True)
        cells = list(map(_cell, figures, bounds, percent))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")

    add("**lrmonitor**", ours)
    add("lrmonitor, loss and rate only", told_by_us(every, plain))
    add("lrmonitor, a row each 40 steps", told_by_us(every, epochs))
    for b in BASELINES:
        add(f"{b.name}, default {b.default:g}", told_by(b.name, every, b.default))
        if b.aim != STAGNATION:
            best = tuned(b.name, dev, most)
            add(f"{b.name}, tuned {best:g}", told_by(b.name, every, best))
    lines += [
        "",
        "| stagnation | too low rate found | with that cause | flat runs found | precision |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]

    def add_flat(name: str, told: Sequence[Told]) -> None:
        cells = list(map(_cell, stagnation(told), intervals(told, stagnation), (True,) * 4))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")

    add_flat("**lrmonitor**", ours)
    add_flat("lrmonitor, loss and rate only", told_by_us(every, plain))
    for b in BASELINES:
        if b.aim == STAGNATION:
            add_flat(f"{b.name}, default {b.default:g}", told_by(b.name, every, b.default))
            best = tuned(b.name, dev, most)
            add_flat(f"{b.name}, tuned {best:g}", told_by(b.name, every, best))
    over = [t for t in ours if t.run.overfits]
    said = [t for t in ours if any(f.kind == "overfitting" for f in t.findings)]
    lines += [
        "",
        f"Overfitting: {sum(t in said for t in over)} of {len(over)} found, "
        f"{sum(not t.run.overfits for t in said)} said of other runs.",
        "",
        *_mistakes(ours),
    ]
    return lines, ours


def _mistakes(told: Sequence[Told]) -> list[str]:
    lines = ["Missed or late (by more than 100 steps), and false:"]
    for t in told:
        said = (
            ", ".join(f"{f.kind} {f.severity} at {f.detected_step}" for f in t.findings)
            or "nothing"
        )
        if t.run.harmful and (t.delay is None or t.delay > 100):
            late = "missed" if t.delay is None else f"{t.delay} steps late"
            lines.append(f"- {late}: {t.run.key}, onset {t.run.onset}, end {t.run.end:.2f}: {said}")
        if t.run.healthy and t.wrong:
            lines.append(f"- false: {t.run.key}, end {t.run.end:.2f}: {said}")
        if t.run.too_low and not t.too_low:
            lines.append(f"- too low a rate not said: {t.run.key}, end {t.run.end:.2f}: {said}")
    return lines


def main(half: str, page: str | None) -> None:
    """Print the tables; write the page."""
    lines, told = report(half)
    print("\n".join(lines))
    if page is not None:
        from tests.benchmarks.diagnosis.page import write_page

        write_page(Path(page), half, told)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
