"""The guide as a person uses it: opened, read, followed, searched, in light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QPoint, QSize, Qt, QUrl, Slot
from PySide6.QtGui import QColor, QDesktopServices, QImage, QTextCursor, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from lrmonitor.app.guide.browser import PageView
from lrmonitor.app.guide.pictures import CURVES, drawn, style
from lrmonitor.app.guide.window import GuideWindow
from lrmonitor.app.theme import DARK, LIGHT, ThemeManager
from lrmonitor.app.window import MainWindow
from lrmonitor.guide import TOPICS, all_pages, page, topic_of
from lrmonitor.guide import pages as guide_pages
from lrmonitor.guide.pages import folder
from tests.app.conftest import OpenWindow
from tests.app.desktop import come_up

ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(open_window: OpenWindow) -> MainWindow:
    return open_window()


@pytest.fixture
def guide(window: MainWindow, qtbot: QtBot) -> GuideWindow:
    """The guide of a window, opened with its key."""
    QTest.keyClick(window, Qt.Key.Key_F1, SHIFT)
    return shown(window, qtbot)


def shown(window: MainWindow, qtbot: QtBot) -> GuideWindow:
    found = window.guide.window
    assert found is not None
    come_up(found, qtbot)
    return found


def listed(guide: GuideWindow) -> list[str]:
    """The titles on the left that can be chosen."""
    items = [guide.topics.item(at) for at in range(guide.topics.count())]
    return [i.text() for i in items if i is not None and i.flags() & Qt.ItemFlag.ItemIsEnabled]


def chosen(guide: GuideWindow) -> str:
    item = guide.topics.currentItem()
    return "" if item is None else item.text()


def place_of_link(view: PageView, target: str) -> QPoint:
    """A point in the viewport on the first link that leads there."""
    block = view.document().begin()
    while block.isValid():
        it = block.begin()
        while not it.atEnd():
            fragment = it.fragment()
            if fragment.charFormat().anchorHref() == target:
                cursor = QTextCursor(view.document())
                cursor.setPosition(fragment.position() + 1)
                view.setTextCursor(cursor)
                view.ensureCursorVisible()
                rect = view.cursorRect(cursor)
                return QPoint(rect.right() + 2, rect.center().y())
            it += 1
        block = block.next()
    raise AssertionError(f"no link to {target}")


def click_link(view: PageView, target: str) -> None:
    point = place_of_link(view, target)
    assert view.anchorAt(point) == target
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=point)


def test_it_opens_with_its_key_beside_the_window(
    window: MainWindow, guide: GuideWindow, qtbot: QtBot
) -> None:
    assert guide.windowTitle() == "What the learning rate is – Guide"
    assert chosen(guide) == "What the learning rate is"
    assert listed(guide) == [one.title for one in all_pages()]
    assert not guide.isModal()
    # The window is used meanwhile; the key brings the same guide back.
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window, Qt.Key.Key_F, CONTROL | SHIFT)
    focus = QApplication.focusWidget()
    assert focus is not None
    assert window.runs.isAncestorOf(focus)
    QTest.keyClick(window, Qt.Key.Key_F1, SHIFT)
    assert window.findChildren(GuideWindow) == [guide]


def test_from_the_menu_and_closed_with_esc(window: MainWindow, qtbot: QtBot) -> None:
    bar = window.menuBar()
    (action,) = [one for one in bar.actions() if one.text() == "&Help"]
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.actionGeometry(action).center())
    menu = action.menu()
    assert isinstance(menu, QMenu)
    qtbot.waitUntil(menu.isVisible)
    QTest.keyClick(menu, Qt.Key.Key_G)
    guide = shown(window, qtbot)
    with qtbot.waitSignal(guide.destroyed):
        QTest.keyClick(guide.view, Qt.Key.Key_Escape)
    assert window.guide.window is None
    window.show_guide()
    assert shown(window, qtbot).view.topic == "learning_rate"


def test_at_the_page_of_a_finding(window: MainWindow, qtbot: QtBot) -> None:
    window.show_guide(topic_of("slow_progress", "lr_too_low"))
    guide = shown(window, qtbot)
    assert guide.windowTitle() == "Slow progress – Guide"
    assert chosen(guide) == "Slow progress"
    # Another finding leads the same guide on; without one it stays where it is.
    window.show_guide(topic_of("of my own", "overfit"))
    assert chosen(guide) == "Overfitting"
    window.show_guide()
    assert chosen(guide) == "Overfitting"
    assert window.findChildren(GuideWindow) == [guide]


def test_links_back_and_forward(guide: GuideWindow, qtbot: QtBot) -> None:
    view = guide.view
    assert not guide.back.isEnabled()
    click_link(view, "too_high.md")
    assert (view.topic, chosen(guide)) == ("too_high", "Signs of a rate that is too high")
    place = view.verticalScrollBar().maximum()
    view.verticalScrollBar().setValue(place)
    click_link(view, "exploding_gradient.md")
    left_at = view.topic
    assert left_at == "exploding_gradient"
    assert not guide.forward.isEnabled()
    QTest.keyClick(view, Qt.Key.Key_Left, ALT)
    assert (view.topic, chosen(guide)) == ("too_high", "Signs of a rate that is too high")
    # Where it was left.
    assert view.verticalScrollBar().value() > place / 2
    QTest.mouseClick(guide.back, Qt.MouseButton.LeftButton)
    assert view.topic == "learning_rate"
    assert not guide.back.isEnabled()
    # From anywhere in the window.
    guide.search.setFocus()
    QTest.keyClick(guide.search, Qt.Key.Key_Right, ALT)
    assert view.topic == "too_high"
    QTest.mouseClick(guide.forward, Qt.MouseButton.LeftButton)
    assert view.topic == left_at


def test_with_the_keyboard_alone(guide: GuideWindow) -> None:
    view = guide.view
    assert view.hasFocus()
    QTest.keyClick(view, Qt.Key.Key_Tab)
    link = view.textCursor().charFormat().anchorHref() or view.textCursor().selectedText()
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert view.topic == "warm_up", link
    guide.topics.setFocus()
    QTest.keyClick(guide.topics, Qt.Key.Key_Down)
    # The line between that names the next part is passed over.
    assert view.topic == "starting_values"
    QTest.keyClick(guide.topics, Qt.Key.Key_Up)
    assert view.topic == "warm_up"


def test_the_search(guide: GuideWindow) -> None:
    QTest.keyClick(guide.view, Qt.Key.Key_F, CONTROL)
    assert guide.search.hasFocus()
    QTest.keyClicks(guide.search, "dead units")
    assert listed(guide) == [
        "Signs of a rate that is too low",
        "Plateau",
        "Vanishing updates",
        "When it is not the rate",
    ]
    assert guide.count.text() == "Pages: 4. On this one: 0"
    # The page stays until one is chosen; the word is marked on it.
    assert guide.view.topic == "learning_rate"
    QTest.keyClick(guide.search, Qt.Key.Key_Return)
    assert guide.view.topic == "too_low"
    marks = len(guide.view.extraSelections())
    assert marks >= 2
    assert guide.count.text() == f"Pages: 4. On this one: {marks}"
    first = guide.view.textCursor()
    assert first.selectedText().casefold() in ("dead", "units")
    QTest.keyClick(guide.search, Qt.Key.Key_Return)
    second = guide.view.textCursor()
    assert second.selectionStart() > first.selectionStart()
    QTest.keyClick(guide, Qt.Key.Key_F3, SHIFT)
    assert guide.view.textCursor() == first
    for _ in range(marks):
        QTest.keyClick(guide, Qt.Key.Key_F3)
    assert guide.view.textCursor() == first
    QTest.keyClick(guide.search, Qt.Key.Key_Down)
    assert guide.topics.hasFocus()
    for _ in range(2):
        QTest.keyClick(guide.topics, Qt.Key.Key_Down)
    assert guide.view.topic == "vanishing_updates"
    QTest.keyClick(guide, Qt.Key.Key_F, CONTROL)
    QTest.keyClicks(guide.search, "xyzzy")
    assert guide.count.text() == "Nothing found"
    assert listed(guide) == []
    QTest.keyClick(guide.search, Qt.Key.Key_Return)
    assert guide.view.topic == "vanishing_updates"
    QTest.keyClick(guide, Qt.Key.Key_F, CONTROL)
    QTest.keyClick(guide.search, Qt.Key.Key_Delete)
    assert listed(guide) == [one.title for one in all_pages()]
    assert guide.count.isHidden()
    assert guide.view.extraSelections() == []
    assert chosen(guide) == "Vanishing updates"


@pytest.mark.parametrize("name", [topic.name for topic in TOPICS])
def test_every_page_is_laid_out_whole(guide: GuideWindow, name: str, qtbot: QtBot) -> None:
    """On the screen, in a window that is made narrow: nothing twice, no picture missing or cut."""
    view = guide.view
    view.open(name)
    for width in (980, 560):
        guide.resize(QSize(width, 720))
        qtbot.waitUntil(lambda: not view._resized.isActive())
        text = view.toPlainText()
        assert text.startswith(page(name).title)
        assert text.splitlines().count(page(name).title) == 1
        wide = view.document().idealWidth()
        assert wide <= view.viewport().width()
        for _, file in page(name).pictures:
            picture = view.document().resource(
                QTextDocument.ResourceType.ImageResource.value, QUrl(file)
            )
            assert isinstance(picture, QImage)
            assert not picture.isNull()
            size = picture.deviceIndependentSize()
            assert size.height() > 60
            assert 160 <= size.width() <= view.viewport().width()


def test_it_follows_the_theme(guide: GuideWindow, themes: ThemeManager) -> None:
    view = guide.view
    view.open("decreasing")
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    before = bar.value()

    def colours() -> tuple[set[str], set[str]]:
        """Of the texts, and of the picture."""
        found = set()
        block = view.document().begin()
        while block.isValid():
            it = block.begin()
            while not it.atEnd():
                brush = it.fragment().charFormat().foreground()
                if brush.style() != Qt.BrushStyle.NoBrush:
                    found.add(brush.color().name())
                it += 1
            block = block.next()
        picture = view.document().resource(
            QTextDocument.ResourceType.ImageResource.value, QUrl("decay.svg")
        )
        assert isinstance(picture, QImage)
        opaque = picture.convertToFormat(QImage.Format.Format_ARGB32)
        pixels = {
            opaque.pixelColor(x, y).name()
            for x in range(0, opaque.width(), 2)
            for y in range(0, opaque.height(), 2)
            if opaque.pixelColor(x, y).alpha() == 255
        }
        return found, pixels

    for theme, other in ((LIGHT, DARK), (DARK, LIGHT)):
        themes.choose(theme.name)
        texts, pixels = colours()
        assert {theme.text, theme.quiet, theme.accent} <= texts
        assert not {other.text, other.quiet, other.accent} & texts
        assert theme.curve(0) in pixels
        assert other.curve(0) not in pixels
        assert view.palette().base().color() == QColor(theme.base)
        assert view.topic == "decreasing"
        assert abs(bar.value() - before) <= 2
    # The set of the curves' colours that a person chose holds in the pictures too.
    themes.choose("light", "contrast")
    assert themes.theme.curve(0) in colours()[1]
    assert LIGHT.curve(0) not in colours()[1]


class Desktop(QObject):
    """Stands where the person's web browser would."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toString())


