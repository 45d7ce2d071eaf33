"""The variable that carries a change of the rate to a training process's first step."""

from __future__ import annotations

import pytest

from lrmonitor.link.first_rate import VARIABLE, command, multiplied, text
from lrmonitor.link.messages import Author, CommandError

ME = Author(via="launch")


def test_what_is_written_is_read() -> None:
    for mode, value in (("scale", 0.1), ("hold", 3e-4), ("scale", 1e-30)):
        found = command({VARIABLE: text(mode, value)}, ME)
        assert found is not None
        assert (found.mode, found.value, found.by, found.optimizer) == (mode, value, ME, None)
    assert command({}, ME) is None
    assert command({VARIABLE: " "}, ME) is None


@pytest.mark.parametrize(
    "told", ["junk", "scale", "scale x", "follow 1", "hold nan", "hold -1", "scale 0", "hold 1e999"]
)
def test_what_makes_no_sense_is_told(told: str) -> None:
    with pytest.raises(CommandError):
        command({VARIABLE: told}, ME)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_what_cannot_be_meant_is_not_written(value: float) -> None:
    with pytest.raises(CommandError):
        text("hold", value)


def test_factors_multiply() -> None:
    assert multiplied({"A": "b"}, 0.1) == {"A": "b", VARIABLE: "scale 0.1"}
    assert multiplied({VARIABLE: "scale 0.5"}, 0.5) == {VARIABLE: "scale 0.25"}
    assert multiplied({VARIABLE: "hold 2.0"}, 0.25) == {VARIABLE: "hold 0.5"}
    assert multiplied({VARIABLE: "junk"}, 0.5) == {VARIABLE: "scale 0.5"}
