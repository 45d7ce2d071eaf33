"""The README is what a new user follows: its commands, verbs, exit codes and links are real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lrmonitor.cli import codes
from lrmonitor.cli.main import VERBS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", ["run", "test"])
def test_each_command_is_one_line_to_paste(name: str) -> None:
    """`.ci/run` takes the test command from here."""
    blocks = re.findall(rf"<!-- {name} command -->\n```sh\n(.*?)\n```\n", README, re.DOTALL)
    assert len(blocks) == 1
    assert "\n" not in blocks[0]
    assert "-c constraints.txt" in blocks[0]


def test_every_verb_is_told_and_no_other() -> None:
    table = README.partition("## Verbs")[2].partition("\n## ")[0]
    words = {
        verb
        for row in table.splitlines()
        if row.startswith("| `")
        for verb in re.findall(r"`(?:lrmonitor )?([a-z][a-z-]*)(?: |…|`)", row.split(" | ")[0])
    }
    assert words - {"lrmonitor"} == set(VERBS)


def test_every_exit_code_is_told() -> None:
    rows = re.findall(r"^\| (\d) \| ", README, re.MULTILINE)
    expected = [codes.DONE, codes.USAGE, codes.REFUSED, codes.NO_RUN, codes.PENDING]
    assert [int(row) for row in rows] == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []
