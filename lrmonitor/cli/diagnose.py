"""`lrmonitor diagnose RUN|FILE`: what the detectors find in a run or a log."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lrmonitor.cli import codes, common
from lrmonitor.cli.list import align

if TYPE_CHECKING:
    from lrmonitor.cli.parser import Subparsers
    from lrmonitor.diagnosis.finding import Finding


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "diagnose",
        description="Look for instability and stagnation in a run or a log, as it would have been "
        "told while it trained: each finding with its evidence and what to do. The exit code is 0 "
        "with or without findings.",
    )
    common.add_run(parser, logs=True)
    for name, what in (
        ("loss", "the training loss"),
        ("lr", "the learning rate"),
        ("val", "the validation loss"),
        ("step", "the number of the step"),
    ):
        parser.add_argument(
            f"--{name}", metavar="COLUMN", help=f"the column or series of {what} (default: by name)"
        )
    parser.set_defaults(func=diagnose)


@common.verb
def diagnose(args: argparse.Namespace) -> int:
    """Read all there is, and print the findings in the order in which they were detected."""
    from lrmonitor.diagnosis import diagnose as findings_of
    from lrmonitor.diagnosis.source import Columns, SourceError, read_rows
    from lrmonitor.record.reader import RunReader

    entry, log = common.find_readable(args)
    reader = RunReader(entry.folder) if log is None else log
    reader.poll()
    try:
        rows = read_rows(reader, Columns(args.loss, args.lr, args.val, args.step))
    except SourceError as error:
        raise common.VerbError(codes.USAGE, str(error)) from None
    findings = findings_of([rows])
    if args.json:
        known = {
            name: getattr(rows, name) is not None
            for name in ("lr", "val", "grad_norm", "update_ratio", "time")
        }
        told = [finding.to_json() for finding in findings]
        common.print_json({"run": entry.id, "rows": len(rows), "known": known, "findings": told})
    elif findings:
        print("\n\n".join(_text(finding) for finding in findings))
    else:
        print(f"nothing found in {len(rows)} losses")
    return codes.DONE


def _text(finding: Finding) -> str:
    """A finding for the person: what, since when, why, what to do."""
    from lrmonitor.diagnosis.words import evidence_words

    state = "still open" if finding.open else finding.outcome
    evidence, advice = finding.evidence, finding.advice
    values = evidence_words(evidence)
    act = advice.action if advice.factor is None else f"{advice.action} ×{advice.factor:.3g}"
    by = "" if advice.judged_after is None else f" (judged after {advice.judged_after} steps)"
    return align(
        [
            (f"{finding.severity}: {finding.kind}", f"detected at step {finding.detected_step}"),
            ("  steps", f"{finding.first_step} to {finding.last_step}, {state}"),
            ("  cause", f"{finding.cause}, confidence {finding.confidence:.0%}"),
            ("  evidence", f"{evidence.rule}: {values}"),
            ("  advice", f"{act}: {advice.reason}"),
            ("  expect", f"{advice.expect}{by}"),
        ]
    )
