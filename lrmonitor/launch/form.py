"""What a person fills in to start a run, and what it comes to: a launch, or what is wrong with it.

The words of a shell line are split as a shell does (quotes, backslashes), but nothing in them is
expanded: no shell is started.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lrmonitor.launch import spec as specs
from lrmonitor.launch.interpreter import NoInterpreter, choose, locate
from lrmonitor.launch.spec import LaunchSpec, Options, SpecError
from lrmonitor.record.home import runs_home

KINDS = ("script", "module", "command")
FIELDS = ("target", "arguments", "python", "folder", "env", "name")


@dataclass(frozen=True)
class Problem:
    """Why the form cannot be started: at which of `FIELDS`, in a sentence.

    `missing`: nothing is wrong, something is only not filled in yet.
    """

    field: str
    text: str
    missing: bool = False


@dataclass(frozen=True)
class Form:
    """The form as it stands; everything is text as typed.

    Attributes:
        kind: one of `KINDS`.
        target: the script's path, the module's name, or a whole command line.
        arguments: one line for the script or module; not used for a command.
        python: a path or name; empty for the one that `lrmonitor run` would choose. Not used for a
            command.
        folder: where it works; empty for `default_folder`.
        env: names and values to set, in order.
        name: the run's; empty for the script's.
    """

    kind: str = "script"
    target: str = ""
    arguments: str = ""
    python: str = ""
    folder: str = ""
    env: tuple[tuple[str, str], ...] = ()
    name: str = ""

    @property
    def default_folder(self) -> str:
        """Where it works unless told otherwise: a script in its own folder, as in most editors; a
        module or command where lrmonitor was started, as in a terminal."""
        path = os.path.expanduser(self.target.strip())
        if self.kind == "script" and os.path.isabs(path):
            return os.path.dirname(os.path.abspath(path))
        return _here()

    @property
    def working_folder(self) -> str:
        """Where it works, absolute."""
        told = self.folder.strip()
        return os.path.abspath(os.path.expanduser(told)) if told else self.default_folder

    @property
    def script(self) -> str:
        """The script as it is named to Python: short where it is in the working folder."""
        folder = self.working_folder
        path = os.path.normpath(os.path.join(folder, os.path.expanduser(self.target.strip())))
        inside = os.path.relpath(path, folder)
        shown = path if inside.startswith(os.pardir) or inside == os.curdir else inside
        return os.path.join(os.curdir, shown) if shown.startswith("-") else shown

    @property
    def default_name(self) -> str:
        """The run's name unless another is given; empty while there is nothing to run."""
        text = self.target.strip()
        if self.kind == "script":
            return os.path.basename(os.path.normpath(text)).removesuffix(".py") if text else ""
        try:
            options = Options(Path(os.sep))
            if self.kind == "module":
                return specs.module(text, (), "python", options).name
            return specs.command(shlex.split(text), options).name
        except (SpecError, ValueError):
            return ""


def problems(form: Form, environ: Mapping[str, str] | None = None) -> list[Problem]:
    """All that keeps the form from being started, in the order of the fields.

    Looks at the disk: whether the script, the folder and the interpreter are there.
    """
    environ = os.environ if environ is None else environ
    found = [
        _target_problem(form, environ),
        _line_problem("arguments", form.arguments) if form.kind != "command" else None,
        _python_problem(form, environ) if form.kind != "command" else None,
        _folder_problem(form),
        _env_problem(form),
        _name_problem(form),
    ]
    return [problem for problem in found if problem is not None]


def launch_spec(form: Form, home: Path, ignored: tuple[str, ...] = ()) -> LaunchSpec:
    """The launch that the form asks for, detached.

    Raises:
        SpecError: something is wrong with the form; see `problems`.
    """
    wrong = problems(form)
    if wrong:
        raise SpecError(wrong[0].text)
    options = Options(
        home=home,
        name=form.name.strip() or None,
        cwd=form.working_folder,
        env=dict(form.env),
        detached=True,
        ignored=ignored,
    )
    return _spec(form, "" if form.kind == "command" else _python(form), options)


def command_line(form: Form, home: Path) -> str:
    """The `lrmonitor run …` that starts the same run from a terminal; empty while none can."""
    try:
        words = ["lrmonitor", "run"]
        if home != Path(runs_home()):
            words += ["--runs", str(home)]
        if form.name.strip():
            words += ["--name", form.name.strip()]
        if form.kind != "command":
            words += ["--python", _python(form)]
        words += ["--cwd", form.working_folder]
        for key, value in form.env:
            words += ["--env", f"{key}={value}"]
        if form.kind == "command":
            words += ["--", *shlex.split(form.target)]
        elif form.kind == "module":
            words += ["-m", form.target.strip(), *shlex.split(form.arguments)]
        else:
            words += [form.script, *shlex.split(form.arguments)]
    except (ValueError, SpecError):
        return ""
    return shlex.join(words) if form.target.strip() else ""


def unexpanded(line: str) -> list[str]:
    """The words of a line that a shell would have replaced by others: `~`, `$X`, `*`, `|`, …

    Quoted ones are meant as they are and are not among them.
    """
    try:
        words = shlex.split(line, posix=False)
    except ValueError:
        return []
    bare = [word for word in words if not re.search(r"['\"\\]", word)]
    return [word for word in bare if re.search(r"^~|=~/|[$*?`|<>;&]", word)]


