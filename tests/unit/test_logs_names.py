"""What columns are taken for, by their names."""

from __future__ import annotations

import pytest

from lrmonitor.record.foreign.names import Roles, roles, step_columns


@pytest.mark.parametrize(
    ("names", "loss"),
    [
        (["acc", "loss"], "loss"),
        (["train_loss", "loss"], "loss"),
        (["train/loss", "val/loss"], "train/loss"),
        (["Loss/train", "Loss/test"], "Loss/train"),
        (["train_loss_epoch", "train_loss_step"], "train_loss_step"),
        (["exp1/train/loss", "exp1/val/loss"], "exp1/train/loss"),
        (["losses/total_loss"], "losses/total_loss"),
        (["Training Loss"], "Training Loss"),
        (["val_loss"], None),
        (["test/loss", "eval_loss"], None),
        (["glossary", "flossing", "cost"], None),
    ],
)
def test_the_loss(names: list[str], loss: str | None) -> None:
    assert roles(names).loss == loss


@pytest.mark.parametrize(
    "name",
    ["lr", "LR", "learning_rate", "Learning Rate", "train/lr", "train/learning_rate", "lr-Adam",
     "lr-SGD/pg1", "lr_0", "run/3/lr", "train_lr"],
)  # fmt: skip
def test_learning_rates(name: str) -> None:
    assert roles([name]).rates == (name,)


@pytest.mark.parametrize("name", ["rate", "clr", "dropout_rate", "lrs2", "alr/x", "learner"])
def test_what_is_no_learning_rate(name: str) -> None:
    assert roles([name]).metrics == (name,)


@pytest.mark.parametrize(
    "name", ["val_loss", "valid/loss", "validation loss", "eval_loss", "test-loss", "Loss/val",
             "dev.loss", "val/epoch_loss"],
)  # fmt: skip
def test_validation_losses(name: str) -> None:
    assert roles(["loss", name]) == Roles("loss", (), (name,), ())


def test_all_together_and_in_order() -> None:
    found = roles(["epoch", "acc", "val_acc", "lr-b", "loss", "lr-a", "evaluation_time"])
    assert found == Roles("loss", ("lr-b", "lr-a"), (), ("acc", "val_acc", "evaluation_time",
                                                         "epoch"))  # fmt: skip
    assert found.shown == ("loss", "lr-b", "lr-a", "acc", "val_acc", "evaluation_time", "epoch")


def test_columns_of_steps() -> None:
    names = ["Epoch", "trainer/global_step", "Step", "iter", "steps"]
    assert step_columns(names) == ["Step", "trainer/global_step", "iter", "Epoch"]
