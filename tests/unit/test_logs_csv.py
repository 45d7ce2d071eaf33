"""CSV and JSON lines of other programs: what is read of them, and what is said of the rest."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from lrmonitor.record.foreign import base
from lrmonitor.record.foreign.base import MAX_COLUMNS, NotALog
from lrmonitor.record.foreign.csvlog import CsvLog
from lrmonitor.record.foreign.jsonllog import JsonlLog
from lrmonitor.record.foreign.reader import Choice, LogReader, read_log


def columns(reader: LogReader) -> dict[str, list[tuple[int, float]]]:
    """What was read, by column."""
    return {
        s.info.name: list(zip(s.step.tolist(), s.value.tolist(), strict=True))
        for s in reader.ranks[0].series.values()
        if s.info.kind != "step"
    }


def told(reader: LogReader) -> list[str]:
    """What was said about what could not be read."""
    return [e["text"] for e in reader.ranks[0].events if e["event"] == "log_problem"]


def write(path: Path, text: str | bytes) -> Path:
    """A file that nobody has written to for a while."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def read(path: Path, text: str | bytes) -> LogReader:
    """A log that is read to its end."""
    reader = read_log(write(path, text))
    reader.poll()
    return reader


def append(path: Path, text: str) -> None:
    """As a program that still writes."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.parametrize(
    "text",
    [
        "step,loss,lr\n1,0.5,0.01\n2,0.25,0.02\n",
        "\ufeffstep,loss,lr\r\n1,0.5,0.01\r\n2,0.25,0.02\r\n",
        "step;loss;lr\n1;0,5;0,01\n2;0,25;0,02\n",
        "step;loss;lr\n1;0.5;1e-2\n2;2,5E-1;2e-2\n",
        "step\tloss\tlr\n1\t0.5\t0.01\n2\t0.25\t0.02\n",
        "# made by a program\nstep,loss,lr\n1,0.5,0.01\n\n2,0.25,0.02",
        '"step","loss","lr"\n1,"0.5",0.01\n2,0.25,"0.02"\n',
        "# step, loss, lr\n1, 0.5, 0.01\n2, 0.25, 0.02\n",
    ],
    ids=["plain", "bom", "semicolons", "points", "tabs", "comment", "quotes", "savetxt"],
)
def test_the_ways_to_write_a_table(tmp_path: Path, text: str) -> None:
    reader = read(tmp_path / "log.csv", text)
    assert columns(reader) == {"loss": [(1, 0.5), (2, 0.25)], "lr": [(1, 0.01), (2, 0.02)]}
    assert (reader.roles.loss, reader.roles.rates) == ("loss", ("lr",))
    assert told(reader) == []


def test_missing_cells_and_values_that_are_no_numbers(tmp_path: Path) -> None:
    text = "step,loss,acc,note\n1,0.5,,a\n2,,0.9,b\n3,oops,n/a,c\n4,nan,inf,d\n5,0.1,-inf,e\n"
    reader = read(tmp_path / "log.csv", text)
    found = columns(reader)
    assert [step for step, _ in found["loss"]] == [1, 4, 5]
    assert math.isnan(found["loss"][1][1])
    assert found["acc"] == [(2, 0.9), (4, math.inf), (5, -math.inf)]
    assert told(reader) == [
        "log.csv, line 4: 'oops' in column 'loss' is no number",
        "Left out, since there are no numbers in them: note",
    ]


def test_text_before_the_first_number_is_told_with_its_line(tmp_path: Path) -> None:
    reader = read(tmp_path / "log.csv", "step,loss\n1,warming up\n2,0.5\n")
    assert columns(reader) == {"loss": [(2, 0.5)]}
    assert told(reader) == ["log.csv, line 2: 'warming up' in column 'loss' is no number"]


def test_steps_that_go_back_or_repeat_are_put_in_order(tmp_path: Path) -> None:
    text = "step,loss\n1,1\n2,2\n3,3\n3,3.5\n2,2.5\n3,3.75\n4,4\n"
    reader = read(tmp_path / "log.csv", text)
    assert columns(reader)["loss"] == [
        (1, 1.0), (2, 2.0), (2, 2.5), (3, 3.0), (3, 3.5), (3, 3.75), (4, 4.0),
    ]  # fmt: skip
    assert reader.ranks[0].by_name["loss"].ascending
    assert told(reader) == ["log.csv, line 6: the steps go back, from 3 to 2"]


@pytest.mark.parametrize(
    ("header", "step"),
    [
        ("epoch,step,loss", [5, 6, 7]),
        ("epoch,global_step,loss", [5, 6, 7]),
        ("iteration,epoch,loss", [1, 1, 2]),
        ("epoch,other,loss", [1, 1, 2]),
        ("other,ticks,loss", [5, 6, 7]),
    ],
)
def test_the_column_that_counts_the_steps(tmp_path: Path, header: str, step: list[int]) -> None:
    reader = read(tmp_path / "log.csv", f"{header}\n1,5,0.5\n1,6,0.4\n2,7,0.3\n")
    assert [s for s, _ in columns(reader)["loss"]] == step


def test_without_a_column_of_steps_the_row_counts(tmp_path: Path) -> None:
    reader = read(tmp_path / "log.csv", "loss,acc\n0.5,0.1\n0.4,0.3\n0.3,0.2\n")
    assert columns(reader)["loss"] == [(1, 0.5), (2, 0.4), (3, 0.3)]


def test_a_step_that_is_none_leaves_its_row_out(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n / 10}\n" for n in range(1, 20))
    reader = read(tmp_path / "log.csv", f"step,loss\n{rows}x,5\n1e300,5\n2.5,5\n20,2\n")
    assert columns(reader)["loss"][-1] == (20, 2.0)
    assert len(columns(reader)["loss"]) == 20
    assert [t.partition(": ")[2] for t in told(reader)] == [
        "'x' is no step: the row is left out",
        "'1e300' is no step: the row is left out",
        "'2.5' is no step: the row is left out",
    ]


def test_times_of_the_log_count_and_else_those_of_the_file(tmp_path: Path) -> None:
    reader = read(tmp_path / "a.csv", "step,loss,time\n1,0.5,1600000000.5\n2,0.4,1600000001\n")
    assert reader.ranks[0].by_name["loss"].time.tolist() == [1600000000.5, 1600000001.0]
    assert reader.info["created"] == 1600000000.5
    other = read(tmp_path / "b.csv", "step,loss,time\n1,0.5,0.25\n2,0.4,0.5\n")
    assert other.ranks[0].by_name["loss"].time.tolist() == [1_700_000_000.0] * 2
    assert "created" not in other.info
    assert "time" in columns(other)


def test_rows_without_a_header(tmp_path: Path) -> None:
    reader = read(tmp_path / "log.csv", "10,0.5,0.01\n20,0.4,0.01\n30,0.3,0.01\n")
    assert columns(reader) == {
        "column 2": [(10, 0.5), (20, 0.4), (30, 0.3)],
        "column 3": [(10, 0.01), (20, 0.01), (30, 0.01)],
    }
    assert reader.roles.metrics == ("column 2", "column 3")


def test_a_header_alone_waits_for_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    reader = read(path, "step,loss\n")
    assert columns(reader) == {}
    append(path, "1,0.5\n")
    assert reader.poll()
    assert columns(reader) == {"loss": [(1, 0.5)]}


def test_a_torn_last_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,0.5\n2,0.2")
    reader = read_log(path)
    reader.poll()
    assert columns(reader)["loss"] == [(1, 0.5)]
    append(path, "5\n3")
    reader.poll()
    assert columns(reader)["loss"] == [(1, 0.5), (2, 0.25)]


def test_a_last_line_without_end_counts_when_nothing_more_comes(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    reader = read(path, "step,loss\n1,0.5\n2,0.2")
    assert columns(reader)["loss"] == [(1, 0.5), (2, 0.2)]
    append(path, "5\n3,0.1\n")  # it was torn after all
    reader.poll()
    assert columns(reader)["loss"] == [(1, 0.5), (2, 0.25), (3, 0.1)]


def test_a_log_is_followed_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    reader = read(path, "step,loss\n")
    for step in range(1, 41):
        append(path, f"{step},{1 / step}\n")
        assert reader.poll()
        assert columns(reader)["loss"][-1] == (step, 1 / step)
    assert not reader.poll()
    assert len(columns(reader)["loss"]) == 40


def test_the_choice_of_the_steps_is_made_anew_by_more_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    reader = read(path, "a,loss\n1,3\n2,2\n")
    assert columns(reader) == {"loss": [(1, 3.0), (2, 2.0)]}
    append(path, "2,1\n")  # it does not count steps
    reader.poll()
    assert columns(reader)["loss"] == [(1, 3.0), (2, 2.0), (3, 1.0)]
    assert columns(reader)["a"] == [(1, 1.0), (2, 2.0), (3, 2.0)]


def test_what_is_wrong_is_told_once_even_if_the_steps_are_chosen_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    reader = read(path, "a,loss\n1,3\n2,x\n")
    append(path, "2,1\n")
    reader.poll()
    reader.poll()
    assert told(reader) == ["log.csv, line 3: 'x' in column 'loss' is no number"]


def test_each_time_that_it_is_written_anew_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    reader = read(path, "step,loss\n1,3\n2,2\n3,1\n")
    for value in (7, 8):
        path.write_text(f"step,loss\n1,{value}\n")
        path.write_text(f"step,loss\n1,{value}\n2,{value}\n")
        reader.poll()
    assert columns(reader)["loss"] == [(1, 8.0), (2, 8.0)]
    assert len(told(reader)) == 2


@pytest.mark.parametrize("how", ["truncated", "rotated", "rewritten longer"])
def test_a_file_in_the_place_of_the_one_before_is_read_anew(tmp_path: Path, how: str) -> None:
    path = tmp_path / "log.csv"
    reader = read(path, "step,loss\n1,0.5\n2,0.25\n")
    new = "step,loss\n1,7\n"
    if how == "truncated":
        path.write_text(new)
    elif how == "rotated":
        os.replace(path, tmp_path / "log.csv.1")
        path.write_text(new + "2,8\n3,9\n")
    else:
        path.write_text("step,loss\n1,7\n2,8\n3,9\n4,10\n")
    assert reader.poll()
    assert columns(reader)["loss"][0] == (1, 7.0)
    assert told(reader) == ["log.csv: it was written anew, and is read from its start again"]


def test_a_file_that_is_gone_leaves_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    reader = read(path, "step,loss\n1,0.5\n")
    path.unlink()
    assert reader.poll()
    assert (reader.gone, columns(reader)["loss"]) == (True, [(1, 0.5)])
    path.write_text("step,loss\n1,0.5\n2,0.4\n")
    assert reader.poll()
    assert [reader.gone] == [False]
    assert columns(reader)["loss"] == [(1, 0.5), (2, 0.4)]


def test_a_million_columns_are_refused_beyond_a_limit(tmp_path: Path) -> None:
    count = 1_000_000
    header = ",".join(f"c{n}" for n in range(count))
    reader = read(tmp_path / "log.csv", f"{header}\n{','.join(['0.5'] * count)}\n")
    assert len(columns(reader)) == MAX_COLUMNS
    first, second = told(reader)
    assert "1000000 cells: the first 1024 are looked at" in first
    assert f"more than {MAX_COLUMNS} columns of numbers" in second


def test_rows_of_another_width_are_told(tmp_path: Path) -> None:
    reader = read(tmp_path / "log.csv", "step,loss\n1,0.5\n2,0.4,9\n3\n4,0.2\n")
    assert columns(reader)["loss"] == [(1, 0.5), (2, 0.4), (4, 0.2)]
    assert told(reader) == [
        "log.csv, line 3: 3 cells, where there should be 2",
        "log.csv, line 4: 1 cell, where there should be 2",
    ]


def test_a_header_that_comes_again_and_names_that_repeat(tmp_path: Path) -> None:
    text = "step,loss,loss,\n1,0.5,0.6,7\nstep,loss,loss,\n2,0.4,0.5,8\n"
    reader = read(tmp_path / "log.csv", text)
    assert columns(reader) == {
        "loss": [(1, 0.5), (2, 0.4)],
        "loss (2)": [(1, 0.6), (2, 0.5)],
        "column 4": [(1, 7.0), (2, 8.0)],
    }
    assert told(reader) == []


def test_problems_beyond_a_number_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"{n},x{n}\n" for n in range(2, 300))
    reader = read(tmp_path / "log.csv", f"step,loss\n1,0.5\n{rows}")
    assert len(told(reader)) == base.MAX_PROBLEMS + 1
    assert told(reader)[-1] == f"{298 - base.MAX_PROBLEMS} more problems of that kind"


def test_a_quoted_cell_may_hold_delimiters_and_ends_of_lines(tmp_path: Path) -> None:
    reader = read(tmp_path / "log.csv", 'step,note,loss\n1,"a, b\nc",0.5\n2,"say ""x""",0.4\n')
    assert columns(reader) == {"loss": [(1, 0.5), (2, 0.4)]}


