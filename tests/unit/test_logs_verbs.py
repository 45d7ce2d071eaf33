"""The verbs on logs of other programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrmonitor.cli import codes
from lrmonitor.cli.main import main
from lrmonitor.model.run import LOG_CONTROL, RunModel
from lrmonitor.model.state import Phase
from lrmonitor.record.foreign.reader import read_log
from tests.conftest import Isolated

LOGS = Path(__file__).parents[1] / "fixtures" / "logs"

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "run.csv"
    path.write_text("step,loss,lr,note\n1,0.5,0.1,x\n2,0.4,0.1,x\n3,oops,0.05,x\n")
    return path


def test_show(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(log), "--json"]) == codes.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "log"
    assert told["state"]["phase"] == "log"
    assert told["state"]["live"] is False
    assert told["loss"] == 0.4
    assert told["log"]["format"] == "CSV"
    assert told["log"]["left_out"] == ["note"]
    assert told["log"]["columns"]["lr"] == {"kind": "lr", "points": 3, "latest": 0.05}
    assert told["control_problem"] == LOG_CONTROL
    assert main(["show", str(LOGS / "lightning")]) == codes.DONE
    text = capsys.readouterr().out
    assert "setting  lr: 0.05" in text
    assert "column   train_loss: loss, 30 points" in text


def test_a_log_is_named_by_its_path_alone(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(log.parent)
    assert main(["show", "run.csv"]) == codes.DONE
    capsys.readouterr()
    assert main(["show", "other.csv"]) == codes.NO_RUN
    assert "no run 'other.csv'" in capsys.readouterr().err


def test_export(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(log), "-", "--range", "2:"]) == codes.DONE
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["step", "time", "loss", "lr"]
    assert [[row[0], *row[2:]] for row in rows[1:]] == [["2", "0.4", "0.1"], ["3", "", "0.05"]]
    folder = log.parent / "board"
    assert main(["export", str(log), str(folder), "--format", "tensorboard"]) == codes.DONE
    assert "5 points written" in capsys.readouterr().err
    assert main(["show", str(folder)]) == codes.DONE
    capsys.readouterr()
    assert main(["export", str(log), str(folder), "--format", "tensorboard"]) == codes.FAILED
    assert main(["export", str(log), "-", "--format", "tensorboard"]) == codes.USAGE
    assert main(["export", str(log), "-", "--range", "9:1"]) == codes.USAGE
    assert "begins after its end" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["note", "RUN", "hello"], ["lr", "RUN", "hold", "1e-3"],
                                   ["stop", "RUN"], ["pause", "RUN"]])  # fmt: skip
def test_what_changes_a_run_is_refused(
    log: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(log.parent.iterdir())
    assert main([str(log) if word == "RUN" else word for word in words]) == codes.NO_RUN
    assert "is a log of another program: it is only read" in capsys.readouterr().err
    assert sorted(log.parent.iterdir()) == before


def test_what_is_neither_says_what_was_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(tmp_path)]) == codes.NO_RUN
    assert "neither a run nor a log that is understood" in capsys.readouterr().err


def test_the_state_of_a_log(log: Path, isolated: Isolated) -> None:
    changed = log.stat().st_mtime
    now = changed

    def clock() -> float:
        return now

    model = RunModel(log, clock, reader=read_log(log, clock=clock))
    model.poll()
    assert (model.state.phase, model.state.label) == (Phase.LOG, "log – still growing")
    assert not model.state.phase.over
    now = changed + 29
    model.poll()
    assert model.state.label == "log – still growing"
    now = changed + 300
    model.poll()
    assert model.state.label == "log – no change for 5 min"
    log.unlink()
    model.poll()
    assert model.state.label == "log – gone"
    assert "Lost" not in model.state.sentence
    assert [e.text for e in model.journal][-1].startswith("Left out")


def test_a_log_that_is_read_in_parts_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text("step,loss\n" + "".join(f"{n},{n / 7}\n" for n in range(40_000)))
    model = RunModel(path, reader=read_log(path, budget=0.0))
    model.poll()
    assert model.state.label == "log – being read"
    while model.reader.info["reading"]:
        model.poll()
    model.poll()
    assert model.state.label == "log – still growing"
    assert model.state.step == 39_999
