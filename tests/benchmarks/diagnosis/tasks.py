"""The small real training tasks of the benchmark, thirty in five parts.

- `DEV`: five tasks that thresholds have been tuned on from the start.
- `SEEN`: five that were the test half of a first round. Their results are known, and so they are
  for development as well since then.
- `SECOND`: eight of other kinds, the test half of a second round, for development since then.
- `THIRD`: seven of yet other kinds, the test of a third round, for development since then.
- `TEST`: five that were written with those. Four were trained for a fourth round; rules and
  thresholds were frozen before any of their curves was looked at. The masked characters are left.

No two parts share an architecture or a kind of loss. Each task trains in a few milliseconds a step
on one core.
"""

from __future__ import annotations

from tests.benchmarks.diagnosis.task import DEV, SECOND, SEEN, TEST, THIRD
from tests.benchmarks.diagnosis.tasks_developed import DEVELOPED
from tests.benchmarks.diagnosis.tasks_second import SECONDS
from tests.benchmarks.diagnosis.tasks_tested import TESTED

__all__ = ["DEVELOPMENT", "PARTS", "TASKS"]

TASKS = {task.name: task for task in (*DEVELOPED, *SECONDS, *TESTED)}
DEVELOPMENT = (DEV, SEEN, SECOND, THIRD)
"""The parts that thresholds were set on."""
PARTS = {
    "first": (DEV,),
    "seen": (SEEN,),
    "second": (SECOND,),
    "third": (THIRD,),
    "development": DEVELOPMENT,
    "test": (TEST,),
}
"""Parts by the name that the programs here take."""
