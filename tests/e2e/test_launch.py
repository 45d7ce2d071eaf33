"""`lrmonitor run` against the plain command, with real scripts in real processes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.launch import (
    LRMONITOR,
    TIMEOUT,
    event,
    events,
    of_script,
    only_run,
    plain,
    run,
    run_words,
)
from tests.helpers.wait import wait_until

REPORT = """
import json, os, sys
environ = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LRMONITOR_RUN")}
print(json.dumps({
    "argv": sys.argv, "name": __name__, "file": __file__, "path": sys.path, "cwd": os.getcwd(),
    "environ": environ, "flags": list(sys.flags), "main": sorted(vars(sys.modules["__main__"])),
    "modules": sorted(name for name in sys.modules if name.startswith(("site", "lrm", "user"))),
    "orig": sys.orig_argv[1:], "umask": os.umask(0), "fds": os.isatty(0),
    "title": sys.executable, "spec": __spec__ and [__spec__.name, __spec__.origin],
}))
"""


def write(path: Path, text: str) -> Path:
    """A script with this text."""
    path.write_text(text)
    return path


class TestLikeThePlainCommand:
    @pytest.mark.parametrize("python_path", [None, "", "one", "one:two", "one::two"])
    def test_what_a_script_sees(self, tmp_path: Path, python_path: str | None) -> None:
        script = write(tmp_path / "report.py", REPORT)
        env = {} if python_path is None else {"PYTHONPATH": python_path}
        words = (script, "--name", "-m", "a b", "", "--", "--no-window")
        here, there = run(*words, cwd=tmp_path, env=env), plain(*words, cwd=tmp_path, env=env)
        assert json.loads(here.stdout) == json.loads(there.stdout)
        assert here.returncode == there.returncode == 0

    def test_a_relative_script(self, tmp_path: Path) -> None:
        write(tmp_path / "report.py", REPORT)
        here, there = run("report.py", cwd=tmp_path), plain("report.py", cwd=tmp_path)
        assert json.loads(here.stdout) == json.loads(there.stdout)

    def test_a_module(self, tmp_path: Path) -> None:
        package = tmp_path / "package"
        package.mkdir()
        write(package / "__init__.py", "")
        write(package / "report.py", REPORT)
        words = ("-m", "package.report", "-m", "--name", "x")
        here, there = run(*words, cwd=tmp_path), plain(*words, cwd=tmp_path)
        assert json.loads(here.stdout) == json.loads(there.stdout)
        assert json.loads((only_run() / "run.json").read_text())["name"] == "report"

    def test_a_folder_with_a_main(self, tmp_path: Path) -> None:
        (tmp_path / "app").mkdir()
        write(tmp_path / "app" / "__main__.py", REPORT)
        here, there = run("app", "x", cwd=tmp_path), plain("app", "x", cwd=tmp_path)
        assert json.loads(here.stdout) == json.loads(there.stdout)

    def test_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        script = write(tmp_path / "b.py", "import os, sys; print(os.fsencode(sys.argv[1]))")
        words = [*run_words(script), b"\xff\xfe".decode(errors="surrogateescape")]
        done = subprocess.run(words, capture_output=True, timeout=TIMEOUT, check=True)
        assert done.stdout == b"b'\\xff\\xfe'\n"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ("", 0),
            ("import sys; sys.exit(3)", 3),
            ("import sys; sys.exit('a reason')", 1),
            ("import os; os._exit(7)", 7),
            ("raise SystemExit", 0),
            ("raise KeyError('k')", 1),
            ("def f():\n    1 / 0\nf()", 1),
            ("x = (", 1),
            ("import no_such_module_anywhere", 1),
            ("import traceback; traceback.print_stack()", 0),
            ("import importlib; importlib.import_module('no.such')", 1),
        ],
    )
    def test_exit_codes_and_tracebacks(self, tmp_path: Path, body: str, code: int) -> None:
        script = write(tmp_path / "s.py", body)
        here, there = run(script), plain(script)
        assert here.returncode == there.returncode == code
        assert here.stdout == there.stdout
        assert of_script(here.stderr) == there.stderr
        assert event(only_run(), "exited")["code"] == code

    @pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGTERM", "SIGINT", "SIGABRT"])
    def test_death_by_a_signal_is_seen_as_such(self, tmp_path: Path, name: str) -> None:
        number = signal.Signals[name]
        body = f"""
            import os, resource, signal
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.signal({int(number)}, signal.SIG_DFL) if {int(number)} != 9 else None
            os.kill(os.getpid(), {int(number)})
        """.replace("\n            ", "\n")
        done = run(write(tmp_path / "s.py", body), cwd=tmp_path)
        assert done.returncode == -number
        assert event(only_run(), "exited") | {"time": 0} == {
            "time": 0,
            "event": "exited",
            "code": None,
            "signal": name,
            "registered": False,
        }
        assert not list(tmp_path.glob("core*"))

    def test_stdin(self, tmp_path: Path) -> None:
        script = write(tmp_path / "s.py", "import sys; print(len(sys.stdin.buffer.read()))")
        assert run(script, input=b"x" * 1_000_000).stdout == b"1000000\n"

    def test_a_script_that_closes_stdin_ends_who_feeds_it(self, tmp_path: Path) -> None:
        body = "import os, sys, time\nos.close(0)\nprint('closed', flush=True)\nsys.stdout.close()"
        script = write(tmp_path / "s.py", body + "\nwhile True: time.sleep(0.1)")
        process = subprocess.Popen(
            run_words(script), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin, process.stdout:
            assert process.stdout.readline() == b"closed\n"
            feed = process.stdin

            def refused() -> bool:
                try:
                    feed.write(b"x")
                except BrokenPipeError:
                    return True
                return False

            wait_until(refused)
            process.terminate()
            assert process.wait(TIMEOUT) == -signal.SIGTERM

    def test_stdout_and_stderr_stay_apart(self, tmp_path: Path) -> None:
        body = "import sys\nfor i in range(3):\n  print(i); print(-i, file=sys.stderr)"
        done = run(write(tmp_path / "s.py", body))
        assert done.stdout == b"0\n1\n2\n"
        assert of_script(done.stderr) == b"0\n-1\n-2\n"
        for line in set(done.stderr.splitlines()) - {b"0", b"-1", b"-2"}:
            assert line.startswith(b"lrmonitor: ")

    def test_all_of_a_large_output_in_order(self, tmp_path: Path) -> None:
        body = "import sys\nfor i in range(200_000): sys.stdout.write(f'{i}\\n')"
        done = run(write(tmp_path / "s.py", body))
        assert done.stdout == b"".join(b"%d\n" % i for i in range(200_000))
        assert (only_run() / "console.log").read_bytes() == done.stdout

    def test_a_slow_reader_holds_the_script_back(self, tmp_path: Path) -> None:
        mark = tmp_path / "done"
        body = f"print('x' * 3_000_000)\nopen({str(mark)!r}, 'w').close()"
        process = subprocess.Popen(
            run_words(write(tmp_path / "s.py", body)), stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        with process.stdout:
            log = only_run() / "console.log"
            size = wait_until(lambda: log.exists() and log.stat().st_size)
            assert size < 2_000_000
            assert not mark.exists()
            assert len(process.stdout.read()) == 3_000_001
        assert process.wait(TIMEOUT) == 0
        assert mark.exists()

    def test_a_reader_that_leaves_does_no_harm(self, tmp_path: Path) -> None:
        body = """
