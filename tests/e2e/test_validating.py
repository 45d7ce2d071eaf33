"""A script that validates between its epochs is seen to do so, from its loaders alone."""

from __future__ import annotations

import subprocess
from itertools import groupby
from pathlib import Path

import pytest

from lrmonitor.model.run import RunModel
from lrmonitor.model.state import Phase, RunState
from tests.helpers.launch import only_run, run_words
from tests.helpers.wait import wait_until

SCRIPT = Path(__file__).parents[1] / "fixtures" / "training" / "validates.py"

pytest.importorskip("torch")


def test_validation_between_epochs(tmp_path: Path) -> None:
    seen: list[RunState] = []
    words = run_words(SCRIPT, str(tmp_path))
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as process:
        try:
            model = RunModel(only_run())

            def ended() -> bool:
                model.poll()
                state = model.state
                if state.phase in (Phase.RUNNING, Phase.VALIDATING) and state.step:
                    seen.append(state)
                if state.phase is Phase.VALIDATING and state.step:
                    # Seen: it goes on, however late that was.
                    (tmp_path / str(state.step // 40 - 1)).touch()
                return state.phase.over

            wait_until(ended, 60, "the script's end")
            assert process.wait(30) == 0
        finally:
            process.kill()

    phases = [phase for phase, _ in groupby(state.phase for state in seen)]
    assert phases == [Phase.RUNNING, Phase.VALIDATING] * 2 + [Phase.RUNNING]
    validating = [state for state in seen if state.phase is Phase.VALIDATING]
    assert {state.step for state in validating} == {40, 80}
    assert "not the training one has been read since step 40, " in validating[0].sentence
    assert "of 100 of its batches were taken, and no step was made." in validating[0].sentence
    assert all(state.since is not None for state in validating)

    assert model.rank is not None
    told = [event for event in model.rank.events if event["event"] == "reading"]
    assert {event["loader"] for event in told} == {1}
    assert [event["over"] for event in told] == [False, True] * 2
    for begun, over in (told[:2], told[2:]):
        assert 4 < begun["taken"] <= over["taken"] <= 100
        assert over["time"] - begun["time"] >= 1.0
