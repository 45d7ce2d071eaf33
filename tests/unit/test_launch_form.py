"""What is filled in to start a run: what is wrong with it, and what it comes to."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmonitor.launch.form import (
    FIELDS,
    Form,
    command_line,
    launch_spec,
    problems,
    unexpanded,
)
from lrmonitor.launch.spec import SpecError
from tests.conftest import Isolated


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that is there."""
    path = tmp_path / "project" / "train.py"
    path.parent.mkdir()
    path.write_text("print('hello')\n")
    return path


def form(script: Path, **changes: object) -> Form:
    """A form that can be started, but for the changes."""
    return replace(Form(target=str(script), python=sys.executable), **changes)  # type: ignore[arg-type]


class TestProblems:
    def test_a_whole_form_has_none(self, script: Path) -> None:
        assert problems(form(script)) == []

    @pytest.mark.parametrize("kind", ["script", "module", "command"])
    def test_an_empty_form_misses_what_to_run_and_nothing_else(self, kind: str) -> None:
        (problem,) = problems(Form(kind=kind, python=sys.executable))
        assert problem.missing
        assert problem.field == "target"

    @pytest.mark.parametrize(
        ("changes", "field", "said"),
        [
            ({"target": "/no/such/train.py"}, "target", "There is no file /no/such/train.py."),
            ({"arguments": '--name "a b'}, "arguments", 'A quote (") is opened and not closed.'),
            ({"arguments": "it's"}, "arguments", "A quote (') is opened and not closed."),
            ({"arguments": "a\\"}, "arguments", "nothing follows it"),
            ({"python": "/no/such/python"}, "python", "/no/such/python does not exist."),
            ({"python": "python0.1"}, "python", "no such command on PATH."),
            ({"folder": "/no/such/folder"}, "folder", "There is no folder /no/such/folder."),
            ({"env": (("A", "1"), ("A", "2"))}, "env", "A is set twice."),
            ({"env": (("", "1"),)}, "env", "The value “1” has no name."),
            ({"env": (("A B", "1"),)}, "env", "cannot be a name"),
            ({"name": "a\tb"}, "name", "one line of text"),
        ],
    )
    def test_each_is_a_sentence_at_its_field(
        self, script: Path, changes: dict[str, object], field: str, said: str
    ) -> None:
        (problem,) = problems(form(script, **changes))
        assert (problem.field, problem.missing) == (field, False)
        assert said in problem.text
        assert problem.text.endswith(".")

    def test_a_folder_is_a_script_only_with_a_main(self, script: Path) -> None:
        folder = script.parent
        (problem,) = problems(form(folder))
        assert "Choose the script in it" in problem.text
        (folder / "__main__.py").write_text("")
        assert problems(form(folder)) == []

    def test_a_script_that_cannot_be_read(self, script: Path) -> None:
        script.chmod(0)
        if os.access(script, os.R_OK):
            pytest.skip("this user may read everything")
        assert "may not read" in problems(form(script))[0].text

    def test_the_working_folder_must_be_a_folder(self, script: Path) -> None:
        (problem,) = problems(form(script, folder=str(script)))
        assert problem.text == "This is a file, not a folder."

    @pytest.mark.parametrize(
        ("target", "said"),
        [
            ("package.train --lr 1", "no spaces"),
            ("train.py", "This is a file"),
            ("package/train", "This is a file"),
        ],
    )
    def test_a_module_is_named_as_in_an_import(self, target: str, said: str) -> None:
        (problem,) = problems(Form("module", target, python=sys.executable))
        assert said in problem.text

    @pytest.mark.parametrize(
        ("target", "said"),
        [
            ("no-such-command-here --lr 1", "There is no command no-such-command-here on PATH."),
            ("./no/such/thing", "There is no file ./no/such/thing in"),
            ("echo 'a", "opened and not closed"),
            ("SEED=1 python x.py", "SEED=1 is a variable: set it under Variables below."),
            ("''", "The command is empty."),
        ],
    )
    def test_a_command_must_be_there(self, target: str, said: str) -> None:
        (problem,) = problems(Form("command", target))
        assert said in problem.text

    def test_a_python_file_is_no_command(self, script: Path) -> None:
        (problem,) = problems(Form("command", str(script)))
        assert "For a Python file choose Script" in problem.text

    def test_a_command_is_looked_up_on_the_path_that_it_will_have(self, tmp_path: Path) -> None:
        tool = tmp_path / "my-trainer"
        tool.write_text("#!/bin/sh\n")
        tool.chmod(0o755)
        command = Form("command", "my-trainer")
        assert problems(command)
        assert problems(replace(command, env=(("PATH", str(tmp_path)),))) == []

    @given(st.text(alphabet="a\\'\" ", max_size=12))
    def test_a_line_is_refused_exactly_when_it_cannot_be_split(self, line: str) -> None:
        try:
            shlex.split(line)
            fine = True
        except ValueError:
            fine = False
        told = [p for p in problems(Form("module", "m", line, sys.executable)) if not p.missing]
        assert [p.field for p in told] == ([] if fine else ["arguments"])

    def test_fields_are_known(self, script: Path) -> None:
        wrong = Form("script", "", "'", "/no", "/no", (("", "1"),), "\n")
        assert [p.field for p in problems(wrong)] == list(FIELDS)


