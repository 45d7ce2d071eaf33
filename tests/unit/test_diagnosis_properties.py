"""What findings must not depend on: the unit of the loss, the first step's number, the chunks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrmonitor.diagnosis import Chunk, Diagnosis, Finding, diagnose

Floats = npt.NDArray[np.float64]


@st.composite
def logs(draw: st.DrawFn) -> Chunk:
    """Losses with trouble at random places: level, spikes, jumps, nan, sign, rate, sparse
    series."""
    n = draw(st.integers(0, 700))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    loss = draw(st.sampled_from([0.0, 0.3])) + 2 * np.exp(-np.arange(n) / draw(st.integers(5, 900)))
    loss = loss + draw(st.sampled_from([0.0, 0.01, 0.1, 0.5])) * random.standard_normal(n)
    if draw(st.booleans()):
        loss = np.abs(loss)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(n, 1)))
        width = draw(st.sampled_from([1, 3, 40, 700]))
        kind = draw(st.sampled_from(["spike", "nan", "inf", "zero", "minus", "blow"]))
        part = slice(at, at + width)
        size = len(loss[part])
        if kind == "blow":
            loss[part] *= 2.0 ** np.minimum(np.arange(size), 200)
        else:
            values = {
                "spike": loss[part] * 30,
                "nan": np.full(size, math.nan),
                "inf": np.full(size, math.inf),
                "zero": np.zeros(size),
                "minus": loss[part] - 2.0,
            }
            loss[part] = values[kind]
    rate = np.full(n, 0.1)
    for _ in range(draw(st.integers(0, 2))):
        rate[draw(st.integers(0, max(n, 1))) :] *= draw(st.sampled_from([10.0, 0.1, 1.2]))
    step = draw(st.sampled_from([1, 1, 3, 50])) * np.arange(n)
    if n and draw(st.booleans()):
        step[draw(st.integers(0, n - 1)) :] -= draw(st.integers(0, 50))
    every = np.arange(n) % 10 == 0
    return Chunk(
        step,
        loss,
        lr=rate,
        val=np.where(np.arange(n) % 50 == 49, loss, np.nan),
        grad_norm=np.where(every, np.abs(loss), np.nan),
        update_ratio=np.where(every, draw(st.sampled_from([1e-2, 1e-4, 1e-8])), np.nan),
        time=1e9 + np.arange(n) * 0.1,
    )


def told(findings: list[Finding]) -> list[Finding]:
    """The findings, in a form that is equal where they are (nan is not equal to itself)."""
    clean = []
    for f in findings:
        values = {k: repr(v) for k, v in f.evidence.values.items()}
        evidence = replace(f.evidence, values={}, rule=f"{f.evidence.rule} {values}")
        clean.append(replace(f, evidence=evidence))
    return clean


def without_values(findings: list[Finding]) -> list[object]:
    return [
        (f.kind, f.severity, f.first_step, f.detected_step, f.last_step, f.cause, f.confidence,
         f.open, f.outcome, f.evidence.rule, f.evidence.window, f.advice)
        for f in findings
    ]  # fmt: skip


COMMON = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@COMMON
@given(logs(), st.lists(st.integers(1, 300), max_size=20))
def test_findings_do_not_depend_on_the_chunks(log: Chunk, sizes: list[int]) -> None:
    whole = diagnose([log])
    diagnosis = Diagnosis()
    start = 0
    for size in sizes:
        diagnosis.feed(log.part(start, start + size))
        start += size
    diagnosis.feed(log.part(min(start, len(log)), len(log)))
    diagnosis.finish()
    assert told(diagnosis.findings) == told(whole)


@settings(COMMON, max_examples=15)
@given(logs())
def test_nor_on_rows_that_come_one_by_one(log: Chunk) -> None:
    assert told(diagnose(log.part(i, i + 1) for i in range(len(log)))) == told(diagnose([log]))


@COMMON
@given(logs(), st.integers(-30, 30))
def test_nor_on_a_power_of_two_in_the_loss(log: Chunk, power: int) -> None:
    factor = 2.0**power
    assert log.val is not None
    scaled = Chunk(
        log.step, log.loss * factor, log.lr, log.val * factor, log.grad_norm,
        log.update_ratio, log.time,
    )  # fmt: skip
    assert without_values(diagnose([scaled])) == without_values(diagnose([log]))


@COMMON
@given(logs(), st.integers(-1000, 10**9))
def test_nor_on_the_number_of_the_first_step(log: Chunk, offset: int) -> None:
    moved = Chunk(
        log.step + offset, log.loss, log.lr, log.val, log.grad_norm, log.update_ratio, log.time
    )
    back = [
        replace(
            f,
            first_step=f.first_step - offset,
            detected_step=f.detected_step - offset,
            last_step=f.last_step - offset,
            evidence=replace(
                f.evidence, window=(f.evidence.window[0] - offset, f.evidence.window[1] - offset)
            ),
        )
        for f in diagnose([moved])
    ]
    assert told(back) == told(diagnose([log]))


@COMMON
@given(st.lists(st.floats(width=64), max_size=60))
def test_any_floats_are_taken(losses: list[float]) -> None:
    found = diagnose([Chunk(np.arange(len(losses)), losses)])
    broken = [i for i, loss in enumerate(losses) if not math.isfinite(loss)]
    assert ([f.first_step for f in found if f.kind == "non_finite"][:1]) == broken[:1]
