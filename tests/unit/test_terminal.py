"""The terminal of the console: what rewrites what, which colours, and that chunks do not matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.model.terminal import PLAIN, REACH, WIDTH, Style, Terminal


def shown(data: bytes | str) -> list[str]:
    terminal = Terminal()
    terminal.feed(data.encode() if isinstance(data, str) else data)
    return [line.text.rstrip() for line in terminal.lines]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ("one\ntwo", ["one", "two"]),
        ("one\r\ntwo\r\n", ["one", "two", ""]),
        ("50%\r100%", ["100%"]),
        ("100%\r50%", ["50%%"]),  # what was there and is not written over stays
        ("abc\b\bX", ["aXc"]),
        ("a\tb", ["a       b"]),
        ("long text\r\x1b[Kshort", ["short"]),
        ("long text\x1b[5D\x1b[1K", ["     text"]),
        ("gone\x1b[2K\rback", ["back"]),
        ("a\x1b[4Gb", ["a  b"]),
        ("a\x1b[2Cb", ["a  b"]),
        ("outer 0\n inner 0\x1b[A\router 1\n inner 1\x1b[A\r", ["outer 1", " inner 1"]),
        ("top\nold\nold\x1b[1A\r\x1b[Jnew", ["top", "new", ""]),
        ("\x1b[?25lbar\x1b[?25h", ["bar"]),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", ["alink"]),
        ("\x1b(Bplain\x1b=\x1b>", ["plain"]),
        ("\x07\x00\x7fquiet\x9b", ["quiet"]),
        ("\x1b]never ended\nnext", ["", "next"]),
        ("\x1b[99999999999999A fine", [" fine"]),
    ],
)
def test_what_rewrites_what(data: str, lines: list[str]) -> None:
    assert shown(data) == lines


def test_characters_split_between_reads_are_whole() -> None:
    data = "Verlust ██▌ 0,5 μ\n".encode()
    terminal = Terminal()
    for byte in data:
        terminal.feed(bytes([byte]))
    assert terminal.lines[0].text == "Verlust ██▌ 0,5 μ"
    assert shown(b"bad \xff\xfe byte") == ["bad \ufffd\ufffd byte"]


def test_a_line_without_an_end_is_continued_on_the_next() -> None:
    lines = shown("x" * (2 * WIDTH + 3))
    assert [len(line) for line in lines] == [WIDTH, WIDTH, 3]


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("31", Style(foreground=1)),
        ("1;92", Style(foreground=10, bold=True)),
        ("44;7", Style(background=4, inverse=True)),
        ("38;5;9", Style(foreground=9)),
        ("38;5;196", Style(foreground="#ff0000")),
        ("38;5;244;3", Style(foreground="#808080", italic=True)),
        ("48;2;1;2;255", Style(background="#0102ff")),
        ("38:2::10:20:30", Style(foreground="#0a141e")),
        ("38:5:21", Style(foreground="#0000ff")),
        ("31;39;4;24", PLAIN),
        ("1;2;22", PLAIN),
        ("38;5", PLAIN),
        ("31;0", PLAIN),
        ("31;", PLAIN),
        ("4:0", PLAIN),
    ],
)
def test_colours(codes: str, style: Style) -> None:
    terminal = Terminal()
    terminal.feed(f"\x1b[{codes}mword\x1b[0m plain".encode())
    line = terminal.lines[0]
    assert line.text == "word plain"
    assert line.runs() == ([] if style == PLAIN else [(0, 4, style)])


def test_what_is_written_over_takes_the_new_colour() -> None:
    terminal = Terminal()
    terminal.feed(b"\x1b[31mred bar\x1b[0m\rnew")
    assert terminal.lines[0].text == "new bar"
    assert terminal.lines[0].runs() == [(3, 4, Style(foreground=1))]


def test_the_oldest_lines_are_dropped_but_not_those_within_reach() -> None:
    terminal = Terminal()
    terminal.feed("".join(f"{i}\n" for i in range(1000)).encode())
    assert terminal.trim(500) == 501
    assert (terminal.first, terminal.end) == (501, 1001)
    assert terminal.line(500) is None
    kept = terminal.line(501)
    assert kept is not None
    assert kept.text == "501"
    terminal.trim(1)
    assert len(terminal.lines) == REACH + 1
    terminal.feed(b"\x1b[9999Atop")
    assert terminal.row == terminal.end - REACH


def test_it_says_from_where_lines_changed() -> None:
    terminal = Terminal()
    terminal.feed(b"a\nb\nc")
    assert terminal.take_changed() == 0
    assert terminal.take_changed() is None
    terminal.feed(b"d")
    assert terminal.take_changed() == 2
    terminal.feed(b"\x1b[A!")
    assert terminal.take_changed() == 1
    terminal.feed(b"\n\n")
    assert terminal.take_changed() == 3


def test_a_line_knows_when_it_was_last_written() -> None:
    terminal = Terminal()
    terminal.feed(b"bar 1", 10.0)
    terminal.feed(b"\rbar 2", 11.0)
    terminal.feed(b"\nnext", 12.0)
    assert [line.time for line in terminal.lines] == [11.0, 12.0]


PIECES = st.sampled_from(
    [
        "text",
        "ü█",
        "\n",
        "\r",
        "\r\n",
        "\b",
        "\t",
        "\x1b[A",
        "\x1b[2A",
        "\x1b[B",
        "\x1b[K",
        "\x1b[1K",
        "\x1b[J",
        "\x1b[31m",
        "\x1b[38;2;1;2;3m",
        "\x1b[0m",
        "\x1b[9G",
        "\x1b]0;a title\x07",
        "\x1b]8;;x\x1b\\",
        "\x1b]broken\x1b[A",
        "\x1b]broken\n",
        "\x1b",
        "\x1b[",
        "\x1b[12",
        "\x1b(",
        "\x1b[1 q",
        "\x9b",
        "\x00",
        "]" + "y" * 5000,
    ]
)


@given(
    st.lists(st.one_of(PIECES.map(str.encode), st.binary(max_size=6)), max_size=30).map(b"".join),
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_any_chunking_gives_the_same_lines(data: bytes, sizes: list[int]) -> None:
    whole = Terminal()
    whole.feed(data)
    whole.feed(b"", final=True)
    chunked = Terminal()
    at = index = 0
    while at < len(data):
        size = sizes[index % len(sizes)]
        chunked.feed(data[at : at + size])
        at += size
        index += 1
    chunked.feed(b"", final=True)
    assert [(x.text, x.runs()) for x in chunked.lines] == [(x.text, x.runs()) for x in whole.lines]
    assert (chunked.row, chunked.column) == (whole.row, whole.column)
