"""A diagnosis in a process of its own: the same findings, and an end that leaves nothing."""

from __future__ import annotations

import io
import json
import signal
import subprocess

import numpy as np
import pytest

from lrmonitor.diagnosis import Chunk, Diagnosis, Finding
from lrmonitor.diagnosis.wire import Work, answer, findings_of, pack, unpack
from lrmonitor.launch.own import own_command


def rows() -> Chunk:
    """A loss that falls, is nan once, and then rises for good; a rate that jumps."""
    step = np.arange(1, 1201)
    noise = np.random.default_rng(0).normal(0, 0.02, 1200)
    loss = np.where(step < 600, 2.0 / step**0.3, 2.0 / 600**0.3 * 1.02 ** (step - 600.0)) + noise
    loss[300] = np.nan
    chunk = Chunk(step, loss, lr=np.where(step < 500, 1e-3, 1e-1), time=1e9 + step / 100)
    chunk.rewound = (200,)
    return chunk


@pytest.mark.parametrize("work", [rows(), 12.5, None], ids=["rows", "clock", "end"])
def test_work_arrives_as_it_was(work: Work) -> None:
    back = unpack(io.BytesIO(pack(work)))
    if not isinstance(work, Chunk):
        assert back == work
        return
    assert isinstance(back, Chunk)
    assert back.rewound == work.rewound
    assert back.val is back.grad_norm is None
    for name in ("step", "loss", "lr", "time"):
        assert np.array_equal(getattr(back, name), getattr(work, name), equal_nan=True)


def test_half_of_a_piece_is_the_end() -> None:
    packed = pack(rows())
    for cut in (0, 3, 200, len(packed) - 1):
        with pytest.raises(EOFError):
            unpack(io.BytesIO(packed[:cut]))


def test_what_is_no_answer_is_refused() -> None:
    for line in (b"what\n", b'[{"id": 1}]\n', b"3\n"):
        with pytest.raises(ValueError, match=r"."):
            findings_of(line)


def served(works: list[Work]) -> list[Finding]:
    """What the process finds, each finding as it stands last."""
    done = subprocess.run(
        own_command("lrmonitor.diagnosis.serve"),
        input=b"".join(map(pack, works)),
        capture_output=True,
        check=True,
        timeout=60,
    )
    lines = done.stdout.splitlines(keepends=True)
    assert len(lines) == len(works)
    assert done.stderr == b""
    last: dict[int, Finding] = {}
    for line in lines:
        last.update((one.id, one) for one in findings_of(line))
    return [last[number] for number in sorted(last)]


def test_the_process_finds_what_a_diagnosis_finds() -> None:
    whole = rows()
    here = Diagnosis()
    here.feed(whole)
    here.tick(1e9 + 500)
    here.finish()
    there = served([*(whole.part(i, i + 250) for i in range(0, 1200, 250)), 1e9 + 500, None])
    assert here.findings
    assert there == here.findings
    assert findings_of(answer(there)) == there
    assert json.loads(answer(there))


def test_it_ends_with_its_input_and_not_by_ctrl_c() -> None:
    process = subprocess.Popen(
        own_command("lrmonitor.diagnosis.serve"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(pack(1.0))
    process.stdin.flush()
    assert process.stdout.readline() == b"[]\n"
    process.send_signal(signal.SIGINT)
    process.stdin.write(pack(2.0))
    process.stdin.flush()
    assert process.stdout.readline() == b"[]\n"
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()
