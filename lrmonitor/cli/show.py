"""`lrmonitor show RUN`: its state, its rates and its latest events."""

from __future__ import annotations

import argparse
import shlex
import time
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common
from lrmonitor.cli.list import align

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.model.run import RunModel
    from lrmonitor.record.catalogue import RunEntry
    from lrmonitor.record.reader import Series

_EVENTS = 10

_MEASURED = 0.25
"""Seconds over which the processor time of a live run is measured: at least two dozen of the ticks
in which the kernel counts it."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "show", description="Show the state, the rates and the latest events of a run."
    )
    common.add_run(parser, logs=True)
    parser.add_argument(
        "--events",
        type=_count,
        default=_EVENTS,
        metavar="N",
        help=f"how many of the latest events (default: {_EVENTS})",
    )
    parser.set_defaults(func=show)


@common.verb
def show(args: argparse.Namespace) -> int:
    """Print one run."""
    entry, reader = common.find_readable(args)
    model = common.read_state(entry.folder, reader)
    told = _told(entry, model, args.events)
    if args.json:
        common.print_json(told)
    else:
        _print(told)
    return codes.DONE


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of events")
    return int(text)


def _told(entry: RunEntry, model: RunModel, events: int) -> dict[str, Any]:
    info = model.reader.info
    return {
        "id": entry.id,
        "name": model.name,
        "kind": entry.kind,
        "folder": str(entry.folder),
        "created": entry.created,
        "command": info.get("command"),
        "cwd": info.get("cwd"),
        "host": info.get("host"),
        "python": info.get("python"),
        "git_commit": info.get("git_commit"),
        "state": common.state_json(model.state),
        "progress": common.progress_json(model.progress),
        "step_time": model.step_time,
        "usage": _usage(model),
        "loss": _latest(model.loss()),
        "test": _test(model),
        "control_problem": None if model.state.phase.over else model.control_problem,
        "optimizers": [
            {
                "optimizer": optimizer.number,
                "class": optimizer.name,
                "main": optimizer.main,
                "controllable": optimizer.controllable,
                "reason": optimizer.reason,
                "groups": [
                    _group(model, optimizer.number, group) for group in range(optimizer.groups)
                ],
            }
            for optimizer in model.optimizers
        ],
        "ranks": sorted(model.reader.ranks),
        "corrupt_lines": model.reader.corrupt,
        "log": _log(model),
        "events": [
            {
                "time": event.time,
                "source": event.source,
                "event": event.event,
                "step": event.step,
                "text": event.text,
            }
            for event in (model.journal[-events:] if events else [])
        ],
    }


def _test(model: RunModel) -> dict[str, Any] | None:
    """The range test or trial that goes on; None without one."""
    test = model.rate_tests.going
    if test is None or not model.state.live:
        return None
    leg = test.legs[-1] if test.legs else None
    return {
        "test": test.number,
        "kind": test.kind,
        "done": test.done(model.state.step),
        "steps": test.steps,
        "which": None if leg is None else leg.which,
    }


def _usage(model: RunModel) -> dict[str, Any] | None:
    """What a live run of this machine uses of it; None for others."""
    if not model.state.live:
        return None
    from lrmonitor.model.gpu import find_gpus
    from lrmonitor.model.usage import UsageMeter

    meter = UsageMeter(find_gpus=find_gpus)
    try:
        meter.look(model.processes)
        time.sleep(_MEASURED)
        usage = meter.look(model.processes)
    finally:
        meter.close()
    if usage is None:
        return None
    return {
        "cores": usage.cores,
        "resident_bytes": usage.resident,
        "processes": usage.processes,
        "gpus": [
            {
                "index": gpu.index,
                "name": gpu.name,
                "memory_bytes": gpu.memory,
                "used_bytes": gpu.used,
                "total_bytes": gpu.total,
                "busy": gpu.busy,
            }
            for gpu in usage.gpus
        ],
    }


def _log(model: RunModel) -> dict[str, Any] | None:
    """What a log of another program is, and its columns; None for a run."""
    info = model.reader.info
    if model.log is None or model.rank is None:
        return None
    columns = {
        s.info.name: {"kind": s.info.kind, "points": len(s), "latest": _latest(s)}
        for s in model.rank.series.values()
        if s.info.kind != "step"
    }
    return {
        "format": model.log,
        "columns": columns,
        "left_out": info.get("left_out"),
        "settings": info.get("settings"),
    }


def _group(model: RunModel, optimizer: int, group: int) -> dict[str, Any]:
    from lrmonitor.model.rates import Override

    override = model.overrides.get((optimizer, group), Override())
    return {
        "group": group,
        "effective": _latest(model.lr(optimizer, group)),
        "scheduled": _latest(model.scheduled(optimizer, group)),
        "override": {"kind": override.kind, "value": override.value, "text": override.text},
    }


def _latest(series: Series | None) -> float | None:
    return float(series.value[-1]) if series is not None and len(series) else None


def _print(told: dict[str, Any]) -> None:
    from lrmonitor.model.rates import short
    from lrmonitor.model.state import duration, rate_text

    state = told["state"]
    lines: list[tuple[str, ...]] = [("run", told["id"]), ("name", told["name"])]
    lines.append(("state", f"{state['label']}: {state['sentence']}"))
    progress = told["progress"]
    if progress["epoch"] is not None:
        lines.append(("epoch", _of(progress["epoch"], progress["epochs"], progress["fraction"])))
    if state["step"] is not None:
        speed = f", {rate_text(state['steps_per_second'])}" if state["steps_per_second"] else ""
        ago = max(time.time() - told["step_time"], 0.0) if told["step_time"] else 0.0
        latest = f", the last one {duration(ago)} ago" if state["live"] else ""
        lines.append(("step", _of(state["step"], progress["steps"]) + speed + latest))
    if progress["eta"] is not None:
        lines.append(("left", f"{duration(progress['eta'])}, by {progress['basis']}"))
    lines += _usage_lines(told["usage"])
    test = told["test"]
    if test is not None:
        what = "range test" if test["kind"] == "range" else "trial of rates"
        words = "its steps are put back then"
        lines.append(("test", f"{what}, {test['done']} of {test['steps']} steps; {words}"))
    if told["loss"] is not None:
        lines.append(("loss", f"{told['loss']:.6g}"))
    if isinstance(told["command"], list) and told["command"]:
        lines.append(("command", shlex.join(map(str, told["command"]))))
    log = told["log"]
    since = "started" if log is None else "changed"
    lines.append((since, _clock(told["created"], "%Y-%m-%d %H:%M:%S")))
    lines.append(("folder", told["folder"]))
    if told["control_problem"]:
        lines.append(("rate", told["control_problem"]))
    for name, column in (log["columns"] if log else {}).items():
        kind = {"lr": "learning rate", "metric": ""}.get(column["kind"], column["kind"])
        latest = "" if column["latest"] is None else f", the latest {column['latest']:.6g}"
        points = f"{column['points']} point{'' if column['points'] == 1 else 's'}"
        lines.append(("column", f"{name}: {kind + ', ' if kind else ''}{points}{latest}"))
    for key, value in (log["settings"] or {} if log else {}).items():
        lines.append(("setting", f"{key}: {value}"))
    if told["corrupt_lines"]:
        lines.append(("damage", f"{told['corrupt_lines']} lines of its record cannot be read"))
    print(align(lines))
    groups = [
        (f"{o['optimizer']} {o['class']}", g) for o in told["optimizers"] for g in o["groups"]
    ]
    if groups and not log:
        table: list[tuple[str, ...]] = [
            ("OPTIMIZER", "GROUP", "EFFECTIVE LR", "SCHEDULED LR", "OVERRIDE")
        ]
        table += [
            (name, str(g["group"]), short(g["effective"]), short(g["scheduled"]),
             g["override"]["text"])
            for name, g in groups
        ]  # fmt: skip
        print(f"\n{align(table)}")
    if told["events"]:
        print()
        for event in told["events"]:
            step = f"  step {event['step']}" if event["step"] is not None else ""
            text = " ".join(event["text"].split())
            print(f"{_clock(event['time'], '%H:%M:%S')}{step}  {text}")


def _usage_lines(usage: dict[str, Any] | None) -> list[tuple[str, ...]]:
    from lrmonitor.model.usage import bytes_text, cores_text

    if usage is None:
        return []
    cores = "" if usage["cores"] is None else f"{cores_text(usage['cores'])}, "
    text = f"{cores}{bytes_text(usage['resident_bytes'])} in {usage['processes']} processes"
    lines: list[tuple[str, ...]] = [
        ("uses", text.removesuffix("es") if usage["processes"] == 1 else text)
    ]
    for gpu in usage["gpus"]:
        memory = "–" if gpu["memory_bytes"] is None else bytes_text(gpu["memory_bytes"])
        busy = "" if gpu["busy"] is None else f", {gpu['busy']:.0%} busy".replace("%", " %")
        lines.append((f"gpu {gpu['index']}", f"{memory}{busy}, {gpu['name']}"))
    return lines


def _of(number: int, total: int | None, fraction: float | None = None) -> str:
    """Such as "3 of 10, 42 % of it done"."""
    text = f"{number}" if total is None else f"{number} of {total}"
    return text if fraction is None else f"{text}, {fraction:.0%} of it done".replace("%", " %")


def _clock(moment: float, form: str) -> str:
    return time.strftime(form, time.localtime(moment))
