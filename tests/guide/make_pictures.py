"""Draw the guide's pictures from curves of real trainings.

`python -m tests.guide.make_pictures` writes `resources/guide/*.svg`. The curves are those of the
diagnosis benchmark and those of `tests.guide.runs`; nothing is trained here, and nothing is made
up: shaded stretches and their words are what `lrmonitor diagnose` says of the same curve.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lrmonitor.app.guide.pictures import style
from lrmonitor.app.theme import DARK, LIGHT
from lrmonitor.diagnosis import Chunk, Finding, diagnose
from lrmonitor.model.smoothing import ema, weight_of
from tests.benchmarks.diagnosis.generate import CURVES as BENCHMARK
from tests.benchmarks.diagnosis.generate import unpacked
from tests.benchmarks.diagnosis.training import Curve
from tests.guide.draw import Line, Panel, Picture
from tests.guide.runs import CURVES, WARM_UP

FOLDER = Path(__file__).parents[2] / "resources" / "guide"
SPAN = 24
"""Values that a loss is smoothed over."""


def benchmark(run: str, case: str) -> Curve:
    """A recorded run of the benchmark: a task with an optimizer, and a case."""
    return unpacked(np.load(BENCHMARK / f"{run}-0.npz"), case)


def own(key: str) -> npt.NDArray[np.float64]:
    """A recorded array of `tests.guide.runs`."""
    return np.asarray(np.load(CURVES)[key], np.float64)


def found(curve: Curve, kind: str) -> Finding:
    """The first finding of a kind in a curve."""
    columns = (curve.lr, curve.val, curve.grad_norm, curve.update_ratio)
    findings = diagnose([Chunk(curve.step, curve.loss, *columns)])
    return next(finding for finding in findings if finding.kind == kind)


def stretch(finding: Finding) -> dict[str, Any]:
    """A panel's shading and mark for a finding."""
    return {
        "band": (finding.first_step, finding.last_step),
        "marks": [(finding.detected_step, "told here")],
    }


def loss(curve: Curve, name: str, colour: int, span: int = SPAN) -> Line:
    """The loss of a run."""
    return Line(curve.step, curve.loss, name, colour, span)


def rate(curve: Curve, name: str, colour: int) -> Line:
    """Its rate."""
    return Line(curve.step, curve.lr, name, colour, stairs=True)


def ratio(curve: Curve, name: str, colour: int) -> Line:
    """Its update ratio."""
    return Line(curve.step, curve.update_ratio, name, colour)


def rates() -> Picture:
    """One network at several rates."""
    cases = (("plain", "0.1"), ("rate*3", "0.3"), ("rate/30", "0.0033"), ("rate/300", "0.00033"))
    lines = [loss(benchmark("mlp-sgd", case), name, i) for i, (case, name) in enumerate(cases)]
    return Picture(
        "rates",
        "Loss of one network at four learning rates: 0.1 falls fast and far, 0.0033 slowly, "
        "0.00033 hardly at all, 0.3 falls and comes back up.",
        [Panel("Loss", lines, 190, top=3.6)],
    )


def too_high() -> Picture:
    """Too high, and the good rate beside it."""
    lines = [
        loss(benchmark("mlp-sgd", case), name, i)
        for i, (case, name) in enumerate((("plain", "0.1"), ("rate*3", "0.3"), ("rate*10", "1.0")))
    ]
    return Picture(
        "too_high",
        "At a good rate the loss falls to nearly 0; at three times that it falls, turns and stays "
        "high; at ten times it stays at the level of a guess.",
        [Panel("Loss", lines, 170, top=3.6)],
    )


