"""The control link: a real server and real clients, in one process, over real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

import pytest

from lrmonitor.link import client, paths, server, wire
from lrmonitor.link.messages import (
    MESSAGE_LIMIT,
    PROTOCOL,
    Acknowledgement,
    Author,
    CancelCommand,
    Command,
    CommandError,
    GroupRate,
    LrCommand,
    PauseCommand,
    decode,
    encode,
    parse_acknowledgement,
    parse_command,
    parse_rate,
)
from lrmonitor.schedules.waves import Cosine
from tests.helpers.wait import wait_until

RUN = "20231114-221320-abcd"
LONG = 20.0
"""Seconds that a busy machine may need for what takes a moment."""


class Training:
    """Carries commands out when the test says so, each id once."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.answers: dict[str, Acknowledgement] = {}
        self.replies: dict[str, list[server.Reply]] = {}

    def submit(self, command: Command, reply: server.Reply) -> None:
        """Queue a command."""
        if command.id not in self.answers:
            self.commands.append(command)
            self.answers[command.id] = Acknowledgement(command.id, "pending")
        self.replies.setdefault(command.id, []).append(reply)
        reply(self.answers[command.id])

    def status(self) -> dict[str, Any]:
        """As the probe tells it."""
        pending = [id for id, answer in self.answers.items() if not answer.final]
        return {"step": 41, "paused": False, "pending": pending, "optimizers": []}

    def apply(self, id: str, *rates: GroupRate) -> Acknowledgement:
        """A step uses the command."""
        answer = self.answers[id] = Acknowledgement(id, "applied", 42, groups=rates)
        for reply in self.replies[id]:
            reply(answer)
        return answer


@pytest.fixture
def training() -> Training:
    return Training()


@pytest.fixture
def listening(training: Training) -> Iterator[server.Server]:
    made = server.Server(RUN, 0, "/runs/" + RUN, training)
    yield made
    made.close()


def token(listening: server.Server) -> bytes:
    """The secret in the endpoint file."""
    return bytes.fromhex(json.loads(listening.file.read_text())["token"])


@contextlib.contextmanager
def greeted(listening: server.Server) -> Iterator[Pipe]:
    """A connection past its greeting, to send anything over."""
    with wire.dial(listening.address, LONG) as pipe:
        answer_challenge(pipe, token(listening))
        deliver_challenge(pipe, token(listening))
        pipe.send_bytes(encode({"type": "hello", "protocol": PROTOCOL, "client": "test"}))
        assert decode(pipe.recv_bytes())["type"] == "welcome"
        yield pipe


def receive(pipe: Pipe) -> dict[str, Any]:
    """The next message, which must come."""
    assert pipe.poll(LONG)
    return decode(pipe.recv_bytes(MESSAGE_LIMIT))


def is_closed(pipe: Pipe) -> bool:
    """Whether the other end hangs up, without having said anything more."""
    assert pipe.poll(LONG), "the connection stays open"
    try:
        pipe.recv_bytes()
    except (EOFError, OSError):
        return True
    return False


def still_serves(training: Training) -> None:
    """A new client is served as if nothing had been."""
    with client.connect(RUN, timeout=LONG) as connection:
        command = PauseCommand()
        connection.send(command)
        pending = connection.receive(LONG)
        assert pending is not None
        assert (pending.id, pending.status) == (command.id, "pending")
        training.apply(command.id)
        final = connection.receive(LONG)
        assert final is not None
        assert (final.status, final.step) == ("applied", 42)


