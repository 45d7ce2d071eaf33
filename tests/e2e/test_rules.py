"""Rules that are carried out on a real training by `lrmonitor rules` in the background."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Isolated
from tests.e2e.test_verbs import Live, lrmonitor, training
from tests.helpers.wait import wait_until

FLOOR = """\
import time

import torch

torch.manual_seed(0)
torch.set_num_threads(1)
model = torch.nn.Linear(64, 1)
target = torch.randn(64, 1)
weight, bias = model.parameters()
optimizer = torch.optim.SGD([{"params": [weight]}, {"params": [bias], "lr": 0.01}], lr=0.02)
while True:
    x = torch.randn(256, 64)
    # Its gradient does not shrink with the error: at a constant rate the loss has a floor, in
    # proportion to the rate.
    loss = (model(x) - x @ target).abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    time.sleep(0.001)  # a pace at which commands come between steps, not after thousands
"""

EXPLODES = """\
import time
from pathlib import Path

import torch

weight = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([weight], lr=0.1)
explode = Path(__file__).with_name("explode")
while True:
    loss = (weight - 3).pow(2).sum() * (float("nan") if explode.exists() else 1.0)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    time.sleep(0.002)  # the same
"""


@contextmanager
def carried_out(run: Live, folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """`lrmonitor rules RUN --json` in the background; its output in files of that name."""
    words = [sys.executable, "-m", "lrmonitor", "rules", run.id, "--json"]
    with open(folder / f"{name}.out", "wb") as out, open(folder / f"{name}.err", "wb") as err:
        process = subprocess.Popen(words, stdout=out, stderr=err)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def deeds(folder: Path, *names: str) -> list[dict[str, object]]:
    """What was done, by all of them."""
    lines = [line for n in names for line in (folder / f"{n}.out").read_text().splitlines()]
    return [json.loads(line) for line in lines]


def changes(run: Live) -> list[tuple[int, float, float]]:
    """Steps at which the first group's rate changed, with the rate before and from then on."""
    run.model.poll()
    return [
        (e["step"], e["groups"][0]["previous"], e["groups"][0]["effective"])
        for e in (run.model.rank.events if run.model.rank else ())
        if e.get("event") == "rates"
    ]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_rate_is_reduced_on_each_plateau(isolated: Isolated, tmp_path: Path) -> None:
    words = ["--on", "reduce-on-plateau", "--at-most", 2, "--not-within", 100]
    with training(isolated, FLOOR) as run:
        assert lrmonitor("rules", run.id, *words).code == 0
        with (
            carried_out(run, tmp_path, "one") as one,
            carried_out(run, tmp_path, "two") as two,
        ):
            wait_until(lambda: changes(run), timeout=60, what="the first reduction")
            # Who goes on without one of the two, or begins anew, does nothing twice.
            one.send_signal(signal.SIGINT)
            assert one.wait(30) == 130
            with carried_out(run, tmp_path, "three") as three:
                wait_until(lambda: len(changes(run)) > 1, timeout=60, what="the second one")
                (_, second) = changes(run)
                # Flat again, and long after it, the rule has acted as often as it may.
                run.wait_for_step(second[0] + 2500)
                assert lrmonitor("stop", run.id).code == 0
                assert (two.wait(30), three.wait(30)) == (0, 0)
        assert "the run is over" in (tmp_path / "two.err").read_text()
        first, second = changes(run)
        assert first[1:] == pytest.approx((0.02, 0.002), rel=1e-12)
        assert second[1:] == pytest.approx((0.002, 0.0002), rel=1e-12)
        assert second[0] > first[0] + 192, "an era of its own"

        # The exported rates change at the steps that were acknowledged, in both groups.
        table = run.table()
        for column, share in (("lr", 1.0), ("lr[0.1]", 0.5)):
            # A rate stands in the rows where it changes.
            told = {step: row[column] for step, row in table.items() if column in row}
            assert list(told) == [1, first[0], second[0]]
            expected = [share * rate for rate in (0.02, 0.002, 0.0002)]
            assert list(told.values()) == pytest.approx(expected, rel=1e-12)

        # The loss's floor fell with the rate.
        def floor(end: int) -> float:
            return sorted(table[step]["loss"] for step in range(end - 100, end))[50]

        assert floor(second[0]) < 0.2 * floor(first[0])

        done = sorted(deeds(tmp_path, "one", "two", "three"), key=lambda deed: str(deed["number"]))
        assert {deed["number"] for deed in done} == {1, 2}
        rules = json.loads(lrmonitor("rules", run.id, "--list", "--json").out)["rules"]
        assert [one["step"] for one in rules[0]["done"]] == [first[0], second[0]]
        commands = [e for e in run.model.journal if e.event == "command" and "lr" in e.text]
        assert len(commands) == 2
        for entry in commands:
            assert entry.data["by"] == {"who": "rule", "via": "cli", "name": "Reduce on plateau"}
            assert entry.text.startswith("Command by rule Reduce on plateau (cli): lr scale")
            assert "found at step" in entry.text


@pytest.mark.slow
def test_pause_on_nan(isolated: Isolated, tmp_path: Path) -> None:
    with training(isolated, EXPLODES) as run:
        assert lrmonitor("rules", run.id, "--on", "pause-on-nan").code == 0
        (isolated.home / "explode").touch()
        with carried_out(run, tmp_path, "one"):
            wait_until(lambda: run.step() and run.model.state.label == "paused", timeout=60)
            wait_until(lambda: deeds(tmp_path, "one"))
            at = run.step()
            assert lrmonitor("resume", run.id).code == 0
            # Once; and what stays lost is no news.
            run.wait_for_step(at + 200)
        (deed,) = deeds(tmp_path, "one")
        assert (deed["rule"], deed["done"]) == ("Pause on NaN", "the training is paused")
        assert len([e for e in run.model.journal if e.event == "paused"]) == 1


@pytest.mark.slow
def test_stop_on_convergence(isolated: Isolated, tmp_path: Path) -> None:
    with training(isolated, FLOOR) as run:
        assert lrmonitor("rules", run.id, "--on", "stop-on-convergence").code == 0
        with carried_out(run, tmp_path, "one") as process:
            assert process.wait(90) == 0
        (deed,) = deeds(tmp_path, "one")
        assert (deed["rule"], deed["done"]) == ("Stop on convergence", "the run is ended")
        run.model.poll()
        sentence = run.model.state.sentence
        assert "asked to stop by rule Stop on convergence (cli)" in sentence
