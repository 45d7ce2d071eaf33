"""What happened in a run, merged by time and told in sentences."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lrmonitor.diagnosis.words import CAUSES, KINDS, severity_word
from lrmonitor.model import guards, options, plans, rates, rulebook, tests
from lrmonitor.model.findings import ADVICE, FINDING, JUDGED, MUTED
from lrmonitor.model.rates import number
from lrmonitor.model.usage import bytes_text


@dataclass(frozen=True)
class JournalEntry:
    """One event of a run. `source` is "supervisor", "rank 0" or a client's id."""

    time: float
    source: str
    event: str
    text: str
    step: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Marker:
    """An event to draw beside the curves, at a step.

    `kind` is "rate", "paused", "resumed", "note", "step_skipped", "stopping", "snapshot",
    "rewound", "guard" or "test".
    """

    step: int
    time: float
    kind: str
    text: str


MARKERS = {
    "rates": "rate",
    "rates_settled": "rate",
    "options": "rate",
    "paused": "paused",
    "resumed": "resumed",
    "note": "note",
    "step_skipped": "step_skipped",
    "stopping": "stopping",
    "snapshot": "snapshot",
    "rewound": "rewound",
    "guard": "guard",
    "test_began": "test",
}
"""Events that are drawn, with the kind of their marker."""

_QUIET = frozenset({"series", "loader", "batches", "reading", "test_leg"})
"""Events that tell a person nothing."""


def entry(source: str, event: Mapping[str, Any]) -> JournalEntry | None:
    """The journal's entry for an event; None for one that tells a person nothing."""
    name = event.get("event")
    time = number(event.get("time"))
    if not isinstance(name, str) or time is None or time != time or name in _QUIET:
        return None
    if name == "snapshot" and event.get("why") in ("every", "auto"):
        return None  # the list of those that are kept tells of them
    if name == "snapshots_dropped" and event.get("reason") == "budget":
        return None
    step = event.get("step")
    if not isinstance(step, int) or isinstance(step, bool):
        step = None
    try:
        text = _text(name, event)
    except (TypeError, ValueError, AttributeError, KeyError):
        text = name  # a field is not what it should be: the event is still told
    return JournalEntry(time, source, name, text, step, event)


def insert(entries: list[JournalEntry], new: JournalEntry) -> None:
    """Put an entry in its place by time; of equal times, the one read first comes first."""
    if not entries or entries[-1].time <= new.time:
        entries.append(new)
    else:
        bisect.insort_right(entries, new, key=lambda e: e.time)


def author(by: object) -> str | None:
    """Who did it, in words: "ann (window)"; a rule is named as one. None when it is not told."""
    if isinstance(by, str):
        return by or None
    if not isinstance(by, Mapping):
        return None
    name, via = str(by.get("name") or ""), str(by.get("via") or "")
    who = str(by.get("who") or "")
    if who and who != "person":
        name = f"{who} {name}".strip()
    if name and via:
        return f"{name} ({via})"
    return name or via or who or None


