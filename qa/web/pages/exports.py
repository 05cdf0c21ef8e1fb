"""CSV tables for spreadsheets, and the results of a question as one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from qa.results.spreadsheet_formulas import may_be_formula
from qa.web.pages.cards import Card

COLUMNS = (
    *("rank", "quotation", "passage", "title", "source", "author", "published", "dateline", "language"),
    *("page", "section", "path", "char_start", "char_end", "sha256", "score", "permalink"),
)


def csv_table(cards: Iterable[Card]) -> str:
    """Return results as CSV, one a row."""
    return table_of(COLUMNS, map(_row, cards))


def table_of(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV under the names of their columns.

    A value that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    output = StringIO()
    writer = csv.writer(output)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(_without_formula(value) for value in row)
    return output.getvalue()


def _row(card: Card) -> Iterator[object]:
    passage, quotation = card.hit.passage, card.quotation
    document, meta = passage.document, passage.document.metadata
    yield from (card.hit.rank, quotation.text, passage.text, meta.title, meta.source, meta.author)
    yield from (
        meta.published,
        meta.dateline,
        passage.language or meta.language,
        passage.page,
        passage.section,
    )
    yield from (
        document.path,
        *quotation.span,
        document.sha256,
        round(card.hit.score, 4),
        quotation.permalink,
    )


def _without_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and may_be_formula(value) else value
