"""Text → passages: spans first, slices after.

A passage is a paragraph. Headings name the ``section`` of what follows and travel with it as its ``lead``;
short fragments join their neighbours; a paragraph longer than the model reads is split at sentence ends.
Every letter and digit of the text is in a passage or in a passage's lead.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import ceil

import sentencex

from qa.errors import ReadError
from qa.types import Metadata, PassageSpan, Reading, Span

Measure = Callable[[Sequence[str]], Sequence[int]]
"""Counts the tokens that the embedding model makes of each text."""

VERSION = 5
"""Changes whenever the same text may come out as other passages."""

MOST_SENTENCES = 500_000
"""Sentences of a document. The longest has some 200,000; each takes memory until the document is written."""

SHORT = 250
"""A block of fewer characters is a fragment: it joins its neighbours."""

_LONGEST_HEADING = 120
_MOST_HEADINGS_IN_A_ROW = 3
_LONGEST_WRAPPED_LINE = 160
_CHARACTERS_A_TOKEN = 16

LONGEST_SECTION = 600
"""How many characters a section's name may have: it is kept, embedded and shown with each of its passages."""

_STRETCH, _AHEAD = 3_000, 1_000
"""How many characters sentencex gets at once, and how many of these only show it how the sentence goes on.

It takes a time that grows with their square where quotation marks are not closed.
"""

# Atomic, so that half of a CR LF is never taken for a line of its own.
_BREAK = r"(?>\r\n|\r|\n)"
_LINE_BREAK = re.compile(_BREAK)
_BLANK_LINES = re.compile(rf"{_BREAK}(?:[^\S\n\r\f]*+{_BREAK})++|\f")
_LIST_ITEM = re.compile(r"\s*+(?:[-*+•–—·▪‣]|\(?\d{1,3}[.)]|\(?\w[.)])\s")
_ENDS_LIKE_PROSE = re.compile(r"[.!?…:;,،。！？।៖។]['\"»”’)\]]*+$")
_WIKI_MARKS = re.compile(r"=(?:\s?=)*+")
_WORD_END = re.compile(r"(?<=[、，；])|\s+")
_READABLE = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class _Block:
    """A run of text; ``alone``: parted from the rest by blank lines; ``level``: a heading's, else None."""

    span: Span
    alone: bool = True
    level: int | None = None
    page: int | None = None

    @property
    def short(self) -> bool:
        return self.span.end - self.span.start < SHORT


def context(metadata: Metadata, section: str | None) -> str:
    """Give what a model reads before a passage: a title made of a file's name tells it nothing."""
    title = None if metadata.found.get("title") == "filename" else metadata.title
    return ". ".join(dict.fromkeys(part for part in (title, section) if part))


def split(
    reading: Reading,
    *,
    measure: Measure,
    max_tokens: int,
    language: Callable[[str], str | None],
    check: Callable[[], None] = lambda: None,
) -> list[PassageSpan]:
    """Divide a document into passages, in order of the text.

    Args:
        reading: the document.
        measure: the model's tokenizer.
        max_tokens: the longest passage in the model's tokens, its special tokens not counted.
        language: tells the language of a passage's text.
        check: called between steps that take little time each; what it raises ends the work.

    Returns:
        Passages that do not overlap and that hold, with their leads, every letter and digit of the text.

    Raises:
        ReadError: it has more sentences than a document may have.
    """
    text, count = reading.text, 0
    passages: list[PassageSpan] = []
    lead: list[Span] = []
    path: list[tuple[int, str]] = []
    for is_heading, run in groupby(_blocks(reading, check), key=lambda block: block.level is not None):
        if is_heading:
            for block in run:
                lead.append(block.span)
                _enter(path, block, text)
            continue
        section = _section([name for _, name in path if name != reading.metadata.title])
        for block in _fit(text, _join(text, list(run), measure, max_tokens), measure, max_tokens, check):
            code = language(block.span.of(text))
            spans = tuple(sentences(text, block.span, code, check))
            passages.append(PassageSpan(block.span, spans, tuple(lead), section, block.page, code))
            _check_count(count := count + len(spans))
            lead = []
    return passages


def sentences(
    text: str, span: Span, language: str | None, check: Callable[[], None] = lambda: None
) -> list[Span]:
    """Find the sentences of ``text[span]``, in order, trimmed; a list's items and a table's rows too."""
    found = []
    for item in _items(text, span):
        start = item.start
        for end in _ends(text, item, language or "en", check):
            found.append(_trim(text, Span(start, end)))
            start = end
        _check_count(len(found))
    return [sentence for sentence in found if _READABLE.search(text, *sentence)] or [span]


