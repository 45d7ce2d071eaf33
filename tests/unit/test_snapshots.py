"""Which snapshots are kept: in the training process, and as its record tells."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrmonitor.app.advising import offer
from lrmonitor.app.proposal import RateNow
from lrmonitor.diagnosis import advise
from lrmonitor.diagnosis.chunk import Chunk
from lrmonitor.diagnosis.engine import Diagnosis
from lrmonitor.diagnosis.finding import Evidence, Finding
from lrmonitor.link.messages import (
    CommandError,
    RewindCommand,
    SnapshotCommand,
    SnapshotsCommand,
    parse_command,
)
from lrmonitor.model import journal
from lrmonitor.model.journal_rows import JournalRows
from lrmonitor.model.pieces import Pieces
from lrmonitor.model.snapshots import Snapshots
from lrmonitor.model.state_size import estimated
from lrmonitor.probe import copies, memory
from lrmonitor.probe.automatic import AUTO
from lrmonitor.probe.ring import MOST, NotKept, Ring


class Fake:
    """What the ring asks of a snapshot."""

    def __init__(self, step: int, count: int = 100, shared: list[copies.Held] | None = None):
        self.step = step
        self.why = "command"
        self.left = False
        self.own = [copies.Held(torch.zeros(count, dtype=torch.uint8), torch.device("cpu"))]
        self.shared = shared or []
        self.alone = count

    def held(self) -> Any:
        """Its copies."""
        return iter([*self.own, *self.shared])


def ring_of(*steps: int) -> Ring:
    """A ring with snapshots of these steps, 100 bytes each."""
    ring = Ring()
    for step in steps:
        ring.add(Fake(step))  # type: ignore[arg-type]
    return ring


def test_which_snapshot_is_meant() -> None:
    ring = ring_of(100, 200, 300)
    assert ring.choose(None, None, 350).step == 300
    assert ring.choose(100, None, 350).step == 100
    assert ring.choose(None, 100, 350).step == 200
    assert ring.choose(None, 150, 350).step == 200
    with pytest.raises(
        NotKept, match="no snapshot of step 150 is kept: there are those of steps 100, 200 and 300"
    ):
        ring.choose(150, None, 350)
    with pytest.raises(NotKept, match="from 300 steps ago, step 50, or before"):
        ring.choose(None, 300, 350)
    ring.leave(100)
    assert ring.choose(None, None, 350).step == 100
    assert ring.choose(200, None, 350).step == 200, "named, it can still be gone back to"
    with pytest.raises(NotKept, match="nothing to go back to"):
        Ring().choose(None, None, 5)


def test_the_oldest_make_room_and_those_of_steps_taken_back_before_them() -> None:
    ring = ring_of(1, 2, 3)
    ring.kept[1].left = True
    dropped, spare = ring.make_room(100, 300)
    assert [one.step for one in dropped] == [2]
    assert len(spare) == 1
    dropped, _ = ring.make_room(100, 200)
    assert [one.step for one in dropped] == [1]
    with pytest.raises(NotKept, match="a snapshot takes 301 B, and all of them may take 300 B"):
        ring.make_room(301, 300)
    many = ring_of(*range(MOST))
    assert [one.step for one in many.make_room(1, 10**9)[0]] == [0]


def test_what_was_taken_unasked_reaches_back_to_the_first_step() -> None:
    ring = ring_of(50)
    for step in (1, *range(300, 10_300, 100)):
        ring.make_room(100, 900)
        ring.add(Fake(step))  # type: ignore[arg-type]
        ring.kept[-1].why = AUTO
    assert ring.kept[0].step == 50, "what was asked for stays"
    steps = [one.step for one in ring.kept[1:]]
    assert (len(steps), steps[0], steps[-3:]) == (8, 1, [10_000, 10_100, 10_200])
    ages = [10_300 - step for step in steps[1:]]
    assert all(1 < age / later < 3.5 for age, later in itertools.pairwise(ages)), ages
    # As tight as it may get: the first one and the newest.
    assert [one.step for one in ring.make_room(100, 300)[0]][-1] != 1
    assert [one.step for one in ring.kept] == [50, 1]


def test_memory_that_others_hold_or_that_is_being_saved_is_not_used_again() -> None:
    both = copies.Held(torch.zeros(50, dtype=torch.uint8), torch.device("cpu"))
    ring = Ring()
    first, second = Fake(1, shared=[both]), Fake(2, shared=[both])
    ring.add(first)  # type: ignore[arg-type]
    ring.add(second)  # type: ignore[arg-type]
    assert ring.bytes == 250
    ring.saving.append(second)  # type: ignore[arg-type]
    dropped, spare = ring.make_room(200, 200)
    assert [one.step for one in dropped] == [1, 2]
    assert spare == first.own


def test_nested_state_is_put_back_to_the_bit_and_in_place() -> None:
    weight = torch.randn(3, 4, dtype=torch.float64).t()
    live: dict[Any, Any] = {
        "step": torch.tensor(3.0),
        "twice": (weight, [weight, 1.5]),
        "old": [torch.ones(2)],
        "name": "x",
        "nothing": None,
    }
    kept = copies.Memory().copy_all(live)
    before = weight.clone()
    weight.mul_(float("nan"))
    live["old"].append(torch.zeros(9))
    live["new"] = 1
    live["step"] = torch.zeros(5)
    del live["name"]
    with torch.no_grad():
        copies.Restoring().into(live, kept)
    assert set(live) == {"step", "twice", "old", "name", "nothing"}
    assert live["twice"][0] is weight
    assert live["twice"][1][0] is weight
    assert torch.equal(weight, before)
    assert weight.stride() == before.stride()
    assert live["step"].item() == 3.0
    assert [one.tolist() for one in live["old"]] == [[1.0, 1.0]]
    with pytest.raises(copies.Unkept, match="it holds a object"):
        copies.Memory().copy_all({"odd": object()})
    with pytest.raises(copies.Unkept, match="share memory"):
        copies.Memory().copy_all(torch.zeros(1).expand(5))


def test_how_much_memory_there_is(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable:   500 kB\n")
    assert memory.available(tmp_path, tmp_path) == 512_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available(tmp_path, tmp_path) == 512_000
    (tmp_path / "memory.max").write_text("300000\n")
    (tmp_path / "memory.current").write_text("100000\n")
    assert memory.available(tmp_path, tmp_path) == 200_000
    assert memory.size(3.4 * 2**30) == "3.4 GiB"


@pytest.mark.parametrize(
    ("command", "args", "words"),
    [
        ("rewind", {"to": 5, "back": 3}, "not both"),
        ("rewind", {"to": -1}, "whole number from 0"),
        ("rewind", {"to": True}, "whole number from 0"),
        ("rewind", {"scale": 0}, "freeze"),
        ("rewind", {"scale": "3"}, "factor"),
        ("rewind", {"rng": 1}, "true or false"),
        ("rewind", {"rate": 0}, "freeze"),
        ("rewind", {"rate": 0.1, "scale": 0.5}, "not both"),
        ("rewind", {"rate": 0.1, "mode": "scale"}, "one of hold, set"),
        ("rewind", {"scale": 0.5, "optimizer": 1}, "is for a rate"),
        ("snapshot", {"save": "here.pt"}, "absolute path"),
        ("snapshot", {"every": 3}, "unknown field"),
        ("snapshots", {}, "nothing is to be set"),
        ("snapshots", {"budget": 0}, "keeps nothing"),
        ("snapshots", {"every": -5}, "whole number"),
        ("snapshots", {"before": "on"}, "true or false"),
    ],
)
def test_commands_that_cannot_be_meant(command: str, args: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        parse_command({"type": "command", "id": "a", "command": command, "args": args, "by": {}})


@pytest.mark.parametrize(
    "command",
    [
        SnapshotCommand(),
        SnapshotCommand(save="/tmp/a.pt"),
        SnapshotsCommand(every=10, budget=5, before=False),
        RewindCommand(back=200, scale=0.5, rng=True),
        RewindCommand(to=1, rate=0.05, mode="set", optimizer=1, group=2),
    ],
)
def test_commands_come_over_the_wire_as_they_are(command: Any) -> None:
    assert parse_command(command.to_json()) == command


def told(name: str, **fields: Any) -> dict[str, Any]:
    """An event."""
    return {"time": 1.0, "event": name, **fields}


def test_what_the_record_tells_of_snapshots() -> None:
    found = Snapshots()
    for number, step in ((1, 100), (2, 200), (3, 300)):
        found.take(told("snapshot", id=number, step=step, bytes=10, seconds=0.1, why="every"))
    found.take(told("snapshots", every=100, before=True, budget=30))
    assert [one.step for one in found.kept] == [100, 200, 300]
    assert (found.every, found.before, found.budget) == (100, True, 30)
    assert found.before_step(250) == found.kept[1]
    assert found.before_step(100) is None
    found.take(told("rewound", step=350, to=200))
    assert [one.left for one in found.kept] == [False, False, True]
    assert found.best == found.kept[1] == found.own[0]
    assert found.rewound == (350,)
    assert found.returned == found.kept[1]
    found.take(told("rewound", step=380, to=100))
    assert found.returned == found.own[0] == found.kept[0]
    assert len(found.own) == 1
    found.take(told("snapshots_dropped", ids=[1], reason="budget"))
    found.take(told("snapshot", id="?", step=None))
    assert [one.number for one in found.kept] == [2, 3]
    found.take(told("ended"))
    assert found.kept == ()


def test_the_journal_says_it_in_sentences() -> None:
    def text(name: str, **fields: Any) -> str | None:
        entry = journal.entry("rank 0", told(name, **fields))
        return None if entry is None else entry.text

    fields = {"id": 1, "step": 7, "bytes": 2**20, "seconds": 0.1}
    assert text("snapshot", why="command", **fields) == "Snapshot of the state: 1 MiB"
    assert text("snapshot", why="every", **fields) is None
    assert text("rewound", step=9, to=7, rng=True, scale=0.25) == (
        "Rewound to the state of step 7, random number generators too, to go on at ×0.25"
    )
    assert text("rewound", step=9, to=7, scale=None, rate=0.045, mode="hold") == (
        "Rewound to the state of step 7, to go on at 0.045"
    )
    assert text("snapshot_failed", step=9, reason="there is not enough memory") == (
        "No snapshot: there is not enough memory"
    )
    assert text("snapshots", every=50, before=True, budget=2**30) == (
        "Snapshots: every 50 steps, one before each change of the rate, at most 1.0 GiB"
    )
    assert journal.MARKERS["rewound"] == "rewound"


def test_a_curve_begins_anew_after_a_rewind() -> None:
    pieces = Pieces()
    step = np.arange(1, 11)
    pieces.update(step[:6])
    assert pieces.meeting(0, 100) == [(0, 6)]
    pieces.update(step, (4, 8))
    assert pieces.meeting(0, 100) == [(0, 4), (4, 8), (8, 10)]
    pieces.update(np.arange(1, 13), (4, 8))
    assert pieces.meeting(9, 100) == [(8, 12)]


def test_the_diagnosis_begins_anew_after_a_rewind() -> None:
    def eras(rewound: tuple[int, ...], cuts: list[int]) -> list[tuple[str, int]]:
        diagnosis = Diagnosis()
        steps = list(range(1, 401))
        for start, end in zip([0, *cuts], [*cuts, 400], strict=True):
            chunk = Chunk(steps[start:end], [1.0 + 1.0 / s for s in steps[start:end]])
            chunk.rewound = rewound if end > 200 else ()
            diagnosis.feed(chunk)
        return [(diagnosis._history.era_kind, diagnosis._history.era)]

    assert eras((), [])[0][0] == "start"
    once = eras((200,), [])
    assert once[0][0] == "back"
    assert once[0][1] > 0
    assert eras((200,), [200]) == eras((200,), [150, 310]) == once


def test_what_one_would_take_is_estimated_from_the_optimizers() -> None:
    events = [
        told("optimizer", optimizer=0, **{"class": "AdamW"}, about=[{"parameters": 1000}]),
        told("optimizer", optimizer=1, **{"class": "SGD"}, about=[{"parameters": 10}] * 2),
    ]
    assert estimated(events) == 1000 * 12 + 20 * 8
    assert estimated([]) is None


def test_a_rewind_is_one_row_of_the_journal() -> None:
    rows = JournalRows()
    events = [
        told("command", id="a", command="rewind", args={"to": 7}, by={"name": "ann", "via": "cli"}),
        told("rewound", id="a", step=9, to=7, rng=False, scale=None),
        told("acknowledgement", id="a", status="applied", step=9, groups=[]),
    ]
    entries = [journal.entry("rank 0", event) for event in events]
    rows.take([one for one in entries if one is not None])
    (row,) = rows.rows
    assert (row.kind, row.what, row.who) == ("training", "Rewind", "ann (cli)")
    assert (row.step, row.text, row.result) == (9, "Rewound to the state of step 7", "Applied")
    assert row.tells(1.0, "rewound")


def test_the_advice_to_go_back_goes_back_where_there_is_a_snapshot() -> None:
    evidence = Evidence("it rose", (150, 160), {"loss": 9.0})
    finding = Finding(
        id=1,
        kind="divergence",
        severity="critical",
        cause="lr_too_high",
        confidence=0.9,
        detected_step=160,
        first_step=150,
        last_step=160,
        open=True,
        outcome="",
        evidence=evidence,
        advice=advise.rewind(0.3, "it rose"),
    )
    found = Snapshots()
    found.take(told("snapshot", id=1, step=100, bytes=10, seconds=0.1, why="every"))
    found.take(told("snapshot", id=2, step=155, bytes=10, seconds=0.1, why="every"))
    now = RateNow(effective=0.1, scheduled=0.1)
    made = offer(finding, now, str, found.before_step(finding.first_step))
    assert made is not None
    assert (made.words, made.factor) == ("Go back to step 100 at ×0.3", 0.3)
    assert made.back == found.kept[0]
    without = offer(finding, now)
    assert without is not None
    assert without.back is None
    assert without.proposal is not None
