"""Where a passage is split. Spans come first, slices after.

A passage is a paragraph. Headings name the ``section`` of what follows and travel with it as its ``lead``;
short fragments join their neighbours; a paragraph longer than the model reads, or than ``LONGEST_PASSAGE``,
is split at sentence ends.
Rows of a table are passages of their own, with the table's header in their lead; each row is a sentence.
Every letter and digit of the text is in a passage or in a passage's lead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import ceil

from qa.text.extent import letters
from qa.text.segmentation.headings import MAX_SECTION_LENGTH, SEPARATOR, HeadingPath
from qa.text.segmentation.paragraphs import Block, split_blocks
from qa.text.segmentation.sentences import check_count, split_sentences
from qa.text.segmentation.table_rows import introduce, split_rows
from qa.text.segmentation.token_limit import CountTokens, TokenLimit
from qa.text.terms import count_words
from qa.types import Metadata, PassageSpan, Reading, Span

VERSION = 10
"""Changes whenever the same text may come out as other passages."""

LONGEST_PASSAGE, _MUCH = 220, 256
"""Words of a passage if the model reads more than so many tokens: a longer passage hides where an answer is.

It is as much English (XQuAD) as the default model reads at once. Words are the measure, as a tokenizer makes
twice as many tokens of some languages as of others.
"""

_INTRODUCTION_MARKS = (":", "：", "៖")
"""Colons, also of Chinese and Khmer: a paragraph that ends with one introduces the next."""

_MAX_ROW_LENGTH = 500
"""Letters of a row that is one sentence. A longer one is prose in cells: some four sentences."""


def context(metadata: Metadata, section: str | None, header: str | None = None) -> str:
    """Return what the model reads before a passage. A title made of the file's name would tell it nothing.

    Encoders read only the beginning of a long context, so what says most comes first: of a table, the heading
    above it and the names of its columns, without which numbers mean nothing.
    """
    title = None if metadata.found.get("title") == "filename" else metadata.title
    outer, _, heading = (section or "").rpartition(SEPARATOR)
    columns = " ".join((header or "")[:MAX_SECTION_LENGTH].replace("|", " ").split())
    parts = (heading, columns, title, outer) if columns else (title, heading, outer)
    return ". ".join(dict.fromkeys(part for part in parts if part))


def split_passages(
    reading: Reading,
    *,
    count_tokens: CountTokens,
    max_tokens: int,
    language: Callable[[str], str | None],
    check: Callable[[], None] = lambda: None,
) -> list[PassageSpan]:
    """Split a document into passages, in order of the text.

    Args:
        reading: the document.
        count_tokens: counts as the model's tokenizer does.
        max_tokens: what the model reads at once, its special tokens not counted.
        language: returns the language of a passage's text.
        check: called between steps that take little time each; what it raises ends the work.

    Returns:
        Passages that do not overlap and that hold, with their leads, every letter and digit of the text.

    Raises:
        ReadError: it has more sentences than a document may have.
    """
    text, count = reading.text, 0
    limit = TokenLimit(text, _measure(count_tokens, max_tokens), max_tokens)
    passages: list[PassageSpan] = []
    lead: list[Span] = []
    for headings, section, blocks in _sections(reading, check):
        lead += headings
        for block in _fit(_join(blocks, limit), limit, check):
            code = language(block.span.slice(text))
            sentences = tuple(_sentences(text, block, code, check))
            header = None if block.introduction else block.header
            above = (*lead, header) if header else tuple(lead)
            passages.append(PassageSpan(block.span, sentences, above, section, block.page, code, header))
            check_count(count := count + len(sentences))
            lead = []
    return passages


def _measure(count_tokens: CountTokens, max_tokens: int) -> CountTokens:
    """Return what counts tokens so that a text over the limit of words is over the limit of tokens, too."""

    def count(texts: Sequence[str]) -> list[int]:
        counts = zip(count_tokens(texts), map(count_words, texts), strict=True)
        return [max(tokens, ceil(words * max_tokens / LONGEST_PASSAGE)) for tokens, words in counts]

    return count if max_tokens > _MUCH else count_tokens


def _sections(
    reading: Reading, check: Callable[[], None]
) -> Iterator[tuple[list[Span], str | None, list[Block]]]:
    """Yield each run of blocks without a heading, after the headings before it and the section it is in."""
    headings: list[Span] = []
    path = HeadingPath()
    for is_heading, run in groupby(split_blocks(reading, check), key=lambda block: block.level is not None):
        if not is_heading:
            yield headings, path.section(reading.metadata.title), list(run)
            headings = []
            continue
        for block in run:
            headings.append(block.span)
            path.enter(block.level or 0, block.span.slice(reading.text))


def _join(blocks: list[Block], limit: TokenLimit) -> list[Block]:
    """Join fragments, and paragraphs that end in a colon, to what follows; the last one to what precedes."""
    joined: list[tuple[Block, int]] = []
    counts = limit.count([block.span for block in blocks])
    for i, (block, count) in enumerate(zip(blocks, counts, strict=True)):
        before, before_count = joined[-1] if joined else (None, 0)
        if before and block.rows and (introduced := introduce(before, block, limit)):
            joined[-1] = introduced, count
        elif (
            before
            and _joins(before, block, limit, is_last=i == len(blocks) - 1)
            and before_count + count <= limit.max_tokens
        ):
            whole = replace(before, span=Span(before.span.start, block.span.end))
            joined[-1] = whole, before_count + count
        else:
            joined.append((block, count))
    return [block for block, _ in joined]


def _joins(before: Block, block: Block, limit: TokenLimit, *, is_last: bool) -> bool:
    """Whether a paragraph belongs to the one before it."""
    if before.rows or block.rows or before.page != block.page:
        return False
    introduces = limit.text.endswith(_INTRODUCTION_MARKS, *before.span)
    return introduces or before.is_fragment(limit.text) or (is_last and block.is_fragment(limit.text))


def _fit(blocks: list[Block], limit: TokenLimit, check: Callable[[], None]) -> Iterator[Block]:
    """Split the blocks that are longer than the model reads, and tables."""
    for block, count in zip(blocks, limit.count([block.span for block in blocks]), strict=True):
        if block.rows:
            yield from split_rows(block, limit, check)
        elif count <= limit.max_tokens:
            yield block
        else:
            yield from (replace(block, span=span) for span in limit.split(block.span, check))


def _sentences(text: str, block: Block, language: str | None, check: Callable[[], None]) -> Iterator[Span]:
    """Yield the sentences of a paragraph, or the rows of a table; its header belongs to the one before."""
    if not block.rows:
        yield from split_sentences(text, block.span, language, check)
        return
    if block.introduction:
        *first, last = split_sentences(text, block.introduction, language, check)
        yield from first
        yield Span(last.start, block.header.end if block.header else last.end)
    for row in block.rows:
        if row.end - row.start <= _MAX_ROW_LENGTH and letters(row.slice(text)) <= _MAX_ROW_LENGTH:
            yield row
        else:
            yield from split_sentences(text, row, language, check)