def _spec(form: Form, python: str, options: Options) -> LaunchSpec:
    if form.kind == "command":
        return specs.command(shlex.split(form.target), options)
    words = shlex.split(form.arguments)
    if form.kind == "module":
        return specs.module(form.target.strip(), words, python, options)
    return specs.script(form.script, words, python, options)


def _python(form: Form) -> str:
    try:
        return locate(form.python.strip()) if form.python.strip() else choose(None).path
    except NoInterpreter as error:
        raise SpecError(str(error)) from None


def _target_problem(form: Form, environ: Mapping[str, str]) -> Problem | None:
    text = form.target.strip()
    if not text:
        what = {
            "script": "Choose the script to run.",
            "module": "Name the module to run, such as package.train.",
            "command": "Type the command to run, such as torchrun train.py.",
        }
        return Problem("target", what[form.kind], missing=True)
    if form.kind == "script":
        return _script_problem(form)
    if form.kind == "module":
        if re.search(r"\s", text):
            return Problem("target", "A module's name has no spaces: arguments go below.")
        if text.endswith(".py") or os.sep in text:
            return Problem("target", "This is a file. Choose Script, or name it as in an import.")
        return None
    return _line_problem("target", text) or _command_problem(form, shlex.split(text)[0], environ)


def _script_problem(form: Form) -> Problem | None:
    text = form.target.strip()
    path = os.path.join(form.working_folder, os.path.expanduser(text))
    if not os.path.exists(path):
        where = "" if os.path.isabs(os.path.expanduser(text)) else f" in {form.working_folder}"
        return Problem("target", f"There is no file {text}{where}.")
    if os.path.isdir(path):
        if os.path.exists(os.path.join(path, "__main__.py")):
            return None
        return Problem("target", "This is a folder. Choose the script in it.")
    if not os.access(path, os.R_OK):
        return Problem("target", "You may not read this file: change its permissions.")
    return None


def _command_problem(form: Form, word: str, environ: Mapping[str, str]) -> Problem | None:
    if not word:
        return Problem("target", "The command is empty.")
    if re.match(r"[A-Za-z_]\w*=", word):
        return Problem("target", f"{word} is a variable: set it under Variables below.")
    if os.sep in word:
        path = os.path.join(form.working_folder, word)
        if not os.path.exists(path):
            where = "" if os.path.isabs(word) else f" in {form.working_folder}"
            return Problem("target", f"There is no file {word}{where}.")
        if os.path.isdir(path) or not os.access(path, os.X_OK):
            return Problem("target", f"{word} is not a program. For a Python file choose Script.")
        return None
    path_variable = dict(form.env).get("PATH", environ.get("PATH"))
    if shutil.which(word, path=path_variable) is None:
        return Problem("target", f"There is no command {word} on PATH.")
    return None


def _line_problem(field: str, line: str) -> Problem | None:
    try:
        shlex.split(line)
    except ValueError:
        quote = _open_quote(line)
        if quote is None:
            return Problem(field, "The line ends in a \\: nothing follows it. Write \\\\ for one.")
        return Problem(field, f"A quote ({quote}) is opened and not closed.")
    return None


def _open_quote(line: str) -> str | None:
    """The quotation mark that is open at the end of the line, by the rules of `shlex`."""
    quote, escaped = None, False
    for letter in line:
        if escaped:
            escaped = False
        elif letter == "\\" and quote != "'":
            escaped = True
        elif quote is None and letter in "'\"":
            quote = letter
        elif letter == quote:
            quote = None
    return quote


def _python_problem(form: Form, environ: Mapping[str, str]) -> Problem | None:
    try:
        if form.python.strip():
            locate(form.python.strip(), environ)
        else:
            choose(None, environ=environ)
    except NoInterpreter as error:
        text = str(error)
        if not form.python.strip():
            text = "No Python was found on this computer: choose one with Other…"
        return Problem("python", text if text.endswith((".", "…")) else f"{text}.")
    return None


def _folder_problem(form: Form) -> Problem | None:
    if not form.folder.strip():
        return None  # a script that is not there is told at the script
    folder = form.working_folder
    if not os.path.exists(folder):
        return Problem("folder", f"There is no folder {form.folder.strip()}.")
    if not os.path.isdir(folder):
        return Problem("folder", "This is a file, not a folder.")
    if not os.access(folder, os.X_OK):
        return Problem("folder", "You may not enter this folder: change its permissions.")
    return None


def _env_problem(form: Form) -> Problem | None:
    seen = set()
    for key, value in form.env:
        if not key:
            return Problem("env", f"The value “{value}” has no name.")
        if "=" in key or re.search(r"\s", key):
            return Problem("env", f"“{key}” cannot be a name: no spaces and no “=” in it.")
        if key in seen:
            return Problem("env", f"{key} is set twice.")
        seen.add(key)
    return None


def _name_problem(form: Form) -> Problem | None:
    if any(ord(letter) < 32 for letter in form.name):
        return Problem("name", "A run's name is one line of text.")
    return None


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # the folder was deleted
        return os.path.expanduser("~")
