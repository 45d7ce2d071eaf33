"""A change of the rate that holds from the first step on: carried to the training process by a
variable of its environment, so that it is recorded with the run and repeated by a re-run."""

from __future__ import annotations

from collections.abc import Mapping

from lrmonitor.link.messages import Author, CommandError, LrCommand

VARIABLE = "LRMONITOR_FIRST_RATE"
"""`scale K` (the script's own rate times K, at every step) or `hold V`."""

MODES = ("scale", "hold")


def text(mode: str, value: float) -> str:
    """What the variable says. Raises CommandError for a value that cannot be meant."""
    LrCommand(mode=mode, value=value)
    return f"{mode} {value!r}"


def command(environ: Mapping[str, str], by: Author) -> LrCommand | None:
    """The command that the variable stands for; None where it is not set.

    Raises CommandError where it makes no sense.
    """
    told = environ.get(VARIABLE, "").strip()
    if not told:
        return None
    mode, _, number = told.partition(" ")
    try:
        value = float(number)
    except ValueError:
        value = None
    if mode not in MODES or value is None:
        raise CommandError(f"{VARIABLE} is {told!r}: it is `scale K` or `hold V`")
    return LrCommand(mode=mode, value=value, by=by, note="from the first step on")


def multiplied(environ: Mapping[str, str], factor: float) -> dict[str, str]:
    """The variables of a run whose rate is to be another one's times `factor` from its first step
    on. Raises CommandError for a factor that cannot be meant."""
    try:
        known = command(environ, Author())
    except CommandError:
        known = None
    mode, value = ("scale", 1.0) if known is None else (known.mode, known.value or 1.0)
    return {**environ, VARIABLE: text(mode, value * factor)}
