"""The results of a question as a table, for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from qa.web.pages.cards import Card

COLUMNS = (
    *("rank", "quotation", "passage", "title", "source", "author", "published", "dateline", "language"),
    *("page", "section", "path", "char_start", "char_end", "sha256", "score", "permalink"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table(cards: Iterable[Card]) -> str:
    """Write results as CSV, a line each.

    What a spreadsheet would take for a formula gets an apostrophe before it; JSON has it as it is.
    """
    written = StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for card in cards:
        rows.writerow(_harmless(value) for value in _row(card))
    return written.getvalue()


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


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
