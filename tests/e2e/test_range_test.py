"""Range tests and trials in real training processes: all of it is taken back, to the bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrmonitor.link.messages import RangeTestCommand
from lrmonitor.record.reader import RankReader
from tests.e2e.test_rewind import KINDS, SCRIPT, truth, undisturbed
from tests.helpers.live import live


def between(rank: RankReader, kind: str) -> tuple[int, int]:
    """The last step before the one test of that kind, and its last one."""
    (begun,) = [e for e in rank.events if e["event"] == "test_began"]
    (ended,) = [e for e in rank.events if e["event"] == "test_ended"]
    assert (begun["kind"], ended["kind"]) == (kind, kind)
    assert (ended["restored"], ended["from"]) == (True, begun["step"]), ended
    return begun["step"], ended["step"]


@pytest.mark.parametrize("variant", [one for one in KINDS if one != "lbfgs"])
def test_a_range_test_is_taken_back_and_the_run_goes_on(variant: str, tmp_path: Path) -> None:
    out, last = tmp_path / "out.json", tmp_path / "last"
    with live(SCRIPT, variant, out, last) as run:
        done = run.do(RangeTestCommand(start=1e-6, stop=0.5, steps=20, bound=False))
        run.go_on(15)
        last.write_text("0")
        rank, _ = run.finish()
    begin, to = between(rank, "range")
    assert (done.step, to - begin) == (to, 20)
    found = truth(out)
    end = max(found["hashes"])
    last.write_text(str(end))
    assert found["hashes"][to] == found["hashes"][begin]
    assert found["hashes"][to - 1] != found["hashes"][begin]

    wanted = undisturbed(tmp_path, variant, last, begin, to)
    after = {n: h for n, h in found["hashes"].items() if n > to}
    assert after == {n: h for n, h in wanted["hashes"].items() if n > to}
    assert found["rates"][end] == wanted["rates"][end]

    steps = rank.by_name["loss"].step.tolist()
    assert steps == [n for n in range(1, end + 1) if not begin < n <= to]
    tested, rates = rank.by_name["test[1].loss"], rank.by_name["test[1].lr[0.0]"]
    assert tested.info.test == rates.info.test == 1
    assert tested.step.tolist() == rates.step.tolist() == list(range(begin + 1, to + 1))
    wanted_rates = [1e-6 * (0.5 / 1e-6) ** (i / 19) for i in range(20)]
    exact = 1e-6 if variant == "tensor-rate" else 1e-12
    assert rates.value.tolist() == pytest.approx(wanted_rates, rel=exact)
