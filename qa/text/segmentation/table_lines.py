"""Where the tables of a text are, row by row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from qa.text.patterns import trimmed
from qa.text.segmentation.sentences import READABLE
from qa.types import Reading, Span


@dataclass(frozen=True, slots=True)
class TableLines:
    """The readable lines of a table, each trimmed.

    Attributes:
        span: the whole table.
        rows: the lines below the header, in order; the header's if there are no others.
        header: the lines that name the columns; None if none do.
    """

    span: Span
    rows: tuple[Span, ...]
    header: Span | None


class Tables:
    """The tables of a document that hold anything readable."""

    def __init__(self, reading: Reading) -> None:
        self._text = reading.text
        self._tables = []
        for table in reading.tables:
            header = self._readable([table.header] if table.header else [])
            rows = self._readable(table.rows)
            if lines := [*header, *rows]:
                span = Span(lines[0].start, lines[-1].end)
                named = header[0] if header and rows else None
                self._tables.append(TableLines(span, rows or header, named))
        self._starts = [table.span.start for table in self._tables]

    @property
    def edges(self) -> list[int]:
        """Where tables begin and end."""
        return [offset for table in self._tables for offset in table.span]

    def at(self, part: Span) -> TableLines | None:
        """Return the table that a part of the text without edges inside belongs to, or None."""
        place = bisect_right(self._starts, part.start) - 1
        return self._tables[place] if place >= 0 and part.end <= self._tables[place].span.end else None

    def rows(self, table: TableLines, part: Span) -> tuple[Span, ...]:
        """Return the table's rows in a part of the text. Of one that is cut, return what is inside."""
        rows = []
        for row in islice(table.rows, bisect_right(table.rows, part.start, key=lambda row: row.end), None):
            if row.start >= part.end:
                break
            rows.append(Span(max(row.start, part.start), min(row.end, part.end)))
        return self._readable(rows)

    def overlap(self, span: Span) -> bool:
        """Whether a span shares a character with a table."""
        place = bisect_right(self._starts, span.end - 1) - 1
        return place >= 0 and span.start < self._tables[place].span.end

    def _readable(self, lines: Iterable[Span]) -> tuple[Span, ...]:
        spans = (trimmed(self._text, line) for line in lines)
        return tuple(span for span in spans if READABLE.search(self._text, *span))
