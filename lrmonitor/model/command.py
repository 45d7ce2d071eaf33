"""Sending a command to the process that trains."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from lrmonitor.link import client, paths
from lrmonitor.link.messages import Acknowledgement, Command
from lrmonitor.model import process
from lrmonitor.model.run import STATE_POINTS, RunModel
from lrmonitor.model.state import RunState


class NotLive(Exception):
    """The run has no process that takes commands; the message is a sentence, `state` the run's."""

    def __init__(self, message: str, state: RunState) -> None:
        super().__init__(message)
        self.state = state


@dataclass(frozen=True)
class Endpoint:
    """Where a rank listens, and the process that does."""

    rank: int
    pid: int
    path: Path


def live_endpoints(run_id: str) -> list[Endpoint]:
    """The endpoints of a run whose process lives, by rank; those that a kill left are not."""
    found = []
    for rank, path in sorted(paths.endpoints(run_id).items()):
        try:
            told = json.loads(path.read_text("utf-8"))
            pid, seen = int(told["pid"]), path.stat().st_mtime
        except (OSError, ValueError, TypeError, KeyError):
            continue
        # The process wrote the file: it was alive then.
        if process.alive(pid, None, seen):
            found.append(Endpoint(rank, pid, path))
    return found


def several(count: int) -> str:
    """Why a run of several processes refuses commands."""
    return (
        f"{count} processes train together in this run, and a change on one of them alone would "
        "part their weights: lrmonitor cannot yet make it on all at the same step"
    )


def choose_endpoint(folder: str | os.PathLike[str]) -> tuple[str, list[Endpoint]]:
    """The id of the run in a folder and its live endpoints, at least one.

    Raises NotLive with the reason when nothing listens.
    """
    model = RunModel(folder, last=STATE_POINTS)
    model.poll()
    endpoints = live_endpoints(model.id)
    if not endpoints:
        raise NotLive(why_not(model), model.state)
    return model.id, endpoints


def why_not(model: RunModel) -> str:
    """Why a run without an endpoint cannot be commanded."""
    state = model.state
    if state.phase.over:
        return f"run {model.id} is over: {state.sentence}"
    if model.rank is None:
        return f"run {model.id} cannot be commanded yet: {state.sentence}"
    return f"run {model.id} does not listen for commands: {state.sentence}"


def send_command(
    folder: str | os.PathLike[str],
    command: Command,
    timeout: float = 30.0,
    kind: str = "cli",
) -> Acknowledgement:
    """Send a command to the one live process of a run; its final answer, or `pending` at the limit.

    `timeout` is in seconds. With several live processes the answer is a refusal. Raises NotLive
    when none listens, and link's LinkError when it listens but cannot be talked to.
    """
    run_id, endpoints = choose_endpoint(folder)
    if len(endpoints) > 1:
        return Acknowledgement(
            id=command.id,
            status="refused",
            step=None,
            reason=several(len(endpoints)),
            warning=None,
            groups=(),
        )
    try:
        with client.connect(run_id, endpoints[0].rank, client=kind) as connection:
            return connection.request(command, timeout)
    except client.LinkError:
        # It may have ended just now: then that is what to say.
        model = RunModel(folder, last=STATE_POINTS)
        model.poll()
        if model.state.phase.over:
            raise NotLive(why_not(model), model.state) from None
        raise
