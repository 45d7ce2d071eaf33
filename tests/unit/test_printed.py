"""Numbers in the console that become series; the console's text itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.console import ConsoleText, ConsoleTimes, last_traceback
from lrmonitor.model.patterns import Pattern, kept
from lrmonitor.model.printed import KEPT, REMOVED, Printed
from lrmonitor.record.layout import SeriesInfo
from lrmonitor.record.reader import Series

LOSS = Pattern("loss", "epoch {x} loss {value}")


class Console:
    """A log that grows, with the times that a supervisor would write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 0

    def print(self, text: str, time: float | None = None) -> None:
        data = text.encode()
        if time is not None:
            with open(self.folder / "console.times", "a") as file:
                file.write(f"{self.size} {time:.6f}\n")
        with open(self.folder / "console.log", "ab") as log:
            log.write(data)
        self.size += len(data)


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path)


def steps_every(seconds: float, count: int) -> Series:
    """Step n done at n * seconds."""
    series = Series(SeriesInfo(0, "loss", "loss", 0))
    records = np.zeros(count, np.dtype([("step", "<i8"), ("time", "<f8"), ("value", "<f8")]))
    records["step"] = np.arange(1, count + 1)
    records["time"] = np.arange(1, count + 1) * seconds
    series.extend(records)
    return series


def followed(folder: Path, *patterns: Pattern) -> Printed:
    printed = Printed(folder)
    for at, pattern in enumerate(patterns):
        assert printed.take({"event": KEPT, "time": float(at + 1), **kept(pattern)})
    return printed


def read(
    printed: Printed, steps: Series | None = None, now: float = 1e6, over: bool = True
) -> None:
    printed.poll(steps, now, over)
    printed.poll(steps, now, over)


def points(printed: Printed, name: str = "loss") -> list[tuple[int, float]]:
    series = printed.series[name].series
    return list(zip(series.step.tolist(), series.value.tolist(), strict=True))


def test_values_stand_at_the_step_at_which_they_were_printed(console: Console) -> None:
    console.print("hello\n", 0.5)
    console.print("epoch 1 loss 0.5\n", 3.2)
    console.print("epoch 2 loss 0.25\nepoch 3 loss nan\n", 7.0)
    printed = followed(console.folder, LOSS)
    read(printed, steps_every(1.0, 10))
    found = points(printed)
    assert found[:2] == [(3, 0.5), (7, 0.25)]
    assert found[2][0] == 7
    assert np.isnan(found[2][1])


def test_a_value_waits_until_its_step_is_known(console: Console) -> None:
    printed = followed(console.folder, LOSS)
    console.print("epoch 1 loss 0.5\n", 3.2)
    read(printed, steps_every(1.0, 2), now=3.3, over=False)
    assert points(printed) == []  # step 3 may be done and not yet written
    assert printed.poll(steps_every(1.0, 4), 4.1)
    assert points(printed) == [(3, 0.5)]
    console.print("epoch 2 loss 0.4\n", 4.5)
    read(printed, steps_every(1.0, 4), now=4.6, over=False)
    assert len(points(printed)) == 1
    read(printed, steps_every(1.0, 4), now=9.0, over=False)  # no step for seconds: an evaluation
    assert points(printed) == [(3, 0.5), (4, 0.4)]


def test_a_bar_counts_once_with_its_last_state(console: Console) -> None:
    printed = followed(console.folder, LOSS)
    for i in range(5):
        console.print(f"\repoch 1 loss 0.{9 - i}", 1.0 + i)
        read(printed, steps_every(1.0, 20), over=False)
    assert points(printed) == []
    console.print("\n", 6.0)
    read(printed, steps_every(1.0, 20), over=False)
    # Left by the cursor: what stands there was last written at 5 s.
    assert points(printed) == [(5, 0.5)]


