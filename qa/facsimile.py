"""Pages of PDFs as pictures, and where on them a span of the document's text stands.

The text is made of the pages' letters in their order; only what stands between them may be put otherwise. So
the n-th letter of the text is the n-th letter of the pages, and nobody has to look for it.

PDFium may be used by one thread at a time: all goes through one lock.
"""

from __future__ import annotations

import ctypes
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any, NamedTuple

from qa.contracts import NotFoundError, Span
from qa.readers import pdf

WIDTH = 900
"""Width of a picture, in pixels."""

_MOST_PIXELS = 4_000_000
_LONGEST = 16_000
_QUALITY = 45
_GRID = 10_000
_DOCUMENTS_KEPT = 64

_lock = threading.Lock()
_letters_before: dict[str, tuple[int, ...]] = {}
"""By document, how many letters stand before each page, and in all."""


class Rectangle(NamedTuple):
    """A part of a page, as shares of its width and height from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    def joined(self, other: Rectangle) -> Rectangle:
        """Give the smallest rectangle around both."""
        lows = map(min, self[:2], other[:2])
        highs = map(max, self[2:], other[2:])
        return Rectangle(*lows, *highs)


@dataclass(frozen=True, slots=True)
class View:
    """A page that shows a span.

    Attributes:
        page: its number, from 1.
        pages: how many there are.
        ratio: its height by its width.
        lines: where the span stands on it.
    """

    page: int
    pages: int
    ratio: float
    lines: tuple[Rectangle, ...]


def picture(data: bytes, page: int) -> bytes:
    """Draw a page of a PDF, as WebP.

    Raises:
        NotFoundError: there is no such page.
        ReadError: it cannot be opened.
    """
    with _lock, pdf.opened(data) as document, _opened_page(document, page) as (opened, _):
        width, height = opened.get_size()
        scale = min(WIDTH / width, _LONGEST / height, (_MOST_PIXELS / (width * height)) ** 0.5)
        drawn = opened.render(scale=scale).to_pil().convert("RGB")
    written = BytesIO()
    drawn.save(written, "WEBP", quality=_QUALITY, method=2)
    return written.getvalue()


def view(data: bytes, sha256: str, text: str, span: Span, page: int | None = None) -> View:
    """Tell where a span of a PDF's text stands on a page.

    Args:
        data: the file.
        sha256: its checksum.
        text: of the whole document.
        span: of the text.
        page: the page's number from 1; the one on which the span begins by default.

    Raises:
        NotFoundError: there is no such page.
        ReadError: it cannot be opened.
    """
    start = pdf.count_letters(text[: span.start])
    end = start + pdf.count_letters(span.of(text))
    with _lock, pdf.opened(data) as document:
        before = _count(document, sha256)
        number = page or max(1, min(bisect_right(before, start), len(document)))
        with _opened_page(document, number) as (opened, text_page):
            first = max(0, start - before[number - 1])
            wanted = islice(pdf.letters(text_page), first, max(first, end - before[number - 1]))
            lines = _lines(_place(opened, pdf.box(text_page, index)) for index in wanted)
            width, height = opened.get_size()
            return View(number, len(document), height / width, tuple(lines))


@contextmanager
def _opened_page(document: Any, page: int) -> Iterator[tuple[Any, Any]]:
    if not 1 <= page <= len(document):
        raise NotFoundError(f"There is no page {page}.")
    with pdf.opened_page(document, page - 1) as opened:
        yield opened


def _count(document: Any, sha256: str) -> Sequence[int]:
    """Count the letters before each page; that takes some time for each page, so it is kept."""
    if sha256 not in _letters_before:
        counts = [0]
        for index in range(len(document)):
            with pdf.opened_page(document, index) as (_, text_page):
                counts.append(counts[-1] + sum(1 for _ in pdf.letters(text_page)))
        if len(_letters_before) >= _DOCUMENTS_KEPT:
            _letters_before.clear()
        _letters_before[sha256] = tuple(counts)
    return _letters_before[sha256]


def _place(page: Any, box: Any) -> Rectangle:
    """Put a character's box as it is shown: the page may be turned or cut."""
    from pypdfium2 import raw  # noqa: PLC0415

    across, down = ctypes.c_int(), ctypes.c_int()
    corners = []
    for x, y in ((box.left, box.bottom), (box.right, box.top)):
        raw.FPDF_PageToDevice(page.raw, 0, 0, _GRID, _GRID, 0, x, y, ctypes.byref(across), ctypes.byref(down))
        corners.append((across.value / _GRID, down.value / _GRID))
    (left, top), (right, bottom) = map(min, *corners), map(max, *corners)
    return Rectangle(left, top, right, bottom)


def _lines(places: Iterable[Rectangle]) -> Iterator[Rectangle]:
    """Join neighbours that stand beside each other."""
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
