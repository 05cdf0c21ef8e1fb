"""Pages as one text, with the span of each page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qa.readers.extract import AssembledText, Block, assemble
from qa.readers.grid import Grid
from qa.types import Heading, Span, Table


def join_pages(pages: Sequence[str]) -> tuple[str, tuple[Span, ...]]:
    r"""Return the text of pages, separated by blank lines, and where each is. An empty one has an empty span.

    >>> join_pages(["First.", "", "Third."])
    ('First.\n\nThird.', (Span(start=0, end=6), Span(start=6, end=6), Span(start=8, end=14)))
    """
    parts: list[str] = []
    spans: list[Span] = []
    length = 0
    for page in pages:
        if page and length:
            parts.append("\n\n")
            length += 2
        spans.append(Span(length, length + len(page)))
        parts.append(page)
        length += len(page)
    return "".join(parts), tuple(spans)


def assemble_pages(pages: Iterable[Iterable[Block | Grid]]) -> tuple[AssembledText, tuple[Span, ...]]:
    """Return the text of pages of blocks, and where each page is."""
    assembled = [assemble(page) for page in pages]
    text, spans = join_pages([page.text for page in assembled])
    headings: list[Heading] = []
    tables: list[Table] = []
    for (_, own_headings, own_tables), (start, _) in zip(assembled, spans, strict=True):
        headings += [Heading(_moved(heading.span, start), heading.level) for heading in own_headings]
        tables += [
            Table(
                None if table.header is None else _moved(table.header, start),
                tuple(_moved(row, start) for row in table.rows),
            )
            for table in own_tables
        ]
    return AssembledText(text, tuple(headings), tuple(tables)), spans


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)
