"""`lrmonitor run` in a real terminal: what the script finds there, keys, sizes, job control."""

from __future__ import annotations

import os
import shlex
import signal
import termios
from pathlib import Path

import pytest

from tests.helpers.launch import Terminal, alive, children, event, only_run, run_words
from tests.helpers.wait import wait_until

SHELL = ("bash", "--norc", "--noprofile", "-i")

WAITING = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(9)"


def write(path: Path, text: str) -> Path:
    """A script with this text."""
    path.write_text(text)
    return path


class TestWhatTheScriptFinds:
    BODY = """
import os, sys, termios
print([os.isatty(fd) for fd in (0, 1, 2)], os.get_terminal_size(), termios.tcgetattr(1)[:4])
print(len({os.ttyname(fd) for fd in (0, 1, 2)}), os.tcgetpgrp(0) == os.getpgrp(), "on stderr:")
print("end", file=sys.stderr)
"""

    def test_is_a_terminal_like_the_one_it_was_started_in(self, tmp_path: Path) -> None:
        script = write(tmp_path / "s.py", self.BODY)
        with Terminal(run_words(script), rows=31, columns=77) as terminal:
            flags = terminal.attributes()[:4]
            said = terminal.expect(b"end\r\n").decode().partition("[True")[2]
            assert terminal.wait() == 0
        size = "os.terminal_size(columns=77, lines=31)"
        assert said == f", True, True] {size} {flags}\r\n1 True on stderr:\r\nend\r\n"

    def test_the_log_holds_what_was_printed(self, tmp_path: Path) -> None:
        body = "import os\nos.write(1, b'a\\nb\\r 5%\\rc\\r\\nd\\r\\r\\n')\nos.write(1, b'e\\r')"
        with Terminal(run_words(write(tmp_path / "s.py", body))) as terminal:
            terminal.expect(b"a\r\nb\r 5%\rc\r\r\nd\r\r\r\ne\r")
            terminal.wait()
        assert (only_run() / "console.log").read_bytes() == b"a\nb\r 5%\rc\r\nd\r\r\ne\r"

    def test_redirected_streams_are_no_terminals(self, tmp_path: Path) -> None:
        body = "import os, sys\nprint(list(map(os.isatty, range(3))))\nprint('e', file=sys.stderr)"
        script = write(tmp_path / "s.py", body)
        read, send = os.pipe()
        with Terminal(run_words(script), stdout=send) as terminal, open(read, "rb") as file:
            os.close(send)
            terminal.expect(b"e\r\n")
            assert terminal.wait() == 0
            assert file.read() == b"[True, False, True]\n"
        assert b"[True" not in terminal.seen

    def test_a_pipe_on_stdin_and_a_terminal_for_output(self, tmp_path: Path) -> None:
        script = write(
            tmp_path / "s.py",
            "import os, sys\nprint([os.isatty(fd) for fd in (0, 1, 2)], sys.stdin.read())",
        )
        read, send = os.pipe()
        os.write(send, b"piped")
        os.close(send)
        with Terminal(run_words(script), stdin=read) as terminal:
            os.close(read)
            terminal.expect(b"[False, True, True] piped")
            assert terminal.wait() == 0

    def test_a_new_size_is_passed_on(self, tmp_path: Path) -> None:
        body = """
import os, signal, time
signal.signal(signal.SIGWINCH, lambda *_: print("now", *os.get_terminal_size(), flush=True))
print("ready", flush=True)
while True: time.sleep(9)
"""
        with Terminal(run_words(write(tmp_path / "s.py", body))) as terminal:
            terminal.expect(b"ready")
            terminal.resize(40, 120)
            terminal.expect(b"now 120 40\r\n")
            terminal.type(b"\x03")
            assert terminal.wait() == -signal.SIGINT


