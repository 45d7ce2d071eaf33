"""From findings to advice: one function a situation, so that the words and factors are in one
place."""

from __future__ import annotations

from lrmonitor.diagnosis.finding import Advice


def lower(factor: float, reason: str, judged_after: int = 100) -> Advice:
    """Lower the rate now."""
    return Advice("multiply", reason, "the loss falls again, or swings less", factor, judged_after)


def raise_rate(factor: float, reason: str, judged_after: int = 200) -> Advice:
    """Raise the rate now."""
    return Advice("multiply", reason, "the loss falls several times as fast", factor, judged_after)


def restart(factor: float, reason: str) -> Advice:
    """Begin again with a lower rate."""
    return Advice("restart", reason, "the loss falls from the first steps on", factor, 100)


def rewind(factor: float, reason: str) -> Advice:
    """Go back to before the trouble, with a lower rate."""
    return Advice("rewind", reason, "the loss passes the place without rising", factor, 200)


def wait(reason: str, judged_after: int) -> Advice:
    """Do nothing yet."""
    return Advice("wait", reason, "it passes by itself, or becomes clear", None, judged_after)


def trial(reason: str, expect: str) -> Advice:
    """Find out by a measured trial of rates: it may be the rate, either way, or something else."""
    return Advice("trial", reason, expect)


def other(reason: str, expect: str) -> Advice:
    """The rate is not what is wrong."""
    return Advice("other", reason, expect)


def stop(reason: str) -> Advice:
    """End the run."""
    return Advice("stop", reason, "nothing is lost: more steps would change little")
