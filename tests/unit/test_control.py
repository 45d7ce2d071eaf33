"""Commands at a step boundary, with the training thread played by a thread of the test."""

from __future__ import annotations

import threading

import pytest

from lrmonitor.link.messages import (
    Acknowledgement,
    Command,
    PauseCommand,
    ResumeCommand,
    StepCommand,
)
from lrmonitor.probe.control import Control
from lrmonitor.probe.steps import Steps
from tests.helpers.wait import wait_until


@pytest.mark.parametrize("kind", [ResumeCommand, StepCommand])
def test_a_command_that_follows_an_acknowledged_step_at_once(kind: type[Command]) -> None:
    steps = Steps(None)
    control: Control = steps.control
    answers: list[Acknowledgement] = []

    def then(answer: Acknowledgement) -> None:
        """A client that gives its next command the moment it hears of the step."""
        if answer.status == "applied":
            control.submit(kind(), answers.append)

    def boundaries() -> None:
        while steps.gate:
            control.boundary()

    control.submit(PauseCommand(), lambda answer: None)
    training = threading.Thread(target=boundaries)
    training.start()
    try:
        wait_until(lambda: control.paused)
        control.submit(StepCommand(), then)
        wait_until(lambda: answers)
    finally:
        wait_until(lambda: control.paused or not training.is_alive())
        control.submit(ResumeCommand(), lambda answer: None)
        training.join()
    assert [answer.reason for answer in answers if answer.status == "refused"] == []
