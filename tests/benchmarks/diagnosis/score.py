"""Score the diagnosis and the published rules on a part of the tasks (see `tasks`).

`python -m tests.benchmarks.diagnosis.score development|test [PAGE.html]` prints the tables of
docs/diagnosis.md, and writes a page of curves with their findings. Thresholds are tuned on the
development tasks only: ours by hand, those of the published rules over their grids by `tune`.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from tests.benchmarks.diagnosis.baselines import BASELINES, STAGNATION
from tests.benchmarks.diagnosis.labels import runs, sound, steady
from tests.benchmarks.diagnosis.measures import (
    Told,
    against,
    alike,
    epochs,
    intervals,
    plain,
    row,
    stagnation,
    told_by,
    told_by_us,
    whole,
)


def _cell(value: float, bounds: tuple[float, float], percent: bool = False) -> str:
    if math.isnan(value):
        return "–"
    low, middle, high = (
        f"{100 * v:.0f} %" if percent else f"{v:.3g}" for v in (bounds[0], value, bounds[1])
    )
    return f"{middle} ({low.removesuffix(' %')} to {high})"


def report(part: str) -> tuple[list[str], list[Told]]:
    """The tables in Markdown, and what the diagnosis said of each run."""
    scored = list(runs(part))
    every = [r for r in scored if sound(r.task, r.optimizer) and steady(r.task, r.optimizer)]
    ours = told_by_us(every, whole)
    known: dict[tuple[str, float], list[Told]] = {}

    def theirs_at(name: str, threshold: float) -> list[Told]:
        if (name, threshold) not in known:
            known[name, threshold] = told_by(name, every, threshold)
        return known[name, threshold]

    counted = Counter(
        "harmful" if r.harmful else "healthy" if r.healthy else "other" for r in every
    )
    lines = [
        f"{part}: {len(every)} runs, {counted['harmful']} harmful, "
        f"{counted['healthy']} healthy, {sum(r.too_low for r in every)} with a too low rate, "
        f"{sum(r.flat for r in every)} flat, {sum(r.overfits for r in every)} overfitting.",
        "",
        "| instability | harmful caught | median delay | 90th percentile | false alarms per 10,000 "
        "steps | healthy runs warned |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]

    told = ours

    def add(name: str, told: Sequence[Told]) -> None:
        figures = astuple(row(told))
        bounds = intervals(told, lambda t: astuple(row(t)))
        percent = (True, False, False, False, True)
        cells = list(map(_cell, figures, bounds, percent))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")

    add("**lrmonitor**", ours)
    if len(scored) > len(every):
        kept = {r.key for r in every}
        rest = told_by_us([r for r in scored if r.key not in kept], whole)
        setups = sorted({f"{t.run.task}-{t.run.optimizer}" for t in rest})
        lines[0] += f" {len(rest)} more of setups whose labels do not hold: {', '.join(setups)}."
        unsteady = [t for t in rest if sound(t.run.task, t.run.optimizer)]
        add("lrmonitor, with setups that are not steady", ours + unsteady)
        told = ours + rest
        add("lrmonitor, with all whose labels do not hold", told)
    by_loss = told_by_us(every, plain)
    add("lrmonitor, loss and rate only", by_loss)
    add("lrmonitor, a row each 40 steps", told_by_us(every, epochs))
    compared = [
        "| rule | false alarms per 10,000 steps | ours earlier | the same | later (by, in the "
        "median) | only ours catches it | only the rule |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]

    def compare(name: str, theirs: Sequence[Told]) -> None:
        a = against(ours, theirs)
        later = f"{a.later} ({a.later_by:g})" if a.later else "0"
        compared.append(
            f"| {name} | {row(theirs).per_10k:.2f} | {a.earlier} | {a.same} | {later} "
            f"| {a.only_ours} | {a.only_theirs} |"
        )

    for b in BASELINES:
        add(f"{b.name}, default {b.default:g}", theirs_at(b.name, b.default))
        if b.aim != STAGNATION:
            theirs = theirs_at(b.name, b.tuned)
            add(f"{b.name}, tuned {b.tuned:g}", theirs)
            compare(f"{b.name}, tuned {b.tuned:g}", theirs)
            at = alike(b, row(ours).per_10k, theirs_at)
            if at is not None:
                compare(f"{b.name}, at our rate {at:g}", theirs_at(b.name, at))
    lines += ["", *compared]
    lines += [
        "",
        "| stagnation | too low rate found | with that cause | flat runs found | precision |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]

    def add_flat(name: str, told: Sequence[Told]) -> None:
        cells = list(map(_cell, stagnation(told), intervals(told, stagnation), (True,) * 4))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")

    add_flat("**lrmonitor**", ours)
    if len(scored) > len(every):
        add_flat("lrmonitor, with all whose labels do not hold", told)
    add_flat("lrmonitor, loss and rate only", by_loss)
    for b in BASELINES:
        if b.aim == STAGNATION:
            add_flat(f"{b.name}, default {b.default:g}", theirs_at(b.name, b.default))
            add_flat(f"{b.name}, tuned {b.tuned:g}", theirs_at(b.name, b.tuned))
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


def main(part: str, page: str | None) -> None:
    """Print the tables; write the page."""
    lines, told = report(part)
    print("\n".join(lines))
    if page is not None:
        from tests.benchmarks.diagnosis.page import write_page

        write_page(Path(page), part, told)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
