"""torch.compile, whose first steps take long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.starter import Starter
from tests.helpers.starting import Started
from tests.helpers.styles import Outcome
from tests.helpers.wild import COMPILER, Trial, compiling, trial

pytest.importorskip("torch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("wild"),
    COMPILER,
]

Compiled = Callable[[str], Trial]


@pytest.fixture
def compiled(proven: Callable[[Outcome], None], plainly: Starter, tmp_path: Path) -> Compiled:
    """A trial whose runs share what they compile."""

    def put(name: str) -> Trial:
        env = compiling(tmp_path)
        done = trial(plainly, Started(env), tmp_path, name, env=env, patience=250)
        proven(done.outcome)
        return done

    return put


@pytest.mark.style("torch.compile of the model")
def test_compiled_model(compiled: Compiled) -> None:
    compiled("compiled_model")


@pytest.mark.style("torch.compile of the model and of the optimizer's step")
def test_compiled_step(compiled: Compiled) -> None:
    compiled("compiled_step")
