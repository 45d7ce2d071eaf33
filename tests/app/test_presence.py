"""One window a run, further windows, and what a window opens by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalServer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app import preferences
from lrmonitor.app.main import _last_live, _to_reopen
from lrmonitor.app.preferences import Preferences
from lrmonitor.app.presence import Presence
from lrmonitor.app.settings import Settings
from lrmonitor.app.theme import ThemeManager
from lrmonitor.app.window import MainWindow
from lrmonitor.link.paths import ADDRESS_LIMIT, window_address
from tests.app.folders import RunFolder
from tests.conftest import Isolated
from tests.helpers.wait import wait_until

# A window's claim in another process, told to end by the end of its input.
OTHER = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QSocketNotifier
from lrmonitor.app.presence import Presence
application = QCoreApplication([])
presence = Presence()
presence.asked.connect(lambda: print("asked", flush=True))
print("claimed" if presence.claim(Path(sys.argv[1])) else "taken", flush=True)
if "hang" in sys.argv:
    sys.stdin.read()
end = QSocketNotifier(0, QSocketNotifier.Type.Read)
end.activated.connect(application.quit)
application.exec()
"""

Other = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def other() -> Iterator[Other]:
    """Starts processes that claim a run."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(folder), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that a process says."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_another_window_is_asked_to_come_forward(
    qapp: QApplication, isolated: Isolated, other: Other
) -> None:
    run = RunFolder(isolated.runs)
    presence = Presence()
    assert not presence.elsewhere(run.path)
    process = other(run.path)
    assert line(process) == "claimed"
    assert presence.elsewhere(run.path, show=False)
    assert presence.elsewhere(run.path)
    assert line(process) == "asked"
    assert not presence.claim(run.path)
    assert not presence.elsewhere(isolated.runs / "another")


def test_a_claim_ends_with_the_run_or_the_window(qapp: QApplication, isolated: Isolated) -> None:
    first, second = Presence(), Presence()
    run = RunFolder(isolated.runs).path
    assert first.claim(run)
    assert not first.elsewhere(run)
    assert not second.claim(run)
    assert first.claim(None)
    assert not os.path.exists(window_address(run))
    assert second.claim(run)
    assert second.claim(None)


def test_the_socket_of_a_window_that_was_killed_is_taken_over(
    qapp: QApplication, isolated: Isolated, other: Other
) -> None:
    run = RunFolder(isolated.runs).path
    process = other(run)
    assert line(process) == "claimed"
    process.kill()
    process.wait()
    assert os.path.exists(window_address(run))
    presence = Presence()
    assert not presence.elsewhere(run)
    assert presence.claim(run)
    presence.claim(None)


def test_a_window_that_hangs_is_not_waited_for(
    qapp: QApplication, isolated: Isolated, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrmonitor.app.presence.PATIENCE_MS", 100)
    run = RunFolder(isolated.runs).path
    assert line(other(run, "hang")) == "claimed"
    assert not Presence().elsewhere(run)


def test_where_no_socket_can_be_made_the_run_is_shown_all_the_same(
    qapp: QApplication, isolated: Isolated, monkeypatch: pytest.MonkeyPatch
) -> None:
    (isolated.runtime / "file").write_text("")
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", str(isolated.runtime / "file" / "below"))
    presence = Presence()
    assert not presence.claim(isolated.runs)
    assert not presence.elsewhere(isolated.runs / "x")


def test_the_name_of_the_socket_fits(isolated: Isolated, monkeypatch: pytest.MonkeyPatch) -> None:
    here = window_address(isolated.runs / "a")
    assert here.startswith(str(isolated.runtime))
    assert here != window_address(isolated.runs / "b")
    monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", str(isolated.runtime / ("x" * 120)))
    assert len(window_address(isolated.runs / "a")) <= ADDRESS_LIMIT


def test_a_window_leaves_a_run_to_the_window_that_shows_it(
    qtbot: QtBot, isolated: Isolated, themes: ThemeManager, settings: Settings, other: Other
) -> None:
    run = RunFolder(isolated.runs, "digits").launch(False).exited(0)
    process = other(run.path)
    assert line(process) == "claimed"
    window = MainWindow(isolated.runs, settings, themes, Presence())
    qtbot.addWidget(window)
    assert window.open_run(run.path)
    assert line(process) == "asked"
    assert window.session is None
    window.close()


def test_the_window_comes_forward_when_it_is_asked(
    qtbot: QtBot, isolated: Isolated, themes: ThemeManager, settings: Settings
) -> None:
    run = RunFolder(isolated.runs, "digits").launch(False).exited(0)
    presence = Presence()
    window = MainWindow(isolated.runs, settings, themes, presence)
    qtbot.addWidget(window)
    assert window.open_run(run.path)
    assert os.path.exists(window_address(run.path))
    window.showMinimized()
    program = (
        "import sys; from pathlib import Path; from PySide6.QtCore import QCoreApplication\n"
        "from lrmonitor.app.presence import Presence\n"
        "a = QCoreApplication([]); print(Presence().elsewhere(Path(sys.argv[1])))"
    )
    asking = subprocess.Popen(
        [sys.executable, "-c", program, str(run.path)], stdout=subprocess.PIPE, text=True
    )
    with qtbot.waitSignal(presence.asked, timeout=30000):
        pass
    qtbot.waitUntil(lambda: asking.poll() is not None, timeout=30000)
    assert asking.communicate()[0].strip() == "True"
    assert not window.isMinimized()
    assert window.isVisible()
    window.close_run()
    assert not os.path.exists(window_address(run.path))
    window.close()


def test_the_command_brings_the_open_window_forward(isolated: Isolated, other: Other) -> None:
    run = RunFolder(isolated.runs, "digits").launch(False).exited(0)
    process = other(run.path)
    assert line(process) == "claimed"
    done = subprocess.run(
        [sys.executable, "-m", "lrmonitor", "window", str(run.path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "came to the front" in done.stderr
    assert line(process) == "asked"


def test_the_last_run_is_opened_again_while_it_lives(
    qapp: QApplication, isolated: Isolated, other: Other
) -> None:
    run = RunFolder(isolated.runs).launch().register().train(3)
    kept, presence = str(run.path), Presence()
    assert _last_live(kept, isolated.runs, presence) == run.path
    assert _last_live("", isolated.runs, presence) is None
    assert _last_live(kept, isolated.home, presence) is None
    assert _last_live(str(isolated.runs / "gone"), isolated.runs, presence) is None
    process = other(run.path)
    assert line(process) == "claimed"
    assert _last_live(kept, isolated.runs, presence) is None
    process.kill()
    process.wait()
    run.exited(0)
    assert _last_live(kept, isolated.runs, presence) is None


def test_the_last_run_is_opened_where_that_is_preferred(
    qtbot: QtBot, isolated: Isolated, settings: Settings
) -> None:
    run = RunFolder(isolated.runs).launch().register().train(3)
    settings.put("session/run", str(run.path))
    presence = Presence()
    assert _to_reopen(settings, isolated.runs, presence) == run.path
    preferences.save(settings, Preferences(reopen=False))
    assert _to_reopen(settings, isolated.runs, presence) is None


def test_which_run_was_open_last_is_kept(
    qtbot: QtBot, isolated: Isolated, themes: ThemeManager, settings: Settings
) -> None:
    run = RunFolder(isolated.runs).launch(False).exited(0)
    window = MainWindow(isolated.runs, settings, themes)
    qtbot.addWidget(window)
    window.open_run(run.path)
    assert settings.text("session/run") == str(run.path)
    window.close_run()
    assert settings.text("session/run") == ""
    window.close()


def test_the_command_alone_opens_the_last_run(isolated: Isolated) -> None:
    """As a process: the socket tells which run it shows."""
    run = RunFolder(isolated.runs).launch().register().train(3)
    store = Settings()
    store.put("session/run", str(run.path))
    store.save()
    started: list[subprocess.Popen[bytes]] = []
    for words in ([], ["--new"]):
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "lrmonitor", "window", *words],
                env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            )
        )
        if not words:
            wait_until(lambda: os.path.exists(window_address(run.path)))
    for process in started:
        process.terminate()
    for process in started:
        assert process.wait(30) in (0, -15)
    QLocalServer.removeServer(window_address(run.path))
