"""Commands about the state of the training: snapshots, and going back to one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from lrmonitor.link.command import Command, CommandError, check_index, check_rate, is_number
from lrmonitor.link.rate_command import LrCommand

RATES = ("hold", "set")
"""How a rewind can go on at a rate: as the modes of `LrCommand` do."""


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
        check_index("every", self.every)
        check_index("budget", self.budget)
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

    From the next step on `scale` multiplies the rates, or `rate` is held (`mode` "hold") or set
    ("set"), of `optimizer` and `group` as in `LrCommand`. `rng` also puts the states of the random
    number generators back. Raises CommandError.
    """

    kind: ClassVar[str] = "rewind"
    to: int | None = None
    back: int | None = None
    scale: float | None = None
    rng: bool = False
    rate: float | None = None
    mode: str = "hold"
    optimizer: int | str | None = None
    group: int | None = None

    def __post_init__(self) -> None:
        check_index("to", self.to)
        check_index("back", self.back)
        if self.to is not None and self.back is not None:
            raise CommandError("say to which step, or how many steps back, not both")
        if not isinstance(self.rng, bool):
            raise CommandError("rng must be true or false")
        if self.scale is not None:
            if not is_number(self.scale):
                raise CommandError("scale must be a factor")
            try:
                value = float(self.scale)
            except OverflowError:  # a whole number of any length
                value = math.inf
            object.__setattr__(self, "scale", check_rate(value))
        if self.mode not in RATES:
            raise CommandError(f"mode must be one of {', '.join(RATES)}, not {self.mode!r}")
        if self.rate is None:
            if self.optimizer is not None or self.group is not None:
                raise CommandError("an optimizer or a group is for a rate: a factor is for all")
            return
        if self.scale is not None:
            raise CommandError("say by what the rates are multiplied, or which it is, not both")
        object.__setattr__(self, "rate", self.change("").value)

    def args(self) -> dict[str, Any]:
        """The command's own fields; of those that came later only what says something."""
        told = super().args()
        if self.rate is None:
            for name in ("rate", "mode", "optimizer", "group"):
                del told[name]
        return told

    def change(self, note: str) -> LrCommand:
        """The rate command that the next step follows, where there is a `rate`."""
        return LrCommand(
            mode=self.mode,
            value=self.rate,
            optimizer=self.optimizer,
            group=self.group,
            note=note,
            by=self.by,
        )