class TestKeys:
    def test_lines_are_edited_and_echoed_as_usual(self, tmp_path: Path) -> None:
        script = write(tmp_path / "s.py", "print('got', repr(input('name? ')))")
        with Terminal(run_words(script)) as terminal:
            terminal.expect(b"name? ")
            terminal.type(b"abx\x7fc\r")
            terminal.expect(b"got 'abc'")
            assert terminal.wait() == 0
            # Echoed once, by one terminal.
            assert terminal.seen.count(b"abx") == 1

    def test_the_end_of_input(self, tmp_path: Path) -> None:
        script = write(tmp_path / "s.py", "import sys\nprint('> ')\nprint(len(sys.stdin.read()))")
        with Terminal(run_words(script)) as terminal:
            terminal.expect(b"> ")
            terminal.type(b"one\r\x04")
            terminal.expect(b"4\r\n")
            assert terminal.wait() == 0

    def test_single_keys_without_echo(self, tmp_path: Path) -> None:
        body = """
import os, sys, tty
tty.setraw(0)
sys.stdout.write("raw")
sys.stdout.flush()
print(os.read(0, 1), os.read(0, 1), os.read(0, 1), end="")
"""
        with Terminal(run_words(write(tmp_path / "s.py", body))) as terminal:
            terminal.expect(b"raw")
            terminal.type(b"\x03\x1a\r")
            terminal.expect(b"b'\\x03' b'\\x1a' b'\\r'")
            assert terminal.wait() == 0

    def test_a_long_paste(self, tmp_path: Path) -> None:
        body = """
import os, sys, tty
tty.setraw(0)
os.write(1, b"ready")
got = b""
while len(got) < 300_000:
    got += os.read(0, 1 << 16)
print("sum", sum(got), end="")
"""
        text = bytes(range(32, 127)) * 3158
        with Terminal(run_words(write(tmp_path / "s.py", body))) as terminal:
            terminal.expect(b"ready")
            for start in range(0, 300_000, 1000):
                terminal.type(text[start : start + 1000])
            terminal.expect(b"sum %d" % sum(text[:300_000]))
            assert terminal.wait() == 0

    def test_an_interrupt_goes_to_the_script_alone_and_ends_both_by_it(
        self, tmp_path: Path
    ) -> None:
        with Terminal(run_words(write(tmp_path / "s.py", WAITING))) as terminal:
            before = terminal.attributes()
            terminal.expect(b"ready")
            assert terminal.attributes() != before
            terminal.type(b"\x03")
            assert terminal.wait() == -signal.SIGINT
            assert b"KeyboardInterrupt" in terminal.seen
            assert terminal.attributes() == before
        assert event(only_run(), "exited")["signal"] == "SIGINT"

    def test_quit_leaves_no_core_of_ours(self, tmp_path: Path) -> None:
        body = "import resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n" + WAITING
        with Terminal(run_words(write(tmp_path / "s.py", body)), cwd=tmp_path) as terminal:
            terminal.expect(b"ready")
            terminal.type(b"\x1c")
            assert terminal.wait() == -signal.SIGQUIT
        assert not list(tmp_path.glob("core*"))

    def test_modes_are_given_back_when_the_client_is_terminated(self, tmp_path: Path) -> None:
        with Terminal(run_words(write(tmp_path / "s.py", WAITING))) as terminal:
            before = terminal.attributes()
            terminal.expect(b"ready")
            terminal.process.terminate()
            assert terminal.wait() == -signal.SIGTERM
            assert terminal.attributes() == before

    def test_modes_are_given_back_even_when_the_client_is_killed(self, tmp_path: Path) -> None:
        command = shlex.join(run_words(write(tmp_path / "s.py", WAITING)))
        # A shell leads the session, so that the terminal lives on.
        with Terminal(("sh", "-c", f"{command}; echo code $?; read line")) as terminal:
            before = terminal.attributes()
            terminal.expect(b"ready")
            (client,) = children(terminal.process.pid)
            os.kill(client, signal.SIGKILL)
            terminal.expect(b"code 137")
            wait_until(lambda: terminal.attributes() == before)
            pid = event(only_run(), "started")["pid"]
            assert alive(pid)
            os.kill(pid, signal.SIGTERM)
            assert event(only_run(), "exited")["signal"] == "SIGTERM"