class TestRoundTrip:
    def test_pending_then_applied(self, training: Training, listening: server.Server) -> None:
        with client.connect(RUN, client="window", timeout=LONG) as connection:
            assert connection.welcome["step"] == 41
            assert connection.welcome["run"] == RUN
            assert connection.welcome["pid"] == os.getpid()
            by = Author("rule", "window", "ann")
            command = LrCommand(mode="hold", value=3e-4, optimizer=0, group=1, by=by)
            pending = connection.request(command, 0.2)
            assert pending == Acknowledgement(command.id, "pending")
            assert training.commands == [command]
            assert connection.status(LONG)["pending"] == [command.id]
            rate = GroupRate(0, 1, 1e-3, None, 3e-4)
            other = GroupRate(0, 2, float("nan"), float("inf"), 0.1 + 0.2)
            training.apply(command.id, rate, other)
            final = connection.receive(LONG)
            assert final is not None
            assert (final.status, final.step, final.reason) == ("applied", 42, None)
            assert final.groups[0] == rate
            assert repr(final.groups[1]) == repr(other)
            assert connection.receive() is None

    def test_a_repeated_id_is_one_command(
        self, training: Training, listening: server.Server
    ) -> None:
        command = LrCommand(mode="scale", value=0.5)
        with client.connect(RUN, timeout=LONG) as one, client.connect(RUN, timeout=LONG) as two:
            one.send(command)
            wait_until(lambda: training.commands)
            assert two.request(command, 0.1).status == "pending"
            training.apply(command.id)
            for connection in (one, two):
                answer = connection.request(command, LONG)
                assert (answer.status, answer.step) == ("applied", 42)
        assert training.commands == [command]

    def test_answers_to_other_commands_are_passed_over(
        self, training: Training, listening: server.Server
    ) -> None:
        with client.connect(RUN, timeout=LONG) as connection:
            early, late = PauseCommand(), CancelCommand(target="x")
            connection.send(early)
            connection.send(late)
            wait_until(lambda: len(training.commands) == 2)
            training.apply(early.id)
            training.apply(late.id)
            assert connection.request(late, LONG).id == late.id

    def test_a_command_outlives_its_connection(
        self, training: Training, listening: server.Server
    ) -> None:
        command = PauseCommand()
        with client.connect(RUN, timeout=LONG) as connection:
            connection.send(command)
        wait_until(lambda: training.commands == [command])
        training.apply(command.id)
        with client.connect(RUN, timeout=LONG) as connection:
            assert connection.request(command, LONG).status == "applied"

    def test_every_command_survives_the_wire(self) -> None:
        for command in (
            LrCommand(mode="follow"),
            LrCommand(mode="set", value=1, optimizer="all"),
            LrCommand(mode="hold", value=1, ramp=100, same=True),
            LrCommand(mode="plan", plan=Cosine(end=1e-5, length=10), begin=40, ramp=3),
            PauseCommand(by=Author(name="\ud800 é")),
            CancelCommand(target="abc"),
        ):
            assert parse_command(decode(encode(command.to_json()))) == command
        answer = Acknowledgement("x", "refused", None, "no", "but", (GroupRate(0, 0, 1, 2, 3),))
        assert parse_acknowledgement(decode(encode(answer.to_json()))) == answer
        with pytest.raises(ValueError, match="not an acknowledgement"):
            parse_acknowledgement({"id": "x", "status": "done"})