def far_too_high() -> Picture:
    """A loss that leaves the picture in its first steps."""
    good, bad, worse = (benchmark("regression-sgd", c) for c in ("plain", "rate*30", "rate*100"))
    lines = [
        Line(c.step[:40], c.loss[:40], name, i)
        for i, (c, name) in enumerate(((good, "good rate"), (bad, "× 30"), (worse, "× 100")))
    ]
    return Picture(
        "far_too_high",
        "The first 40 steps: at 30 and 100 times a good rate the loss grows by the same factor "
        "each step, until it is no number any more.",
        [Panel("Loss (logarithmic)", lines, 160, log=True, top=1e12)],
    )


def too_low() -> Picture:
    """Too low on a logarithmic axis, and how far the weights move."""
    runs = [
        (benchmark("mlp-adamw", case), name)
        for case, name in (("plain", "good rate"), ("rate/30", "÷ 30"), ("rate/300", "÷ 300"))
    ]
    return Picture(
        "too_low",
        "At a thirtieth and a three-hundredth of a good rate the loss falls straight and slowly; "
        "the update ratio is lower by as much.",
        [
            Panel(
                "Loss (logarithmic)", [loss(c, n, i) for i, (c, n) in enumerate(runs)], 140, True
            ),
            Panel("Update ratio", [ratio(c, n, i) for i, (c, n) in enumerate(runs)], 100, True),
        ],
    )


def decay() -> Picture:
    """What lowering the rate does for a loss that lies flat."""
    names = (("kept", "0.1 kept", 0), ("lowered", "0.1, then 0.01", 1))
    training = [
        Line(np.arange(1, 3001), own(f"decay/{key}/loss"), name, colour, 60)
        for key, name, colour in names
    ]
    validation = [
        Line(own(f"decay/{key}/val_at"), own(f"decay/{key}/val"), name, colour, 4)
        for key, name, colour in names
    ]
    mark = [(1500, "rate ÷ 10")]
    return Picture(
        "decay",
        "A loss that has lain flat for a thousand steps falls soon after the rate is "
        "divided by ten; where the rate is kept it stays flat.",
        [
            Panel("Training loss", training, 120, marks=mark),
            Panel("Validation loss", validation, 100, top=1.6, marks=mark),
        ],
    )


def schedules() -> Picture:
    """Rates and losses under schedules."""
    cases = (
        ("plain", "constant"),
        ("steps_down", "steps"),
        ("cosine", "cosine"),
        ("restarts", "restarts"),
        ("warm_cosine", "warm-up, cosine"),
    )
    runs = [(benchmark("mlp-sgd", case), name) for case, name in cases]
    return Picture(
        "schedules",
        "Five schedules with the same highest rate, and the losses they lead to: those whose rate "
        "ends low end with a calmer and lower loss.",
        [
            Panel("Learning rate", [rate(c, n, i) for i, (c, n) in enumerate(runs)], 120),
            Panel(
                "Loss (logarithmic, smoothed)",
                [Line(c.step, ema(c.loss, weight_of(60)), n, i) for i, (c, n) in enumerate(runs)],
                160,
                True,
            ),
        ],
    )


def warm_up() -> Picture:
    """The same high rate with and without a warm-up."""
    steps = np.arange(1, 601)
    names = (("without", "at once", 0), ("with", "with warm-up", 1))
    return Picture(
        "warm_up",
        "Begun at a high rate at once, the loss stays high for hundreds of steps and ends higher; "
        f"with a warm-up over {WARM_UP} steps it falls early and ends lower.",
        [
            Panel(
                "Learning rate",
                [Line(steps, own(f"warm_up/{k}/lr"), n, c) for k, n, c in names],
                90,
            ),
            Panel(
                "Loss",
                [Line(steps, own(f"warm_up/{k}/loss"), n, c, SPAN) for k, n, c in names],
                150,
            ),
        ],
    )


