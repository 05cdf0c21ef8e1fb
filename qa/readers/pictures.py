"""Pictures of text: PNG, JPEG, TIFF and WebP. A picture with several frames has a page for each."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from qa.errors import ReadError
from qa.readers import recognition
from qa.readers.extract import Extract
from qa.types import Span

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 100_000_000
"""Pixels of a page: A3 at 600 dots per inch. Chosen: in grey they take 100 MB."""

_USUAL_RESOLUTION = 150
_PAGE_WIDTH_INCHES = 8.3
"""A picture that does not state its resolution is taken to be as wide as a page of A4."""


def read(data: bytes) -> Extract:
    """Recognise the text of a picture.

    Raises:
        ReadError: it is no picture that can be opened, is too large, or has no text that can be recognised.
    """
    texts: list[str] = []
    certainties: list[float] = []
    notes: list[str] = []
    for number, image in enumerate(_frames(data), start=1):
        try:
            page = recognition.recognise(image.convert("L"), _resolution(image))
        except ReadError as error:
            if not any(texts):
                raise ReadError(f"is a picture whose text was not recognised: {error}") from error
            notes.append(f"the pages from {number} on were not recognised: {error}")
            break
        texts.append("\n\n".join(page.paragraphs))
        if page.paragraphs:
            certainties.append(page.certainty)
    if not certainties:
        raise ReadError("is a picture without text that can be recognised")
    text, pages = join_pages(texts)
    return Extract(text, pages=pages, notes=(recognition.certainty_note(certainties), *notes))


def join_pages(texts: list[str]) -> tuple[str, tuple[Span, ...]]:
    """Return the text of pages, separated by blank lines, and their spans."""
    spans, start = [], 0
    for text in texts:
        spans.append(Span(start, start + len(text)))
        start += len(text) + 2
    return "\n\n".join(texts), tuple(spans)


def _frames(data: bytes) -> Iterator[Image]:
    from PIL import Image, ImageSequence, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "TIFF", "WEBP"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise ReadError("is not a picture that can be opened: it is damaged or of another kind") from error
    for frame in ImageSequence.Iterator(image):
        if frame.width * frame.height > MAX_PIXELS:
            raise ReadError(f"has more than {MAX_PIXELS // 10**6} million pixels")
        yield frame


def _resolution(image: Image) -> int:
    stated = image.info.get("dpi", (0, 0))[0]
    return round(stated) if stated >= _USUAL_RESOLUTION / 2 else round(image.width / _PAGE_WIDTH_INCHES)