class TestBadPeers:
    def test_a_wrong_token(self, training: Training, listening: server.Server) -> None:
        told = json.loads(listening.file.read_text())
        right = listening.file.read_text()
        listening.file.write_text(json.dumps({**told, "token": "00" * 32}))
        with pytest.raises(client.AccessDenied, match="did not accept the token"):
            client.connect(RUN, timeout=LONG)
        listening.file.write_text(right)
        still_serves(training)

    def test_a_silent_peer_holds_up_nobody(
        self, training: Training, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(server, "HANDSHAKE_SECONDS", 0.5)
        listening = server.Server(RUN, 0, "", training)
        with contextlib.ExitStack() as stack:
            stack.callback(listening.close)
            silent = [
                stack.enter_context(contextlib.closing(wire.dial(listening.address, LONG)))
                for _ in range(8)
            ]
            for pipe in silent:
                assert pipe.recv_bytes().startswith(b"#CHALLENGE#")
            monkeypatch.setattr(server, "HANDSHAKE_SECONDS", LONG)
            still_serves(training)
            for pipe in silent:
                assert is_closed(pipe)  # each in its time

    def test_no_more_than_so_many_at_once(
        self, training: Training, listening: server.Server
    ) -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(server.CONNECTIONS):
                stack.enter_context(client.connect(RUN, timeout=LONG))
            with pytest.raises(client.Unreachable):
                client.connect(RUN, timeout=LONG)
        wait_until(lambda: not listening._open)
        still_serves(training)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"no JSON",
            b"[1, 2]",
            b"\xff\xfe",
            b"[" * 60_000,
            b'{"type": "command", "id": "x", "command": "lr", "args": {"value": NaN}}',
            b'{"type": "status", "x": Infinity}',
        ],
        ids=["empty", "text", "array", "bytes", "deep", "nan", "infinity"],
    )
    def test_a_malformed_message(
        self, training: Training, listening: server.Server, data: bytes
    ) -> None:
        with greeted(listening) as pipe:
            pipe.send_bytes(data)
            assert is_closed(pipe)
        assert training.commands == []
        still_serves(training)

    def test_ten_megabytes(self, training: Training, listening: server.Server) -> None:
        with greeted(listening) as pipe:
            with contextlib.suppress(OSError):  # it hangs up before all of it is sent
                pipe.send_bytes(b" " * 10_000_000)
            assert is_closed(pipe)
        still_serves(training)

    def test_a_truncated_message(self, training: Training, listening: server.Server) -> None:
        with greeted(listening) as pipe:
            whole = encode(PauseCommand().to_json())
            os.write(pipe.fileno(), struct.pack("!i", len(whole)) + whole[:-5])
        wait_until(lambda: not listening._open)
        assert training.commands == []
        still_serves(training)

    def test_another_protocol(self, listening: server.Server) -> None:
        with wire.dial(listening.address, LONG) as pipe:
            answer_challenge(pipe, token(listening))
            deliver_challenge(pipe, token(listening))
            pipe.send_bytes(encode({"type": "hello", "protocol": 2}))
            assert "protocol 2 is not spoken here" in receive(pipe)["reason"]
            assert is_closed(pipe)

    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"extra": 1}, "unknown field 'extra'"),
            ({"args": {"mode": "hold", "value": 1, "extra": 1}}, "unknown field 'extra' in lr"),
            ({"by": {"extra": "x"}}, "who, via and name"),
            ({"by": {"name": "x" * 201}}, "who, via and name"),
            ({"by": []}, "must be objects"),
            ({"command": "explode"}, "unknown command 'explode'"),
            ({"command": ["lr"]}, "unknown command"),
            ({"id": 7}, "id must be a text"),
            ({"id": ""}, "id must be a text"),
            ({"id": "x" * 65}, "id must be a text"),
            ({"args": {"mode": "jump"}}, "'jump' is no mode"),
            ({"args": {"mode": ["hold"]}}, "is no mode"),
            ({"args": {"mode": "hold"}}, "needs a number"),
            ({"args": {"mode": "hold", "value": "1"}}, "needs a number"),
            ({"args": {"mode": "hold", "value": True}}, "needs a number"),
            ({"args": {"mode": "follow", "value": 1}}, "takes no value"),
            ({"args": {"mode": "hold", "value": 0}}, "use freeze"),
            ({"args": {"mode": "hold", "value": -1}}, "below 0"),
            ({"args": {"mode": "hold", "value": 10**400}}, "too large"),
            ({"args": {"mode": "hold", "value": 1, "optimizer": -1}}, "optimizer must be"),
            ({"args": {"mode": "hold", "value": 1, "optimizer": {}}}, "optimizer must be"),
            ({"args": {"mode": "hold", "value": 1, "group": 0.5}}, "group must be"),
            ({"args": {"mode": "hold", "value": 1, "group": True}}, "group must be"),
            ({"args": {"mode": "hold", "value": 1, "ramp": -1}}, "ramp must be"),
            ({"args": {"mode": "hold", "value": 1, "ramp": 2.5}}, "ramp must be"),
            ({"args": {"mode": "hold", "value": 1, "ramp": None}}, "ramp must be"),
            ({"args": {"mode": "hold", "value": 1, "ramp": 10**13}}, "ramp must be"),
            ({"args": {"mode": "scale", "value": 1, "same": True}}, "is for set, hold and plan"),
            (
                {"args": {"mode": "hold", "value": 1, "same": True, "group": 0}},
                "of all groups",
            ),
            ({"args": {"mode": "hold", "value": 1, "same": 1}}, "same must be true or false"),
            ({"args": {"mode": "hold", "value": 1, "begin": 5}}, "takes no schedule"),
            ({"args": {"mode": "plan"}}, "plan needs a schedule"),
            ({"args": {"mode": "plan", "value": 1}}, "plan takes no value"),
            ({"args": {"mode": "plan", "plan": "cosine"}}, "an object with a kind"),
            (
                {"args": {"mode": "plan", "plan": {"kind": "cosine", "end": 1, "length": 0}}},
                "length must be a number of steps from 1",
            ),
            (
                {"args": {"mode": "plan", "plan": {"kind": "constant"}, "begin": -1}},
                "begin must be",
            ),
            ({"command": "cancel", "args": {"target": 1}}, "target must be"),
        ],
    )
    def test_a_command_that_cannot_be_meant_is_refused(
        self, listening: server.Server, training: Training, changed: dict[str, Any], reason: str
    ) -> None:
        message = {**LrCommand(mode="hold", value=0.1).to_json(), **changed}
        with greeted(listening) as pipe:
            pipe.send_bytes(json.dumps(message).encode())
            answer = receive(pipe)
            assert answer["status"] == "refused"
            assert reason in answer["reason"]
            pipe.send_bytes(encode({"type": "status"}))  # the connection goes on
            assert receive(pipe)["step"] == 41
        assert training.commands == []

    def test_a_number_beyond_all_numbers(self, listening: server.Server) -> None:
        with greeted(listening) as pipe:
            pipe.send_bytes(
                b'{"type":"command","id":"x","command":"lr","args":{"mode":"hold","value":1e999}}'
            )
            assert "too large" in receive(pipe)["reason"]

    def test_an_unknown_message(self, listening: server.Server) -> None:
        with greeted(listening) as pipe:
            pipe.send_bytes(encode({"type": "dance"}))
            assert receive(pipe) == {"type": "error", "reason": "unknown message 'dance'"}


