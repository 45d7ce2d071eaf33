"""Patterns that find a number in a printed line. Pure: no Qt, no files.

A pattern is written like the line itself, with `{value}` for the number that is meant, `{x}` for
the whole number that says where it belongs, `{number}` for any number and `{any}` for any text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

X_STEP, X_PRINTED, X_ORDER = "step", "printed", "order"
"""Where the values of a series stand: at the run's step when the line was printed, at the number
printed as `{x}`, or one after the other."""

MOST_ANY = 4
"""`{any}` in a pattern: more would take long to look for."""

LONGEST = 2000
"""Characters of a line that are looked at."""


class PatternError(Exception):
    """The pattern cannot be used; the message is a sentence for the person."""


@dataclass(frozen=True)
class Found:
    """A number in a line: where it stands, what it is, and the `{x}` of its line."""

    start: int
    end: int
    value: float
    x: int | None


@dataclass(frozen=True)
class Pattern:
    """A series made of printed numbers: its name, how its lines look, and its x."""

    name: str
    template: str
    x: str = X_STEP

    def find(self, text: str) -> Found | None:
        """The first match in a line. Raises PatternError for a template that makes no sense."""
        regex, needed = self._compiled
        text = text[:LONGEST]
        if any(part not in text for part in needed):
            return None
        match = regex.search(text)
        if match is None:
            return None
        x = match.groupdict().get("x")
        start, end = match.span("value")
        return Found(start, end, _value(match["value"]), None if x is None else int(x))

    @property
    def problem(self) -> str | None:
        """Why it cannot be used, in a sentence; None when it can."""
        try:
            _ = self._compiled
        except PatternError as error:
            return str(error)
        if self.x == X_PRINTED and "{x}" not in self.template:
            return "The pattern has no {x}: put it in the place of the number that is the step."
        return None

    @cached_property
    def _compiled(self) -> tuple[re.Pattern[str], list[str]]:
        return compiled(self.template)


def kept(pattern: Pattern) -> dict[str, str]:
    """The fields of the event that keeps a pattern with its run."""
    return {"name": pattern.name, "pattern": pattern.template, "x": pattern.x}


def restored(event: Mapping[str, Any]) -> Pattern | None:
    """The pattern that an event keeps; None when it makes none."""
    name, template, x = event.get("name"), event.get("pattern"), event.get("x", X_STEP)
    if not isinstance(name, str) or not name or not isinstance(template, str):
        return None
    found = Pattern(name, template, x if x in (X_PRINTED, X_ORDER) else X_STEP)
    return found if found.problem is None else None


def compiled(template: str) -> tuple[re.Pattern[str], list[str]]:
    """The regular expression of a template, and texts that each matching line contains."""
    parts = [part for part in _PLACEHOLDER.split(" ".join(template.split())) if part]
    for name in ("{value}", "{x}"):
        if parts.count(name) > 1:
            raise PatternError(f"The pattern may have one {name} only.")
    if "{value}" not in parts:
        raise PatternError("The pattern has no {value}: put it in the place of the number.")
    if parts.count("{any}") > MOST_ANY:
        raise PatternError(f"The pattern may have at most {MOST_ANY} {{any}}.")
    if not any(part.strip() for part in parts if not _PLACEHOLDER.fullmatch(part)):
        raise PatternError(
            "The pattern needs some text beside {value}, or it would take every number."
        )
    expression = ""
    needed: list[str] = []
    for index, part in enumerate(parts):
        if _PLACEHOLDER.fullmatch(part):
            expression += _EXPRESSIONS[part]
            continue
        words = part.split()
        needed += words
        # Numbers are padded to a width: the blanks beside one may be any number, or none.
        before = r"\s*" if index and part[0] == " " else ""
        after = r"\s*" if index + 1 < len(parts) and part[-1] == " " else ""
        expression += before + r"\s+".join(re.escape(word) for word in words) + after
    first = template.strip()[:1]
    if first.isalnum() or first == "_":
        expression = r"(?<!\w)" + expression
    return re.compile(expression), needed


def number_at(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Where the number stands that a selection (or a caret: start == end) touches, or None.

    Of several the one that most of is selected.
    """
    best, most = None, -1
    for match in _NUMBER_TOKEN.finditer(text[:LONGEST]):
        overlap = min(match.end(), end) - max(match.start(), start)
        if overlap >= 0 and overlap > most:
            best, most = match.span(), overlap
    return best


