"""The report of a run in one HTML file."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from lrmonitor.cli.main import main
from lrmonitor.model.patterns import X_PRINTED, Pattern, kept
from lrmonitor.model.printed import KEPT
from lrmonitor.model.run import RunModel
from lrmonitor.record.foreign.reader import read_log
from lrmonitor.report.html import report, write_report
from lrmonitor.report.scale import fitted, short, texts
from lrmonitor.report.svg import staircase
from tests.helpers.recorded import T0, Recorded

VOID = {"meta", "br", "hr", "img", "link", "input", "path"}


class Page(HTMLParser):
    """Checks that what opens is closed, and keeps texts and references."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.references: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.references += [str(v) for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.rows and self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def page(run: Recorded) -> Page:
    model = RunModel(run.folder)
    model.poll()
    return Page(report(model, T0 + 100))


def paths(text: str, style: str) -> list[str]:
    """The drawn lines of a class, without those of legends."""
    found = re.findall(rf'<path class="{style}" d="([^"]*)"', text)
    return [d for d in found if d != "M1 4H23"]


@pytest.fixture
def run(tmp_path: Path) -> Recorded:
    """A run whose rate was changed, with a reason that is no HTML."""
    run = Recorded(tmp_path, name="digits <b>", argv=["train.py", "--lr", "1e-3"],
                   git_commit="abc123")  # fmt: skip
    run.supervisor("started", pid=2**22 + 1, started=T0)
    run.training(steps=400)
    by = {"who": "person", "via": "window", "name": "ann"}
    args = {"mode": "hold", "value": 3e-4, "note": "<script>jumps</script>"}
    group = {"optimizer": 0, "group": 0, "scheduled": 1e-3, "previous": 1e-3, "effective": 3e-4}
    run.event("command", T0 + 10, id="a", command="lr", args=args, by=by)
    run.event("rates", T0 + 10, id="a", step=101, mode="hold", value=3e-4, groups=[group])
    run.event("acknowledgement", T0 + 10, id="a", status="applied", step=101, groups=[group])
    run.points(1, [(101, T0 + 10, 3e-4)])
    run.supervisor("exited", T0 + 50, code=0, signal=None)
    return run


def test_it_tells_of_interventions_settings_and_the_outcome(run: Recorded) -> None:
    found = page(run)
    row = next(row for row in found.rows if row[0].startswith("2023-11-1") and row[1] == "101")
    assert row[1:] == ["101", "ann (window)", "Rate: Hold 3e-4", "0.001", "3e-4", "Applied",
                       "<script>jumps</script>"]  # fmt: skip
    told = {row[0]: row[1] for row in found.rows if len(row) == 2}
    assert told["Arguments"] == "train.py --lr 1e-3"
    assert told["Git commit"] == "abc123"
    assert told["PyTorch"] == "2.13.0"
    assert told["Python"] == "3.11.7"
    texts = " ".join(found.texts)
    assert "digits <b>" in texts
    assert "The script ended after step 400 (exit code 0)." in texts
    assert "0.0025 at step 400" in texts


def test_it_says_nothing_twice(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=3)
    run.event("snapshot", T0 + 4, id=1, step=3, bytes=48_000_000, seconds=0.02, why="command")
    found = page(run)
    heads, row = (next(row for row in found.rows if row[0][:4] == at) for at in ("When", "2023"))
    # What is a snapshot by its own words is not announced as one; columns without a word are left.
    assert list(zip(heads, row, strict=True))[1:] == [
        ("Step", "3"),
        ("Who", "training"),
        ("What", "Snapshot of the state: 46 MiB"),
    ]
    assert not any("Training: step" in text for text in found.texts)


def test_the_numbers_of_an_axis_are_written_alike() -> None:
    assert texts([2e-4, 8e-4, 1e-3]) == ["2e-4", "8e-4", "1e-3"]
    assert texts([1e-6, 1e-3, 1.0]) == ["1e-6", "1e-3", "1"]
    assert texts([-0.5, 0.0, 0.5]) == ["−0.5", "0", "0.5"]


def test_it_is_one_file_that_loads_nothing(run: Recorded, tmp_path: Path) -> None:
    model = RunModel(run.folder)
    model.poll()
    path = tmp_path / "report.html"
    assert write_report(model, path, T0) == path.stat().st_size
    text = path.read_text("utf-8")
    assert Page(text).references == []
    assert "<script" not in text
    assert "url(" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "prefers-color-scheme:dark" in text
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