def range_test() -> Picture:
    """A sweep of the shipped example."""
    rates_, losses = own("sweep/digits/lr"), own("sweep/digits/loss")
    smooth = ema(losses, weight_of(SPAN))
    low = int(np.argmin(smooth))
    return Picture(
        "range_test",
        "Loss against a rate that rises by the same factor each step: flat up to 0.03, falling "
        f"to its lowest at {rates_[low]:.2g}, then rising. A tenth of that rate is marked.",
        [
            Panel(
                "Loss",
                [Line(rates_, losses, "", 0, SPAN)],
                180,
                top=3.2,
                marks=[(rates_[low] / 10, "a tenth of it"), (rates_[low], "lowest")],
            )
        ],
        "learning rate",
        x_log=True,
    )


def optimizers() -> Picture:
    """The loss after a run against its rate, for three optimizers."""
    sweeps = json.loads((BENCHMARK / "sweeps-development.json").read_text("utf-8"))
    lines = []
    for colour, (key, name) in enumerate(
        (("sgd", "SGD, momentum"), ("adamw", "AdamW"), ("rmsprop", "RMSprop"))
    ):
        ends = sweeps[f"mlp-{key}"]["ends"]
        points = sorted((float(at), end) for at, (_, end) in ends.items() if end is not None)
        lines.append(Line([x for x, _ in points], [y for _, y in points], name, colour, dots=True))
    return Picture(
        "optimizers",
        "Loss after 800 steps against the rate: AdamW and RMSprop do best near 0.003, SGD with "
        "momentum near 0.1. Too high is punished faster than too low.",
        [Panel("Loss after 800 steps (logarithmic)", lines, 190, log=True)],
        "learning rate",
        x_log=True,
    )


def fine_tuning() -> Picture:
    """A trained network goes on with other data at three rates."""
    names = (("0.2", "0.2"), ("0.02", "0.02, as before"), ("0.002", "0.002"))

    def lines(key: str) -> list[Line]:
        return [
            Line(own(f"fine_tuning/{run}/val_at"), own(f"fine_tuning/{run}/{key}"), name, i)
            for i, (run, name) in enumerate(names)
        ]

    return Picture(
        "fine_tuning",
        "A network trained on upright digits goes on with slanted ones. At ten times its old rate "
        "it loses everything; at a tenth it learns the new ones and keeps most of the old.",
        [
            Panel("Loss on the new data", lines("val"), 120),
            Panel("Loss on the old data", lines("old"), 120),
        ],
    )


def with_finding(name: str, run: str, case: str, kind: str, words: str, **more: Any) -> Picture:
    """A loss with a finding, in front of the same run without the fault."""
    curve, good = benchmark(run, case), benchmark(run, "plain")
    finding = found(curve, kind)
    lines = [loss(curve, more.pop("label"), 1), loss(good, "good rate", 0)]
    title = "Loss (logarithmic)" if more.get("log") else "Loss"
    return Picture(name, words, [Panel(title, lines, 160, **more, **stretch(finding))])


def non_finite() -> Picture:
    """A gradient that is nan poisons the weights."""
    curve = benchmark("cnn-sgd", "poison")
    finding = found(curve, "non_finite")
    return Picture(
        "non_finite",
        "A loss that falls well until step 482, and is nan from there on.",
        [
            Panel(
                "Loss",
                [loss(curve, "", 0)],
                140,
                marks=[(finding.detected_step, f"nan from step {finding.first_step}")],
            )
        ],
    )


def spike() -> Picture:
    """One spoilt batch."""
    curve = benchmark("mlp-adamw", "corrupt")
    part = slice(400, 640)
    return Picture(
        "spike",
        "One spoilt batch: the loss jumps at step 481 and its level comes back slowly.",
        [
            Panel(
                "Loss (logarithmic)",
                [Line(curve.step[part], curve.loss[part], "", 0, 3)],
                150,
                log=True,
                **stretch(found(curve, "spike")),
            )
        ],
    )


def divergence() -> Picture:
    """The rate is raised too far."""
    curve = benchmark("mlp-adamw", "jump")
    return Picture(
        "divergence",
        "The rate is raised by 30 at step 480; the loss leaves its level at once.",
        [
            Panel("Learning rate (logarithmic)", [rate(curve, "", 2)], 70, log=True),
            Panel("Loss", [loss(curve, "", 0, 8)], 140, **stretch(found(curve, "divergence"))),
        ],
    )


