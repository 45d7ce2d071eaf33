"""A range test before the first step: carried to the training process by a variable of its
environment, since it begins before any command could come."""

from __future__ import annotations

import json
from collections.abc import Mapping

from lrmonitor.link.messages import Author, Command, CommandError, parse_command
from lrmonitor.link.test_commands import RangeTestCommand

VARIABLE = "LRMONITOR_FIRST_TEST"
"""JSON: the command's `id` and its `args`."""


def text(command: RangeTestCommand) -> str:
    """What the variable says."""
    return json.dumps({"id": command.id, "args": command.args()})


def command(environ: Mapping[str, str], by: Author) -> Command | None:
    """The command that the variable stands for; None where it is not set.

    Raises CommandError where it makes no sense.
    """
    told = environ.get(VARIABLE, "").strip()
    if not told:
        return None
    try:
        found = json.loads(told)
        message = {"command": RangeTestCommand.kind, "id": found["id"], "args": found["args"]}
    except (ValueError, KeyError, TypeError):
        what = "it is a JSON object with id and args"
        raise CommandError(f"{VARIABLE} is {told!r}: {what}") from None
    return parse_command({**message, "by": vars(by)})
