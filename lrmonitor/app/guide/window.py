"""The window of the guide: topics on the left, a page on the right, a search over all of them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.guide import TOPICS, page, search
from lrmonitor.guide.topics import FIRST

from ..focus import tab_by_layout
from ..panels.parts import quiet
from ..theme import Theme
from .browser import PageView

__all__ = ["GuideWindow"]

SIZE = QSize(980, 720)
LIST_WIDTH = 240


class GuideWindow(QDialog):
    """Beside the main window, not in its way: both can be used. Lives in the GUI thread.

    Raises lrmonitor.guide.GuideError where the guide's files are missing.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._theme = theme
        self._titles = {topic.name: page(topic.name).title for topic in TOPICS}
        self.view = PageView(theme, self)
        self.topics = QListWidget(self)
        self.search = QLineEdit(self)
        self.count = quiet("", self)
        self.back = self._button(self.tr("← &Back"), self.tr("The page before (Alt+Left)"))
        self.forward = self._button(self.tr("&Forward →"), self.tr("The page after (Alt+Right)"))
        self._lay_out()
        self._fill([topic.name for topic in TOPICS])
        self.back.clicked.connect(self.view.backward)
        self.forward.clicked.connect(self.view.forward)
        self.view.backwardAvailable.connect(self.back.setEnabled)
        self.view.forwardAvailable.connect(self.forward.setEnabled)
        self.view.topic_changed.connect(self._on_topic)
        self.view.outside.connect(self._on_outside)
        self.topics.currentItemChanged.connect(self._on_chosen)
        self.search.textChanged.connect(self._on_search)
        self.search.returnPressed.connect(self._on_enter)
        self.search.installEventFilter(self)
        # The page takes Alt with the arrows and F3 itself while it has the focus; so does all else.
        for keys, do in (
            (QKeySequence.StandardKey.Find, self._to_search),
            ("Alt+Left", self.view.backward),
            ("Alt+Right", self.view.forward),
            ("F3", self.view.next_found),
            ("Shift+F3", lambda: self.view.next_found(True)),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(do)

    def open_topic(self, topic: str = "") -> None:
        """Show the page of a topic, by default the one that is shown, at first the first."""
        self.view.open(topic or self.view.topic or FIRST)
        self.view.setFocus()

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        for at in range(self.topics.count()):
            self._colour(self.topics.item(at))
        self.view.set_theme(theme)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # From the search down into what it found.
        if (
            watched is self.search
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Down
        ):
            self.topics.setFocus()
            if self.topics.currentItem() is None:
                self._choose_first()
            return True
        return super().eventFilter(watched, event)

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setProperty("role", "tool")
        button.setEnabled(False)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _lay_out(self) -> None:
        self.search.setPlaceholderText(self.tr("Search the guide (Ctrl+F)"))
        self.search.setAccessibleName(self.tr("Search the guide"))
        self.search.setClearButtonEnabled(True)
        self.topics.setAccessibleName(self.tr("Topics of the guide"))
        self.topics.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.topics.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.topics.setSpacing(2)
        left = QWidget(self)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.search)
        column.addWidget(self.topics, 1)
        column.addWidget(self.count)
        right = QWidget(self)
        body = QVBoxLayout(right)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(6)
        bar = QHBoxLayout()
        bar.addWidget(self.back)
        bar.addWidget(self.forward)
        bar.addStretch(1)
        body.addLayout(bar)
        body.addWidget(self.view, 1)
        split = QSplitter(Qt.Orientation.Horizontal, self)
        split.addWidget(left)
        split.addWidget(right)
        split.setStretchFactor(1, 1)
        split.setChildrenCollapsible(False)
        split.setSizes([LIST_WIDTH, SIZE.width() - LIST_WIDTH])
        whole = QHBoxLayout(self)
        whole.setContentsMargins(12, 12, 12, 12)
        whole.addWidget(split)
        self.count.hide()
        screen = self.screen().availableSize()
        self.resize(SIZE.boundedTo(screen))
        self.setTabOrder(self.search, self.topics)
        tab_by_layout(right)

    def _fill(self, names: list[str]) -> None:
        """List these topics, in their groups."""
        shown = self.view.topic
        with QSignalBlocker(self.topics):
            self.topics.clear()
            group = ""
            for topic in TOPICS:
                if topic.name not in names:
                    continue
                if topic.group != group:
                    group = topic.group
                    head = QListWidgetItem(self._group(group), self.topics)
                    head.setFlags(Qt.ItemFlag.NoItemFlags)
                    font = head.font()
                    font.setBold(True)
                    head.setFont(font)
                    self._colour(head)
                item = QListWidgetItem(self._titles[topic.name], self.topics)
                item.setData(Qt.ItemDataRole.UserRole, topic.name)
                item.setToolTip(self._titles[topic.name])
                if topic.name == shown:
                    self.topics.setCurrentItem(item)

    def _group(self, name: str) -> str:
        return {
            "rate": self.tr("The learning rate"),
            "choosing": self.tr("Choosing a rate"),
            "findings": self.tr("Findings"),
        }[name]

    def _colour(self, item: QListWidgetItem | None) -> None:
        if item is not None and not item.data(Qt.ItemDataRole.UserRole):
            item.setForeground(QColor(self._theme.quiet))

    def _items(self) -> list[QListWidgetItem]:
        """The lines that are topics."""
        items = [self.topics.item(at) for at in range(self.topics.count())]
        return [i for i in items if i is not None and i.data(Qt.ItemDataRole.UserRole)]

    def _choose_first(self) -> None:
        items = self._items()
        if items:
            self.topics.setCurrentItem(items[0])

    def _on_chosen(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.view.open(str(item.data(Qt.ItemDataRole.UserRole)))

    def _on_topic(self, name: str) -> None:
        self.setWindowTitle(self.tr("{0} – Guide").format(self._titles.get(name, name)))
        with QSignalBlocker(self.topics):
            found = [i for i in self._items() if i.data(Qt.ItemDataRole.UserRole) == name]
            self.topics.setCurrentItem(found[0] if found else None)  # type: ignore[arg-type]
        if self.search.text().strip():
            self._tell()

    def _on_search(self, words: str) -> None:
        self.view.highlight(words)
        self._fill([one.topic.name for one in search(words)])
        self._tell()

    def _tell(self) -> None:
        """Say below the list what the search found."""
        words = self.search.text().strip()
        self.count.setVisible(bool(words))
        pages, here = len(self._items()), len(self.view.extraSelections())
        if not pages:
            self.count.setText(self.tr("Nothing found"))
        else:
            self.count.setText(self.tr("Pages: {0}. On this one: {1}").format(pages, here))

    def _on_enter(self) -> None:
        """Go to the first page that was found; on it, from one find to the next."""
        if self.topics.currentItem() is None:
            self._choose_first()
        self.view.next_found()

    def _to_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def _on_outside(self, url: QUrl) -> None:
        # Only ever after a click or Enter on that very link.
        QDesktopServices.openUrl(url)