import sys
for line in sys.stdin:
    print(line, end="", flush=True)
print("all printed", file=sys.stderr)
"""
        process = subprocess.Popen(
            run_words(write(tmp_path / "s.py", body)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with process.stdin, process.stdout, process.stderr:
            process.stdin.write(b"one\n")
            assert process.stdout.readline() == b"one\n"
            process.stdout.close()
            process.stdin.write(b"two\n")
            lines = []
            while b"stdout is gone" not in (line := process.stderr.readline()):
                lines.append(line)
            assert b"Broken pipe" in line
            process.stdin.write(b"three\n")
            process.stdin.close()
            assert b"all printed\n" in process.stderr.read()
            assert process.wait(TIMEOUT) == 0
        assert (only_run() / "console.log").read_bytes() == b"one\ntwo\nthree\nall printed\n"

    def test_options_of_the_verb(self, tmp_path: Path) -> None:
        script = write(tmp_path / "s.py", "import os; print(os.getcwd(), os.environ['A'])")
        (tmp_path / "elsewhere").mkdir()
        words = ("--cwd", tmp_path / "elsewhere", "--env", "A=x=y", "--name", "my run")
        done = run(*words, "--runs", tmp_path / "mine", script)
        assert done.stdout.decode() == f"{tmp_path / 'elsewhere'} x=y\n"
        info = json.loads((only_run(tmp_path / "mine") / "run.json").read_text())
        assert info["name"] == "my run"
        assert info["kind"] == "launched"
        assert info["cwd"] == str(tmp_path / "elsewhere")
        assert info["env"] == {"A": "x=y"}
        assert info["python"] == sys.executable
        assert info["argv"] == [str(script)]

    def test_inherited_descriptors(self, tmp_path: Path) -> None:
        script = write(tmp_path / "s.py", "import os, sys; os.write(int(sys.argv[1]), b'hello')")
        read, send = os.pipe()
        words = [*run_words(script), str(send)]
        subprocess.run(words, pass_fds=[send], timeout=TIMEOUT, check=True, capture_output=True)
        os.close(send)
        with open(read, "rb") as file:
            assert file.read() == b"hello"

    def test_spawned_and_forkserver_workers(self, tmp_path: Path) -> None:
        body = """
