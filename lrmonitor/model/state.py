"""What state a run is in, decided from what its folder and its processes show.

`decide` is a pure function of `Facts`, so that each decision is a line in a table of tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .progress import Reading

STALL_SECONDS = 10.0
STALL_FACTOR = 10.0
"""A run has stalled when no step came for the longer of these seconds and this many times its usual
time between steps: far outside its own rhythm, and long enough for a person to wonder."""

VALIDATING_SECONDS = 1.0
VALIDATING_FACTOR = 3.0
"""While another loader is read, steps are missed after the longer of these seconds and this many
times the usual time between steps."""

READ_SECONDS = 15.0
"""How long a sign holds that a loader is being read: thrice the time between two of them."""

LOG_QUIET_SECONDS = 30.0
"""A log that did not change for so long, and for much longer than it usually takes between steps,
may not grow any more: programs write theirs now and then, not at each step."""

UNSEEN_SECONDS = 30.0
"""After this long without a sign of torch, the reasons why there may be none are told."""

REGISTER_HINTS = (
    "the probe sees torch.optim optimizers and loss.backward() in Python 3.10 or newer, "
    "and cannot get into a Python started with -I, -E or -S or with another PYTHONPATH"
)


class Phase(Enum):
    """The phases of a run. The value is the stable word that `--json` prints."""

    STARTING = "starting"
    NOT_TRAINING = "not training"
    COMPILING = "compiling"
    RUNNING = "training"
    PAUSED = "paused"
    VALIDATING = "validating"
    STALLED = "stalled"
    ENDED = "ended"
    STOPPED = "stopped"
    FAILED = "failed"
    KILLED = "killed"
    LOST = "lost"
    LOG = "log"

    @property
    def over(self) -> bool:
        """Whether nothing more is to come."""
        return self in _OVER


_OVER = frozenset({Phase.ENDED, Phase.STOPPED, Phase.FAILED, Phase.KILLED, Phase.LOST})


@dataclass(frozen=True)
class Ask:
    """Somebody asked for the end of the run: `how` is "interrupt", "terminate" or "kill"."""

    how: str
    by: str | None = None


@dataclass(frozen=True)
class Exit:
    """How the script's process ended: its exit code, or the name of the signal that ended it."""

    code: int | None = None
    signal: str | None = None


@dataclass(frozen=True)
class LogFacts:
    """A log that another program writes: its format in words, when a file of it last changed (unix
    seconds), and whether there is more in it than was read yet."""

    format: str
    changed: float | None = None
    reading: bool = False


@dataclass(frozen=True)
class Facts:
    """What is known of a run at the moment `now`. Times are unix seconds.

    - `folder_gone`: the folder was deleted or cannot be reached.
    - `foreign`: the run's host when it is another machine, whose processes cannot be seen here.
    - `launched`: it has a supervisor, which records how the script ends.
    - `start_failure`: why the script could not be started.
    - `started`: when the script's process came up (the supervisor's record, or the probe's).
    - `alive`: whether the script's process, or one that trains, lives.
    - `supervisor_alive`: whether the supervisor lives and may still record the end.
    - `torch`: whether PyTorch is loaded in the script's processes; None while unknown.
    - `crash`: the error of the traceback that the script printed last, if any.
    - `compiling`: since when a model is being compiled, None when none is.
    - `reading`: a loader that steps are not made with is being read.
    - `registered`: a training process registered; `said_bye`: it recorded its own end.
    - `asks`: requests to stop, oldest first.
    - `step`, `step_time`: the latest step and when it was done; `interval`: the usual seconds
      between steps, None while unknown; `speed`: steps per second lately.
    - `log`: it is no run but a log of another program.
    """

    now: float
    folder_gone: bool = False
    foreign: str | None = None
    launched: bool = True
    start_failure: str | None = None
    started: float | None = None
    alive: bool = False
    supervisor_alive: bool = False
    exit: Exit | None = None
    torch: bool | None = None
    crash: str | None = None
    compiling: float | None = None
    reading: Reading | None = None
    registered: bool = False
    said_bye: bool = False
    asks: tuple[Ask, ...] = ()
    paused: bool = False
    pid: int | None = None
    step: int | None = None
    step_time: float | None = None
    resumed_time: float | None = None
    interval: float | None = None
    speed: float | None = None
    log: LogFacts | None = None


