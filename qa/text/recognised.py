"""Text that was recognised in pictures: how certain a part of it is, and its words' places, packed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile

import numpy as np

from qa.types import RecognisedPage, Span, WordBox

_FINEST = 65_535
"""A page's width and height are divided in so many parts, the most that 16 bits can count."""

_WORD = np.dtype([("place", "<i4", 2), ("box", "<u2", 4)])

WORD_BYTES = _WORD.itemsize
"""How many bytes a packed word takes."""


def pack(words: Sequence[WordBox]) -> bytes:
    """Return words as bytes, for ``unpack``: their places exactly, their boxes to a fraction of a pixel."""
    packed = np.zeros(len(words), _WORD)
    if words:
        packed["place"] = [word[:2] for word in words]
        boxes = np.nan_to_num(np.array([word[2:] for word in words], np.float64))
        packed["box"] = np.rint(np.clip(boxes, 0, 1) * _FINEST)
    return packed.tobytes()


def unpack(packed: bytes) -> tuple[WordBox, ...]:
    """Return the words that ``pack`` packed.

    Raises:
        ValueError: the bytes are not whole words.
    """
    words = np.frombuffer(packed, _WORD)
    boxes = (words["box"] / _FINEST).tolist()
    return tuple(WordBox(*place, *box) for place, box in zip(words["place"].tolist(), boxes, strict=True))


def certainty(pages: Sequence[RecognisedPage], span: Span) -> float | None:
    """Return the mean certainty of what was recognised in a range, by characters; None if nothing was.

    Args:
        pages: in order.
        span: the range.
    """
    first = bisect_right(pages, span.start, key=lambda page: page.span.end)
    touched = takewhile(lambda page: page.span.start < span.end, islice(pages, first, None))
    shares = [(page.certainty, _shared(page.span, span)) for page in touched]
    characters = sum(shared for _, shared in shares)
    return sum(certain * shared for certain, shared in shares) / characters if characters else None


def words_in(page: RecognisedPage, span: Span) -> Iterator[WordBox]:
    """Yield the words of a page that a range touches."""
    return (word for word in page.words if _shared(Span(word.start, word.end), span))


def _shared(one: Span, other: Span) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))
