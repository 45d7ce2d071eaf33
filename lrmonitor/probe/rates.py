"""Learning rates in an optimizer's groups: reading, replacing for one step, putting back.

A rate is a number, or a tensor with one element that compiled steps and captured graphs hold on
to, which is therefore changed in place. Groups may share one tensor.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrmonitor.probe.overrides import Overrides

if TYPE_CHECKING:
    from lrmonitor.probe.options import Options


def is_tensor(rate: Any) -> bool:
    """Whether a rate is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(rate, torch.Tensor)


def read(rate: Any) -> float | None:
    """A rate's value; None where there is no number (some optimizers have `lr=None`)."""
    if type(rate) is float:
        return rate
    if rate is None or isinstance(rate, bool):
        return None
    try:
        return float(rate.item() if is_tensor(rate) else rate)
    except (TypeError, ValueError, RuntimeError):
        return None


def problem(groups: Sequence[dict[str, Any]], name: str) -> str | None:
    """Why the rate of an optimizer with these groups cannot be set; None if it can."""
    for group in groups:
        rate: Any = group.get("lr")
        if read(rate) is None:
            return f"{name} keeps no number as its learning rate"
        if is_tensor(rate) and rate.requires_grad and rate.grad_fn is not None:
            return f"{name}'s learning rate is itself computed by autograd"
    return None


@dataclass(slots=True)
class _Put:
    """One group's rate as it was and as it was put."""

    group: dict[str, Any]
    original: Any
    put: Any
    value: float
    """What was read back after putting."""
    saved: float
    """The scheduled value."""
    in_place: bool = False
    index: int = 0
    """The group's number: in a step that loads a state its groups are others after it."""


@dataclass(frozen=True)
class Rewritten:
    """The script wrote another rate into a group while the override stood there."""

    group: int
    found: float | None
    put: float


class Swap:
    """Puts effective rates into groups and takes them out again, exactly.

    `put` and `restore` may alternate within a step: what the script writes in between is the new
    scheduled rate. The groups' other numbers go the same way, with `options`.
    """

    def __init__(self, options: Options | None = None) -> None:
        self._done: list[_Put] = []
        self._options = options

    @property
    def active(self) -> bool:
        """Whether effective rates, or values of other numbers, stand in the groups."""
        return bool(self._done) or (self._options is not None and self._options.active)

    def put(self, groups: Sequence[dict[str, Any]], overrides: Overrides) -> list[float | None]:
        """Put what the overrides say; the rates then in force, read back, group by group."""
        if self._options is not None:
            self._options.put(groups)
        wanted_of = overrides.groups
        scheduled = [read(g.get("lr")) for g in groups]
        shared: set[int] | None = None
        tensors: dict[int, _Put] = {}
        out: list[float | None] = []
        for j, group in enumerate(groups):
            was, override = scheduled[j], wanted_of.get(j)
            if was is None or override is None:
                out.append(was)
                continue
            rate, wanted = group["lr"], override.effective(was, overrides.tick)
            if type(rate) is float or not is_tensor(rate):
                self._done.append(_Put(group, rate, wanted, wanted, was, index=j))
                group["lr"] = wanted
                out.append(wanted)
                continue
            if shared is None:
                shared = _shared(groups, overrides, scheduled)
            if id(rate) in shared:
                # The groups that share this tensor part ways: this one gets a copy for the step.
                copy = rate.detach().clone()
                copy.fill_(wanted)
                done = _Put(group, rate, copy, float(copy.item()), was, index=j)
                self._done.append(done)
                group["lr"] = copy
            elif id(rate) in tensors:
                out.append(tensors[id(rate)].value)
                continue
            else:
                done = _Put(group, rate, rate, wanted, was, True, j)
                self._done.append(done)
                _fill(rate, wanted)
                done.value = float(rate.item())
                tensors[id(rate)] = done
            out.append(done.value)
        return out

    def restore(self, groups: Sequence[dict[str, Any]]) -> list[Rewritten]:
        """Put the scheduled rates back, but where the script wrote another one keep that.

        Each is forgotten once it is back: if an exception comes in between, the rest is for the
        next call.
        """
        if self._options is not None:
            self._options.restore(groups)
        rewritten = []
        while self._done:
            done = self._done[-1]
            at = done.index
            if at < len(groups) and not any(g is done.group for g in groups[at : at + 1]):
                if not any(g is done.group for g in groups):
                    done.group = groups[at]  # a state was loaded, which makes other groups
                else:
                    at = next(j for j, g in enumerate(groups) if g is done.group)
            told = self._restore_one(done, at)
            if told is not None:
                rewritten.append(told)
            self._done.pop()
        rewritten.reverse()
        return rewritten

    def _restore_one(self, done: _Put, index: int) -> Rewritten | None:
        group = done.group
        found: Any = group.get("lr")
        if found is done.put and type(found) is float:  # not written: by far the most frequent
            group["lr"] = done.original
            return None
        value = read(found)
        same = found is done.put or (found is not None and is_tensor(found) == is_tensor(done.put))
        if same and value == done.value:
            if not done.in_place:
                group["lr"] = done.original
                return None
            if found is not done.original:
                _fill(found, done.saved)
            _fill(done.original, done.saved)
            return None
        if not done.in_place and is_tensor(done.original) and found is done.put:
            # It was written into our copy: the tensor that the script holds is meant.
            _fill(done.original, done.put.item())
            group["lr"] = done.original
        return Rewritten(index, value, done.value)


def _shared(
    groups: Sequence[dict[str, Any]], overrides: Overrides, scheduled: Sequence[float | None]
) -> set[int]:
    """Ids of tensors whose groups want different rates, so that one tensor cannot hold them."""
    wants: dict[int, set[float | None]] = {}
    for j, group in enumerate(groups):
        rate, was = group.get("lr"), scheduled[j]
        if is_tensor(rate) and was is not None:
            wants.setdefault(id(rate), set()).add(overrides.effective(j, was))
    return {key for key, values in wants.items() if len(values) > 1}


def _fill(tensor: Any, value: float) -> None:
    torch = sys.modules["torch"]
    with torch.no_grad():
        tensor.fill_(value)