def _text(name: str, e: Mapping[str, Any]) -> str:
    by = author(e.get("by"))
    who = f" by {by}" if by else ""
    if name in ("rates", "rates_settled"):
        return f"Rate {rates.headline(e)}"
    if name == "options":
        return f"Option {options.headline(e)}"
    if name == "option_rewritten":
        return (
            f"The script wrote {e.get('name')} of optimizer {e.get('optimizer')} group "
            f"{e.get('group')} during the step: that is its own number now"
        )
    if name == "command":
        return f"Command{who}: {_command(e)}"
    if name == "acknowledgement":
        return _acknowledgement(e)
    if name == "note":
        return f"Note{who}: {e.get('text', '')}"
    if name in (FINDING, MUTED, ADVICE, JUDGED):
        return _finding(name, e) + who
    if name == rulebook.RULES:
        return rulebook.text_of(e, who)
    if name == "series_pattern":
        return f"Series “{e['name']}” made of printed numbers{who}"
    if name == "series_pattern_removed":
        return f"Series “{e['name']}” removed{who}"
    if name == "name":
        return f"Named {e.get('name', '')}"
    if name == "tags":
        return f"Tagged {', '.join(e['tags'])}{who}" if e["tags"] else f"Tags removed{who}"
    if name == "signalled":
        return f"{e.get('signal', 'A signal')} sent{who}"
    if name == "stop":
        if not e.get("signal"):
            return f"Interrupted at a step boundary{who}"
        pids = e.get("pids") or []
        to = f"process {pids[0]}" if len(pids) == 1 else f"{len(pids)} processes"
        return f"{e['signal']} sent to {to}{who}"
    if name == "exited":
        if e.get("signal"):
            return f"Ended by {e['signal']}"
        return f"Exited with code {e.get('code')}"
    if name == "environment":
        return (
            f"Training process {e.get('pid')} registered: Python {e.get('python')}, "
            f"torch {e.get('torch')}"
        )
    if name == "optimizer":
        return _optimizer(e)
    if name == "lost":
        return _lost(e)
    if name == "values_left_out":
        return f"{e.get('values')} values that the script logged were left out: there were too many"
    if name == "rate_rewritten":
        return (
            f"The script wrote {rates.short(number(e.get('found')))} into optimizer "
            f"{e.get('optimizer')} group {e.get('group')} during the step: that is its scheduled "
            "rate now"
        )
    if name == "step_skipped":
        return f"Step of optimizer {e.get('optimizer')} skipped: {e.get('reason')}"
    if name == "starting":
        return "lrmonitor starts the script"
    if name == "started":
        return f"The script started as process {e.get('pid')}"
    if name == "failed":
        return f"The script could not be started: {e.get('reason')}"
    if name == "no_optimizer":
        return f"No optimizer: {e.get('reason')}"
    if name == "progress":
        return _length(e)
    if name == "compiled":
        return f"Compiled by torch.compile in {float(e['seconds']):.3g} s"
    if name == "log":
        return f"A {e['format']} log, only read: {e['path']}"
    if name == "log_problem":
        return str(e["text"])
    if name in ("snapshot", "snapshots", "snapshots_dropped", "snapshot_failed", "rewound"):
        return _state(name, e)
    if name in ("guards", "guard"):
        return guards.set_words(e) if name == "guards" else guards.acted_words(e)
    if name in ("test_began", "test_ended"):
        return tests.told(name, e)
    if name == "checkpoint":
        return f"State of step {e['step']} saved to {e['path']}"
    if name == "probe_error":
        return f"lrmonitor's probe failed in {e.get('where')}: {e.get('error')}"
    plain = {
        "compiling": "Compiling (torch.compile)",
        "paused": "Paused",
        "resumed": "Resumed",
        "stopping": "Stopping",
        "ended": "Ended",
    }
    return plain.get(name, name.replace("_", " ").capitalize())


def _state(name: str, e: Mapping[str, Any]) -> str:
    if name == "snapshot":
        why = {"every": ", as set", "change": ", before a change"}.get(str(e["why"]), "")
        warned = f" ({'; '.join(e['warnings'])})" if e.get("warnings") else ""
        return f"Snapshot of the state{why}: {bytes_text(e['bytes'])}{warned}"
    if name == "rewound":
        rng = ", random number generators too" if e.get("rng") else ""
        scale, rate = number(e.get("scale")), number(e.get("rate"))
        times = "" if scale is None else f", to go on at ×{rates.short(scale)}"
        held = "" if rate is None else f", to go on at {rates.short(rate)}"
        return f"Rewound to the state of step {e['to']}{rng}{times}{held}"
    if name == "snapshots_dropped":
        n = len(e["ids"])
        what = "1 snapshot" if n == 1 else f"{n} snapshots"
        return f"{what} dropped: " + {"budget": "the budget is used up"}.get(
            str(e["reason"]), "as asked"
        )
    if name == "snapshot_failed":
        return f"No snapshot: {e['reason']}"
    taken = f"every {e['every']} steps" if e["every"] else "none by itself"
    if e.get("automatic"):
        taken = "taken unasked, at most half a percent of the time"
    before = ", one before each change of the rate" if e["before"] else ""
    why = f" ({e['reason']})" if e.get("reason") else ""
    return f"Snapshots: {taken}{before}, at most {bytes_text(e['budget'])}{why}"


