"""Who may import whom, in fact: what an interpreter holds after an import, and what is written.

The import contracts in pyproject.toml check our own packages against each other; these tests check
everything else, because the probe and the supervisor run in environments that have nothing of ours.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import lrmonitor

PACKAGE = Path(lrmonitor.__file__).parent

#: Parts that use the standard library alone, and torch where the script has it.
STDLIB_ONLY = (
    "schedules",
    "link",
    "launch",
    "probe",
    "record/home.py",
    "record/layout.py",
    "record/jsonl.py",
    "record/create.py",
    "record/writer.py",
    "guide",
    "resources.py",
    "__init__.py",
)
HEAVY = {"torch", "numpy", "PySide6", "shiboken6", "psutil", "platformdirs"}


def _files(part: str) -> list[Path]:
    path = PACKAGE / part
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _module(path: Path) -> str:
    parts = ["lrmonitor", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _modules(part: str) -> list[str]:
    """All modules of a part that an interpreter of ours imports by name."""
    return [_module(p) for p in _files(part) if p.name not in ("__main__.py", "sitecustomize.py")]


def _modules_after(*modules: str) -> set[str]:
    """Names in `sys.modules` of a fresh interpreter that came with importing the modules."""
    code = (
        "import sys, json, importlib\n"
        "before = set(sys.modules)\n"
        f"for name in {list(modules)!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def _held_after(*modules: str) -> set[str]:
    """The same, by the first part of each name."""
    return {name.partition(".")[0] for name in _modules_after(*modules)}


def _foreign(names: set[str]) -> set[str]:
    # multiprocessing makes `__mp_main__` another name of the main module.
    ours = {"lrmonitor", "__mp_main__"}
    return {n for n in names if n not in sys.stdlib_module_names and n not in ours}


@pytest.mark.parametrize("part", STDLIB_ONLY)
def test_lean_part_loads_the_standard_library_alone(part: str) -> None:
    assert _foreign(_held_after(*_modules(part))) == set()


@pytest.mark.parametrize("part", STDLIB_ONLY)
def test_lean_part_names_the_standard_library_alone(part: str) -> None:
    """Also inside functions, which a fresh interpreter does not see."""
    # Only the probe names torch; our `sitecustomize` hands over to the one that it shadows.
    allowed = {"probe": {"torch"}, "launch": {"sitecustomize"}}.get(part, set())
    for path in _files(part):
        for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
            if isinstance(node, ast.Import):
                names = {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = {str(node.module).partition(".")[0]}
            else:
                continue
            assert _foreign(names) <= allowed, f"{path}:{node.lineno}"


@pytest.mark.parametrize("part", STDLIB_ONLY)
def test_lean_part_is_written_in_the_oldest_python_of_scripts(part: str) -> None:
    for path in _files(part):
        ast.parse(path.read_bytes(), str(path), feature_version=(3, 10))


def test_the_package_itself_loads_nothing_of_the_house() -> None:
    assert {n for n in _modules_after("lrmonitor") if n.startswith("lrmonitor")} == {"lrmonitor"}


def test_record_reads_with_numpy_alone() -> None:
    assert _held_after(*_modules("record")) & HEAVY <= {"numpy"}


def test_model_is_complete_without_qt_and_torch() -> None:
    assert _held_after(*_modules("model")) & HEAVY <= {"numpy", "psutil"}


def test_diagnosis_needs_nothing_but_numpy() -> None:
    assert _held_after(*_modules("diagnosis")) & HEAVY <= {"numpy"}


def test_finder_needs_nothing_but_numpy() -> None:
    assert _held_after(*_modules("finder")) & HEAVY <= {"numpy"}


def test_a_report_needs_no_window() -> None:
    assert _held_after(*_modules("report")) & HEAVY <= {"numpy", "psutil"}


def test_window_never_holds_torch_or_the_probe() -> None:
    held = _modules_after(*_modules("app"), "lrmonitor.cli.window")
    assert not {name for name in held if name.startswith(("torch.", "lrmonitor.probe"))}


def test_every_verb_loads_without_qt_and_torch() -> None:
    held = _held_after(*[m for m in _modules("cli") if not m.endswith(".window")])
    assert not held & {"torch", "PySide6", "shiboken6"}


def test_command_line_starts_lean() -> None:
    """`lrmonitor --help` and shell scripts around the verbs should not wait for imports."""
    assert not _held_after("lrmonitor.cli.main") & (HEAVY - {"psutil", "platformdirs"})
