"""The layout of a document's text as a person would set it: headings, paragraphs, lists and tables.

Nothing of a document's markup reaches the page: a layout is the document's own text, cut into blocks and
runs, and each run knows its place. What is not shown, such as the bars of a table, is still in the blocks.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from qa.types import Heading, Span
from qa.web.pages.layout_blocks import (
    LaidOut,
    Run,
    Runs,
    cell_runs,
    cells_of,
    columns_of,
    lines_of,
    padded,
    stripped,
)
from qa.web.pages.markdown_layout import MARKDOWN, inline_runs, lay_out_markdown

HeaderAt = Callable[[int], str | None]
"""Returns the lines that name the columns of the table whose row is at an offset; None if there are none."""

_PLAIN = "text/plain"
_WRAPPED = frozenset(
    {_PLAIN, "text/x-rst", "message/rfc822", "application/mbox", "application/vnd.ms-outlook"}
    | {"application/pdf", "application/x-subrip", "text/vtt"}
    | {"image/png", "image/jpeg", "image/tiff", "image/webp"}
)
"""Media types whose lines end where they were full. In the others, a line end was meant."""

_MIN_WIDTH = 40
"""Lines are joined if the longest has so many characters. Chosen: addresses and verses have fewer."""

_MIN_FULL = 0.75
"""The share of the lines that must be full in text that was wrapped. Chosen."""

_MAX_DEPTH = 4

# Atomic groups, so that half of a CR LF never counts as a line end.
_BLANK = re.compile(r"(?>\r\n?|\n)[^\S\r\n]*+(?>\r\n?|\n)\s*+")
_WORD = re.compile(r"\w")
_FIRST_WORD = re.compile(r"\S+")
_BULLET = re.compile(r"[ \t]*+[•◦▪▫‣∙●○■□·][ \t]++(?=\S)")
_NUMBER = re.compile(r"[ \t]*+(?:\d{1,3}[.)]|\([^\W_]{1,4}\)|[^\W\d_][.)]|[-*+])[ \t]++(?=\S)")
_ALIGNED = re.compile(r"\S {3}")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_SOFT_HYPHEN = "\u00ad"
_HYPHENS = "-\u2010" + _SOFT_HYPHEN


def lay_out(
    text: str,
    part: Span,
    headings: Sequence[Heading],
    media_type: str = _PLAIN,
    header_at: HeaderAt = lambda _: None,
) -> Iterator[LaidOut]:
    """Yield the blocks of a part of a text, in order.

    Args:
        text: the whole text.
        part: the part.
        headings: all headings of the text, ordered.
        media_type: the document's.
        header_at: returns the header of a table's row.
    """
    between = lay_out_markdown if media_type == MARKDOWN else _Prose(media_type, header_at).lay_out
    return _with_levels(_blocks(text, part, headings, between, is_markdown=media_type == MARKDOWN))


def _blocks(
    text: str,
    part: Span,
    headings: Sequence[Heading],
    between: Callable[[str, Span], Iterator[LaidOut]],
    *,
    is_markdown: bool,
) -> Iterator[LaidOut]:
    position = part.start
    for heading in headings[bisect_left(headings, part.start, key=lambda heading: heading.span.end) :]:
        if heading.span.start >= part.end:
            break
        span = Span(max(heading.span.start, position), min(heading.span.end, part.end))
        if span.start >= span.end:
            continue
        yield from between(text, Span(position, span.start))
        lines = lines_of(text, span)
        if not heading.level:
            yield LaidOut("matter", span, _flow(text, lines, [False] * len(lines)))
        elif is_markdown:
            yield LaidOut("heading", span, inline_runs(text, lines), heading.level)
        else:
            yield LaidOut("heading", span, _flow(text, lines, [True] * len(lines)), heading.level)
        position = span.end
    yield from between(text, Span(position, part.end))


def _with_levels(blocks: Iterable[LaidOut]) -> Iterator[LaidOut]:
    """Number heading levels from 1 without gaps, as screen readers need them."""
    open_levels: list[int] = []
    for block in blocks:
        if block.kind == "heading":
            open_levels = [level for level in open_levels if level < block.level] + [block.level]
            yield replace(block, level=min(len(open_levels), 6))
        else:
            yield block


class _Prose:
    """Lays out text without markup: its paragraphs end with blank lines, its tables are lines with bars."""

    def __init__(self, media_type: str, header_at: HeaderAt) -> None:
        self._is_plain = media_type == _PLAIN
        self._is_wrapped = media_type in _WRAPPED
        self._header_at = header_at

    def lay_out(self, text: str, span: Span) -> Iterator[LaidOut]:
        """Yield the blocks between two headings."""
        position = span.start
        for blank in _BLANK.finditer(text, *span):
            yield from self._paragraph(text, Span(position, blank.start()))
            position = blank.end()
        yield from self._paragraph(text, Span(position, span.end))

    def _paragraph(self, text: str, span: Span) -> Iterator[LaidOut]:
        """Yield the blocks of lines that no blank line divides."""
        lines = [line for line in lines_of(text, span) if line.slice(text).strip()]
        if len(lines) > 1 and self._is_plain and any(_ALIGNED.search(text, *line) for line in lines):
            yield LaidOut("code", _around(lines), _flow(text, lines, [False] * len(lines)))
            return
        first = place = 0
        in_list = False
        while place < len(lines):
            rows = _table_length(text, lines[place:])
            begins_item = _begins_item(text, lines[place], first=place == 0 or in_list)
            if place > first and (rows or begins_item):
                yield self._words(text, lines[first:place], is_item=in_list)
                first = place
            if rows:
                yield self._table(text, lines[place : place + rows])
                first = place = place + rows
                in_list = False
            else:
                in_list = in_list or begins_item
                place += 1
        if first < place:
            yield self._words(text, lines[first:place], is_item=in_list)

    def _words(self, text: str, lines: Sequence[Span], *, is_item: bool) -> LaidOut:
        span = _around(lines)
        if not _WORD.search(text, *span):
            return LaidOut("sign", span, _flow(text, lines, [False] * len(lines)))
        joins = _joins(text, lines) if self._is_wrapped else [False] * len(lines)
        if not is_item:
            return LaidOut("paragraph", span, _flow(text, lines, joins))
        start, indent = stripped(text, lines[0]).start, lines[0].start
        bullet = _BULLET.match(text, *lines[0])
        shown = [Span(bullet.end() if bullet else start, lines[0].end), *lines[1:]]
        depth = min(len(text[indent:start].expandtabs(4)) // 2, _MAX_DEPTH)
        return LaidOut("item", span, _flow(text, shown, joins), depth, numbered=bullet is None)

    def _table(self, text: str, lines: Sequence[Span]) -> LaidOut:
        rows = [tuple(cell_runs(text, cell) for cell in cells_of(text, line)) for line in lines]
        header = self._header_at(lines[-1].start)
        header_rows = header.count("\n") + 1 if header else 0
        own = "\n".join(line.slice(text).strip() for line in lines[:header_rows])
        expected = "\n".join(map(str.strip, header.split("\n"))) if header else None
        return LaidOut(
            "table", _around(lines), rows=padded(rows), header_rows=header_rows if own == expected else 0
        )


def _around(lines: Sequence[Span]) -> Span:
    return Span(lines[0].start, lines[-1].end)


def _table_length(text: str, lines: Sequence[Span]) -> int:
    """Return with how many lines, at least two, a table begins here; 0 if none does."""
    columns = columns_of(text, lines[0])
    if columns == 1:
        return 0
    count = 1
    while count < len(lines) and columns_of(text, lines[count]) == columns:
        count += 1
    return count if count > 1 else 0


def _begins_item(text: str, line: Span, *, first: bool) -> bool:
    """Whether a line begins an item: with a bullet or, as the first line or after an item, with a number."""
    if _BULLET.match(text, *line):
        return True
    return first and _NUMBER.match(text, *line) is not None


def _joins(text: str, lines: Sequence[Span]) -> list[bool]:
    """Return whether each line is joined with the next: the next line's first word had no room in it."""
    shown = [line.slice(text).strip() for line in lines]
    width = max(map(len, shown))
    if width < _MIN_WIDTH:
        return [False] * len(lines)
    full = []
    for line, following in pairwise(shown):
        word = _FIRST_WORD.match(following)
        full.append(len(line) + 1 + (word.end() if word else 0) > width)
    if sum(full) < _MIN_FULL * len(full):
        return [False] * len(lines)
    return [*full, False]


def _flow(text: str, lines: Sequence[Span], joins: Sequence[bool]) -> tuple[Run, ...]:
    """Return lines one after another, each joined with the next or not."""
    runs = Runs()
    last = len(lines) - 1
    for place, (line, join) in enumerate(zip(lines, joins, strict=True)):
        shown = line.slice(text)
        gap = "\n"
        if join and place < last:
            ending = shown.rstrip()
            gap = _gap(ending, lines[place + 1].slice(text).lstrip())
            if not gap:
                shown = ending.removesuffix(_SOFT_HYPHEN)
        runs.add(line.start, shown)
        if place < last and gap:
            runs.add(line.end, gap)
    return runs.take()


def _gap(line: str, following: str) -> str:
    """Return what stands between two joined lines: nothing inside a word, and in scripts without spaces."""
    is_broken = line[-1:] in _HYPHENS and line[-2:-1].isalpha() and following[:1].islower()
    is_unspaced = _UNSPACED.match(line[-1:]) and _UNSPACED.match(following[:1])
    return "" if line and (is_broken or is_unspaced) else " "
