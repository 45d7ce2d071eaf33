"""What a client says to a training process, and what is answered. Strict both ways."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from lrmonitor.schedules.base import Schedule

PROTOCOL = 1
MESSAGE_LIMIT = 64 * 1024
"""Bytes of one message; a longer one closes the connection."""

NOTE_LIMIT = 500
"""Characters of the reason that goes with a change."""

RAMP_LIMIT = 10**12
"""Steps of a ramp, at most."""

MODES = ("set", "scale", "hold", "freeze", "follow", "plan")
STATUSES = ("pending", "applied", "refused", "cancelled")


class CommandError(ValueError):
    """A command that cannot be meant; the message says what to do."""


def parse_rate(text: str) -> float:
    """A learning rate as a person types it; raises CommandError with what is wrong.

    Whatever the locale, a number is as code writes it. A comma is never guessed at: it is a decimal
    point to some and parts thousands for others.
    """
    said = str(text).strip()
    plain = said.replace("\N{MINUS SIGN}", "-")  # as pages and papers print it
    try:
        if "_" in plain or not plain.isascii():
            raise ValueError
        value = float(plain)
    except ValueError:
        raise CommandError(_no_rate(said, plain)) from None
    return check_rate(value, said)


def _no_rate(said: str, plain: str) -> str:
    if not said:
        return "There is no number yet: type a rate such as 3e-4 or 0.0003"
    if "," in plain:
        point = plain.replace(",", ".")
        try:
            float(point)
        except ValueError:
            point = "0.0003"
        return f"{said!r} has a comma in it: write the decimals after a point, as in {point}"
    return f"{said!r} is not a number: type a rate such as 3e-4 or 0.0003"


def check_rate(value: float, text: str | None = None) -> float:
    """The rate itself if it can be one: finite and above 0. Raises CommandError."""
    said = text if text is not None else repr(value)
    if math.isnan(value):
        raise CommandError(f"{said} is not a rate: type a number such as 3e-4")
    if math.isinf(value):
        raise CommandError(f"{said} is too large for a number: type a rate such as 3e-4")
    if value == 0:
        raise CommandError(f"{said} as a rate stops learning: use freeze if that is what you want")
    if value < 0:
        raise CommandError(f"{said} is below 0: type a positive rate such as 3e-4")
    return value


@dataclass(frozen=True)
class Author:
    """Who gives a command: a person or a rule, through which program, under what name."""

    who: str = "person"
    via: str = "cli"
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Command:
    """What all commands share. `id` makes a repeated command one command."""

    kind: ClassVar[str] = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    by: Author = Author()

    def args(self) -> dict[str, Any]:
        """The command's own fields."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("id", "by")}

    def to_json(self) -> dict[str, Any]:
        """The message that carries this command."""
        return {
            "type": "command",
            "id": self.id,
            "command": self.kind,
            "args": self.args(),
            "by": vars(self.by),
        }


