"""The loggers whose values become series of the run, and how they are watched.

A method is wrapped once the script itself has imported its module; nothing is imported by us. The
wrapper calls the method as it was called, and looks at what it was given when that has succeeded.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from lrmonitor.probe import hooks
from lrmonitor.probe.late import after_imports

SWITCH = "LRMONITOR_MIRROR"
"""Variable that turns this off when it is 0."""

Pairs = list[tuple[Any, Any]]
"""Tags and values."""


class Logger(NamedTuple):
    """A method that logs values."""

    kind: str
    module: str
    owner: str
    method: str
    values: Callable[..., Iterable[tuple[Any, Any]]]
    """What it was given, by its own arguments but the first one."""
    which: Callable[[Any], str] = lambda logger: ""
    """Which of several loggers of this kind it is."""


def _one(tag: Any, scalar_value: Any, *_: Any, **__: Any) -> Pairs:
    return [(tag, scalar_value)]


def _several(main_tag: Any, tag_scalar_dict: Mapping[Any, Any], *_: Any, **__: Any) -> Pairs:
    return [(f"{main_tag}/{tag}", value) for tag, value in tag_scalar_dict.items()]


def _logs(logs: Mapping[Any, Any], *_: Any, **__: Any) -> Pairs:
    return list(logs.items())


def _metrics(metrics: Mapping[Any, Any], *_: Any, **__: Any) -> Pairs:
    return list(metrics.items())


def _data(data: Any, *_: Any, **__: Any) -> Pairs:
    """W&B names what is in an object inside with a dot between."""
    found: Pairs = []
    for tag, value in data.items() if isinstance(data, Mapping) else ():
        if isinstance(value, Mapping):
            found += [(f"{tag}.{inner}", one) for inner, one in _data(value)]
        else:
            found.append((tag, value))
    return found


def _of_run(run_id: Any, key: Any, value: Any, *_: Any, **__: Any) -> Pairs:
    return [(key, value)]


def _batch(run_id: Any, metrics: Any = (), *_: Any, **__: Any) -> Pairs:
    """MLflow logs the machine's own load in this way too, in a thread of its own."""
    if not isinstance(metrics, (list, tuple)):
        return []  # an iterator would be used up
    return [(m.key, m.value) for m in metrics if not str(m.key).startswith("system/")]


def _folder(writer: Any) -> str:
    return str(getattr(writer, "log_dir", None) or getattr(writer, "logdir", None) or "")


LIGHTNING = "trainer.connectors.logger_connector.logger_connector"

LOGGERS = (
    Logger(
        "TensorBoard",
        "torch.utils.tensorboard.writer",
        "SummaryWriter",
        "add_scalar",
        _one,
        _folder,
    ),
    Logger(
        "TensorBoard",
        "torch.utils.tensorboard.writer",
        "SummaryWriter",
        "add_scalars",
        _several,
        _folder,
    ),
    Logger("TensorBoard", "tensorboardX.writer", "SummaryWriter", "add_scalar", _one, _folder),
    Logger("TensorBoard", "tensorboardX.writer", "SummaryWriter", "add_scalars", _several, _folder),
    Logger("Trainer", "transformers.trainer", "Trainer", "log", _logs),
    # What all loggers of a trainer are given; then those that a script calls by itself.
    Logger(
        "Lightning", f"lightning.pytorch.{LIGHTNING}", "_LoggerConnector", "log_metrics", _metrics
    ),
    Logger(
        "Lightning", f"pytorch_lightning.{LIGHTNING}", "_LoggerConnector", "log_metrics", _metrics
    ),
    Logger("Lightning", "lightning.fabric.loggers.csv_logs", "CSVLogger", "log_metrics", _metrics),
    Logger("Lightning", "lightning_fabric.loggers.csv_logs", "CSVLogger", "log_metrics", _metrics),
    Logger("W&B", "wandb.sdk.wandb_run", "Run", "log", _data),
    # What `mlflow.log_metric` and `mlflow.log_metrics` call.
    Logger("MLflow", "mlflow.tracking.client", "MlflowClient", "log_metric", _of_run),
    Logger("MLflow", "mlflow.tracking.client", "MlflowClient", "log_batch", _batch),
)


class _Outer(threading.local):
    """What the logger was given that a thread is in: it may hand its values on to others."""

    pairs: Pairs | None = None


_outer = _Outer()


def watch() -> None:
    """Watch all loggers that the script has imported or will import, unless that is off."""
    if os.environ.get(SWITCH, "").strip() == "0":
        return
    by_module: dict[str, list[Logger]] = {}
    for logger in LOGGERS:
        by_module.setdefault(logger.module, []).append(logger)
    after_imports({name: functools.partial(_wrap, some) for name, some in by_module.items()})


def _wrap(loggers: list[Logger]) -> None:
    for logger in loggers:
        owner: Any = getattr(sys.modules[logger.module], logger.owner, None)
        if owner is not None and logger.method in vars(owner):
            setattr(owner, logger.method, _watched(vars(owner)[logger.method], logger))


def _watched(original: Callable[..., Any], logger: Logger) -> Callable[..., Any]:
    kind, values, which = logger.kind, logger.values, logger.which

    @functools.wraps(original)
    def log(self: Any, *args: Any, **kwargs: Any) -> Any:
        above = _outer.pairs
        try:
            given = _outer.pairs = list(values(*args, **kwargs))
        except Exception:  # the method itself says what is wrong with its arguments
            given = []
        try:
            result = original(self, *args, **kwargs)
        except BaseException as error:
            # The script's traceback looks as it does without this wrapper.
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next
            raise
        finally:
            _outer.pairs = above
        steps = hooks.current()
        if steps is not None:
            try:
                if above is not None:
                    given = [one for one in given if not _handed_on(one, above)]
                steps.mirror.take(kind, which(self), given)
            except Exception:
                steps.failed(f"at a value for {kind}")
        return result

    return log


def _handed_on(one: tuple[Any, Any], above: Pairs) -> bool:
    """Whether a value is one of those that the outer logger has been given, maybe renamed."""
    tag, value = one
    for outer_tag, outer in above:
        if type(tag) is type(outer_tag) is str and tag.endswith(outer_tag):
            return True
        # Equal whole numbers say nothing; a nan is the same object.
        if type(value) is not int and (value is outer or _equal(value, outer)):
            return True
    return False


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) is float and one == other
