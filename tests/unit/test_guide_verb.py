"""`lrmonitor guide`: the topics, a page, a search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrmonitor.cli import codes
from lrmonitor.cli.main import main
from lrmonitor.guide import TOPICS, page


def test_without_a_topic_it_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide"]) == codes.DONE
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [topic.name for topic in TOPICS]
    assert lines[0].endswith(page("learning_rate").title)


def test_it_prints_a_page(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["guide", "too", "high"]) == codes.DONE
    out = capsys.readouterr().out
    assert out.startswith("Signs of a rate that is too high\n======")
    assert "What to do\n----------\n" in out
    assert max(len(line) for line in out.splitlines()) <= 60
    # By the word that a finding uses for its cause.
    assert main(["guide", "lr_too_high"]) == codes.DONE
    assert capsys.readouterr().out == out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide", "--json"]) == codes.DONE
    topics = json.loads(capsys.readouterr().out)["topics"]
    assert [one["topic"] for one in topics] == [topic.name for topic in TOPICS]
    assert main(["guide", "plateau", "--json"]) == codes.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["topic"], told["group"], told["title"]) == ("plateau", "findings", "Plateau")
    assert told["markdown"].startswith("# Plateau\n")
    assert told["text"].startswith("Plateau\n=======\n")
    assert "too_low" in told["links"]
    (picture,) = told["pictures"]
    assert Path(picture["file"]).is_file()
    assert picture["shows"]


def test_search(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide", "--search", "overfitting early"]) == codes.DONE
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert "fine_tuning" in listed
    assert main(["guide", "--search", "no-such-word", "--json"]) == codes.DONE
    assert json.loads(capsys.readouterr().out) == {"topics": []}
    assert main(["guide", "--search", "no-such-word"]) == codes.DONE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no page has all of these words" in captured.err


def test_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide", "shedules"]) == codes.USAGE
    assert "did you mean schedules?" in capsys.readouterr().err
    assert main(["guide", "spike", "--search", "x"]) == codes.USAGE
    assert "not both" in capsys.readouterr().err
