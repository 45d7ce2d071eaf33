"""Findings with what the person made of them, as the record holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lrmonitor.diagnosis.finding import Advice, Evidence, Finding
from lrmonitor.model.findings import ADVICE, FINDING, JUDGED, MUTED, Findings
from lrmonitor.model.journal import entry
from lrmonitor.model.journal_rows import JournalRows

FOUND = Finding(
    0,
    "divergence",
    "critical",
    90,
    100,
    120,
    "lr_too_high",
    0.8,
    Evidence("two medians above the best", (80, 100), {"ratio": 2.0}),
    Advice("rewind", "it rose", "it falls", 0.3, 200),
)


def event(finding: Finding, **more: Any) -> dict[str, Any]:
    """What a window records of a finding."""
    return {"event": FINDING, "time": 1.0, "finding": finding.to_json(), **more}


def mute(how: str, **more: Any) -> dict[str, Any]:
    """What the person said of that kind."""
    return {
        "event": MUTED,
        "time": 2.0,
        "kind": "divergence",
        "cause": "lr_too_high",
        "how": how,
        **more,
    }


def test_an_open_warning_alarms_until_it_is_muted() -> None:
    known = Findings()
    assert known.told([FOUND], 120)[0].alarming
    assert not known.told([replace(FOUND, severity="info")], 120)[0].alarming
    assert not known.told([replace(FOUND, open=False)], 120)[0].alarming
    known.take(mute("dismiss"))
    assert known.told([FOUND], 120)[0].muted == "dismiss"
    other = replace(FOUND, cause="undetermined")
    assert known.told([other], 120)[0].alarming  # another cause is another matter
    known.take(mute(""))
    assert known.told([FOUND], 120)[0].alarming


def test_a_snooze_ends_at_its_step() -> None:
    known = Findings()
    known.take(mute("snooze", until_step=1120))
    told = known.told([FOUND], 1119)[0]
    assert (told.muted, told.until, told.alarming) == ("snooze", 1120, False)
    assert known.told([FOUND], 1120)[0].alarming
    known.take(mute("snooze"))  # torn: it never began
    assert known.told([FOUND], 5)[0].alarming


def test_advice_that_was_followed_and_judged() -> None:
    known = Findings()
    key = {"kind": "divergence", "detected_step": 100}
    known.take({"event": ADVICE, **key, "command": "c1", "words": "×0.3", "span": 200})
    taken = known.told([FOUND], 120)[0].taken
    assert taken is not None
    assert (taken.at, taken.span, taken.judged) == (None, 200, "")
    known.answered("c1", 130)
    taken = known.told([FOUND], 130)[0].taken
    assert taken is not None
    assert taken.at == 130
    known.take({"event": JUDGED, **key, "verdict": "helped", "text": "Helped: much"})
    taken = known.told([FOUND], 330)[0].taken
    assert taken is not None
    assert (taken.verdict, taken.judged) == ("helped", "Helped: much")


def test_the_answer_may_be_read_before_the_advice() -> None:
    known = Findings()
    known.answered("c1", 130)
    key = {"kind": "divergence", "detected_step": 104}  # by another diagnosis, a little later
    known.take({"event": ADVICE, **key, "command": "c1", "words": "×0.3", "span": 200})
    taken = known.told([FOUND], 140)[0].taken
    assert taken is not None
    assert taken.at == 130


def test_what_was_told_is_recorded_once() -> None:
    known = Findings()
    assert not known.is_recorded(FOUND)
    known.take(event(FOUND))
    assert known.is_recorded(replace(FOUND, last_step=500, detected_step=101))
    assert not known.is_recorded(replace(FOUND, open=False, outcome="it fell"))
    assert not known.is_recorded(replace(FOUND, severity="warning"))
    assert not known.is_recorded(replace(FOUND, detected_step=1000))


def test_the_worst_open_finding_stands_for_the_run() -> None:
    known = Findings()
    assert known.alarm(100) is None
    known.take(event(replace(FOUND, kind="plateau", severity="warning", cause="undetermined")))
    known.take(event(FOUND))
    known.take(event(replace(FOUND, kind="spike", severity="info")))
    assert known.alarm(100) == ("critical", "divergence")
    known.take(mute("dismiss"))
    assert known.alarm(100) == ("warning", "plateau")
    known.take(event(replace(FOUND, kind="plateau", severity="warning", open=False)))
    assert known.alarm(100) is None


def test_lines_that_are_not_what_they_should_be_are_passed_over() -> None:
    known = Findings()
    for line in (
        {"event": FINDING},
        {"event": FINDING, "finding": {"kind": 3, "detected_step": 1}},
        {"event": FINDING, "finding": {"kind": "spike", "detected_step": "one"}},
        {"event": MUTED, "kind": None},
        {"event": ADVICE, "kind": "spike", "detected_step": True},
        {"event": JUDGED, "kind": "spike", "detected_step": 3, "verdict": "helped"},
        {"event": "note", "text": "a note"},
    ):
        known.take(line)
    assert known.told([FOUND], 100)[0].alarming
    assert known.alarm(100) is None


def test_the_journal_tells_them() -> None:
    key = {"kind": "divergence", "detected_step": 100}
    lines = [
        event(FOUND, step=100),
        mute("snooze", until_step=1120, by={"who": "person", "name": "ann", "via": "window"}),
        mute("dismiss"),
        mute(""),
        {"event": ADVICE, "time": 3.0, **key, "command": "c1", "words": "×0.3", "span": 9},
        {"event": JUDGED, "time": 4.0, **key, "verdict": "helped", "text": "Helped: much"},
        event(replace(FOUND, open=False, outcome="it fell"), step=300),
        {"event": FINDING, "time": 9.0, "finding": 3},
    ]
    entries = [found for line in lines if (found := entry("window-1", line)) is not None]
    assert [e.text for e in entries] == [
        "Critical: Loss diverges – learning rate too high",
        "Loss diverges snoozed until step 1120 by ann (window)",
        "Loss diverges is not a problem of this run",
        "Loss diverges is told again",
        "Advice on “Loss diverges” followed: ×0.3",
        "Advice on “Loss diverges” judged. Helped: much",
        "Over: Loss diverges – it fell",
        "finding",
    ]
    rows = JournalRows()
    rows.take(entries)
    assert {row.kind for row in rows.rows} == {"finding"}
