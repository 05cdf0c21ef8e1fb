"""Pictures of text: PNG, JPEG, TIFF and WebP. A picture with several frames has a page for each."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from qa.errors import ReadError
from qa.readers import recognition, recognition_options
from qa.readers.extract import Extract
from qa.readers.paged import join_pages
from qa.readers.recognised_words import RecognisedText
from qa.readers.recognition_options import OFF

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
    if recognition_options.current().mode == OFF:
        raise ReadError("is a picture, and the recognition of text is off (ocr)")
    texts: list[RecognisedText] = []
    notes: list[str] = []
    for number, image in enumerate(_frames(data), start=1):
        try:
            with recognition.time_for_page():
                texts.append(recognition.recognise(image.convert("L"), _resolution(image)))
        except ReadError as error:
            if not any(text.paragraphs for text in texts):
                raise ReadError(f"is a picture whose text was not recognised: {error}") from error
            notes.append(f"the pages from {number} on were not recognised: {error}")
            break
    certainties = [text.certainty for text in texts if text.paragraphs]
    if not certainties:
        raise ReadError("is a picture without text that can be recognised")
    joined, pages = join_pages([text.text for text in texts])
    return Extract(
        joined,
        pages=pages,
        notes=tuple(notes),
        recognised=tuple(
            text.page(number, span.start)
            for number, (text, span) in enumerate(zip(texts, pages, strict=True), start=1)
            if text.paragraphs
        ),
    )


def _frames(data: bytes) -> Iterator[Image]:
    from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "TIFF", "WEBP"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise ReadError("is not a picture that can be opened: it is damaged or of another kind") from error
    for frame in ImageSequence.Iterator(image):
        if frame.width * frame.height > MAX_PIXELS:
            raise ReadError(f"has more than {MAX_PIXELS // 10**6} million pixels")
        yield ImageOps.exif_transpose(frame)


def _resolution(image: Image) -> int:
    stated = image.info.get("dpi", (0, 0))[0]
    return round(stated) if stated >= _USUAL_RESOLUTION / 2 else round(image.width / _PAGE_WIDTH_INCHES)
