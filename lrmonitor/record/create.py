"""Making a run folder: its id and its `run.json`."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import lrmonitor
from lrmonitor.record import layout
from lrmonitor.record.jsonl import plain

_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def new_run_id() -> str:
    """An id that is also a folder's name: the time (UTC) and four random letters."""
    tail = "".join(secrets.choice(_LETTERS) for _ in range(4))
    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + tail


def create_run(
    home: str | os.PathLike[str],
    *,
    id: str | None = None,
    name: str,
    kind: str,
    script: str,
    argv: Sequence[str],
    command: Sequence[str],
    cwd: str,
    python: str | None,
    env: Mapping[str, str],
) -> Path:
    """Make a run's folder with its `run.json`; the folder, absolute.

    `run.json` appears whole or not at all. Raises OSError when the folder cannot be made.
    """
    home = Path(home).absolute()
    home.mkdir(parents=True, exist_ok=True)
    while True:
        run_id = id or new_run_id()
        folder = home / run_id
        try:
            folder.mkdir()
            break
        except FileExistsError:
            if id is not None:
                raise
    info = {
        "format": layout.FORMAT,
        "id": run_id,
        "name": name,
        "kind": kind,
        "created": time.time(),
        "script": script,
        "argv": list(argv),
        "command": list(command),
        "cwd": str(cwd),
        "host": socket.gethostname(),
        "user": _user(),
        "python": python,
        "git_commit": git_commit(Path(cwd)),
        "lrmonitor": lrmonitor.__version__,
        "env": dict(env),
    }
    partial = folder / f".{layout.RUN}.{os.getpid()}"
    text = json.dumps(plain(info), indent=1, ensure_ascii=False)
    partial.write_text(text, "utf-8", "backslashreplace")
    partial.replace(folder / layout.RUN)
    return folder


def git_commit(folder: Path) -> str | None:
    """The commit that is checked out in `folder` or above it; None where there is none.

    Read from git's files: a training process must not start another process for it.
    """
    try:
        for place in (folder, *folder.parents):
            git = place / ".git"
            if git.is_file():  # a work tree of its own, or a submodule
                git = (place / git.read_text("utf-8").removeprefix("gitdir:").strip()).resolve()
            if git.is_dir():
                return _head(git)
    except (OSError, UnicodeError):
        pass
    return None


def _head(git: Path) -> str | None:
    head = (git / "HEAD").read_text("utf-8").strip()
    if not head.startswith("ref:"):
        return head or None
    ref = head.removeprefix("ref:").strip()
    common = git / "commondir"
    roots = [git]
    if common.is_file():
        roots.append((git / common.read_text("utf-8").strip()).resolve())
    for root in roots:
        if (root / ref).is_file():
            return (root / ref).read_text("utf-8").strip() or None
        packed = root / "packed-refs"
        if packed.is_file():
            for line in packed.read_text("utf-8").splitlines():
                commit, _, name = line.partition(" ")
                if name == ref:
                    return commit
    return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else ""
