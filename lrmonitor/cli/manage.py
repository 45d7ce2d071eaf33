"""`lrmonitor rename`, `tag`, `delete` and `restore`: keeping order among the runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.record.catalogue import RunEntry
    from lrmonitor.record.client_log import ClientLog


def add_parser(subparsers: Subparsers) -> None:
    """Add the verbs."""
    rename = subparsers.add_parser("rename", description="Give a run another name.")
    common.add_run(rename)
    rename.add_argument("name", metavar="NAME", help="the new name")
    rename.set_defaults(func=rename_run)

    tag = subparsers.add_parser(
        "tag", description="Give a run tags, or take them away; without one, print those it has."
    )
    common.add_run(tag)
    tag.add_argument("tags", metavar="TAG", nargs="*", help="a tag to add")
    tag.add_argument(
        "--remove", metavar="TAG", action="append", default=[], help="a tag to take away"
    )
    tag.set_defaults(func=tag_run)

    delete = subparsers.add_parser(
        "delete",
        description="Move a run that is over to the trash of its folder of runs. "
        "`lrmonitor restore` puts it back.",
    )
    common.add_run(delete)
    delete.set_defaults(func=delete_run)

    restore = subparsers.add_parser(
        "restore", description="Put a deleted run back; without one, list what is in the trash."
    )
    restore.add_argument("run", metavar="ID", nargs="?", help="the run's id, or its beginning")
    restore.add_argument(
        "--empty", action="store_true", help="remove for good what is in the trash"
    )
    common.add_runs(restore)
    common.add_json(restore)
    restore.set_defaults(func=restore_run)


@common.verb
def rename_run(args: argparse.Namespace) -> int:
    """Write the name into the run's record."""
    name = " ".join(args.name.split())
    if not name:
        raise common.VerbError(codes.USAGE, "the name is empty")
    entry = common.find_run(args)
    try:
        _log(entry).name(name)
    except OSError as error:
        raise _failed("the name cannot be written", error) from None
    return _done(args, f"{entry.id} is named {name!r} now", run=entry.id, name=name)


@common.verb
def tag_run(args: argparse.Namespace) -> int:
    """Write the tags into the run's record."""
    entry = common.find_run(args)
    before = set(common.read_state(entry.folder).tags)
    wanted = {_tag(text) for text in args.tags}
    unwanted = {_tag(text) for text in args.remove}
    if missing := unwanted - before - wanted:
        names = ", ".join(sorted(missing))
        raise common.VerbError(codes.REFUSED, f"it has no tag {names}: nothing was changed")
    tags = sorted((before | wanted) - unwanted)
    if set(tags) != before:
        try:
            _log(entry).tags(tags)
        except OSError as error:
            raise _failed("the tags cannot be written", error) from None
    told = ", ".join(tags) or "no tags"
    return _done(args, f"{entry.id}: {told}", run=entry.id, tags=tags)


@common.verb
def delete_run(args: argparse.Namespace) -> int:
    """Move its folder to the trash."""
    from lrmonitor.record.trash import Trash

    entry = common.find_run(args)
    state = common.read_state(entry.folder).state
    if state.live:
        raise common.VerbError(
            codes.REFUSED,
            f"it still goes on ({state.label}): end it first, with `lrmonitor stop {entry.id}`",
        )
    if entry.folder.parent != common.home(args).absolute():
        raise common.VerbError(
            codes.REFUSED, f"{entry.folder} is not in {common.home(args)}: remove it yourself"
        )
    try:
        place = Trash(entry.folder.parent).put(entry.folder)
    except OSError as error:
        raise _failed("it cannot be moved to the trash", error) from None
    told = f"deleted; `lrmonitor restore {place.name}` puts it back"
    return _done(args, told, run=entry.id, trash=str(place))


@common.verb
def restore_run(args: argparse.Namespace) -> int:
    """Move a folder back from the trash, or list what is there."""
    from lrmonitor.record.trash import Trash

    trash = Trash(common.home(args))
    if args.empty:
        if args.run:
            raise common.VerbError(codes.USAGE, "--empty empties the whole trash: name no run")
        try:
            count = trash.empty()
        except OSError as error:
            raise _failed("the trash cannot be emptied", error) from None
        runs = "1 run was" if count == 1 else f"{count} runs were"
        return _done(args, f"{runs} removed for good", removed=count)
    if args.run is None:
        return _list(args, trash.runs())
    found = [path for path in trash.runs() if path.name.startswith(args.run)]
    exact = [path for path in found if path.name == args.run]
    if not found:
        raise common.VerbError(codes.NO_RUN, f"no deleted run begins with {args.run!r}")
    if len(exact or found) > 1:
        names = ", ".join(path.name for path in found[:6])
        raise common.VerbError(codes.NO_RUN, f"several begin with {args.run!r} ({names})")
    place = (exact or found)[0]
    try:
        folder = trash.restore(place)
    except OSError as error:
        raise _failed("it cannot be put back", error) from None
    return _done(args, f"{folder.name} is back", run=folder.name, folder=str(folder))


def _list(args: argparse.Namespace, places: list[Path]) -> int:
    from lrmonitor.record.reader import read_run_json

    rows = []
    for place in places:
        info, _ = read_run_json(place)
        rows.append({"id": place.name, "name": str((info or {}).get("name") or place.name)})
    if args.json:
        common.print_json(rows)
    elif rows:
        from lrmonitor.cli.list import align

        print(align([("RUN", "NAME"), *((row["id"], row["name"]) for row in rows)]))
    else:
        common.say("the trash is empty")
    return codes.DONE


def _tag(text: str) -> str:
    tag = text.strip().lstrip("#")
    if not tag or len(tag.split()) > 1 or "," in tag:
        raise common.VerbError(codes.USAGE, f"{text!r} is no tag: one word, without a comma")
    return tag


def _log(entry: RunEntry) -> ClientLog:
    from lrmonitor.record.client_log import ClientLog

    return ClientLog(entry.folder, "cli", vars(common.person()))


def _failed(what: str, error: OSError) -> common.VerbError:
    return common.VerbError(codes.FAILED, f"{what}: {error.strerror or error}")


def _done(args: argparse.Namespace, sentence: str, **fields: object) -> int:
    if args.json:
        common.print_json({"status": "done", **fields})
    else:
        common.say(sentence)
    return codes.DONE
