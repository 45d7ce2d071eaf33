"""What tests of training styles share."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

# Before it is imported: its assertions tell what they compared.
pytest.register_assert_rewrite(
    "tests.helpers.wild", "tests.helpers.programs", "tests.helpers.steered"
)

from tests.helpers import styles  # noqa: E402
from tests.helpers.both import Both, both_forked  # noqa: E402
from tests.helpers.launch import only_run, run_words  # noqa: E402
from tests.helpers.live import Alone, Forks, Live, live_in  # noqa: E402
from tests.helpers.programs import Program  # noqa: E402
from tests.helpers.starter import Starter  # noqa: E402
from tests.helpers.starting import (  # noqa: E402
    Forked,
    InTerminal,
    Launcher,
    Started,
    module_of,
)
from tests.helpers.wild import Trial, trial  # noqa: E402


@pytest.fixture(autouse=True)
def needed(request: pytest.FixtureRequest) -> None:
    """Skip a test that is marked with what it needs, where that is not installed."""
    marker = request.node.get_closest_marker("needs")
    for package in () if marker is None else marker.args:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: see docs/frameworks.md")


@pytest.fixture(scope="session")
def plainly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    """Starts scripts without lrmonitor."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="lrm-") as folder:
        log = tmp_path_factory.mktemp("plainly") / "log.txt"
        with Starter([sys.executable, "-m"], Path(folder, "s"), log) as found:
            yield found


@pytest.fixture(scope="session")
def under_lrmonitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    """Starts scripts under lrmonitor, in one run."""
    runs = tmp_path_factory.mktemp("forked")
    log = runs / "log.txt"
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="lrm-") as folder:
        words = run_words("--runs", runs / "runs", "-m")
        with Starter(words, Path(folder, "s"), log) as found:
            runtime = os.environ["LRMONITOR_RUNTIME_DIR"]
            yield Forked(found, only_run(runs / "runs"), runtime, log)


@pytest.fixture
def forked(under_lrmonitor: Forked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forks:
    """`live` for a script of this repository and its arguments, without the start of a run and the
    import of torch: for what does not hang on how the script was started."""
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)

    def start(script: Path, *words: str | Path) -> AbstractContextManager[Live]:
        return live_in(under_lrmonitor, script, *words, log=tmp_path / "log.txt")

    return start


@pytest.fixture
def alone(plainly: Starter) -> Alone:
    """Runs a script of this repository, with its arguments, without lrmonitor to its good end."""

    def run(script: Path, *words: object) -> None:
        plainly.start(module_of(script), *map(str, words))
        assert plainly.wait() == 0

    return run


@pytest.fixture
def both_of(alone: Alone, under_lrmonitor: Forked, tmp_path: Path) -> Callable[[str], Both]:
    """`both_forked` for the script of that name."""
    return lambda name: both_forked(tmp_path, name, alone, under_lrmonitor)


@pytest.fixture
def proven(request: pytest.FixtureRequest) -> Callable[[styles.Outcome], None]:
    """Called at the end of a test that is marked with a style: what was found, for the table."""
    (name,) = request.node.get_closest_marker("style").args
    return lambda found: styles.proven(name, found)


@pytest.fixture
def put_to_the_test(
    proven: Callable[[styles.Outcome], None],
    plainly: Starter,
    under_lrmonitor: Forked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Trial]:
    """`trial` for the script of that name (see tests/helpers/wild.py), its outcome proven."""

    def put(name: str, **options: object) -> Trial:
        monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
        done = trial(plainly, under_lrmonitor, tmp_path, name, **options)  # type: ignore[arg-type]
        proven(done.outcome)
        return done

    return put


@pytest.fixture
def started_for_itself(
    proven: Callable[[styles.Outcome], None], plainly: Starter, tmp_path: Path
) -> Callable[..., Trial]:
    """The same in a process that lrmonitor starts for this script alone."""

    def put(name: str, *, env: dict[str, str] | None = None, **options: object) -> Trial:
        done = trial(plainly, Started(env), tmp_path, name, **options)  # type: ignore[arg-type]
        proven(done.outcome)
        return done

    return put


@pytest.fixture
def launcher_of(
    under_lrmonitor: Forked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Program], Launcher]:
    """How a program is started under lrmonitor."""

    def found(program: Program) -> Launcher:
        if program.how == "forked":
            monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", under_lrmonitor.runtime)
            return under_lrmonitor
        return InTerminal() if program.how == "terminal" else Started(program.env(tmp_path))

    return found
