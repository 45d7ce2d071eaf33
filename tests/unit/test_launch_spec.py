"""What is to be launched, and with which Python and environment."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.launch import environment
from lrmonitor.launch import spec as specs
from lrmonitor.launch.interpreter import NoInterpreter, can_import_torch, choose, has_torch
from lrmonitor.launch.spec import LaunchSpec, Options, SpecError

WORD = st.text().filter(lambda text: "\0" not in text)


class TestSpec:
    @given(
        words=st.lists(st.text(min_size=1).filter(lambda t: "\0" not in t), min_size=1),
        env=st.dictionaries(WORD.filter(lambda key: bool(key) and "=" not in key), WORD),
        name=st.text(min_size=1),
        detached=st.booleans(),
    )
    def test_survives_its_json(
        self, words: list[str], env: dict[str, str], name: str, detached: bool
    ) -> None:
        options = Options(Path("/runs"), name=name, env=env, detached=detached)
        spec = specs.command(words, options)
        assert "\n" not in spec.to_json()
        assert LaunchSpec.from_json(spec.to_json()) == spec

    def test_bytes_that_are_no_text_survive(self) -> None:
        word = os.fsdecode(b"\xff\x00".replace(b"\0", b"\xfe"))
        spec = specs.command([word], Options(Path("/runs")))
        assert LaunchSpec.from_json(spec.to_json()).command == (word,)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"command": []}, "nothing to run"),
            ({"command": "ls"}, "command is not a list"),
            ({"command": ["a\0b"]}, "zero byte"),
            ({"argv": [1]}, "argv is not a list"),
            ({"name": ""}, "name is empty"),
            ({"name": None}, "name is not a text"),
            ({"kind": "started"}, "cannot be of the kind"),
            ({"cwd": 3}, "cwd is neither"),
            ({"columns": 0}, "columns is not"),
            ({"rows": True}, "rows is not"),
            ({"detached": 1}, "detached is not"),
            ({"env": {"A": 1}}, "env is not"),
            ({"env": {"A=B": "1"}}, "name of an environment variable"),
            ({"more": 1}, "missing or unknown"),
        ],
    )
    def test_what_is_not_as_it_should_be_is_refused(
        self, change: dict[str, object], said: str
    ) -> None:
        found = dataclasses.asdict(specs.command(["ls"], Options(Path("/runs")))) | change
        with pytest.raises(SpecError, match=said):
            LaunchSpec.from_json(json.dumps(found))

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}"])
    def test_what_is_no_spec_is_refused(self, text: str) -> None:
        with pytest.raises(SpecError):
            LaunchSpec.from_json(text)

    @pytest.mark.parametrize(
        ("path", "name"),
        [("train.py", "train"), ("deep/train.py", "train"), ("deep", "deep"), ("odd.sh", "odd.sh")],
    )
    def test_a_script_names_its_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, name: str
    ) -> None:
        (tmp_path / "deep").mkdir()
        for file in ("train.py", "deep/train.py", "deep/__main__.py", "odd.sh"):
            (tmp_path / file).touch()
        monkeypatch.chdir(tmp_path)
        spec = specs.script(path, ["-x"], "/py", Options(Path("runs")))
        assert spec.name == name
        assert spec.command == ("/py", path, "-x")
        assert spec.argv == (path, "-x")
        assert spec.home == str(tmp_path / "runs")
        assert spec.cwd is None

    def test_a_script_is_looked_for_in_its_working_directory(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").touch()
        spec = specs.script("train.py", [], "/py", Options(Path("/runs"), cwd=str(tmp_path)))
        assert spec.cwd == str(tmp_path)
        with pytest.raises(SpecError, match=r"there is no script other\.py in "):
            specs.script("other.py", [], "/py", Options(Path("/runs"), cwd=str(tmp_path)))

    @pytest.mark.parametrize(
        ("target", "name"), [("train", "train"), ("a.b.train", "train"), ("a.b.__main__", "b")]
    )
    def test_a_module_names_its_run(self, target: str, name: str) -> None:
        spec = specs.module(target, ["-x"], "/py", Options(Path("/runs")))
        assert spec.name == name
        assert spec.command == ("/py", "-m", target, "-x")


class TestEnvironment:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (None, [environment.SITE]),
            ("", [environment.SITE]),
            ("/a:/b", [environment.SITE, "/a", "/b"]),
            ("/a::/b", [environment.SITE, "/a", "", "/b"]),
            (f"{environment.SITE}:/a", [environment.SITE, "/a"]),
        ],
    )
    def test_the_way_in_stands_first(self, before: str | None, after: list[str]) -> None:
        base = {"A": "1", "B": "2"} | ({} if before is None else {"PYTHONPATH": before})
        found = environment.for_script(base, {"B": "3"}, "/runs/1")
        assert found == {
            "A": "1",
            "B": "3",
            "PYTHONPATH": os.pathsep.join(after),
            "LRMONITOR_RUN": "/runs/1",
        }

    def test_what_the_user_adds_does_not_shut_it_out(self) -> None:
        found = environment.for_script({}, {"PYTHONPATH": "/mine"}, "/runs/1")
        assert found["PYTHONPATH"] == f"{environment.SITE}:/mine"

    def test_its_folder_holds_nothing_else(self) -> None:
        files = {path.name for path in Path(environment.SITE).iterdir()} - {"__pycache__"}
        assert files == {"sitecustomize.py"}


class TestInterpreter:
    @pytest.fixture
    def python(self, tmp_path: Path) -> Path:
        """An environment's folder with an executable in it."""
        path = tmp_path / "env" / "bin" / "python"
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
        return path

    def test_the_current_one_if_it_has_torch(self, python: Path) -> None:
        environ = {"VIRTUAL_ENV": str(python.parent.parent), "PATH": str(python.parent)}
        found = choose(None, environ=environ, current="/here/python", current_has_torch=True)
        assert found.path == "/here/python"
        assert "has torch" in found.why

    @pytest.mark.parametrize(
        ("variable", "why"), [("VIRTUAL_ENV", "virtual"), ("CONDA_PREFIX", "conda")]
    )
    def test_else_the_active_environments(self, python: Path, variable: str, why: str) -> None:
        environ = {variable: str(python.parent.parent), "PATH": "/bin"}
        found = choose(None, environ=environ, current="/here/python", current_has_torch=False)
        assert found.path == str(python)
        assert why in found.why

    def test_else_the_one_on_path(self, python: Path, tmp_path: Path) -> None:
        environ = {"VIRTUAL_ENV": str(tmp_path / "gone"), "PATH": str(python.parent)}
        found = choose(None, environ=environ, current="/here/python", current_has_torch=False)
        assert found.path == str(python)
        assert found.why == "python on PATH"

    def test_else_none(self, tmp_path: Path) -> None:
        with pytest.raises(NoInterpreter, match="--python"):
            choose(None, environ={"PATH": str(tmp_path)}, current="/x", current_has_torch=False)

    def test_the_one_asked_for(self, python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        environ = {"PATH": str(python.parent)}
        monkeypatch.chdir(python.parent)
        for asked in (str(python), "./python", "python", str(python.parent.parent)):
            assert choose(asked, environ=environ).path == str(python), asked

    def test_a_link_is_not_followed(self, python: Path, tmp_path: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to(python)
        assert choose(str(link)).path == str(link)

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ("/no/such", "does not exist"),
            ("no-such-name", "no such command on PATH"),
            ("./plain", "not an executable file"),
            ("./folder", "is a folder"),
        ],
    )
    def test_one_that_is_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, said: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "plain").touch()
        (tmp_path / "folder").mkdir()
        with pytest.raises(NoInterpreter, match=said):
            choose(asked, environ={"PATH": "/bin"})

    def test_torch_in_the_working_directory_does_not_count(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "torch.py").touch()
        monkeypatch.setattr(sys, "path", ["", str(tmp_path)])
        assert not has_torch()
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "torch.py").touch()
        monkeypatch.setattr(sys, "path", ["", str(tmp_path / "site")])
        assert has_torch()

    def test_another_one_is_asked(self, python: Path) -> None:
        assert not can_import_torch(str(python))
        assert not can_import_torch("/no/such/python")
        assert can_import_torch(sys.executable) == has_torch()
