"""What is true of a run, by its outcome and not by the knob that was turned.

All labels use the whole curve, so no detector could reach them while the run goes on. Losses are
told as *fraction*: the share of the reduction that the best constant rate of the sweep reached
(0 at the start, 1 at the sweep's best end), which works near zero and below it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.benchmarks.diagnosis.cases import CASES
from tests.benchmarks.diagnosis.generate import CURVES, unpacked
from tests.benchmarks.diagnosis.tasks import PARTS, TASKS
from tests.benchmarks.diagnosis.training import Curve

Floats = npt.NDArray[np.float64]

SMOOTH = 15
"""Losses of the centred running median."""
REGRESSED = 0.3
"""A run whose end is this fraction below its best, and four times the noise of a running median,
has regressed."""
EXPLODED = 0.5
"""A run that was this fraction above its start for ten losses, and did not train after,
exploded."""
SOUND = 0.2
"""Difference of two fractions that should be the same."""
WOBBLES = 0.1
"""Share of the ends that a plain run might have had at which it may be `SOUND` below its best."""
TRAINED, FAILED = 0.9, 0.5
"""From this fraction on a run is healthy; below this it failed. Between, it is neither."""


@dataclass(frozen=True)
class Run:
    """A curve with its labels."""

    task: str
    optimizer: str
    seed: int
    case: str
    curve: Curve
    start: float
    range: float
    fraction: Floats
    """(n,) of the running median."""
    end: float
    """Fraction over the last 50 losses; -inf where it ended non-finite."""
    onset: int | None
    """The step at which harm began, of a harmful run."""
    healthy: bool
    too_low: bool
    """A rate at 1/30 of the best or below, and it failed."""
    flat: bool
    """It failed, is not harmful, and gains nothing over its second half."""
    overfits: bool

    @property
    def key(self) -> str:
        """Name of the run."""
        return f"{self.task}-{self.optimizer}-{self.seed}/{self.case}"

    @property
    def harmful(self) -> bool:
        """Diverged, exploded or clearly regressed."""
        return self.onset is not None

    def gain_after(self, step: int) -> float:
        """The fraction gained from a step on, to the end or to where the rate is raised."""
        at = int(np.flatnonzero(self.curve.step == step)[0])
        raised = np.flatnonzero(self.curve.lr[at + 1 :] > 1.5 * self.curve.lr[at])
        end = at + int(raised[0]) if len(raised) else len(self.fraction)
        return float(np.max(self.fraction[at : end + 1]) - self.fraction[at])

    def stagnates(self, step: int) -> bool:
        """Whether a stagnation that was alarmed at a step is true: the rate is a tenth of the best
        or less and costs a tenth of what can be reached; or the run failed; or next to nothing came
        after."""
        slow = self.case.startswith("rate/") and self.end < TRAINED
        return slow or self.end < FAILED or self.harmful or self.gain_after(step) < 0.05


@lru_cache
def sweeps() -> dict[str, Any]:
    """The results of the sweeps by task and optimizer."""
    found: dict[str, Any] = {}
    for path in sorted(CURVES.glob("sweeps-*.json")):
        found |= json.loads(path.read_text("utf-8"))
    return found


def runs(name: str) -> Iterator[Run]:
    """All cached runs of the parts that go by this name (see `tasks.PARTS`)."""
    for task in TASKS.values():
        if task.part not in PARTS[name]:
            continue
        for path in sorted(CURVES.glob(f"{task.name}-*.npz")):
            of, optimizer, seed = path.stem.rsplit("-", 2)
            if of != task.name:
                continue
            with np.load(path) as archive:
                arrays = {key: archive[key] for key in archive.files}
            for case in CASES:
                if f"{case}/loss" in arrays:
                    yield labelled(of, optimizer, int(seed), case, unpacked(arrays, case))


@lru_cache
def sound(task: str, optimizer: str) -> bool:
    """Whether labels by single batches hold for a setup at all: the plain run's end, as its losses
    tell it, is near what the whole training set tells. (It is not where a loss has heavy tails, so
    that the median of fifteen is far from their mean.) No detector has a part in this."""
    with np.load(CURVES / f"{task}-{optimizer}-0.npz") as archive:
        run = labelled(task, optimizer, 0, "plain", unpacked(archive, "plain"))
    return abs(run.end - (run.start - run.curve.at_end) / run.range) < SOUND


@lru_cache
def steady(task: str, optimizer: str) -> bool:
    """Whether what labels call harm is more than a plain run's own wobble: if it had ended anywhere
    in its second half, it would have been as far below its best as `SOUND` (two thirds of
    `REGRESSED`) in less than a tenth of the places. Of all its seeds the worst. No detector has a
    part in this, nor has any other case."""
    worst = 0.0
    for path in CURVES.glob(f"{task}-{optimizer}-*.npz"):
        with np.load(path) as archive:
            run = labelled(task, optimizer, 0, "plain", unpacked(archive, "plain"))
        told, best = run.fraction, np.maximum.accumulate(run.fraction)
        ends = range(len(told) // 2, len(told) + 1)
        below = [float(best[end - 1] - np.median(told[end - 50 : end])) for end in ends]
        worst = max(worst, float(np.quantile(below, 1 - WOBBLES)))
    return worst < SOUND


def labelled(task: str, optimizer: str, seed: int, case: str, curve: Curve) -> Run:
    """The run with its labels."""
    ends = [e for _, e in sweeps()[f"{task}-{optimizer}"]["ends"].values() if e is not None]
    usual = float(np.median([s for s, _ in sweeps()[f"{task}-{optimizer}"]["ends"].values()]))
    span = max(usual - min(e for e in ends if math.isfinite(e)), 1e-9)
    loss = np.where(np.isfinite(curve.loss), curve.loss, np.inf)
    # A bad start (large weights) begins above the usual one.
    start = max(usual, curve.at_start)
    fraction = (start - _running_median(loss)) / span
    onset = _onset(loss, fraction, start, span)
    if case == "unshuffled" and np.isfinite(loss[-1]):
        onset = None  # a batch of one class says nothing of the run
    last = fraction[-50:]
    end = float(np.median(last))
    fault = CASES[case].fault
    rate = case.startswith("rate")
    healthy = onset is None and end >= TRAINED and (not fault or rate)
    if onset is None and not fault and end >= FAILED:
        healthy = True  # e.g. a schedule that ends early: nothing is wrong with it
    half = len(fraction) // 2
    flat = (
        onset is None
        and end < FAILED
        and abs(float(np.median(fraction[half : half + 50])) - end) < 0.03
    )
    return Run(
        task,
        optimizer,
        seed,
        case,
        curve,
        start,
        span,
        fraction,
        end,
        onset,
        healthy,
        case in ("rate/30", "rate/300") and end < FAILED,
        flat,
        _overfits(curve, fraction),
    )


def _running_median(loss: Floats) -> Floats:
    half = SMOOTH // 2
    padded = np.pad(loss, half, "reflect")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, SMOOTH), axis=1))


def _onset(loss: Floats, fraction: Floats, start: float, span: float) -> int | None:
    """The row, from 1, of the first loss of the trouble that the run did not come out of."""
    n = len(loss)
    best = np.maximum.accumulate(fraction)
    quarters = np.array_split(np.abs(np.diff(loss[np.isfinite(loss)])), 4)
    noise = 1.05 * min((float(np.median(q)) for q in quarters if len(q)), default=0.0) / span
    below = best - max(REGRESSED, 4 * 1.25 * noise / SMOOTH**0.5)
    bad = ~(fraction > below)
    if not np.isfinite(loss[-1]) or float(np.median(fraction[-50:])) <= below[-1]:
        # The last place from which on nearly all is bad, in the running median...
        later = np.cumsum(bad[::-1])[::-1] / np.arange(n, 0, -1)
        first = int(np.argmax(bad & (later >= 0.9)))
        # ...which lags by half its width: the first single loss there that is as bad.
        level = start - below[first] * span
        early = np.flatnonzero(loss[first : first + SMOOTH] > level)
        return first + (int(early[0]) if len(early) else 0) + 1
    high = loss > start + EXPLODED * span
    ten = np.convolve(high, np.ones(10), "valid") >= 10
    if ten.any() and float(np.median(fraction[-50:])) < FAILED:
        return int(np.argmax(ten)) + 1
    return None


def _overfits(curve: Curve, fraction: Floats) -> bool:
    """In running medians of three, validation ends worse than it was by 10 % of its gain and
    three times its noise, training does not."""
    at = np.flatnonzero(np.isfinite(curve.val))
    val = curve.val[at]
    if len(val) < 8:
        return False
    val = np.median(np.lib.stride_tricks.sliding_window_view(val, 3), axis=1)
    best = int(np.argmin(val))
    gained = float(val[: best + 1].max() - val[best])
    risen = float(val[-1] - val[best])
    noise = 1.05 * float(np.median(np.abs(np.diff(curve.val[at]))))
    trained = fraction[-1] >= max(fraction[at[best + 1]], FAILED)
    return risen > max(0.1 * gained, 3 * noise) and gained > 0 and bool(trained)