def _check_count(count: int) -> None:
    if count > MOST_SENTENCES:
        raise ReadError(f"has more than {MOST_SENTENCES:,} sentences: divide it")


def _ends(text: str, span: Span, language: str, check: Callable[[], None]) -> Iterator[int]:
    """Yield where sentences end, the last one with the span, which is gone through in stretches.

    Each stretch begins with a sentence, unless that is longer than the stretch before.
    """
    start, end = span
    while end - start > _STRETCH:
        check()
        part = text[start : start + _STRETCH]
        ends = [offset for offset in _ends_of(part, language) if offset <= _STRETCH - _AHEAD]
        yield from (start + offset for offset in ends)
        is_long = not ends or ends[-1] < (_STRETCH - _AHEAD) // 2
        start += _cut(part) if is_long else ends[-1]
    check()
    yield from (start + offset for offset in _ends_of(text[start:end], language))


def _ends_of(text: str, language: str) -> list[int]:
    return [boundary["end_index"] for boundary in sentencex.get_sentence_boundaries(language, text)]


def _cut(part: str) -> int:
    """Return where a stretch without a sentence's end is cut: at a line's end, or else between words."""
    most = _STRETCH - _AHEAD
    for mark in ("\n", " "):
        place = part.rfind(mark, most // 2, most)
        if place >= 0:
            return place + 1
    return most


def _items(text: str, span: Span) -> Iterator[Span]:
    """Divide a paragraph where a new line begins a list's item or a table's row."""
    start = line_start = span.start
    breaks = [found.span() for found in _LINE_BREAK.finditer(text, *span)]
    for (line_end, next_line), (next_end, _) in pairwise([*breaks, (span.end, span.end)]):
        lines = text[line_start:line_end], text[next_line:next_end]
        if _LIST_ITEM.match(lines[1]) or any("|" in line or "\t" in line for line in lines):
            yield Span(start, next_line)
            start = next_line
        line_start = next_line
    yield Span(start, span.end)


def _blocks(reading: Reading, check: Callable[[], None]) -> list[_Block]:
    """Find headings and paragraphs, in order; a heading that nothing follows is a paragraph."""
    headings = {heading.span: heading.level for heading in reading.headings or ()}
    page_starts = [page.start for page in reading.pages]
    edges = [offset for heading in headings for offset in heading]
    blocks = []
    for span, alone in _pieces(reading.text, [*page_starts, *edges]):
        check()
        page = max(1, bisect_right(page_starts, span.start)) if page_starts else None
        blocks.append(_Block(span, alone, headings.get(span), page))
    if not headings:
        blocks = _guess_headings(reading.text, blocks)
    last_prose = max((i for i, block in enumerate(blocks) if block.level is None), default=-1)
    return [*blocks[: last_prose + 1], *(replace(block, level=None) for block in blocks[last_prose + 1 :])]


def _pieces(text: str, cuts: Iterable[int]) -> Iterator[tuple[Span, bool]]:
    """Divide at the cuts, at blank lines and, where lines are not merely wrapped, at every line's end.

    Yields:
        Each piece, trimmed, and whether it stands alone.
    """
    for start, end in pairwise(sorted({0, *cuts, len(text)})):
        for block in _between(_BLANK_LINES, text, Span(start, end)):
            lines = list(_between(_LINE_BREAK, text, block))
            wrapped = all(line.end - line.start <= _LONGEST_WRAPPED_LINE for line in lines)
            for piece in [block] if wrapped else lines:
                trimmed = _trim(text, piece)
                if _READABLE.search(text, *trimmed):
                    yield trimmed, wrapped


def _between(separator: re.Pattern[str], text: str, span: Span) -> Iterator[Span]:
    start = span.start
    for found in separator.finditer(text, *span):
        yield Span(start, found.start())
        start = found.end()
    yield Span(start, span.end)


def _trim(text: str, span: Span) -> Span:
    part = span.of(text)
    start = span.start + len(part) - len(part.lstrip())
    return Span(start, max(start, span.start + len(part.rstrip())))


def _guess_headings(text: str, blocks: list[_Block]) -> list[_Block]:
    """Take short lines that stand alone and do not end as prose does for headings.

    A longer row of such lines is a list, not headings.
    """
    found: list[_Block] = []
    for level, run in groupby(blocks, key=lambda block: _level_by_look(block, text)):
        row = list(run)
        is_list = level == 1 and len(row) > _MOST_HEADINGS_IN_A_ROW
        found += row if is_list else [replace(block, level=level) for block in row]
    return found


def _level_by_look(block: _Block, text: str) -> int | None:
    if block.span.end - block.span.start > _LONGEST_HEADING:
        return None
    line = block.span.of(text)
    if _LINE_BREAK.search(line):
        return None
    if level := _wiki_level(line):
        return level
    looks_so = not (_ENDS_LIKE_PROSE.search(line) or _LIST_ITEM.match(line)) and not line[0].islower()
    return 1 if block.alone and looks_so and any(map(str.isalpha, line)) else None


def _wiki_level(line: str) -> int | None:
    """Return the level of a heading between marks such as ``==``, which must be the same before and after."""
    marks = _WIKI_MARKS.match(line)
    if not marks or not line.endswith(marks[0]) or not line[marks.end() : -len(marks[0])].strip():
        return None
    return 1 + marks[0].count("=")


def _enter(path: list[tuple[int, str]], heading: _Block, text: str) -> None:
    """Make ``path``, the open headings with their levels, end with this one."""
    level = heading.level
    if not level:
        return
    while path and path[-1][0] >= level:
        path.pop()
    path.append((level, " ".join(heading.span.of(text).strip("=# ").split())))


def _section(names: Sequence[str]) -> str | None:
    """Join the names of headings, outermost first; where that is too long, the outermost are left out."""
    section = " › ".join(names)
    if len(section) > LONGEST_SECTION:
        kept = section[2 - LONGEST_SECTION :]
        _, parted, inner = kept.partition(" › ")
        section = f"… › {inner}" if parted else f"… {kept}"
    return section or None


def _join(text: str, blocks: list[_Block], measure: Measure, max_tokens: int) -> list[_Block]:
    """Join fragments, and paragraphs that end in a colon, to what follows; the last one to what precedes."""
    counts = _lengths(text, [block.span for block in blocks], measure, max_tokens)
    joined: list[tuple[_Block, int]] = []
    for i, (block, count) in enumerate(zip(blocks, counts, strict=True)):
        if joined:
            before, sum_before = joined[-1]
            wants = before.short or text.endswith(":", *before.span) or (block.short and i == len(blocks) - 1)
            if wants and before.page == block.page and sum_before + count <= max_tokens:
                whole = replace(before, span=Span(before.span.start, block.span.end))
                joined[-1] = whole, sum_before + count
                continue
        joined.append((block, count))
    return [block for block, _ in joined]


def _fit(
    text: str, blocks: list[_Block], measure: Measure, max_tokens: int, check: Callable[[], None]
) -> Iterator[_Block]:
    """Split what is longer than the model reads, at sentence ends where that can be, into even parts."""
    counts = _lengths(text, [block.span for block in blocks], measure, max_tokens)
    for block, count in zip(blocks, counts, strict=True):
        if count <= max_tokens:
            yield block
            continue
        units = sentences(text, block.span, None, check)
        for finer in (_words, _characters(max(1, max_tokens // 4))):
            sizes = _lengths(text, units, measure, max_tokens)
            units = [
                part
                for unit, size in zip(units, sizes, strict=True)
                for part in (finer(text, unit) if size > max_tokens else [unit])
            ]
        for span in _pack(units, _lengths(text, units, measure, max_tokens), max_tokens):
            yield replace(block, span=span)


def _lengths(text: str, spans: Sequence[Span], measure: Measure, limit: int) -> list[int]:
    """Count tokens. A tokenizer may fold a word that it cannot read, however long, into one: bound that.

    So a text of so many characters that it is beyond the limit for them alone need not be measured.
    """
    least = [ceil((end - start) / _CHARACTERS_A_TOKEN) for start, end in spans]
    counts = iter(measure([span.of(text) for span, few in zip(spans, least, strict=True) if few <= limit]))
    return [max(few, next(counts)) if few <= limit else few for few in least]


def _words(text: str, span: Span) -> list[Span]:
    return [word for word in _between(_WORD_END, text, span) if word.start < word.end]


def _characters(width: int) -> Callable[[str, Span], list[Span]]:
    def cut(_: str, span: Span) -> list[Span]:
        return [Span(at, min(at + width, span.end)) for at in range(span.start, span.end, width)]

    return cut


def _pack(units: Sequence[Span], counts: Sequence[int], limit: int) -> Iterator[Span]:
    """Join neighbouring units into as few and as even spans as the limit allows."""
    fewest, size = 1, 0
    for count in counts:
        fewest, size = (fewest + 1, count) if size and size + count > limit else (fewest, size + count)
    even = sum(counts) / fewest
    start, size = 0, 0
    for i, count in enumerate(counts):
        if size and (size + count > limit or size + count / 2 > even):
            yield Span(units[start].start, units[i - 1].end)
            start, size = i, 0
        size += count
    yield Span(units[start].start, units[-1].end)
