"""The command line on recorded folders: words, output, exit codes. (Live runs: tests/e2e.)"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import lrmonitor
from lrmonitor.cli.main import VERBS, main
from tests.conftest import Isolated
from tests.helpers.recorded import T0, Recorded

Cli = Callable[..., tuple[int, str, str]]
RUN = "20231114-221320-abcd"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a verb in this process: exit code, stdout, stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        for line in err.splitlines():
            assert line.startswith("lrmonitor: "), err
        return code, out, err

    return run


@pytest.fixture
def over(isolated: Isolated) -> Recorded:
    """A run that trained ten steps and ended."""
    run = Recorded(isolated.runs, RUN)
    run.supervisor("starting", pid=2**22 + 2)
    run.supervisor("started", pid=2**22 + 1, started=T0)
    run.training()
    run.supervisor("exited", T0 + 10, code=0, signal=None, registered=True)
    return run


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version") == (0, f"lrmonitor {lrmonitor.__version__}\n", "")
    code, out, _ = cli("--help")
    assert code == 0
    for verb in VERBS:
        assert f"\n  {verb} " in out


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_and_takes_runs(cli: Cli, verb: str) -> None:
    code, out, _ = cli(verb, "--help")
    assert code == 0
    assert "--runs DIR" in out
    code, again, _ = cli("--runs", "x", verb, "--help")
    assert (code, again) == (0, out)


@pytest.mark.parametrize("words", [["--version"], ["run", "--help"], ["lr", "x", "set", "abc"]])
def test_neither_numpy_nor_qt_is_loaded_in_vain(words: list[str]) -> None:
    code = (
        "import sys; from lrmonitor.cli.main import main; main(sys.argv[1:]);"
        "heavy = {'numpy', 'psutil', 'PySide6', 'torch'} & set(sys.modules);"
        "sys.exit(str(sorted(heavy)) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_list_without_runs(cli: Cli, isolated: Isolated) -> None:
    code, out, err = cli("list")
    assert (code, out) == (0, "")
    assert f"no runs in {isolated.runs}" in err
    assert cli("list", "--json") == (0, "[]\n", "")


def test_list(cli: Cli, isolated: Isolated, over: Recorded) -> None:
    broken = Recorded(isolated.runs, "20231116-000000-zzzz", created=T0 + 99)
    (broken.folder / "run.json").write_text("{")
    code, out, _ = cli("list")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["RUN", "NAME", "STARTED", "STATE", "STEP"]
    assert "broken: its run.json is damaged" in lines[1]
    assert lines[2].startswith(f"{RUN}  digits  ")
    assert lines[2].endswith("ended                            10")
    code, out, _ = cli("list", "--json")
    rows = json.loads(out)
    assert rows[1]["id"] == RUN
    assert rows[1]["state"]["phase"] == "ended"
    assert rows[1]["state"]["step"] == 10
    assert rows[0]["state"] is None
    assert "damaged" in rows[0]["problem"]


def test_list_of_another_home(cli: Cli, tmp_path: Path) -> None:
    other = Recorded(tmp_path / "other", "20230101-000000-aaaa")
    for words in (("--runs", other.folder.parent, "list"), ("list", "--runs", other.folder.parent)):
        code, out, _ = cli(*words, "--json")
        assert (code, json.loads(out)[0]["id"]) == (0, other.id)


def test_list_of_what_goes_on(cli: Cli, isolated: Isolated, over: Recorded, tmp_path: Path) -> None:
    code, out, err = cli("list", "--live")
    assert (code, out) == (0, "")
    assert "lrmonitor run SCRIPT" in err
    assert cli("list", "--live", "--json") == (0, "[]\n", "")
    me = psutil.Process()
    for home in (isolated.runs, tmp_path / "away"):
        run = Recorded(home, f"20231116-000000-{home.name[:4]}", created=time.time() - 30)
        run.supervisor("started", pid=me.pid, started=me.create_time())
        run.training(pid=me.pid)
    # Of another folder of runs: known by where its process listens, and named by its folder.
    (isolated.runtime / f"{run.id}-0.json").write_text(json.dumps({"folder": str(run.folder)}))
    code, out, _ = cli("list", "--live")
    lines = out.splitlines()
    assert lines[0].split() == ["RUN", "NAME", "COMMAND", "AGE", "STATE", "STEP", "LOSS"]
    words = [line.split() for line in lines[1:]]
    assert {line[0] for line in words} == {"20231116-000000-runs", str(run.folder)}
    assert {tuple(line[1:3]) for line in words} == {("digits", "train.py")}
    assert {tuple(line[-2:]) for line in words} == {("10", "0.1")}
    code, out, _ = cli("list", "--live", "--json")
    rows = json.loads(out)
    assert {row["folder"] for row in rows} == {
        str(run.folder), str(isolated.runs / "20231116-000000-runs")
    }  # fmt: skip
    assert {row["state"]["live"] for row in rows} == {True}


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"kind": "started"}, "called lrmonitor.start() itself"),
        ({}, "the folder /somewhere that it worked in is gone"),
    ],
)
def test_what_cannot_be_run_again(
    cli: Cli, isolated: Isolated, info: dict[str, Any], said: str
) -> None:
    run = Recorded(isolated.runs, RUN, **info)
    code, out, err = cli("rerun", "latest", "--detach", "--name", "x", "--", "--lr", "1")
    assert (code, out) == (3, "")
    assert err.startswith(f"lrmonitor: {run.id} cannot be run again: ")
    assert said in err


def test_rerun_of_what_is_not_there(cli: Cli) -> None:
    assert cli("rerun", "nothing", "--detach")[0] == 4
    assert cli("rerun", "a", "b", "--detach")[0] == 2


def test_show(cli: Cli, over: Recorded) -> None:
    code, out, err = cli("show", "latest")
    assert (code, err) == (0, "")
    for part in (RUN, "ended: The script ended after step 10 (exit code 0).", "0 AdamW", "0.001"):
        assert part in out
    code, out, _ = cli("show", RUN[:10], "--json")
    told = json.loads(out)
    assert told["state"]["code"] == 0
    assert told["loss"] == 0.1
    (optimizer,) = told["optimizers"]
    assert optimizer["groups"] == [
        {
            "group": 0,
            "effective": 0.001,
            "scheduled": 0.001,
            "override": {"kind": "none", "value": None, "text": "script's schedule"},
        }
    ]
    assert told["events"][-1]["text"] == "Exited with code 0"
    code, out, _ = cli("show", "latest", "--events", "0", "--json")
    assert json.loads(out)["events"] == []


def test_show_what_is_not_finite(cli: Cli, over: Recorded) -> None:
    over.points(0, [(11, T0, float("nan"))])
    _, out, _ = cli("show", "latest", "--json")
    assert json.loads(out)["loss"] == "nan"
    _, out, _ = cli("show", "latest")
    assert "nan" in out


def test_show_what_a_live_run_uses(cli: Cli, isolated: Isolated) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as child:
        run, now = Recorded(isolated.runs, RUN), time.time()
        run.supervisor("starting", now, pid=os.getpid())
        run.supervisor(
            "started", now, pid=child.pid, started=psutil.Process(child.pid).create_time()
        )
        usage = json.loads(cli("show", RUN, "--json")[1])["usage"]
        assert usage["processes"] == 1
        assert usage["resident_bytes"] > 1 << 20
        assert 0 <= usage["cores"] < 1
        assert isinstance(usage["gpus"], list)
        assert " MiB in 1 process\n" in cli("show", RUN)[1]
        run.training(pid=child.pid)
        run.points(0, [(11, time.time() - 5, 0.5)])
        assert re.search(r"\nstep .*11, .*the last one [5-9](\.\d)? s ago\n", cli("show", RUN)[1])
        assert time.time() - json.loads(cli("show", RUN, "--json")[1])["step_time"] >= 5
        child.communicate()
    run.supervisor("exited", time.time(), code=0, signal=None, registered=False)
    assert json.loads(cli("show", RUN, "--json")[1])["usage"] is None


@pytest.mark.parametrize(
    "words",
    [
        ["show", "nonsense"],
        ["lr", "nonsense", "hold", "0.1"],
        ["schedule", "nonsense", "constant"],
        ["pause", "nonsense"],
        ["resume", "nonsense"],
        ["step", "nonsense"],
        ["cancel", "nonsense"],
        ["stop", "nonsense"],
        ["note", "nonsense", "text"],
        ["export", "nonsense", "x.csv"],
        ["nonsense"],
    ],
)
def test_no_such_run(cli: Cli, over: Recorded, words: list[str]) -> None:
    code, out, err = cli(*words)
    assert (code, out) == (4, "")
    assert "no run 'nonsense'" in err


@pytest.mark.parametrize(
    "words",
    [
        ["lr", RUN, "hold", "0.1"],
        ["schedule", RUN, "constant"],
        ["pause", RUN],
        ["cancel", RUN],
        ["stop", RUN, "--kill"],
    ],
)
def test_a_run_that_is_over(cli: Cli, over: Recorded, words: list[str]) -> None:
    code, out, err = cli(*words)
    assert (code, out) == (4, "")
    assert f"run {RUN} is over: The script ended after step 10" in err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["set", "abc"], "abc"),
        (["set", "nan"], "nan"),
        (["set", "1e999"], "1e999"),
        (["set", "inf"], "inf"),
        (["set", "-1"], "-1"),
        (["hold", "-1e-3"], "-1e-3"),
        (["hold", "-inf"], "-inf"),
        (["scale", "-.5"], "-.5"),
        (["set", "0"], "freeze"),
        (["hold", "0.0"], "freeze"),
        (["set"], "needs a rate"),
        (["scale"], "needs a factor"),
        (["freeze", "0.1"], "takes no value"),
        (["follow", "0.1"], "takes no value"),
        (["bend", "0.1"], "MODE"),
        (["set", "0.1", "--optimizer", "x"], "'x'"),
        (["set", "0.1", "--optimizer", "-1"], "'-1'"),
        (["set", "0.1", "--group", "1.5"], "'1.5'"),
        (["set", "0.1", "--timeout", "nan"], "seconds"),
        (["set", "0.1", "--timeout", "-1"], "seconds"),
        (["set", "0.1", "--optimizer", "all", "--group", "1"], "one optimizer"),
        (["set", "0.1", "0.2"], "0.2"),
        (["set", "0.1", "--unknown"], "--unknown"),
        (["set", "0.1", "--ramp", "-1"], "'-1'"),
        (["set", "0.1", "--ramp", "1e3"], "'1e3'"),
        (["scale", "0.1", "--same"], "is for set, hold and plan"),
        ([], "MODE"),
    ],
)
def test_usage_of_lr(cli: Cli, over: Recorded, words: list[str], part: str) -> None:
    code, out, err = cli("lr", RUN, *words)
    assert (code, out) == (2, "")
    assert part in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "KIND"),
        (["spiral"], "KIND"),
        (["cosine"], "cosine needs end"),
        (["cosine", "--param", "end=1e-5"], "cosine needs length"),
        (["cosine", "--param", "end"], "NAME=VALUE"),
        (["cosine", "--param", "end=x", "--length", "5"], "end must be a number"),
        (["cosine", "--param", "end=1", "--param", "end=2"], "--param end is given twice"),
        (["cosine", "--param", "end=1", "--param", "gamma=2"], "'gamma' is no parameter"),
        (["cosine", "--param", "end=1", "--length", "0"], "length must be a number of steps"),
        (["cosine", "--param", "end=1", "--length", "-5"], "is no length"),
        (["cosine", "--param", "end=1", "--length", "soon"], "'soon' is no length"),
        (["cosine", "--param", "end=1", "--length", "rest"], "how long this run will be"),
        (["cosine", "--param", "end=1", "--length", "3epochs"], "how many steps an epoch has"),
        (["cosine", "--param", "end=nan", "--length", "5"], "end must be a finite number"),
        (
            ["cosine", "--param", "end=0", "--param", "start=1", "--length", "5"],
            "choose an end above 0",
        ),
        (["constant", "--then", "follow"], "needs a length"),
        (["constant", "--then", "stop"], "--then"),
        (["constant", "--from", "-3"], "'-3'"),
        (["constant", "--from", "3", "--from-now"], "not allowed with"),
        (["constant", "--ramp", "0.5"], "'0.5'"),
        (["constant", "--same", "--group", "1"], "of all groups"),
        (["constant", "--optimizer", "all", "--group", "1"], "one optimizer"),
    ],
)
def test_usage_of_schedule(cli: Cli, over: Recorded, words: list[str], part: str) -> None:
    code, out, err = cli("schedule", RUN, *words)
    assert (code, out) == (2, "")
    assert part in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [["show"], ["lr"], ["stop", RUN, "--terminate", "--kill"], ["shwo", "latest"], ["note", RUN]],
)
def test_usage(cli: Cli, over: Recorded, words: list[str]) -> None:
    code, out, err = cli(*words)
    assert (code, out) == (2, "")
    assert "--help`" in err


def test_note(cli: Cli, over: Recorded) -> None:
    code, out, err = cli("note", "latest", "bigger", "batch?")
    assert (code, out, err) == (0, "", "lrmonitor: noted at step 10\n")
    code, out, _ = cli("note", "latest", "again", "--json")
    assert json.loads(out) == {"status": "done", "run": RUN, "step": 10, "text": "again"}
    _, out, _ = cli("show", "latest", "--json")
    texts = [e["text"] for e in json.loads(out)["events"]]
    assert [t.split(": ")[1] for t in texts[-2:]] == ["bigger batch?", "again"]
    assert "(cli)" in texts[-1]
    assert cli("note", "latest", " ")[0] == 2
    files = list((over.folder / "clients").iterdir())
    assert len(files) == 2  # one writer each


def test_export(cli: Cli, over: Recorded, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    code, out, err = cli("export", "latest", target)
    assert (code, out, err) == (0, "", f"lrmonitor: 10 rows written to {target}\n")
    code, out, err = cli("export", "latest", "-")
    assert (code, out, err) == (0, target.read_text(), "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [float(row["loss"]) for row in rows] == [1 / n for n in range(1, 11)]
    code, out, _ = cli("export", "latest", target, "--json", "--rank", "0")
    assert json.loads(out)["rows"] == 10
    code, _, err = cli("export", "latest", tmp_path)
    assert (code, "is a folder" in err) == (1, True)
    code, _, err = cli("export", "latest", target, "--rank", "3")
    assert (code, "no rank 3" in err) == (1, True)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "lrmonitor", *words]


def test_who_has_read_enough_is_not_told_more(over: Recorded) -> None:
    over.points(0, ((n, T0 + n, 0.5) for n in range(11, 60_000)))
    with subprocess.Popen(
        command("export", "latest", "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"step,time,loss,lr,scheduled[0.0]\n"
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr.read() == b""


def test_output_that_nobody_reads_at_all(over: Recorded) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        command("list"), stdout=write, stderr=subprocess.PIPE, timeout=30, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_window_on_a_run_with_a_verbs_name(
    cli: Cli, isolated: Isolated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lrmonitor window show` reaches a run named `show`; a plain word that is no verb is a RUN."""
    from lrmonitor.cli import window

    asked: list[Any] = []

    def open_window(args: Any) -> int:
        asked.append((args.run, args.runs))
        return 0

    monkeypatch.setattr(window, "open_window", open_window)
    for words in (["window", "show"], ["digits"], [], ["--runs", "here", "digits"]):
        assert cli(*words)[0] == 0
    assert asked == [("show", None), ("digits", None), (None, None), ("digits", "here")]


def test_ctrl_c_is_quiet(over: Recorded, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "strftime", interrupted)
    assert cli("show", "latest")[0] == 130
