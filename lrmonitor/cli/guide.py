"""`lrmonitor guide [TOPIC]`: the guide's pages as text."""

from __future__ import annotations

import argparse
import difflib
import shutil
from typing import TYPE_CHECKING, Any

from lrmonitor.cli import codes, common
from lrmonitor.cli.list import align

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.guide import Page

_WIDEST = 96
"""Columns beyond which lines are hard to read."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "guide",
        description="Read about learning rates and about each kind of finding: the pages of Help, "
        "Guide in the window. Without TOPIC, list the topics.",
    )
    parser.add_argument(
        "topic",
        metavar="TOPIC",
        nargs="*",
        help="a topic of the list, such as schedules; or a kind or cause of a finding",
    )
    parser.add_argument(
        "--search", metavar="WORDS", help="list the topics whose pages have all of these words"
    )
    common.add_json(parser)
    # As every verb; there is nothing about runs in the guide.
    common.add_runs(parser)
    parser.set_defaults(func=guide)


@common.verb
def guide(args: argparse.Namespace) -> int:
    """Print a page, or the list of topics."""
    from lrmonitor.guide import TOPICS, GuideError, all_pages, find_topic, page, search

    words = " ".join(args.topic)
    if words and args.search is not None:
        raise common.VerbError(codes.USAGE, "either a TOPIC or --search, not both")
    try:
        if not words:
            found = all_pages() if args.search is None else search(args.search)
            return _list(found, args.json)
        name = find_topic(words)
        if name is None:
            names = [topic.name for topic in TOPICS]
            near = difflib.get_close_matches(words.casefold().replace(" ", "_"), names, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            message = f"the guide has no topic {words!r}{hint}: see `lrmonitor guide`"
            raise common.VerbError(codes.USAGE, message)
        shown = page(name)
    except GuideError as error:
        raise common.VerbError(codes.FAILED, str(error)) from None
    width = min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)
    if args.json:
        common.print_json({**_head(shown), **_body(shown)})
    else:
        print(shown.text(width))
    return codes.DONE


def _list(found: list[Page], as_json: bool) -> int:
    if as_json:
        common.print_json({"topics": [_head(one) for one in found]})
    elif found:
        print(align([(one.topic.name, one.title) for one in found]))
    else:
        common.say("no page has all of these words")
    return codes.DONE


def _head(shown: Page) -> dict[str, Any]:
    return {"topic": shown.topic.name, "group": shown.topic.group, "title": shown.title}


def _body(shown: Page) -> dict[str, Any]:
    from lrmonitor.guide.pages import folder

    return {
        "text": shown.text(),
        "markdown": shown.markdown,
        "links": shown.links,
        "pictures": [
            {"file": str(folder() / file), "shows": words} for words, file in shown.pictures
        ],
    }
