"""How much of one file is kept. The rest is counted, cut or refused, and a note or an error says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, islice

from qa.errors import ReadError
from qa.readers.extract import printable
from qa.types import ReadFailure, Reading, RecognisedPage

MAX_CHARACTERS = 20_000_000
"""The longest document: some 10,000 pages. Splitting one takes a few seconds per million."""

MAX_HEADINGS = 100_000
"""Headings of a document: ten per page of the longest."""

MAX_PAGES = 100_000
"""Pages of a document. The PDF reader stops long before."""

MAX_TABLE_ROWS = 200_000
"""Rows of all tables of a document. Chosen: their places take 5 MB between two processes."""

MAX_WORDS = 500_000
"""Recognised words of a document whose places are kept: those of 1,200 pages. Chosen: they take 8 MB."""

MAX_NOTES = 100
"""Notes on a document. Nobody reads more."""

MAX_MESSAGE_LENGTH = 500
"""Characters of a note or of an error message, which may quote the file."""

MAX_KEY_LENGTH = 1_000
"""Characters of a table row's key: more than any address that serves as one."""

MAX_MEMBER_LENGTH = 1_000
"""Characters of the path of a file inside a file."""

MAX_FAILURES = 100
"""Unreadable rows of a table that are listed with their reasons. The rest are counted."""

MAX_ROWS = 10_000_000
"""Rows of a table: more than a file of the largest default size (256 MB) can hold with some text each."""


def message_line(text: str) -> str:
    """Return a note or an error message on one line, cut to ``MAX_MESSAGE_LENGTH``."""
    line = " ".join(printable(text[: 2 * MAX_MESSAGE_LENGTH]).split())
    return line if len(line) <= MAX_MESSAGE_LENGTH else line[: MAX_MESSAGE_LENGTH - 1] + "…"


def check_length(text: str) -> None:
    """Raise ReadError if a text is longer than a document may be."""
    if len(text) > MAX_CHARACTERS:
        raise ReadError(f"has more than {MAX_CHARACTERS // 10**6} million characters: split it")


def limit_reading(reading: Reading) -> Reading:
    """Return a document with no more headings, places of words and notes than are kept.

    Raises:
        ReadError: it has more characters or pages than a document may have.
    """
    check_length(reading.text)
    if len(reading.pages) > MAX_PAGES:
        raise ReadError(f"has more than {MAX_PAGES:,} pages: split it")
    headings, tables, notes = reading.headings, reading.tables, list(reading.notes)
    if sum(len(table.rows) for table in tables) > MAX_TABLE_ROWS:
        notes.insert(0, f"its tables have more than {MAX_TABLE_ROWS:,} rows: they are read as plain text")
        tables = ()
    if headings and len(headings) > MAX_HEADINGS:
        notes.insert(0, f"only the first {MAX_HEADINGS:,} of its {len(headings):,} headings were recognised")
        headings = headings[:MAX_HEADINGS]
    recognised = _limit_words(reading.recognised)
    if recognised != reading.recognised:
        notes.insert(0, f"only the first {MAX_WORDS:,} recognised words are marked on their pages")
    return replace(
        reading, headings=headings, tables=tables, recognised=recognised, notes=_first_notes(notes)
    )


def _limit_words(pages: tuple[RecognisedPage, ...]) -> tuple[RecognisedPage, ...]:
    """Return recognised pages, without the words of those that would have too many together."""
    sums = accumulate(len(page.words) for page in pages)
    return tuple(
        page if words <= MAX_WORDS else replace(page, words=())
        for page, words in zip(pages, sums, strict=True)
    )


def limit_failures(
    name: str, rows: Iterator[Reading | ReadFailure], *, parts: str = "rows"
) -> Iterator[Reading | ReadFailure]:
    """Yield a table's documents and its first bad rows, and finally how many more bad rows there are.

    Args:
        name: the file's.
        rows: its documents and failures.
        parts: what it is made of, for the message.

    Raises:
        ReadError: while iterating, as ``rows`` does, or if there are more rows than a table may have.
    """
    bad = 0
    try:
        for row in _limit_rows(rows):
            bad += isinstance(row, ReadFailure)
            if isinstance(row, Reading) or bad <= MAX_FAILURES:
                yield row
    except ReadError:
        yield from _more_rows(name, bad, parts)
        raise
    yield from _more_rows(name, bad, parts)


def _limit_rows(rows: Iterator[Reading | ReadFailure]) -> Iterator[Reading | ReadFailure]:
    yield from islice(rows, MAX_ROWS)
    if next(rows, None) is not None:
        raise ReadError(f"has more than {MAX_ROWS // 10**6} million rows: split it")


def _more_rows(name: str, bad: int, parts: str) -> Iterator[ReadFailure]:
    if bad > MAX_FAILURES:
        more = bad - MAX_FAILURES
        yield ReadFailure(name, f"{more:,} more {parts} cannot be read", count=more)


def _first_notes(notes: Sequence[str]) -> tuple[str, ...]:
    if len(notes) > MAX_NOTES:
        more = len(notes) - MAX_NOTES + 1
        notes = [*notes[: MAX_NOTES - 1], f"and {more:,} more notes"]
    return tuple(map(message_line, notes))
