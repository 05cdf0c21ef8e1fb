"""Running headers, footers and page numbers: what returns at the edge of pages, at the same place."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from qa.readers.pdf.layout import Line
from qa.readers.pdf.page_lines import PageLines

NEARBY = 4
"""Pages before and after one that show what runs through them: left and right pages may differ."""

_RETURNS = 2  # of these pages that have it too
_EDGE = 0.13  # the share of a page's height, above and below, in which they stand
_EDGE_ROWS = 4  # rows from above and from below among which they are
_SAME_PLACE = 4.0  # points that their height on the page may differ by
_MAX_LENGTH = 200  # characters of the longest running header
_NUMBER = re.compile(r"\d{1,6}")
_LONE_NUMBER = re.compile(r"[\W_]*(?:\d{1,5}|[ivxlc]{1,8})[\W_]*")
_ROMAN = re.compile(r"[ivxlc]{1,8}")
_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}

_Parts = tuple[tuple[str, ...], tuple[int, ...]]


def without_running_lines(index: int, count: int, page: Callable[[int], PageLines]) -> list[Line]:
    """Return the lines of a page without those that run through the pages about it.

    What runs is told from the nearest pages alone, so that a page's text is found again on the page without
    reading the document as a whole.

    Args:
        index: the page's, from 0.
        count: how many pages there are.
        page: returns the lines of one of them.
    """
    lines = page(index).lines
    edge = _edge_lines(page(index))
    if not edge:
        return lines
    near = [
        other for other in range(max(0, index - NEARBY), min(count, index + NEARBY + 1)) if other != index
    ]
    others = [(other - index, [(_parts(line), line) for line in _edge_lines(page(other))]) for other in near]
    running = [
        line
        for line in edge
        if sum(_has(line, distance, candidates) for distance, candidates in others) >= _RETURNS
    ]
    kept = [line for line in lines if not any(line is other for other in running)]
    return kept or lines


def _edge_lines(page: PageLines) -> list[Line]:
    """Return the short lines near the upper and lower edge of a page."""
    heights = sorted({round(line.baseline) for line in page.lines if not line.box})
    if len(heights) > 2 * _EDGE_ROWS:
        heights = heights[:_EDGE_ROWS] + heights[-_EDGE_ROWS:]
    rows, ends = set(heights), {heights[0], heights[-1]} if heights else set()
    low, high = _EDGE * page.height, (1 - _EDGE) * page.height
    return [
        line
        for line in page.lines
        if round(line.baseline) in rows
        and (not low < line.baseline < high or (round(line.baseline) in ends and _is_number(line)))
        and len(line.text) <= _MAX_LENGTH
        and not line.box
    ]


def _is_number(line: Line) -> bool:
    """Whether a line is a number alone: a page's stands below its text, wherever that ends."""
    return bool(_LONE_NUMBER.fullmatch(line.text))


def _has(line: Line, distance: int, candidates: Sequence[tuple[_Parts, Line]]) -> bool:
    """Whether a page at some distance has a line at its place, its page number aside."""
    words, numbers = _parts(line)
    for (other_words, other_numbers), other in candidates:
        lone = not any(any(map(str.isalpha, word)) for word in words)
        is_apart = abs(line.baseline - other.baseline) > _SAME_PLACE
        if other_words != words or (is_apart and not lone):
            continue
        steps = [after - before for before, after in zip(numbers, other_numbers, strict=True)]
        allowed = {distance} if lone else {0, distance}
        if all(step in allowed for step in steps):
            return True
    return False


def _parts(line: Line) -> _Parts:
    """Return what is between the numbers of a line, and the numbers."""
    text = " ".join(line.text.casefold().split())
    if _ROMAN.fullmatch(text):
        return ("", ""), (_roman(text),)
    return tuple(_NUMBER.split(text)), tuple(map(int, _NUMBER.findall(text)))


def _roman(text: str) -> int:
    values = [_VALUES[letter] for letter in text]
    return sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))
