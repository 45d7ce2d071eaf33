"""Putting the probe in: torch's step hooks, and the two functions that losses go through."""

from __future__ import annotations

import atexit
import functools
import math
import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lrmonitor
from lrmonitor.probe import dynamo, hooks, loggers, names, progress, seen
from lrmonitor.probe.late import after_import
from lrmonitor.probe.steps import Steps
from lrmonitor.record.create import create_run
from lrmonitor.record.home import runs_home

_hooked = False
_watching = False


def install_after_torch_import() -> None:
    """Called once torch has been imported in a launched script. Raises nothing of its own."""
    install(_launched())


def install(folder: Path | None) -> Steps:
    """Watch this process for the run in `folder`. Installing again changes nothing: hooks that
    stood twice would restore rates in the wrong order."""
    found = hooks.current()
    if found is None:
        found = Steps(folder)
        hooks.set_current(found)
        lrmonitor._log = _log
        atexit.register(_close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_in_child)
    if "torch" in sys.modules:
        _hook()
    return found


def start(name: str | None = None, runs: str | None = None) -> str:
    """Record this process as a run from here on; the run's folder. See `lrmonitor.start`."""
    found = hooks.current()
    if found is not None and found.folder is not None:
        return str(found.folder)
    launched = _launched()
    if launched is None:
        argv = [str(arg) for arg in getattr(sys, "argv", [])]
        script = argv[0] if argv and argv[0] else "interactive"
        launched = create_run(
            runs_home(runs),
            name=name or Path(script).stem or "interactive",
            kind="started",
            script=script,
            argv=argv,
            command=[sys.executable, *argv],
            cwd=os.getcwd(),
            python=sys.executable,
            env={},
        )
    if found is not None:
        found.folder, found.broken = launched, False
    steps = install(launched)
    steps.register()
    if not _hooked:
        _watch_for_torch()
    return str(launched)


def _launched() -> Path | None:
    """The folder of the run that this process was launched for."""
    told = os.environ.get("LRMONITOR_RUN")
    return Path(told) if told else None


def _log(step: int | None, values: dict[str, Any]) -> None:
    found = hooks.current()
    if found is None:
        return
    if found.session is None and multiprocessing.parent_process() is not None:
        return  # a data loader's worker is no training process
    found.log(step, values)


def _hook() -> None:
    global _hooked
    if _hooked:
        return
    _hooked = True
    import torch
    from torch.optim import optimizer as module

    if not hasattr(module, "register_optimizer_step_pre_hook"):
        found = hooks.current()
        session = found.register() if found is not None else None
        if session is not None:
            session.writer.event(
                "probe_error",
                where="install",
                error=f"torch {torch.__version__} is too old: lrmonitor needs 2.0 or later",
                traceback="",
            )
        return
    # Not wrapped: they know a step by the frame that calls them.
    module.register_optimizer_step_pre_hook(hooks.before_step)
    module.register_optimizer_step_post_hook(hooks.after_step)
    torch.autograd.backward = hooks.watched_backward(torch, torch.autograd.backward)
    _hook_scaler(torch)
    _hook_clipping(torch)
    progress.watch(torch)
    loggers.watch()
    seen.watch(torch)
    names.watch(torch)
    after_import(dynamo.RULES, dynamo.keep_out)


def _hook_scaler(torch: Any) -> None:
    """GradScaler: the loss before it is scaled, and the steps that it skips."""
    classes = [getattr(getattr(torch, "amp", None), "GradScaler", None)]
    classes.append(getattr(getattr(torch.cuda, "amp", None), "GradScaler", None))
    for scaler in classes:
        if scaler is None or "scale" not in scaler.__dict__:
            continue  # it inherits the ones that are wrapped
        scaler.scale = _scale(torch, scaler.scale)
        scaler.step = _scaler_step(scaler.step)


def _scale(torch: Any, original: Any) -> Any:
    compiling = _compiling(torch)

    @functools.wraps(original)
    def scale(self: Any, outputs: Any) -> Any:
        if compiling():
            return original(self, outputs)  # it becomes a part of the compiled step
        try:
            scaled = original(self, outputs)
        except BaseException as error:
            _leave_out_this_frame(error)
            raise
        found = hooks.current()
        if found is not None:
            try:
                found.losses.remember_scaled(outputs, scaled)
            except Exception:
                found.failed("in GradScaler.scale")
        return scaled

    return scale


def _compiling(torch: Any) -> Callable[[], bool]:
    """What tells whether a call is being compiled, not made (torch 2.0 has it nowhere)."""
    return getattr(getattr(torch, "compiler", None), "is_compiling", None) or (lambda: False)


def _hook_clipping(torch: Any) -> None:
    """`clip_grad_norm_`: the norm before clipping."""
    module = torch.nn.utils.clip_grad
    wrapped = _clipping(torch, module.clip_grad_norm_)
    module.clip_grad_norm_ = torch.nn.utils.clip_grad_norm_ = wrapped


def _clipping(torch: Any, original: Any) -> Any:
    compiling = _compiling(torch)

    @functools.wraps(original)
    def clip_grad_norm_(*args: Any, **kwargs: Any) -> Any:
        if compiling():
            return original(*args, **kwargs)  # it becomes a part of the compiled step
        try:
            norm = original(*args, **kwargs)
        except BaseException as error:
            _leave_out_this_frame(error)
            raise
        found = hooks.current()
        if found is not None:
            bound = args[1] if len(args) > 1 else kwargs.get("max_norm", math.nan)
            kind = args[2] if len(args) > 2 else kwargs.get("norm_type", 2.0)
            found.clipped(norm, bound, kind)
        return norm

    return clip_grad_norm_


def _scaler_step(original: Any) -> Any:
    @functools.wraps(original)
    def step(self: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        found = hooks.current()
        if found is not None:
            found.scaler_begins(optimizer)
        try:
            result = original(self, optimizer, *args, **kwargs)
        except BaseException as error:
            if found is not None:
                found.losses.thread().scaling = False
            _leave_out_this_frame(error)
            raise
        if found is not None:
            found.scaler_ended(optimizer)
        return result

    return step


def _leave_out_this_frame(error: BaseException) -> None:
    """The script's traceback looks as it does without the wrapper that caught `error`."""
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next


def _watch_for_torch() -> None:
    """`start` was called before the script imports torch: hook in when it does."""
    global _watching
    if not _watching:
        _watching = True
        after_import("torch", _hook)


def _in_child() -> None:
    """After a fork: the session is the parent's; the child is watched afresh if it trains."""
    found = hooks.current()
    if found is None:
        return
    hooks.set_current(Steps(found.folder))
    if found.session is not None:
        found.session.forget()


def _close() -> None:
    found = hooks.current()
    if found is not None:
        found.finish()
