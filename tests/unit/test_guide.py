"""The guide: every page, link and picture is there, and every finding has its page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import get_args

import pytest

from lrmonitor.diagnosis import (
    gradients,
    non_finite,
    oscillation,
    overfitting,
    spike,
    stagnation,
    stalled,
)
from lrmonitor.diagnosis.finding import Cause, Kind
from lrmonitor.guide import TOPICS, GuideError, all_pages, find_topic, page, search, topic_of
from lrmonitor.guide.pages import folder
from lrmonitor.guide.text import plain
from lrmonitor.guide.topics import CAUSES, FIRST

NAMES = [topic.name for topic in TOPICS]
MOST = 600_000
"""Bytes of all of the guide."""


def test_every_kind_and_every_cause_has_a_page() -> None:
    for kind in get_args(Kind):
        assert topic_of(kind) == kind
        assert page(kind).topic.group == "findings"
        # The word of the findings stands on it.
        assert f"*{kind}*" in page(kind).markdown
    assert set(CAUSES) == set(get_args(Cause))
    for cause in get_args(Cause):
        assert topic_of("of_somebody's_own", cause) in NAMES
        assert find_topic(cause) in NAMES
    assert topic_of("of_somebody's_own", "unheard of") == "findings"
    assert topic_of("spike", "lr_too_high") == "spike"


def test_the_topics_and_the_files_are_the_same() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert sorted(NAMES) == sorted(path.stem for path in folder().glob("*.md"))
    assert FIRST in NAMES
    assert [one.topic.name for one in all_pages()] == NAMES
    titles = [one.title for one in all_pages()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_leads_only_to_what_is_there(name: str) -> None:
    shown = page(name)
    assert shown.markdown.startswith(f"# {shown.title}\n")
    assert 60 < len(shown.text().split()) < 700
    for link in shown.links:
        assert link in NAMES or link.startswith("https://"), link
        assert link != name
    for words, file in shown.pictures:
        assert (folder() / file).is_file(), file
        assert len(words) > 10
        # Below each picture stands in words what is to be seen.
        below = shown.markdown.partition(f"]({file})")[2].lstrip("\n")
        assert re.match(r"\*[^*]+\*\n", below), file


def test_every_page_is_reached_by_links() -> None:
    reached, new = {FIRST}, [FIRST]
    while new:
        ahead = [link for link in page(new.pop()).links if link in NAMES and link not in reached]
        reached |= set(ahead)
        new += ahead
    assert reached == set(NAMES)


def test_every_picture_is_used_and_is_one() -> None:
    used = {file for one in all_pages() for _, file in one.pictures}
    assert used == {path.name for path in folder().glob("*.svg")}
    for file in used:
        root = ET.fromstring((folder() / file).read_text("utf-8"))
        assert root.tag.endswith("}svg")
        title, style = root[0], root[1]
        assert title.tag.endswith("}title")
        assert len(title.text or "") > 20
        assert style.tag.endswith("}style")
        # Nothing is fetched from anywhere, and nothing runs.
        tags = {element.tag.partition("}")[2] for element in root.iter()}
        assert tags <= {"svg", "title", "style", "path", "rect", "text", "circle"}
    assert sum(path.stat().st_size for path in folder().iterdir()) < MOST


def test_the_pages_tell_the_numbers_that_the_detectors_use() -> None:
    for name, said in {
        "non_finite": [f"after {non_finite.CLEARED_AFTER} finite losses"],
        "spike": [
            f"by {spike.SIGMA:g} times their noise",
            f"after {spike.LONG} losses",
            f"within {spike.OFTEN_ROWS}",
            f"by {spike.SHARE:.0%}".replace("%", " %"),
        ],
        "oscillation": [
            f"Over {oscillation.BLOCKS} levels",
            f"{oscillation.WANDER:g} times what the noise",
            f"{oscillation.NOISIER:g} times what it was",
        ],
        "exploding_gradient": [f"{gradients.TIMES:g} times above the largest median of eight"],
        "vanishing_updates": [f"below {gradients.TINY:.0e}".replace("e-0", "e-")],
        "plateau": [
            f"less than {stagnation.FLAT:.0%}".replace("%", " %"),
            f"Before {stagnation.UNSURE} levels",
            f"below {stagnation.LOW_RATIO:.0e}".replace("e-0", "e-"),
            f"above {stagnation.HIGH_RATIO:g}",
            f"above {stagnation.USUAL_HIGH:g}",
        ],
        "slow_progress": [
            f"{stagnation.STEADY:.0%} of what".replace("%", " %"),
            f"is {stagnation.NOT_LOW:.0e} or more".replace("e-0", "e-"),
        ],
        "near_convergence": [f"less than {stagnation.DONE:.0%} of".replace("%", " %")],
        "overfitting": ["six"] if overfitting.LEAST == 6 else [str(overfitting.LEAST)],
        "stalled": [f"{stalled.TIMES:g} times the longest of the latest {stalled.KEPT} pauses"],
    }.items():
        told = " ".join(page(name).markdown.split())
        for words in said:
            assert words in told, name


def test_what_a_person_may_call_a_topic() -> None:
    for words in ("too_high", "Too-High", " too  high ", "lr_too_high", "LR too high"):
        assert find_topic(words) == "too_high"
    assert find_topic("nothing of the kind") is None
    with pytest.raises(GuideError, match="no page 'lr'"):
        page("lr")


def test_the_search() -> None:
    assert [one.topic.name for one in search("")] == NAMES
    found = [one.topic.name for one in search("warm-up")]
    assert found[0] == "warm_up"
    assert "schedules" in found
    assert len(found) < len(NAMES)
    # All of the words, in any order; also what a finding is called.
    assert [one.topic.name for one in search("clip_grad_norm_ SCALER")] == ["exploding_gradient"]
    assert search("near convergence")[0].topic.name == "near_convergence"
    assert search("lr_no_such_word") == []


def test_a_page_as_plain_text() -> None:
    markdown = (
        "# Title\n\nSome **bold** and *soft*\nwords, `a*b*c`, [a page](warm_up.md), [warm up]"
        "(warm_up.md) and [out](https://x.org).\n\n![shown](a.svg)\n\n*Below it.*\n\n"
        "| a | bb |\n|---|---|\n| `x` | |\n| long | **y** |\n\n- one that is\n  long\n- two\n\n"
        "    code  stays\n"
    )
    assert plain(markdown, 40).split("\n\n") == [
        "Title\n=====",
        "Some bold and soft words, a*b*c, a page\n(warm_up), warm up and out\n(https://x.org).",
        "Below it.",
        "a     bb\n----  --\nx\nlong  y",
        "- one that is long\n- two",
        "    code  stays",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_markup_is_left_in_the_text(name: str) -> None:
    text = page(name).text(60)
    assert not re.search(r"\*\*|\]\(|`|\.md\b(?<!diagnosis\.md)", text)
    for line in text.splitlines():
        assert len(line) <= 60 or line.startswith("    ") or "  " in line or " " not in line
