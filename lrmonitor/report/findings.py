"""The findings of a run, as a part of its report."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lrmonitor.diagnosis import diagnose
from lrmonitor.diagnosis.finding import RANK
from lrmonitor.diagnosis.source import RowSource, SourceError, is_timed
from lrmonitor.diagnosis.words import action_words, evidence_words, headline, severity_word
from lrmonitor.model.findings import Told
from lrmonitor.model.run import RunModel
from lrmonitor.report.svg import Shade
from lrmonitor.report.tables import without_empty

MOST = 200
"""Findings in the table; that there are more is said."""


def found(model: RunModel) -> list[Told]:
    """What the detectors say of the run, with what the person made of it. Takes some 6 s for a
    million steps."""
    rank = model.rank
    if rank is None:
        return []
    try:
        rows = RowSource(rank, timed=is_timed(model.reader), others=model.metrics).take()
    except SourceError:
        return []
    return model.findings.told(diagnose([rows]), model.state.step or 0)


def shades(told: list[Told]) -> list[Shade]:
    """Where those hold that are a warning or more."""
    return [
        Shade(
            one.finding.first_step,
            max(one.finding.last_step, one.finding.detected_step),
            one.finding.severity,
            f"{severity_word(one.finding.severity)}: {headline(one.finding)}",
        )
        for one in told
        if RANK.get(one.finding.severity, 0) > 0 and not one.muted
    ]


def section(told: list[Told]) -> str:
    """The table of the findings."""
    if not told:
        return "<h2>Findings</h2><p>None: no divergence, no spike, no plateau was found.</p>"
    all_heads = (
        "Severity", "What", "Steps", "How it ended", "Evidence", "Advice", "What became of it",
    )  # fmt: skip
    heads, cells = without_empty(all_heads, [_texts(one) for one in told[:MOST]])
    lines = "".join(
        f"<tr>{_cells(one, texts)}</tr>" for one, texts in zip(told, cells, strict=False)
    )
    more = len(told) - MOST
    note = f"<p>{more} more were found.</p>" if more > 0 else ""
    return (
        '<h2>Findings</h2><div class="wide"><table><thead><tr>'
        + "".join(f"<th>{head}</th>" for head in heads)
        + f"</tr></thead><tbody>{lines}</tbody></table></div>{note}"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _texts(told: Told) -> list[str]:
    finding, taken = told.finding, told.taken
    values = evidence_words(finding.evidence)
    ended = "open to the end" if finding.open else finding.outcome
    if told.muted == "dismiss":
        ended += "; not a problem, it was said"
    became = ""
    if taken is not None:
        at = "" if taken.at is None else f" at step {taken.at}"
        became = f"Followed{at}: {taken.words}. {taken.judged}"
    texts = (
        severity_word(finding.severity),
        headline(finding),
        f"{finding.first_step} to {max(finding.last_step, finding.detected_step)}",
        ended,
        f"{finding.evidence.rule}: {values}" if values else finding.evidence.rule,
        f"{action_words(finding.advice)}: {finding.advice.reason}",
        became,
    )
    return [_capital(text) for text in texts]


def _cells(told: Told, texts: Sequence[str]) -> str:
    finding = told.finding
    tone = {"critical": "bad", "warning": "warn"}.get(finding.severity, "")
    first, *rest = (escape(text) for text in texts)
    return f'<td class="{tone}">{first}</td>' + "".join(f"<td>{text}</td>" for text in rest)
