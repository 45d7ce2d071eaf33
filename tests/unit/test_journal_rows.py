"""The journal as a table."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from lrmonitor.model import journal
from lrmonitor.model.journal import JournalEntry
from lrmonitor.model.journal_rows import (
    KINDS,
    JournalRow,
    JournalRows,
    as_csv,
    as_jsonl,
    as_text,
    shown,
)

ANN = {"who": "person", "via": "window", "name": "ann"}


def entry(source: str, event: str, time: float, **fields: Any) -> JournalEntry:
    found = journal.entry(source, {"event": event, "time": time, **fields})
    assert found is not None
    return found


def group(previous: float, effective: float, number: int = 0) -> dict[str, Any]:
    return {
        "optimizer": 0,
        "group": number,
        "scheduled": 1e-3,
        "previous": previous,
        "effective": effective,
    }


def change(id: str, time: float, step: int, *, groups: int = 1, **args: Any) -> list[JournalEntry]:
    """A rate command, what it changed, and its answer."""
    told = [group(1e-3 / (1 + n), 3e-4 / (1 + n), n) for n in range(groups)]
    args = {"mode": "hold", "value": 3e-4, "optimizer": None, "group": None, **args}
    return [
        entry("rank 0", "command", time, id=id, command="lr", args=args, by=ANN, step=step - 1),
        entry(
            "rank 0", "rates", time + 0.01, id=id, step=step, mode="hold", value=3e-4, groups=told
        ),
        entry(
            "rank 0",
            "acknowledgement",
            time + 0.02,
            id=id,
            status="applied",
            step=step,
            groups=told,
        ),
    ]


def rows_of(*entries: JournalEntry) -> list[JournalRow]:
    rows = JournalRows()
    rows.take(entries)
    return rows.rows


def test_a_command_and_what_became_of_it_are_one_row() -> None:
    (row,) = rows_of(*change("a", 10.0, 120, note="too noisy"))
    assert (row.time, row.step, row.kind, row.what) == (10.0, 120, "rate", "Rate")
    assert row.who == "ann (window)"
    assert row.text == "Hold 3e-4 – too noisy"
    assert row.result == "Applied: 0.001 → 3e-4"
    assert row.tone == "good"
    assert len(row.entries) == 3
    assert row.tells(10.01, "rate")
    assert not row.tells(10.01, "note")
    assert not row.tells(11.0, "rate")


def test_an_answer_may_come_later() -> None:
    entries = change("a", 10.0, 120)
    rows = JournalRows()
    rows.take(entries[:1])
    assert (rows.rows[0].result, rows.rows[0].tone, rows.rows[0].step) == ("Pending", "wait", 119)
    rows.take(entries)
    assert len(rows.rows) == 1
    assert rows.rows[0].result.startswith("Applied")


def test_each_way_to_change_a_rate_is_told_in_words() -> None:
    def text(**args: Any) -> str:
        return rows_of(change("a", 1.0, 5, **args)[0])[0].text

    assert text(mode="set") == "3e-4 now, schedule continues"
    assert text(mode="scale", value=0.5) == "×0.5, schedule continues"
    assert text(mode="freeze", value=None) == "Freeze: rate 0"
    assert text(mode="follow", value=None) == "Release to the script's schedule"
    assert text(optimizer=1, group=0) == "Hold 3e-4 (optimizer 1, group 0)"
    assert text(optimizer="all") == "Hold 3e-4 (all optimizers)"


def test_several_groups_are_counted_where_they_differ() -> None:
    (row,) = rows_of(*change("a", 10.0, 120, groups=3))
    assert row.result == "Applied: 0.001 → 3e-4 (and 2 more)"


def test_a_refusal_says_why() -> None:
    command = change("a", 1.0, 5)[0]
    refused = entry("rank 0", "acknowledgement", 2.0, id="a", status="refused", reason="no group 7")
    (row,) = rows_of(command, refused)
    assert (row.result, row.tone) == ("Refused: no group 7", "bad")


def test_events_without_a_command_have_rows_of_their_own() -> None:
    rows = rows_of(
        entry("supervisor", "started", 1.0, pid=7),
        entry("rank 0", "rates", 2.0, step=9, mode="hold", value=1.0, groups=[group(1, 2)]),
        entry("rank 0", "acknowledgement", 2.5, id="gone", status="refused", reason="x"),
        entry("cli-1", "note", 3.0, text="hello", by=ANN, step=4),
        entry("rank 0", "step_skipped", 4.0, optimizer=0, reason="overflow", step=6),
        entry("rank 0", "something_new", 5.0),
        entry("supervisor", "exited", 6.0, code=1, signal=None),
    )
    assert [row.kind for row in rows] == ["run", "rate", "rate", "note", "problem", "run", "run"]
    assert [row.who for row in rows[:4]] == ["lrmonitor", "training", "training", "ann (window)"]
    assert rows[1].text == "Hold 1: 1 → 2"
    assert rows[3].text == "hello"
    assert rows[5].what == "Something new"
    assert rows[6].tone == "bad"
    assert {row.kind for row in rows} <= set(KINDS)


def test_what_was_not_recorded_is_said_once() -> None:
    lost = entry(
        "rank 0", "lost", 1.0, records=120, events=0, bytes=2880, reason="No space left on device"
    )
    (row,) = rows_of(lost)
    assert row.what == "Not recorded"
    assert row.text == "120 records, 2880 bytes (No space left on device)"
    # What a person writes stays as it is.
    (note,) = rows_of(entry("client ann", "note", 2.0, text="Note: odd images", by=ANN))
    assert (note.what, note.text) == ("Note", "Note: odd images")


def test_a_journal_that_is_another_is_read_again() -> None:
    rows = JournalRows()
    first, second = entry("a", "paused", 1.0), entry("a", "resumed", 3.0)
    rows.take([first, second])
    between = entry("b", "note", 2.0, text="late")
    rows.take([first, between, second])
    assert [row.what for row in rows.rows] == ["Paused", "Note", "Resumed"]
    rows.take([second])
    assert [row.what for row in rows.rows] == ["Resumed"]


def test_rows_are_found_by_kind_and_words() -> None:
    rows = rows_of(
        *change("a", 10.0, 120, note="too noisy"),
        entry("cli-1", "note", 3.0, text="plateau", by=ANN, step=4),
    )
    assert shown(rows, KINDS, "") == rows
    assert [row.what for row in shown(rows, ["note"], "")] == ["Note"]
    assert [row.what for row in shown(rows, KINDS, "NOISY hold")] == ["Rate"]
    assert [row.what for row in shown(rows, KINDS, "step 120")] == ["Rate"]
    assert shown(rows, KINDS, "noisy plateau") == []


def test_rows_are_written_as_text_csv_and_the_events_themselves() -> None:
    rows = rows_of(
        *change("a", 10.0, 120, note="too noisy"),
        entry("cli-1", "note", 12.0, text='two\nlines, "quoted"', by=ANN),
    )
    lines = as_text(rows).splitlines()
    assert len(lines) == 2
    assert lines[0].split("\t")[1:] == [
        "120",
        "Rate",
        "ann (window)",
        "Hold 3e-4 – too noisy",
        "Applied: 0.001 → 3e-4",
    ]
    table = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert [row["unix_time"] for row in table] == ["10.0", "12.0"]
    assert table[1]["text"] == 'two\nlines, "quoted"'
    assert table[1]["step"] == ""
    events = [json.loads(line) for line in as_jsonl(rows).splitlines()]
    assert [e["event"] for e in events] == ["command", "rates", "acknowledgement", "note"]
    assert events[3]["source"] == "cli-1"
