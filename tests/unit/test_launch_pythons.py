"""The Pythons that are found, and what their files tell of them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import venv
from pathlib import Path

import pytest

from lrmonitor.launch import pythons
from lrmonitor.launch.pythons import Python, find_pythons, inspect, likeliest


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder without anything."""
    place = tmp_path / "ann"
    place.mkdir()
    return place


def fake(prefix: Path, version: str = "3.12.4", torch: str | None = None) -> Path:
    """An installed Python, as far as its files go; it cannot be started."""
    series = version.rpartition(".")[0]
    python = prefix / "bin" / f"python{series}"
    python.parent.mkdir(parents=True)
    python.write_text("#!/no/such/interpreter\n")
    python.chmod(0o755)
    (python.parent / "python").symlink_to(python.name)
    header = prefix / "include" / f"python{series}" / "patchlevel.h"
    header.parent.mkdir(parents=True)
    header.write_text(f'#define PY_VERSION \t"{version}+"\n')
    add_torch(prefix / "lib" / f"python{series}" / "site-packages", torch)
    return python.parent / "python"


def fake_venv(prefix: Path, base: Path, torch: str | None = None, system: bool = False) -> Path:
    """A virtual environment of a fake Python."""
    python = prefix / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(base)
    (prefix / "pyvenv.cfg").write_text(
        f"home = {base.parent}\ninclude-system-site-packages = {str(system).lower()}\n"
        "version = 3.12.4\n"
    )
    add_torch(prefix / "lib" / "python3.12" / "site-packages", torch)
    return python


def add_torch(site: Path, version: str | None) -> None:
    """Put a torch of that version into a folder of packages."""
    site.mkdir(parents=True, exist_ok=True)
    if version is not None:
        (site / "torch").mkdir()
        (site / "torch" / "version.py").write_text(f"__version__ = '{version}'\n")


