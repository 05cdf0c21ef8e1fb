"""PDF: text page by page, with paragraphs and tables rebuilt from the positions of lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from qa.errors import ReadError
from qa.readers.extract import Block, Extract, one_line
from qa.readers.grid import Grid
from qa.readers.metadata import Facts
from qa.readers.paged import assemble_pages
from qa.readers.pdf import pdfium, scans
from qa.readers.pdf.credits import author_by_hand, title_by_hand
from qa.readers.pdf.heading_finder import HeadingFinder, largest_lines, read_outline
from qa.readers.pdf.layout import paragraphs, vocabulary
from qa.readers.pdf.page_blocks import Paragraph, gather, make_blocks
from qa.readers.pdf.page_lines import PageLines, letter_boxes, read_page
from qa.readers.pdf.pdfium import Box
from qa.readers.pdf.running import NEARBY, without_running_lines
from qa.readers.pdf.scans import Scans
from qa.types import Span

_MAX_LISTED = 10  # pages without text that are noted one by one
_MAX_TITLE = 200  # characters of the largest lines of the first page that may be a title

_RULE = re.compile(r"[_=*.·–—-]{3,}")

MAX_PAGES = 10_000
"""Pages that are read of a document: the longest reports have a few thousand."""


def read(data: bytes) -> Extract:
    """Read a document: its text, pages, headings, tables and document information.

    Raises:
        ReadError: it cannot be opened, a page is damaged, or no page has text.
    """
    with pdfium.open_document(data) as document:
        document.init_forms()
        count = min(len(document), MAX_PAGES)
        pages = [read_page(document, index) for index in range(count)]
        recognised = scans.recognise(document, pages)
        outline = read_outline(document)
        facts = _facts(document)
        beyond = len(document) - count
    lines = [without_running_lines(index, count, pages.__getitem__) for index in range(count)]
    for index in recognised.texts:
        lines[index] = [line for line in lines[index] if line.box]
    finder = HeadingFinder(lines, outline)
    words = vocabulary(line for page in lines for line in page)
    gathered = [gather(list(paragraphs(page))) for page in lines]
    _add_title(facts, gathered, finder)
    blocks = _with_recognised(make_blocks(gathered, finder, words), recognised)
    (text, headings, tables), spans = assemble_pages(blocks)
    if not text:
        raise ReadError(_why_empty(recognised))
    notes = _notes(pages, spans, recognised)
    if beyond:
        notes += (f"only {count} of {count + beyond} pages were read",)
    return Extract(
        text,
        facts,
        headings=headings or None,
        pages=spans,
        tables=tables,
        notes=notes,
        recognised=tuple(
            page.page(index + 1, spans[index].start) for index, page in recognised.texts.items()
        ),
    )


def _with_recognised(pages: Iterable[list[Block | Grid]], recognised: Scans) -> Iterator[list[Block | Grid]]:
    """Yield the blocks of each page, what was recognised first."""
    for index, blocks in enumerate(pages):
        text = recognised.texts.get(index)
        yield [*(Block(paragraph.text) for paragraph in text.paragraphs), *blocks] if text else blocks


def _add_title(facts: Facts, pages: Sequence[Sequence[Paragraph]], finder: HeadingFinder) -> None:
    """Add the largest lines of the first page as the title that the text has."""
    if pages:
        largest = " ".join(line.text for line in largest_lines(pages[0], finder.body_size))
        title = _RULE.sub(" ", largest)
        facts.add("title", one_line(title) if len(title) <= _MAX_TITLE else None, "text")


def _why_empty(recognised: Scans) -> str:
    reasons = "; ".join(recognised.missed)
    if reasons:
        return f"has no text on any page: it is likely a scan, which was not recognised: {reasons}"
    return "has no text on any page: it is likely a scan without a text layer"


def letter_places(document: Any, index: int) -> Iterator[Box]:
    """Yield the box of each letter and digit of a page's text, in order.

    Args:
        document: as ``pdfium.open_document`` opens it.
        index: the page's, from 0.
    """

    @lru_cache(2 * NEARBY + 1)
    def page(number: int) -> PageLines:
        return read_page(document, number, with_letters=number == index)

    if not document.formenv:
        document.init_forms()
    lines = without_running_lines(index, min(len(document), MAX_PAGES), page)
    with pdfium.open_page(document, index) as (_, text_page):
        yield from letter_boxes(text_page, lines)


def _notes(pages: Sequence[PageLines], spans: Sequence[Span], recognised: Scans) -> tuple[str, ...]:
    explained = {
        index for indexes in recognised.missed.values() for index in indexes
    } | recognised.texts.keys()
    undecodable = [
        index + 1 for index, page in enumerate(pages) if page.is_undecodable and index not in recognised.texts
    ]
    empty = [
        index + 1
        for index, (page, span) in enumerate(zip(pages, spans, strict=True))
        if span.start == span.end and not page.is_undecodable and index not in explained
    ]
    guessed = [index + 1 for index in sorted(recognised.texts) if pages[index].is_undecodable]
    return (
        *_listed(empty, "page {} has no text", "{} more pages have no text"),
        *_listed(
            guessed,
            "page {} cannot be decoded: its text was recognised from its picture",
            "{} more pages were recognised, as they cannot be decoded",
        ),
        *_listed(
            undecodable,
            "page {} cannot be decoded: the file does not say which letters it draws",
            "{} more pages cannot be decoded",
        ),
        *recognised.missed_notes(),
    )


def _listed(numbers: Sequence[int], each: str, rest: str) -> Iterator[str]:
    yield from map(each.format, numbers[:_MAX_LISTED])
    if len(numbers) > _MAX_LISTED:
        yield rest.format(len(numbers) - _MAX_LISTED)


def _facts(document: Any) -> Facts:
    """Collect the document information, without its dates: those of the file, not of publication."""
    facts = Facts()
    facts.add("title", title_by_hand(document.get_metadata_value("Title")), "file")
    facts.add("author", author_by_hand(document.get_metadata_value("Author")), "file")
    facts.add("language", pdfium.language(document), "file")
    return facts
