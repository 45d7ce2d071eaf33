"""What becomes of a training that diverged: rewound and gone on with at ÷3, or ÷3 alone.

    python -m tests.benchmarks.recovery [SEEDS [TASK …]]

Real scripts under lrmonitor, four tasks and SEEDS seeds each (5). Two are made to diverge by one
who looks for a higher rate: it is doubled every 60 steps from step 400 on. Two meet a stretch of
bad data. A snapshot is kept every 100 steps. Once `lrmonitor.diagnosis` finds a divergence, or a
loss that is not finite, what it advises is done: back to the newest snapshot from before the
finding, and on at ÷3. A further finding is followed in the same way, up to four in all.

A run has recovered if, `AFTER` steps after the last of that was done, the median of its last 50
losses is below the median of the 50 losses before the snapshot.
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
AFTER = 600
MOST = 4
"""Findings that are followed."""

PATIENCE = 200
"""Steps after which a finding that is still open was not ended by what was done: after so many the
advice of a rewind wants to be judged."""

LAST = 50
"""Losses that a level is the median of."""

SECONDS = 600.0
HARM = ("divergence", "non_finite")


@dataclass
class Outcome:
    """What became of one run: the step of the snapshot, the loss there and at the end, and how
    often something was done."""

    task: str
    seed: int
    rewound: bool
    found: int
    snapshot: int
    at_snapshot: float
    at_end: float
    done: int

    @property
    def recovered(self) -> bool:
        """Whether it ended below the loss at the snapshot."""
        return self.at_end < self.at_snapshot  # a NaN is not


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

    def harm(self, after: int) -> Finding | None:
        """A finding of harm that was made after that step, or holds on well after it."""
        found = [
            f
            for f in self._diagnosis.findings
            if f.kind in HARM
            and (f.detected_step > after or (f.open and f.last_step > after + PATIENCE))
        ]
        return found[0] if found else None


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
        found = follower.harm(after)
        run.check()
        return (found,) if found is not None or now >= step else None

    found = wait_until(there, SECONDS, what=f"step {step}")
    assert found is not None
    return found[0]


def provoke(follower: Follower, run: Live, raised: bool) -> Finding:
    """Make it diverge."""
    assert wait_for(follower, run, QUIET, 0) is None, "it diverges by itself"
    if not raised:
        found = wait_for(follower, run, BAD[1] + 10 * LAST, 0)
        assert found is not None, "the bad data did no harm"
        return found
    for power in range(1, DOUBLINGS):
        begin = run.do(LrCommand(mode="scale", value=2.0**power)).step
        assert begin is not None
        found = wait_for(follower, run, begin + DOUBLED, 0)
        if found is not None:
            return found
    raise AssertionError("no rate was too high")


def act(run: Live, chosen: Kept, scale: float, rewind: bool) -> tuple[int, float]:
    """Go on at a third, from the snapshot or not; the step, and the factor of the rate by now."""
    if rewind:
        step = run.do(RewindCommand(to=chosen.step, scale=1 / 3)).step
    else:
        step = run.do(LrCommand(mode="scale", value=scale / 3)).step
    assert step is not None
    return step, scale / 3


def one(task: str, seed: int, rewind: bool, folder: Path) -> Outcome:
    """One run."""
    raised = TASKS[task]
    last = folder / "last"
    stretch = () if raised else BAD
    with live(SCRIPT, task, str(seed), last, *map(str, stretch)) as run:
        run.do(SnapshotsCommand(every=EVERY))
        follower = Follower(run.folder)
        found: Finding | None = provoke(follower, run, raised)
        assert found is not None
        first, done, scale = found, 0, rate_factor(follower.rank)
        chosen = follower.snapshots.before_step(found.first_step)
        assert chosen is not None, f"no snapshot from before step {found.first_step}"
        at_snapshot = level(follower.rank, chosen.step)
        while found is not None and done < MOST:
            target = follower.snapshots.before_step(found.first_step) or chosen
            step, scale = act(run, target, scale, rewind)
            done += 1
            found = wait_for(follower, run, step + AFTER, max(step, found.detected_step))
        end = follower.poll()
        last.write_text(str(end + 10))
        rank, _ = run.finish()
    at_end = level(rank, end)
    return Outcome(task, seed, rewind, first.detected_step, chosen.step, at_snapshot, at_end, done)


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


def measure(seeds: int, tasks: tuple[str, ...] = tuple(TASKS)) -> list[Outcome]:
    """All of them, one after the other."""
    found = []
    for task in tasks:
        for seed in range(seeds):
            for rewind in (True, False):
                with apart() as folder:
                    outcome = one(task, seed, rewind, folder)
                found.append(outcome)
                print(json.dumps({**asdict(outcome), "recovered": outcome.recovered}), flush=True)
    return found


def share(found: list[Outcome], rewound: bool, task: str | None = None) -> tuple[int, int]:
    """How many recovered, and of how many."""
    meant = [o for o in found if o.rewound == rewound and task in (None, o.task)]
    return sum(o.recovered for o in meant), len(meant)


def main() -> None:
    """Print a table as in docs/benchmarks.md."""
    tasks = tuple(sys.argv[2:]) or tuple(TASKS)
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5, tasks)
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
