"""Make the labelled curves by real training, and keep them beside this file.

`python -m tests.benchmarks.diagnosis.generate [SEEDS [PART]]`: first a sweep of constant rates for
each task and optimizer, then all cases at its best rate, for seeds 0 to SEEDS - 1 (default: 1).
PART may be the name of one task too. What is there already is left alone, so that it may be stopped
and started again, and several may work at once, each on its task. A minute a task and seed.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.benchmarks.diagnosis.cases import CASES, prepare
from tests.benchmarks.diagnosis.tasks import PARTS, TASKS
from tests.benchmarks.diagnosis.training import OPTIMIZERS, SAMPLED, VALIDATED, Curve, train

CURVES = Path(__file__).parent / "curves"
RATES = {
    "sgd": tuple(10 ** (-3.5 + 0.5 * i) for i in range(8)),
    "adamw": tuple(10 ** (-4.0 + 0.5 * i) for i in range(7)),
    "rmsprop": tuple(10 ** (-4.0 + 0.5 * i) for i in range(7)),
}


def main(seeds: int, part: str | None = None) -> None:
    """Everything that is missing (of some of the tasks)."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    CURVES.mkdir(exist_ok=True)
    chosen = () if part is None else PARTS.get(part, ())
    for seed in range(seeds):
        for name in [t.name for t in TASKS.values() if part in (None, t.name) or t.part in chosen]:
            for optimizer in OPTIMIZERS:
                best = sweep(name, optimizer)
                make(name, optimizer, seed, best)


def sweep(task: str, optimizer: str) -> float:
    """The constant rate with the lowest loss at the end, kept in a file of its part with all
    ends."""
    path = CURVES / f"sweeps-{TASKS[task].part}.json"
    known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    key = f"{task}-{optimizer}"
    if key not in known:
        ends: dict[str, tuple[float, float]] = {}
        # A summed loss has gradients that are so much larger.
        scale = 1e-4 if task == "autoencoder" and optimizer == "sgd" else 1.0
        for rate in RATES[optimizer]:
            setup = prepare(TASKS[task], CASES["plain"], rate * scale, 0)
            curve = train(setup, optimizer, 0)
            ends[repr(rate * scale)] = (curve.at_start, curve.at_end)
        usable = {k: end for k, (_, end) in ends.items() if np.isfinite(end)}
        known[key] = {"best": float(min(usable, key=lambda k: usable[k])), "ends": ends}
        if path.exists():  # others may have written there meanwhile
            known = json.loads(path.read_text("utf-8")) | {key: known[key]}
        part = path.with_suffix(f".{key}.part")
        part.write_text(json.dumps(known, indent=1).replace("NaN", "null"), "utf-8")
        part.replace(path)
        print(key, known[key]["best"], flush=True)
    return float(known[key]["best"])


def make(task: str, optimizer: str, seed: int, best: float) -> None:
    """All cases of one task, optimizer and seed, in one file."""
    path = CURVES / f"{task}-{optimizer}-{seed}.npz"
    if path.exists():
        return
    arrays: dict[str, Any] = {}
    for name, case in CASES.items():
        curve = train(prepare(TASKS[task], case, best, seed), optimizer, seed)
        arrays |= packed(name, curve)
    write(path, arrays)
    print(path.name, path.stat().st_size, flush=True)


def packed(name: str, curve: Curve) -> dict[str, Any]:
    """A curve as small arrays: float32, sampled series without their gaps, rates where they
    change."""
    rate = curve.lr
    changes = np.flatnonzero(np.append(True, rate[1:] != rate[:-1]))
    each = curve.step % VALIDATED == 0
    sampled = ~np.isnan(curve.grad_norm) | ((curve.step - 1) % SAMPLED == 0)
    return {
        f"{name}/step": curve.step.astype(np.int16),
        f"{name}/loss": curve.loss.astype(np.float32),
        f"{name}/lr_at": changes.astype(np.int16),
        f"{name}/lr": rate[changes].astype(np.float32),
        f"{name}/sampled": np.flatnonzero(sampled).astype(np.int16),
        f"{name}/grad_norm": curve.grad_norm[sampled].astype(np.float32),
        f"{name}/update_ratio": curve.update_ratio[sampled].astype(np.float32),
        f"{name}/val_at": np.flatnonzero(each).astype(np.int16),
        f"{name}/val": curve.val[each].astype(np.float32),
        f"{name}/ends": np.array([curve.at_start, curve.at_end]),
    }


def unpacked(arrays: Any, name: str) -> Curve:
    """The inverse of `packed`."""
    step = arrays[f"{name}/step"].astype(np.int64)
    n = len(step)
    lr = np.full(n, np.nan)
    changes = arrays[f"{name}/lr_at"]
    for at, value in zip(changes, arrays[f"{name}/lr"], strict=True):
        lr[at:] = value
    gaps = [np.full(n, np.nan) for _ in range(3)]
    at = arrays[f"{name}/sampled"]
    gaps[0][at] = arrays[f"{name}/grad_norm"]
    gaps[1][at] = arrays[f"{name}/update_ratio"]
    gaps[2][arrays[f"{name}/val_at"]] = arrays[f"{name}/val"]
    loss = arrays[f"{name}/loss"].astype(np.float64)
    start, end = arrays[f"{name}/ends"].tolist()
    return Curve(step, loss, lr, gaps[0], gaps[1], gaps[2], start, end)


def write(path: Path, arrays: dict[str, Any]) -> None:
    """As `np.savez_compressed`, but whole or not at all, and the same bytes for the same arrays."""
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED
            )
    part.replace(path)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, sys.argv[2] if len(sys.argv) > 2 else None)
