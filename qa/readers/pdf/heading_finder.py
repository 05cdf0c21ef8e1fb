"""Headings of a PDF: by the size and weight of their letters, its outline, and what stands above tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any

from qa.readers.pdf.layout import Line
from qa.text.patterns import PROSE_MARKS_OF_ALL_SCRIPTS, begins_with_bullet, ends_with_mark

_LARGER = 1.12  # times the size of most letters: a heading's, at least
_MAX_LINES = 4
_MAX_LENGTH = 200  # characters of a heading: three lines
_MAX_SENTENCE = 80  # characters of a heading that ends as a sentence does
_MAX_TABLE_TITLE = 120  # characters of a table's title that nothing else sets off
_MAX_LEVEL = 6
_MAX_BOOKMARKS = 5_000
_MOSTLY = 0.4  # the share of a document's letters in bold with which bold means nothing
_NUMBERED = re.compile(
    r"(?:part|item|chapter|section|article|appendix|annex|exhibit|schedule|note|глава|раздел|часть|приложение)"
    r"\s+(?:\d+[a-z]?|[ivxlc]+)\b[.:)]?.*",
    re.IGNORECASE,
)
_UNTITLED = re.compile(r"\W*(?:table of contents|contents|continued|\(continued\))\W*", re.IGNORECASE)

_OFFICE = re.compile(
    r"\W*(?:united states(?: of america)?|(?:united states )?securities and exchange commission"
    r"|washington,? d\.?\s?c\.?.*|(?:form|schedule) \d+-?\w{0,3}\b.*|(?:current|annual|quarterly) report"
    r"|\(?mark one\)?|exhibit \d.*)\W*",
    re.IGNORECASE,
)
"""What stands first, and often largest, on a form that is filed with an office: it is no form's own title."""

Outline = Mapping[tuple[int, str], int]
"""The level, from 1, of each entry of the outline, by the index of its page and its folded title."""


def read_outline(document: Any) -> Outline:
    """Return the document's outline, as far as its entries say on which page they are."""
    outline: dict[tuple[int, str], int] = {}
    try:
        for entry in islice(document.get_toc(), _MAX_BOOKMARKS):
            place = entry.get_dest()
            if place and (page := place.get_index()) is not None:
                outline.setdefault((page, _folded(entry.get_title())), entry.level + 1)
    except Exception:  # noqa: BLE001 -- a damaged outline is no reason not to read the text
        return outline
    return outline


class HeadingFinder:
    """Finds the headings among the paragraphs of a document."""

    def __init__(self, pages: Iterable[Sequence[Line]], outline: Outline) -> None:
        """Measure the letters of a document.

        Args:
            pages: the lines of each page.
            outline: its outline.
        """
        sizes: Counter[float] = Counter()
        letters: Counter[bool] = Counter()
        for lines in pages:
            for line in lines:
                sizes[_rounded(line.size)] += len(line.text)
                letters[line.bold] += len(line.text)
        self.body_size = sizes.most_common(1)[0][0] if sizes else 0.0
        self._bold_tells = letters[True] <= _MOSTLY * letters.total()
        self._outline = outline
        self._depth = max(outline.values(), default=0)

    def kind(self, page: int, paragraph: Sequence[Line], text: str) -> tuple[int, float, bool] | None:
        """Return what orders a paragraph among headings, the highest first; None if it is none.

        Args:
            page: the index of its page.
            paragraph: its lines.
            text: its text.
        """
        if not self._may_be(paragraph, text):
            return None
        if level := self._outline.get((page, _folded(text))):
            return level, 0.0, False
        size = _rounded(min(line.size for line in paragraph))
        bold = all(line.bold for line in paragraph)
        is_larger = size >= _LARGER * self.body_size
        is_bold = bold and self._bold_tells and size >= 0.9 * self.body_size
        is_numbered = bool(_NUMBERED.fullmatch(text)) and (bold or text.upper() == text)
        if not (is_larger or is_bold or is_numbered):
            return None
        is_short = len(text) <= _MAX_SENTENCE and is_larger
        if ends_with_mark(text, PROSE_MARKS_OF_ALL_SCRIPTS) and not (is_short or is_numbered):
            return None
        return self._depth + 1, -size, not bold

    @staticmethod
    def _may_be(paragraph: Sequence[Line], text: str) -> bool:
        if len(paragraph) > _MAX_LINES or len(text) > _MAX_LENGTH or _UNTITLED.fullmatch(text):
            return False
        if any(line.box for line in paragraph) or begins_with_bullet(text) or text[0].islower():
            return False
        if _OFFICE.fullmatch(text):
            return False
        return sum(map(str.isalpha, text)) > 1


def is_table_title(text: str) -> bool:
    """Whether a paragraph right above a table is its title rather than prose."""
    return (
        len(text) <= _MAX_TABLE_TITLE
        and "\n" not in text
        and any(map(str.isalpha, text))
        and not text[0].islower()
        and not text.startswith("(")
        and not ends_with_mark(text, PROSE_MARKS_OF_ALL_SCRIPTS)
        and not _UNTITLED.fullmatch(text)
    )


def levels(kinds: Iterable[tuple[int, float, bool]]) -> dict[tuple[int, float, bool], int]:
    """Return the level, from 1, of each kind of heading: the outline's, then by size and weight."""
    ranks = sorted(set(kinds))
    return {
        kind: min(_MAX_LEVEL, kind[0] if not kind[1] else kind[0] + _place(kind, ranks)) for kind in ranks
    }


def _place(kind: tuple[int, float, bool], ranks: Sequence[tuple[int, float, bool]]) -> int:
    return [rank for rank in ranks if rank[1]].index(kind)


def largest_lines(paragraphs: Sequence[Sequence[Line]], body_size: float) -> list[Line]:
    """Return the lines in the largest letters of a page, as far as they follow each other."""
    lines = [line for paragraph in paragraphs for line in paragraph if not line.is_tabular and not line.box]
    lines = [line for line in lines if sum(map(str.isalpha, line.text)) > 1]
    lines = [line for line in lines if not _OFFICE.fullmatch(line.text)]
    largest = max((_rounded(line.size) for line in lines), default=0.0)
    if not lines or largest < _LARGER * body_size:
        return []
    first = next(index for index, line in enumerate(lines) if _rounded(line.size) == largest)
    found = [lines[first]]
    for above, below in pairwise(lines[first:]):
        if _rounded(below.size) != largest or above.baseline - below.baseline > 2 * above.size:
            break
        found.append(below)
    return found


def _rounded(size: float) -> float:
    return round(2 * size) / 2


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
