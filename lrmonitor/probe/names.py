"""The names of parameters, as `named_parameters` has them, from the modules that hold them.

Noted when a module takes a parameter or another module in, through torch's own hooks for that:
nothing has to be looked for later, and no step costs anything. What was made before the probe came,
or copied as a whole, is not known; an optimizer that was given names tells them itself.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

DEEPEST = 64
"""Modules within modules that a name is made of, at most."""

_holders: dict[int, tuple[weakref.ref[Any], weakref.ref[Any], str]] = {}
"""By the id of a parameter or a module: itself, the module that holds it, and its name there."""


def watch(torch: Any) -> None:
    """From now on note what modules take in."""
    module = torch.nn.modules.module
    for hook in ("parameter", "module"):
        register = getattr(module, f"register_module_{hook}_registration_hook", None)
        if register is not None:
            register(_taken_in)


def _taken_in(holder: Any, name: Any, one: Any) -> None:
    """torch's hook: a module takes in a parameter or a module. Never raises, changes nothing."""
    try:
        if one is None:
            return
        key = id(one)
        own = weakref.ref(one, lambda gone: _forget(key, gone))
        _holders[key] = own, weakref.ref(holder), str(name)
    except Exception:
        return  # one of a kind that cannot be referred to weakly: it has no name


def _forget(key: int, gone: Any) -> None:
    known = _holders.get(key)
    if known is not None and known[0] is gone:  # and not another object's with the same id
        del _holders[key]


def name_of(one: Any) -> str | None:
    """The name of a parameter, from the outermost module on; None where no module is known."""
    parts: list[str] = []
    while len(parts) < DEEPEST:
        known = _holders.get(id(one))
        if known is None or known[0]() is not one:
            break
        parts.append(known[2])
        one = known[1]()
        if one is None:
            return None
    return ".".join(reversed(parts)) or None


def names_of(optimizer: Any) -> list[str]:
    """The names of all parameters of an optimizer, in its order: those that it was given, those of
    the modules, or their place and shape."""
    told: list[str] = []
    many = len(optimizer.param_groups) > 1
    for j, group in enumerate(optimizer.param_groups):
        given = group.get("param_names")
        for i, one in enumerate(group["params"]):
            name = given[i] if isinstance(given, list) and i < len(given) else name_of(one)
            if not name:
                where = f"group {j} · " if many else ""
                shape = "×".join(map(str, one.shape)) or "scalar"
                name = f"{where}{i} ({shape})"
            told.append(sys.intern(str(name)[:200]))
    return told