def test_json_lines(tmp_path: Path) -> None:
    lines = [
        {"step": 1, "train": {"loss": 0.5, "lr": 0.01}, "tags": ["a"], "ok": True},
        {"step": 2, "train": {"loss": 0.4}, "val": {"loss": 0.6}, "who": "me"},
        {"step": 3, "train": {"loss": None, "lr": "0.02"}},
    ]
    reader = read(tmp_path / "log", "".join(json.dumps(line) + "\n" for line in lines))
    assert reader.log.format == "JSON lines"
    assert columns(reader) == {
        "train/loss": [(1, 0.5), (2, 0.4)],
        "train/lr": [(1, 0.01), (3, 0.02)],
        "val/loss": [(2, 0.6)],
    }
    roles = reader.roles
    assert (roles.loss, roles.rates, roles.validation) == ("train/loss", ("train/lr",),
                                                           ("val/loss",))  # fmt: skip
    assert reader.log.left_out == ["tags", "ok", "who"]


def test_json_lines_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    text = '{"step": 1, "loss": 0.5}\nnot json\n[1, 2]\n{"step": 2, "loss": NaN}\n{"step": 3, "lo'
    path.write_text(text)
    reader = read_log(path)
    reader.poll()
    found = columns(reader)["loss"]
    assert found[0] == (1, 0.5)
    assert math.isnan(found[1][1])
    assert told(reader) == [
        "log.jsonl, line 2: no JSON: the line is left out",
        "log.jsonl, line 3: no JSON object: the line is left out",
    ]
    append(path, 'ss": 0.25}\n')
    reader.poll()
    assert columns(reader)["loss"][-1] == (3, 0.25)


