"""What becomes of a training that diverged: rewound and gone on with at ÷3, or ÷3 alone.

    python -m tests.benchmarks.recovery [SEEDS [TASK …]]

Real scripts under lrmonitor, four tasks and SEEDS seeds each (5). Two are made to diverge by one
who looks for a higher rate: it is doubled every 60 steps from step 400 on. Two meet a stretch of
bad data, of 40 steps. Where that does no harm it is twice as long, and again, until it does: the
run without a rewind alone decides that, and is made first.

A snapshot is kept every 100 steps. Once `lrmonitor.diagnosis` finds a divergence, or a loss that is
not finite, what it advises is done: back to the newest snapshot from before the finding, and on at
÷3. That is judged 200 steps later: a finding that is open then, or a later one, is followed in the
same way, up to four in all.

A run has recovered if, `AFTER` steps after the last of that was done, the median of its last 50
losses is below the median of the 50 losses before the snapshot.

Each outcome is kept in `recovery.jsonl` beside this file as soon as it is known, and what is there
is left alone: it may be stopped and started again. Remove the file to measure anew.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lrmonitor.diagnosis import Diagnosis, Finding
from lrmonitor.diagnosis.source import RowSource
from lrmonitor.link.messages import LrCommand, RewindCommand, SnapshotsCommand
from lrmonitor.model.snapshots import Kept, Snapshots
from lrmonitor.record.reader import RankReader, RunReader
from tests.helpers.both import SCRIPTS
from tests.helpers.live import Live, live
from tests.helpers.wait import wait_until

KEPT = Path(__file__).with_suffix(".jsonl")
SCRIPT = SCRIPTS / "diverging.py"
TASKS = {"classes": True, "images": True, "regression": False, "sequence": False}
"""Whether the rate is raised; else there is a stretch of bad data."""

EVERY = 100
QUIET = 400
"""Steps before anything is done."""

DOUBLED = 60
"""Steps between two doublings."""

DOUBLINGS = 14
BAD = (600, 640)
HARDER = 4
"""How often the stretch of bad data is doubled at most."""

AFTER = 600
MOST = 4
"""Findings that are followed."""

PATIENCE = 200
"""Steps after which what was done is judged, as the advice of a rewind says: then a finding that is
still open is followed, or one that was made since and is open. Who acts on each finding at once
acts as often in a stretch of bad data as the machine is slow, and ends at a rate too low."""

LAST = 50
"""Losses that a level is the median of."""

SECONDS = 600.0
HARM = ("divergence", "non_finite")


@dataclass
class Outcome:
    """What became of one run: how long its data was bad (steps), the step of the snapshot, the loss
    there and at the end, and how often something was done."""

    task: str
    seed: int
    rewound: bool
    bad: int
    found: int
    snapshot: int
    at_snapshot: float
    at_end: float
    done: int

    @property
    def recovered(self) -> bool:
        """Whether it ended below the loss at the snapshot."""
        return self.at_end < self.at_snapshot  # a NaN is not


class NoHarmError(Exception):
    """What was to make a run diverge did it no harm."""


class Follower:
    """The record of a run that goes on, and what the diagnosis finds in it."""

    def __init__(self, folder: Path) -> None:
        self._reader = RunReader(folder)
        self._reader.poll()
        (self.rank,) = self._reader.ranks.values()
        self._rows = RowSource(self.rank)
        self._diagnosis = Diagnosis()
        self._events = 0
        self.snapshots = Snapshots()

    def poll(self) -> int:
        """Read on; the latest step."""
        self._reader.poll()
        for event in self.rank.events[self._events :]:
            self.snapshots.take(event)
        self._events = len(self.rank.events)
        self._diagnosis.feed(self._rows.take())
        loss = self.rank.by_name["loss"]
        return int(loss.step[-1]) if len(loss) else 0

    def harm(self, now: int, after: int) -> Finding | None:
        """A finding of harm, once something was done after that step (0: nothing yet)."""
        found = [f for f in self._diagnosis.findings if f.kind in HARM]
        if after:
            found = [f for f in found if f.open and f.last_step > after + PATIENCE]
        return found[0] if found and now > after + PATIENCE * bool(after) else None


def level(rank: RankReader, end: int | None = None) -> float:
    """The median of the losses up to a step; NaN if most are no numbers."""
    loss = rank.by_name["loss"]
    steps, values = loss.step.tolist(), loss.value.tolist()
    chosen = [v for n, v in zip(steps, values, strict=True) if end is None or n <= end][-LAST:]
    finite = [v for v in chosen if math.isfinite(v)]
    return statistics.median(finite) if len(finite) > LAST / 2 else math.nan


def wait_for(follower: Follower, run: Live, step: int, after: int) -> Finding | None:
    """Follow it up to a step, or to a finding of harm."""

    def there() -> tuple[Finding | None] | None:
        now = follower.poll()
        found = follower.harm(now, after)
        run.check()
        return (found,) if found is not None or now >= step else None

    found = wait_until(there, SECONDS, what=f"step {step}")
    assert found is not None
    return found[0]


def provoke(follower: Follower, run: Live, bad: int) -> Finding:
    """Make it diverge: by raising the rate, or by so many steps of bad data if not 0.

    Raises:
        NoHarmError: it did not.
    """
    assert wait_for(follower, run, QUIET, 0) is None, "it diverges by itself"
    if bad:
        found = wait_for(follower, run, BAD[0] + bad + 10 * LAST, 0)
        if found is None:
            raise NoHarmError(f"{bad} steps of bad data did no harm")
        return found
    for power in range(1, DOUBLINGS):
        begin = run.do(LrCommand(mode="scale", value=2.0**power)).step
        assert begin is not None
        found = wait_for(follower, run, begin + DOUBLED, 0)
        if found is not None:
            return found
    raise NoHarmError("no rate was too high")


def act(run: Live, chosen: Kept, scale: float, rewind: bool) -> tuple[int, float]:
    """Go on at a third, from the snapshot or not; the step, and the factor of the rate by now."""
    if rewind:
        step = run.do(RewindCommand(to=chosen.step, scale=1 / 3)).step
    else:
        step = run.do(LrCommand(mode="scale", value=scale / 3)).step
    assert step is not None
    return step, scale / 3


def one(task: str, seed: int, rewind: bool, folder: Path, bad: int = BAD[1] - BAD[0]) -> Outcome:
    """One run; `bad`: steps of bad data, where that is what makes the task diverge.

    Raises:
        NoHarmError: it did not diverge.
    """
    bad = 0 if TASKS[task] else bad
    last = folder / "last"
    stretch = (BAD[0], BAD[0] + bad) if bad else ()
    with live(SCRIPT, task, str(seed), last, *map(str, stretch)) as run:
        run.do(SnapshotsCommand(every=EVERY))
        follower = Follower(run.folder)
        found: Finding | None = provoke(follower, run, bad)
        assert found is not None
        first, done, scale = found, 0, rate_factor(follower.rank)
        chosen = follower.snapshots.before_step(found.first_step)
        assert chosen is not None, f"no snapshot from before step {found.first_step}"
        at_snapshot = level(follower.rank, chosen.step)
        while found is not None and done < MOST:
            target = follower.snapshots.before_step(found.first_step) or chosen
            step, scale = act(run, target, scale, rewind)
            done += 1
            found = wait_for(follower, run, step + AFTER, step)
        end = follower.poll()
        last.write_text(str(end + 10))
        rank, _ = run.finish()
    at_end = level(rank, end)
    return Outcome(
        task, seed, rewind, bad, first.detected_step, chosen.step, at_snapshot, at_end, done
    )


def rate_factor(rank: RankReader) -> float:
    """What the script's rate is multiplied by."""
    lr, scheduled = rank.by_name["lr[0.0]"], rank.by_name["scheduled[0.0]"]
    return float(lr.value[-1] / scheduled.value[-1])


