"""The journal as a table: a row for each event, a command with what became of it in one row."""

from __future__ import annotations

import csv
import datetime
import io
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lrmonitor.model import options, plans, rates, rulebook, tests
from lrmonitor.model.journal import MARKERS, JournalEntry, author
from lrmonitor.record.jsonl import plain

KINDS = {
    "rate": "Rates",
    "training": "Pause, stop, rewind",
    "note": "Notes",
    "finding": "Findings",
    "problem": "Problems",
    "run": "Run",
}
"""What rows are about, in the order in which a person looks for it, with the words for it."""

COLUMNS = ("time", "step", "what", "who", "text", "result")


@dataclass(frozen=True)
class JournalRow:
    """One row.

    `time` is unix seconds; `what` a word or two for its kind; `tone` is "good", "bad", "wait" or
    ""; `entries` are the events it tells of, the first of them when it came.
    """

    time: float
    step: int | None
    kind: str
    what: str
    who: str
    text: str
    result: str
    tone: str
    entries: tuple[JournalEntry, ...]

    @property
    def test(self) -> str | None:
        """The id of the range test or rate trial that it tells of."""
        for entry in self.entries:
            if entry.event in ("test_began", "test_ended"):
                return str(entry.data.get("id") or "") or None
        return None

    def tells(self, moment: float, kind: str) -> bool:
        """Whether it tells of what a marker of that kind and moment (unix seconds) stands for."""
        return any(e.time == moment and MARKERS.get(e.event) == kind for e in self.entries)

    def matches(self, words: Sequence[str]) -> bool:
        """Whether it holds all of these words (given in lower case)."""
        step = "" if self.step is None else f"step {self.step}"
        told = f"{self.what}\n{self.who}\n{self.text}\n{self.result}\n{step}".lower()
        return all(word in told for word in words)


class JournalRows:
    """The rows of a journal that grows. `rows` is in the order of the time. Not thread-safe."""

    def __init__(self) -> None:
        self.rows: list[JournalRow] = []
        self._taken: list[JournalEntry] = []
        self._commands: dict[str, int] = {}

    def take(self, entries: Sequence[JournalEntry]) -> None:
        """Read on in a journal; where it is another than before, from its start."""
        known = len(self._taken)
        same = known <= len(entries) and all(
            one is other for one, other in zip(self._taken, entries, strict=False)
        )
        if not same:
            self.rows.clear()
            self._taken.clear()
            self._commands.clear()
            known = 0
        for entry in entries[known:]:
            self._taken.append(entry)
            self._add(entry)

    def _add(self, entry: JournalEntry) -> None:
        identity = str(entry.data.get("id") or "")
        at = self._commands.get(identity) if identity else None
        if entry.event in _JOINED and at is not None:
            self.rows[at] = _joined(self.rows[at], entry)
            return
        if entry.event == "command" and identity:
            self._commands[identity] = len(self.rows)
        self.rows.append(_row(entry))


def shown(rows: Sequence[JournalRow], kinds: Collection[str], search: str) -> list[JournalRow]:
    """The rows of these kinds that hold all words of `search`, whatever their case."""
    words = search.lower().split()
    return [row for row in rows if row.kind in kinds and row.matches(words)]


def write(rows: Sequence[JournalRow], path: Path) -> None:
    """Write rows to a file, replaced as a whole: events as JSON lines where its name ends in
    .jsonl, else CSV. Raises OSError when it cannot be written."""
    text = as_jsonl(rows) if path.suffix.lower() == ".jsonl" else as_csv(rows)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(text, "utf-8", newline="")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def as_text(rows: Sequence[JournalRow]) -> str:
    """Rows to be pasted: a line each, with tabs between its columns."""
    return "\n".join(
        "\t".join(" ".join(field.split()) for field in _fields(row, sep=" ")) for row in rows
    )


