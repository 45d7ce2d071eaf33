"""Code that hands on what its function returns: only where nothing else changes, in any Python."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

import lrmonitor
from tests.helpers.pythons import other_python

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]

MODULE = '''\
"""A module."""
import warnings
import os.path as path
from math import sqrt, pi as _pi

def plain(target, *, reduction="mean"):
    """Says it."""
    def within():
        return 1
    if reduction == "warn":
        warnings.warn(
            "told",
            stacklevel=2,
        )
    if reduction == "wrong":
        return (
            1 /
            (target - target)
        )
    if reduction == "theirs":
        return handle_torch_function(target)
    if reduction == "none":
        return
    return path.join("a", f"{sqrt(target):.1f}", f"{_pi:.2f}", str(within()))
# A remark.

def changed(target, reduction): return target

def made(factor):
    def inner(target, reduction):
        return target * factor
    return inner

inner = made(2)

def handle_torch_function(target):
    return "theirs"

def without(target):
    return target
'''

SCRIPT = """
import importlib.util, json, linecache, sys, traceback, warnings
sys.path.insert(0, sys.argv[1])
from lrmonitor.probe import seen

def load(path):
    spec = importlib.util.spec_from_file_location("module", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

def outcome(function, *words):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            told = function(*words[:1], reduction=words[1])
        except Exception:
            told = traceback.format_exc().replace("-seen", "")
    return told, [(one.filename, one.lineno) for one in caught]

path = sys.argv[2]
text = open(path).read()
before = load(path)
module = load(path)
open(path, "w").write(text.replace("return target\\n\\ndef made", "return -target\\n\\ndef made"))
linecache.checkcache()
calls = []
module.seen = lambda *given: calls.append(given) or given[0]
code = seen.seeing(module.plain, "seen")
module.plain.__code__ = code
cases = [(4, "mean"), (4, "warn"), (4, "wrong"), (4, "theirs"), (4, "none"), (-1, "mean")]
print(json.dumps({
    "before": [outcome(before.plain, *case) for case in cases],
    "after": [outcome(module.plain, *case) for case in cases],
    "calls": calls,
    "again": seen.seeing(module.plain, "seen") is None,
    "changed": seen.seeing(module.changed, "seen") is None,
    "inner": seen.seeing(module.inner, "seen") is None,
    "without": seen.seeing(module.without, "seen") is None,
    "builtin source": seen.seeing(eval("lambda target, reduction: 1"), "seen") is None,
}))
"""


@pytest.mark.parametrize("version", PYTHONS)
def test_what_is_returned_is_handed_on(version: str, tmp_path: Path) -> None:
    module, script = tmp_path / "module.py", tmp_path / "script.py"
    module.write_text(MODULE)
    script.write_text(SCRIPT)
    package = Path(lrmonitor.__file__).parents[1]
    words = [other_python(version), str(script), str(package), str(module)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["after"] == found["before"]
    assert "ZeroDivisionError" in found["before"][2][0]
    assert found["before"][1][1], "no warning"
    joined = "a/2.0/3.14/1"
    assert found["calls"] == [[joined, 4, "mean"], [joined, 4, "warn"]]
    for refused in ("again", "changed", "inner", "without", "builtin source"):
        assert found[refused], refused


TORCH = """
import sys, types
sys.path.insert(0, sys.argv[1])
from lrmonitor.probe import seen
with open(sys.argv[2]) as file:
    whole = compile(file.read(), sys.argv[2], "exec")
codes = {code.co_name: code for code in whole.co_consts if isinstance(code, types.CodeType)}
for name in seen.LOSSES:
    if seen.seeing(types.FunctionType(codes[name], {}, name), "seen") is None:
        print(name)
"""


@pytest.mark.parametrize("version", PYTHONS)
def test_torchs_losses_can_be_seen(version: str) -> None:
    pytest.importorskip("torch")
    spec = importlib.util.find_spec("torch.nn.functional")
    assert spec is not None
    assert spec.origin is not None
    words = [other_python(version), "-c", TORCH, str(Path(lrmonitor.__file__).parents[1])]
    done = subprocess.run([*words, spec.origin], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