@contextlib.contextmanager
def apart() -> Iterator[Path]:
    """A folder for one run, and its place among the runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = {key: os.environ.get(key) for key in ("LRMONITOR_RUNS", "LRMONITOR_RUNTIME_DIR")}
        os.environ["LRMONITOR_RUNS"] = str(folder / "runs")
        os.environ["LRMONITOR_RUNTIME_DIR"] = str(folder / "run")
        try:
            yield folder
        finally:
            for key, value in before.items():
                os.environ.pop(key, None)
                if value is not None:
                    os.environ[key] = value


def kept() -> list[Outcome]:
    """Those that are known."""
    if not KEPT.exists():
        return []
    return [Outcome(**json.loads(line)) for line in KEPT.read_text("utf-8").splitlines()]


def decided(task: str, seed: int) -> Outcome:
    """The run without a rewind, with as much bad data as it takes to make it diverge."""
    bad = BAD[1] - BAD[0]
    for power in range(HARDER + 1):
        with apart() as folder:
            try:
                return one(task, seed, False, folder, bad * 2**power)
            except NoHarmError as error:
                print(f"{task} {seed}: {error}", flush=True)
    raise NoHarmError(f"{task} {seed} cannot be made to diverge")


def measure(seeds: int, tasks: tuple[str, ...] = tuple(TASKS)) -> None:
    """All that are missing, one after the other."""
    known = {(o.task, o.seed, o.rewound): o for o in kept()}
    for seed in range(seeds):
        for task in tasks:
            without = known.get((task, seed, False)) or keep(decided(task, seed))
            if (task, seed, True) not in known:
                with apart() as folder:
                    keep(one(task, seed, True, folder, without.bad))


def keep(outcome: Outcome) -> Outcome:
    """Add it to those that are known."""
    line = json.dumps(asdict(outcome))
    with KEPT.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    print(line, "recovered" if outcome.recovered else "not recovered", flush=True)
    return outcome


def share(found: list[Outcome], rewound: bool, task: str | None = None) -> tuple[int, int]:
    """How many recovered, and of how many."""
    meant = [o for o in found if o.rewound == rewound and task in (None, o.task)]
    return sum(o.recovered for o in meant), len(meant)


def main() -> None:
    """Print a table as in docs/benchmarks.md."""
    tasks = tuple(sys.argv[2:]) or tuple(TASKS)
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5, tasks)
    found = kept()
    print("\n| task | made to diverge by | rewind, ÷3 | ÷3 alone |\n| --- | --- | --: | --: |")
    for task in tasks:
        raised = TASKS[task]
        how = "a rate doubled every 60 steps" if raised else "40 steps of bad data"
        a, b = (share(found, way, task) for way in (True, False))
        print(f"| {task} | {how} | {a[0]} of {a[1]} | {b[0]} of {b[1]} |")
    a, b = (share(found, way) for way in (True, False))
    print(f"| all | | **{a[0]} of {a[1]}** | {b[0]} of {b[1]} |")


if __name__ == "__main__":
    main()