def test_a_line_that_is_rewritten_from_below_counts_as_it_stands_at_last(console: Console) -> None:
    printed = followed(console.folder, LOSS)
    console.print("epoch 1 loss 0.9\n inner\n", 1.0)
    read(printed, steps_every(1.0, 20), over=False)
    assert points(printed) == [(1, 0.9)]
    first = printed.series["loss"].series
    console.print("\x1b[2Aepoch 1 loss 0.1\n\n", 4.0)
    read(printed, steps_every(1.0, 20), over=False)
    assert points(printed) == [(4, 0.1)]
    assert printed.series["loss"].series is not first


def test_the_last_line_without_an_end_counts_when_the_run_is_over(console: Console) -> None:
    printed = followed(console.folder, LOSS)
    console.print("epoch 1 loss 0.9", 1.0)
    read(printed, steps_every(1.0, 20), over=False)
    assert points(printed) == []
    read(printed, steps_every(1.0, 20), over=True)
    assert points(printed) == [(1, 0.9)]


def test_the_x_can_be_the_printed_number_or_the_order(console: Console) -> None:
    for epoch, loss in ((5, 0.5), (6, 0.4), (1, 0.3)):
        console.print(f"epoch {epoch} loss {loss}\n", 1.0)
    template = LOSS.template
    printed = followed(
        console.folder, Pattern("epochs", template, "printed"), Pattern("order", template, "order")
    )
    read(printed, steps_every(1.0, 20))
    assert points(printed, "epochs") == [(1, 0.3), (5, 0.5), (6, 0.4)]  # began again: in its place
    assert points(printed, "order") == [(1, 0.5), (2, 0.4), (3, 0.3)]


def test_without_times_values_stand_in_their_order(console: Console) -> None:
    console.print("epoch 5 loss 0.5\nepoch 6 loss 0.4\n")
    printed = followed(console.folder, LOSS)
    read(printed, steps_every(1.0, 20))
    assert points(printed) == [(1, 0.5), (2, 0.4)]


def test_patterns_are_kept_replaced_and_removed_by_the_latest_event(console: Console) -> None:
    console.print("epoch 1 loss 0.5\nepoch 1 acc 9\n", 1.0)
    printed = Printed(console.folder)
    assert not printed.take({"event": "note", "time": 1.0, "text": "x"})
    assert printed.take({"event": KEPT, "time": 5.0, **kept(LOSS)})
    assert not printed.take({"event": KEPT, "time": 6.0, **kept(LOSS)})  # the same again
    assert not printed.take({"event": REMOVED, "time": 4.0, "name": "loss"})  # older
    other = Pattern("loss", "acc {value}")
    assert printed.take({"event": KEPT, "time": 7.0, **kept(other)})
    read(printed, steps_every(1.0, 9))
    assert points(printed) == [(1, 9.0)]
    assert printed.take({"event": REMOVED, "time": 8.0, "name": "loss"})
    assert not printed.series
    assert not printed.take({"event": KEPT, "time": 9.0, "name": "bad", "pattern": "none"})


@given(
    st.lists(
        st.sampled_from(
            ["epoch 1 loss 0.5\n", "\repoch 2 loss 0.25", "\n", "\x1b[A", "noise\n", "\x1b[2K"]
        ),
        max_size=14,
    ),
    st.lists(st.integers(1, 30), min_size=1),
)
def test_however_the_log_grows_the_series_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], sizes: list[int]
) -> None:
    data = "".join(pieces).encode()
    folder = tmp_path_factory.mktemp("grows")
    steps = steps_every(1.0, 5)
    grown = followed(folder, LOSS)
    at = index = 0
    while at < len(data):
        with open(folder / "console.log", "ab") as log:
            log.write(data[at : at + sizes[index % len(sizes)]])
        at += sizes[index % len(sizes)]
        index += 1
        grown.poll(steps, 1e6)
    read(grown, steps)
    whole = followed(folder, LOSS)
    read(whole, steps)
    assert points(grown) == points(whole)


