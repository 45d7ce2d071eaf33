"""TensorBoard's event files: as its own writer makes them, and damaged ones."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrmonitor.record.foreign import protobuf, tensorboard, tfrecord
from lrmonitor.record.foreign.base import NotALog
from lrmonitor.record.foreign.reader import LogReader, read_log
from tests.unit.test_logs_csv import columns, told


def writer(folder: Path) -> Any:
    """TensorBoard's own, as PyTorch has it."""
    module = pytest.importorskip("torch.utils.tensorboard")
    return module.SummaryWriter(str(folder))


def read(path: Path) -> LogReader:
    reader = read_log(path)
    reader.poll()
    return reader


def only(folder: Path) -> Path:
    """The one file of a folder."""
    (file,) = folder.iterdir()
    return file


def record(data: bytes) -> bytes:
    return tfrecord.framed(data)


def scalar(tag: str, step: int, value: float, time: float = 1.7e9) -> bytes:
    """An event by hand: independent of what exports write."""
    inner = b"\x0a" + bytes([len(tag)]) + tag.encode() + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(inner)]) + inner
    return b"\x09" + struct.pack("<d", time) + b"\x10" + bytes([step]) + b"\x2a" + bytes(
        [len(summary)]
    ) + summary  # fmt: skip


def test_the_checksum_is_that_of_the_standard() -> None:
    # RFC 3720, B.4: 32 bytes of zeros, of ones, and counting up.
    rows = np.array([[0] * 32, [255] * 32, list(range(32))], np.uint8)
    assert [hex(c) for c in tfrecord.crc32c(rows).tolist()] == [
        "0x8a9136aa", "0x62a8ab43", "0x46dd794e",
    ]  # fmt: skip


@pytest.mark.parametrize("new_style", [False, True], ids=["simple_value", "tensor"])
def test_what_summarywriter_writes(tmp_path: Path, new_style: bool) -> None:
    with writer(tmp_path) as board:
        for step in range(1, 301):
            board.add_scalar("train/loss", 1 / step, step, walltime=1.6e9 + step,
                             new_style=new_style)  # fmt: skip
            board.add_scalar("train/lr", 1e-3, step, walltime=1.6e9 + step, new_style=new_style)
        board.add_scalar("val/loss", math.nan, 300, walltime=1.6e9, new_style=new_style)
        board.add_text("note", "hello", 1)
        board.add_histogram("weights", np.array([1.0, 2.0, 3.0]), 1)
    reader = read(tmp_path)
    found = columns(reader)
    assert [step for step, _ in found["train/loss"]] == list(range(1, 301))
    assert found["train/loss"][2][1] == pytest.approx(1 / 3, rel=1e-7)
    assert math.isnan(found["val/loss"][0][1])
    roles = reader.roles
    assert (roles.loss, roles.rates, roles.validation) == ("train/loss", ("train/lr",),
                                                           ("val/loss",))  # fmt: skip
    assert reader.ranks[0].by_name["train/loss"].time.tolist()[:2] == [1.6e9 + 1, 1.6e9 + 2]
    assert set(reader.log.left_out) == {"note/text_summary", "weights"}
    assert [t for t in told(reader) if "Left out" not in t] == []


def test_several_files_and_folders(tmp_path: Path) -> None:
    for folder, first in ((tmp_path, 1), (tmp_path / "eval" / "deep", 5)):
        folder.mkdir(parents=True, exist_ok=True)
        for part in (0, 1):
            steps = range(first + 2 * part, first + 2 * part + 2)
            data = b"".join(record(scalar("loss", step, step / 2)) for step in steps)
            (folder / f"events.out.tfevents.{part}.host").write_bytes(data)
    reader = read(tmp_path)
    assert columns(reader) == {
        "loss": [(1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)],
        "eval/deep/loss": [(5, 2.5), (6, 3.0), (7, 3.5), (8, 4.0)],
    }
    assert (reader.roles.loss, reader.roles.validation) == ("loss", ("eval/deep/loss",))


def test_one_file_is_a_log_too_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes(record(scalar("loss", 1, 0.5)))
    assert columns(read(path)) == {"loss": [(1, 0.5)]}


def test_a_torn_record_waits_and_new_files_are_found(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    whole = record(scalar("loss", 2, 0.25))
    path.write_bytes(record(scalar("loss", 1, 0.5)) + whole[:20])
    reader = LogReader(tensorboard.TensorBoardLog(tmp_path, lambda: 0.0))
    reader.poll()
    assert columns(reader)["loss"] == [(1, 0.5)]
    with open(path, "ab") as file:
        file.write(whole[20:-2])
    reader.poll()
    assert columns(reader)["loss"] == [(1, 0.5)]
    with open(path, "ab") as file:
        file.write(whole[-2:])
    assert reader.poll()
    assert columns(reader)["loss"] == [(1, 0.5), (2, 0.25)]
    (tmp_path / "events.out.tfevents.2").write_bytes(record(scalar("loss", 3, 0.125)))
    assert reader.poll()
    assert columns(reader)["loss"][-1] == (3, 0.125)
    assert told(reader) == []


def test_a_damaged_record_is_told_with_its_place_and_the_rest_is_shown(tmp_path: Path) -> None:
    records = [record(scalar("loss", step, step / 2)) for step in range(1, 6)]
    damaged = bytearray(records[2])
    damaged[20] ^= 1
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join([*records[:2], bytes(damaged), *records[3:]]))
    reader = read(tmp_path)
    assert [step for step, _ in columns(reader)["loss"]] == [1, 2, 4, 5]
    at = len(records[0]) * 2
    assert told(reader) == [
        f"events.out.tfevents.1, byte {at}: a record with a wrong checksum is left out"
    ]