@dataclass(frozen=True)
class RunState:
    """The state of a run, which explains itself.

    `label` is one or two words; `sentence` says why. `live` is whether a process of the run is
    there to be commanded or signalled, `pid` which. `code` and `signal` tell how it ended.
    `since` (unix time): a stalled, compiling or validating run makes no step since then; else None.
    `beside` is the sentence for who sees label, times and the script's error beside it: what these
    tell is left out.
    """

    phase: Phase
    label: str
    sentence: str
    step: int | None = None
    steps_per_second: float | None = None
    code: int | None = None
    signal: str | None = None
    live: bool = False
    pid: int | None = None
    since: float | None = None
    beside: str = ""


def decide(facts: Facts) -> RunState:
    """The state that the facts show."""
    phase, label, sentence = _decide(facts)
    speed = facts.speed if phase is Phase.RUNNING else None
    if phase in (Phase.PAUSED, Phase.STALLED, Phase.VALIDATING, Phase.COMPILING):
        speed = 0.0
    since = {
        Phase.STALLED: _quiet_since(facts),
        Phase.COMPILING: facts.compiling,
        Phase.VALIDATING: facts.reading.since if facts.reading is not None else None,
    }
    return RunState(
        phase=phase,
        label=label,
        sentence=sentence,
        step=facts.step,
        steps_per_second=speed,
        code=facts.exit.code if facts.exit else None,
        signal=facts.exit.signal if facts.exit else None,
        live=facts.alive and facts.foreign is None,
        pid=facts.pid,
        since=since.get(phase),
        beside=_beside(facts, phase, sentence),
    )


def stall_limit(interval: float | None) -> float:
    """Seconds without a step after which a run that usually takes `interval` a step has stalled."""
    return max(STALL_SECONDS, STALL_FACTOR * (interval or 0.0))


def _decide(facts: Facts) -> tuple[Phase, str, str]:
    if facts.log is not None:
        return _log(facts, facts.log)
    if facts.folder_gone:
        if facts.alive:
            return (
                Phase.LOST,
                "record deleted",
                f"The run's folder is gone; process {facts.pid} goes on, unrecorded.",
            )
        return Phase.LOST, "record deleted", "The run's folder is gone, and its process too."
    if facts.start_failure is not None:
        reason = facts.start_failure.rstrip(".")
        return Phase.FAILED, "not started", f"The script could not be started: {reason}."
    if facts.exit is not None:
        return _exited(facts, facts.exit)
    if facts.alive or facts.supervisor_alive:
        return _living(facts)
    if facts.foreign is not None:
        return _elsewhere(facts, facts.foreign)
    return _without_exit(facts)


def _log(facts: Facts, log: LogFacts) -> tuple[Phase, str, str]:
    """A log has no process: all there is to tell is whether it grows."""
    if facts.folder_gone:
        return Phase.LOG, "log – gone", f"The {log.format} log is gone; what was read is shown."
    if log.reading:
        return Phase.LOG, "log – being read", f"A {log.format} log is read from its start."
    quiet = facts.now - log.changed if log.changed is not None else 0.0
    if quiet <= max(stall_limit(facts.interval), LOG_QUIET_SECONDS):
        return (
            Phase.LOG,
            "log – still growing",
            f"A {log.format} log that another program writes: it is only read.",
        )
    return (
        Phase.LOG,
        f"log – no change for {duration(quiet)}",
        f"A {log.format} log that another program wrote: it is only read, and followed if it "
        "grows again.",
    )


def _living(facts: Facts) -> tuple[Phase, str, str]:
    if facts.paused and facts.alive:
        return Phase.PAUSED, "paused", f"Paused after step {facts.step or 0}, until resumed."
    if not facts.registered:
        if facts.started is None:
            return Phase.STARTING, "starting", "The script is being started."
        waited = facts.now - facts.started
        label, sentence = "not training yet", "The script runs; nothing has trained yet."
        if facts.torch is False:
            label = "starting up"
            sentence = "The script runs; it has not loaded PyTorch yet."
        elif facts.torch:
            label = "preparing"
            sentence = (
                "PyTorch is loaded and no step is done yet: it may be loading data, building or "
                "compiling the model."
            )
        if waited >= UNSEEN_SECONDS:
            sentence = (
                f"The script has run for {duration(waited)} and nothing has trained yet: "
                f"{REGISTER_HINTS}."
            )
        return Phase.NOT_TRAINING, label, sentence
    if not facts.alive:
        return Phase.RUNNING, "ending", "The process has gone; its end is being recorded."
    if facts.compiling is not None:
        return (
            Phase.COMPILING,
            "compiling",
            f"The model is being compiled, for {duration(facts.now - facts.compiling)} now; steps "
            "go on after that.",
        )
    if facts.step_time is None:
        return Phase.RUNNING, "training", "A training process registered; no step is done yet."
    quiet = facts.now - (_quiet_since(facts) or facts.now)
    if facts.reading is not None and _validates(facts, facts.reading, quiet):
        return Phase.VALIDATING, "validating", _read(facts.now, facts.reading)
    if quiet > stall_limit(facts.interval):
        usual = f"; a step usually takes {duration(facts.interval)}" if facts.interval else ""
        return Phase.STALLED, "stalled", f"No step for {duration(quiet)}{usual}: {_MAYBE}."
    speed = f", {rate_text(facts.speed)}" if facts.speed else ""
    return Phase.RUNNING, "training", f"Training: step {facts.step}{speed}."


