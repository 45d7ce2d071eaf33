"""The Pythons of this machine and the torch that each has, told from their files: none is started.

Where to look: https://packaging.python.org/en/latest/specifications/virtual-environments/
(pyvenv.cfg), the `site` module's documentation (.pth files, user site), conda's own list of
environments (~/.conda/environments.txt), and pyenv's `versions` folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lrmonitor.launch.interpreter import is_executable

OLDEST = (3, 10)
"""The oldest Python in which the probe works."""

ASK_SECONDS = 10.0
"""How long an interpreter whose files tell nothing may take to answer."""

_QUESTION = """
import importlib.util, os, re, sys
version = ".".join(map(str, sys.version_info[:3]))
torch = ""
spec = importlib.util.find_spec("torch")
if spec is not None and spec.origin:
    torch = "?"
    try:
        with open(os.path.join(os.path.dirname(spec.origin), "version.py")) as file:
            torch = re.search("__version__ = '([^']+)'", file.read()).group(1)
    except (OSError, AttributeError):
        pass
print(version, torch)
"""
_CONDA_HOMES = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".conda")
_VENV_NAMES = (".venv", "venv", "env")


@dataclass(frozen=True)
class Python:
    """An interpreter that can run a script.

    Attributes:
        path: absolute; links are not resolved, since a virtual environment's Python is one.
        where: how it was found, in a few words.
        version: "3.11.7" (or "3.11" where no more can be told), None if unknown.
        torch: its torch's version, "?" if it has one of an unknown version, None if it has none.
        known: whether `version` and `torch` could be told at all.
    """

    path: str
    where: str
    version: str | None = None
    torch: str | None = None
    known: bool = False

    @property
    def too_old(self) -> bool:
        """Whether training in it is not seen (before Python 3.10)."""
        return self.version is not None and _numbers(self.version)[:2] < OLDEST


def find_pythons(
    beside: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    current: str | None = None,
    home: Path | None = None,
) -> list[Python]:
    """All that are found, each environment once, the likelier ones first.

    Pythons that are too old for lrmonitor are left out, unless they have torch.
    Reads some files for each and starts nothing, except a Python whose files tell nothing (a shim):
    that one is asked, for at most `ASK_SECONDS`. Call it in the background.

    Args:
        beside: a folder; virtual environments in it and in the folders above it come first.
        environ: `os.environ` by default.
        current: the running interpreter; `sys.executable` by default.
        home: the user's home folder, `~` by default.
    """
    environ = os.environ if environ is None else environ
    home = Path.home() if home is None else home
    current = sys.executable if current is None else current
    found: list[Python] = []
    known: set[str] = set()
    for path, where in _candidates(beside, environ, current, home):
        if not is_executable(path):
            continue
        key = _environment_of(path)
        if key in known:
            continue
        known.add(key)
        python = inspect(path, where, home=home)
        if python.torch or not python.too_old:
            found.append(python)
    return found


def inspect(path: str, where: str, *, home: Path | None = None) -> Python:
    """What can be told of one interpreter; it is asked only if its files tell nothing."""
    home = Path.home() if home is None else home
    prefix = _environment_of(path)
    config = _config(Path(prefix))
    base = Path(prefix) if not config else Path(config.get("home", prefix)).parent
    version = config.get("version") or config.get("version_info") or _base_version(path, base)
    if version is None:
        return _ask(path, where)
    version = ".".join(version.split(".")[:3])
    series = ".".join(version.split(".")[:2])
    places = _site_folders(Path(prefix), series)
    if not config or config.get("include-system-site-packages", "").lower() == "true":
        if config:
            places += _site_folders(base, series)
        places.append(home / ".local" / "lib" / f"python{series}" / "site-packages")
    return Python(path, where, version, _torch_in(_with_pth(places)), known=True)


def likeliest(pythons: Iterable[Python]) -> Python | None:
    """The one to offer: the first that has torch, else the first."""
    pythons = list(pythons)
    return next((python for python in pythons if python.torch), pythons[0] if pythons else None)


def _candidates(
    beside: str | None, environ: Mapping[str, str], current: str, home: Path
) -> Iterator[tuple[str, str]]:
    if beside is not None:
        folder = Path(os.path.abspath(beside))
        for place in (folder, *folder.parents):
            for name in _VENV_NAMES:
                if (place / name / "pyvenv.cfg").is_file():
                    where = "beside the script" if place == folder else f"in {place}"
                    yield _python_in(place / name), where
            if place == home:
                break
    if current:
        yield current, "the one lrmonitor runs in"
    for variable, kind in (("VIRTUAL_ENV", "virtual"), ("CONDA_PREFIX", "conda")):
        if environ.get(variable):
            yield _python_in(Path(environ[variable])), f"the active {kind} environment"
    for entry in filter(None, environ.get("PATH", "").split(os.pathsep)):
        for name in ("python3", "python"):
            yield os.path.join(os.path.abspath(entry), name), "on PATH"
    for place in _conda_environments(environ, home):
        yield _python_in(place), "a conda environment"
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv")
    for version in _inside(pyenv / "versions", newest_first=True):
        yield _python_in(version), "of pyenv"


def _conda_environments(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    roots = [home / name for name in _CONDA_HOMES]
    conda = environ.get("CONDA_EXE")
    if conda:
        roots.insert(0, Path(conda).parent.parent)
    if environ.get("MAMBA_ROOT_PREFIX"):
        roots.insert(0, Path(environ["MAMBA_ROOT_PREFIX"]))
    try:
        listed = (home / ".conda" / "environments.txt").read_text("utf-8").splitlines()
    except (OSError, UnicodeError):
        listed = []
    for line in listed:
        if line.strip():
            yield Path(line.strip())
    for root in roots:
        if (root / "conda-meta").is_dir():
            yield root
        yield from _inside(root / "envs")


def _inside(folder: Path, newest_first: bool = False) -> list[Path]:
    """The folders in a folder; `newest_first` by the numbers in their names."""
    try:
        found = [folder / name for name in sorted(os.listdir(folder))]
    except OSError:
        return []
    if newest_first:
        found.sort(key=lambda place: _numbers(place.name), reverse=True)
    return [place for place in found if place.is_dir()]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _python_in(environment: Path) -> str:
    for name in ("python", "python3"):
        path = environment / "bin" / name
        if is_executable(str(path)):
            return str(path)
    return str(environment / "bin" / "python")


def _environment_of(path: str) -> str:
    """The folder of the environment that an interpreter belongs to.

    A virtual environment is told by its pyvenv.cfg; any other link is another name of the
    interpreter it leads to.
    """
    prefix = os.path.dirname(os.path.dirname(os.path.abspath(path)))
    if os.path.isfile(os.path.join(prefix, "pyvenv.cfg")):
        return os.path.realpath(prefix)
    return os.path.dirname(os.path.dirname(os.path.realpath(path)))


def _config(prefix: Path) -> dict[str, str]:
    """The settings in pyvenv.cfg; none where there is no such file."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text("utf-8").splitlines()
    except (OSError, UnicodeError):
        return {}
    pairs = (line.partition("=") for line in lines)
    return {key.strip().lower(): value.strip() for key, sign, value in pairs if sign}


