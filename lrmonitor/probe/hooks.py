"""The part of the probe that runs in every step of the training: torch's two step hooks, and what
stands in front of `torch.autograd.backward`.

An ordinary step (no closure, no command, plain rates) is done here, in as few and as flat pieces as
can be: what a step costs is mostly what has to be fetched into the processor's cache again. All
else is left to `Steps`. Nothing here raises into the training, but for what the script's own signal
handler raises at a step boundary.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from sys import _getframe
from time import time
from typing import Any

from lrmonitor.probe.optimizers import Optimizer
from lrmonitor.probe.steps import Steps
from lrmonitor.probe.threads import Local, Thread
from lrmonitor.probe.values import Arriving

_current: Steps | None = None
_local = Local()
_known: dict[int, Optimizer] = {}


def current() -> Steps | None:
    """The process's probe."""
    return _current


def set_current(steps: Steps | None) -> None:
    """Make `steps` the process's probe (at install, and in a forked child)."""
    global _current, _local, _known
    _current = steps
    _local = Local() if steps is None else steps.losses.local
    _known = {} if steps is None else steps.known


def watched_backward(torch: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    """`torch.autograd.backward` with its losses noted."""
    plain_tensor, graph_task = torch.Tensor, torch._C._current_graph_task_id

    # The signature is torch's own: packing and unpacking arguments would cost more than the rest.
    @functools.wraps(original)
    def backward(
        tensors: Any,
        grad_tensors: Any = None,
        retain_graph: Any = None,
        create_graph: bool = False,
        grad_variables: Any = None,
        inputs: Any = None,
    ) -> Any:
        here = _local.here
        if (
            here.slow
            or here.inside
            or here.stepping
            or type(tensors) is not plain_tensor
            or grad_tensors is not None
            or grad_variables is not None
            or not tensors.is_cpu
            or graph_task() != -1
        ):
            given = (tensors, grad_tensors, retain_graph, create_graph, grad_variables, inputs)
            try:
                return _backward_closely(original, given, _getframe(1))
            except BaseException as error:
                # The script's traceback looks as it does without us: from Python 3.11 on, a bare
                # `raise` adds no entry to what is taken off here.
                if error.__traceback__ is not None:
                    error.__traceback__ = error.__traceback__.tb_next
                raise
        # By far the most frequent: `loss.backward()`, of one number (torch refuses all else).
        first = here.taken
        try:
            if first:
                # torch may call this function again, in a mode: what that adds is written over.
                original(tensors, None, retain_graph, create_graph, None, inputs)
            else:
                here.inside = True
                try:
                    original(tensors, None, retain_graph, create_graph, None, inputs)
                finally:
                    here.inside = False
        except BaseException as error:
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next
            raise
        try:
            if first or here.taken:  # by a step that was made within the pass
                here.total = tensors.item()
                here.count = 1
                here.taken = False
            else:
                here.total += tensors.item()
                here.count += 1
        except Exception:
            if _current is not None:
                _current.failed("after a backward pass")

    return backward


def _backward_closely(original: Callable[..., Any], given: tuple[Any, ...], frame: Any) -> Any:
    """A backward pass that is not an ordinary one, called for in `frame`."""
    steps = _current
    # Looked at here and used there: an iterator would be used up.
    given = tuple(tuple(one) if isinstance(one, Iterator) else one for one in given)
    here: Thread | None = None
    value: float | Arriving | None = None
    inside = False
    try:
        if steps is not None:
            try:
                gradients = given[1] if given[1] is not None else given[4]
                here, value = steps.backward_begins(given[0], gradients, frame)
                inside, here.inside = here.inside, True
            except Exception:
                steps.failed("before a backward pass")
        try:
            result = original(*given)
        finally:
            if here is not None:
                here.inside = inside
        if steps is not None and here is not None and value is not None:
            steps.backward_ended(here, value)
            if steps.loss_only and steps.gate:
                try:
                    steps.control.boundary()
                except BaseException as error:
                    error.__traceback__ = None  # as in after_step
                    raise
    except BaseException as error:
        if error.__traceback__ is not None:
            error.__traceback__ = error.__traceback__.tb_next
        raise
    return result


def _begin(actual: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Any) -> Any:
    """Before a step that is not an ordinary one, made in `frame`."""
    steps = _current
    return None if steps is None else steps.begin(actual, args, kwargs, frame)


def before_step(actual: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """torch's global pre-hook; may give back arguments with the closure wrapped."""
    known: Any
    here = _local.here
    try:
        if here.stepping or kwargs:
            return _begin(actual, args, kwargs, _getframe(1))
        known = here.known
        if known is None or known.ref() is not actual or known.thread is not here:
            known = _known.get(id(actual))
            if known is None or known.ref() is not actual or known.thread is not here:
                return _begin(actual, args, kwargs, _getframe(1))
            here.known = known
        own = known.lone
        groups = actual.param_groups
        if own is None:
            if len(args) > 1 or len(groups) != known.count:
                return _begin(actual, args, kwargs, _getframe(1))
        else:
            try:  # taking them apart costs less than to ask for their lengths
                (_,) = args
                (group,) = groups
            except ValueError:
                return _begin(actual, args, kwargs, _getframe(1))
        if not known.overridden:
            if known.attention:
                return _begin(actual, args, kwargs, _getframe(1))
            here.stepping = True
            if own is not None:
                if group["lr"] is not own.rate:
                    known.look(groups)
                return None
            for own in known.groups:
                if groups[own.number]["lr"] is not own.rate:
                    known.look(groups)
                    break
        elif actual._optimizer_step_pre_hooks or actual._optimizer_step_post_hooks:
            return _begin(actual, args, kwargs, _getframe(1))
        else:
            here.stepping = True
            # Before it is known that no other thread steps this optimizer: see `steps_in`.
            here.put = True
            if known.attention:
                here.put = here.stepping = False
                return _begin(actual, args, kwargs, _getframe(1))
            if own is not None and group["lr"] is own.rate:
                own.put = group["lr"] = own.used
                return None
            for own in known.groups:
                group = groups[own.number]
                if group["lr"] is not own.rate:
                    if not known.put_anew(groups, own):
                        here.put = here.stepping = False
                        return _begin(actual, args, kwargs, _getframe(1))
                    break
                own.put = group["lr"] = own.used
    except Exception:
        if _current is not None:
            _current.failed("before a step")
    return None


def after_step(actual: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """torch's global post-hook."""
    here = _local.here
    steps: Any = _current
    known: Any = here.known
    try:
        if here.odd:
            if steps is None or not steps.end(here, actual, _getframe(1)):
                return
            known = here.known
        elif not here.stepping:
            return
        else:
            if here.put:
                groups = actual.param_groups
                own = known.lone
                if own is not None and (group := groups[0])["lr"] is own.put:
                    group["lr"] = own.rate
                    here.put = False
                else:
                    steps.take_out(here, known, actual)
            # Only now, as what raises before (Ctrl-C) is healed where it stands.
            here.stepping = False
            steps.step = step = steps.step + known.advance
            now = time()
            if known.news and not known.taken:
                known.record_rates(step, now)
            if here.count != known.last_parts or here.arriving is not None:
                steps.close(here, now)
            else:
                here.taken = True
                here.clips = None
                known.waiting.append((step, now, here.total))
    except Exception:
        steps.failed("after a step")
    if steps.gate and (known.number == 0 or steps.main_gone()):
        try:
            steps.control.boundary()
        except BaseException as error:
            # What the script's SIGINT handler raised: as if Ctrl-C had come between two steps. Here
            # and not in a function of its own, whose frame would stay in the traceback.
            error.__traceback__ = None
            raise
