"""Gradient norms and update ratios are what the script finds itself, and disturb nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.both import SCRIPTS
from tests.helpers.live import Alone
from tests.helpers.starting import Forked

pytest.importorskip("torch")

NORMS = SCRIPTS / "norms.py"
CLOSE = 1e-9
"""Relative: the sums are in another order, in float64."""


@pytest.mark.parametrize("kind", ["plain", "clipped", "clipped in part", "two", "closure"])
def test_they_are_what_the_script_finds(tmp_path: Path, kind: str, under_lrmonitor: Forked) -> None:
    file = tmp_path / "truth.json"
    rank = under_lrmonitor.run(NORMS, file, kind, "long")
    truth = json.loads(file.read_text())
    assert [e for e in rank.events if e["event"] == "probe_error"] == []
    for number in range(len(truth["gradient"][0])):
        of = "" if number == 0 else f"[{number}]"
        for name, key in (("grad_norm", "gradient"), ("update_ratio", "ratio")):
            series = rank.by_name[name + of]
            assert (series.info.kind, series.info.recorded) == (name, "samples")
            assert len(series) >= 1
            expected = [truth[key][step - 1][number] for step in series.step]
            assert series.value.tolist() == pytest.approx(expected, rel=CLOSE)


def test_a_clipped_norm_is_the_very_number(tmp_path: Path, under_lrmonitor: Forked) -> None:
    """It is what `clip_grad_norm_` gave back."""
    file = tmp_path / "truth.json"
    rank = under_lrmonitor.run(NORMS, file, "clipped", "long")
    truth = json.loads(file.read_text())
    series = rank.by_name["grad_norm"]
    assert series.value.tolist() == [truth["gradient"][step - 1][0] for step in series.step]


def test_of_gradients_clipped_by_another_norm_nothing_is_claimed(
    tmp_path: Path, under_lrmonitor: Forked
) -> None:
    words = (tmp_path / "truth.json", "clipped by another norm", "long")
    rank = under_lrmonitor.run(NORMS, *words)
    names = set(rank.by_name)
    assert "update_ratio" in names
    assert "grad_norm" not in names or len(rank.by_name["grad_norm"]) == 0


@pytest.mark.parametrize("kind", ["clipped", "closure"])
def test_the_training_is_the_same(
    tmp_path: Path, kind: str, under_lrmonitor: Forked, alone: Alone
) -> None:
    there, here = tmp_path / "plain.json", tmp_path / "watched.json"
    alone(NORMS, there, kind)
    under_lrmonitor.run(NORMS, here, kind)
    assert json.loads(here.read_text()) == json.loads(there.read_text())
