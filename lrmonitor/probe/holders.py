"""The script's objects that hold state beside its optimizers: modules, GradScalers, schedulers.

They are found among all objects of the process, by their classes alone: asking the objects
themselves could run code of the script. What `gc.freeze` has hidden is not found.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

Slot = tuple[Any, str, str]
"""A module, `_buffers` or `_parameters`, and the name in there."""


class Holders:
    """What was found at one look. Only weak references are held."""

    def __init__(self, trained: Iterable[Any]) -> None:
        """Look for all there is (some tens of milliseconds); `trained` are the parameters of the
        optimizers."""
        torch = sys.modules["torch"]
        module, scheduler = torch.nn.Module, torch.optim.lr_scheduler.LRScheduler
        modules: list[Any] = []
        scalers: list[Any] = []
        schedulers: list[Any] = []
        kinds: dict[type, list[Any] | None] = {}
        for one in gc.get_objects():
            kind = type(one)
            if kind not in kinds:
                mro = kind.__mro__
                into = None
                if module in mro:
                    into = modules
                elif scheduler in mro or any(k.__name__ == "ReduceLROnPlateau" for k in mro):
                    into = schedulers
                elif any(k.__name__ == "GradScaler" and _of_torch(k) for k in mro):
                    into = scalers
                kinds[kind] = into
            found = kinds[kind]
            if found is not None:
                found.append(one)
        ids = {id(p) for p in trained}
        self._modules = [weakref.ref(m) for m in modules]
        self._scalers = [weakref.ref(s) for s in scalers]
        self._schedulers = [weakref.ref(s) for s in schedulers]
        roots, self._still = _trees(modules, ids)
        self._roots = [weakref.ref(m) for m in roots]
        seen = {id(p) for m in modules for _, p in _named(m, "_parameters")}
        self.hidden = bool(ids) and not ids & seen
        """Whether the modules of what is trained were not found."""

    def slots(self, trained: set[int]) -> Iterator[tuple[Slot, Any]]:
        """Each tensor to be kept beside the parameters of optimizers (whose ids are `trained`) and
        its slot: buffers, and parameters of other models (an average, a target network). Frozen
        parameters of the model that is trained stay what they are and are left out."""
        for ref in self._modules:
            one = ref()
            if one is None:
                continue
            for name, tensor in _named(one, "_buffers"):
                yield (one, "_buffers", name), tensor
            for name, tensor in _named(one, "_parameters"):
                if tensor is None or id(tensor) in trained:
                    continue
                if id(one) in self._still and not tensor.requires_grad:
                    continue
                yield (one, "_parameters", name), tensor

    def roots(self) -> list[Any]:
        """The modules that are no part of another, those of what is trained first."""
        return [m for ref in self._roots if (m := ref()) is not None]

    def scalers(self) -> list[Any]:
        """The GradScalers that are in use."""
        found = [ref() for ref in self._scalers]
        return [s for s in found if s is not None and vars(s).get("_enabled")]

    def schedulers(self) -> list[Any]:
        """The learning rate schedulers."""
        return [s for ref in self._schedulers if (s := ref()) is not None]


def standing(module: Any, where: str, name: str) -> Any:
    """What stands in a slot now; None where nothing does."""
    return dict(_named(module, where)).get(name)


def _of_torch(kind: type) -> bool:
    return str(getattr(kind, "__module__", "")).startswith("torch.")


def _named(module: Any, where: str) -> list[tuple[str, Any]]:
    try:
        return list(getattr(module, where).items())
    except Exception:  # half made, or of a kind of its own
        return []


def named_tensors(root: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Parameters and persistent buffers by their names, as `state_dict` has them."""
    passing = vars(root).get("_non_persistent_buffers_set", ())
    for where in ("_parameters", "_buffers"):
        for name, tensor in _named(root, where):
            if tensor is not None and not (where == "_buffers" and name in passing):
                yield prefix + name, tensor
    for name, child in _named(root, "_modules"):
        if child is not None:
            yield from named_tensors(child, f"{prefix}{name}.")


def _trees(modules: list[Any], trained: set[int]) -> tuple[list[Any], set[int]]:
    """The modules that are no part of another, those of which some part is trained first; and the
    ids of all modules within the latter."""
    children = {id(m): [c for _, c in _named(m, "_modules") if c is not None] for m in modules}
    by_id = {id(m): m for m in modules}
    inner = {id(c) for found in children.values() for c in found}
    first: list[Any] = []
    rest: list[Any] = []
    out: set[int] = set()
    for root in modules:
        if id(root) in inner:
            continue
        tree: set[int] = set()
        waiting = [root]
        while waiting:
            one = waiting.pop()
            if id(one) not in tree:
                tree.add(id(one))
                waiting += children.get(id(one), [])
        own = (p for one in tree if one in by_id for _, p in _named(by_id[one], "_parameters"))
        if any(id(p) in trained for p in own):
            out |= tree
            first.append(root)
        else:
            rest.append(root)
    return first + rest, out