def test_a_damaged_length_ends_that_file_but_no_other(tmp_path: Path) -> None:
    records = [record(scalar("loss", step, step / 2)) for step in range(1, 4)]
    damaged = b"\xff" + records[1][1:]
    (tmp_path / "events.out.tfevents.1").write_bytes(records[0] + damaged + records[2])
    (tmp_path / "events.out.tfevents.2").write_bytes(record(scalar("loss", 9, 9.0)))
    reader = read(tmp_path)
    assert columns(reader)["loss"] == [(1, 0.5), (9, 9.0)]
    assert told(reader) == [
        f"events.out.tfevents.1, byte {len(records[0])}: a record's length is damaged: the rest of "
        "this file cannot be read"
    ]


@pytest.mark.parametrize(
    "data", [b"\x2a\x05\x0a\x7f", b"\x10" + b"\xff" * 11, b"\x0b", b"\x29\x00", b"\x2a\x02\x0a\x80"]
)
def test_an_event_that_makes_no_sense_is_left_out(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(record(data) + record(scalar("loss", 1, 0.5)))
    reader = read(tmp_path)
    assert columns(reader) == {"loss": [(1, 0.5)]}
    assert told(reader) == [
        "events.out.tfevents.1, byte 0: an event that cannot be understood is left out"
    ]


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        (b"\x08\x01\x12\x00\x22\x04" + struct.pack("<f", 0.5), 0.5),
        (b"\x08\x02\x12\x00\x22\x08" + struct.pack("<d", 0.1), 0.1),
        (b"\x08\x01\x2a\x04" + struct.pack("<f", 2.5), 2.5),
        (b"\x08\x01\x2d" + struct.pack("<f", 2.5), 2.5),
        (b"\x08\x02\x32\x08" + struct.pack("<d", 0.1), 0.1),
        (b"\x08\x03\x3a\x01\x07", 7.0),
        (b"\x08\x09\x52\x0a" + b"\xff" * 9 + b"\x01", -1.0),
        (b"\x08\x13\x6a\x02\x80\x78", 1.0),
        (b"\x08\x0e\x6a\x03\x80\xff\x00", 1.0),
        (b"\x08\x01\x12\x04\x12\x02\x08\x02\x22\x08" + b"\0" * 8, None),
        (b"\x08\x07\x42\x01a", None),
    ],
)
def test_the_forms_of_a_tensor(tensor: bytes, value: float | None) -> None:
    inner = b"\x0a\x01t\x42" + bytes([len(tensor)]) + tensor
    summary = b"\x0a" + bytes([len(inner)]) + inner
    event = protobuf.event(b"\x10\x03\x2a" + bytes([len(summary)]) + summary, set())
    if value is None:
        assert (event.scalars, event.other) == ((), ("t",))
    else:
        assert [s.tag for s in event.scalars] == ["t"]
        assert event.scalars[0].value == pytest.approx(value)
        assert event.step == 3


def test_a_record_larger_than_is_checked_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    image = b"\x1a" + b"\x80\x80\x40" + b"x" * (1 << 20)  # a field nobody reads
    path.write_bytes(record(image) + record(scalar("loss", 1, 0.5)))
    assert columns(read(tmp_path)) == {"loss": [(1, 0.5)]}


def test_an_event_file_with_nothing_yet_is_a_log(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"")
    reader = read(tmp_path)
    assert columns(reader) == {}
    path.write_bytes(record(scalar("loss", 1, 0.5)))
    reader.poll()
    assert columns(reader) == {"loss": [(1, 0.5)]}


def test_a_folder_without_a_log_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(NotALog, match=r"neither a run nor a log .* trainer_state\.json"):
        read_log(tmp_path)


def test_summarywriter_is_followed_while_it_writes(tmp_path: Path) -> None:
    with writer(tmp_path) as board:
        reader = None
        for step in range(1, 21):
            board.add_scalar("loss", 1 / step, step)
            board.flush()
            reader = reader or read_log(tmp_path)
            assert reader.poll()
            assert columns(reader)["loss"][-1][0] == step
        assert reader is not None
        assert len(columns(reader)["loss"]) == 20
        assert not reader.poll()


def test_a_folder_that_takes_long_to_look_through_is_not_looked_at_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "events.out.tfevents.1").write_bytes(record(scalar("loss", 1, 0.5)))
    now = 1000.0
    looks: list[float] = []

    def look(path: Path) -> list[Path]:
        nonlocal now
        looks.append(now)
        now += 0.5
        return sorted(path.iterdir())

    monkeypatch.setattr(tensorboard, "event_files", look)
    log = tensorboard.TensorBoardLog(tmp_path, lambda: now)
    assert [p.name for p in log.read().parts] == ["loss"]
    (tmp_path / "events.out.tfevents.2").write_bytes(record(scalar("loss", 2, 0.25)))
    now = 1010.0
    assert not log.read()
    now = 1010.6
    assert [p.step.tolist() for p in log.read().parts] == [[2]]
    assert looks == [1000.0, 1010.6]
