"""How long a rate command takes, from a client's send to the answer that a step used it."""

from __future__ import annotations

import contextlib
import signal
import statistics
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from lrmonitor.link import client
from lrmonitor.link.messages import LrCommand
from tests.conftest import Isolated
from tests.helpers.launch import run_words
from tests.helpers.wait import wait_until

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

COMMANDS = 200
LIMIT = 0.020
"""Seconds, beside the one step that a command has to wait for."""

SCRIPT = """\
import sys
import time

import torch

torch.manual_seed(0)
torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
inputs = torch.randn(32, 16)
targets = inputs.sum(dim=1, keepdim=True)
pause = float(sys.argv[1])
while True:
    loss = torch.nn.functional.mse_loss(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    time.sleep(pause)
"""


@pytest.mark.parametrize("pause", [0.0, 0.01], ids=["busy", "10ms-steps"])
def test_a_command_is_acknowledged_within_a_step(
    isolated: Isolated, tmp_path: Path, pause: float
) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    training = subprocess.Popen(
        run_words(script, str(pause)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        took, step = _measure(isolated.runs)
    finally:
        children = psutil.Process(training.pid).children(recursive=True)
        training.send_signal(signal.SIGINT)
        try:
            training.wait(30)
        finally:
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            training.kill()
    median = statistics.median(took)
    worst = sorted(took)[int(len(took) * 0.95)]
    print(
        f"\na step {step * 1000:.2f} ms; send to acknowledgement: median {median * 1000:.2f} ms, "
        f"95th percentile {worst * 1000:.2f} ms, n {len(took)}"
    )
    assert median <= LIMIT + step


def _measure(runs: Path) -> tuple[list[float], float]:
    """The seconds each of `COMMANDS` took, and the seconds of one step meanwhile."""

    def opened() -> client.Connection | None:
        for folder in sorted(runs.glob("*")) if runs.is_dir() else []:
            try:
                connection = client.connect(folder.name)
            except client.LinkError:
                continue
            if connection.status()["step"]:
                return connection
            connection.close()
        return None

    connection = wait_until(opened, timeout=60)
    assert connection is not None
    took = []
    with connection:
        first, began = connection.status()["step"], time.monotonic()
        for number in range(COMMANDS):
            rate = 1e-3 * (1 + number % 7)
            sent = time.perf_counter()
            answer = connection.request(LrCommand(mode="hold", value=rate), 30)
            took.append(time.perf_counter() - sent)
            assert answer.status == "applied"
            assert answer.groups[0].effective == rate
        steps, seconds = connection.status()["step"] - first, time.monotonic() - began
    return took, seconds / steps