def _validates(facts: Facts, reading: Reading, quiet: float) -> bool:
    missed = max(VALIDATING_SECONDS, VALIDATING_FACTOR * (facts.interval or 0.0))
    return quiet > missed and facts.now - reading.seen <= READ_SECONDS


def _read(now: float, reading: Reading) -> str:
    of = f" of {reading.batches}" if reading.batches is not None else ""
    return (
        "A data loader that is not the training one has been read since "
        f"step {reading.step}, {duration(now - reading.since)} ago; "
        f"{reading.taken}{of} of its batches were taken, and no step was made."
    )


def _beside(facts: Facts, phase: Phase, sentence: str) -> str:
    """What a sentence says beside the label, how long that has lasted, and the script's error."""
    at = f"after step {facts.step}" if facts.step else ""
    if phase is Phase.STALLED:
        usual = duration(facts.interval) if facts.interval else ""
        return f"A step usually takes {usual}; {_MAYBE}." if usual else f"{_capital(_MAYBE)}."
    if phase is Phase.COMPILING:
        return (
            "Steps go on once the model is compiled."
            if at
            else "Steps follow once the model is compiled."
        )
    if phase is Phase.VALIDATING and facts.reading is not None:
        reading = facts.reading
        of = f" of {reading.batches}" if reading.batches is not None else ""
        return (
            f"Since step {reading.step} another data loader is read: {reading.taken}{of} batches."
        )
    if phase is Phase.NOT_TRAINING and facts.started is not None:
        waited = f"The script has run for {duration(facts.now - facts.started)} and nothing"
        return sentence.replace(waited, "Nothing")
    if phase is Phase.RUNNING and facts.foreign is not None and facts.exit is None:
        return f"On {facts.foreign}."
    if phase is Phase.FAILED and facts.exit is not None:
        code = f"exit code {facts.exit.code}"
        if facts.crash is not None and facts.exit.code == 1:
            return f"{_capital(f'{at}, {code}' if at else code)}."
        return _capital(sentence.removeprefix("The script failed").lstrip(": "))
    if sentence.endswith(_BOTH_GONE):
        return f"The process and its supervisor are gone: {_EITHER}."
    for told in _TOLD:
        rest = sentence.removeprefix(told)
        if rest[0].isalpha():
            sentence = rest
    return _capital(sentence)


_TOLD = (
    "Training: ",
    "Paused ",
    "It was interrupted ",
    "Interrupted ",
    "Killed ",
    "The script ended ",
    "It ended ",
    "Ended ",
)
"""How sentences begin that say the label again."""


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


_EITHER = "both were killed, or the machine went down"
_BOTH_GONE = f", and so is its supervisor, which would have recorded how it ended: {_EITHER}."
_MAYBE = "it may be evaluating, saving, waiting for data, or stuck"


def _quiet_since(facts: Facts) -> float | None:
    """Since when no step was made that could have been."""
    if facts.step_time is None:
        return None
    return max(facts.step_time, facts.resumed_time or 0.0)


def _exited(facts: Facts, exit: Exit) -> tuple[Phase, str, str]:
    at = f" after step {facts.step}" if facts.step else ""
    if exit.signal is not None:
        return _signalled(facts, exit.signal, at)
    ask = facts.asks[-1] if facts.asks else None
    if ask is not None:
        code = "" if exit.code in (0, 130, None) else f", with exit code {exit.code}"
        return Phase.STOPPED, "stopped", f"It ended{at}{code}, as {_asked(ask)}."
    if exit.code == 0:
        if not facts.registered:
            return Phase.ENDED, "ended", "The script ended (exit code 0) and trained nothing."
        return Phase.ENDED, "ended", f"The script ended{at} (exit code 0)."
    if exit.code is None:
        return Phase.LOST, "ended", f"The script ended{at}; how was not recorded."
    if exit.code == 130:
        return (
            Phase.STOPPED,
            "interrupted",
            f"It was interrupted{at} (exit code 130), not through lrmonitor.",
        )
    if exit.code == 1 and facts.crash is not None:
        error = facts.crash.rstrip(".")
        return Phase.FAILED, "crashed", f"The script crashed{at}: {error}."
    hint = ""
    if exit.code > 128 and (name := _SHELL_SIGNALS.get(exit.code - 128)):
        hint = f", which is how a shell tells of {name}"
    look = "; the console says why" if facts.launched else ""
    return Phase.FAILED, "failed", f"The script failed{at}: exit code {exit.code}{hint}{look}."


