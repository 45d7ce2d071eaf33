"""The guide: short pages about learning rates, and one about each kind of finding.

The pages are Markdown files among the resources. Here is what they are called, which belongs to a
finding, and how they are read, searched and told in a terminal. Standard library only; the window
and the verb `guide` show the same.
"""

from __future__ import annotations

from lrmonitor.guide.pages import GuideError, Page, all_pages, page, search
from lrmonitor.guide.topics import TOPICS, Topic, find_topic, topic_of

__all__ = [
    "TOPICS",
    "GuideError",
    "Page",
    "Topic",
    "all_pages",
    "find_topic",
    "page",
    "search",
    "topic_of",
]
