"""The way in for the probe, in each Python it may meet, with a torch that has a few lines."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import lrmonitor
from tests.helpers.pythons import other_python

SUPPORTED = ["3.10", "3.11", "3.12", "3.13", "3.14"]
OLD = ["2.7", "3.6", "3.7", "3.8", "3.9"]

PROBE = """
import sys
CALLS = []
def install_after_torch_import():
    import torch
    CALLS.append(torch.WEIGHT)
    if getattr(torch, "BREAKS_PROBE", False):
        raise RuntimeError("the probe is broken")
"""


class House:
    """A copy of the way in, with a probe beside it that only counts, and a script's folder."""

    def __init__(self, folder: Path) -> None:
        package = folder / "house" / "lrmonitor"
        source = Path(lrmonitor.__file__).parent / "launch" / "site" / "sitecustomize.py"
        self.site = package / "launch" / "site"
        self.site.mkdir(parents=True)
        shutil.copy(source, self.site)
        (package / "probe").mkdir()
        (package / "probe" / "install.py").write_text(PROBE)
        (package / "__init__.py").write_text("HERE = True\n")
        (package.parent / "beside.py").write_text("")
        self.run = folder / "run"
        self.run.mkdir()
        self.work = folder / "work"
        self.work.mkdir()
        self.torch("WEIGHT = 1\n")

    def torch(self, text: str) -> None:
        """Make a package `torch` in the script's folder."""
        (self.work / "torch").mkdir(exist_ok=True)
        (self.work / "torch" / "__init__.py").write_text(text)

    def script(self, text: str) -> None:
        (self.work / "s.py").write_text(text)

    def start(
        self, version: str, *options: str, carried: bool = True, path: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the script, with the way in or (not carried) as it would be without us."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        entries = [str(self.site)] * carried + [path] * bool(path)
        if entries:
            env["PYTHONPATH"] = os.pathsep.join(entries)
        if carried:
            env["LRMONITOR_RUN"] = str(self.run)
        return subprocess.run(
            [other_python(version), *options, "s.py"],
            cwd=self.work,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def both(
    house: House, version: str, path: str = ""
) -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
    """The script with and without us."""
    return house.start(version, path=path), house.start(version, path=path, carried=False)


@pytest.mark.parametrize("version", [*OLD, *SUPPORTED])
class TestEveryPython:
    def test_leaves_the_path_and_the_modules_as_they_are(self, house: House, version: str) -> None:
        house.script(
            "import sys\nprint(sys.path)\nprint(sorted(m for m in sys.modules if 'site' in m))"
        )
        here, there = both(house, version)
        assert here.stdout == there.stdout
        assert here.stderr == there.stderr == ""

    def test_the_shadowed_one_takes_its_place(
        self, house: House, version: str, tmp_path: Path
    ) -> None:
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "sitecustomize.py").write_text("print(__name__)\nHERE = 3\n")
        house.script("import sitecustomize as s\nprint(s.HERE)\nprint(s.__file__)")
        here, there = both(house, version, str(tmp_path / "own"))
        assert here.stdout == there.stdout
        assert here.stdout.startswith("sitecustomize\n3\n")
        assert here.stderr == there.stderr == ""

    @pytest.mark.parametrize("text", ["1 / 0", "import no_such_module_anywhere", "x = ("])
    def test_a_shadowed_one_that_fails_is_reported_as_ever(
        self, house: House, version: str, tmp_path: Path, text: str
    ) -> None:
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "sitecustomize.py").write_text(text)
        house.script("import sys\nprint('sitecustomize' in sys.modules)")
        here, there = both(house, version, str(tmp_path / "own"))
        if version == "2.7":  # which shows a traceback, our line in it
            assert here.stderr.splitlines()[-1:] == there.stderr.splitlines()[-1:]
        else:
            assert here.stderr == there.stderr
        assert here.stdout == there.stdout

    def test_is_kept_out_by_isolation(self, house: House, version: str) -> None:
        house.script("import sys\nprint(any(type(f).__name__ == '_Finder' for f in sys.meta_path))")
        assert house.start(version, "-E").stdout == "False\n"


@pytest.mark.parametrize("version", OLD)
def test_older_pythons_are_left_alone(house: House, version: str) -> None:
    house.script("import sys, torch\nprint(torch.WEIGHT, 'lrmonitor' in sys.modules)")
    done = house.start(version)
    assert done.stdout.split() in (["1", "False"], ["(1,", "False)"])
    assert not list(house.run.iterdir())


