"""Recent values: newest first, each once, few."""

from __future__ import annotations

import math

from lrmonitor.model.recent import RECENT, Recent


def test_the_newest_is_first_and_each_is_there_once() -> None:
    recent = Recent()
    for value in (1e-3, 3e-4, 1e-3):
        assert recent.add(value)
    assert recent.values == (1e-3, 3e-4)
    assert not recent.add(1e-3)


def test_few_are_kept() -> None:
    recent = Recent()
    for value in range(1, 30):
        recent.add(float(value))
    assert recent.values == tuple(float(29 - i) for i in range(RECENT))


def test_what_was_kept_comes_back_and_nonsense_does_not() -> None:
    kept = [3e-4, "x", None, True, -1, 0, math.nan, math.inf, 2, 3e-4]
    assert Recent(kept).values == (3e-4, 2.0)
