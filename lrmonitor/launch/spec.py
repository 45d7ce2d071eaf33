"""What is to be launched: a value that crosses from the client to the supervisor as JSON."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KINDS = ("launched", "demo")


class SpecError(ValueError):
    """The launch cannot be as asked; the message is one sentence for the user."""


@dataclass(frozen=True)
class LaunchSpec:
    """One launch. Make it with `script`, `module` or `command` below.

    Attributes:
        command: what is executed, with its arguments.
        target: the script, module or command, as `run.json` names it.
        argv: `sys.argv` as the script will see it; for a module its name stands first, for a
            command the command itself.
        home: absolute path of the folder that will hold the run's folder.
        name: the run's name, not empty; need not be unique.
        kind: one of `KINDS`.
        cwd: absolute working directory of the script, or None to inherit the caller's.
        env: variables added to the inherited environment.
        python: absolute path of the script's interpreter, None for a command.
        detached: nobody is in the foreground: no keys, no terminal, output to the run folder alone.
        columns, rows: size of the terminal of a detached run, in characters.
        ignored: names of signals that the caller ignores on purpose (as under nohup) and that the
            script ignores too therefore.
    """

    command: tuple[str, ...]
    target: str
    argv: tuple[str, ...]
    home: str
    name: str
    kind: str = "launched"
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None
    detached: bool = False
    columns: int = 80
    rows: int = 24
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.command or not self.command[0]:
            raise SpecError("there is nothing to run")
        if not self.name:
            raise SpecError("the run's name is empty")
        if self.kind not in KINDS:
            raise SpecError(f"a launched run cannot be of the kind {self.kind!r}")
        for text in (*self.command, *self.env, *self.env.values(), self.cwd or ""):
            if "\0" in text:
                raise SpecError(f"{text!r} holds a zero byte, which no command can be given")
        for key in self.env:
            if not key or "=" in key:
                raise SpecError(f"{key!r} cannot be the name of an environment variable")

    def to_json(self) -> str:
        """The spec on one line; surrogates (bytes that are no text) survive as escapes."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> LaunchSpec:
        """Read `to_json`'s text.

        Raises:
            SpecError: a field is missing, unknown or of another type.
        """
        try:
            found = json.loads(text)
        except ValueError as error:
            raise SpecError(f"the launch is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise SpecError("the launch is not a JSON object")
        known = {item.name for item in dataclasses.fields(cls)}
        if known != set(found):
            raise SpecError(f"fields missing or unknown: {sorted(known ^ set(found))}")
        for key in ("command", "argv", "ignored"):
            if not _strings(found[key]):
                raise SpecError(f"{key} is not a list of texts")
            found[key] = tuple(found[key])
        for key in ("target", "home", "name", "kind"):
            if not isinstance(found[key], str):
                raise SpecError(f"{key} is not a text")
        for key in ("cwd", "python"):
            if found[key] is not None and not isinstance(found[key], str):
                raise SpecError(f"{key} is neither a text nor null")
        for key in ("columns", "rows"):
            if type(found[key]) is not int or not 0 < found[key] < 65536:
                raise SpecError(f"{key} is not a number of characters")
        if not isinstance(found["detached"], bool):
            raise SpecError("detached is not true or false")
        env = found["env"]
        if not isinstance(env, dict) or not _strings(list(env.values())):
            raise SpecError("env is not an object of texts")
        return cls(**found)


@dataclass(frozen=True)
class Options:
    """What every kind of launch takes; see `LaunchSpec`. `cwd` may be relative here."""

    home: Path
    name: str | None = None
    kind: str = "launched"
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    detached: bool = False
    ignored: tuple[str, ...] = ()


def script(path: str, args: Sequence[str], python: str, options: Options) -> LaunchSpec:
    """A Python script (or a folder or archive with a `__main__.py`), run by `python`.

    Raises:
        SpecError: there is no such file.
    """
    folder = _folder(options.cwd)
    full = os.path.join(folder or os.curdir, path)
    if not os.path.exists(full):
        where = f" in {folder}" if folder and not os.path.isabs(path) else ""
        raise SpecError(f"there is no script {path}{where}")
    if os.path.isdir(full) and not os.path.exists(os.path.join(full, "__main__.py")):
        raise SpecError(f"{path} is a folder without a __main__.py: name the script in it")
    if not os.access(full, os.R_OK):
        raise SpecError(f"the script {path} cannot be read: check its permissions")
    stem = os.path.basename(os.path.abspath(full)).removesuffix(".py")
    words = (path, *args)
    return _spec((python, *words), path, words, stem or path, python, options)


def module(target: str, args: Sequence[str], python: str, options: Options) -> LaunchSpec:
    """`python -m target`. Whether the module exists is for that Python to say."""
    stem = target.removesuffix(".__main__").rpartition(".")[2]
    words = (python, "-m", target, *args)
    return _spec(words, f"-m {target}", (target, *args), stem or target, python, options)


def command(words: Sequence[str], options: Options) -> LaunchSpec:
    """Any command; each Python in it that trains is seen.

    Raises:
        SpecError: there is no command.
    """
    if not words or not words[0]:
        raise SpecError("there is no command after `--`")
    stem = os.path.basename(words[0].rstrip("/")) or words[0]
    return _spec(tuple(words), words[0], tuple(words), stem, None, options)


def _spec(
    words: tuple[str, ...],
    target: str,
    argv: tuple[str, ...],
    stem: str,
    python: str | None,
    options: Options,
) -> LaunchSpec:
    columns, rows = shutil.get_terminal_size()
    return LaunchSpec(
        command=words,
        target=target,
        argv=argv,
        home=os.path.abspath(options.home),
        name=options.name or stem,
        kind=options.kind,
        cwd=_folder(options.cwd),
        env=dict(options.env),
        python=python,
        detached=options.detached,
        columns=columns,
        rows=rows,
        ignored=options.ignored,
    )


def _folder(cwd: str | None) -> str | None:
    """The working directory, absolute; None (inherit it) unless one is asked for."""
    if cwd is None:
        return None
    full = os.path.abspath(os.path.expanduser(cwd))
    if not os.path.isdir(full):
        raise SpecError(f"there is no folder {cwd} to work in")
    return full


def _strings(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(item, str) for item in found)
