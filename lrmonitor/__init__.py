"""lrmonitor: watch a PyTorch training run and change its learning rate while it trains.

A script needs none of this; three functions are there for those who want them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "load_checkpoint", "log", "start"]

_log: Callable[[int | None, dict[str, Any]], None] | None = None
"""What `log` calls: the probe puts itself here when it is attached."""


def start(name: str | None = None, runs: str | None = None) -> str:
    """Record this process as a run from here on (for notebooks, and for those who launch
    themselves); the run's folder.

    `name` is the run's (default: the script's), `runs` the folder of runs (default: as for
    `lrmonitor run`). Called again, or in a script that `lrmonitor run` started, it changes nothing
    and returns the folder in use. Raises OSError when the folder cannot be made.
    """
    from lrmonitor.probe.install import start as start_probe

    return start_probe(name, runs)


def log(step: int | None = None, **values: float) -> None:
    """Record values of your own, a series each: `lrmonitor.log(accuracy=0.93)`.

    `step` is the step they belong to (default: the step reached). Values are numbers or tensors
    with one element. Does nothing when lrmonitor is not attached, and never raises.
    """
    if _log is not None:
        _log(step, values)


def load_checkpoint(path: str | PathLike[str], model: Any, optimizer: Any = None) -> dict[str, Any]:
    """Put what `lrmonitor snapshot RUN --save FILE` has written into a model and an optimizer.

    The model may be the one that was trained or a part of it. Gives back all that is in the file:
    `step`, `models`, `optimizers`, `scalers`, `schedulers`, `rng`. Nothing in it is unpickled but
    tensors and plain containers. Raises ValueError where the file is none of lrmonitor's or holds
    no such model or optimizer, and OSError where it cannot be read.
    """
    from lrmonitor.probe.loading import load_checkpoint as load

    return load(path, model, optimizer)
