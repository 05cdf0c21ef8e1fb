"""Where a table is split: between rows, never inside one that the model can read whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil

from qa.text.segmentation.paragraphs import Block
from qa.text.segmentation.token_limit import TokenLimit
from qa.types import Span

MAX_ROWS = 12
"""Rows of a passage: as many as one takes in at a glance, some ten lines of prose (chosen)."""


def introduce(before: Block, table: Block, limit: TokenLimit) -> Block | None:
    """Join a short paragraph, such as "The fees are:", to the table that follows it, or return None."""
    if not before.is_fragment(limit.text) or before.page != table.page:
        return None
    if limit.count([Span(before.span.start, table.rows[0].end)])[0] > limit.max_tokens:
        return None
    return replace(table, span=Span(before.span.start, table.span.end), introduction=before.span)


def split_rows(table: Block, limit: TokenLimit, check: Callable[[], None]) -> Iterator[Block]:
    """Split a table into passages of whole rows that fit the limit, about equally many in each."""
    most = ceil(len(table.rows) / ceil(len(table.rows) / MAX_ROWS))
    starts = [table.span.start, *(row.end for row in table.rows)]  # lines without letters are counted, too
    lines = [Span(start, row.end) for start, row in zip(starts, table.rows, strict=False)]
    rows: list[Span] = []
    part, size = table, 0
    for row, count in zip(table.rows, limit.count(lines), strict=True):
        check()
        if rows and (len(rows) == most or size + count > limit.max_tokens):
            yield _part(part, rows)
            part, rows, size = replace(table, introduction=None), [], 0
        if count > limit.max_tokens and limit.count([row])[0] > limit.max_tokens:
            yield from (_part(part, [piece]) for piece in limit.split(row, check))
        else:
            rows.append(row)
            size += count
    if rows:
        yield _part(part, rows)


def _part(table: Block, rows: list[Span]) -> Block:
    start = table.introduction.start if table.introduction else rows[0].start
    return replace(table, span=Span(start, rows[-1].end), rows=tuple(rows))
