"""The supervisor's beginning: it is told what to launch, and makes the run's folder."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from lrmonitor.launch.channel import Channel
from lrmonitor.launch.spec import LaunchSpec, SpecError
from lrmonitor.launch.supervisor import Supervisor
from lrmonitor.record.create import create_run


def supervise(fd: int) -> None:
    """Be the supervisor at the end `fd` of the client's channel; ends the process."""
    for number in (
        signal.SIGHUP,  # the terminal's death is not the training's
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTSTP,
        signal.SIGTTIN,
        signal.SIGTTOU,
        signal.SIGUSR1,
        signal.SIGUSR2,
    ):
        signal.signal(number, signal.SIG_IGN)
    channel = Channel(socket.socket(fileno=fd))
    found = channel.next(60.0)
    if found is None:  # the client was killed
        os._exit(1)
    try:
        spec = LaunchSpec.from_json(found["spec"])
        client = int(found["client"])
    except (KeyError, TypeError, ValueError, SpecError) as error:
        channel.send({"event": "refused", "reason": f"the launch was not understood: {error}"})
        os._exit(1)
    try:
        folder = create_run(
            Path(spec.home),
            name=spec.name,
            kind=spec.kind,
            script=spec.target,
            argv=list(spec.argv),
            command=list(spec.command),
            cwd=spec.cwd or os.getcwd(),
            python=spec.python,
            env=dict(spec.env),
        )
    except OSError as error:
        reason = (
            f"the run's folder cannot be made in {spec.home} "
            f"({error.strerror or error}): choose another place with --runs"
        )
        channel.send({"event": "refused", "reason": reason})
        os._exit(1)
    Supervisor(spec, channel, client, folder).run()
    # A sink that still hangs (a stopped terminal, a dead network drive) must not keep us.
    os._exit(0)
