"""How each phase of a run looks: its own shape, a colour, a word."""

from __future__ import annotations

from lrmonitor.model.state import Phase, RunState, duration

from .theme import Theme

__all__ = ["phase_colour", "phase_heading", "phase_symbol", "phase_tone", "phase_word"]

_SYMBOLS = {
    Phase.STARTING: "starting",
    Phase.NOT_TRAINING: "not_training",
    Phase.COMPILING: "compiling",
    Phase.RUNNING: "running",
    Phase.PAUSED: "paused",
    Phase.VALIDATING: "validating",
    Phase.STALLED: "stalled",
    Phase.ENDED: "ended",
    Phase.STOPPED: "stopped",
    Phase.FAILED: "failed",
    Phase.KILLED: "killed",
    Phase.LOST: "lost",
    Phase.LOG: "log",
}


def phase_symbol(phase: Phase) -> str:
    """The name of the symbol (see `icons`) of a phase: each has its own shape."""
    return _SYMBOLS.get(phase, "unknown")


def phase_colour(phase: Phase, theme: Theme) -> str:
    """The colour of a phase's symbol and word."""
    if phase in (Phase.RUNNING, Phase.ENDED):
        return theme.good
    if phase in (Phase.PAUSED, Phase.STALLED):
        return theme.warn
    if phase in (Phase.FAILED, Phase.KILLED, Phase.LOST):
        return theme.bad
    return theme.quiet


def phase_tone(phase: Phase) -> str:
    """The tone in which its end is told: see `parts.set_tone`."""
    if phase in (Phase.FAILED, Phase.KILLED, Phase.LOST):
        return "bad"
    return "good" if phase is Phase.ENDED else "wait"


def phase_word(state: RunState) -> str:
    """The state in a word or two, as a heading."""
    return state.label[:1].upper() + state.label[1:]


def phase_heading(state: RunState, now: float) -> str:
    """`phase_word`, and for how long where no step is made meanwhile: "Stalled for 34 s"."""
    word = phase_word(state)
    if state.since is None:
        return word
    return f"{word} for {duration(max(round(now - state.since), 1))}"
