"""Programs of several processes, programs that need a terminal, and those that never end."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link.messages import (
    GuardCommand,
    LrCommand,
    OptionCommand,
    PauseCommand,
    RangeTestCommand,
    RewindCommand,
    SnapshotCommand,
    TrialCommand,
)
from lrmonitor.model.stop import stop_run
from lrmonitor.schedules.waves import Cosine
from tests.helpers import styles
from tests.helpers.commander import Commander
from tests.helpers.launch import TIMEOUT, only_run
from tests.helpers.starter import Starter
from tests.helpers.starting import Forked, InTerminal, watched
from tests.helpers.styles import Outcome, outcome
from tests.helpers.wild import (
    CALM,
    MODULES,
    Trial,
    assert_same,
    check_record,
    read_ranks,
    trial,
)

pytest.importorskip("torch")
# One worker, so that torch is imported once for all of these.
pytestmark = pytest.mark.xdist_group("wild")

Put = Callable[..., Trial]
Proven = Callable[[Outcome], None]

TOGETHER = (
    "2 processes train together in this run, and a change cannot yet be made on all of them at "
    "the same step"
)

COMMANDS = (
    LrCommand(mode="hold", value=0.1),
    LrCommand(mode="hold", value=0.1, ramp=8),
    LrCommand(mode="plan", plan=Cosine(start=0.1, end=0.01, length=12)),
    PauseCommand(),
    SnapshotCommand(),
    RewindCommand(),
    GuardCommand(on="non-finite"),
    RangeTestCommand(start=1e-6, stop=1e-3, steps=9),
    TrialCommand(factors=(0.5, 2.0), steps=5),
    OptionCommand(name="weight_decay", value=0.1),
)


@pytest.mark.style("data loader with forked workers")
def test_forked_workers(put_to_the_test: Put) -> None:
    put_to_the_test("workers", words=["fork"])


@pytest.mark.style("data loader with spawned workers")
def test_spawned_workers(started_for_itself: Put) -> None:
    done = started_for_itself("workers", words=["spawn"], plain_words=["fork"])
    assert list(read_ranks(done.folder)) == [0]


@pytest.mark.style("endless loop ended by Ctrl-C")
def test_forever(started_for_itself: Put) -> None:
    done = started_for_itself("forever", code=-2)
    assert len(done.truth["weights"]) == len(done.truth["loss"]["0"]) - 1
    told = (done.folder / "console.log").read_text()
    assert told.count("Traceback (most recent call last)") == 1
    assert told.rstrip().endswith("KeyboardInterrupt")


def test_the_traceback_of_a_stop_is_the_scripts_own(
    under_lrmonitor: Forked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
    words: list[str | Path] = ["-m", f"{MODULES}.forever", tmp_path / "notes.json"]
    with under_lrmonitor.script(words, tmp_path) as script:
        with Commander(script.folder.name, script.rank) as c:
            c.wait(CALM)
        script.stop()
        told = script.log.read_text().rpartition("Traceback (most recent call last)")[2]
    assert told.rstrip().endswith("KeyboardInterrupt")
    assert "forever.py" in told
    assert "lrmonitor/probe" not in told


@pytest.mark.style("needs a terminal, draws a progress bar")
def test_terminal(proven: Proven, plainly: Starter, tmp_path: Path) -> None:
    terminal = InTerminal()
    done = trial(plainly, terminal, tmp_path, "terminal")
    assert "80 columns" in terminal.seen
    assert terminal.seen.count("\r[") > CALM
    proven(done.outcome)


def refused(folder: Path) -> None:
    """Two ranks train; commands to either are refused with the reason."""
    for rank in (0, 1):
        with Commander(folder.name, rank) as c:
            c.wait(CALM)
    for rank in (0, 1):
        with Commander(folder.name, rank) as c:
            for command in COMMANDS:
                answer = c.do(command)
                assert (answer.status, answer.reason) == ("refused", TOGETHER)


def together(
    words: Sequence[str | Path],
    files: Path,
    alone: Callable[[int], dict[int, dict[str, Any]]],
    norms: str = "yes",
) -> Outcome:
    """Run two ranks under lrmonitor: losses and rates exact, commands refused, stop by SIGINT to
    both. `files` has "{}" for a rank; `alone` runs so many steps of both without lrmonitor."""
    with watched(words, files.with_name("log.txt")) as process:
        folder = only_run()
        refused(folder)
        ended = stop_run(folder, timeout=TIMEOUT)
        assert ended.ended, ended.sentence
        assert [(step.how, step.by) for step in ended.steps] == [("interrupt", "SIGINT")]
        process.wait(TIMEOUT)
    truths = {i: json.loads(Path(str(files).format(i)).read_text()) for i in (0, 1)}
    most = max(len(truth["loss"]["0"]) for truth in truths.values())
    plain = alone(most)
    ranks = read_ranks(folder)
    assert sorted(ranks) == [0, 1]
    by_rate = {truth["lr"]["0.0"][0]: i for i, truth in truths.items()}
    for rank in ranks.values():
        # Spawned processes have no numbers of their own: who trains first is rank 0.
        number = rank.rank
        if len(by_rate) == 2:
            number = by_rate[float(rank.by_name["lr[0.0]"].value[0])]
        truth = truths[number]
        check_record(rank, truth)
        assert_same(plain[number], truth, len(truth["weights"]))
    return outcome(
        rate="yes, but cannot be changed: " + TOGETHER,
        pause="no: refused for the same reason",
        norms=norms,
        **dict.fromkeys(styles.TABLES["steering table"], styles.TOGETHER),
    )


@pytest.mark.slow
@pytest.mark.style("training in spawned processes (Hogwild)")
def test_hogwild(proven: Proven, plainly: Starter, tmp_path: Path) -> None:
    module = f"{MODULES}.hogwild"

    def alone(steps: int) -> dict[int, dict[str, Any]]:
        plainly.start(module, tmp_path / "plain{}.json", "fork", str(steps))
        assert plainly.wait() == 0
        return {i: json.loads((tmp_path / f"plain{i}.json").read_text()) for i in (0, 1)}

    files = tmp_path / "watched{}.json"
    norms = "yes, but the update ratio is not compared: others change the weights in that moment"
    proven(together(["-m", module, files, "spawn"], files, alone, norms))


@pytest.mark.style("DDP by torchrun (gloo, 2 ranks)")
def test_ddp(proven: Proven, plainly: Starter, tmp_path: Path) -> None:
    module = f"{MODULES}.ddp"

    def alone(steps: int) -> dict[int, dict[str, Any]]:
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
        for rank in ("0", "1"):
            env = {**where, "RANK": rank, "LOCAL_RANK": rank}
            plainly.start(module, tmp_path / "plain{}.json", str(steps), env=env)
        assert [plainly.wait(), plainly.wait()] == [0, 0]
        return {i: json.loads((tmp_path / f"plain{i}.json").read_text()) for i in (0, 1)}

    files = tmp_path / "watched{}.json"
    words = ["--nproc-per-node=2", "--master-addr=127.0.0.1", f"--master-port={free_port()}"]
    torchrun: list[str | Path] = ["-m", "torch.distributed.run", *words, "-m", module, files]
    proven(together(torchrun, files, alone))


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