def _base_version(path: str, base: Path) -> str | None:
    """The version of an interpreter that is in no virtual environment."""
    named = re.fullmatch(r"python(\d+\.\d+)t?", os.path.basename(os.path.realpath(path)))
    try:
        libraries = os.listdir(base / "lib")
    except OSError:
        return None
    versions = [m[1] for name in libraries if (m := re.fullmatch(r"python(\d+\.\d+)", name))]
    series = named[1] if named else (versions[0] if len(versions) == 1 else None)
    if series is None or series not in versions:
        return None
    return _patch_level(base, series) or series


def _patch_level(base: Path, series: str) -> str | None:
    """The full version, from the headers, from conda's record or from the folder's name."""
    try:
        header = (base / "include" / f"python{series}" / "patchlevel.h").read_text("utf-8")
        if match := re.search(r'define\s+PY_VERSION\s+"([0-9.]+)', header):
            return match[1]
    except (OSError, UnicodeError):
        pass
    try:
        records = os.listdir(base / "conda-meta")
    except OSError:
        records = []
    for name in records:
        if match := re.match(r"python-(\d+\.\d+\.\d+)-", name):
            return match[1]
    return base.name if re.fullmatch(re.escape(series) + r"\.\d+", base.name) else None


def _site_folders(prefix: Path, series: str) -> list[Path]:
    """Where packages of a prefix are; Debian's places among them."""
    folders = [
        prefix / lib / f"python{series}" / name
        for lib in ("lib", "lib64")
        for name in ("site-packages", "dist-packages")
    ]
    if prefix == Path("/usr"):
        local = Path("/usr/local/lib")
        folders = [local / f"python{series}" / "dist-packages", *folders]
        folders.append(Path("/usr/lib/python3/dist-packages"))
    return folders


def _with_pth(folders: Iterable[Path]) -> Iterator[Path]:
    """The folders, and those that path files in them add (lines that run code are passed over)."""
    for folder in folders:
        if not folder.is_dir():
            continue
        yield folder
        for file in sorted(folder.glob("*.pth")):
            try:
                lines = file.read_text("utf-8").splitlines()
            except (OSError, UnicodeError):
                continue
            for line in lines:
                if line.strip() and not line.startswith(("#", "import ", "import\t")):
                    yield folder / line.strip()


def _torch_in(folders: Iterable[Path]) -> str | None:
    """The version of the first torch that would be imported from these folders."""
    for folder in folders:
        try:
            text = (folder / "torch" / "version.py").read_text("utf-8")
        except (OSError, UnicodeError):
            text = ""
        if match := re.search(r"^__version__\s*=\s*['\"]([^'\"]+)", text, re.MULTILINE):
            return match[1]
        for record in folder.glob("torch-*.*-info"):  # installed in place, or without version.py
            if match := re.match(r"torch-([^-]+?)(-py\d.*)?\.(dist|egg)-info$", record.name):
                return match[1]
        if (folder / "torch" / "__init__.py").is_file():
            return "?"
    return None


def _ask(path: str, where: str) -> Python:
    """Start an interpreter to hear what it is; unknown if it does not answer in time."""
    try:
        asked = subprocess.run(
            [path, "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=os.sep,  # a folder of the name torch that happens to be here does not count
            timeout=ASK_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return Python(path, where)
    match = re.fullmatch(r"(\d+\.\d+\.\d+) ?(\S*)", asked.stdout.strip())
    if asked.returncode or match is None:
        return Python(path, where)
    return Python(path, where, match[1], match[2] or None, known=True)
