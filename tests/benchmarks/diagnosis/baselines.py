"""Published rules, small, on the loss alone: alarms at rows (from 0) of a curve.

Each takes losses (n,) and one threshold, has its published default and a grid to tune over on the
development half. A loss that is not finite is an alarm of all of them, so that none is behind
for lack of that check; the loss goes on without such values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rule = Callable[[Floats, float], list[int]]

REFRACTORY = 50
"""Rows after an alarm in which a rule's further ones are the same alarm."""


@dataclass(frozen=True)
class Baseline:
    """A rule with its default, what `tune` found best on the development tasks, and the grid it
    looked through; `aim` is what the rule is made for."""

    name: str
    rule: Rule
    default: float
    tuned: float
    grid: tuple[float, ...]
    aim: str = "instability"

    def alarms(self, loss: Floats, threshold: float) -> list[int]:
        """Rows of alarms, those of non-finite losses among them."""
        finite = np.flatnonzero(np.isfinite(loss))
        found = {int(finite[i]) for i in self.rule(loss[finite], threshold)}
        broken = np.flatnonzero(~np.isfinite(loss))
        if len(broken):
            found.add(int(broken[0]))
        kept: list[int] = []
        for row in sorted(found):
            if not kept or row - kept[-1] > REFRACTORY:
                kept.append(row)
        return kept


def plateau(loss: Floats, patience: float) -> list[int]:
    """torch's ReduceLROnPlateau at each value: relative threshold 1e-4, against the best ever."""
    best, bad, alarms = math.inf, 0, []
    for i, value in enumerate(loss.tolist()):
        if value < best - 1e-4 * abs(best) if math.isfinite(best) else True:
            best, bad = value, 0
        else:
            bad += 1
        if bad > patience:
            alarms.append(i)
            bad = 0
    return alarms


def plateau_blocks(loss: Floats, patience: float) -> list[int]:
    """The same on means of 22 losses."""
    count = len(loss) // 22
    if not count:
        return []
    return [
        22 * (i + 1) - 1 for i in plateau(loss[: count * 22].reshape(count, 22).mean(1), patience)
    ]


def _slope_probability(y: Floats) -> float:
    """P(slope < 0) of a least-squares line with normal noise, as in dlib's running_gradient."""
    n = len(y)
    x = np.arange(n) - (n - 1) / 2
    sxx = float((x * x).sum())
    slope = float((x * y).sum()) / sxx
    rest = y - y.mean() - slope * x
    error = math.sqrt(float((rest * rest).sum()) / max(n - 2, 1) / sxx)
    return 0.5 * (1 - math.erf(slope / error / math.sqrt(2))) if error > 0 else float(slope < 0)


def dlib_plateau(loss: Floats, steps: float) -> list[int]:
    """dlib's trainer: steps without P(decrease) >= .51, on all and with the top 10 % dropped."""
    alarms, since = [], 0
    for end in range(50, len(loss) + 1, 50):
        size = int(steps)
        if end - since < size:
            continue
        part = loss[end - size : end]
        low = part[part <= np.quantile(part, 0.9)]
        if _slope_probability(part) < 0.51 and _slope_probability(low) < 0.51:
            alarms.append(end - 1)
            since = end
    return alarms


def dlib_rise(loss: Floats, probability: float) -> list[int]:
    """dlib's trainer: P(slope > 0) above this over the last 200 losses: reload the last state."""
    alarms = []
    for end in range(40, len(loss) + 1, 10):
        if 1 - _slope_probability(loss[max(end - 200, 0) : end]) > probability:
            alarms.append(end - 1)
    return alarms


def kill_loss_spike(loss: Floats, ratio: float) -> list[int]:
    """LLM-Foundry's KillLossSpike: so many times the mean of max(100, 5 %) for 5 steps in a row."""
    window = max(100, int(0.05 * len(loss)))
    total = np.concatenate(([0.0], np.cumsum(loss)))
    run, alarms = 0, []
    for i in range(window, len(loss)):
        mean = (total[i] - total[i - window]) / window
        run = run + 1 if loss[i] >= ratio * mean else 0
        if run >= 5:
            alarms.append(i)
    return alarms


