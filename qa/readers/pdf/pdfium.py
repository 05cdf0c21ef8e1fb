"""PDFium, as the other modules here use it: documents, pages, characters and their places.

PDFium is not thread-safe: read PDFs from one thread of a process.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

from qa.errors import ReadError

_EMPTY_BYTES = 2  # of a UTF-16 string without characters: its final NUL
_MAX_STRING_BYTES = 2_000_000  # of a form's value or a note: more than a person types
_MAX_FONT_NAME = 128  # bytes of a font's name that are looked at


class Box(NamedTuple):
    """A rectangle in points from the page's lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def height(self) -> float:
        """Its height in points."""
        return self.top - self.bottom


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


def characters(text_page: Any) -> list[str]:
    """Return the page's characters as PDFium orders them, UTF-16 surrogates apart."""
    from pypdfium2 import raw

    count = raw.FPDFText_CountChars(text_page)
    buffer = (ctypes.c_ushort * (count + 1))()
    if raw.FPDFText_GetText(text_page, 0, count, buffer) == count + 1 and 0 not in buffer[:count]:
        return list(map(chr, buffer[:count]))
    # Characters that say nothing are left out there, so that places would shift.
    return [chr(raw.FPDFText_GetUnicode(text_page, index)) for index in range(count)]


class Boxes:
    """The boxes of a page's characters, each looked up once.

    They are as high as the font, so that all letters of a size are alike.
    """

    def __init__(self, text_page: Any) -> None:
        """Look up boxes on an open page."""
        from pypdfium2 import raw

        self._text_page = text_page
        self._get = raw.FPDFText_GetLooseCharBox
        self._rectangle = raw.FS_RECTF()
        self._reference = ctypes.byref(self._rectangle)
        self._known: dict[int, Box] = {}

    def __call__(self, index: int) -> Box:
        """Return the box of a character."""
        box = self._known.get(index)
        if box is None:
            self._get(self._text_page, index, self._reference)
            place = self._rectangle
            box = self._known[index] = Box(place.left, place.bottom, place.right, place.top)
        return box


def baseline(text_page: Any, index: int) -> float:
    """Return the height of a character's baseline in points."""
    from pypdfium2 import raw

    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(text_page, index, ctypes.byref(x), ctypes.byref(y))
    return y.value


def font_name(text_page: Any, index: int) -> str:
    """Return the name of a character's font."""
    from pypdfium2 import raw

    name, flags = ctypes.create_string_buffer(_MAX_FONT_NAME), ctypes.c_int()
    raw.FPDFText_GetFontInfo(text_page, index, name, _MAX_FONT_NAME, ctypes.byref(flags))
    return name.value.decode("utf-8", "replace")


def is_unmapped(text_page: Any, index: int) -> bool:
    """Whether the file does not say which letter a character draws."""
    from pypdfium2 import raw

    return bool(raw.FPDFText_HasUnicodeMapError(text_page, index) == 1)


def language(document: Any) -> str | None:
    """Return the document's language as it states it."""
    from pypdfium2 import raw

    return wide_string(lambda buffer, size: raw.FPDFCatalog_GetLanguage(document.raw, buffer, size)) or None


def wide_string(read: Callable[[Any, int], int]) -> str:
    """Return a UTF-16 string that PDFium writes into a buffer once it is as long as it says."""
    from pypdfium2 import raw

    size = read(None, 0)
    if not _EMPTY_BYTES < size <= _MAX_STRING_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    read(ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
    return buffer.raw[:-2].decode("utf-16-le", "replace")
