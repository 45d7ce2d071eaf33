"""A snapshot as a file that `torch.load(weights_only=True)` reads: tensors and plain containers."""

from __future__ import annotations

import os
import sys
import weakref
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lrmonitor.probe.copies import PLAIN, Held, is_tensor
from lrmonitor.probe.holders import Holders, named_tensors

if TYPE_CHECKING:
    from lrmonitor.probe.snapshots import Kept, Snapshot

FORMAT = 1


def refusal(path: str) -> str | None:
    """Why a file cannot be written there; None if it looks as if it can."""
    if os.path.lexists(path):
        return f"{path} is there already: name another file"
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    return None


def save(told: dict[str, Any], path: str) -> int:
    """Write what `contents` gave; the bytes of the file. Raises OSError, and what torch raises."""
    torch = sys.modules["torch"]
    partial = f"{path}.partial-{os.getpid()}"
    try:
        torch.save(told, partial)
        os.link(partial, path)  # raises where there is a file by now
    finally:
        with suppress(OSError):
            os.unlink(partial)
    return os.path.getsize(path)


def contents(snapshot: Snapshot, holders: Holders) -> dict[str, Any]:
    """What is in the file. On the training thread, at the step of the snapshot.

    `models` and `optimizers` are as their `load_state_dict` takes them. Frozen parameters, which a
    snapshot leaves out, are read from the model: they do not change.
    """
    copies = snapshot.by_tensor()
    models = []
    for root in holders.roots():
        state = {
            name: copies[id(tensor)].tensor if id(tensor) in copies else tensor.detach()
            for name, tensor in named_tensors(root)
        }
        if state:
            models.append({"class": type(root).__name__, "state_dict": state})
    return {
        "lrmonitor": FORMAT,
        "step": snapshot.step,
        "time": snapshot.time,
        "models": models,
        "optimizers": [_optimizer(kept) for kept in snapshot.optimizers],
        "scalers": [plain(values) for _, values in snapshot.scalers],
        "schedulers": plain(snapshot.schedulers),
        "rng": plain(snapshot.rng),
    }


def _optimizer(kept: Kept) -> dict[str, Any]:
    actual = kept.ref()
    numbers: dict[int, int] = {}
    groups = []
    for refs, group in zip(kept.groups, actual.param_groups if actual else (), strict=True):
        own = {k: plain(v) for k, v in group.items() if k != "params" and _is_plain(v)}
        members = [numbers.setdefault(id(ref()), len(numbers)) for ref in refs]
        groups.append({**own, "params": members})
    state: dict[Any, Any] = {}
    for key, value in kept.state:
        found = numbers.get(id(key())) if isinstance(key, weakref.ref) else key
        if isinstance(found, (int, str)):
            state[found] = plain(value)
    return {"class": kept.name, "state": state, "param_groups": groups}


def _is_plain(value: Any) -> bool:
    if type(value) in (list, tuple):
        return all(_is_plain(one) for one in value)
    return isinstance(value, PLAIN) or is_tensor(value)


def plain(value: Any) -> Any:
    """The same in tensors, numbers, texts, lists, tuples and dictionaries alone."""
    if isinstance(value, Held):
        return value.tensor
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return tuple(plain(one) for one in value)
    if isinstance(value, (list, deque)):
        return [plain(one) for one in value]
    if is_tensor(value) or value is None or type(value) in (bool, int, float, str, complex):
        return value
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
