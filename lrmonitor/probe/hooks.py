"""The part of the probe that runs in every step of the training: torch's two step hooks, and what
stands in front of `torch.autograd.backward`.

An ordinary step (no closure, no command, plain rates) is done here, in as few and as flat pieces as
can be: what a step costs is mostly what has to be fetched into the processor's cache again. All
else is left to `Steps`. Nothing here raises into the training, but for what the script's own signal
handler raises at a step boundary.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from sys import _getframe
from threading import get_ident
from time import time
from typing import Any

from lrmonitor.probe.optimizers import Optimizer
from lrmonitor.probe.steps import Steps, calls
from lrmonitor.probe.threads import Thread

_current: Steps | None = None
_threads: dict[int, Thread] = {}
_known: dict[int, Optimizer] = {}


def current() -> Steps | None:
    """The process's probe."""
    return _current


def set_current(steps: Steps | None) -> None:
    """Make `steps` the process's probe (at install, and in a forked child)."""
    global _current, _threads, _known
    _current = steps
    _threads = {} if steps is None else steps.losses.threads
    _known = {} if steps is None else steps.known


def watched_backward(torch: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    """`torch.autograd.backward` with its losses noted."""
    plain_tensor, graph_task = torch.Tensor, torch._C._current_graph_task_id

    @functools.wraps(original)
    def backward(*args: Any, **kwargs: Any) -> Any:
        steps = _current
        if steps is None:
            return original(*args, **kwargs)
        here = _threads.get(get_ident())
        value: Any = None
        plain = False
        try:
            if here is None or here.slow or here.inside or here.frame is not None:
                here, value = steps.backward_begins(args, kwargs, _getframe(1))
            else:
                # By far the most frequent: `loss.backward()`.
                output = args[0]
                if (
                    type(output) is plain_tensor
                    and len(args) == 4
                    and args[1] is None
                    and output.is_cpu
                    and output.numel() == 1
                    and graph_task() == -1
                ):
                    value = output.item()
                    plain = True
                else:
                    here, value = steps.backward_begins(args, kwargs, _getframe(1))
        except Exception:
            value = None
            steps.failed("before a backward pass")
            if here is None:
                return original(*args, **kwargs)
        inside = here.inside
        here.inside = True
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            # The script's traceback looks as it does without us: from Python 3.11 on, a bare
            # `raise` adds no entry to what is taken off here.
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next
            raise
        finally:
            here.inside = inside
        if plain:
            if here.taken:
                here.total, here.count, here.taken = value, 1, False
            else:
                here.total += value
                here.count += 1
        elif value is not None:
            steps.backward_ended(here, value)
            if steps.loss_only and steps.control.gate:
                try:
                    steps.control.boundary()
                except BaseException as error:
                    error.__traceback__ = None  # as in after_step
                    raise
        return result

    return backward


def before_step(actual: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """torch's global pre-hook; may give back arguments with the closure wrapped."""
    here = _threads.get(get_ident())
    known = _known.get(id(actual))
    try:
        groups = actual.param_groups
        if (
            here is None
            or known is None
            or here.frame is not None
            or known.attention
            or known.holder is not None
            or known.ref() is not actual
            or len(args) > 1
            or kwargs
            or len(groups) != known.count
        ):
            steps = _current
            return None if steps is None else steps.begin(actual, args, kwargs, _getframe(1))
        here.frame = _getframe(1)
        here.known = known
        for group, own in zip(groups, known.groups):  # noqa: B905 (of equal length)
            if group["lr"] is not own.rate:
                known.look(groups)
                break
        if known.overridden:
            script: Any = actual
            if (
                known.attention
                or script._optimizer_step_pre_hooks
                or script._optimizer_step_post_hooks
            ):
                here.frame = None
                steps = _current
                return None if steps is None else steps.begin(actual, args, kwargs, _getframe(1))
            known.holder = here
            known.swapped = True
            for group, own in zip(groups, known.groups):  # noqa: B905 (of equal length)
                used = own.hold
                if used is None:
                    used = own.factor * own.now  # type: ignore[operator]
                own.used = group["lr"] = used
                if used != own.effective:
                    known.news = True
    except Exception:
        if _current is not None:
            _current.failed("before a step")
    return None


def after_step(actual: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """torch's global post-hook."""
    here = _threads.get(get_ident())
    steps = _current
    if here is None or here.frame is None or steps is None:
        return
    known: Any = here.known
    if here.nested:
        frame = _getframe(1)
        # Another frame is a step within it; or, where a compiled one went on as another, itself.
        if here.frame is not frame and (known.ref() is not actual or calls(here.frame, frame)):
            return
        here.nested = False
    try:
        if here.detail is not None:
            steps.finish(here, actual)
        else:
            if known.swapped and known.holder is here:
                for group, own in zip(actual.param_groups, known.groups):  # noqa: B905
                    if group["lr"] is own.used:
                        group["lr"] = own.rate
                    else:  # those that were put back already are left as they are
                        steps.say_rewritten(known, known.restore(actual.param_groups))
                        break
                known.swapped, known.holder = False, None
            # Only now, as what raises before (Ctrl-C) is healed where it stands.
            here.frame = None
            if known.number == 0:
                steps.step += 1
            now = time()
            if known.news:
                known.record_rates(steps.step, now)
            if here.count != known.last_parts or here.arriving:
                steps.close(here, now)
            else:
                here.taken = True
                here.clips = None
                known.append((steps.step, now, here.total))
    except Exception:
        steps.failed("after a step")
    if steps.control.gate and (known.number == 0 or steps.main_gone()):
        try:
            steps.control.boundary()
        except BaseException as error:
            # What the script's SIGINT handler raised: as if Ctrl-C had come between two steps. Here
            # and not in a function of its own, whose frame would stay in the traceback.
            error.__traceback__ = None
            raise
