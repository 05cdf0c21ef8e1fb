"""Addresses of quotations that know, once the document has changed, what has become of them.

An address carries the range, the start of the file's SHA-256, and a fingerprint of the quotation: a digest of
its text, by which it is known again where it has moved, and a sample of its words, by which the place is
known where it stands in other words.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Literal, NamedTuple

from qa.contracts import Span

State = Literal["unchanged", "moved", "altered", "gone"]

FILE_DIGITS = 12
LONGEST = 5000
"""The longest quotation that is looked for, in characters: to look for it takes time."""

_DIGEST = 16
_LEAD = 1
_PAIR = 6
_PAIRS = 8
_ALIKE = 0.5
_MOST_LEAD = 15
_WORD = re.compile(r"\w+")
_FINGERPRINT = re.compile(rf"[0-9a-f]{{{_DIGEST + _LEAD}}}(?:[0-9a-f]{{{_PAIR}}}){{0,{_PAIRS}}}")


class Found(NamedTuple):
    """What has become of a quotation, and where it stands now; ``span`` is None where it is gone."""

    state: State
    span: Span | None


def fingerprint(quotation: str) -> str:
    """Give a quotation's digest, how many signs precede its first word, and a sample of its pairs of words.

    All in hex digits. The first pair is always in the sample, and comes first.
    """
    pairs = list(dict.fromkeys(pair for pair, _ in _pairs(quotation)))
    sample = pairs[:1] + sorted(pairs[1:])[: _PAIRS - 1]
    word = _WORD.search(quotation)
    return f"{_digest(quotation)}{min(word.start() if word else 0, _MOST_LEAD):x}{''.join(sample)}"


def is_fingerprint(text: str) -> bool:
    """Tell whether a text has the form of a fingerprint."""
    return _FINGERPRINT.fullmatch(text) is not None


def check(text: str, span: Span, mark: str) -> Found:
    """Look what has become of a quotation.

    Args:
        text: the document's, as it is now.
        span: where the quotation stood, ``LONGEST`` long at the most.
        mark: its fingerprint.
    """
    length = span.end - span.start
    if _digest(span.of(text)) == mark[:_DIGEST]:
        return Found("unchanged", span)
    pairs = list(_pairs(text))
    moved = min(_same(text, pairs, length, mark), key=lambda start: abs(start - span.start), default=None)
    if moved is not None:
        return Found("moved", Span(moved, moved + length))
    altered = _alike(pairs, length, set(_sample(mark)))
    return Found("altered", altered) if altered else Found("gone", None)


def _same(text: str, pairs: list[tuple[str, Span]], length: int, mark: str) -> Iterator[int]:
    """Give where in the text the very quotation stands."""
    digest, lead, first = mark[:_DIGEST], int(mark[_DIGEST], 16), mark[_DIGEST + _LEAD :][:_PAIR]
    for pair, place in pairs:
        start = place.start - lead
        if pair == first and start >= 0 and _digest(text[start : start + length]) == digest:
            yield start


def _alike(pairs: list[tuple[str, Span]], length: int, sample: set[str]) -> Span | None:
    """Give the stretch of about this length that holds the most of the sample, where that is half of it."""
    hits = [(pair, place) for pair, place in pairs if pair in sample]
    starts = [place.start for _, place in hits]
    most, best = 0, None
    for first, start in enumerate(starts):
        last = bisect_left(starts, start + length)
        held = len({pair for pair, _ in hits[first:last]})
        if held > most and held >= _ALIKE * len(sample):
            most, best = held, Span(start, hits[last - 1][1].end)
    return best


def _sample(mark: str) -> Iterator[str]:
    for at in range(_DIGEST + _LEAD, len(mark), _PAIR):
        yield mark[at : at + _PAIR]


def _pairs(text: str) -> Iterator[tuple[str, Span]]:
    """Give each two neighbouring words' digest and place; a single word is a pair with itself."""
    words = list(_WORD.finditer(text))
    for first, second in zip(words, words[1:] or words, strict=False):
        both = f"{first.group()} {second.group()}".casefold()
        yield _digest(both)[:_PAIR], Span(first.start(), second.end())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
