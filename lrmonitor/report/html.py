"""The report of a run as one HTML file without any other resource."""

from __future__ import annotations

import datetime
import os
import secrets
import shlex
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

import lrmonitor
from lrmonitor.model import rates
from lrmonitor.model.journal_rows import JournalRow, JournalRows
from lrmonitor.model.run import RunModel
from lrmonitor.model.smoothing import ema
from lrmonitor.model.state import RunState, duration
from lrmonitor.record.reader import Series
from lrmonitor.report import findings
from lrmonitor.report.scale import short
from lrmonitor.report.style import STYLE
from lrmonitor.report.svg import Curve, Drawing, Mark, Shade, ordered, pieces
from lrmonitor.report.tables import without_empty

MOST_METRICS = 24
MOST_ROWS = 500
"""Plots of metrics, and rows of interventions, in a report; that there are more is said."""

SMOOTHING = 200
"""The smoothed loss follows the raw one over this share of the run's steps (1/200)."""

ALIKE = 3
"""So many letters are the same where a text begins with what is to be said before it."""

_KINDS = ("rate", "training", "note")


def write_report(model: RunModel, path: str | os.PathLike[str], now: float) -> int:
    """Write the report of a run that was polled to its end; how many bytes. The file is replaced as
    a whole. Raises OSError."""
    target = Path(os.path.realpath(path))
    data = report(model, now).encode("utf-8", "replace")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return len(data)


def report(model: RunModel, now: float) -> str:
    """The report of a run, as it stands at `now` (unix seconds)."""
    name = escape(model.name)
    told = findings.found(model)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{name} – training report</title><style>{STYLE}</style></head><body><main>"
        f"<h1>{name}</h1>{_outcome(model)}{_curves(model, findings.shades(told))}"
        f"{findings.section(told)}{_interventions(model)}"
        f"{_settings(model)}<footer>Written by lrmonitor {escape(lrmonitor.__version__)} on "
        f"{_when(now)}.</footer></main></body></html>\n"
    )


def _outcome(model: RunModel) -> str:
    state = model.state
    loss = model.loss()
    facts: list[tuple[str, str]] = []
    if state.step is not None:
        facts.append(("Last step", f"{state.step:,}".replace(",", " ")))
    if loss is not None and len(loss):
        step, value = ordered(loss)
        facts.append(("Last loss", short(float(value[-1]))))
        finite = np.flatnonzero(np.isfinite(value))
        if len(finite):
            at = finite[int(np.argmin(value[finite]))]
            facts.append(("Lowest loss", f"{short(float(value[at]))} at step {int(step[at])}"))
        lost = len(value) - len(finite)
        if lost:
            facts.append(("Not finite", f"{lost} loss{'' if lost == 1 else 'es'}"))
        took = float(loss.time[-1] - loss.time[0])
        if took > 0:
            facts.append(("Trained for", duration(took)))
    rate = model.lr(model.main, 0)
    if rate is not None and len(rate):
        facts.append(("Last learning rate", rates.short(float(rate.value[-1]))))
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts)
    return (
        f'<p class="state {escape(state.phase.value.replace(" ", "-"))}"><strong>'
        f"{escape(state.label[:1].upper() + state.label[1:])}</strong> {escape(_told(state))}</p>"
        f'<dl class="facts">{cells}</dl>'
    )


def _told(state: RunState) -> str:
    """What the state says, beside its label; times and the script's error stand nowhere else."""
    words = state.sentence.removeprefix("Training: ")
    return words[:1].upper() + words[1:]


def _curves(model: RunModel, shades: Sequence[Shade]) -> str:
    marks = [Mark(m.step, m.text) for m in model.markers if m.step > 0]
    every = [s for s in _shown(model) if len(s)]
    if not every:
        return "<h2>Curves</h2><p>Nothing was recorded.</p>"
    first = min(int(s.step.min()) for s in every)
    last = max(int(s.step.max()) for s in every)
    drawings = [
        Drawing("Loss", _losses(model), first, last, 320, marks, shades),
        Drawing("Learning rate", _rates(model), first, last, 200, marks),
    ]
    metrics = [s for s in model.metrics() if len(s)]
    for series in metrics[:MOST_METRICS]:
        curve = Curve(*ordered(series), "c0", series.info.name)
        drawings.append(Drawing(series.info.name, [curve], first, last, 160))
    figures = "".join(
        f"<figure><figcaption><b>{escape(d.title)}</b>{d.legend() if len(d.curves) > 1 else ''}"
        f"</figcaption>{d.svg()}</figure>"
        for d in drawings
        if d.curves
    )
    more = len(metrics) - MOST_METRICS
    note = f"<p>{more} more metrics are not drawn.</p>" if more > 0 else ""
    legend = (
        "Of many steps, the least and the greatest loss are drawn: no spike is lost. Upright lines "
        "are interventions, shaded steps are findings; point at one to read it."
        if marks
        else "Of many steps, the least and the greatest loss are drawn: no spike is lost."
    )
    return f'<h2>Curves</h2><p class="quiet">{legend}</p>{figures}{note}'


