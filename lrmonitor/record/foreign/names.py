"""What the columns of a log are, told by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

STEP_NAMES = ("step", "global_step", "iter", "iteration", "epoch")
"""Names of the step column, the best first."""

TIME_NAMES = ("wall_time", "walltime", "timestamp", "_timestamp", "unix_time", "time")
"""Names of a column of times; it is one only if its numbers are unix seconds."""

LOSS, RATE, VALIDATION, METRIC = "loss", "lr", "validation", "metric"
ROLES = (LOSS, RATE, VALIDATION, METRIC)

_LOSSES = (
    "loss", "train_loss", "training_loss", "loss_train", "loss_training", "train_loss_step",
    "train_step_loss", "loss_step", "batch_loss", "train_batch_loss", "train_train_loss",
    "train_loss_epoch", "loss_epoch", "total_loss", "train_total_loss",
)  # fmt: skip
"""Names of the training loss, the best first."""

_RATES = re.compile(r"(train_)?(lr|learning_rate|learningrate|rate_lr)(_(?P<tail>.*))?")
_VALIDATION = re.compile(r"(^|_)(val|valid|validation|eval|evaluation|test|dev)(_|$)")


@dataclass(frozen=True)
class Roles:
    """What the columns are taken for: `loss` is the training loss, `rates` the learning rates in
    the order of their groups, `validation` the losses on other data; `metrics` all other ones."""

    loss: str | None = None
    rates: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """All columns."""
        first = () if self.loss is None else (self.loss,)
        return (*first, *self.rates, *self.validation, *self.metrics)


def plain_name(name: str) -> str:
    """A name as it is compared: lower case, with _ for what is between its words."""
    return re.sub(r"[^0-9a-z]+", "_", name.strip().lower()).strip("_")


def step_columns(names: Iterable[str]) -> list[str]:
    """The columns that bear a step's name, the best first."""
    found = []
    listed = list(names)
    for wanted in STEP_NAMES:
        found += [name for name in listed if plain_name(name) in (wanted, f"trainer_{wanted}")]
    return found


def time_columns(names: Iterable[str]) -> list[str]:
    """The columns that bear the name of a time, the best first."""
    listed = list(names)
    return [name for wanted in TIME_NAMES for name in listed if name.strip().lower() == wanted]


def roles(names: Iterable[str]) -> Roles:
    """What columns of numbers are, by their names."""
    listed = list(dict.fromkeys(names))
    losses = {name: _loss_rank(name) for name in listed}
    ranked = [(place, at) for at, name in enumerate(listed) if (place := losses[name]) is not None]
    loss = listed[min(ranked)[1]] if ranked else None
    rest = [name for name in listed if name != loss]
    rates = [name for name in rest if is_rate(name)]
    validation = [name for name in rest if name not in rates and is_validation_loss(name)]
    taken = {*rates, *validation}
    metrics = [name for name in rest if name not in taken]
    # How far the training is is drawn after what it came to.
    counts = set(step_columns(metrics))
    metrics.sort(key=lambda name: name in counts)
    return Roles(loss, tuple(rates), tuple(validation), tuple(metrics))


def is_rate(name: str) -> bool:
    """Whether a column is a learning rate: `lr`, `learning_rate`, `train/lr`, `lr-Adam/pg1`."""
    return any(_RATES.fullmatch(plain) is not None for plain in _endings(name))


def is_validation_loss(name: str) -> bool:
    """Whether a column is a loss on data that was not trained on."""
    plain = plain_name(name)
    return _VALIDATION.search(plain) is not None and "loss" in plain.split("_")


def _loss_rank(name: str) -> int | None:
    if is_validation_loss(name):
        return None
    plain = plain_name(name)
    if plain in _LOSSES:
        return _LOSSES.index(plain)
    # A folder or a group before it: "run1/train/loss", "losses/loss".
    for ending in _endings(name)[1:]:
        if ending in _LOSSES:
            return len(_LOSSES) + _LOSSES.index(ending)
    return None


def _endings(name: str) -> list[str]:
    """The plain name, then without the folders before it, one by one."""
    parts = [p for p in re.split(r"[/\\.]", name) if p]
    return [plain_name("/".join(parts[at:])) for at in range(len(parts))] or [plain_name(name)]
