"""Which runs go on, told from endpoints and folders. The live process is the test's own."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psutil
import pytest

from lrmonitor.link import paths
from lrmonitor.model.live import LiveRuns, command_text
from tests.conftest import Isolated
from tests.helpers.recorded import T0, Recorded

GONE = 2**22 + 1
"""A pid that no process has."""


def live(home: Path, id: str, created: float = T0, trains: bool = True, **info: object) -> Recorded:
    """A run whose script is this very process."""
    me = psutil.Process()
    run = Recorded(home, id, created=created, **info)
    if info.get("kind") != "started":
        run.supervisor("starting", pid=me.pid)
        run.supervisor("started", pid=me.pid, started=me.create_time())
    if trains:
        run.training(pid=me.pid)
        if info.get("kind") == "started":
            run.event("environment", pid=me.pid, started=me.create_time(), rank=0)
    return run


def endpoint(run: Recorded, rank: int = 0) -> None:
    """The file that a training process leaves in the runtime folder."""
    told = {"run": run.id, "folder": str(run.folder), "rank": rank}
    paths.endpoint_file(run.id, rank).write_text(json.dumps(told))


def test_nothing_is_live(isolated: Isolated) -> None:
    assert LiveRuns(isolated.runs / "missing").refresh() == []


def test_what_is_told_of_a_live_run(isolated: Isolated) -> None:
    command = ["python", "train.py", "--note", "a\nb"]
    run = live(isolated.runs, "20231114-221320-aaaa", command=command)
    endpoint(run)
    (found,) = LiveRuns(isolated.runs).refresh()
    assert (found.id, found.name, found.kind) == (run.id, "digits", "launched")
    assert found.folder == run.folder
    assert found.command == "train.py --note 'a b'"
    assert (found.step, found.loss, found.begun) == (10, 0.1, T0)
    assert found.state.live


def test_runs_of_other_folders_are_found_by_where_they_listen(
    isolated: Isolated, tmp_path: Path
) -> None:
    here = live(isolated.runs, "20231114-221320-aaaa", created=T0)
    away = live(tmp_path / "away", "20231114-221320-bbbb", created=T0 + 5, kind="started")
    endpoint(away)
    endpoint(away, 1)  # of several processes it is still one run
    endpoint(here)
    found = LiveRuns(isolated.runs).refresh()
    assert [run.folder for run in found] == [away.folder, here.folder]
    assert [run.kind for run in found] == ["started", "launched"]


def test_one_that_has_not_trained_yet_is_found_in_the_folder_of_runs(isolated: Isolated) -> None:
    live(isolated.runs, "20231114-221320-aaaa", trains=False)
    (found,) = LiveRuns(isolated.runs).refresh()
    assert (found.step, found.loss, found.state.phase.value) == (None, None, "not training")


def test_one_that_is_just_being_made_is_not_taken_for_lost(isolated: Isolated) -> None:
    """Seen between its `run.json` and the supervisor's first line, and again after that."""
    runs = LiveRuns(isolated.runs)
    made = Recorded(isolated.runs, "20231114-221320-aaaa", created=time.time())
    assert runs.refresh() == []
    me = psutil.Process()
    made.supervisor("starting", pid=me.pid)
    made.supervisor("started", pid=me.pid, started=me.create_time())
    assert [run.id for run in runs.refresh()] == [made.id]


def test_what_is_over_is_not_listed(isolated: Isolated) -> None:
    killed = Recorded(isolated.runs, "20231114-221320-bbbb")
    killed.supervisor("starting", pid=GONE)
    killed.supervisor("started", pid=GONE, started=T0)
    killed.training(pid=GONE)
    endpoint(killed)  # a killed process leaves its file behind
    ended = live(isolated.runs, "20231114-221320-cccc", trains=False)
    ended.supervisor("exited", code=0, signal=None, registered=False)
    runs = LiveRuns(isolated.runs)
    assert runs.refresh() == []
    assert runs.refresh() == []


def test_a_run_that_ends_goes_and_what_it_does_meanwhile_is_seen(isolated: Isolated) -> None:
    run = live(isolated.runs, "20231114-221320-aaaa")
    runs = LiveRuns(isolated.runs)
    assert runs.refresh()[0].step == 10
    run.points(0, [(11, T0 + 2, 0.05)])
    (found,) = runs.refresh()
    assert (found.step, found.loss) == (11, 0.05)
    other = live(isolated.runs, "20231114-221320-bbbb", created=T0 - 1)
    assert [found.id for found in runs.refresh()] == [run.id, other.id]
    for _ in range(1000):  # more than is read of a long record's end
        other.supervisor("signalled", signal="SIGUSR1", by="the terminal")
    other.supervisor("exited", code=3, signal=None, registered=True)
    # Its rank's process (ours) lives on in this test: only one whose end is complete is over.
    assert len(LiveRuns(isolated.runs).refresh()) == 1


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"folder": 3}', '{"folder": "relative"}', '{"folder": "/no/such"}']
)
def test_an_endpoint_that_makes_no_sense_is_passed_over(isolated: Isolated, text: str) -> None:
    (isolated.runtime / "x-0.json").write_text(text)
    assert LiveRuns(isolated.runs).refresh() == []


def test_search(isolated: Isolated) -> None:
    live(isolated.runs, "20231114-221320-aaaa", name="Warm-up", command=["torchrun", "gpt.py"])
    (found,) = LiveRuns(isolated.runs).refresh()
    assert found.matches("")
    assert found.matches("warm gpt")
    assert found.matches("221320-a STALLED")
    assert not found.matches("warm bert")


def test_the_command_on_one_line() -> None:
    assert command_text({"command": ["py", "a.py", "x y"], "python": "py"}) == "a.py 'x y'"
    assert command_text({"command": ["torchrun", "a.py"], "python": None}) == "torchrun a.py"
    assert command_text({"script": "interactive", "command": []}) == "interactive"
    assert command_text({"command": ["py"], "python": "py"}) == "py"