def exploding_gradient() -> Picture:
    """Gradients a hundred times too large."""
    curve = benchmark("cnn-adamw", "steep")
    return Picture(
        "exploding_gradient",
        "The gradient norm stands out by a factor of 100 where the gradients were multiplied.",
        [
            Panel(
                "Gradient norm (logarithmic)",
                [Line(curve.step, curve.grad_norm, "", 2)],
                110,
                log=True,
            ),
            Panel("Loss", [loss(curve, "", 0, 8)], 120),
        ],
    )


def plateau() -> Picture:
    """Three flat losses with three causes."""
    runs = [
        (benchmark("cnn-rmsprop", case), name)
        for case, name in (
            ("rate*10", "rate too high"),
            ("dead", "dead units"),
            ("rate/300", "rate too low"),
        )
    ]
    return Picture(
        "plateau",
        "Three losses that lie flat at the same level; the update ratio of the rate too high "
        "is ten times that of the two others.",
        [
            Panel("Loss", [loss(c, n, i + 1) for i, (c, n) in enumerate(runs)], 110, top=3.2),
            Panel(
                "Update ratio (logarithmic)",
                [ratio(c, n, i + 1) for i, (c, n) in enumerate(runs)],
                120,
                log=True,
            ),
        ],
    )


def vanishing_updates() -> Picture:
    """First steps so long that afterwards no step matters."""
    curve = benchmark("gaussian-rmsprop", "rate*10")
    return Picture(
        "vanishing_updates",
        "The first steps throw the weights far away; from then on a step changes them by less than "
        "a ten-millionth of their size.",
        [
            Panel("Loss", [loss(curve, "", 0)], 100),
            Panel(
                "Update ratio (logarithmic)",
                [ratio(curve, "", 2)],
                110,
                log=True,
                **stretch(found(curve, "vanishing_updates")),
            ),
        ],
    )


def overfitting() -> Picture:
    """Training on 96 samples."""
    curve = benchmark("mlp-adamw", "tiny")
    at = np.isfinite(curve.val)
    lines = [
        loss(curve, "training", 0),
        Line(curve.step[at], curve.val[at], "validation", 1),
    ]
    return Picture(
        "overfitting",
        "Trained on 96 samples: the training loss goes to 0, the validation loss rises again.",
        [Panel("Loss", lines, 170, **stretch(found(curve, "overfitting")))],
    )


def near_convergence() -> Picture:
    """A loss that is done."""
    curve = benchmark("mixture-adamw", "small_weights")
    return Picture(
        "near_convergence",
        "The loss fell by much and lies flat.",
        [Panel("Loss", [loss(curve, "", 0)], 150, **stretch(found(curve, "near_convergence")))],
    )


PICTURES = (
    rates, too_high, far_too_high, too_low, decay, schedules, warm_up, range_test, optimizers,
    fine_tuning, non_finite, spike, divergence, exploding_gradient, plateau, vanishing_updates,
    overfitting, near_convergence,
    lambda: with_finding(
        "oscillation", "regression-rmsprop", "rate*30", "oscillation",
        "At 30 times a good rate the loss swings around a level; at the good rate it lies far "
        "below.", label="× 30", log=True,
    ),
    lambda: with_finding(
        "slow_progress", "autoencoder-adamw", "rate/30", "slow_progress",
        "At a thirtieth of a good rate the loss falls straight and slowly.", label="÷ 30",
    ),
)  # fmt: skip


def drawings() -> dict[str, str]:
    """The text of each picture's file, by the file's name."""
    light, dark = style(LIGHT), style(DARK)
    pictures = [make() for make in PICTURES]
    return {f"{picture.name}.svg": picture.svg(light, dark) for picture in pictures}


def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in drawings().items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