def _losses(model: RunModel) -> list[Curve]:
    curves = []
    rewound = [marker.step for marker in model.markers if marker.kind == "rewound"]
    for place, series in enumerate(s for s in _of_kind(model, "loss") if len(s)):
        span = max(len(series) // SMOOTHING, 1)
        colour = place % 8
        raw, name = f"{series.info.name}, each step", f"smoothed over {span} steps"
        for step, value in pieces(series, rewound):
            curves.append(Curve(step, value, f"c{colour} raw", raw))
            if span > 1:
                smooth = ema(value, 1.0 - 1.0 / span)
                curves.append(Curve(step, smooth, f"c{colour}", name))
            raw = name = ""
    return curves


def _rates(model: RunModel) -> list[Curve]:
    curves = []
    for place, series in enumerate(s for s in _of_kind(model, "lr") if len(s)):
        address = series.info.optimizer or 0, series.info.group or 0
        scheduled = model.scheduled(*address)
        if scheduled is not None and len(scheduled):
            name = f"scheduled{_which(model, series)} (the script's)"
            curves.append(Curve(*ordered(scheduled), f"c{place % 8} raw dash", name, True))
        name = f"effective{_which(model, series)}"
        curves.append(Curve(*ordered(series), f"c{place % 8}", name, True))
    return curves[:16]


def _which(model: RunModel, series: Series) -> str:
    """Whose rate it is, where there are several."""
    if len(_of_kind(model, "lr")) < 2:
        return ""
    return f", optimizer {series.info.optimizer or 0}, group {series.info.group or 0}"


def _interventions(model: RunModel) -> str:
    rows = JournalRows()
    rows.take(model.journal)
    found = [row for row in rows.rows if row.kind in _KINDS]
    if not found:
        return "<h2>Interventions</h2><p>None: the training was left to itself.</p>"
    all_heads = ("When", "Step", "Who", "What", "Old rate", "New rate", "Result", "Why")
    heads, cells = without_empty(all_heads, [_intervention(row) for row in found[:MOST_ROWS]])
    lines = [_cells(texts) for texts in cells]
    more = len(found) - MOST_ROWS
    note = f"<p>{more} more are in the run's journal.</p>" if more > 0 else ""
    return (
        '<h2>Interventions</h2><div class="wide"><table><thead><tr>'
        + "".join(f"<th>{head}</th>" for head in heads)
        + f"</tr></thead><tbody>{''.join(lines)}</tbody></table></div>{note}"
    )


def _intervention(row: JournalRow) -> Sequence[str]:
    old = new = why = ""
    for entry in row.entries:
        args = entry.data.get("args")
        if isinstance(args, dict) and args.get("note"):
            why = str(args["note"])
        changes = rates.changes(entry.data)
        if changes and not new:
            old, new = rates.short(changes[0].previous), rates.short(changes[0].effective)
    text = row.text.removesuffix(f" – {why}") if why else row.text
    # "Rewind: Rewound to …" and "Snapshot: Snapshot of …" say it twice.
    said = text[:ALIKE].lower() == row.what[:ALIKE].lower()
    what = text if said else f"{row.what}: {text}" if text else row.what
    result = row.result.partition(":")[0] if new else row.result
    step = "" if row.step is None else str(row.step)
    return (_when(row.time), step, row.who, what, old, new, result, why)


def _settings(model: RunModel) -> str:
    info = model.reader.info
    environment = _environment(model)
    facts: list[tuple[str, object]] = [
        ("Script", info.get("script")),
        ("Arguments", _command(info.get("argv"))),
        ("Command", _command(info.get("command"))),
        ("Folder", info.get("cwd")),
        ("Host", info.get("host") or environment.get("host")),
        ("User", info.get("user")),
        ("Python", environment.get("python") or info.get("python")),
        ("PyTorch", environment.get("torch")),
        ("Git commit", info.get("git_commit")),
        ("Run", model.id),
        ("Log", info.get("path") and f"{info['format_name']}: {info['path']}"),
    ]
    created = rates.number(info.get("created"))
    facts.insert(0, ("Begun", _when(created) if created else None))
    for optimizer in model.optimizers if model.log is None else ():
        groups = f"{optimizer.groups} group{'' if optimizer.groups == 1 else 's'}"
        about = "; ".join(a for a in optimizer.about if a)
        told = f"{optimizer.name}, {groups}" + (f" ({about})" if about else "")
        facts.append((f"Optimizer {optimizer.number}", told))
    told_settings = info.get("settings")
    if isinstance(told_settings, dict):
        facts += [(str(key), value) for key, value in told_settings.items()]
    lines = [_cells((name, str(value))) for name, value in facts if value not in (None, "")]
    return f'<h2>Settings</h2><div class="wide"><table class="plain">{"".join(lines)}</table></div>'


def _environment(model: RunModel) -> dict[str, Any]:
    events = model.rank.events if model.rank is not None else []
    return next((e for e in events if e.get("event") == "environment"), {})


def _of_kind(model: RunModel, kind: str) -> list[Series]:
    if model.rank is None:
        return []
    found = [s for s in model.rank.series.values() if s.info.kind == kind]
    main = model.main
    return sorted(
        found, key=lambda s: (s.info.optimizer != main, s.info.optimizer or 0, s.info.group or 0)
    )


def _shown(model: RunModel) -> list[Series]:
    return [*_of_kind(model, "loss"), *_of_kind(model, "lr"), *model.metrics()]


def _command(words: object) -> str | None:
    return shlex.join(map(str, words)) if isinstance(words, list) and words else None


def _cells(texts: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in texts) + "</tr>"


def _when(moment: float) -> str:
    try:
        when = datetime.datetime.fromtimestamp(moment).astimezone()
    except (OverflowError, OSError, ValueError):
        return "–"
    return when.strftime("%Y-%m-%d %H:%M:%S")
