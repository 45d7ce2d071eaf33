from __future__ import annotations

import pytest

from lrmonitor.model.notify import Signal


def test_subscribers_are_called_in_order_until_they_leave() -> None:
    told: list[str] = []
    signal: Signal[[int]] = Signal()
    leave = signal.subscribe(lambda n: told.append(f"a{n}"))
    signal.subscribe(lambda n: told.append(f"b{n}"))
    signal(1)
    leave()
    leave()
    signal(2)
    assert told == ["a1", "b1", "b2"]
    assert len(signal) == 1


def test_the_same_function_may_subscribe_twice() -> None:
    told: list[int] = []
    signal: Signal[[int]] = Signal()
    first = signal.subscribe(told.append)
    signal.subscribe(told.append)
    first()
    first()
    signal(1)
    assert told == [1]


def test_one_who_was_unsubscribed_meanwhile_is_not_called() -> None:
    told: list[str] = []
    signal: Signal[[]] = Signal()

    def first() -> None:
        told.append("first")
        leave()

    signal.subscribe(first)
    leave = signal.subscribe(lambda: told.append("second"))
    signal()
    assert told == ["first"]


def test_an_error_does_not_keep_the_others_from_being_called() -> None:
    told: list[int] = []
    signal: Signal[[int]] = Signal()

    def fail(number: int) -> None:
        raise ValueError(f"no {number}")

    signal.subscribe(fail)
    signal.subscribe(told.append)
    with pytest.raises(ValueError, match="no 7"):
        signal(7)
    assert told == [7]
