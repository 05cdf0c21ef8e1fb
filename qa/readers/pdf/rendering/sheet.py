"""One page of a PDF: drawn as a picture, and the places of a range of its text.

Where the letters of a page's text are drawn is told by the reader itself, which reads the page again with its
neighbours: the n-th letter of the text is the n-th that it reads, and needs no search.

All of it runs in a separate process (see ``drawing_process``): a hostile page can make PDFium draw for hours.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from qa.errors import NotFoundError, RenderingError
from qa.readers.pdf import extraction, pdfium
from qa.types import Span

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH = 900
"""Width of a picture in pixels: small print of an A4 page is legible."""

MAX_EMBEDDED_PIXELS = 200_000_000
"""The largest picture that a page may hold: a square metre of paper at 300 dots per inch has 140 million."""

_MAX_PIXELS = 4_000_000  # of a drawn page: an A4 page has 1.1 million at that width
_MAX_SIDE = 16_000  # pixels: WebP allows 16,383
_QUALITY = 45  # of WebP: chosen for small files of which the text is still legible
_GRID = 10_000  # PDFium gives places in whole units of the device: fine ones
_MAX_DEPTH = 15
"""How far PDFium's own tools follow forms within forms, which may contain themselves."""


class Rectangle(NamedTuple):
    """A part of a page, as shares of its width and height from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    def joined(self, other: Rectangle) -> Rectangle:
        """Return the smallest rectangle around both."""
        lows = map(min, self[:2], other[:2])
        highs = map(max, self[2:], other[2:])
        return Rectangle(*lows, *highs)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page's shape, its height over its width, and the places of a range of its text, line by line."""

    ratio: float
    lines: tuple[Rectangle, ...]


def draw(file: BinaryIO, page: int) -> bytes:
    """Draw a page of a PDF, as WebP.

    Args:
        file: the PDF.
        page: the page's number, from 1.

    Raises:
        NotFoundError: there is no such page.
        ReadError: it cannot be opened.
        RenderingError: it contains too large a picture.
    """
    with pdfium.open_document(file) as document, _opened_page(document, page) as (opened, _):
        for width, height in _embedded(opened):
            if width * height > MAX_EMBEDDED_PIXELS:
                raise RenderingError(
                    f"Page {page} cannot be drawn: it holds a picture of {width} × {height} pixels, and the "
                    f"limit is {MAX_EMBEDDED_PIXELS // 10**6} million."
                )
        width, height = opened.get_size()
        drawn = opened.render(scale=scale(width, height)).to_pil().convert("RGB")
    return write_webp(drawn)


def scale(width: float, height: float) -> float:
    """Return by how much a page of this size is enlarged to be shown."""
    return min(WIDTH / width, _MAX_SIDE / height, math.sqrt(_MAX_PIXELS / (width * height)))


def write_webp(drawn: Image) -> bytes:
    """Return a drawn page as a file."""
    written = BytesIO()
    drawn.save(written, "WEBP", quality=_QUALITY, method=2)
    return written.getvalue()


def locate(file: BinaryIO, page: int, letters: Span) -> Sheet:
    """Return the shape of a page and the places of a range of its letters and digits, counted from 0.

    Raises:
        NotFoundError: there is no such page.
        ReadError: it cannot be opened.
    """
    with pdfium.open_document(file) as document, _opened_page(document, page) as (opened, _):
        wanted = islice(extraction.letter_places(document, page - 1), *letters)
        lines = join_lines(_place(opened, box) for box in wanted)
        width, height = opened.get_size()
        return Sheet(height / width, tuple(lines))


@contextmanager
def _opened_page(document: Any, page: int) -> Iterator[tuple[Any, Any]]:
    if not 1 <= page <= len(document):
        raise NotFoundError(f"There is no page {page}.")
    with pdfium.open_page(document, page - 1) as opened:
        yield opened


def _embedded(page: Any) -> Iterator[tuple[int, int]]:
    """Yield the width and height of each picture on a page and in its forms, in pixels."""
    from pypdfium2 import raw

    width, height = ctypes.c_uint(), ctypes.c_uint()
    for item, kind in _objects(page.raw, raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject):
        if kind == raw.FPDF_PAGEOBJ_IMAGE and raw.FPDFImageObj_GetImagePixelSize(
            item, ctypes.byref(width), ctypes.byref(height)
        ):
            yield width.value, height.value


def _objects(container: Any, count: Any, get: Any, depth: int = 0) -> Iterator[tuple[Any, int]]:
    """Yield the objects of a page or form, each with its kind."""
    from pypdfium2 import raw

    for index in range(count(container)):
        item = get(container, index)
        kind = raw.FPDFPageObj_GetType(item)
        yield item, kind
        if kind == raw.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
            yield from _objects(item, raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject, depth + 1)


def _place(page: Any, box: Any) -> Rectangle:
    """Return where a character's box is shown: the page may be rotated or cropped."""
    from pypdfium2 import raw

    across, down = ctypes.c_int(), ctypes.c_int()
    corners = []
    for x, y in ((box.left, box.bottom), (box.right, box.top)):
        raw.FPDF_PageToDevice(page.raw, 0, 0, _GRID, _GRID, 0, x, y, ctypes.byref(across), ctypes.byref(down))
        corners.append((across.value / _GRID, down.value / _GRID))
    (left, top), (right, bottom) = map(min, *corners), map(max, *corners)
    return Rectangle(left, top, right, bottom)


def join_lines(places: Iterable[Rectangle]) -> Iterator[Rectangle]:
    """Join neighbours on one line."""
    line: Rectangle | None = None
    for place in places:
        middle = (place.top + place.bottom) / 2
        if line and line.top < middle < line.bottom:
            line = line.joined(place)
            continue
        if line:
            yield line
        line = place
    if line:
        yield line
