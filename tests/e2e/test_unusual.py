"""What scripts may do around a step bends no rate, loses no exception and holds no thread."""

from __future__ import annotations

import pytest

from tests.fixtures.training.unusual import CASES
from tests.helpers.both import SCRIPTS
from tests.helpers.starting import Forked

pytest.importorskip("torch")


@pytest.mark.parametrize("case", CASES)
def test_unusual(case: str, under_lrmonitor: Forked) -> None:
    rank = under_lrmonitor.run(SCRIPTS / "unusual.py", case)
    assert [e for e in rank.events if e["event"] == "probe_error"] == []
