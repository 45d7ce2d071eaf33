"""What the demo launches: the example script, in a Python that has torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lrmonitor.launch import spec as specs
from lrmonitor.launch.interpreter import Interpreter, can_import_torch, choose
from lrmonitor.launch.spec import LaunchSpec
from lrmonitor.launch.start import ignored_signals


class NoTorch(ValueError):
    """The Python that was chosen has no torch; `python` is its path."""

    def __init__(self, python: str) -> None:
        super().__init__(f"{python} does not have PyTorch")
        self.python = python


def demo(
    script: Path,
    home: Path,
    *,
    python: str | None = None,
    name: str | None = None,
    detached: bool = True,
    words: Sequence[str] = (),
) -> tuple[LaunchSpec, Interpreter]:
    """The launch of the example `script`, its runs in `home`, with the Python it will use.

    Raises:
        NoInterpreter: there is no such Python.
        NoTorch: it has no torch.
        SpecError: the launch cannot be as asked.
    """
    interpreter = choose(python)
    if not can_import_torch(interpreter.path):
        raise NoTorch(interpreter.path)
    options = specs.Options(
        home=home,
        name=name or "demo",
        kind="demo",
        detached=detached,
        ignored=ignored_signals(),
    )
    return specs.script(os.fspath(script), words, interpreter.path, options), interpreter