def test_what_leads_outside_is_opened_by_a_click_alone(guide: GuideWindow) -> None:
    desktop = Desktop()
    # A str in fact, whatever its stub says.
    QDesktopServices.setUrlHandler("https", desktop, "open")  # type: ignore[arg-type]
    try:
        for topic in TOPICS:
            guide.view.open(topic.name)
        assert desktop.opened == []
        guide.view.open("warm_up")
        click_link(guide.view, "https://arxiv.org/abs/2406.09405")
        assert desktop.opened == ["https://arxiv.org/abs/2406.09405"]
        assert guide.view.topic == "warm_up"
    finally:
        QDesktopServices.unsetUrlHandler("https")


def test_a_page_reads_no_file_of_anywhere_else(guide: GuideWindow, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("# secret")
    kind = QTextDocument.ResourceType
    for name in (secret.as_uri(), str(secret), "../../pyproject.toml", "https://x.org/a.svg"):
        for what in (kind.MarkdownResource, kind.ImageResource, kind.HtmlResource):
            assert not guide.view.loadResource(what.value, QUrl(name))


def test_an_incomplete_installation_is_told(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*parts: str) -> Path:
        raise FileNotFoundError("guide is not among lrmonitor's files: please install it again")

    guide_pages.page.cache_clear()
    monkeypatch.setattr(guide_pages, "resource_path", gone)
    QTest.keyClick(window, Qt.Key.Key_F1, SHIFT)
    assert window.guide.window is None
    assert window.start is not None
    assert "please install it again" in window.start.problem.text


def test_the_pictures_are_those_that_the_curves_give() -> None:
    """Drawn anew they are the same but for the rounding of another machine: so they have the
    theme's colours, and shade what the detectors find today. Else `python -m
    tests.guide.make_pictures` draws them."""
    pytest.importorskip("torch")
    from tests.guide.make_pictures import drawings

    number = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")

    def split(text: str) -> tuple[str, list[float]]:
        """The line without its numbers, and these; of the style sheet nothing may differ."""
        if "<style>" in text:
            return text, []
        return number.sub("", text).replace(" ", ""), [float(n) for n in number.findall(text)]

    new = drawings()
    assert sorted(new) == sorted(path.name for path in folder().glob("*.svg"))
    for name, text in new.items():
        for now, then in zip(
            text.splitlines(), (folder() / name).read_text("utf-8").splitlines(), strict=True
        ):
            (words, values), (words_then, values_then) = split(now), split(then)
            assert words == words_then, name
            assert values == pytest.approx(values_then, abs=0.25), name


def test_a_picture_has_only_what_its_style_sheet_knows(themes: ThemeManager) -> None:
    known = set(re.findall(r"\.(\w+)\{", style(themes.theme)))
    for path in sorted(folder().glob("*.svg")):
        body = path.read_text("utf-8").partition("</style>")[2]
        used = {word for names in re.findall(r'class="([^"]*)"', body) for word in names.split()}
        assert used <= known, path.name
        assert max(int(name[1:]) for name in used if re.fullmatch(r"c\d", name)) < CURVES
        image = drawn(path.read_text("utf-8"), themes.theme, 320, 2.0, "sans-serif")
        assert image.deviceIndependentSize().width() == 320
        assert image.width() == 640
    assert drawn("<svg", themes.theme, 320, 1.0, "sans-serif").isNull()
