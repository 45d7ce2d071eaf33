"""What `find-lr` and `trial` share: giving the command, waiting for its end, reading its record."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from pathlib import Path

    from lrmonitor.link.messages import Acknowledgement, Command, LrCommand
    from lrmonitor.link.test_commands import TestCommand
    from lrmonitor.model.rate_tests import RateTest
    from lrmonitor.model.run import RunModel
    from lrmonitor.record.catalogue import RunEntry

TIMEOUT = 3600.0
"""Seconds that a test is waited for unless another limit is given."""

RECORD_SECONDS = 5.0
"""What is waited for the record of a test that is over: a flush, and a slow disk."""

LOOK_SECONDS = 0.05


def add_address(parser: argparse.ArgumentParser) -> None:
    """Whose rate, and how long to wait."""
    from lrmonitor.cli.lr import add_address as whose

    whose(parser)
    common.add_timeout(parser, TIMEOUT, "the end of the test")


def run(entry: RunEntry, command: TestCommand, timeout: float) -> Acknowledgement:
    """Have a run make a test; its answer. Ctrl-C cancels the test."""
    from lrmonitor.cli.control import send
    from lrmonitor.link.messages import CancelCommand

    try:
        return send(entry, command, timeout)
    except KeyboardInterrupt:
        send(entry, CancelCommand(target=command.id, by=common.person()), 30.0)
        raise


def record(folder: Path, command: Command) -> tuple[RunModel, RateTest]:
    """The run, and the test that is over, once all of it is on the disk. VerbError without."""
    from lrmonitor.model.run import RunModel

    model = RunModel(folder)
    limit = time.monotonic() + RECORD_SECONDS
    while True:
        model.poll()
        test = model.rate_tests.find(command.id)
        if test is not None and not test.going and _whole(model, test):
            return model, test
        if time.monotonic() > limit:
            if test is None or test.going:
                raise common.VerbError(codes.FAILED, "the test left no record: is the disk full?")
            return model, test
        time.sleep(LOOK_SECONDS)


def _whole(model: RunModel, test: RateTest) -> bool:
    """Whether the losses of its last step are there."""
    last = max((leg.last or 0 for leg in test.legs), default=0)
    series = model.rank.series.values() if model.rank is not None else ()
    return any(
        one.info.test == test.number and one.info.kind == "test_loss" and int(one.step[-1]) >= last
        for one in series
        if len(one)
    )


def ended(answer: Acknowledgement) -> str:
    """How a test went, in a line."""
    d = answer.detail
    first, last = int(d["from"]) + 1, int(d["from"]) + int(d["steps"])
    took = float(d["seconds"]) * 1000
    back = f"everything was put back in {took:.3g} ms" if d["restored"] else "NOT ALL WAS PUT BACK"
    return f"steps {first} to {last}; {back}"


def told(entry_id: str, answer: Acknowledgement) -> dict[str, Any]:
    """An answer to a test as JSON, without what was read from its record."""
    found: dict[str, Any] = {
        "run": entry_id,
        "status": answer.status,
        "id": answer.id,
        "step": answer.step,
        "reason": answer.reason,
    }
    if answer.warning:
        found["warning"] = answer.warning
    d = answer.detail
    keys = ("test", "why", "from", "steps", "restored", "seconds", "bytes")
    return {**found, **{key: d[key] for key in keys if key in d}}


def apply(entry: RunEntry, commands: list[LrCommand]) -> list[Acknowledgement]:
    """Give commands for the rate; their answers."""
    from lrmonitor.cli.control import send

    return [send(entry, command, 30.0) for command in commands]


def finite(value: float | None) -> float | None:
    """A number that JSON has, or None."""
    return value if value is not None and abs(value) < float("inf") else None
