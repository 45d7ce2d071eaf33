"""The pages of the guide as they are read from their files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lrmonitor.guide.text import plain
from lrmonitor.guide.topics import TOPICS, Topic
from lrmonitor.resources import resource_path

__all__ = ["GuideError", "Page", "all_pages", "folder", "page", "search"]

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)]+)\)")
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


class GuideError(Exception):
    """A page is not there; the message is a sentence for the person."""


@dataclass(frozen=True)
class Page:
    """A page of the guide: its topic, its title, and its text as Markdown (the title is its first
    line)."""

    topic: Topic
    title: str
    markdown: str

    @property
    def links(self) -> list[str]:
        """Where its links lead: names of other topics, and addresses elsewhere as they stand."""
        return [target.removesuffix(".md") for target in _LINK.findall(self.markdown)]

    @property
    def pictures(self) -> list[tuple[str, str]]:
        """Its pictures: what each shows, in words, and the name of its file."""
        return [(words, file) for words, file in _PICTURE.findall(self.markdown)]

    def text(self, width: int = 80) -> str:
        """Its text for a terminal of that many columns."""
        return plain(self.markdown, width)


def folder() -> Path:
    """The folder of the guide's files. Raises GuideError where the installation is incomplete."""
    try:
        return resource_path("guide")
    except FileNotFoundError as error:
        raise GuideError(str(error)) from None


@cache
def page(name: str) -> Page:
    """The page of a topic. Raises GuideError if there is no such topic, or its file is missing."""
    topic = next((topic for topic in TOPICS if topic.name == name), None)
    if topic is None:
        raise GuideError(f"the guide has no page {name!r}")
    path = folder() / f"{name}.md"
    try:
        markdown = path.read_text("utf-8")
    except OSError as error:
        raise GuideError(f"the guide's page {name} cannot be read: {error}") from None
    title, _, _ = markdown.partition("\n")
    return Page(topic, title.lstrip("# ").strip(), markdown)


def all_pages() -> list[Page]:
    """All pages in their order. Raises GuideError."""
    return [page(topic.name) for topic in TOPICS]


def search(words: str) -> list[Page]:
    """The pages in which all of the words stand, those with the words in their title first; all of
    them for no words. Raises GuideError."""
    wanted = words.casefold().split()

    def rank(found: Page) -> int:
        title = found.title.casefold()
        name = found.topic.name.replace("_", " ")
        if all(word in title or word in name for word in wanted):
            return 0
        told = f"{found.topic.name} {found.text()}".casefold()
        return 1 if all(word in told for word in wanted) else 2

    ranked = [(rank(found), found) for found in all_pages()]
    return [found for at in (0, 1) for rank_, found in ranked if rank_ == at]