class TestEndpoint:
    def test_is_private_and_gone_after_close(
        self, training: Training, listening: server.Server
    ) -> None:
        told = json.loads(listening.file.read_text())
        assert {k: v for k, v in told.items() if k not in ("token", "address")} == {
            "format": 1,
            "protocol": 1,
            "run": RUN,
            "folder": "/runs/" + RUN,
            "rank": 0,
            "pid": os.getpid(),
            "family": "AF_UNIX",
        }
        assert len(bytes.fromhex(told["token"])) >= 16
        for path in (listening.file, Path(listening.address)):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(listening.file.parent.stat().st_mode) == 0o700
        assert paths.endpoints(RUN) == {0: listening.file}
        listening.close()
        assert list(listening.file.parent.glob("*2023*")) == []
        assert paths.endpoints(RUN) == {}
        with pytest.raises(client.NoEndpoint, match=RUN):
            client.connect(RUN)
        listening.close()

    def test_a_client_learns_of_the_end(self, training: Training) -> None:
        listening = server.Server(RUN, 0, "", training)
        with client.connect(RUN, timeout=LONG) as connection:
            listening.close()
            # As at the process's end, when its sockets close.
            for one in list(listening._open):
                descriptor = socket.socket(fileno=os.dup(one.fileno()))
                descriptor.shutdown(socket.SHUT_RDWR)
                descriptor.close()
            with pytest.raises(client.Unreachable, match=r"closed the connection|is gone"):
                connection.request(PauseCommand(), LONG)

    def test_a_folder_with_a_very_long_name(
        self, training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / ("é" * 90)
        monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", str(folder))
        listening = server.Server(RUN, 0, "", training)
        try:
            assert len(os.fsencode(listening.address)) <= paths.ADDRESS_LIMIT
            assert listening.file.parent == folder
            assert paths.socket_address(RUN, 1) != listening.address
            still_serves(training)
        finally:
            listening.close()
        assert not os.path.exists(listening.address)

    def test_a_killed_process_left_its_endpoint(
        self, training: Training, listening: server.Server
    ) -> None:
        left = listening.file.read_text()
        listening.close()
        listening.file.write_text(left)
        started = time.monotonic()
        with pytest.raises(client.Unreachable, match="does not answer"):
            client.connect(RUN, timeout=LONG)
        abandoned = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        abandoned.bind(listening.address)
        abandoned.close()
        with pytest.raises(client.Unreachable, match="does not answer"):
            client.connect(RUN, timeout=LONG)
        assert time.monotonic() - started < LONG
        again = server.Server(RUN, 0, "", training)  # the same rank, started anew
        try:
            still_serves(training)
        finally:
            again.close()

    def test_a_process_that_hangs(self, training: Training, listening: server.Server) -> None:
        told = json.loads(listening.file.read_text())
        address = listening.address + ".mute"
        listening.file.write_text(json.dumps({**told, "address": address}))
        with (
            contextlib.closing(wire.listen(address)),
            pytest.raises(client.Unreachable, match="does not answer"),
        ):
            client.connect(RUN, timeout=0.1)
        os.unlink(address)

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"address": "x", "token": "xyz"}'])
    def test_an_endpoint_file_that_is_no_good(self, isolated: Any, text: str) -> None:
        paths.endpoint_file(RUN, 0).write_text(text)
        with pytest.raises(client.Unreachable, match="cannot be read"):
            client.connect(RUN)

    def test_no_endpoint(self) -> None:
        with pytest.raises(client.NoEndpoint, match="no process of run none listens"):
            client.connect("none")

    def test_a_runtime_folder_that_is_a_link(
        self, tmp_path: Path, training: Training, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
        monkeypatch.setenv("LRMONITOR_RUNTIME_DIR", str(tmp_path / "link"))
        with pytest.raises(PermissionError):
            server.Server(RUN, 0, "", training)


class TestRates:
    @pytest.mark.parametrize(
        ("text", "value"),
        [("3e-4", 3e-4), ("0.0003", 3e-4), ("3E-4", 3e-4), (" 1 ", 1.0), ("5e-324", 5e-324)],
    )
    def test_as_a_person_types_them(self, text: str, value: float) -> None:
        assert parse_rate(text) == value

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("0", "use freeze"),
            ("-0.0", "use freeze"),
            ("1e-999", "use freeze"),
            ("-1", "below 0"),
            ("nan", "not a rate"),
            ("inf", "too large"),
            ("1e999", "too large"),
            ("abc", "not a number"),
            ("", "type a rate"),
            ("1_0", "not a number"),
            ("3e-4 5", "not a number"),
            ("1,5", "has a comma in it.*as in 1.5$"),
            ("3,0e-4", "as in 3.0e-4$"),
            ("1,2,3", "as in 0.0003$"),
            ("\N{ARABIC-INDIC DIGIT THREE}", "not a number"),
        ],
    )
    def test_what_is_no_rate(self, text: str, reason: str) -> None:
        with pytest.raises(CommandError, match=reason) as error:
            parse_rate(text)
        assert "\n" not in str(error.value)


class TestNotes:
    def test_a_note_travels_and_comes_back(self) -> None:
        sent = LrCommand(mode="hold", value=3e-4, note="it spiked")
        assert parse_command(decode(encode(sent.to_json()))) == sent

    def test_without_one_nothing_is_sent_that_an_older_probe_would_refuse(self) -> None:
        # What an older training process does not know is not sent without need.
        plain = {"mode": "hold", "value": 3e-4, "optimizer": None, "group": None}
        assert LrCommand(mode="hold", value=3e-4).args() == plain

    @pytest.mark.parametrize("note", [7, None, ["x"], "x" * 501])
    def test_what_is_no_note(self, note: object) -> None:
        with pytest.raises(CommandError, match="at most 500 characters"):
            LrCommand(mode="follow", note=note)  # type: ignore[arg-type]