@dataclass(frozen=True)
class LrCommand(Command):
    """Change the rate.

    `value` is a rate for `set` and `hold`, a factor for `scale`, None otherwise. `plan` is the
    schedule that takes the place of the script's, for `plan` alone; `begin` the step of the run
    that uses its first rate (None: the first step that uses the command). The change takes `ramp`
    steps (0: it is made at once). `optimizer` is a number, "all", or None for the main one; `group`
    a number, or None for all groups: these keep their ratio to group 0, unless `same`, which gives
    all of them the very rate. `note` says why, in at most NOTE_LIMIT characters; it is recorded
    with the command.
    Raises CommandError for a mode, value, schedule or number that cannot be meant.
    """

    kind: ClassVar[str] = "lr"
    mode: str = "hold"
    value: float | None = None
    optimizer: int | str | None = None
    group: int | None = None
    note: str = ""
    ramp: int = 0
    same: bool = False
    plan: Schedule | None = None
    begin: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.note, str) or len(self.note) > NOTE_LIMIT:
            raise CommandError(f"a note is a text of at most {NOTE_LIMIT} characters")
        if self.mode not in MODES:
            raise CommandError(f"{self.mode!r} is no mode: use one of {', '.join(MODES)}")
        if self.mode in ("freeze", "follow", "plan"):
            if self.value is not None:
                raise CommandError(f"{self.mode} takes no value")
        elif not _is_number(self.value):
            raise CommandError(f"{self.mode} needs a number")
        else:
            assert self.value is not None
            try:
                value = float(self.value)
            except OverflowError:  # a whole number of any length
                value = math.inf
            object.__setattr__(self, "value", check_rate(value))
        if self.optimizer != "all":
            _check_index("optimizer", self.optimizer)
        _check_index("group", self.group)
        _check_index("ramp", self.ramp)
        if self.ramp is None or self.ramp > RAMP_LIMIT:
            raise CommandError(f"ramp must be a number of steps up to {RAMP_LIMIT:g}")
        if not isinstance(self.same, bool):
            raise CommandError(f"same must be true or false, not {self.same!r}")
        if self.same and (self.mode not in ("set", "hold", "plan") or self.group is not None):
            raise CommandError(
                "the same rate in all groups is for set, hold and plan of all groups"
            )
        self._check_plan()

    def _check_plan(self) -> None:
        if self.mode != "plan":
            if self.plan is not None or self.begin is not None:
                raise CommandError(f"{self.mode} takes no schedule")
            return
        # Only now: most training processes never need them.
        from lrmonitor.schedules.base import Schedule, ScheduleError
        from lrmonitor.schedules.wire import from_json

        given: Any = self.plan  # over the wire it is a JSON object
        if given is None:
            raise CommandError("plan needs a schedule")
        if not isinstance(given, Schedule):
            try:
                object.__setattr__(self, "plan", from_json(given))
            except ScheduleError as error:
                raise CommandError(str(error)) from None
        _check_index("begin", self.begin)

    def args(self) -> dict[str, Any]:
        """The command's own fields; of those that came later only what says something."""
        told = super().args()
        if self.plan is not None:
            from lrmonitor.schedules.wire import to_json

            told["plan"] = to_json(self.plan)
        plain = LrCommand.__dataclass_fields__
        for name in ("note", "ramp", "same", "plan", "begin"):
            if told[name] == plain[name].default:
                del told[name]
        return told


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


@dataclass(frozen=True)
class SnapshotCommand(Command):
    """Keep the state of the training at the next step boundary. With `save` it is also written to
    that file (an absolute path), which must not be there yet.
    """

    kind: ClassVar[str] = "snapshot"
    save: str | None = None

    def __post_init__(self) -> None:
        if self.save is None:
            return
        if not isinstance(self.save, str) or not self.save.startswith("/") or "\0" in self.save:
            raise CommandError("save must be an absolute path")


@dataclass(frozen=True)
class SnapshotsCommand(Command):
    """How snapshots are taken from now on; None leaves a setting as it is.

    `every` is a number of steps, 0 for never; `budget` the bytes of memory that all of them may
    take; `before` whether one is taken before each change of the rate. `forget` gives the memory of
    those that are kept back. Raises CommandError.
    """

    kind: ClassVar[str] = "snapshots"
    every: int | None = None
    budget: int | None = None
    before: bool | None = None
    forget: bool = False

    def __post_init__(self) -> None:
        _check_index("every", self.every)
        _check_index("budget", self.budget)
        if self.budget == 0:
            raise CommandError("a budget of 0 bytes keeps nothing: use forget, and every 0")
        if not isinstance(self.before, (bool, type(None))) or not isinstance(self.forget, bool):
            raise CommandError("before and forget must be true or false")
        if self.every is None and self.budget is None and self.before is None and not self.forget:
            raise CommandError("nothing is to be set: give every, budget, before or forget")


@dataclass(frozen=True)
class RewindCommand(Command):
    """Put the state of a snapshot back at the next step boundary: of the one that was taken after
    step `to`, or of the newest one at least `back` steps ago; without both, of the newest.

    `scale` multiplies the rates from the next step on. `rng` also puts the states of the random
    number generators back. Raises CommandError.
    """

    kind: ClassVar[str] = "rewind"
    to: int | None = None
    back: int | None = None
    scale: float | None = None
    rng: bool = False

    def __post_init__(self) -> None:
        _check_index("to", self.to)
        _check_index("back", self.back)
        if self.to is not None and self.back is not None:
            raise CommandError("say to which step, or how many steps back, not both")
        if not isinstance(self.rng, bool):
            raise CommandError("rng must be true or false")
        if self.scale is not None:
            if not _is_number(self.scale):
                raise CommandError("scale must be a factor")
            try:
                value = float(self.scale)
            except OverflowError:  # a whole number of any length
                value = math.inf
            object.__setattr__(self, "scale", check_rate(value))


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


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_index(name: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CommandError(f"{name} must be a whole number from 0, not {value!r}")


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
