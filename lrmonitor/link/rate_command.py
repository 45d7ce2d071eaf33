"""The command that changes the rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lrmonitor.link.command import Command, CommandError, check_index, check_rate, is_number

if TYPE_CHECKING:
    from lrmonitor.schedules.base import Schedule

NOTE_LIMIT = 500
"""Characters of the reason that goes with a change."""

RAMP_LIMIT = 10**12
"""Steps of a ramp, at most."""


MODES = ("set", "scale", "hold", "freeze", "follow", "plan")


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
        elif not is_number(self.value):
            raise CommandError(f"{self.mode} needs a number")
        else:
            assert self.value is not None
            try:
                value = float(self.value)
            except OverflowError:  # a whole number of any length
                value = math.inf
            object.__setattr__(self, "value", check_rate(value))
        if self.optimizer != "all":
            check_index("optimizer", self.optimizer)
        check_index("group", self.group)
        check_index("ramp", self.ramp)
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
        check_index("begin", self.begin)

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
