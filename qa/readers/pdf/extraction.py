"""PDF: text page by page, with paragraphs rebuilt from the positions of lines.

PDFium is not thread-safe: read PDFs from one thread of a process.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, BinaryIO

from qa.errors import ReadError
from qa.readers.extract import Extract, printable
from qa.readers.metadata import Facts, written_by_hand
from qa.readers.paged import join_pages
from qa.readers.pdf.layout import Line, join, paragraphs, vocabulary

_LINE_ENDS = frozenset("\r\n")
_DIVIDED = frozenset("\x02\ufffe")
"""PDFium's characters for a hyphen with the line break after it."""

_SIGNS = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
    | dict.fromkeys("\x02\ufffe\u00ad", "-")
)
_MAX_LISTED = 10  # pages without text that are noted one by one
_WIDE_GAP = 2.5  # line heights between the cells of a table; spaces of justified lines hardly reach that
_EMPTY_BYTES = 2  # of a UTF-16 string without characters: its final NUL

MAX_PAGES = 10_000
"""Pages that are read of a document: the longest reports have a few thousand."""


def read(data: bytes) -> Extract:
    """Read a document: its text, pages and document information."""
    with open_document(data) as document:
        count = len(document)
        pages = [_lines_of_page(document, index) for index in range(min(count, MAX_PAGES))]
        facts = _facts(document)
    words = vocabulary(line for lines in pages for line in lines)
    texts = ["\n\n".join(join(paragraph, words) for paragraph in paragraphs(lines)) for lines in pages]
    if not any(texts):
        raise ReadError("has no text on any page: it is likely a scan without a text layer")
    text, spans = join_pages(texts)
    beyond = (f"only {MAX_PAGES} of {count} pages were read",) if count > MAX_PAGES else ()
    return Extract(text, facts, pages=spans, notes=_notes(texts) + beyond)


@contextmanager
def open_document(data: bytes | BinaryIO) -> Iterator[Any]:
    """Open a document with pypdfium2, or raise ReadError."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        needs_password = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        why = "it needs a password" if needs_password else str(error)
        raise ReadError(f"is not a PDF that can be opened: {why}") from error
    try:
        yield document
    finally:
        document.close()


@contextmanager
def open_page(document: Any, index: int) -> Iterator[tuple[Any, Any]]:
    """Open a page, by its index from 0, and its text, or raise ReadError."""
    import pypdfium2

    try:
        page = document[index]
    except pypdfium2.PdfiumError as error:
        raise ReadError(f"is damaged: page {index + 1} cannot be opened") from error
    try:
        text_page = page.get_textpage()
        try:
            yield page, text_page.raw
        finally:
            text_page.close()
    finally:
        page.close()


def letter_indexes(text_page: Any) -> Iterator[int]:
    """Yield the index of the page's character for each letter and digit of the page in the text.

    Both have the same letters and digits in the same order; what is between them may differ.
    """
    high = ""
    for index, character in enumerate(_characters(text_page)):
        if "\ud800" <= character <= "\udbff":
            high = character
            continue
        for _ in range(count_letters(_clean(high + character))):
            yield index
        high = ""


def count_letters(text: str) -> int:
    """Count the letters and digits of a text."""
    return sum(map(str.isalnum, text))


def character_box(text_page: Any, index: int) -> Any:
    """Return the box of a character, in points from the page's lower left corner."""
    from pypdfium2 import raw

    rectangle = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(text_page, index, ctypes.byref(rectangle))
    return rectangle


def _lines_of_page(document: Any, index: int) -> list[Line]:
    with open_page(document, index) as (_, text_page):
        return list(_lines(text_page))


def _characters(text_page: Any) -> list[str]:
    from pypdfium2 import raw

    count = raw.FPDFText_CountChars(text_page)
    return [chr(raw.FPDFText_GetUnicode(text_page, index)) for index in range(count)]


def _lines(text_page: Any) -> Iterator[Line]:
    """Yield a page's lines. Only the boxes of characters at the ends of words are looked up."""
    characters = _characters(text_page)
    start = 0
    for index, character in enumerate([*characters, "\n"]):
        if character in _LINE_ENDS or character in _DIVIDED:
            line = _line(text_page, characters, start, index + 1 if character in _DIVIDED else index)
            start = index + 1
            if line:
                yield line


def _line(text_page: Any, characters: list[str], start: int, end: int) -> Line | None:
    """Return the line of characters ``start`` to ``end``, or None if it is blank."""
    words = list(_words(characters, start, end))
    if not words:
        return None
    ends = [(character_box(text_page, first), character_box(text_page, last)) for first, last in words]
    size = median(place.top - place.bottom for place, _ in ends)
    text = _clean("".join(characters[words[0][0] : words[0][1] + 1]))
    for (_, before), (after, _), (first, last) in zip(ends, ends[1:], words[1:], strict=False):
        gap = "\t" if after.left - before.right > _WIDE_GAP * size else " "
        text += gap + _clean("".join(characters[first : last + 1]))
    return Line(
        text=text,
        left=ends[0][0].left,
        right=ends[-1][1].right,
        baseline=_baseline(text_page, words[0][0]),
        size=size,
        first_word=ends[0][1].right - ends[0][0].left,
    )


def _words(characters: list[str], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the indexes of the first and last character of each word."""
    first = None
    for index in range(start, end + 1):
        visible = index < end and _is_visible(characters[index])
        if visible and first is None:
            first = index
        elif not visible and first is not None:
            yield first, index - 1
            first = None


def _is_visible(character: str) -> bool:
    return (
        "\x20" < character < "\x7f" or character > "\xa0" or character in _DIVIDED
    ) and not character.isspace()


def _clean(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return printable(text.translate(_SIGNS))


def _baseline(text_page: Any, index: int) -> float:
    from pypdfium2 import raw

    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(text_page, index, ctypes.byref(x), ctypes.byref(y))
    return y.value


def _notes(pages: list[str]) -> tuple[str, ...]:
    empty = [number for number, page in enumerate(pages, start=1) if not page]
    notes = [f"page {number} has no text" for number in empty[:_MAX_LISTED]]
    if len(empty) > _MAX_LISTED:
        notes.append(f"{len(empty) - _MAX_LISTED} more pages have no text")
    return tuple(notes)


def _facts(document: Any) -> Facts:
    """Collect the document information, without its dates: those of the file, not of publication."""
    facts = Facts()
    facts.add("title", written_by_hand(document.get_metadata_value("Title")), "file")
    facts.add("author", written_by_hand(document.get_metadata_value("Author")), "file")
    facts.add("language", _language(document), "file")
    return facts


def _language(document: Any) -> str | None:
    from pypdfium2 import raw

    size = raw.FPDFCatalog_GetLanguage(document.raw, None, 0)
    if size <= _EMPTY_BYTES:
        return None
    buffer = ctypes.create_string_buffer(size)
    raw.FPDFCatalog_GetLanguage(document.raw, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
    return buffer.raw[:-2].decode("utf-16-le", "surrogatepass")
