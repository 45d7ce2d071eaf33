"""What scripts may do around a step bends no rate, loses no exception and holds no thread."""

from __future__ import annotations

import pytest

from tests.fixtures.training.unusual import CASES
from tests.helpers.both import SCRIPTS, read_rank
from tests.helpers.launch import only_run, run

pytest.importorskip("torch")


@pytest.mark.parametrize("case", CASES)
def test_unusual(case: str) -> None:
    done = run(SCRIPTS / "unusual.py", case)
    assert (done.returncode, done.stdout) == (0, b"done\n"), done.stderr.decode()
    assert [e for e in read_rank(only_run()).events if e["event"] == "probe_error"] == []
