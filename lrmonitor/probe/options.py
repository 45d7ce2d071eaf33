"""The other numbers of an optimizer's groups (torch: its options) and what persons want of them.

As with rates, what a person wants stands in the groups only while the optimizer steps: it is put
before and taken out after, so that the script and its schedulers (OneCycleLR moves the momentum)
never see it. Only steps that are looked at closely do so: an optimizer with an override here has no
ordinary ones, and one without pays nothing.
"""

from __future__ import annotations

import operator
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrmonitor.link.option_command import OPTIONS
from lrmonitor.probe.overrides import Refused, check_group
from lrmonitor.probe.rates import is_tensor, read
from lrmonitor.probe.slots import found_in, like, pair, slot_of, value_at
from lrmonitor.record.writer import RankWriter, SeriesWriter

if TYPE_CHECKING:
    from lrmonitor.probe.entry import Entry

LOOK_SECONDS = 0.25
"""How often the writer's thread looks whether the script has changed an option itself."""


@dataclass(slots=True)
class _Put:
    """One key of one group as it was and as it was put."""

    group: dict[str, Any]
    index: int
    key: str
    original: Any
    put: Any
    told: dict[tuple[int, str], float]
    """The options in it that are held, as read from what was put."""


KEYS = tuple(dict.fromkeys("betas" if n.startswith("beta") else n for n in OPTIONS))


