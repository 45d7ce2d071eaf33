"""Windows for tests: made on the test's own folders, closed and deleted after it."""

from __future__ import annotations

import contextlib
import locale
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QLocale
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from lrmonitor.app.session import Session
from lrmonitor.app.settings import Settings
from lrmonitor.app.theme import ThemeManager
from lrmonitor.app.window import MainWindow
from tests.app.desktop import come_up
from tests.conftest import Isolated

OpenWindow = Callable[..., MainWindow]


@pytest.fixture(autouse=True)
def sessions_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sessions that a test makes without a window, which would close them, end with it."""
    made: list[Session] = []
    begin = Session.__init__

    def kept(session: Session, *args: Any, **kwargs: Any) -> None:
        begin(session, *args, **kwargs)
        made.append(session)

    monkeypatch.setattr(Session, "__init__", kept)
    yield
    for session in made:
        session.diagnosis.close()


@pytest.fixture
def themes(qapp: QApplication) -> Iterator[ThemeManager]:
    """The light theme, so that a test does not depend on the desktop it runs on."""
    manager = ThemeManager("light")
    yield manager
    manager.deleteLater()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Choices kept in a file of the test's own."""
    return Settings(tmp_path / "window.ini")


@pytest.fixture(params=["en_US", "de_DE", "ar_EG"])
def any_locale(request: pytest.FixtureRequest) -> Iterator[QLocale]:
    """Qt's locale, and the C library's for numbers where the system has it: a decimal point, a
    decimal comma, other digits."""
    qt, numeric = QLocale(), locale.setlocale(locale.LC_NUMERIC)
    QLocale.setDefault(QLocale(request.param))
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_NUMERIC, f"{request.param}.UTF-8")
    yield QLocale()
    locale.setlocale(locale.LC_NUMERIC, numeric)
    QLocale.setDefault(qt)


@pytest.fixture
def open_window(
    qtbot: QtBot, isolated: Isolated, themes: ThemeManager, settings: Settings
) -> Iterator[OpenWindow]:
    """Opens windows, on a run's folder or on the list; waits until the plots are there."""
    windows: list[MainWindow] = []

    def make(folder: Path | None = None, show: bool = True) -> MainWindow:
        window = MainWindow(isolated.runs, settings, themes)
        windows.append(window)
        window.resize(1280, 800)
        if folder is not None:
            window.open_run(folder)
        if show:
            come_up(window, qtbot)
            if window.view is not None:
                view = window.view
                qtbot.waitUntil(lambda: view.plots is not None)
        return window

    yield make
    for window in windows:
        if window.question is not None:
            window.question.reject()
        window.leave_and_close()
        window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QApplication.processEvents()
