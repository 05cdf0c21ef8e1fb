"""How much a reader gives of one file: what is beyond is counted, cut or refused, and said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from qa.errors import ReadError
from qa.readers.extract import printable
from qa.types import ReadFailure, Reading

MOST_CHARACTERS = 20_000_000
"""The longest document: some 10,000 pages. To divide one takes a few seconds for each million."""

MOST_HEADINGS = 100_000
"""Headings of a document: ten for each page of the longest."""

MOST_PAGES = 100_000
"""Pages of a document. The PDF reader stops long before."""

MOST_NOTES = 100
"""Notes on a document: nobody reads more."""

LONGEST_SAID = 500
"""Characters of a note, or of the reason why something cannot be read, which may quote the file."""

LONGEST_KEY = 1_000
"""Characters of the key of a table's row: longer than any address that is used as one."""

MOST_FAILURES = 100
"""Rows of a table that are named, each with its reason, where they cannot be read. The rest is counted."""

MOST_ROWS = 10_000_000
"""Rows of a table: more than a file of the largest default size (256 MB) holds of any that say something."""


def said(text: str) -> str:
    """Return a note or a reason on one line, cut to a length that can be shown."""
    line = " ".join(printable(text[: 2 * LONGEST_SAID]).split())
    return line if len(line) <= LONGEST_SAID else line[: LONGEST_SAID - 1] + "…"


def check_length(text: str) -> None:
    """Raise ReadError where a text has more characters than a document may have."""
    if len(text) > MOST_CHARACTERS:
        raise ReadError(f"has more than {MOST_CHARACTERS // 10**6} million characters: divide it")


def bounded(reading: Reading) -> Reading:
    """Return a document with no more headings and notes than are kept of one.

    Raises:
        ReadError: it has more characters or pages than a document may have.
    """
    check_length(reading.text)
    if len(reading.pages) > MOST_PAGES:
        raise ReadError(f"has more than {MOST_PAGES:,} pages: divide it")
    headings, notes = reading.headings, list(reading.notes)
    if headings and len(headings) > MOST_HEADINGS:
        notes.insert(
            0, f"only the first {MOST_HEADINGS:,} of its {len(headings):,} headings were taken as such"
        )
        headings = headings[:MOST_HEADINGS]
    return replace(reading, headings=headings, notes=_first_notes(notes))


def with_first_failures(name: str, rows: Iterator[Reading | ReadFailure]) -> Iterator[Reading | ReadFailure]:
    """Yield a table's documents and its first bad rows, and at the end how many more of these there are.

    Raises:
        ReadError: while iterating, as ``rows`` does, or if there are more rows than a table may have.
    """
    bad = 0
    try:
        for row in _no_more_than_may_be(rows):
            bad += isinstance(row, ReadFailure)
            if isinstance(row, Reading) or bad <= MOST_FAILURES:
                yield row
    except ReadError:
        yield from _more_rows(name, bad)
        raise
    yield from _more_rows(name, bad)


def _no_more_than_may_be(rows: Iterator[Reading | ReadFailure]) -> Iterator[Reading | ReadFailure]:
    yield from islice(rows, MOST_ROWS)
    if next(rows, None) is not None:
        raise ReadError(f"has more than {MOST_ROWS // 10**6} million rows: divide it")


def _more_rows(name: str, bad: int) -> Iterator[ReadFailure]:
    if bad > MOST_FAILURES:
        more = bad - MOST_FAILURES
        yield ReadFailure(name, f"{more:,} more rows cannot be read", count=more)


def _first_notes(notes: Sequence[str]) -> tuple[str, ...]:
    if len(notes) > MOST_NOTES:
        more = len(notes) - MOST_NOTES + 1
        notes = [*notes[: MOST_NOTES - 1], f"and {more:,} more notes"]
    return tuple(map(said, notes))