import multiprocessing, os, sys

def work(x):
    return x * x, "lrmonitor" in sys.modules, os.environ["LRMONITOR_RUN"] != ""

if __name__ == "__main__":
    for method in ("spawn", "forkserver", "fork"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(work, range(3)))
"""
        done = run(write(tmp_path / "s.py", body))
        found = [(0, False, True), (1, False, True), (4, False, True)]
        assert done.stdout.decode().splitlines() == [
            f"{method} {found}" for method in ("spawn", "forkserver", "fork")
        ]

    def test_its_sitecustomize_still_runs(self, tmp_path: Path) -> None:
        write(tmp_path / "sitecustomize.py", "import sys\nsys.customized = __file__")
        script = write(tmp_path / "s.py", "import sys, sitecustomize; print(sys.customized)")
        env = {"PYTHONPATH": str(tmp_path)}
        found = f"{tmp_path / 'sitecustomize.py'}\n".encode()
        assert run(script, env=env).stdout == plain(script, env=env).stdout == found


def test_the_client_loads_nothing_heavy(tmp_path: Path) -> None:
    words = run_words(write(tmp_path / "s.py", ""))
    words[1:1] = ["-X", "importtime"]
    done = subprocess.run(words, capture_output=True, timeout=TIMEOUT, check=True)
    loaded = {line.rpartition(b"|")[2].strip() for line in done.stderr.splitlines()}
    assert b"lrmonitor.launch.foreground" in loaded
    assert not loaded & {b"PySide6", b"numpy", b"psutil", b"torch", b"lrmonitor.app"}


class TestCommands:
    def test_a_shell_script(self, tmp_path: Path) -> None:
        script = write(
            tmp_path / "train.sh", f'#!/bin/sh\necho "$@"\n{sys.executable} s.py\nexit 5'
        )
        script.chmod(0o755)
        write(tmp_path / "s.py", "import os; print('LRMONITOR_RUN' in os.environ)")
        done = run("--", "./train.sh", "--lr", "1", cwd=tmp_path)
        assert done.stdout == b"--lr 1\nTrue\n"
        assert done.returncode == 5
        assert json.loads((only_run() / "run.json").read_text())["name"] == "train.sh"

    def test_a_script_without_a_first_line(self, tmp_path: Path) -> None:
        write(tmp_path / "bare", "echo $1").chmod(0o755)
        assert run("--", "./bare", "hi", cwd=tmp_path).stdout == b"hi\n"

    def test_the_environment_of_a_command_in_the_c_locale(self) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
        env["LANG"] = "C"
        plainly = subprocess.run(["env"], env=env, capture_output=True, check=True).stdout
        done = subprocess.run(
            run_words("--", "env"), env=env, capture_output=True, timeout=TIMEOUT, check=True
        ).stdout
        ours = (b"PYTHONPATH=", b"LRMONITOR_RUN=")
        found = [line for line in done.splitlines() if not line.startswith(ours)]
        assert sorted(found) == sorted(plainly.splitlines())

    @pytest.mark.parametrize(
        ("name", "mode", "text", "code", "said"),
        [
            ("no-such-command-anywhere", 0, None, 127, b"there is no command"),
            ("./absent", 0, None, 127, b"there is no file ./absent"),
            ("./data", 0o644, "x", 126, b"may not be executed"),
            ("./lost", 0o755, "#!/no/such/interpreter\n", 126, b"interpreter that is not there"),
            (".", 0, None, 126, b"is a folder"),
        ],
    )
    def test_a_command_that_cannot_be_started(
        self, tmp_path: Path, name: str, mode: int, text: str | None, code: int, said: bytes
    ) -> None:
        if text is not None:
            write(tmp_path / name, text).chmod(mode)
        done = run("--", name, cwd=tmp_path)
        assert done.returncode == code
        assert said in done.stderr
        assert b"Traceback" not in done.stderr
        assert said.decode() in event(only_run(), "failed")["reason"]


class TestWrongUse:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ([], b"name a script"),
            (["--"], b"no command after"),
            (["-m"], b"-m needs the name of a module"),
            (["no.py"], b"there is no script no.py"),
            (["--cwd", "nowhere", "x.py"], b"there is no folder nowhere"),
            (["--env", "novalue", "x.py"], b"not of the form NAME=VALUE"),
            (["--name", "", "x.py"], b"a run's name is one line"),
            (["--python", "/no/python", "x.py"], b"--python /no/python does not exist"),
            (["--python", "no-python-here", "x.py"], b"no such command on PATH"),
            (["--python", "x", "--", "ls"], b"--python is for a script"),
            (["--json", "x.py"], b"--json is for --detach"),
            (["."], b"a folder without a __main__.py"),
        ],
    )
    def test_is_told_before_a_run_is_made(
        self, tmp_path: Path, words: list[str], said: bytes
    ) -> None:
        if "x.py" in words:
            write(tmp_path / "x.py", "")
        done = run(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr
        assert done.stderr.startswith(b"lrmonitor: ")
        assert done.stdout == b""
        assert not list(Path(os.environ["LRMONITOR_RUNS"]).iterdir())

    def test_no_display(self, tmp_path: Path) -> None:
        env = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
        }
        words = [*LRMONITOR, "run", str(write(tmp_path / "s.py", ""))]
        done = subprocess.run(words, env=env, capture_output=True, timeout=TIMEOUT, check=False)
        assert done.returncode == 2
        assert b"--no-window" in done.stderr

    def test_a_home_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        done = run("--runs", tmp_path / "file" / "runs", write(tmp_path / "s.py", "print(1)"))
        assert done.returncode == 2
        assert b"choose another place with --runs" in done.stderr
        assert done.stdout == b""


class TestSignals:
    SCRIPT = """
