"""What is said of runs, by the diagnosis and by the published rules, and the measures of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from lrmonitor.diagnosis import Chunk, Diagnosis, Finding, diagnose
from tests.benchmarks.diagnosis.baselines import BASELINES, STAGNATION, Baseline
from tests.benchmarks.diagnosis.cases import CASES
from tests.benchmarks.diagnosis.labels import Run

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
    warned: dict[int, int] = field(default_factory=dict)
    """Of ours: the steps at which findings, by id, became warnings."""

    @cached_property
    def delay(self) -> int | None:
        """Steps from the onset to the first alarm; None if it was missed."""
        onset = self.run.onset
        assert onset is not None
        later = [step for step in self.unstable if step >= onset - SLACK]
        warned = [(self.findings[i], at) for i, at in self.warned.items()]
        if any(f.kind in UNSTABLE and at < onset - SLACK <= f.last_step for f, at in warned):
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


def whole(run: Run) -> Chunk:
    """All that the probe records."""
    c = run.curve
    return Chunk(c.step, c.loss, c.lr, c.val, c.grad_norm, c.update_ratio)


def plain(run: Run) -> Chunk:
    """What a CSV log holds: loss, rate, validation."""
    return Chunk(run.curve.step, run.curve.loss, run.curve.lr, run.curve.val)


def epochs(run: Run) -> Chunk:
    """A row each 40 steps: their mean loss, the last rate."""
    c = run.curve
    count = len(c.loss) // EPOCH
    loss = c.loss[: count * EPOCH].reshape(count, EPOCH).mean(1)
    last = slice(EPOCH - 1, count * EPOCH, EPOCH)
    return Chunk(EPOCH * np.arange(1, count + 1), loss, c.lr[last])


def warned_at(log: Chunk, found: Sequence[Finding]) -> dict[int, int]:
    """The step at which each finding became a warning or worse: that of its detection, but for a
    spike and a divergence, which may become one later. There the log is fed once more, row by row
    from where such a finding was made to where it is a warning."""
    steps = {f.id: f.detected_step for f in found if f.severity != "info"}
    later = [i for i in steps if found[i].kind in ("spike", "divergence")]
    warned: dict[int, int] = {}
    diagnosis, row, known = Diagnosis(), 0, 0
    while row < len(log) and any(i in steps for i in later):
        number = next(i for i in later if i in steps)
        end = row + 1
        if number >= known:  # up to just before it is made
            ahead = np.flatnonzero(log.step[row:] == found[number].detected_step)
            end = max(row + int(ahead[0]) - 1, end) if len(ahead) else end
        for f in diagnosis.feed(log.part(row, end)):
            if f.severity != "info" and steps.pop(f.id, None) is not None:
                warned[f.id] = int(log.step[end - 1])
        known, row = len(diagnosis.findings), end
    return steps | warned


def told_by_us(every: Sequence[Run], how: Callable[[Run], Chunk]) -> list[Told]:
    """What the diagnosis says; of instability, what is a warning or worse."""
    told = []
    for run in every:
        log = how(run)
        found = diagnose([log])
        warned = warned_at(log, found)
        unstable = sorted(at for number, at in warned.items() if found[number].kind in UNSTABLE)
        stagnant = [f for f in found if f.kind in STAGNANT]
        low = any(f.cause == "lr_too_low" for f in stagnant)
        steps = [f.detected_step for f in stagnant]
        told.append(Told(run, unstable, steps, low, found, warned))
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
    """The 95 % intervals of figures by resampling tasks, each with all its runs."""
    tasks: dict[str, list[Told]] = {}
    for t in told:
        tasks.setdefault(t.run.task, []).append(t)
    groups = list(tasks.values())
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


@dataclass(frozen=True)
class Against:
    """Ours and another rule on the harmful runs: which is first where both catch one (and by how
    many steps in the median it is not ours), and what only one of them catches."""

    earlier: int
    same: int
    later: int
    later_by: float
    only_ours: int
    only_theirs: int


def against(ours: Sequence[Told], theirs: Sequence[Told]) -> Against:
    """The comparison, of the same runs in the same order."""
    pairs = [(a.delay, b.delay) for a, b in zip(ours, theirs, strict=True) if a.run.harmful]
    ahead = [b - a for a, b in pairs if a is not None and b is not None]
    late = [-d for d in ahead if d < 0]
    return Against(
        sum(d > 0 for d in ahead),
        sum(d == 0 for d in ahead),
        len(late),
        float(np.median(late)) if late else 0.0,
        sum(a is not None and b is None for a, b in pairs),
        sum(a is None and b is not None for a, b in pairs),
    )


def alike(
    rule: Baseline, most: float, told_at: Callable[[str, float], Sequence[Told]]
) -> float | None:
    """The threshold of its grid with which a rule has the most false alarms per 10,000 steps of
    some runs that are not more than this; None if all have more. `told_at`: what the rule of a name
    says of them at a threshold."""
    rates = {at: row(told_at(rule.name, at)).per_10k for at in rule.grid}
    fine = {at: rate for at, rate in rates.items() if rate <= most}
    return max(fine, key=lambda at: fine[at]) if fine else None