def _finding(name: str, e: Mapping[str, Any]) -> str:
    if name == FINDING:
        found = e["finding"]
        words = KINDS.get(found["kind"], str(found["kind"]))
        cause = CAUSES.get(found["cause"], str(found["cause"]))
        if not found["open"]:
            return f"Over: {words} – {found['outcome']}"
        told = f" – {cause}" if found["cause"] != "undetermined" else ""
        return f"{severity_word(found['severity'])}: {words}{told}"
    words = KINDS.get(e["kind"], str(e["kind"]))
    if name == MUTED:
        until = f" until step {e.get('until_step')}"
        how = {"snooze": f"snoozed{until}", "dismiss": "is not a problem of this run"}
        return f"{words} {how.get(str(e.get('how')), 'is told again')}"
    if name == ADVICE and e.get("rule"):
        return f"Done about “{words}”: {e['words']}"
    if name == ADVICE:
        return f"Advice on “{words}” followed: {e['words']}"
    return f"Advice on “{words}” judged. {e['text']}"


def _command(e: Mapping[str, Any]) -> str:
    args = e.get("args")
    command = str(e.get("command", ""))
    if not isinstance(args, Mapping):
        return command
    words = [command]
    if command == "option":
        words.append(f"{args.get('name')}{' follow' if args.get('value') is None else ''}")
    words += [str(args[key]) for key in ("mode", "value", "target") if args.get(key) is not None]
    tried = "rates" if args.get("rates") else "factors"
    for key in ("to", "back", "scale", "rate", "save", "every", "start", "stop", tried, "steps"):
        if args.get(key) is not None:
            words.append(f"{key} {args[key]}")
    if "plan" in args:
        words.append(plans.told(args["plan"]))
    for key in ("begin", "ramp", "optimizer", "group"):
        if args.get(key) is not None:
            words.append(f"{key} {args[key]}")
    if args.get("same"):
        words.append("in all groups")
    told = " ".join(words)
    return f"{told} – {args['note']}" if args.get("note") else told


def _acknowledgement(e: Mapping[str, Any]) -> str:
    status = str(e.get("status") or "acknowledged")
    if status == "refused":
        return f"Refused: {e.get('reason')}"
    at = f" at step {e['step']}" if isinstance(e.get("step"), int) else ""
    warning = f" (warning: {e['warning']})" if e.get("warning") else ""
    return f"{status.capitalize()}{at}{warning}"


def _optimizer(e: Mapping[str, Any]) -> str:
    groups = e.get("groups")
    text = f"Optimizer {e.get('optimizer')}: {e.get('class')}, " + (
        "1 group" if groups == 1 else f"{groups} groups"
    )
    if e.get("replaced"):
        text += ", in the place of an earlier one"
    if e.get("controllable") is False:
        text += f"; its rate cannot be set: {e.get('reason')}"
    return text


def _length(e: Mapping[str, Any]) -> str:
    totals = [(e.get("total_steps"), "step"), (e.get("total_epochs"), "epoch")]
    told = [f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in totals if isinstance(n, int)]
    if not told:
        return "How long the training will be is no longer known"
    return f"The training will be {' and '.join(told)} long, says {e.get('source')}"


def _lost(e: Mapping[str, Any]) -> str:
    parts = [
        f"{e[key]} {key}"
        for key in ("records", "events", "bytes")
        if isinstance(e.get(key), int) and e[key]
    ]
    return f"Not recorded: {', '.join(parts) or 'some data'} ({e.get('reason')})"