import signal, sys, time
def on(number, frame):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGTERM:
        sys.exit(9)
for name in ("SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM"):
    signal.signal(getattr(signal, name), on)
print("ready", flush=True)
while True:
    time.sleep(10)
"""

    def test_are_passed_on(self, tmp_path: Path) -> None:
        script = write(tmp_path / "s.py", self.SCRIPT)
        process = subprocess.Popen(run_words(script), stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process.stdout:
            assert process.stdout.readline() == b"ready\n"
            for name in ("SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM"):
                process.send_signal(signal.Signals[name])
                assert process.stdout.readline().decode().strip() == name
        assert process.wait(TIMEOUT) == 9
        found = [(e["signal"], e["by"]) for e in events(only_run()) if e["event"] == "signalled"]
        assert found == [
            (name, "client") for name in ("SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM")
        ]

    def test_an_interrupt_reaches_children_as_from_a_terminal(self, tmp_path: Path) -> None:
        body = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {self.SCRIPT!r}])
try:
    child.wait()
except KeyboardInterrupt:
    child.terminate()
    print("child", child.wait(), flush=True)
"""
        process = subprocess.Popen(
            run_words(write(tmp_path / "s.py", body)), stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        with process.stdout:
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(signal.SIGINT)
            said = process.stdout.read()
        assert sorted(said.split(b"\n")) == [b"", b"SIGINT", b"SIGTERM", b"child 9"]
        assert process.wait(TIMEOUT) == 0

    def test_an_interrupt_ends_both_by_the_signal(self, tmp_path: Path) -> None:
        script = write(tmp_path / "s.py", "print('ready', flush=True)\nimport time\ntime.sleep(99)")
        process = subprocess.Popen(
            run_words(script), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=TIMEOUT)
        assert of_script(stderr).endswith(b"KeyboardInterrupt\n")
        assert process.returncode == -signal.SIGINT

    def test_dispositions_are_those_of_a_fresh_command(self, tmp_path: Path) -> None:
        body = """
import signal
odd = [s.name for s in signal.Signals if s not in (9, 19)
       and signal.getsignal(s) not in (signal.SIG_DFL, signal.default_int_handler)]
print(odd, signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
        script = write(tmp_path / "s.py", body)
        plainly = plain(script).stdout
        # As a shell without job control starts what it puts in the background.
        shell = f"trap '' INT QUIT; exec {shlex.join(run_words(script))}"
        done = subprocess.run(["sh", "-c", shell], capture_output=True, timeout=TIMEOUT, check=True)
        assert done.stdout == plainly

    def test_nohup_is_meant_for_the_script_too(self, tmp_path: Path) -> None:
        body = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
        words = ["nohup", *run_words(write(tmp_path / "s.py", body))]
        done = subprocess.run(words, capture_output=True, timeout=TIMEOUT, check=True)
        assert done.stdout == b"True\n"


class TestDetached:
    def test_returns_at_once(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        body = f"""
import os, sys
print(sys.stdin.read(), sys.stdout.isatty(), sys.stderr.isatty(), os.get_terminal_size(1))
print(open({str(fifo)!r}).read())
"""
        words = [*LRMONITOR, "run", "--detach", "--json", str(write(tmp_path / "s.py", body))]
        env = {**os.environ, "COLUMNS": "111", "LINES": "33"}
        done = subprocess.run(words, capture_output=True, env=env, timeout=TIMEOUT, check=True)
        told = json.loads(done.stdout)
        folder = only_run()
        assert told == {
            "id": folder.name,
            "folder": str(folder),
            "pid": event(folder, "started")["pid"],
        }
        fifo.write_text("go")
        assert event(folder, "exited")["code"] == 0
        log = folder / "console.log"
        wait_until(lambda: b"go" in log.read_bytes())
        said = " True True os.terminal_size(columns=111, lines=33)\ngo\n"
        assert log.read_bytes().decode() == said

    def test_a_command_that_cannot_be_started(self) -> None:
        words = [*LRMONITOR, "run", "--detach", "--", "no-such-command-anywhere"]
        done = subprocess.run(words, capture_output=True, timeout=TIMEOUT, check=False)
        assert done.returncode == 127
        assert b"there is no command" in done.stderr

    def test_holds_nothing_of_the_caller(self, tmp_path: Path) -> None:
        script = write(tmp_path / "s.py", "import time; time.sleep(99)")
        read, send = os.pipe()
        words = [*LRMONITOR, "run", "--detach", "--json", str(script)]
        done = subprocess.run(
            words, capture_output=True, pass_fds=[send], timeout=TIMEOUT, check=True
        )
        os.close(send)
        with open(read, "rb") as file:
            assert file.read() == b""
        os.kill(json.loads(done.stdout)["pid"], signal.SIGTERM)
        assert event(only_run(), "exited")["signal"] == "SIGTERM"


class TestWhatIsLeftBehind:
    def test_a_grandchild_with_the_pipe_does_not_hang_the_client(self, tmp_path: Path) -> None:
        fifo, out = tmp_path / "fifo", tmp_path / "out"
        os.mkfifo(fifo)
        body = f"""
import subprocess, sys
late = "import sys; print(open({str(fifo)!r}).read(), flush=True)"
subprocess.Popen([sys.executable, "-c", late])
print("script ends")
"""
        with out.open("wb") as file:
            done = subprocess.run(
                run_words(write(tmp_path / "s.py", body)),
                stdout=file,
                stderr=subprocess.DEVNULL,
                timeout=TIMEOUT,
                check=False,
            )
        assert done.returncode == 0
        assert out.read_bytes() == b"script ends\n"
        fifo.write_text("still heard")
        log = only_run() / "console.log"
        wait_until(lambda: log.read_bytes() == b"script ends\nstill heard\n")
        wait_until(lambda: out.read_bytes() == log.read_bytes())

    def test_what_was_said_when_nothing_registered(self, tmp_path: Path) -> None:
        done = run(write(tmp_path / "s.py", ""))
        assert b"no training was seen" in done.stderr
        assert b"PYTHONPATH" in done.stderr
        assert event(only_run(), "exited")["registered"] is False