def as_csv(rows: Sequence[JournalRow]) -> str:
    """Rows as CSV with a heading; `unix_time` is exact, `time` local with its offset."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["unix_time", *COLUMNS])
    for row in rows:
        writer.writerow([repr(row.time), *_fields(row)])
    return out.getvalue()


def as_jsonl(rows: Sequence[JournalRow]) -> str:
    """The events behind the rows as they were recorded, a JSON object a line, with their source."""
    entries = sorted((e for row in rows for e in row.entries), key=lambda e: e.time)
    return "".join(
        json.dumps(plain({"source": e.source, **e.data}), ensure_ascii=False) + "\n"
        for e in entries
    )


def _fields(row: JournalRow, sep: str = "T") -> list[str]:
    when = datetime.datetime.fromtimestamp(row.time).astimezone()
    step = "" if row.step is None else str(row.step)
    told = when.isoformat(sep=sep, timespec="milliseconds")
    return [told, step, row.what, row.who, row.text, row.result]


def _row(entry: JournalEntry) -> JournalRow:
    kind, what = _WHAT.get(entry.event, ("run", _capital(entry.event)))
    tone = "bad" if kind == "problem" else ""
    text, result = entry.text, ""
    e = entry.data
    if entry.event == "command":
        kind, what, text = _command(e)
        result, tone = "Pending", "wait"
    elif entry.event == "note":
        text = str(e.get("text", ""))
    elif entry.event in ("rates", "rates_settled"):
        text = _capital(rates.headline(e))
    elif entry.event == "options":
        text = _capital(options.headline(e))
    elif entry.event == "exited" and (e.get("signal") or e.get("code")):
        tone = "bad"
    elif entry.event == "acknowledgement":
        tone = _TONES.get(str(e.get("status")), "")
    elif entry.event == "lost":
        text = text.removeprefix(f"{what}: ")  # that stands in its own column
    by = author(e.get("by"))
    text = text.replace(f" by {by}.", ".") if by and entry.event == rulebook.RULES else text
    text = text.removesuffix(f" by {by}") if by else text
    source = "log" if entry.event in _LOG else entry.source
    who = by or _SOURCES.get(source.partition(" ")[0], source)
    return JournalRow(entry.time, entry.step, kind, what, who, text, result, tone, (entry,))


def _joined(row: JournalRow, entry: JournalEntry) -> JournalRow:
    """A command's row with the change it made, or with its answer."""
    entries = (*row.entries, entry)
    if entry.event in ("rates", "options"):
        # It stands where it took effect: there is its marker.
        return replace(row, step=entry.step, entries=entries)
    if entry.event in ("test_began", "test_ended"):
        step = row.step if entry.event == "test_ended" else entry.step
        return replace(row, step=step, text=entry.text, entries=entries)
    if entry.event == "rewound":
        return replace(row, step=entry.step, text=entry.text, entries=entries)
    status = str(entry.data.get("status") or "")
    result = _capital(status) or "Answered"
    if status == "refused":
        result = f"Refused: {entry.data.get('reason') or 'no reason was given'}"
    found = rates.changes(entry.data)
    if status == "applied" and found:
        first = found[0]
        result = f"Applied: {rates.short(first.previous)} → {rates.short(first.effective)}"
        others = {(one.previous, one.effective) for one in found[1:]} - {
            (first.previous, first.effective)
        }
        if others:
            result += f" (and {len(found) - 1} more)"
    if entry.data.get("warning"):
        result += f" (warning: {entry.data['warning']})"
    step = entry.step if status == "applied" and entry.step is not None else row.step
    tone = _TONES.get(status, "")
    return replace(row, step=step, result=result, tone=tone, entries=entries)


