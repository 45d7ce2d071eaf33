"""Threads may step one optimizer at the same time: no rate is bent, none waits for another."""

from __future__ import annotations

import pytest

from tests.fixtures.training.sharing import CASES
from tests.helpers.both import SCRIPTS
from tests.helpers.starting import Forked

pytest.importorskip("torch")


@pytest.mark.parametrize("case", CASES)
def test_sharing(case: str, under_lrmonitor: Forked) -> None:
    rank = under_lrmonitor.run(SCRIPTS / "sharing.py", case)
    assert [e for e in rank.events if e["event"] == "probe_error"] == []
