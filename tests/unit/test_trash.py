"""Runs that are deleted and put back, and the verbs that keep order among runs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lrmonitor.cli.main import main
from lrmonitor.model.run import RunModel
from lrmonitor.record.catalogue import Catalogue
from lrmonitor.record.trash import Trash
from tests.conftest import Isolated
from tests.helpers.recorded import T0, Recorded

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a verb in this process: exit code, stdout, stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def ended(home: Path, id: str, name: str = "digits", **info: object) -> Recorded:
    """A run that is over."""
    run = Recorded(home, id, name=name, **info)
    run.supervisor("starting", pid=2**22 + 2)
    run.supervisor("started", pid=2**22 + 1, started=T0)
    run.training()
    run.supervisor("exited", T0 + 10, code=0, signal=None, registered=True)
    return run


def test_a_deleted_run_is_not_listed_and_comes_back_whole(isolated: Isolated) -> None:
    run = ended(isolated.runs, "one")
    before = sorted(path.relative_to(run.folder) for path in run.folder.rglob("*"))
    trash = Trash(isolated.runs)
    place = trash.put(run.folder)
    assert Catalogue(isolated.runs).runs() == []
    assert trash.runs() == [place]
    assert trash.restore(place) == run.folder
    assert sorted(path.relative_to(run.folder) for path in run.folder.rglob("*")) == before
    assert trash.runs() == []


def test_two_of_a_name_lie_beside_each_other(isolated: Isolated) -> None:
    trash = Trash(isolated.runs)
    first = trash.put(ended(isolated.runs, "one").folder)
    second = trash.put(ended(isolated.runs, "one").folder)
    assert {first.name, second.name} == {"one", "one.2"}
    trash.restore(second, "one")
    with pytest.raises(FileExistsError, match="there again"):
        trash.restore(first)
    assert trash.empty() == 1
    assert trash.runs() == []


def test_a_folder_of_another_place_is_not_taken(isolated: Isolated, tmp_path: Path) -> None:
    run = ended(tmp_path / "elsewhere", "one")
    with pytest.raises(OSError, match="is not in"):
        Trash(isolated.runs).put(run.folder)
    assert run.folder.is_dir()


def test_rename_and_tag(isolated: Isolated, cli: Cli) -> None:
    run = ended(isolated.runs, "one")
    assert cli("rename", "one", "small lr")[0] == 0
    assert cli("tag", "small lr", "good", "#paper")[0] == 0
    code, out, _ = cli("tag", "small lr", "best", "--remove", "good", "--json")
    assert code == 0
    assert json.loads(out)["tags"] == ["best", "paper"]
    model = RunModel(run.folder)
    model.poll()
    assert model.name == "small lr"
    assert model.tags == ("best", "paper")
    assert [e.text for e in model.journal if e.event == "tags"][-1].startswith("Tagged best, paper")
    assert cli("tag", "one", "--remove", "none")[0] == 3
    assert cli("tag", "one", "two words")[0] == 2
    assert cli("rename", "one", " ")[0] == 2
    assert json.loads(run.folder.joinpath("run.json").read_text())["name"] == "digits"


def test_list_by_tag_and_by_pattern(isolated: Isolated, cli: Cli) -> None:
    ended(isolated.runs, "one")
    ended(isolated.runs, "two", name="other")
    cli("tag", "one", "good")
    assert [row["id"] for row in json.loads(cli("list", "--tag", "good", "--json")[1])] == ["one"]
    assert [row["id"] for row in json.loads(cli("list", "--match", "OTH", "--json")[1])] == ["two"]
    assert cli("list", "--match", "nothing")[2].strip() == "lrmonitor: no run is like that"
    code, _, err = cli("list", "--match", "(")
    assert code == 2
    assert "--match" in err


def test_delete_and_restore(isolated: Isolated, cli: Cli) -> None:
    ended(isolated.runs, "one")
    assert cli("delete", "one")[0] == 0
    assert cli("show", "one")[0] == 4
    assert "one" in cli("restore")[1]
    assert cli("restore", "on")[0] == 0
    assert cli("show", "one")[0] == 0
    assert cli("restore", "one")[0] == 4
    cli("delete", "one")
    assert json.loads(cli("restore", "--empty", "--json")[1])["removed"] == 1
    assert cli("restore")[2].strip() == "lrmonitor: the trash is empty"


def test_a_run_that_goes_on_is_not_deleted(isolated: Isolated, cli: Cli) -> None:
    run = Recorded(isolated.runs, "one", created=time.time())
    me = psutil.Process()
    run.supervisor("starting", time.time(), pid=os.getpid())
    run.supervisor("started", time.time(), pid=os.getpid(), started=me.create_time())
    code, _, err = cli("delete", "one")
    assert code == 3
    assert "still goes on" in err
    assert run.folder.is_dir()


def test_compare(isolated: Isolated, cli: Cli) -> None:
    ended(isolated.runs, "one", argv=["train.py", "--lr", "0.1"])
    ended(isolated.runs, "two", name="other", argv=["train.py", "--lr", "0.2"])
    code, out, err = cli("compare", "one", "two")
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert ["--lr", "0.1", "0.2"] in rows
    assert ["loss", "last", "0.1", "0.1"] in rows
    assert "script" in err
    code, out, _ = cli("compare", "one", "two", "--series", "loss|lr", "--json")
    assert code == 0
    found = json.loads(out)
    assert found[0]["series"]["loss"]["min_step"] == 10
    assert set(found[0]["series"]) >= {"loss", "lr"}
    assert cli("compare", "one", "--series", "(")[0] == 2
    assert cli("compare", "one", "three")[0] == 4
