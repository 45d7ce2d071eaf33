"""Training loops as people write them, each of them rewound, guarded, and its rates tested: all is
as in the same script without lrmonitor to which the same is done by plain copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.programs import PROGRAMS, WITHOUT_OPTIMIZER, Program, marks
from tests.helpers.starter import Starter
from tests.helpers.starting import Launcher
from tests.helpers.steered import WAYS, steered, unsteered
from tests.helpers.styles import Outcome

pytest.importorskip("torch")
# One worker, so that torch is imported once for all of these.
pytestmark = pytest.mark.xdist_group("wild")

Proven = Callable[[Outcome], None]
LauncherOf = Callable[[Program], Launcher]

EACH_PUSH = {
    "own_cosine": ["rewind"],
    "accumulation": ["rewind", "guard"],
    "closure": ["guard", "trial"],
    "no_closure": ["range"],
    "lbfgs": ["rewind", "range", "trial"],
    "vae": ["trial"],
    "actor_critic": ["rewind"],
    "rollouts": ["trial"],
    "below_zero": ["rewind", "guard"],
    "autocast": ["trial"],
    "ema": ["rewind"],
    "checkpointing": ["trial"],
    "scaler": ["rewind", "guard", "range"],
    "gan": ["rewind", "guard", "trial"],
    "layerwise": ["range"],
}
"""What is done to which loops at every push; all is done to each of them in the slow set."""


def both() -> list[Any]:
    """Parameters: a program, and how it is steered."""
    found = []
    for program in PROGRAMS:
        name = "-".join([program.name, *program.words])
        ways = EACH_PUSH.get(program.name)
        if ways is not None:
            of_push = f"{name}-{'-'.join(ways)}"
            found.append(pytest.param(program, ways, id=of_push, marks=marks(program)))
        slow = [*marks(program), pytest.mark.slow]
        found.append(pytest.param(program, WAYS, id=f"{name}-all", marks=slow))
    return found


@pytest.mark.parametrize(("program", "ways"), both())
def test_a_program(
    program: Program,
    ways: list[str],
    launcher_of: LauncherOf,
    proven: Proven,
    plainly: Starter,
    tmp_path: Path,
) -> None:
    proven(steered(launcher_of(program), program, plainly, tmp_path, ways))


@pytest.mark.parametrize(
    "program", [pytest.param(one, id=one.name, marks=marks(one)) for one in WITHOUT_OPTIMIZER]
)
def test_refused_where_there_is_no_optimizer(
    program: Program, launcher_of: LauncherOf, proven: Proven, tmp_path: Path
) -> None:
    proven(unsteered(launcher_of(program), program, tmp_path))