def test_a_large_number_of_json_is_no_number(tmp_path: Path) -> None:
    reader = read(tmp_path / "log.jsonl", '{"step": 1, "loss": 1}\n{"step": 2, "loss": 1%s}\n'
                  % ("0" * 400))  # fmt: skip
    assert columns(reader)["loss"] == [(1, 1.0)]
    assert len(told(reader)) == 1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\xff\xfes\x00t\x00e\x00p\x00", "UTF-16"),
        ("a.bin", b"\x00\x01\x02\x03" * 10, "it is not separated values"),
        ("a.txt", b"Dear all,\nthis is a letter, and no log.\nYours\n", "it is not separated"),
        ("a.json", b'{\n "a": 1\n}\n', "it is not separated values"),
        ("a.py", b"import os\n\nprint(os.sep)\n", "it is not separated values"),
    ],
)
def test_what_is_no_log_is_told_with_what_was_looked_for(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NotALog, match=says) as raised:
        read_log(path)
    assert name in str(raised.value)


def test_a_format_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    assert isinstance(read(tmp_path / "a.jsonl", "step,loss\n1,2\n").log, CsvLog)
    assert isinstance(read(tmp_path / "a.csv", '{"step": 1, "loss": 2}\n').log, JsonlLog)


def test_a_person_says_what_columns_are(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", "step,loss,cost,eta,acc\n1,0.5,5,0.01,0.1\n")
    choice = Choice({"cost": "loss", "eta": "lr", "acc": None, "loss": "metric"})
    reader = read_log(path, choice)
    reader.poll()
    kinds = {s.info.name: s.info.kind for s in reader.ranks[0].series.values()}
    assert kinds == {"cost": "loss", "eta": "lr", "loss": "metric"}


def test_nothing_is_written_beside_a_log(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    read(folder / "log.csv", "step,loss\n1,0.5\n")
    assert [p.name for p in folder.iterdir()] == ["log.csv"]


def test_reading_is_in_parts_within_a_budget(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n / 7}\n" for n in range(60_000))
    path = write(tmp_path / "log.csv", f"step,loss\n{rows}")
    reader = read_log(path, budget=0.0)
    reader.poll()
    assert reader.info["reading"]
    assert 0 < len(columns(reader)["loss"]) < 60_000
    while reader.info["reading"]:
        reader.poll()
    assert columns(reader)["loss"][-1] == (59_999, 59_999 / 7)
    assert len(columns(reader)["loss"]) == 60_000
