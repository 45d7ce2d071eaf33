"""Where training processes listen: a folder of the user's, gone at logout at the latest."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path

ADDRESS_LIMIT = 100
"""Bytes of a Unix socket's name that every system takes (Linux has 108, macOS 104)."""


def runtime_dir() -> Path:
    """The per-user runtime folder: LRMONITOR_RUNTIME_DIR, else XDG_RUNTIME_DIR/lrmonitor, else
    /tmp/lrmonitor-<uid>. It may not exist yet."""
    told = os.environ.get("LRMONITOR_RUNTIME_DIR")
    if told:
        return Path(told)
    xdg = os.environ.get("XDG_RUNTIME_DIR")
    if xdg and os.path.isdir(xdg):
        return Path(xdg) / "lrmonitor"
    return _fallback()


def make_private(folder: Path) -> None:
    """Make a folder that is this user's alone. Raises OSError when it is or becomes another's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not hasattr(os, "getuid"):
        return
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    if found.st_mode & 0o077:
        os.chmod(folder, 0o700)


def endpoint_file(run_id: str, rank: int) -> Path:
    """The file that tells a rank's address and token."""
    return runtime_dir() / f"{run_id}-{rank}.json"


def socket_address(run_id: str, rank: int) -> str:
    """The name of a rank's socket, at most `ADDRESS_LIMIT` bytes."""
    address = str(runtime_dir() / f"{run_id}-{rank}.sock")
    if len(os.fsencode(address)) > ADDRESS_LIMIT:
        digest = hashlib.sha256(os.fsencode(address)).hexdigest()[:24]
        address = str(_fallback() / f"{digest}.sock")
    return address


def window_address(folder: str | os.PathLike[str]) -> str:
    """The name of the socket of the window that shows a run's folder, at most `ADDRESS_LIMIT`
    bytes."""
    digest = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]
    address = str(runtime_dir() / f"window-{digest}.sock")
    if len(os.fsencode(address)) > ADDRESS_LIMIT:
        address = str(_fallback() / f"window-{digest}.sock")
    return address


def endpoints(run_id: str) -> dict[int, Path]:
    """The endpoint files of a run by rank; those of killed processes too."""
    pattern = re.compile(re.escape(run_id) + r"-(\d+)\.json")
    found = {}
    try:
        names = os.listdir(runtime_dir())
    except OSError:
        return {}
    for name in names:
        if match := pattern.fullmatch(name):
            found[int(match[1])] = runtime_dir() / name
    return found


def _fallback() -> Path:
    base = "/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir()
    return Path(base) / f"lrmonitor-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
