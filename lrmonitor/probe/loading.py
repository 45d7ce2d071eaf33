"""Reading a checkpoint that a snapshot was saved to, in a script."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any


def load_checkpoint(path: str | PathLike[str], model: Any, optimizer: Any = None) -> dict[str, Any]:
    """See `lrmonitor.load_checkpoint`."""
    import torch

    told = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(told, dict) or told.get("lrmonitor") != 1:
        raise ValueError(f"{path} is no checkpoint of lrmonitor's")
    state = _matching(told["models"], model.state_dict().keys())
    if state is None:
        names = ", ".join(m["class"] for m in told["models"]) or "none"
        raise ValueError(f"{path} holds no model with these parameters (it holds: {names})")
    model.load_state_dict(state)
    if optimizer is not None:
        optimizer.load_state_dict(_optimizer(told["optimizers"], optimizer, path))
    return dict(told)


def _matching(models: list[dict[str, Any]], wanted: Any) -> dict[str, Any] | None:
    """The state of the model that has these names, or of the part of one that has."""
    names = set(wanted)
    for one in models:
        state: Mapping[str, Any] = one["state_dict"]
        for prefix in sorted({""} | {_before(name, names) for name in state}, key=len):
            own = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
            if set(own) == names:
                return own
    return None


def _before(name: str, names: set[str]) -> str:
    """What stands before one of the names in a longer name; empty if none does."""
    at = name.find(".")
    while at >= 0:
        if name[at + 1 :] in names:
            return name[: at + 1]
        at = name.find(".", at + 1)
    return ""


def _optimizer(kept: list[dict[str, Any]], optimizer: Any, path: Any) -> dict[str, Any]:
    """The first that is of the same class and has groups of the same sizes."""
    sizes = [len(group["params"]) for group in optimizer.param_groups]
    for one in kept:
        if [len(group["params"]) for group in one["param_groups"]] == sizes and (
            one["class"] == type(optimizer).__name__
        ):
            return {"state": one["state"], "param_groups": one["param_groups"]}
    raise ValueError(
        f"{path} holds no {type(optimizer).__name__} with {sum(sizes)} parameters in "
        f"{len(sizes)} group{'s' * (len(sizes) != 1)}"
    )
