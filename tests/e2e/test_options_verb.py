"""`lrmonitor option`: a number of a live run is changed, proven, recorded and released."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrmonitor.link.messages import LrCommand, OptionCommand
from tests.helpers.both import SCRIPTS, lrmonitor
from tests.helpers.live import live
from tests.helpers.wait import wait_until

pytest.importorskip("torch")

SCRIPT = SCRIPTS / "rewound.py"


def test_a_number_is_held_listed_refused_and_released(tmp_path: Path) -> None:
    last = tmp_path / "last"
    with live(SCRIPT, "adam", tmp_path / "out.json", last) as run:
        done = lrmonitor("option", "latest", "weight_decay", "0.125", "--note", "try", "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["status"], told["name"], told["reason"]) == ("applied", "weight_decay", None)
        assert {(g["scheduled"], g["effective"]) for g in told["groups"]} == {(0.0, 0.125)}
        held_at = told["step"]
        # The rate and another number at once: each is answered for itself.
        run.do(LrCommand(mode="scale", value=0.5))
        beta = run.do(OptionCommand(name="beta1", value=0.5, optimizer="all"))
        assert {g.effective for g in beta.groups} == {0.5}
        run.go_on(3)

        for words, code, said in (
            (("momentum", "0.9"), 3, "refused: Adam has no momentum: its numbers are beta1"),
            (("beta1", "1"), 2, "1 cannot be beta1: it is a number from 0 on and below 1"),
            (("eps", "0.1", "--group", "9"), 3, "refused: there is no group 9"),
        ):
            done = lrmonitor("option", "latest", *words)
            assert (done.returncode, said in done.stderr) == (code, True), done.stderr

        def listed() -> dict[str, dict[str, float | None]]:
            rows = json.loads(lrmonitor("option", "latest", "--json").stdout)["options"]
            return {row["name"]: row for row in rows if row["group"] == 0}

        wait_until(lambda: listed()["beta1"]["held"] == 0.5, what="the change in the record")
        rows = listed()
        assert list(rows) == ["beta1", "beta2", "weight_decay", "eps"]
        assert (rows["weight_decay"]["scheduled"], rows["weight_decay"]["effective"]) == (0, 0.125)
        assert "held (script's: 0.0)" in lrmonitor("option", "latest").stdout

        done = lrmonitor("option", "latest", "weight_decay", "follow")
        assert done.stdout.startswith("weight_decay applied at step "), done.stderr
        assert "0.125 → 0.0" in done.stdout
        run.do(OptionCommand(name="beta1"))
        shown = lrmonitor("show", "latest", "--events", "99").stdout
        assert "Option weight decay hold 0.125: 0 → 0.125" in shown
        last.write_text("0")
        rank, _ = run.finish()
    series = rank.by_name["weight_decay[0.0]"]
    changes = dict(zip(series.step.tolist(), series.value.tolist(), strict=True))
    assert changes[held_at - 1] == 0.0
    assert changes[held_at] == 0.125
    assert series.value.tolist()[-1] == 0.0
    scheduled = rank.by_name["scheduled weight_decay[0.0]"]
    assert scheduled.value.tolist() == [0.0]
