"""What a client says to a training process, and what is answered. Strict both ways."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from lrmonitor.link.command import Author, Command, CommandError, check_rate, parse_rate
from lrmonitor.link.guard_command import GuardCommand
from lrmonitor.link.option_command import OptionCommand
from lrmonitor.link.rate_command import MODES, NOTE_LIMIT, RAMP_LIMIT, LrCommand
from lrmonitor.link.state_commands import RewindCommand, SnapshotCommand, SnapshotsCommand

__all__ = [
    "COMMANDS",
    "MESSAGE_LIMIT",
    "MODES",
    "NOTE_LIMIT",
    "PROTOCOL",
    "RAMP_LIMIT",
    "STATUSES",
    "Acknowledgement",
    "Author",
    "CancelCommand",
    "Command",
    "CommandError",
    "GroupRate",
    "GuardCommand",
    "LrCommand",
    "OptionCommand",
    "PauseCommand",
    "ResumeCommand",
    "RewindCommand",
    "SnapshotCommand",
    "SnapshotsCommand",
    "StepCommand",
    "StopCommand",
    "check_rate",
    "decode",
    "encode",
    "parse_acknowledgement",
    "parse_command",
    "parse_rate",
]

PROTOCOL = 1
MESSAGE_LIMIT = 64 * 1024
"""Bytes of one message; a longer one closes the connection."""

STATUSES = ("pending", "applied", "refused", "cancelled")


@dataclass(frozen=True)
class PauseCommand(Command):
    """Hold the training after the step it is in."""

    kind: ClassVar[str] = "pause"


@dataclass(frozen=True)
class ResumeCommand(Command):
    """Let a paused training go on."""

    kind: ClassVar[str] = "resume"


@dataclass(frozen=True)
class StepCommand(Command):
    """Let a paused training make one step."""

    kind: ClassVar[str] = "step"


@dataclass(frozen=True)
class StopCommand(Command):
    """Interrupt the script at the next step boundary, as Ctrl-C would."""

    kind: ClassVar[str] = "stop"


@dataclass(frozen=True)
class CancelCommand(Command):
    """Withdraw a command that is still pending: the one with the id `target`, or all."""

    kind: ClassVar[str] = "cancel"
    target: str | None = None

    def __post_init__(self) -> None:
        if self.target is not None and not isinstance(self.target, str):
            raise CommandError("target must be a command's id")


COMMANDS: dict[str, type[Command]] = {
    c.kind: c
    for c in (
        LrCommand,
        PauseCommand,
        ResumeCommand,
        StepCommand,
        StopCommand,
        CancelCommand,
        SnapshotCommand,
        SnapshotsCommand,
        RewindCommand,
        OptionCommand,
        GuardCommand,
    )
}


def parse_command(message: Mapping[str, Any]) -> Command:
    """The command in a message; raises CommandError for anything that does not fit exactly."""
    unknown = set(message) - {"type", "id", "command", "args", "by"}
    if unknown:
        raise CommandError(f"unknown field {min(unknown)!r}")
    made = COMMANDS.get(str(message.get("command")))
    if made is None:
        raise CommandError(f"unknown command {message.get('command')!r}")
    id, args, by = message.get("id"), message.get("args", {}), message.get("by", {})
    if not isinstance(id, str) or not 0 < len(id) <= 64:
        raise CommandError("id must be a text of 1 to 64 characters")
    if not isinstance(args, dict) or not isinstance(by, dict):
        raise CommandError("args and by must be objects")
    known = {f.name for f in fields(made)} - {"id", "by"}
    for name in args:
        if name not in known:
            raise CommandError(f"unknown field {name!r} in {made.kind}")
    for name, value in by.items():
        if name not in ("who", "via", "name") or not isinstance(value, str) or len(value) > 200:
            raise CommandError("by must hold the texts who, via and name")
    return made(id=id, by=Author(**by), **args)


@dataclass(frozen=True)
class GroupRate:
    """The rate of one group at a step: what the schedule wanted, what the step before used, and
    what this step used."""

    optimizer: int
    group: int
    scheduled: float | None
    previous: float | None
    effective: float | None


@dataclass(frozen=True)
class Acknowledgement:
    """The answer to a command; `step` is the first step that used it, `reason` why not.

    `groups` holds the rates as read back in that step; `detail` what else is to be told of what was
    done (of a snapshot: its `id`, `bytes` and `seconds`).
    """

    id: str
    status: str
    step: int | None = None
    reason: str | None = None
    warning: str | None = None
    groups: tuple[GroupRate, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        """Whether no other answer follows."""
        return self.status != "pending"

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON has them; numbers that are not finite are texts."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        out["groups"] = [{k: _plain(v) for k, v in vars(g).items()} for g in self.groups]
        if self.detail:
            out["detail"] = {k: _plain(v) for k, v in self.detail.items()}
        else:
            del out["detail"]
        return out


def parse_acknowledgement(message: Mapping[str, Any]) -> Acknowledgement:
    """The acknowledgement in a message; raises ValueError when it is none."""
    try:
        groups = tuple(
            GroupRate(
                int(g["optimizer"]),
                int(g["group"]),
                *(_number(g[k]) for k in ("scheduled", "previous", "effective")),
            )
            for g in message["groups"]
        )
        status, step = str(message["status"]), message["step"]
        if status not in STATUSES:
            raise ValueError(status)
        return Acknowledgement(
            id=str(message["id"]),
            status=status,
            step=None if step is None else int(step),
            reason=message["reason"],
            warning=message["warning"],
            groups=groups,
            detail=dict(message.get("detail") or {}),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not an acknowledgement: {error}") from None


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as it goes over the wire."""
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode()


def decode(data: bytes) -> dict[str, Any]:
    """A message from the wire; raises ValueError when it is no JSON object."""
    try:
        message = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(message, dict):
        raise ValueError("not an object")
    return message


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
