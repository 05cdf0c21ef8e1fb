"""Pages that are pictures of text: drawn, and recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Any

from qa.errors import ReadError
from qa.readers import recognition, recognition_options
from qa.readers.pdf import pdfium
from qa.readers.pdf.page_lines import PageLines, count_letters
from qa.readers.recognised_words import RecognisedText
from qa.readers.recognition_options import FORCE, OFF

if TYPE_CHECKING:
    from PIL.Image import Image

IS_OFF = "the recognition of text is off (ocr)"

_RESOLUTION = 300
"""Dots per inch of a drawn page: what Tesseract's manual asks for."""

_MOST_PIXELS = 20_000_000
"""Of a drawn page: an A3 page has 17 million. In grey they take 20 MB. Larger pages are drawn smaller."""

_MOST_PICTURE_PIXELS = 200_000_000
"""Of a picture on a page, which PDFium unpacks: a square metre at 300 dots per inch has 140 million."""

_LEAST_CONTRAST = 32
"""Levels of grey, of 255, between the darkest and the lightest dot of a page that is not blank. Chosen."""

_STAMP_LETTERS = 100
"""Letters of a number, date or name that is printed onto the picture of a page, at most. Chosen."""

_PICTURE_SHARE = 0.7
"""The share of a page that its picture takes, if it is a scan with such a stamp. Chosen."""

_TIMES_MORE = 3
"""How many times the letters of such a stamp its picture has. Chosen: a photo has few."""

_MOST_RANGES = 10
"""Ranges of page numbers that a note lists. Chosen."""


@dataclass(frozen=True, slots=True)
class Scans:
    """What became of the pages of a document that are pictures.

    Attributes:
        texts: what was recognised, by the page's index from 0; only pages with text.
        missed: the indexes of pages that were not recognised, by the reason why.
    """

    texts: Mapping[int, RecognisedText]
    missed: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def missed_notes(self) -> tuple[str, ...]:
        """Return a note on each reason why pages were not recognised."""
        return tuple(
            f"{name_pages(indexes)}, and not recognised: {reason}" for reason, indexes in self.missed.items()
        )


def name_pages(indexes: Sequence[int]) -> str:
    """Return the beginning of a note on pages, by their sorted indexes from 0.

    >>> name_pages([0]), name_pages([1, 2, 3, 5])
    ('page 1 is treated as a scan', 'pages 2–4 and 6 are treated as scans')
    """
    if len(indexes) == 1:
        return f"page {indexes[0] + 1} is treated as a scan"
    runs = [
        [index for _, index in run]
        for _, run in groupby(enumerate(indexes), key=lambda place: place[1] - place[0])
    ]
    ranges = [f"{run[0] + 1}–{run[-1] + 1}" if len(run) > 1 else str(run[0] + 1) for run in runs]
    if len(ranges) > _MOST_RANGES:
        more = sum(map(len, runs[_MOST_RANGES:]))
        ranges = [*ranges[:_MOST_RANGES], f"{more} more"]
    *most, last = ranges
    return f"pages {', '.join(most)}{' and ' if most else ''}{last} are treated as scans"


def recognise(document: Any, pages: Sequence[PageLines]) -> Scans:
    """Recognise the pages of a document that are pictures of text: as many as there is the time for.

    Args:
        document: as ``pdfium.open_document`` opens it.
        pages: what the file itself says.
    """
    texts: dict[int, RecognisedText] = {}
    missed: dict[str, list[int]] = {}
    reason_for_all = _reason_for_none()
    for index, lines in enumerate(pages):
        if not _may_be_scan(lines):
            continue
        with pdfium.open_page(document, index) as (page, _):
            if not _is_scan(page, lines):
                continue
            text, reason = None, reason_for_all
            try:
                if not reason:
                    with recognition.time_for_page():
                        text = _recognise(page)
            except ReadError as error:
                reason = str(error)
                reason_for_all = reason if isinstance(error, recognition.TimeIsUpError) else None
        if reason:
            missed.setdefault(reason, []).append(index)
        elif text and _replaces(text, lines):
            texts[index] = text
    return Scans(texts, missed)


def _reason_for_none() -> str | None:
    """Return why no page is recognised, whatever it is; None if nothing is against it."""
    if recognition_options.current().mode == OFF:
        return IS_OFF
    return None if recognition.installed_languages() else recognition.NOT_INSTALLED


def _may_be_scan(lines: PageLines) -> bool:
    """Whether a page says so little that it must be looked at."""
    forced = recognition_options.current().mode == FORCE
    return forced or lines.is_undecodable or _letters(lines) <= _STAMP_LETTERS


def _is_scan(page: Any, lines: PageLines) -> bool:
    """Whether a page shows something that the file does not say."""
    from pypdfium2 import raw

    if not raw.FPDFPage_CountObjects(page.raw):
        return False
    forced = recognition_options.current().mode == FORCE
    return forced or lines.is_undecodable or not _letters(lines) or _has_scan(page)


def _replaces(text: RecognisedText, lines: PageLines) -> bool:
    """Whether what was recognised takes the place of what the file says."""
    if not text.paragraphs:
        return False
    if lines.is_undecodable or recognition_options.current().mode == FORCE:
        return True
    return count_letters(text.text) >= _TIMES_MORE * _letters(lines)


def _letters(lines: PageLines) -> int:
    return sum(count_letters(line.text) for line in lines.lines if not line.box)


def _has_scan(page: Any) -> bool:
    """Whether a picture takes most of a page."""
    from pypdfium2 import PdfiumError

    width, height = page.get_size()
    try:
        bounds = [picture.get_bounds() for picture in _pictures(page)]
    except PdfiumError:
        return False
    areas = ((right - left) * (top - bottom) for left, bottom, right, top in bounds)
    return any(area >= _PICTURE_SHARE * width * height for area in areas)


def _pictures(page: Any) -> list[Any]:
    from pypdfium2 import raw

    return list(page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,)))


def _recognise(page: Any) -> RecognisedText | None:
    """Return the text of a page; None if it is blank."""
    from pypdfium2 import PdfiumError

    try:
        pixels = max((picture.get_px_size() for picture in _pictures(page)), key=prod, default=(0, 0))
        if prod(pixels) > _MOST_PICTURE_PIXELS:
            raise ReadError(f"it has more than {_MOST_PICTURE_PIXELS // 10**6} million pixels")
        image, resolution = _draw(page)
    except (PdfiumError, ArithmeticError, ValueError) as error:
        raise ReadError("it cannot be drawn") from error
    greys = [level for level, dots in enumerate(image.histogram()) if dots]
    is_blank = greys[-1] - greys[0] < _LEAST_CONTRAST
    return None if is_blank else recognition.recognise(image, resolution)


def _draw(page: Any) -> tuple[Image, int]:
    """Draw a page in grey, and return the picture and its dots per inch.

    What people have added to the page is not on it, as it is read as text.
    """
    width, height = page.get_size()
    scale = min(_RESOLUTION / 72, (_MOST_PIXELS / (width * height)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True, may_draw_forms=False, draw_annots=False)
    return bitmap.to_pil().convert("L"), round(72 * scale)