def test_the_running_python_is_told_truly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a real interpreter tell what it says of itself, and it is not started."""
    monkeypatch.setattr(pythons, "_ask", lambda path, where: pytest.fail("it was started"))
    found = inspect(sys.executable, "this")
    assert found.version == platform.python_version()
    assert found.torch == importlib.metadata.version("torch")


def test_a_real_virtual_environment(tmp_path: Path) -> None:
    venv.create(tmp_path / ".venv", with_pip=False, symlinks=True)
    found = inspect(str(tmp_path / ".venv" / "bin" / "python"), "here")
    assert (found.version, found.torch) == (platform.python_version(), None)
    assert found.known


def test_order_and_each_environment_once(tmp_path: Path, home: Path) -> None:
    base = fake(tmp_path / "usr")
    project = home / "project"
    beside = fake_venv(project / "src" / ".venv", base)
    above = fake_venv(project / "venv", base)
    active = fake_venv(tmp_path / "active", base)
    conda = fake(home / "miniconda3" / "envs" / "dl", torch="2.3.0")
    listed = fake(tmp_path / "listed")
    (home / ".conda").mkdir()
    (home / ".conda" / "environments.txt").write_text(f"{tmp_path / 'listed'}\n/gone\n")
    newer = fake(home / ".pyenv" / "versions" / "3.12.10", "3.12.10")
    older = fake(home / ".pyenv" / "versions" / "3.12.9", "3.12.9")
    found = find_pythons(
        str(project / "src"),
        environ={
            "VIRTUAL_ENV": str(tmp_path / "active"),
            "PATH": os.pathsep.join([str(active.parent), str(base.parent), ""]),
        },
        current=str(base),
        home=home,
    )
    assert [python.path for python in found] == [
        str(path) for path in (beside, above, base, active, listed, conda, newer, older)
    ]
    assert found[0].where == "beside the script"
    assert found[1].where == f"in {project}"
    assert found[-1].version == "3.12.9"


def test_environments_above_the_home_folder_are_not_the_projects(
    tmp_path: Path, home: Path
) -> None:
    fake_venv(tmp_path / ".venv", fake(tmp_path / "usr"))
    project = home / "project"
    project.mkdir()
    assert find_pythons(str(project), environ={}, current="", home=home) == []


def test_pythons_that_are_too_old_are_listed_only_with_torch(tmp_path: Path, home: Path) -> None:
    fake(home / ".pyenv" / "versions" / "3.8.2", "3.8.2")
    old = fake(home / ".pyenv" / "versions" / "3.9.1", "3.9.1", torch="1.13.0")
    (found,) = find_pythons(environ={}, current="", home=home)
    assert (found.path, found.too_old) == (str(old), True)


class TestTorch:
    def test_in_the_environment(self, tmp_path: Path) -> None:
        python = fake_venv(tmp_path / "v", fake(tmp_path / "usr"), torch="2.4.1+cu121")
        assert inspect(str(python), "").torch == "2.4.1+cu121"

    @pytest.mark.parametrize("system", [True, False])
    def test_in_the_system_if_the_environment_takes_it(self, tmp_path: Path, system: bool) -> None:
        base = fake(tmp_path / "usr", torch="2.2.0")
        python = fake_venv(tmp_path / "v", base, system=system)
        assert inspect(str(python), "").torch == ("2.2.0" if system else None)

    def test_through_a_path_file(self, tmp_path: Path) -> None:
        python = fake_venv(tmp_path / "v", fake(tmp_path / "usr"))
        add_torch(tmp_path / "shared", "2.5.0")
        site = tmp_path / "v" / "lib" / "python3.12" / "site-packages"
        (site / "shared.pth").write_text(f"import nothing\n# a comment\n\n{tmp_path / 'shared'}\n")
        assert inspect(str(python), "").torch == "2.5.0"

    def test_of_the_user(self, tmp_path: Path, home: Path) -> None:
        base = fake(tmp_path / "usr")
        add_torch(home / ".local" / "lib" / "python3.12" / "site-packages", "2.1.0")
        assert inspect(str(base), "", home=home).torch == "2.1.0"
        alone = fake_venv(tmp_path / "v", base)
        assert inspect(str(alone), "", home=home).torch is None

    @pytest.mark.parametrize(
        ("name", "version"),
        [
            ("torch-2.6.0+cpu.dist-info", "2.6.0+cpu"),
            ("torch-2.0.1-py3.12.egg-info", "2.0.1"),
            ("torch_geometric-2.5.0.dist-info", None),
        ],
    )
    def test_of_which_only_the_record_is_there(
        self, tmp_path: Path, name: str, version: str | None
    ) -> None:
        python = fake_venv(tmp_path / "v", fake(tmp_path / "usr"))
        (tmp_path / "v" / "lib" / "python3.12" / "site-packages" / name).mkdir()
        assert inspect(str(python), "").torch == version


class TestAsking:
    def shim(self, folder: Path, text: str) -> str:
        folder.mkdir()
        shim = folder / "python"
        shim.write_text(f"#!/bin/sh\n{text}\n")
        shim.chmod(0o755)
        return str(shim)

    def test_a_shim_is_asked(self, tmp_path: Path) -> None:
        shim = self.shim(tmp_path / "shims", f'exec "{sys.executable}" "$@"')
        found = inspect(shim, "on PATH")
        assert found.version == platform.python_version()
        assert found.torch == importlib.metadata.version("torch")

    @pytest.mark.parametrize("text", ["exit 3", "echo hello", "sleep 60"])
    def test_one_that_does_not_answer_is_unknown(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setattr(pythons, "ASK_SECONDS", 0.3)
        shim = self.shim(tmp_path / "shims", f"exec {text}" if "sleep" in text else text)
        assert inspect(shim, "on PATH") == Python(shim, "on PATH")


def test_the_likeliest_has_torch() -> None:
    without, with_torch = Python("/a", ""), Python("/b", "", "3.11.1", "2.0", True)
    assert likeliest([without, with_torch]) is with_torch
    assert likeliest([without]) is without
    assert likeliest([]) is None
