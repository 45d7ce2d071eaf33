"""Several runs side by side: what they were started with, and what came out.

Pure: the runs are `RunModel`s that somebody else polls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lrmonitor.model.run import RunModel
from lrmonitor.record.reader import Series

__all__ = [
    "Statistics",
    "all_series",
    "arguments",
    "differing",
    "matching",
    "series_key",
    "settings",
    "statistics",
]

_ASSIGNED = re.compile(r"[A-Za-z_+~][\w.+~/-]*=")
"""An argument of the form `key=value`, as Hydra's programs take them."""

_NUMBER = re.compile(r"-?\.?\d")


@dataclass(frozen=True)
class Statistics:
    """What a legend tells of a curve; None where it has no finite value.

    `least_step` is the step of the first least value. `count` counts all points, `lost` those that
    are not finite.
    """

    last: float | None = None
    least: float | None = None
    least_step: int | None = None
    mean: float | None = None
    count: int = 0
    lost: int = 0


def statistics(series: Series | None, low: float = -np.inf, high: float = np.inf) -> Statistics:
    """Of the points with `low` ≤ step ≤ `high`."""
    if series is None or not len(series):
        return Statistics()
    step, value = series.step, series.value
    if low > -np.inf or high < np.inf:
        if series.ascending:
            first, last = np.searchsorted(step, low, "left"), np.searchsorted(step, high, "right")
            step, value = step[first:last], value[first:last]
        else:
            inside = (step >= low) & (step <= high)
            step, value = step[inside], value[inside]
    finite = np.isfinite(value)
    count, good = len(value), int(finite.sum())
    if not good:
        return Statistics(count=count, lost=count)
    if good < count:
        step, value = step[finite], value[finite]
    at = int(value.argmin())
    return Statistics(
        last=float(value[-1]),
        least=float(value[at]),
        least_step=int(step[at]),
        mean=float(value.mean()),
        count=count,
        lost=count - good,
    )


def arguments(words: Sequence[str]) -> dict[str, str]:
    """A script's arguments as names and values: `--lr 0.1`, `--lr=0.1`, `lr=0.1`, `--flag`.

    An option that was given several times has all its values. What has no name counts from 1.
    """
    found: dict[str, str] = {}

    def put(name: str, value: str) -> None:
        found[name] = f"{found[name]} {value}" if name in found else value

    unnamed = 0
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        option = word.startswith("-") and len(word) > 1 and not _NUMBER.match(word)
        if option and "=" in word:
            name, _, value = word.partition("=")
            put(name, value)
        elif option:
            values = []
            while index < len(words) and not _is_name(words[index]):
                values.append(words[index])
                index += 1
            put(word, " ".join(values) if values else "yes")
        elif _ASSIGNED.match(word):
            name, _, value = word.partition("=")
            put(name, value)
        else:
            unnamed += 1
            put(f"argument {unnamed}", word)
    return found


def _is_name(word: str) -> bool:
    """Whether a word is not the value of the option before it."""
    option = word.startswith("-") and len(word) > 1 and not _NUMBER.match(word)
    return option or bool(_ASSIGNED.match(word))


def settings(model: RunModel) -> dict[str, str]:
    """What a run was started with, as far as its record tells, by the name of the setting."""
    info = model.reader.info
    found: dict[str, str] = {}
    if info.get("script"):
        found["script"] = str(info["script"])
    argv = info.get("argv")
    if isinstance(argv, list):
        found |= arguments([str(word) for word in argv[1:]])
    for one in model.optimizers:
        found["optimizer" if one.main else f"optimizer {one.number}"] = one.name
        first = model.scheduled(one.number, 0)
        if first is not None and len(first):
            name = "first rate" if one.main else f"first rate {one.number}"
            found[name] = f"{float(first.value[0]):.6g}"
        if one.groups > 1:
            found["groups" if one.main else f"groups {one.number}"] = str(one.groups)
    env = info.get("env")
    if isinstance(env, dict):
        found |= {f"${name}": str(value) for name, value in env.items()}
    for event in model.rank.events if model.rank is not None else ():
        if event.get("event") == "environment":
            found |= {key: str(event[key]) for key in ("torch", "python") if event.get(key)}
            if isinstance(event.get("world_size"), int) and event["world_size"] > 1:
                found["processes"] = str(event["world_size"])
    for key, name in (("git_commit", "commit"), ("host", "host"), ("cwd", "folder")):
        if info.get(key):
            value = str(info[key])
            found[name] = value[:10] if key == "git_commit" else value
    return found


def differing(tables: Sequence[Mapping[str, str]]) -> tuple[list[str], list[str]]:
    """The names of the settings that are not the same in all of these, and of those that are, each
    in the order in which they first come."""
    names = list(dict.fromkeys(name for table in tables for name in table))
    unlike = [name for name in names if len({table.get(name) for table in tables}) > 1]
    return unlike, [name for name in names if name not in unlike]


def series_key(series: Series, main: int = 0) -> str:
    """A name under which the same series is found in other runs: `loss`, `lr`, `grad_norm`, …"""
    info = series.info
    if info.kind == "loss" and info.optimizer in (main, None):
        return "loss"
    if info.kind == "lr" and info.optimizer == main and not info.group:
        return "lr"
    return info.name


def all_series(model: RunModel) -> dict[str, Series]:
    """The series of a run that can be compared, by `series_key`: loss and rate come first."""
    rank = model.rank
    found: dict[str, Series] = {}
    for kinds in (("loss",), ("lr",), ("scheduled_lr", "grad_norm", "update_ratio")):
        for series in rank.series.values() if rank is not None else ():
            if series.info.kind in kinds and len(series):
                found.setdefault(series_key(series, model.main), series)
    for series in model.metrics():
        found.setdefault(series_key(series, model.main), series)
    return found


def matching(pattern: str, names: Iterable[str]) -> tuple[list[str], str | None]:
    """The names that a regular expression is found in (any case), and what is wrong with it.

    A text that is no expression is looked for as it stands, so that nothing vanishes while one is
    being typed.
    """
    names = list(names)
    problem = None
    try:
        wanted = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        problem = f"{error}"
        wanted = re.compile(re.escape(pattern), re.IGNORECASE)
    return [name for name in names if wanted.search(name)], problem
