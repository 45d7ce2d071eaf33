"""What a terminal would show of a script's output: lines, with their colours. Pure and streaming.

Carriage returns, backspaces and the cursor movements of progress bars rewrite what stands there;
colours become `Style`; all other escape sequences are dropped. Any chunking of the same bytes
gives the same lines. Sequences as in ECMA-48 (5th edition); colours as in xterm's ctlseqs.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from functools import lru_cache

Color = int | str
"""One of the sixteen named colours (0 to 15), which a theme chooses, or `#rrggbb`."""

WIDTH = 4096
"""Columns after which a line is continued on the next: no line grows without bound."""

REACH = 200
"""Lines above the last that the cursor can go back to: more than any terminal is high."""


@dataclass(frozen=True)
class Style:
    """How text looks. None for a colour is the ordinary one."""

    foreground: Color | None = None
    background: Color | None = None
    bold: bool = False
    faint: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False
    strike: bool = False


PLAIN = Style()


class Line:
    """One line: its text, and the style of each of its characters (None: all are plain).

    `time` is what was given to `Terminal.feed` when the line was last written to.
    """

    __slots__ = ("styles", "text", "time")

    def __init__(self, time: float | None = None) -> None:
        self.text = ""
        self.styles: list[Style] | None = None
        self.time = time

    def runs(self) -> list[tuple[int, int, Style]]:
        """(start, length, style) of each stretch that is not plain."""
        found: list[tuple[int, int, Style]] = []
        if self.styles is None:
            return found
        start = 0
        for end in range(1, len(self.styles) + 1):
            if end < len(self.styles) and self.styles[end] == self.styles[start]:
                continue
            if self.styles[start] != PLAIN:
                found.append((start, end - start, self.styles[start]))
            start = end
        return found


class Terminal:
    """Lines that grow and are rewritten as bytes are fed.

    Lines are numbered from 0 in the order of the output; `first` is the number of the oldest one
    kept, so `lines[i]` is number `first + i`. The last one is never complete. Lines are dropped
    by `trim` alone. Not thread-safe.
    """

    def __init__(self) -> None:
        self.first = 0
        self.lines: list[Line] = [Line()]
        self.row = 0
        """Number of the line that the cursor is in."""
        self.column = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._style = PLAIN
        self._changed: int | None = 0
        self._time: float | None = None

    @property
    def end(self) -> int:
        """One more than the last line's number."""
        return self.first + len(self.lines)

    def line(self, number: int) -> Line | None:
        """The line of that number, if it is kept."""
        index = number - self.first
        return self.lines[index] if 0 <= index < len(self.lines) else None

    def feed(self, data: bytes, time: float | None = None, final: bool = False) -> None:
        """Take the next bytes, which came at `time`; `final`: nothing comes after them."""
        self._time = time
        text = self._rest + self._decode(data, final)
        self._rest = ""
        if not _SPECIAL.search(text):
            self._write_plain(text)
            return
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:  # cannot be: each character begins a token
                at += 1
                continue
            if not final and _unfinished(match, text):
                self._rest = text[at:]
                return
            at = match.end()
            self._take(match)

    def take_changed(self) -> int | None:
        """The lowest number of the lines that changed since the last call; None if none did."""
        changed, self._changed = self._changed, None
        return changed

    def trim(self, keep: int) -> int:
        """Drop the oldest lines but `keep`, or those that the cursor may go back to. How many."""
        count = len(self.lines) - max(keep, REACH + 1)
        if count <= 0:
            return 0
        del self.lines[:count]
        self.first += count
        return count

    def _take(self, match: re.Match[str]) -> None:
        kind = match.lastgroup
        if kind == "text":
            self._write(match.group())
        elif kind == "control":
            self._control(match.group())
        elif kind == "final" and not match["mid"]:
            self._sequence(match["final"], match["params"])

    def _write_plain(self, text: str) -> None:
        """Text whose only control characters are line feeds."""
        start = 0
        while (feed := text.find("\n", start)) >= 0:
            if feed > start:
                self._write(text[start:feed])
            self._line_feed()
            start = feed + 1
        if start < len(text):
            self._write(text[start:])

    def _write(self, text: str) -> None:
        while len(text) > WIDTH - self.column:
            room = WIDTH - self.column
            if room > 0:
                self._put(text[:room])
                text = text[room:]
            self._line_feed()
        self._put(text)

    def _put(self, text: str) -> None:
        line = self.lines[self.row - self.first]
        old, column = line.text, self.column
        end = column + len(text)
        if column > len(old):
            old += " " * (column - len(old))
        if self._style is not PLAIN or line.styles is not None:
            styles = line.styles if line.styles is not None else [PLAIN] * len(old)
            styles += [PLAIN] * (len(old) - len(styles))
            styles[column:end] = [self._style] * len(text)
            line.styles = styles
        line.text = old[:column] + text + old[end:]
        self.column = end
        self._touch(line)

    def _touch(self, line: Line) -> None:
        line.time = self._time
        if self._changed is None or self.row < self._changed:
            self._changed = self.row

    def _line_feed(self) -> None:
        # As with a terminal's own translation, a line feed alone also returns to the margin.
        self.row += 1
        self.column = 0
        if self.row == self.end:
            self.lines.append(Line(self._time))
            if self._changed is None:
                self._changed = self.row

    def _control(self, character: str) -> None:
        if character == "\n":
            self._line_feed()
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column = max(self.column - 1, 0)
        elif character == "\t":
            self.column = min((self.column // 8 + 1) * 8, WIDTH)

    def _sequence(self, final: str, params: str) -> None:
        if final == "m":
            self._style = restyled(self._style, params)
            return
        if params[:1] in ("<", "=", ">", "?"):
            return  # a private one: showing the cursor, say
        count = max(_number(params, 1), 1)
        if final in "AF":
            self.row = max(self.row - count, self.first, self.end - REACH)
        elif final in "BE":
            self.row = min(self.row + count, self.end - 1)
        elif final == "C":
            self.column = min(self.column + count, WIDTH)
        elif final == "D":
            self.column = max(self.column - count, 0)
        elif final == "G":
            self.column = min(count - 1, WIDTH)
        elif final == "K":
            self._erase(_number(params, 0))
        elif final == "J" and _number(params, 0) == 0:
            self._erase_below()
        if final in "EF":
            self.column = 0

    def _erase(self, how: int) -> None:
        line = self.lines[self.row - self.first]
        if how == 0:
            line.text = line.text[: self.column]
        elif how == 1:
            done = min(self.column + 1, len(line.text))
            line.text = " " * done + line.text[done:]
            if line.styles is not None:
                line.styles[:done] = [PLAIN] * done
        elif how == 2:
            line.text = ""
        else:
            return
        if line.styles is not None:
            del line.styles[len(line.text) :]
        self._touch(line)

    def _erase_below(self) -> None:
        self._erase(0)
        for line in self.lines[self.row + 1 - self.first :]:
            line.text, line.styles = "", None


@lru_cache(maxsize=4096)  # a script uses few of them, but on every line
def restyled(style: Style, params: str) -> Style:
    """The style after "select graphic rendition" with these parameters."""
    todo = params.split(";")
    while todo:
        part = todo.pop(0)
        code, _, more = part.partition(":")
        number = _number(code, 0)
        if number == 0:
            style = PLAIN
        elif number in _ATTRIBUTES:
            names, on = _ATTRIBUTES[number]
            if number == 4 and more == "0":
                on = False
            style = replace(style, **dict.fromkeys(names, on))
        elif number in (38, 48):
            fields = more.split(":") if more else todo
            color = _extended(fields)
            if more and color is None and len(fields) >= 5:
                del fields[1]  # a colour space, which nobody has but the standard
                color = _extended(fields)
            if color is not None:
                if number == 38:
                    style = replace(style, foreground=color)
                else:
                    style = replace(style, background=color)
        elif number == 39:
            style = replace(style, foreground=None)
        elif number == 49:
            style = replace(style, background=None)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            style = replace(style, foreground=number - 30 if number < 90 else number - 82)
        elif 40 <= number <= 47 or 100 <= number <= 107:
            style = replace(style, background=number - 40 if number < 100 else number - 92)
    return PLAIN if style == PLAIN else style  # told from others by identity


def _extended(fields: list[str]) -> Color | None:
    """The colour after a 38 or 48; consumes its fields. None when it makes none."""
    kind = _number(fields[0], -1) if fields else -1
    if kind == 5 and len(fields) >= 2:
        number = _number(fields[1], 0)
        del fields[:2]
        return indexed(number) if number < 256 else None
    if kind == 2 and len(fields) >= 4:
        if fields[1] == "":
            return None
        values = [_number(field, 0) for field in fields[1:4]]
        del fields[:4]
        return "#{:02x}{:02x}{:02x}".format(*values) if max(values) < 256 else None
    if kind in (2, 5):
        fields.clear()
    return None


def indexed(number: int) -> Color:
    """One of xterm's 256 colours: 16 named ones, a cube of 6 x 6 x 6, 24 greys."""
    if number < 16:
        return number
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return f"#{grey:02x}{grey:02x}{grey:02x}"
    red, green, blue = (number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6
    return "#{:02x}{:02x}{:02x}".format(*(55 + 40 * c if c else 0 for c in (red, green, blue)))


_ATTRIBUTES: dict[int, tuple[tuple[str, ...], bool]] = {
    1: (("bold",), True),
    2: (("faint",), True),
    3: (("italic",), True),
    4: (("underline",), True),
    7: (("inverse",), True),
    9: (("strike",), True),
    21: (("underline",), True),
    22: (("bold", "faint"), False),
    23: (("italic",), False),
    24: (("underline",), False),
    27: (("inverse",), False),
    29: (("strike",), False),
}

_SPECIAL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")

_STRING = 4096
"""Characters that a title or link may have; what is longer was never meant as one."""

_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<params>[0-?]{0,64})(?P<mid>[ -/]{0,8})(?P<final>[@-~])"
    r"|(?P<bad>\x1b\[[0-?]{0,64}[ -/]{0,8})"
    # Titles, links, device strings: up to their end, or what breaks them off.
    rf"|(?P<string>\x1b[\]PX^_][^\x07\x1b\n]{{0,{_STRING}}}(?P<stop>\x07|\x1b\\)?)"
    r"|(?P<escape>\x1b(?P<between>[ -/]{0,8})(?P<last>[0-~])?)"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
)


def _unfinished(match: re.Match[str], text: str) -> bool:
    """Whether the token may be the beginning of a sequence whose rest has not come."""
    kind = match.lastgroup
    rest = len(text) - match.end()
    if match["bad"] is not None:
        return rest == 0
    if match["string"] is not None and match["stop"] is None:
        return rest == 0 or (rest == 1 and text[-1] == "\x1b")
    if match["escape"] is not None and match["last"] is None:
        return rest == 0
    return kind is None


def _number(text: str, default: int) -> int:
    """The first parameter; `default` for an empty or unreadable one."""
    head = text.partition(";")[0]
    return int(head) if head.isascii() and head.isdigit() and len(head) < 10 else default