def _signalled(facts: Facts, signal: str, at: str) -> tuple[Phase, str, str]:
    wanted = {"SIGINT": "interrupt", "SIGTERM": "terminate", "SIGKILL": "kill"}.get(signal)
    ask = next((a for a in reversed(facts.asks) if a.how == wanted), None)
    by = f", as {_asked(ask)}" if ask else ""
    if signal == "SIGINT":
        by = by or (f", as {_asked(facts.asks[-1])}" if facts.asks else ", not through lrmonitor")
        return Phase.STOPPED, "stopped" if facts.asks else "interrupted", f"Interrupted{at}{by}."
    if signal == "SIGTERM":
        return Phase.KILLED, "terminated", f"Ended by SIGTERM{at}{by or _NOT_OURS}."
    if signal == "SIGKILL":
        why = by or f"{_NOT_OURS}; when memory runs out, the system does this"
        return Phase.KILLED, "killed", f"Killed by SIGKILL{at}{why}."
    if signal in _CRASHES:
        return (
            Phase.KILLED,
            "crashed",
            f"Ended by {signal} (a crash in native code){at}{by or _NOT_OURS}.",
        )
    return Phase.KILLED, "killed", f"Ended by {signal}{at}{by or _NOT_OURS}."


def _without_exit(facts: Facts) -> tuple[Phase, str, str]:
    at = f" after step {facts.step}" if facts.step else ""
    ask = facts.asks[-1] if facts.asks else None
    if facts.said_bye and not facts.launched:
        if ask is not None:
            return Phase.STOPPED, "stopped", f"It ended{at}, as {_asked(ask)}."
        return Phase.ENDED, "ended", f"The process ended{at}."
    if ask is not None and ask.how in ("terminate", "kill"):
        return Phase.KILLED, f"{_DONE[ask.how]}", f"It ended{at}, as {_asked(ask)}."
    if facts.launched:
        if facts.started is None and not facts.registered:
            return (
                Phase.LOST,
                "lost",
                "The process that was to start the script is gone; it was never started.",
            )
        return (
            Phase.LOST,
            "lost",
            f"The process is gone{at}{_BOTH_GONE}",
        )
    return (
        Phase.LOST,
        "lost",
        f"The process is gone{at} and recorded no end: it was killed, or crashed.",
    )


def _elsewhere(facts: Facts, host: str) -> tuple[Phase, str, str]:
    """A run of another machine: only the freshness of its record tells whether it goes on."""
    if facts.said_bye and not facts.launched:
        return _without_exit(facts)
    latest = facts.step_time if facts.step_time is not None else facts.started
    if latest is None:
        return Phase.LOST, "elsewhere", f"It was started on {host}; no sign of it yet."
    quiet = facts.now - latest
    if facts.paused:
        return Phase.PAUSED, "paused", f"Paused on {host} after step {facts.step or 0}."
    if facts.step_time is not None and quiet <= stall_limit(facts.interval):
        return Phase.RUNNING, "training", f"Training on {host}: step {facts.step}."
    return (
        Phase.LOST,
        "elsewhere",
        f"It ran on {host}, whose processes cannot be seen from here; no sign of it for "
        f"{duration(quiet)}.",
    )


def duration(seconds: float | None) -> str:
    """A time span for a person: "0.2 s", "34 s", "5 min", "3 h 20 min"."""
    if seconds is None:
        return "an unknown time"
    seconds = max(seconds, 0.0)
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours / 24:.0f} days"


def rate_text(speed: float | None) -> str:
    """A speed for a person: "5.2 steps/s", or "12 s a step" for slow ones."""
    if not speed or speed <= 0:
        return "–"
    if speed >= 1:
        return f"{speed:.3g} steps/s" if speed < 1000 else f"{speed:.0f} steps/s"
    return f"{duration(1 / speed)} a step"


def _asked(ask: Ask) -> str:
    by = f" by {ask.by}" if ask.by else ""
    what = {"interrupt": "to stop", "terminate": "to terminate", "kill": "to kill"}
    return f"asked {what.get(ask.how, 'to stop')}{by}"


_NOT_OURS = ", not through lrmonitor"
_DONE = {"terminate": "terminated", "kill": "killed"}
_CRASHES = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"})
_SHELL_SIGNALS = {2: "SIGINT", 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}