def derive(text: str, start: int, end: int) -> Pattern | None:
    """A pattern for the number that a selection touches: numbers become placeholders.

    Of a progress bar only what stands before it and the number's own label are kept, since its
    other parts change their form. None when no number is touched.
    """
    place = number_at(text, start, end)
    if place is None:
        return None
    text = text[:LONGEST]
    tokens = list(_NUMBER_TOKEN.finditer(text))
    chosen = next(i for i, token in enumerate(tokens) if token.span() == place)
    labelled = _step_token(text, tokens, chosen)
    bar = _BAR.search(text)
    if bar is not None:
        head = [t for t in tokens if t.end() <= bar.start() and t is not tokens[chosen]]
        template = _templated(text[: bar.start()], head, None, labelled).strip()
        own = _own_label(text, tokens, chosen)
        inside = place[0] < bar.end()
        template = own if inside or not template else f"{template}{{any}}{own}"
    else:
        template = _templated(text, tokens, tokens[chosen], labelled).strip()
    name = suggested_name(text, place[0])
    pattern = Pattern(name, " ".join(template.split()))
    found = pattern.find(text) if pattern.problem is None else None
    if found is None or (found.start, found.end) != place:
        # The line's own form does not lead to it (more bars than can be skipped): its label does.
        pattern = Pattern(name, _own_label(text, tokens, chosen))
        found = pattern.find(text) if pattern.problem is None else None
        if found is None or (found.start, found.end) != place:
            return None
    return pattern


def suggested_name(text: str, start: int) -> str:
    """A name for the number at `start`: the words before it, "value" where there are none."""
    before = text[:start]
    tokens = list(_NUMBER_TOKEN.finditer(before))
    if tokens:
        before = before[tokens[-1].end() :]
    match = _LABEL.search(before)
    words = match.group(1).split() if match else []
    return " ".join(words[-4:]) or "value"


def values(pattern: Pattern, texts: Iterable[str]) -> list[tuple[int, Found]]:
    """(index of the line, what was found) for each line that matches."""
    found = ((index, pattern.find(text)) for index, text in enumerate(texts))
    return [(index, one) for index, one in found if one is not None]


def _templated(
    text: str,
    tokens: list[re.Match[str]],
    chosen: re.Match[str] | None,
    labelled: re.Match[str] | None,
) -> str:
    """A line with its numbers as placeholders, and the runs that draw bars as any text."""
    template, at = "", 0
    for token in tokens:
        template += _RUN.sub("{any}", text[at : token.start()])
        if token is chosen:
            template += "{value}"
        elif token is labelled:
            template += "{x}"
        else:
            template += "{number}"
        at = token.end()
    return template + _RUN.sub("{any}", text[at:])


def _own_label(text: str, tokens: list[re.Match[str]], chosen: int) -> str:
    """The number with the words before it; where there are none, with those after it."""
    token = tokens[chosen]
    begin = tokens[chosen - 1].end() if chosen else 0
    before = re.split(r"[\[|,;<({]", text[begin : token.start()])[-1]
    if chosen and not before.startswith((" ", "\t")) and before == text[begin : token.start()]:
        before = before.lstrip("%")  # the unit of the number before
    if re.search(r"[^\W\d_]", before):
        return " ".join(f"{before.strip()}{_space(before)}{{value}}".split())
    end = tokens[chosen + 1].start() if chosen + 1 < len(tokens) else len(text)
    after = re.split(r"[\]|,;>)}]", text[token.end() : end])[0]
    return f"{{value}}{after.rstrip()}"


def _space(before: str) -> str:
    return " " if before[-1:].isspace() else ""


def _step_token(text: str, tokens: list[re.Match[str]], chosen: int) -> re.Match[str] | None:
    """The whole number that is clearly named as the step, else as the epoch; None without one."""
    named: dict[str, re.Match[str]] = {}
    for index, token in enumerate(tokens):
        if index == chosen or not token.group().isdigit():
            continue
        begin = tokens[index - 1].end() if index else 0
        match = _STEP_WORD.search(text[begin : token.start()])
        if match is not None:
            kind = "epoch" if match.group(1).lower().startswith("epoch") else "step"
            named.setdefault(kind, token)
    return named.get("step") or named.get("epoch")


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # nothing the expression lets through; but never a crash
        return math.nan


_DIGITS = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_ODD = r"(?:[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)(?!\w)"
_VALUE = rf"[+-]?(?:{_DIGITS}|{_ODD})"

_EXPRESSIONS = {
    "{value}": rf"(?P<value>{_VALUE})(?!\d)",
    "{x}": r"(?P<x>\d{1,15})(?!\d)",
    "{number}": rf"(?:{_VALUE})",
    "{any}": r".*?",
}
_PLACEHOLDER = re.compile(r"(\{value\}|\{x\}|\{number\}|\{any\})")

# Digits that belong to a word (resnet50, top-1, recall@5) are no number; a sign after a word or
# a number is a dash.
_NUMBER_TOKEN = re.compile(
    r"(?:(?<![\w.)\]])[+-])?(?<![\w.])(?<![A-Za-z][@-])"
    r"(?:(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
    rf"|{_ODD})"
)
_BAR = re.compile(r"\d+%\|.*?\||\|[\u2580-\u259f ]*\|")
_RUN = re.compile(r"[\u2500-\u259f#=>*.~\-]{3,}[\u2500-\u259f#=>*.~\- ]*")
_LABEL = re.compile(r"([^\W\d][\w./@ -]*?)['\"]?\s*(?:[:=]|is)?\s*[\[(+-]?\s*$")
_STEP_WORD = re.compile(
    r"(?i)(?<![a-z])(global[_ ]?step|steps?|iter|iters|iteration|iterations|it|updates?|epochs?)"
    r"['\"]?[\s:=#\[(]*$"
)
