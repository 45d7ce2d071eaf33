"""The fields that say what to run; what they come to is `launch.form`'s business."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from lrmonitor.launch.form import KINDS, Form, Problem, unexpanded

from ..theme import Theme
from .fields import Field
from .interpreters import InterpreterChoice
from .variables import VariableTable

__all__ = ["RunForm"]


class RunForm(QWidget):
    """The form. `edited()`: something in it changed, by the person or by what was found.

    It keeps what was typed for each kind, so that looking at another kind loses nothing.
    """

    edited = Signal()
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filling = False
        self.kinds = QButtonGroup(self)
        self.targets: dict[str, QLineEdit] = {}
        self.arguments = self._edit(self.tr("Arguments"), "--lr 0.1 --epochs 20")
        self.folder = self._edit(self.tr("Working folder"))
        self.name = self._edit(self.tr("Name"))
        self.variables = VariableTable(self)
        self.interpreters = InterpreterChoice(self)
        self.browse = self._button(self.tr("&Browse…"), self._choose_script)
        other = self._button(self.tr("&Other…"), self.interpreters.browse)
        choose_folder = self._button(self.tr("Brows&e…"), self._choose_folder)
        choose_folder.setAccessibleName(self.tr("Choose the working folder"))
        self.fields = {
            "target": Field(self.tr("&File"), self._target_row(), theme, self.browse, parent=self),
            "arguments": Field(self.tr("&Arguments"), self.arguments, theme, parent=self),
            "python": Field(self.tr("P&ython"), self.interpreters.box, theme, other, parent=self),
            "folder": Field(
                self.tr("&Working folder"), self.folder, theme, choose_folder, parent=self
            ),
            "env": Field(self.tr("&Variables"), self.variables, theme, parent=self),
            "name": Field(self.tr("&Name"), self.name, theme, parent=self),
        }
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(11)
        column.addWidget(self._kind_row(theme))
        for field in self.fields.values():
            column.addWidget(field)
        column.addStretch(1)
        self.fields["env"].hint(self.tr("They are written into the run's record: no passwords."))
        self.interpreters.changed.connect(self._on_edit)
        self.variables.edited.connect(self._on_edit)
        self.kinds.buttons()[0].setChecked(True)
        self._show_kind()

    @property
    def kind(self) -> str:
        """The kind that is chosen."""
        return KINDS[self.kinds.checkedId()]

    def form(self) -> Form:
        """The form as it stands."""
        command = self.kind == "command"
        return Form(
            kind=self.kind,
            target=self.targets[self.kind].text(),
            arguments="" if command else self.arguments.text(),
            python="" if command else self.interpreters.path,
            folder=self.folder.text(),
            env=self.variables.pairs(),
            name=self.name.text(),
        )

    def fill(self, form: Form) -> None:
        """Put a whole form in the place of what is there."""
        self._filling = True
        self.kinds.button(KINDS.index(form.kind)).setChecked(True)
        self.targets[form.kind].setText(form.target)
        self.arguments.setText(form.arguments)
        self.folder.setText(form.folder)
        self.variables.set_pairs(form.env)
        self.name.setText(form.name)
        self.interpreters.choose(form.python)
        self._filling = False
        self._show_kind()

    def fill_script(self, path: Path) -> None:
        """A script was chosen or dropped: everything else stays as it is."""
        self._filling = True
        self.kinds.button(KINDS.index("script")).setChecked(True)
        self.targets["script"].setText(str(path))
        self._filling = False
        self._show_kind()

    def show_problems(self, problems: list[Problem]) -> None:
        """Say at each field what is wrong with it. What is only missing is not wrong."""
        told = {problem.field: problem.text for problem in problems if not problem.missing}
        for name, field in self.fields.items():
            if field.problem != told.get(name, ""):
                field.say(told.get(name, ""))

    def tells(self, problem: Problem) -> bool:
        """Whether its field says it already."""
        field = self.fields.get(problem.field)
        return field is not None and field.problem == problem.text

    def clear_mended(self, problems: list[Problem]) -> None:
        """Take back what is wrong no more, at once; what is newly wrong may wait for a pause."""
        wrong = {problem.field: problem.text for problem in problems}
        for name, field in self.fields.items():
            if field.problem and name not in wrong:
                field.say("")

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        for field in self.fields.values():
            field.set_theme(theme)

    def _on_edit(self) -> None:
        if self._filling:
            return
        form = self.form()
        if form.kind != "script":
            self.interpreters.look_beside(form.working_folder)
        elif form.target.strip():
            path = os.path.join(form.working_folder, os.path.expanduser(form.target.strip()))
            self.interpreters.look_beside(os.path.dirname(os.path.normpath(path)))
        self.folder.setPlaceholderText(form.default_folder)
        self.name.setPlaceholderText(form.default_name)
        words = unexpanded(form.target if form.kind == "command" else form.arguments)
        told = ""
        if words:
            told = self.tr("No shell reads this line: {0} is passed on as it is written.").format(
                words[0]
            )
        if words and form.kind == "command":
            told += " " + self.tr("For a shell: bash -c '…'")
        self.fields["target"].hint(told if form.kind == "command" else "", "warn")
        self.fields["arguments"].hint("" if form.kind == "command" else told, "warn")
        self._tell_python()
        self.edited.emit()

    def _tell_python(self) -> None:
        python, field = self.interpreters.python, self.fields["python"]
        if python is None:
            field.hint("")
        elif python.too_old:
            field.hint(
                self.tr("Python {0} is too old: lrmonitor sees training in 3.10 or newer.").format(
                    python.version
                ),
                "warn",
            )
        elif python.known and python.torch is None:
            field.hint(
                self.tr("It has no torch: only what the script prints would be recorded."), "warn"
            )
        elif not python.known and self.interpreters.searched and not self.interpreters.busy:
            field.hint(self.tr("It did not tell which Python it is."), "warn")
        else:
            field.hint(f"{python.path}  ({python.where})")

    def _show_kind(self) -> None:
        kind = self.kind
        typing = any(edit.hasFocus() for edit in self.targets.values())
        for name, edit in self.targets.items():
            edit.setVisible(name == kind)
        if typing:
            self.targets[kind].setFocus()
        self.browse.setVisible(kind == "script")
        labels = {
            "script": self.tr("&File"),
            "module": self.tr("&Module"),
            "command": self.tr("Co&mmand"),
        }
        target = self.fields["target"]
        target.label.setText(labels[kind])
        target.label.setBuddy(self.targets[kind])
        self.fields["arguments"].setVisible(kind != "command")
        self.fields["python"].setVisible(kind != "command")
        self.fields["folder"].hint(
            self.tr("Empty: the script's own folder. Relative paths in the script start here.")
            if kind == "script"
            else self.tr("Empty: the folder in which lrmonitor was started.")
        )
        self._on_edit()

    def _kind_row(self, theme: Theme) -> Field:
        row = QWidget(self)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(18)
        texts = (self.tr("&Script"), self.tr("Mo&dule (-m)"), self.tr("&Command"))
        for number, text in enumerate(texts):
            button = QRadioButton(text, row)
            self.kinds.addButton(button, number)
            line.addWidget(button)
        line.addStretch(1)
        self.kinds.idToggled.connect(self._on_kind)
        return Field(self.tr("Run a"), row, theme, parent=self)

    def _on_kind(self, _: int, on: bool) -> None:
        if on and self.targets and not self._filling:
            self._show_kind()

    def _target_row(self) -> QWidget:
        row = QWidget(self)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        for kind, name, example in (
            ("script", self.tr("Python file"), self.tr("train.py: choose it, type it or drop it")),
            ("module", self.tr("Module"), "package.train"),
            ("command", self.tr("Command"), "torchrun --nproc-per-node 2 train.py"),
        ):
            edit = self._edit(name, example)
            edit.setParent(row)
            line.addWidget(edit)
            self.targets[kind] = edit
        return row

    def _edit(self, name: str, example: str = "") -> QLineEdit:
        edit = QLineEdit(self)
        edit.setAccessibleName(name)
        edit.setPlaceholderText(example)
        edit.setAcceptDrops(False)  # a file dropped here is for the dialog
        edit.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        edit.textChanged.connect(self._on_edit)
        edit.editingFinished.connect(self.left)
        return edit

    def _button(self, text: str, do: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        button.clicked.connect(do)
        return button

    def _choose_script(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a script"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([self.tr("Python files (*.py)"), self.tr("All files (*)")])
        dialog.setDirectory(self.form().working_folder)
        dialog.fileSelected.connect(lambda path: self.fill_script(Path(path)))
        dialog.open()

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose the working folder"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setDirectory(self.form().working_folder)
        dialog.fileSelected.connect(self.folder.setText)
        dialog.open()
