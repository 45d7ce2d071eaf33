"""Tables of the report."""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[Sequence[str]]


def without_empty(heads: Sequence[str], rows: Rows) -> tuple[Sequence[str], Rows]:
    """Headings and rows without the columns in which nothing stands: they would only take room."""
    kept = [at for at in range(len(heads)) if any(row[at] for row in rows)]
    return [heads[at] for at in kept], [[row[at] for at in kept] for row in rows]