@pytest.mark.parametrize("version", SUPPORTED)
class TestTorch:
    def test_the_probe_is_installed_once_and_nothing_else_stays(
        self, house: House, version: str
    ) -> None:
        house.script(
            """
import importlib.util, sys
before = importlib.util.find_spec("torch")  # as those do who only want to know
import torch, torch
from lrmonitor.probe.install import CALLS
print(CALLS, vars(torch.__spec__.loader).keys() == vars(sys.modules["__main__"].__loader__).keys())
ours = any(type(finder).__name__ == "_Finder" for finder in sys.meta_path)
print(torch.__loader__ is torch.__spec__.loader, ours)
try:
    import beside
except ImportError:
    print("nothing beside us")
"""
        )
        done = house.start(version)
        assert done.stdout == "[1] True\nTrue False\nnothing beside us\n"
        assert done.stderr == ""

    def test_lrmonitor_can_be_imported_without_torch(self, house: House, version: str) -> None:
        house.script(
            """
import sys
import lrmonitor
print(lrmonitor.HERE, "torch" in sys.modules)
import torch
import lrmonitor.probe.install as install
print(install.CALLS, sys.modules["lrmonitor"] is lrmonitor)
"""
        )
        done = house.start(version)
        assert done.stdout == "True False\n[1] True\n"

    @pytest.mark.parametrize(
        "text",
        [
            "def f():\n    raise RuntimeError('no driver')\nf()",
            "import torch_no_such_extension",
            "x = (",
            "raise SystemExit(4)",
            "raise KeyboardInterrupt",
        ],
    )
    @pytest.mark.parametrize(
        "how", ["import torch", "__import__('importlib').import_module('torch')"]
    )
    def test_its_own_failure_looks_as_without_us(
        self, house: House, version: str, text: str, how: str
    ) -> None:
        if "import_module" in how and version == "3.10":
            pytest.skip("one more line of importlib's own is shown there")
        house.torch(text)
        house.script(how)
        here, there = both(house, version)
        assert here.stderr == there.stderr
        assert here.returncode == there.returncode != 0

    def test_is_watched_when_the_import_succeeds_at_last(self, house: House, version: str) -> None:
        house.torch("import os\nif 'OK' not in os.environ: raise ImportError('x')\nWEIGHT = 2")
        house.script(
            """
import os
try:
    import torch
except ImportError:
    os.environ["OK"] = "1"
import torch
from lrmonitor.probe.install import CALLS
print(CALLS)
"""
        )
        assert house.start(version).stdout == "[2]\n"

    def test_no_torch_at_all(self, house: House, version: str) -> None:
        shutil.rmtree(house.work / "torch")
        house.script("import torch")
        here, there = both(house, version)
        assert here.stderr == there.stderr
        assert "No module named 'torch'" in here.stderr

    def test_a_folder_that_happens_to_be_called_torch(self, house: House, version: str) -> None:
        (house.work / "torch" / "__init__.py").unlink()
        house.script("import torch\nprint(list(torch.__path__), torch.__file__)")
        here, there = both(house, version)
        assert here.stdout == there.stdout
        assert here.stderr == there.stderr == ""

    def test_a_probe_that_fails_is_written_down_and_harms_nothing(
        self, house: House, version: str
    ) -> None:
        house.torch("WEIGHT = 1\nBREAKS_PROBE = True\n")
        house.script("import torch\nprint(torch.WEIGHT)")
        done = house.start(version)
        assert (done.stdout, done.stderr, done.returncode) == ("1\n", "", 0)
        (file,) = house.run.iterdir()
        assert file.name.startswith("probe-failed-")
        assert "the probe is broken" in file.read_text()

    def test_another_finder_in_front_keeps_working(self, house: House, version: str) -> None:
        house.script(
            """
import sys
class Front:
    def find_spec(self, name, path=None, target=None):
        if name == "torch" and Front.free:
            Front.free = False
            import importlib.util
            try:
                return importlib.util.find_spec(name)
            finally:
                Front.free = True
    free = True
sys.meta_path.insert(0, Front())
import torch
from lrmonitor.probe.install import CALLS
print(CALLS)
"""
        )
        done = house.start(version)
        assert done.stdout == "[1]\n", done.stderr

    def test_imports_little(self, house: House, version: str) -> None:
        house.script("import sys\nprint(sorted(sys.modules))")
        here, there = both(house, version)
        assert here.stdout == there.stdout