class Options:
    """Of one optimizer. `look` runs on the writer's thread, the rest on the training thread."""

    def __init__(self, number: int, writer: RankWriter) -> None:
        self.held: dict[int, dict[str, float]] = {}
        """The values that are held, by group and name."""
        self.later: dict[str, float] = {}
        """Those that groups which are added later inherit."""
        self.applied: list[Entry] = []
        """The commands that the step in progress carries out."""
        self.latest: list[dict[str, float]] = []
        """What the steps used last, group by group."""
        self.scheduled: list[dict[str, float]] = []
        """What the script wanted then."""
        self._number = number
        self._writer = writer
        self._resumes = False
        self._done: list[_Put] = []
        self._seen: dict[tuple[int, str], float] = {}
        self._rewritten: list[tuple[int, str]] = []
        self._cached: dict[tuple[int, str], tuple[Any, Any, tuple[float | None, ...]]] = {}
        self._series: dict[tuple[str, str, int], SeriesWriter] = {}
        self._plan: tuple[int, list[_Put]] | None = None
        """What was put last, at which count of changes; None where each step has to look anew."""
        self._noted: tuple[dict[tuple[int, str], float], list[Any]] | None = None
        """What was recorded last: what was held, and the objects that the script had left."""
        self._changes = 0
        self._step = 0
        """The latest step of which anything is known here."""
        self._due = 0.0

    @property
    def busy(self) -> bool:
        """Whether the step in progress has to do with it."""
        return bool(self.held or self.applied)

    @property
    def active(self) -> bool:
        """Whether values of persons stand in the groups."""
        return bool(self._done)

    def look_at_groups(self, optimizer: Any) -> None:
        """The optimizer is new, or its groups are others than before."""
        torch = sys.modules["torch"]
        own = getattr(type(optimizer), "_init_group", None)
        self._resumes = own is not None and own is torch.optim.SGD._init_group
        groups, before = optimizer.param_groups, len(self.scheduled)
        self._changes += 1
        self.scheduled = [found_in(group) for group in groups]
        self.latest = [*self.latest[: len(groups)], *(dict(g) for g in self.scheduled[before:])]
        if not before:
            now = time.time()
            for (kind, name, j), series in list(self._series.items()):
                value = self.scheduled[j].get(name) if j < len(groups) else None
                if value is not None and kind == "option":
                    series.add(self._step + 1, now, value)
        for j in [j for j in self.held if j >= len(groups)]:
            del self.held[j]
        for j in range(before, len(groups)):
            mine = {n: v for n, v in self.later.items() if n in self.scheduled[j]}
            if mine:
                self.held[j] = {**mine, **self.held.get(j, {})}

    def replaced(self) -> None:
        """Another object takes the optimizer's place: nothing stands in its groups, and none of its
        steps was made."""
        self._done.clear()
        self._cached.clear()
        self._plan = self._noted = None
        self.latest, self.scheduled = [], []

    def change(self, group: int | None, name: str, value: float | None, actual: Any) -> list[str]:
        """Hold an option at a value from the step on that begins, or release it (None); warnings.
        Raises Refused."""
        groups = actual.param_groups
        check_group(group, len(groups))
        chosen = range(len(groups)) if group is None else (group,)
        warnings: list[str] = []
        for j in chosen:
            slot = slot_of(groups[j], name)
            if slot is None:
                have = ", ".join(found_in(groups[j])) or "none"
                raise Refused(f"{type(actual).__name__} has no number {name}: it has {have}")
            was = read(value_at(groups[j], slot))
            assert was is not None
            if value is not None:
                problem = self._problem(groups[j], name, was, value)
                if problem:
                    raise Refused(problem)
            before = self.held.get(j, {}).get(name, was)
            after = was if value is None else value
            if name == "momentum" and (before == 0) != (after == 0):
                warnings.append(
                    "the momentum buffers stand still at momentum 0, and are taken up again as "
                    "they are then"
                    if after == 0
                    else "momentum begins with the buffers as they are, where there are any"
                )
        self._changes += 1
        for j in chosen:
            mine = {k: v for k, v in self.held.get(j, {}).items() if k != name}
            if value is not None:
                mine[name] = value
            if mine:
                self.held[j] = mine
            else:
                self.held.pop(j, None)
        if group is None:
            self.later.pop(name, None)
            if value is not None:
                self.later[name] = value
        return list(dict.fromkeys(warnings))

    def _problem(self, group: dict[str, Any], name: str, was: float, wanted: float) -> str | None:
        """Why a step with that value would fail, or do something else than it says."""
        if name == "momentum" and not self._resumes and (was == 0) != (wanted == 0):
            # RMSprop, for one, makes the buffers with a parameter's first step or never.
            return (
                "this optimizer makes its momentum buffers at its first step: momentum cannot go "
                f"{'from' if was == 0 else 'to'} 0 later"
            )
        if name == "dampening" and wanted and group.get("nesterov"):
            return "Nesterov momentum needs dampening 0"
        if name == "weight_decay" and not was and wanted:
            for one in group["params"]:
                gradient = getattr(one, "grad", None)
                if gradient is not None and gradient.is_sparse:
                    return "weight decay is not possible with sparse gradients"
        return None

    # Around a step

    def put(self, groups: Sequence[dict[str, Any]]) -> None:
        """Put the values that are held, where none stand."""
        if self._done:
            return
        plan = self._plan
        if plan is not None and plan[0] == self._changes:
            known = plan[1]
            if all(o.index < len(groups) and groups[o.index] is o.group for o in known) and all(
                o.group.get(o.key) is o.original for o in known
            ):
                for one in known:
                    self._done.append(one)
                    one.group[one.key] = one.put
                return
        self._plan = None
        self._put_anew(groups)
        # One that stands aside (see `_problem`) may be put in the next step.
        whole = sum(len(o.told) for o in self._done) == sum(len(m) for m in self.held.values())
        if whole and not any(self._watchful(one) for one in self._done):
            self._plan = self._changes, list(self._done)

    def _watchful(self, put: _Put) -> bool:
        """Whether the next step has to look at it again, though nothing seems to have changed: a
        tensor may be changed in place, and gradients may become sparse."""
        held = self.held.get(put.index, {})
        parts = put.original if pair(put.original) else (put.original,)
        if any(is_tensor(one) for one in parts):
            return True
        return put.key == "weight_decay" and not put.original and bool(held.get("weight_decay"))

    def _put_anew(self, groups: Sequence[dict[str, Any]]) -> None:
        for j, mine in list(self.held.items()):
            if j >= len(groups):
                continue
            group = groups[j]
            wanted: dict[str, dict[int | None, float]] = {}
            for name, value in mine.items():
                slot = slot_of(group, name)
                was = None if slot is None else read(value_at(group, slot))
                if slot is None or was is None:
                    continue
                # The script's own value may be another one by now than when it was asked for.
                if self._problem(group, name, was, value) is None:
                    wanted.setdefault(slot[0], {})[slot[1]] = value
            for key, values in wanted.items():
                original = group[key]
                made = self._made(j, key, original, values)
                told = {}
                for at in values:
                    found = read(made if at is None else made[at])
                    if found is not None:
                        told[j, key if at is None else f"beta{at + 1}"] = found
                self._done.append(_Put(group, j, key, original, made, told))
                group[key] = made

    def _made(self, j: int, key: str, original: Any, values: dict[int | None, float]) -> Any:
        """What is put in the place of `original`: the same object in each step, as long as nothing
        changes, since compiled steps look at that."""
        told = tuple(
            values.get(at) for at in (None, *range(len(original) if pair(original) else 0))
        )
        known = self._cached.get((j, key))
        if known is not None and known[0] is original and known[2] == told:
            return known[1]
        made: Any
        if pair(original):
            parts = [
                like(part, values[at]) if at in values else part for at, part in enumerate(original)
            ]
            made = parts if isinstance(original, list) else tuple(parts)
        else:
            made = like(original, values[None])
        self._cached[j, key] = original, made, told
        return made

    def restore(self, groups: Sequence[dict[str, Any]]) -> None:
        """Take them out again, and note what was there; where the script wrote another value in
        between keep that."""
        while self._done:
            done = self._done[-1]
            group, j = done.group, done.index
            if not any(one is group for one in groups) and j < len(groups):
                group = groups[j]  # a state was loaded, which makes other groups
            found = group.get(done.key)
            if found is done.put:
                # The very object, which a step cannot change but for a tensor's value.
                self._seen.update(done.told)
                group[done.key] = done.original
            elif pair(found) and pair(done.put) and len(found) == len(done.put):
                # Made of the pair that stood there: what is still ours in it was not written.
                kept = [
                    was if one is ours else one
                    for one, ours, was in zip(found, done.put, done.original, strict=True)
                ]
                group[done.key] = kept if isinstance(found, list) else tuple(kept)
                self._rewritten.append((j, done.key))
            else:
                self._rewritten.append((j, done.key))
            self._done.pop()

    def ended(
        self, groups: Sequence[dict[str, Any]], step: int, now: float
    ) -> set[tuple[int, str]]:
        """A step is over, and its values were taken out: record what it used. Gives back which of
        those that are held it was seen to use."""
        seen, self._seen = self._seen, {}
        self._step = step
        left = [group.get(key) for group in groups for key in KEYS]
        noted = self._noted
        if (
            noted is not None
            and not self._rewritten
            and noted[0] == seen
            and len(noted[1]) == len(left)
            and all(map(operator.is_, noted[1], left))
        ):
            return set(seen)
        self._noted = None
        for j, group in enumerate(groups[: len(self.latest)]):
            scheduled = found_in(group)
            for name, was in scheduled.items():
                used = seen.get((j, name), was)
                self._record("scheduled_option", j, name, step, now, was)
                self._record("option", j, name, step, now, used)
            for name in self.held.get(j, ()):
                # From the first such step on, so that both curves are there to be compared.
                if name in scheduled:
                    self._series_of("scheduled_option", j, name, step, now)
        for j, key in self._rewritten:
            self._writer.event(
                "option_rewritten", step=step, optimizer=self._number, group=j, name=key
            )
        self._rewritten.clear()
        parts = [p for one in left for p in (one if pair(one) else (one,))]
        if not any(is_tensor(one) for one in parts):
            self._noted = seen, left
        return set(seen)

    def look(self, optimizer: Any, step: int) -> None:
        """On the writer's thread: record what the script has changed by itself."""
        at = time.perf_counter()
        if at < self._due or self.held or self.applied or self._done:
            return
        self._due = at + LOOK_SECONDS
        self._step = max(self._step, step)
        changes = self._changes
        found = [found_in(group, tensors=False) for group in list(optimizer.param_groups)]
        if changes != self._changes or self.held or len(found) != len(self.latest):
            return  # the training thread was at it meanwhile
        now = time.time()
        for j, options in enumerate(found):
            for name, value in options.items():
                self._record("scheduled_option", j, name, step, now, value)
                self._record("option", j, name, step, now, value)

    def _record(self, kind: str, j: int, name: str, step: int, now: float, value: float) -> None:
        """Write a value where it changed; a series begins with the first change."""
        known = self.latest[j] if kind == "option" else self.scheduled[j]
        before = known.get(name)
        if before == value or (before is not None and before != before and value != value):
            return
        if kind == "option":
            self._series_of(kind, j, name, step, now).add(step, now, value)
        elif (kind, name, j) in self._series:
            self._series[kind, name, j].add(step, now, value)
        known[name] = value

    def _series_of(self, kind: str, j: int, name: str, step: int, now: float) -> SeriesWriter:
        key = (kind, name, j)
        found = self._series.get(key)
        if found is None:
            title = f"{name}[{self._number}.{j}]"
            if kind != "option":
                title = f"scheduled {title}"
            found = self._writer.series(title, kind, self._number, j, "changes")
            self._series[key] = found
            before = (self.latest if kind == "option" else self.scheduled)[j].get(name)
            if before is not None:
                found.add(max(step - 1, 0) if kind == "option" else step, now, before)
        return found

    def told(self, group: int) -> list[dict[str, Any]]:
        """As a status answer tells them."""
        held = self.held.get(group, {})
        scheduled = self.scheduled[group] if group < len(self.scheduled) else {}
        latest = self.latest[group] if group < len(self.latest) else {}
        return [
            {
                "name": name,
                "scheduled": was,
                "effective": latest.get(name, was),
                "held": held.get(name),
            }
            for name, was in scheduled.items()
        ]