class TestJobControl:
    """In an interactive shell, which makes a job of the client."""

    BODY = """
import signal, sys, time
print("ready", flush=True)
for line in sys.stdin:
    print("got", line, end="", flush=True)
"""

    @pytest.fixture
    def script(self, tmp_path: Path) -> str:
        return shlex.join(run_words(write(tmp_path / "s.py", self.BODY)))

    def test_suspend_and_foreground(self, script: str) -> None:
        with Terminal(SHELL, env={"PS1": "> "}) as terminal:
            terminal.type(f"{script}\r".encode())
            terminal.expect(b"ready")
            pid = event(only_run(), "started")["pid"]
            terminal.type(b"\x1a")
            terminal.expect(b"Stopped")
            assert state(pid) == "T"
            terminal.type(b"echo the shell $((6 * 7))\r")
            terminal.expect(b"the shell 42")
            terminal.type(b"fg\r")
            wait_until(lambda: state(pid) == "S")
            terminal.type(b"hello\r")
            terminal.expect(b"got hello")
            terminal.type(b"\x04")
            terminal.expect(b"> ")
            terminal.type(b"echo code $?\r")
            terminal.expect(b"code 0")
            terminal.type(b"exit\r")
            assert terminal.wait() == 0

    def test_suspend_and_background(self, script: str) -> None:
        with Terminal(SHELL, env={"PS1": "> "}) as terminal:
            terminal.type(f"{script}\r".encode())
            terminal.expect(b"ready")
            pid = event(only_run(), "started")["pid"]
            terminal.type(b"\x1a")
            terminal.expect(b"Stopped")
            terminal.type(b"bg\r")
            wait_until(lambda: state(pid) == "S")
            terminal.type(b"echo the shell $((6 * 7))\r")
            terminal.expect(b"the shell 42")
            terminal.type(b"fg\r")
            terminal.expect(b"fg\r\n")
            wait_until(lambda: raw(terminal))
            terminal.type(b"hello\r")
            terminal.expect(b"got hello")
            terminal.type(b"\x04")
            terminal.expect(b"> ")
            terminal.type(b"exit\r")
            assert terminal.wait() == 0

    def test_started_in_the_background(self, script: str) -> None:
        with Terminal(SHELL, env={"PS1": "> "}) as terminal:
            terminal.type(f"{script} &\r".encode())
            terminal.expect(b"ready")
            terminal.type(b"echo the shell $((6 * 7))\r")
            terminal.expect(b"the shell 42")
            terminal.type(b"fg\r")
            terminal.expect(b"fg\r\n")
            wait_until(lambda: raw(terminal))
            terminal.type(b"hello\r")
            terminal.expect(b"got hello")
            terminal.type(b"\x03")
            terminal.expect(b"> ")
            terminal.type(b"echo code $?\r")
            terminal.expect(b"code 130")
            terminal.type(b"exit\r")
            assert terminal.wait() == 0

    def test_stopped_and_continued_from_elsewhere(self, script: str) -> None:
        with Terminal(SHELL, env={"PS1": "> "}) as terminal:
            terminal.type(f"{script}\r".encode())
            terminal.expect(b"ready")
            pid = event(only_run(), "started")["pid"]
            os.kill(pid, signal.SIGSTOP)
            terminal.expect(b"Stopped")
            terminal.type(b"fg\r")
            wait_until(lambda: state(pid) == "S")
            terminal.type(b"hello\r")
            terminal.expect(b"got hello")
            terminal.type(b"\x04")
            terminal.expect(b"> ")
            terminal.type(b"exit\r")
            assert terminal.wait() == 0

    def test_in_a_pipeline(self, script: str, tmp_path: Path) -> None:
        with Terminal(SHELL, env={"PS1": "> "}) as terminal:
            terminal.type(f"{script} | tee {tmp_path / 'tee'}\r".encode())
            terminal.expect(b"ready")
            terminal.type(b"\x1a")
            terminal.expect(b"Stopped")
            terminal.type(b"fg\r")
            wait_until(lambda: raw(terminal))
            terminal.type(b"hello\r")
            terminal.expect(b"got hello")
            terminal.type(b"\x04")
            terminal.expect(b"> ")
            terminal.type(b"exit\r")
            assert terminal.wait() == 0
        assert (tmp_path / "tee").read_bytes() == b"ready\ngot hello\n"


def test_what_is_left_in_the_background_is_not_hung_up_on(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    late = f"""
import signal, sys
signal.signal(signal.SIGHUP, lambda *_: open({str(mark)!r}, "w").write("hung up"))
print("waits", flush=True)
sys.stdin.read()
open({str(mark)!r}, "a").write("ended")
"""
    body = f"""
import subprocess, sys
p = subprocess.Popen([sys.executable, "-c", {late!r}], stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
print(p.stdout.readline())
"""
    with Terminal(run_words(write(tmp_path / "s.py", body))) as terminal:
        assert terminal.wait() == 0
    wait_until(mark.exists)
    assert mark.read_text() == "ended"


def test_a_terminal_that_nobody_reads_does_not_hold_the_script(tmp_path: Path) -> None:
    body = "for i in range(60_000): print('x' * 99)\nopen('done', 'w').close()"
    words = run_words(write(tmp_path / "s.py", body))
    with Terminal(words, cwd=tmp_path) as terminal:
        wait_until((tmp_path / "done").exists)
        folder = only_run()
        wait_until(lambda: (folder / "console.log").stat().st_size == 6_000_000)
        assert terminal.wait() == 0
        assert len(terminal.seen) < 6_000_000
    assert event(folder, "exited")["code"] == 0


def raw(terminal: Terminal) -> bool:
    """Whether the terminal passes keys on untouched."""
    return not terminal.attributes()[3] & termios.ICANON


def state(pid: int) -> str:
    """The letter by which `ps` shows what the process does."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
