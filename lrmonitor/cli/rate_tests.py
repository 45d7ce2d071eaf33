"""What `find-lr` and `trial` share: giving the command, waiting for its end, reading its record."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lrmonitor.finder import Tried
    from lrmonitor.link.messages import Acknowledgement, Command, LrCommand
    from lrmonitor.link.test_commands import TestCommand
    from lrmonitor.model.rate_tests import RateTest
    from lrmonitor.model.run import RunModel
    from lrmonitor.record.catalogue import RunEntry

TIMEOUT = 3600.0
"""Seconds that a test is waited for unless another limit is given."""

RECORD_SECONDS = 5.0
"""What is waited for the record of a test that is over: a flush, and a slow disk."""

BEGIN_SECONDS = 10.0
"""What a test may take to begin in a pause: the copy of the state."""

LOOK_SECONDS = 0.05


def add_address(parser: argparse.ArgumentParser) -> None:
    """Whose rate, and how long to wait."""
    from lrmonitor.cli.lr import add_address as whose

    whose(parser)
    common.add_timeout(parser, TIMEOUT, "the end of the test")


def after(entry: RunEntry) -> str:
    """What follows on a test of a run: it ends in a pause where the run is paused now."""
    from lrmonitor.model.state import Phase

    return "pause" if common.read_state(entry.folder).state.phase is Phase.PAUSED else "go"


def run(entry: RunEntry, command: TestCommand, timeout: float) -> Acknowledgement:
    """Have a run make a test; its answer. One that ends in a pause begins in one: from the very
    state that is held. Ctrl-C cancels the test."""
    from lrmonitor.cli.control import send
    from lrmonitor.link.messages import CancelCommand, ResumeCommand

    try:
        if command.then == "pause":
            answer = begun(entry, command)
            if answer.status != "pending":
                return answer  # it will not be made: the run stays as it is
            send(entry, ResumeCommand(by=command.by), 30.0)
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


def begun(entry: RunEntry, command: Command) -> Acknowledgement:
    """Ask for a test in a pause and wait until it has begun there, so that the resume does not
    come before it; its answer by then. With several optimizers it begins after the next iteration,
    and is not waited for for long."""
    from lrmonitor.cli.control import send
    from lrmonitor.model.run import RunModel

    model = RunModel(entry.folder)
    limit = time.monotonic() + BEGIN_SECONDS
    while True:
        # Asked with the same id again it is the same command: it may have been refused meanwhile.
        answer = send(entry, command, 0.0)
        known = model.rate_tests.find(command.id) is not None
        if known or answer.status != "pending" or time.monotonic() >= limit:
            return answer
        time.sleep(LOOK_SECONDS)
        model.poll()


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


def tried(candidates: Sequence[Tried], name: str) -> list[dict[str, Any]]:
    """What came of candidates, as JSON; `name` says whether their number is a factor or a rate."""
    return [
        {
            name: one.factor,
            "steps": one.steps,
            "slope": finite(one.slope),
            "low": finite(one.low),
            "high": finite(one.high),
            "late": finite(one.late),
            "reached": finite(one.reached),
            "error": finite(one.error),
            "broke": one.broke,
        }
        for one in candidates
    ]


def table(candidates: Sequence[Tried], sign: str) -> str:
    """What came of candidates; `sign` stands before their factors, or rates."""
    from lrmonitor.cli.list import align

    rows: list[tuple[str, ...]] = [
        ("RATE", "STEPS", "LOSS REACHED", "SLOPE A STEP", "95 % INTERVAL")
    ]
    for one in candidates:
        name = f"{sign}{one.factor:.3g}"
        if one.broke:
            rows.append((name, str(one.steps), "broke", "", ""))
            continue
        rows.append(
            (
                name,
                str(one.steps),
                f"{one.reached:.4g} ± {one.error:.1g}",
                f"{one.slope:+.3g}",
                f"{one.low:+.3g} to {one.high:+.3g}",
            )
        )
    return align(rows)


def apply(entry: RunEntry, commands: list[LrCommand]) -> list[Acknowledgement]:
    """Give commands for the rate; their answers."""
    from lrmonitor.cli.control import send

    return [send(entry, command, 30.0) for command in commands]


def finite(value: float | None) -> float | None:
    """A number that JSON has, or None."""
    return value if value is not None and abs(value) < float("inf") else None
