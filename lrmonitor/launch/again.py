"""A run once more: from its `run.json` back to a launch, or to a form to change."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lrmonitor.launch.form import Form
from lrmonitor.launch.interpreter import is_executable
from lrmonitor.launch.spec import KINDS, LaunchSpec, Options, SpecError
from lrmonitor.launch.spec import command as command_spec
from lrmonitor.launch.spec import module as module_spec
from lrmonitor.launch.spec import script as script_spec

_STARTED = (
    "it was not started by lrmonitor: it is a process that called lrmonitor.start() itself, such "
    "as a notebook. Run it again where it ran"
)

ONCE = ("LRMONITOR_FIRST_TEST",)
"""Variables that were for one launch alone: a client waited for what they ask for."""


class CannotRerun(SpecError):
    """The run cannot be started once more; the message says why, as the rest of a sentence."""


def form_of(info: Mapping[str, Any]) -> Form:
    """The form that would have started a run; of the same name if that was given by a person.

    Args:
        info: the content of its `run.json`.

    Raises:
        CannotRerun: it was not launched, or its record does not say how.
    """
    words, cwd, env = _recorded(info)
    kind, target, arguments = _parts(info, words)
    form = Form(
        kind=kind,
        target=os.path.join(cwd, target) if kind == "script" else target,
        arguments=shlex.join(arguments),
        python="" if kind == "command" else words[0],
        env=tuple(env.items()),
    )
    name = str(info.get("name") or "")
    return replace(
        form,
        folder="" if cwd == form.default_folder else cwd,
        name="" if name == form.default_name else name,
    )


def spec_again(
    info: Mapping[str, Any],
    home: Path,
    *,
    name: str | None = None,
    arguments: Sequence[str] | None = None,
    detached: bool = False,
    ignored: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
) -> LaunchSpec:
    """The launch that repeats a run: same command, folder, Python and added variables.

    Args:
        info: the content of its `run.json`.
        home: the folder of runs for the new one.
        name: another name than the run's.
        arguments: in the place of all arguments of its script, module or command.
        env: further variables, in the place of those of the same name.

    Raises:
        CannotRerun: it was not launched, or something that it needs is gone.
    """
    words, cwd, variables = _recorded(info)
    kind, target, recorded = _parts(info, words)
    if not os.path.isdir(cwd):
        raise CannotRerun(f"the folder {cwd} that it worked in is {_gone(info)}")
    if kind != "command" and not is_executable(words[0]):
        raise CannotRerun(f"the Python {words[0]} that ran it is {_gone(info)}")
    options = Options(
        home=home,
        name=name or str(info.get("name") or "") or None,
        kind=str(info["kind"]),
        cwd=cwd,
        env={**variables, **(env or {})},
        detached=detached,
        ignored=ignored,
    )
    given = tuple(recorded if arguments is None else arguments)
    try:
        if kind == "script":
            return script_spec(target, given, words[0], options)
        if kind == "module":
            return module_spec(target, given, words[0], options)
        return command_spec(words if arguments is None else (words[0], *given), options)
    except SpecError as error:
        raise CannotRerun(str(error)) from None


def _recorded(info: Mapping[str, Any]) -> tuple[tuple[str, ...], str, dict[str, str]]:
    """Command, working folder and added variables; checked, since a file may hold anything."""
    if info.get("kind") not in KINDS:
        raise CannotRerun(_STARTED)
    words, cwd, env = info.get("command"), info.get("cwd"), info.get("env") or {}
    if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
        raise CannotRerun("its record does not say which command it was")
    if not isinstance(cwd, str) or not isinstance(env, dict):
        raise CannotRerun("its record does not say where it worked")
    variables = {str(key): str(value) for key, value in env.items() if key not in ONCE}
    return tuple(words), cwd, variables


def _parts(info: Mapping[str, Any], words: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """What was launched: kind, target and arguments."""
    script = str(info.get("script") or "")
    if info.get("python") is not None and len(words) > 1:
        if len(words) > 2 and words[1] == "-m" and script == f"-m {words[2]}":
            return "module", words[2], words[3:]
        if words[1] == script:
            return "script", words[1], words[2:]
    return "command", shlex.join(words), ()


def _gone(info: Mapping[str, Any]) -> str:
    host = info.get("host")
    if isinstance(host, str) and host and host != socket.gethostname():
        return f"not on this computer (it ran on {host})"
    return "gone"


def recent(infos: Iterable[Mapping[str, Any]], limit: int = 15) -> list[tuple[Form, float]]:
    """The forms of runs, each once, with the time of the latest that had it.

    Args:
        infos: the content of each `run.json`, newest first; what was not launched is passed over.
        limit: how many at most.
    """
    found: dict[Form, float] = {}
    for info in infos:
        if len(found) >= limit:
            break
        try:
            form = form_of(info)
        except CannotRerun:
            continue
        created = info.get("created")
        when = float(created) if isinstance(created, (int, float)) else 0.0
        found.setdefault(form, when)
    return list(found.items())