def test_the_rate_is_drawn_as_steps_with_the_marker_at_its_step(run: Recorded) -> None:
    model = RunModel(run.folder)
    model.poll()
    text = report(model, T0)
    (line,) = [d for d in paths(text, "c0") if d.count("L") == 3]
    corners = [tuple(map(float, p.split())) for p in re.split("[ML]", line)[1:]]
    (_, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    assert (y0, y2, x1) == (y1, y3, x2)
    assert y2 > y0
    assert x3 == pytest.approx(988)
    assert x1 == pytest.approx(70 + (101 - 1) / 399 * 918, abs=0.06)
    marks = re.findall(r'class="mark"><path d="M([\d.]+) .*?<title>(.*?)</title>', text)
    assert marks[0][0] == f"{x1:.1f}"
    assert marks[0][1].startswith("step 101: hold 3e-4: 0.001 → 3e-4")


def test_a_spike_and_a_nan_of_many_steps_are_drawn(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=0)
    count = 200_000
    points = np.empty(count, [("step", "<i8"), ("time", "<f8"), ("value", "<f8")])
    points["step"] = np.arange(1, count + 1)
    points["time"] = T0
    points["value"] = 0.5 + np.sin(points["step"]) / 10
    points["value"][123_456] = 40.0
    points["value"][50_000] = np.nan
    run.raw(0, points.tobytes())
    model = RunModel(run.folder)
    model.poll()
    text = report(model, T0)
    assert len(text) < 200_000
    raw = next(iter(paths(text, "c0 raw")))
    heights = [float(p.split()[1]) for p in re.split("[ML]", raw)[1:] if " " in p]
    assert min(heights) == pytest.approx(12 + (320 - 26 - 12) * 0.04 / 1.08, abs=0.2)
    lost = re.findall(r'class="lost"[^>]*><title>step (\d+): no finite value', text)
    assert lost == ["50001"]


def test_findings_are_told_and_shaded(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=1)
    noise = np.random.default_rng(0).standard_normal(700)
    level = [0.995 ** min(s, 400) * 1.02 ** max(s - 400, 0) for s in range(2, 702)]
    loss = [y * (1 + 0.02 * e) for y, e in zip(level, noise, strict=True)]
    run.points(0, [(s, T0 + s / 10, y) for s, y in enumerate(loss, 2)])
    by = {"who": "person", "via": "window", "name": "ann"}
    found = page(run)
    (row,) = [row for row in found.rows if row[0] in ("Warning", "Critical")]
    assert row[1].startswith("Loss diverges – learning rate too high (")
    assert 400 <= int(row[2].split()[0]) < 500
    assert row[5].startswith("Go back to before it")
    heads = next(row for row in found.rows if row[0] == "Severity")
    assert len(heads) == len(row) == 6, "nothing was followed: that column would be empty"
    model = RunModel(run.folder)
    model.poll()
    text = report(model, T0)
    assert text.count('class="shade ') == 1
    # What the person called no problem is told so, and not shaded.
    mute = {"kind": "divergence", "cause": "lr_too_high", "how": "dismiss"}
    run.client("finding_muted", T0 + 90, **mute, by=by)
    model.poll()
    text = report(model, T0)
    assert 'class="shade' not in text
    assert "not a problem, it was said" in text


def test_a_run_that_recorded_nothing_and_a_log(tmp_path: Path) -> None:
    texts = " ".join(page(Recorded(tmp_path)).texts)
    assert "Nothing was recorded." in texts
    path = tmp_path / "log.csv"
    path.write_text("step,loss,lr,val_loss,acc\n" + "".join(
        f"{n},{1 / n},0.1,{2 / n},{n / 50}\n" for n in range(1, 41)))  # fmt: skip
    model = RunModel(path, reader=read_log(path))
    model.poll()
    found = Page(report(model, T0))
    texts = " ".join(found.texts)
    assert "val_loss" in texts
    assert "None: the training was left to itself." in texts
    assert [row[1] for row in found.rows if row[0] == "Log"] == [f"CSV: {path}"]


def test_nothing_joins_what_was_rewound_or_taken_up_again(tmp_path: Path) -> None:
    run = Recorded(tmp_path)
    run.training(steps=60)
    run.event("rewound", T0 + 7, id="r", step=60, to=20, rng=False, scale=None, snapshot=1)
    run.points(0, [(step, T0 + 7 + 0.1 * step, 1.0) for step in range(61, 101)])
    model = RunModel(run.folder)
    model.poll()
    text = report(model, T0 + 100)
    assert len(paths(text, "c0 raw")) == 2
    assert text.count("loss, each step") == 1
    run.points(0, [(step, T0 + 20 + 0.1 * step, 0.9) for step in range(81, 121)])
    model.poll()
    assert len(paths(report(model, T0 + 100), "c0 raw")) == 3


def test_the_verb(run: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.html"
    assert main(["report", str(run.folder), str(path)]) == 0
    Page(path.read_text("utf-8"))
    assert main(["report", str(run.folder), str(tmp_path / "no" / "such.html")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_series_of_printed_numbers_are_whole(run: Recorded, tmp_path: Path) -> None:
    lines = "".join(f"epoch {n} acc {n / 100}\n" for n in range(1, 20_001))
    (run.folder / "console.log").write_text(lines)
    pattern = Pattern("accuracy", "epoch {x} acc {value}", X_PRINTED)
    assert pattern.problem is None
    run.client(KEPT, T0 + 1, **kept(pattern))
    path = tmp_path / "out.html"
    assert main(["report", str(run.folder), str(path)]) == 0
    text = path.read_text("utf-8")
    assert "accuracy" in text
    drawing = text.partition('aria-label="accuracy"')[2].partition("</svg>")[0]
    assert "20 000" in drawing
    assert len(paths(drawing, "c0")[0]) > 1000


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.001, "0.001"), (3e-5, "3e-5"), (12000, "12 000"), (1e6, "1e6"), (2.5, "2.5")],
)
def test_numbers_in_few_letters(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([], False), ([np.nan], False), ([5.0], False), ([0.0, 1e9], False), ([1e-4, 1.0], True),
        ([-1e308, 1e308], False), ([1e-300, 1e300], True), ([3.0, 3.0], False),
    ],
)  # fmt: skip
def test_scales_have_room_and_ticks(values: list[float], log: bool) -> None:
    scale = fitted(np.array(values), 300.0, 0.0)
    assert scale.log is log
    ticks = scale.ticks(5)
    assert 1 <= len(ticks) <= 20
    assert all(-1 <= place <= 301 for place, _ in ticks)


def test_a_staircase_keeps_each_value_until_the_next() -> None:
    x, y = staircase(np.array([1.0, 5.0]), np.array([3.0, 4.0]), 9.0)
    assert (x.tolist(), y.tolist()) == ([1, 5, 5, 9], [3, 3, 4, 4])
