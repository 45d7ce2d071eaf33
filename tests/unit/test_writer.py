"""The writers of a run folder, against the real reader, on real files and full disks."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from lrmonitor.record import writer as module
from lrmonitor.record.create import create_run, new_run_id
from lrmonitor.record.home import runs_home
from lrmonitor.record.jsonl import JsonlTail, JsonlWriter
from lrmonitor.record.layout import FORMAT, RECORD
from lrmonitor.record.reader import RankReader, RunReader
from lrmonitor.record.writer import RankWriter
from tests.conftest import Isolated
from tests.helpers.wait import wait_until


def make_run(home: Path, id: str | None = None) -> Path:
    """A run's folder."""
    return create_run(
        home,
        id=id,
        name="digits",
        kind="started",
        script="train.py",
        argv=["train.py", "--lr", "\udcff"],
        command=["python", "train.py"],
        cwd=str(home),
        python=sys.executable,
        env={"A": "x=y"},
    )


@pytest.fixture
def folder(isolated: Isolated) -> Path:
    return make_run(isolated.runs)


@pytest.fixture
def writer(folder: Path) -> Iterator[RankWriter]:
    made = RankWriter(folder / "ranks" / "0")
    yield made
    made.close()


def read(folder: Path) -> RankReader:
    """The rank 0 of a run as it stands on the disk."""
    reader = RunReader(folder)
    reader.poll()
    assert reader.corrupt == 0
    return reader.ranks[0]


def named(rank: RankReader, event: str) -> list[dict[str, Any]]:
    """Events of that name."""
    return [e for e in rank.events if e["event"] == event]


class TestRankWriter:
    def test_what_is_written_is_read_back(self, folder: Path, writer: RankWriter) -> None:
        writer.begin()
        writer.event("environment", rank=0, odd=[float("nan"), {"x": float("-inf")}, Path("p")])
        loss = writer.series("loss", "loss", 0)
        rate = writer.series("lr[0.1]", "lr", 0, 1, "changes")
        values = [0.1 + 0.2, float("nan"), float("inf"), -5e-324, 1e308]
        for n, value in enumerate(values, 1):
            loss.add(n, 1.7e9 + n / 7, value)
        rate.append((-(2**62), 0.0, 3e-4))
        writer.close()
        rank = read(folder)
        assert repr(rank.by_name["loss"].value.tolist()) == repr(values)
        assert rank.by_name["loss"].time.tolist() == [1.7e9 + n / 7 for n in range(1, 6)]
        assert rank.by_name["lr[0.1]"].step.tolist() == [-(2**62)]
        info = rank.by_name["lr[0.1]"].info
        assert (info.series, info.kind, info.optimizer, info.group) == (1, "lr", 0, 1)
        assert info.recorded == "changes"
        assert rank.events[0]["odd"] == ["nan", {"x": "-inf"}, "p"]

    def test_it_comes_without_being_asked_for(self, folder: Path, writer: RankWriter) -> None:
        writer.begin()
        loss = writer.series("loss", "loss", 0)
        reader = RunReader(folder)

        def steps() -> int:
            reader.poll()
            found = reader.ranks[0].by_name.get("loss") if 0 in reader.ranks else None
            return int(found.step[-1]) if found else 0

        for n in range(1, 4):
            loss.add(n, 0.0, n / 3)
            while steps() < n:
                time.sleep(0.01)

    def test_more_series_than_files_are_kept_open(self, folder: Path, writer: RankWriter) -> None:
        writer.begin()
        many = [writer.series(f"m{i}", "metric") for i in range(3 * module.OPEN_FILES)]
        before = len(os.listdir("/proc/self/fd"))
        for n in range(3):
            for one in many:
                one.add(n, 0.0, n)
            writer.flush()
            wait_until(lambda: not any(one.waiting or one.partial for one in many))
        assert len(os.listdir("/proc/self/fd")) <= before + module.OPEN_FILES + 2
        writer.close()
        rank = read(folder)
        assert all(rank.by_name[f"m{i}"].value.tolist() == [0, 1, 2] for i in range(len(many)))

    def test_many_points_from_a_busy_thread(self, folder: Path, writer: RankWriter) -> None:
        writer.begin()
        loss = writer.series("loss", "loss", 0)

        def train() -> None:
            for n in range(50_000):
                loss.append((n, 0.0, n / 3))

        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
        writer.close()
        found = read(folder).by_name["loss"]
        assert found.step.tolist() == list(range(50_000))
        assert found.value.tolist() == [n / 3 for n in range(50_000)]

    def test_a_point_that_is_none(self, folder: Path, writer: RankWriter) -> None:
        loss = writer.series("loss", "loss", 0)
        nothing: Any = None
        loss.append((1, 0.0, nothing))
        writer.begin()
        wait_until(lambda: not loss.waiting)
        for n in range(2, 50_000):  # more than are packed at once
            loss.append((n, 0.0, float(n)))
        writer.close()
        written = (folder / "ranks" / "0" / "series" / "0.f64").read_bytes()
        steps = [step for step, _, _ in RECORD.iter_unpack(written)]
        assert steps == list(range(2, 50_000))
        events = (folder / "ranks" / "0" / "events.jsonl").read_text().splitlines()
        assert sum('"probe_error"' in line for line in events) == 1

    def test_files_are_not_inherited(self, folder: Path, writer: RankWriter) -> None:
        writer.begin()
        writer.series("loss", "loss", 0).add(1, 0.0, 1.0)
        file = folder / "ranks" / "0" / "series" / "0.f64"
        wait_until(lambda: file.exists() and file.stat().st_size)
        done = subprocess.run(
            ["ls", "-l", "/proc/self/fd"], close_fds=False, capture_output=True, check=True
        )
        assert str(folder).encode() not in done.stdout

    def test_a_deleted_folder(
        self, folder: Path, writer: RankWriter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MEMORY", 100 * module.RECORD_COST)
        writer.begin()
        loss = writer.series("loss", "loss", 0)
        loss.add(0, 0.0, 1.0)
        wait_until(lambda: not loss.waiting)
        shutil.rmtree(folder)
        for n in range(1, 500):
            loss.add(n, 0.0, 1.0)
        writer.event("paused", step=1)
        wait_until(lambda: len(loss.waiting) <= 100)
        writer.close()  # within its time, and without a word
        assert not folder.exists()
        assert [point for point in loss.waiting if point[0] > 100] == []

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OSError, match="file"):
            RankWriter(tmp_path / "file" / "0")

    def test_close_twice_and_unstarted(self, folder: Path) -> None:
        made = RankWriter(folder / "ranks" / "0")
        made.close()
        made.close()


