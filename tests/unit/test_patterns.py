"""Patterns for printed numbers: derived from a line, and matched against others."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.patterns import Pattern, derive, kept, number_at, restored, values

DEMO = "epoch   3  loss 0.4531  validation loss 0.2991  accuracy 91.39%"
TQDM = "Epoch 3:  45%|████▌     | 45/100 [00:01<00:01, 33.20it/s, loss=0.512, val_acc=0.9]"
TRAINER = "{'loss': 0.5124, 'grad_norm': 1.25, 'learning_rate': 5e-05, 'epoch': 1.0}"
LOG = "2026-01-02 10:11:12,345 INFO train.py:33 step 1200 | lr=1e-3 | ppl=-12.5"


def pattern_for(line: str, number: str, nth: int = 0) -> Pattern:
    start = -1
    for _ in range(nth + 1):
        start = line.index(number, start + 1)
    found = derive(line, start, start + len(number))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "number", "name", "template"),
    [
        (
            DEMO,
            "0.2991",
            "validation loss",
            "epoch {x} loss {number} validation loss {value} accuracy {number}%",
        ),
        (
            DEMO,
            "91.39",
            "accuracy",
            "epoch {x} loss {number} validation loss {number} accuracy {value}%",
        ),
        (DEMO, "0.4531", "loss", None),
        (TQDM, "0.512", "loss", "Epoch {x}:{any}loss={value}"),
        (TQDM, "0.9", "val_acc", "Epoch {x}:{any}val_acc={value}"),
        (TQDM, "33.20", "value", "Epoch {x}:{any}{value}it/s"),
        (TRAINER, "0.5124", "loss", None),
        (TRAINER, "1.25", "grad_norm", None),
        (
            LOG,
            "-12.5",
            "ppl",
            "{number}-{number}-{number} {number}:{number}:{number},{number} INFO "
            "train.py:{number} step {x} | lr={number} | ppl={value}",
        ),
        ("resnet50: top-1 76.13", "76.13", "top-1", None),
        ("loss nan", "nan", "loss", "loss {value}"),
        ("=== result === f1: 0.5", "0.5", "f1", "{any}result {any}f1: {value}"),
        ("12/30 [=====>........] - loss: 0.61", "0.61", "loss", None),
        ("0.25", "0.25", None, None),
    ],
)
def test_a_line_makes_a_pattern(
    line: str, number: str, name: str | None, template: str | None
) -> None:
    start = line.index(number)
    found = derive(line, start, start + len(number))
    if name is None:
        assert found is None  # nothing but a number: every number would match
        return
    assert found is not None
    assert found.name == name
    if template is not None:
        assert found.template == template
    match = found.find(line)
    assert match is not None
    assert line[match.start : match.end] == number


@pytest.mark.parametrize(
    ("line", "number", "other", "value", "x"),
    [
        (DEMO, "91.39", "epoch 120  loss 1e-05  validation loss nan  accuracy 100.00%", 100, 120),
        (DEMO, "0.2991", "epoch 9  loss 0.1  validation loss inf  accuracy 9.00%", math.inf, 9),
        (TQDM, "0.512", "Epoch 4: 100%|█████| 100/100 [1:00:01<?, 1.2s/it, loss=0.25]", 0.25, 4),
        (TRAINER, "0.5124", TRAINER.replace("0.5124", "3"), 3, None),
        ("loss=  0.50", "0.50", "loss=10.50", 10.5, None),
        ("step 5: -0.5", "-0.5", "step 1500: +0.25", 0.25, 1500),
        ("top 5 of 10: 3", "3", "top 5 of 10: 4e-2", 0.04, None),
    ],
)
def test_a_pattern_finds_the_number_in_other_lines(
    line: str, number: str, other: str, value: float, x: int | None
) -> None:
    found = pattern_for(line, number).find(other)
    assert found is not None
    assert found.value == value
    assert found.x == x


@pytest.mark.parametrize(
    ("line", "number", "other"),
    [
        (DEMO, "0.2991", "epoch 9  loss 0.1"),
        ("loss 0.5", "0.5", "val_loss 0.5"),
        ("loss 0.5", "0.5", "loss is nanometres"),
        ("acc: 0.5", "0.5", "acc: high"),
    ],
)
def test_other_lines_are_left_alone(line: str, number: str, other: str) -> None:
    assert pattern_for(line, number).find(other) is None


def test_a_caret_or_a_wide_selection_picks_a_number() -> None:
    text = "a 12 b 3.5"
    assert number_at(text, 3, 3) == (2, 4)
    assert number_at(text, 4, 4) == (2, 4)
    assert number_at(text, 0, 10) == (7, 10)
    assert number_at(text, 0, 1) is None
    assert number_at("resnet50 v1.5", 8, 8) is None


@pytest.mark.parametrize(
    ("template", "x", "problem"),
    [
        ("loss {value}", "step", None),
        ("loss", "step", "no {value}"),
        ("{value}", "step", "some text"),
        ("a {value} {value}", "step", "one {value} only"),
        ("a{any}b{any}c{any}d{any}e{any} {value}", "step", "at most 4 {any}"),
        ("loss {value}", "printed", "no {x}"),
        ("step {x} loss {value}", "printed", None),
        ("(a+)+$ [ {value}", "order", None),
    ],
)
def test_a_pattern_says_what_is_wrong_with_it(template: str, x: str, problem: str | None) -> None:
    found = Pattern("loss", template, x).problem
    assert (found is None) if problem is None else (found is not None and problem in found)


def test_a_pattern_is_kept_as_an_event() -> None:
    pattern = Pattern("accuracy", "epoch {x} accuracy {value}%", "printed")
    assert restored(kept(pattern)) == pattern
    assert restored({"name": "a", "pattern": "no number"}) is None
    assert restored({"name": "", "pattern": "a {value}"}) is None
    assert restored({"name": "a", "pattern": 3}) is None
    odd = restored({"name": "a", "pattern": "a {value}", "x": "time"})
    assert odd is not None
    assert odd.x == "step"


def test_values_of_many_lines() -> None:
    pattern = Pattern("loss", "loss {value}")
    found = values(pattern, ["loss 1", "none", "so loss 2.5!"])
    assert [(index, one.value) for index, one in found] == [(0, 1.0), (2, 2.5)]


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_whatever_the_line_the_pattern_finds_what_was_selected(text: str, a: int, b: int) -> None:
    text = " ".join(text.splitlines())
    start, end = sorted((min(a, len(text)), min(b, len(text))))
    found = derive(text, start, end)
    if found is None:
        return
    match = found.find(text)
    assert match is not None
    assert (match.start, match.end) == number_at(text, start, end)


@given(
    st.lists(
        st.sampled_from(["loss ", "12", "-3.5e-2", "%|██  |", " ", "epoch", ":", "{value}", "nan"]),
        max_size=14,
    ).map("".join),
    st.integers(0, 60),
)
def test_lines_that_look_like_output(text: str, at: int) -> None:
    at = min(at, len(text))
    found = derive(text, at, at)
    match = found.find(text) if found is not None else None
    assert found is None or (
        match is not None and (match.start, match.end) == number_at(text, at, at)
    )
