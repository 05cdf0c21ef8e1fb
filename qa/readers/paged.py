"""Pages of blocks as one text, with the span of each page."""

from __future__ import annotations

from collections.abc import Iterable

from qa.readers.extract import AssembledText, Block, assemble
from qa.readers.grid import Grid
from qa.types import Heading, Span, Table


def assemble_pages(pages: Iterable[Iterable[Block | Grid]]) -> tuple[AssembledText, tuple[Span, ...]]:
    """Return the text of pages, separated by blank lines, and where each page is, be it empty."""
    parts: list[str] = []
    spans: list[Span] = []
    headings: list[Heading] = []
    tables: list[Table] = []
    start = 0
    for page in pages:
        text, own_headings, own_tables = assemble(page)
        if text and start:
            parts.append("\n\n")
            start += 2
        headings += [Heading(_moved(heading.span, start), heading.level) for heading in own_headings]
        tables += [
            Table(
                None if table.header is None else _moved(table.header, start),
                tuple(_moved(row, start) for row in table.rows),
            )
            for table in own_tables
        ]
        parts.append(text)
        spans.append(Span(start, start + len(text)))
        start += len(text)
    return AssembledText("".join(parts), tuple(headings), tuple(tables)), tuple(spans)


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)