def lightning_spike(loss: Floats, ratio: float) -> list[int]:
    """Lightning's SpikeDetection: so many times the mean of the last 10, after 25."""
    total = np.concatenate(([0.0], np.cumsum(loss)))
    rows = np.arange(25, len(loss))
    mean = (total[rows] - total[rows - 10]) / 10
    return [int(row) for row in rows[loss[rows] >= ratio * mean]]


def olmo(loss: Floats, sigma: float) -> list[int]:
    """OLMo-core's rule: above the mean by so many standard deviations of the last 128, after 64."""
    n = len(loss)
    if n <= 64:
        return []
    mean, deviation = np.empty(n - 64), np.empty(n - 64)
    for i in range(64, min(128, n)):
        mean[i - 64], deviation[i - 64] = loss[:i].mean(), loss[:i].std()
    if n > 128:
        window = np.lib.stride_tricks.sliding_window_view(loss[:-1], 128)
        mean[64:], deviation[64:] = window.mean(axis=1), window.std(axis=1)
    return [64 + int(i) for i in np.flatnonzero(loss[64:] > mean + sigma * deviation)]


def page_hinkley(loss: Floats, threshold: float) -> list[int]:
    """Page and Hinkley's test with river's defaults: delta .005, alpha .9999, after 30."""
    mean = total = least = 0.0
    count, alarms = 0, []
    for i, value in enumerate(loss.tolist()):
        count += 1
        mean += (value - mean) / count
        total = 0.9999 * total + value - mean - 0.005
        least = min(least, total)
        if count >= 30 and total - least > threshold:
            alarms.append(i)
            mean = total = least = 0.0
            count = 0
    return alarms


def cusum(loss: Floats, threshold: float) -> list[int]:
    """One-sided CUSUM with slack .5, in deviations of the 50 losses before it was set back."""
    alarms, since, total = [], 0, 0.0
    mean = sd = 0.0
    for i, value in enumerate(loss.tolist()):
        if i - since < 50:
            continue
        if i - since == 50:
            mean, sd, total = float(loss[since:i].mean()), float(loss[since:i].std()), 0.0
        total = max(0.0, total + (value - mean) / max(sd, 1e-12) - 0.5)
        if total > threshold:
            alarms.append(i)
            since = i
    return alarms


def autotrainer(loss: Floats, swing: float) -> list[int]:
    """AutoTrainer: a loss of 1e3, or max - min of this much in a fifth of the last ten epochs (48
    steps each, the loss for the accuracy)."""
    alarms = [int(np.argmax(loss >= 1e3))] if (loss >= 1e3).any() else []
    count = len(loss) // 48
    means = loss[: count * 48].reshape(count, 48).mean(1)
    for i in range(10, count):
        turns = np.diff(means[i - 10 : i + 1])
        if (np.abs(turns) >= swing).sum() >= 2 and (turns[1:] * turns[:-1] < 0).sum() >= 2:
            alarms.append(48 * (i + 1) - 1)
    return alarms


STAGNATION = "stagnation"
BASELINES = (
    Baseline("plateau, each step", plateau, 10, 400, (10, 30, 100, 200, 300, 400, 500), STAGNATION),
    Baseline("plateau, means of 22", plateau_blocks, 10, 20, (2, 3, 5, 7, 10, 15, 20), STAGNATION),
    Baseline("dlib slope", dlib_plateau, 2000, 600, (100, 200, 300, 400, 600, 2000), STAGNATION),
    Baseline("dlib rise", dlib_rise, 0.99, 1 - 1e-9, (0.99, 0.999, 0.99999, 1 - 1e-9, 1 - 1e-14)),
    Baseline("KillLossSpike", kill_loss_spike, 2, 1.2, (1.2, 1.5, 2, 3, 5, 10)),
    Baseline("Lightning spike", lightning_spike, 2, 100, (1.5, 2, 3, 5, 10, 30, 100)),
    Baseline("OLMo", olmo, 6, 30, (4, 6, 8, 12, 16, 20, 25, 30, 40, 50)),
    Baseline("Page-Hinkley", page_hinkley, 50, 1000, (1, 3, 10, 30, 50, 100, 1000)),
    Baseline("CUSUM", cusum, 5, 26, (5, 10, 14, 18, 22, 26, 30, 40, 60, 100, 300, 1000)),
    Baseline("AutoTrainer", autotrainer, 0.03, 10, (0.03, 0.1, 0.3, 1, 3, 10)),
)