FULL_DISK = """
import json, resource, signal, sys
from pathlib import Path
from lrmonitor.record import writer as module

def say(what):
    print(json.dumps(what), flush=True)
    sys.stdin.readline()

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
module.MEMORY = 200 * module.RECORD_COST
writer = module.RankWriter(Path(sys.argv[1]))
writer.begin()
loss = writer.series("loss", "loss", 0)
for n in range(20):
    loss.add(n, 0.0, n / 3)
say("some")
limit(20 * 24 + 10)          # the next record is torn
for n in range(20, 1000):
    loss.add(n, 0.0, n / 3)
while loss.waiting:          # all of it is on its way to the disk, and stays in memory
    writer.flush()
for n in range(1000, 3000):  # more than may wait
    loss.add(n, 0.0, n / 3)
while len(loss.waiting) > 200:
    writer.flush()
for n in range(2000):
    writer.event("note", n=n)
say(len(loss.waiting))
limit(resource.RLIM_INFINITY)
loss.add(3000, 0.0, 3000 / 3)
say("free")
writer.close()
"""


def test_a_full_disk(folder: Path) -> None:
    """The limit of a file's size fails a write as a full disk does, in its middle."""
    words = [sys.executable, "-c", FULL_DISK, str(folder / "ranks" / "0")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def go_on() -> None:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()

        file = folder / "ranks" / "0" / "series" / "0.f64"
        assert json.loads(process.stdout.readline()) == "some"
        wait_until(lambda: file.exists() and file.stat().st_size == 20 * 24)
        go_on()
        json.loads(process.stdout.readline())
        assert file.stat().st_size == 20 * 24 + 10
        assert read(folder).by_name["loss"].step.tolist() == list(range(20))
        go_on()
        assert json.loads(process.stdout.readline()) == "free"
        reader = RunReader(folder)
        wait_until(
            lambda: (
                reader.poll()
                and len(found := reader.ranks[0].by_name["loss"])
                and found.step[-1] == 3000
            )
        )
        go_on()
        assert process.wait(20) == 0
    rank = read(folder)
    # Its own file, small still, told of some while the other file was full.
    told = named(rank, "lost")
    loss = rank.by_name["loss"]
    steps = loss.step.tolist()
    # One gap, and the rest is as it was: the torn record was completed.
    assert 1000 <= len(steps) <= 1201
    assert steps == [*range(len(steps) - 1), 3000]
    assert loss.value.tolist() == [n / 3 for n in steps]
    assert sum(e["records"] for e in told) == 3001 - len(steps)
    assert sum(e["bytes"] for e in told) == (3001 - len(steps)) * 24
    assert {e["events"] for e in told} == {0}
    assert {e["reason"] for e in told} == {"File too large"}
    assert all(e["since"] <= e["until"] for e in told)
    assert [e["n"] for e in named(rank, "note")] == list(range(2000))


class TestJsonLines:
    def test_torn_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        tail = JsonlTail(path)
        assert tail.poll() == []
        first = JsonlWriter(path)
        first.write({"n": 1, "text": "é\ud800", "x": float("nan")})
        first.close()
        with open(path, "ab") as file:
            file.write(b'{"n": 2, "te')  # killed within a line
        assert [e["n"] for e in tail.poll()] == [1]
        assert tail.poll() == []
        second = JsonlWriter(path)
        second.write({"n": 3})
        second.write({"n": 4})
        assert [e["n"] for e in tail.poll()] == [3, 4]
        assert tail.corrupt == 1
        second.close()

    def test_lines_that_are_no_objects(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        path.write_bytes(b'\n[1]\n{"n": 1}\n\xff\xff\n' + b"[" * 10_000 + b'\n{"n": 2}\n')
        tail = JsonlTail(path)
        assert [e["n"] for e in tail.poll()] == [1, 2]
        assert tail.corrupt == 3

    def test_a_file_that_shrinks_or_goes(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        path.write_text('{"n": 1}\n{"n": 2}\n')
        tail = JsonlTail(path)
        assert len(tail.poll()) == 2
        path.write_text('{"n": 3}\n')
        assert tail.poll() == [{"n": 3}]
        path.unlink()
        assert tail.poll() == []

    def test_whether_the_file_still_stands(self, tmp_path: Path) -> None:
        writer = JsonlWriter(tmp_path / "events.jsonl")
        assert writer.linked
        shutil.rmtree(tmp_path)
        assert not JsonlTail(tmp_path / "events.jsonl").poll()
        linked = writer.linked
        writer.close()
        assert not linked

    def test_partial_records(self, folder: Path, writer: RankWriter) -> None:
        writer.begin()
        writer.series("loss", "loss", 0).add(1, 0.0, 0.5)
        writer.close()
        with open(folder / "ranks" / "0" / "series" / "0.f64", "ab") as file:
            file.write(RECORD.pack(2, 0.0, 0.25)[:17])
        assert read(folder).by_name["loss"].value.tolist() == [0.5]


class TestCreate:
    def test_a_folder_is_whole(self, isolated: Isolated) -> None:
        folder = make_run(isolated.runs / "not" / "yet")
        assert folder.is_absolute()
        assert [path.name for path in folder.iterdir()] == ["run.json"]
        reader = RunReader(folder)
        reader.poll()
        assert reader.info["format"] == FORMAT
        assert reader.info["id"] == folder.name
        assert reader.info["env"] == {"A": "x=y"}
        assert reader.info["argv"][:2] == ["train.py", "--lr"]

    def test_ids(self, isolated: Isolated) -> None:
        ids = {new_run_id() for _ in range(100)}
        assert len(ids) > 90
        assert all(len(one) == 20 and one[8] == one[15] == "-" for one in ids)
        make_run(isolated.runs, "mine")
        with pytest.raises(FileExistsError):
            make_run(isolated.runs, "mine")

    def test_a_home_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OSError, match="file"):
            make_run(tmp_path / "file" / "runs")


class TestHome:
    @pytest.mark.parametrize("xdg", [None, "", "/somewhere/else"])
    def test_is_where_platformdirs_says(
        self, monkeypatch: pytest.MonkeyPatch, xdg: str | None
    ) -> None:
        monkeypatch.delenv("LRMONITOR_RUNS")
        if xdg is None:
            monkeypatch.delenv("XDG_DATA_HOME")
        else:
            monkeypatch.setenv("XDG_DATA_HOME", xdg)
        assert runs_home() == Path(platformdirs.user_data_dir("lrmonitor")) / "runs"

    def test_can_be_chosen(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("LRMONITOR_RUNS", str(tmp_path / "env"))
        assert runs_home() == tmp_path / "env"
        assert runs_home(tmp_path / "told") == tmp_path / "told"
        monkeypatch.chdir(tmp_path)
        assert runs_home("relative") == tmp_path / "relative"
        assert runs_home("~/runs") == Path.home() / "runs"


def test_modes(folder: Path) -> None:
    assert not stat.S_IMODE((folder / "run.json").stat().st_mode) & 0o022
