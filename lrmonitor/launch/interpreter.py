"""Which Python runs the script, and why: the choice is always said."""

from __future__ import annotations

import importlib.machinery
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass


class NoInterpreter(ValueError):
    """No Python could be chosen; the message is one sentence for the user."""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter (absolute path, links not resolved: a virtual environment's is a link)."""

    path: str
    why: str


def choose(
    explicit: str | None,
    *,
    environ: Mapping[str, str] | None = None,
    current: str | None = None,
    current_has_torch: bool | None = None,
) -> Interpreter:
    """Choose the script's Python.

    The one asked for; else the current one if it has torch; else that of the active virtual or
    conda environment; else the one on PATH.

    Args:
        explicit: a path or a name on PATH, or None.
        environ: the environment to look at; `os.environ` by default.
        current: the running interpreter; `sys.executable` by default.
        current_has_torch: looked up without importing torch by default.

    Raises:
        NoInterpreter: the one asked for does not exist or cannot be executed, or none is found.
    """
    environ = os.environ if environ is None else environ
    current = sys.executable if current is None else current
    if explicit is not None:
        try:
            return Interpreter(locate(explicit, environ), "as asked with --python")
        except NoInterpreter as error:
            raise NoInterpreter(f"--python {error}") from None
    if current_has_torch is None:
        current_has_torch = has_torch()
    if current and current_has_torch:
        return Interpreter(current, "the one lrmonitor runs in, which has torch")
    for variable, kind in (("VIRTUAL_ENV", "virtual"), ("CONDA_PREFIX", "conda")):
        folder = environ.get(variable)
        if folder:
            path = os.path.join(folder, "bin", "python")
            if is_executable(path):
                return Interpreter(path, f"the active {kind} environment's")
    for name in ("python3", "python"):
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return Interpreter(os.path.abspath(found), f"{name} on PATH")
    raise NoInterpreter("no Python was found to run the script with: name one with --python")


def has_torch() -> bool:
    """Whether this interpreter can import torch, found out without importing it.

    The working directory does not count, even where `python -m` put it on `sys.path`.
    """
    here = os.getcwd() if _cwd_exists() else None
    path = [entry for entry in sys.path if entry and entry != here]
    spec = importlib.machinery.PathFinder.find_spec("torch", path)
    return spec is not None and spec.origin is not None


def can_import_torch(python: str) -> bool:
    """Whether another interpreter finds torch; it is asked, which takes some 20 ms."""
    if python == sys.executable:
        return has_torch()
    question = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
    try:
        asked = subprocess.run(
            [python, "-c", question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return asked.returncode == 0


def locate(asked: str, environ: Mapping[str, str] | None = None) -> str:
    """The interpreter that a person names by a path, an environment's folder or a name on PATH.

    The path is absolute, links in it are not resolved.

    Raises:
        NoInterpreter: it does not exist or cannot be executed; the message begins with its name.
    """
    environ = os.environ if environ is None else environ
    if os.sep in asked:
        path = os.path.abspath(os.path.expanduser(asked))
        if os.path.isdir(path):
            inside = os.path.join(path, "bin", "python")
            if is_executable(inside):
                return inside  # an environment's folder says clearly enough what is meant
            raise NoInterpreter(f"{asked} is a folder: name the interpreter in it")
        if not os.path.exists(path):
            raise NoInterpreter(f"{asked} does not exist")
        if not is_executable(path):
            raise NoInterpreter(f"{asked} is not an executable file")
        return path
    found = shutil.which(asked, path=environ.get("PATH"))
    if found is None:
        raise NoInterpreter(f"{asked}: no such command on PATH")
    return os.path.abspath(found)


def is_executable(path: str) -> bool:
    """Whether there is a file that this user may execute."""
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _cwd_exists() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True
