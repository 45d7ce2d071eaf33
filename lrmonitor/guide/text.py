"""A page as plain text: what the guide's Markdown uses, and nothing more of that language.

That is: headings, paragraphs, lists of one depth, tables, code by indentation, pictures that stand
alone, emphasis, code words and links.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

__all__ = ["plain"]

_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
_EMPHASIS = re.compile(r"(?<!\w)(\*\*|\*)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_ITEM = re.compile(r"(?:[-*]|\d+\.) ")


def plain(markdown: str, width: int = 80) -> str:
    """The text in lines of at most `width` columns (tables and code as wide as they are). Pictures
    are left out; what is written below them stays."""
    parts = []
    for block in _blocks(markdown):
        first = block[0]
        if first.startswith("#"):
            title = _words(first.lstrip("# "))
            parts.append(f"{title}\n{('=' if first.startswith('# ') else '-') * len(title)}")
        elif first.startswith("    "):
            parts.append("\n".join(block))
        elif first.startswith("|"):
            parts.append(_table(block))
        elif _PICTURE.fullmatch(first):
            continue
        else:
            parts.append("\n".join(_wrapped(item, width) for item in _items(block)))
    return "\n\n".join(parts)


def _blocks(markdown: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in markdown.splitlines():
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _items(block: list[str]) -> list[str]:
    """The items of a list, or the one paragraph."""
    items: list[str] = []
    for line in block:
        if _ITEM.match(line) or not items:
            items.append(line.strip())
        else:
            items[-1] += f" {line.strip()}"
    return items


def _wrapped(item: str, width: int) -> str:
    mark = _ITEM.match(item)
    indent = " " * len(mark.group()) if mark else ""
    return textwrap.fill(
        _words(item),
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(block: list[str]) -> str:
    rows = [
        [
            _words(cell.strip())
            for cell in line.strip().removeprefix("|").removesuffix("|").split("|")
        ]
        for line in block
    ]
    del rows[1]  # the line that makes it a table
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * wide for wide in widths), *lines[1:]])


def _words(text: str) -> str:
    """Without the signs of emphasis and code; a link is its words and, of another page, its
    name."""

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        name = target.removesuffix(".md")
        return words if words.casefold() == name.replace("_", " ") else f"{words} ({name})"

    codes: list[str] = []

    def code(found: re.Match[str]) -> str:
        codes.append(found.group(1))
        return f"\0{len(codes) - 1}\0"

    # Signs inside code words are themselves.
    text = re.sub(r"`([^`]*)`", code, text)
    text = _EMPHASIS.sub(r"\2", _LINK.sub(link, text))
    return re.sub(r"\0(\d+)\0", lambda found: codes[int(found.group(1))], text)