def test_times_that_make_no_sense_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "console.times").write_text("0 1.0\nrubbish\n10 2.0\n30 4.0\n20 3.0\n5")
    times = ConsoleTimes(tmp_path)
    times.poll()
    # What was announced for 30 was lost: what came at 20 stands before it.
    assert list(times.pieces(5, 40)) == [(5, 10, 1.0), (10, 20, 2.0), (20, 40, 3.0)]
    assert list(ConsoleTimes(tmp_path).pieces(0, 3)) == [(0, 3, None)]


class TestConsoleText:
    def test_is_followed(self, console: Console) -> None:
        text = ConsoleText(console.folder)
        assert text.poll() is None
        assert text.empty
        console.print("one\ntwo")
        change = text.poll()
        assert change is not None
        assert (change.first, change.changed, change.restarted) == (0, 0, False)
        console.print(" more\n")
        change = text.poll()
        assert change is not None
        assert change.changed == 1
        assert text.texts() == ["one", "two more", ""]
        assert not text.cut

    def test_holds_the_latest_lines(self, console: Console) -> None:
        text = ConsoleText(console.folder, keep=1000)
        console.print("".join(f"{i}\n" for i in range(1090)))
        text.poll()
        assert text.terminal.first == 0
        console.print("".join(f"{i}\n" for i in range(1090, 1200)))
        change = text.poll()
        assert change is not None
        assert change.first == 201
        assert len(text.terminal.lines) == 1000
        assert text.texts()[-2] == "1199"
        assert text.cut

    def test_of_a_long_log_only_the_end_is_read(self, console: Console) -> None:
        console.print("x" * 50_000 + "\n" + "last\n" * 10)
        text = ConsoleText(console.folder, tail=60)
        text.poll()
        assert text.texts() == ["last"] * 10 + [""]
        assert text.cut

    def test_stops_at_its_budget_and_goes_on(self, console: Console) -> None:
        console.print("line\n" * 100_000)
        ticks = iter(range(1000))
        text = ConsoleText(console.folder, clock=lambda: float(next(ticks)))
        text.poll(budget=2)
        assert text.behind > 0
        while text.behind:
            text.poll(budget=2)
        assert text.texts()[-2] == "line"

    def test_begins_again_when_the_log_shrank(self, console: Console) -> None:
        console.print("old\nold\n")
        text = ConsoleText(console.folder)
        text.poll()
        (console.folder / "console.log").write_text("new\n")
        change = text.poll()
        assert change is not None
        assert change.restarted
        assert text.texts() == ["new", ""]


PLAIN_ERROR = """\
epoch 1
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    main()
ValueError: bad rate
more
"""
CHAINED = """\
Traceback (most recent call last):
  File "a.py", line 1, in f
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    f()
    ~^^
RuntimeError: CUDA out of memory
Tried to allocate 2 GiB
"""
SYNTAX = """\
  File "train.py", line 2
    def f(:
          ^
SyntaxError: invalid syntax
"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 3, in <module>
  | ExceptionGroup: several (2 sub-exceptions)
  +-+---------------- 1 ----------------
"""


@pytest.mark.parametrize(
    ("text", "start", "end", "error"),
    [
        (PLAIN_ERROR, 1, 4, "ValueError: bad rate"),
        (CHAINED, 6, 10, "RuntimeError: CUDA out of memory"),
        (SYNTAX, 0, 3, "SyntaxError: invalid syntax"),
        (" 45%|██  | 4/9" + PLAIN_ERROR[8:], 0, 3, "ValueError: bad rate"),
        (GROUP, 0, 2, "ExceptionGroup: several (2 sub-exceptions)"),
    ],
)
def test_the_last_traceback(text: str, start: int, end: int, error: str) -> None:
    found = last_traceback(text.splitlines())
    assert found is not None
    assert (found.start, found.end, found.error) == (start, end, error)


@pytest.mark.parametrize("text", ["", "fine\n", "Traceback (most recent call last):\n  File\n"])
def test_no_traceback(text: str) -> None:
    assert last_traceback(text.splitlines()) is None