def _command(e: Mapping[str, Any]) -> tuple[str, str, str]:
    """(kind, what, text) of a command."""
    name = str(e.get("command", ""))
    args = e.get("args")
    args = args if isinstance(args, Mapping) else {}
    if name == "option":
        return "rate", "Option", options.command_words(args)
    if name != "lr":
        what = {"step": "One step", "trial": "Rate trial"}.get(name, _capital(name))
        if name in ("range_test", "trial"):
            return "rate", what, tests.asked(name, args)
        return "training", what, _ASKED.get(name, f"{_capital(name)} asked for")
    value = rates.short(rates.number(args.get("value")))
    mode = str(args.get("mode", ""))
    text = {
        "hold": f"Hold {value}",
        "set": f"{value} now, schedule continues",
        "scale": f"×{value}, schedule continues",
        "freeze": "Freeze: rate 0",
        "follow": "Release to the script's schedule",
        "plan": f"Replace the schedule by {plans.told(args.get('plan'))}",
    }.get(mode, _capital(mode))
    ramp, begin = args.get("ramp"), args.get("begin")
    if isinstance(begin, int):
        text += f", from step {begin}"
    if isinstance(ramp, int) and ramp > 1:
        text += f", on a ramp of {ramp} steps"
    if args.get("same"):
        text += ", the same in all groups"
    where = [f"{key} {args[key]}" for key in ("optimizer", "group") if args.get(key) is not None]
    if where:
        text += f" ({', '.join(where)})".replace("optimizer all", "all optimizers")
    if args.get("note"):
        text += f" – {args['note']}"
    return "rate", "Rate", text


def _capital(words: str) -> str:
    words = words.replace("_", " ")
    return words[:1].upper() + words[1:]


_LOG = ("log", "log_problem")
_JOINED = ("rates", "options", "rewound", "test_began", "test_ended", "acknowledgement")
"""Events that belong to the row of their command."""
_SOURCES = {"supervisor": "lrmonitor", "rank": "training"}
_TONES = {"applied": "good", "refused": "bad", "pending": "wait"}
_ASKED = {
    "pause": "Hold after the step it is in",
    "resume": "Go on",
    "step": "Make one step and hold again",
    "stop": "End at the next step",
    "cancel": "Withdraw what is pending",
    "snapshot": "Keep the state",
    "snapshots": "Set how snapshots are taken",
    "rewind": "Go back to a snapshot",
    "guard": "Set a guard",
}
_WHAT = {
    "command": ("rate", "Rate"),
    "acknowledgement": ("rate", "Answer"),
    "rates": ("rate", "Rate"),
    "rates_settled": ("rate", "Rate"),
    "rate_rewritten": ("rate", "Rate"),
    "options": ("rate", "Option"),
    "option_rewritten": ("rate", "Option"),
    "paused": ("training", "Paused"),
    "resumed": ("training", "Resumed"),
    "stopping": ("training", "Stopping"),
    "stop": ("training", "Stop"),
    "signalled": ("training", "Signal"),
    "snapshot": ("training", "Snapshot"),
    "snapshots": ("training", "Snapshots"),
    "snapshots_dropped": ("training", "Snapshots"),
    "snapshot_failed": ("problem", "Snapshot"),
    "rewound": ("training", "Rewind"),
    "checkpoint": ("training", "Checkpoint"),
    "guards": ("training", "Guards"),
    "guard": ("problem", "Guard"),
    "test_began": ("rate", "Rate test"),
    "test_ended": ("rate", "Rate test"),
    "note": ("note", "Note"),
    "name": ("note", "Name"),
    "series_pattern": ("note", "Series"),
    "series_pattern_removed": ("note", "Series"),
    "finding": ("finding", "Finding"),
    "finding_muted": ("finding", "Finding"),
    "advice_taken": ("finding", "Advice"),
    "advice_judged": ("finding", "Advice"),
    "rules": ("finding", "Rules"),
    "failed": ("problem", "Failed"),
    "lost": ("problem", "Not recorded"),
    "values_left_out": ("problem", "Not recorded"),
    "log_problem": ("problem", "Log"),
    "log": ("run", "Log"),
    "probe_error": ("problem", "Fault of lrmonitor"),
    "step_skipped": ("problem", "Step skipped"),
    "starting": ("run", "Start"),
    "started": ("run", "Start"),
    "exited": ("run", "End"),
    "ended": ("run", "End"),
    "environment": ("run", "Process"),
    "optimizer": ("run", "Optimizer"),
    "no_optimizer": ("run", "Optimizer"),
}