class TestFolder:
    def test_a_script_works_in_its_own_folder(self, script: Path) -> None:
        assert form(script).working_folder == str(script.parent)
        assert form(script).script == "train.py"

    def test_a_module_works_where_lrmonitor_was_started(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert Form("module", "train").working_folder == str(tmp_path)
        assert Form("command", "echo").working_folder == str(tmp_path)

    def test_a_script_elsewhere_keeps_its_whole_path(self, script: Path, tmp_path: Path) -> None:
        away = tmp_path / "data"
        assert form(script, folder=str(away)).script == str(script)

    def test_a_script_that_looks_like_an_option(self, script: Path) -> None:
        odd = script.with_name("-x.py")
        odd.write_text("")
        assert form(odd).script == "./-x.py"


class TestLaunch:
    def test_what_is_launched(self, script: Path, isolated: Isolated) -> None:
        spec = launch_spec(
            form(script, arguments="--lr 0.1 --name 'a b'", env=(("A", "1"),), name=" first "),
            isolated.runs,
        )
        assert spec.command == (sys.executable, "train.py", "--lr", "0.1", "--name", "a b")
        assert spec.argv == ("train.py", "--lr", "0.1", "--name", "a b")
        assert (spec.cwd, spec.env) == (str(script.parent), {"A": "1"})
        assert (spec.name, spec.detached, spec.home) == ("first", True, str(isolated.runs))

    def test_module_and_command(self, isolated: Isolated) -> None:
        module = launch_spec(Form("module", "json.tool", "-h", sys.executable), isolated.runs)
        assert module.command == (sys.executable, "-m", "json.tool", "-h")
        command = launch_spec(Form("command", "echo 'a b' c"), isolated.runs)
        assert command.command == ("echo", "a b", "c")
        assert command.python is None

    def test_what_is_wrong_is_not_launched(self, isolated: Isolated) -> None:
        with pytest.raises(SpecError, match="Choose the script"):
            launch_spec(Form(), isolated.runs)

    @pytest.mark.parametrize(
        ("target", "name"),
        [("script:/a/b.c.py", "b.c"), ("script:", ""), ("module:a.b.__main__", "b"),
         ("command:/usr/bin/torchrun x.py", "torchrun"), ("command:'", "")],
    )  # fmt: skip
    def test_the_name_it_will_have(self, target: str, name: str) -> None:
        kind, _, text = target.partition(":")
        assert Form(kind, text).default_name == name

    def test_the_default_name_is_the_runs(self, script: Path, isolated: Isolated) -> None:
        odd = script.with_name("train.v2.py")
        odd.write_text("")
        for made in (form(odd), Form("module", "json.tool"), Form("command", "echo a")):
            assert launch_spec(made, isolated.runs).name == made.default_name


class TestCommandLine:
    def test_it_is_what_the_verb_would_launch(
        self, script: Path, isolated: Isolated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Parsed by the verb itself, from another folder, it comes to the same launch."""
        from lrmonitor.cli import run
        from lrmonitor.cli.parser import Parser

        monkeypatch.chdir(tmp_path)
        for made in (
            form(script, arguments="--lr 0.1 'a b'", env=(("A", "x y"),), name="one two"),
            form(script, folder=str(tmp_path)),
            Form("module", "json.tool", "--lr 0.1", sys.executable),
            Form("command", "echo -n 'a b'", name="-"),
        ):
            words = shlex.split(command_line(made, isolated.runs))
            assert words[:2] == ["lrmonitor", "run"]
            parser = Parser(prog="lrmonitor")
            run.add_parser(parser.add_subparsers(dest="verb"))
            args = parser.parse_args([*words[1:], *()])
            args.detach = True
            spec, _ = run._spec(parser, args)
            assert spec == launch_spec(made, isolated.runs)

    def test_another_folder_of_runs_is_named(self, script: Path, tmp_path: Path) -> None:
        assert f"--runs {tmp_path}" in command_line(form(script), tmp_path)

    def test_there_is_none_for_what_cannot_be_split_or_is_empty(self, tmp_path: Path) -> None:
        assert command_line(Form(), tmp_path) == ""
        assert command_line(Form(target="a.py", arguments="'"), tmp_path) == ""


def test_words_that_a_shell_would_replace_are_noticed() -> None:
    assert unexpanded("--data ~/data --out=~/x $HOME '$HOME' a.b | tee") == [
        "~/data",
        "--out=~/x",
        "$HOME",
        "|",
    ]
    assert unexpanded("'open") == []
