"""Permalinks: addresses of quotations that can be checked after the document has changed.

An address contains the range, the start of the file's SHA-256, and a fingerprint of the quotation. The
fingerprint holds a digest of the text, which identifies a quotation that has moved, and a sample of its pairs
of words, which identifies the place of a quotation that was reworded.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import islice, pairwise
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from qa.types import Document, Span

State = Literal["unchanged", "moved", "altered", "gone"]

FILE_DIGITS = 12
"""Hex digits of the file's SHA-256 in an address. Chosen: 48 bits distinguish the versions of a file."""

MAX_CHECKED = 5000
"""Characters of the longest quotation that is checked. This and the next three bound the time of a check."""

_MAX_DISTANCE = 250_000
"""How far from its old place a quotation is searched for, in characters."""

_MAX_CANDIDATES = 1000
"""Places that are compared with the digest."""

_MAX_MATCHES = 20_000
"""Pairs of words that are compared. Only an endlessly repetitive text has more."""

_DIGEST = 16
"""Hex digits of the digest of a quotation: 64 bits make a chance match practically impossible."""

_LEAD = 1
"""Hex digits that count the signs before the first word."""

_PAIR = 6
"""Hex digits of the digest of a pair of words: 24 bits make a chance match in one document unlikely."""

_PAIRS = 8
"""Pairs in a sample. Chosen: enough to identify a sentence, and the address stays short."""

_MIN_SHARE = 0.5
"""Share of the sample that a reworded quotation must still have. Chosen: most of it should be the same."""

_MAX_LEAD = 15
"""The largest number of signs that ``_LEAD`` digits can count."""

_WORD = re.compile(r"\w+")
_FINGERPRINT = re.compile(rf"[0-9a-f]{{{_DIGEST + _LEAD}}}(?:[0-9a-f]{{{_PAIR}}}){{0,{_PAIRS}}}")


class Check(NamedTuple):
    """The state of a quotation, and where it is now; ``span`` is None if it is gone."""

    state: State
    span: Span | None


def permalink(base_url: str, document: Document, span: Span, text: str) -> str:
    """Return the address of a quotation, by which it can be checked later.

    Args:
        base_url: the service's, such as ``http://127.0.0.1:8000``.
        document: the document that is quoted.
        span: the range of the quotation.
        text: the document's text there.
    """
    query = {
        "start": span.start,
        "end": span.end,
        "sha": document.sha256[:FILE_DIGITS],
        "quote": fingerprint_of(text),
    }
    return f"{base_url.rstrip('/')}/documents/{document.id}?{urlencode(query)}#passage"


def fingerprint_of(quotation: str) -> str:
    """Return a quotation's digest, the number of signs before its first word, and a sample of its word pairs.

    All in hex digits. The first pair is always in the sample, and comes first.
    """
    pairs = list(dict.fromkeys(pair for pair, _ in _pairs(quotation)))
    sample = pairs[:1] + sorted(pairs[1:])[: _PAIRS - 1]
    word = _WORD.search(quotation)
    return f"{_digest(quotation)}{min(word.start() if word else 0, _MAX_LEAD):x}{''.join(sample)}"


def is_fingerprint(text: str) -> bool:
    """Whether a text has the form of a fingerprint."""
    return _FINGERPRINT.fullmatch(text) is not None


def check(text: str, span: Span, fingerprint: str) -> Check:
    """Return whether a quotation is unchanged, moved, altered or gone, and where it is now.

    Args:
        text: the document's current text.
        span: the former range of the quotation, at most ``MAX_CHECKED`` characters long.
        fingerprint: the fingerprint of the quotation.
    """
    if _digest(span.slice(text)) == fingerprint[:_DIGEST]:
        return Check("unchanged", span)
    length, sample = span.end - span.start, list(_sample(fingerprint))
    near = Span(max(0, span.start - _MAX_DISTANCE), span.end + _MAX_DISTANCE)
    matches = list(
        islice(((pair, place) for pair, place in _pairs(text, near) if pair in sample), _MAX_MATCHES)
    )
    for start in _candidate_starts(matches, fingerprint, span.start):
        if start >= 0 and _digest(text[start : start + length]) == fingerprint[:_DIGEST]:
            return Check("moved", Span(start, start + length))
    altered = _most_similar(matches, length, _MIN_SHARE * len(sample))
    return Check("altered", altered) if altered else Check("gone", None)


def _candidate_starts(matches: Sequence[tuple[str, Span]], fingerprint: str, near: int) -> list[int]:
    """Return the offsets at which the quotation may begin, the nearest first."""
    lead, first = int(fingerprint[_DIGEST], 16), next(_sample(fingerprint), "")
    starts = (place.start - lead for pair, place in matches if pair == first)
    return nsmallest(_MAX_CANDIDATES, starts, key=lambda start: abs(start - near))


def _most_similar(matches: Sequence[tuple[str, Span]], length: int, min_pairs: float) -> Span | None:
    """Return the span of about this length with the most pairs of the sample, at least ``min_pairs``."""
    most, best = 0, None
    window: Counter[str] = Counter()
    end = 0
    for pair, place in matches:
        while end < len(matches) and matches[end][1].start < place.start + length:
            window[matches[end][0]] += 1
            end += 1
        if len(window) > most and len(window) >= min_pairs:
            most, best = len(window), Span(place.start, matches[end - 1][1].end)
        window[pair] -= 1
        if not window[pair]:
            del window[pair]
    return best


def _sample(fingerprint: str) -> Iterator[str]:
    for start in range(_DIGEST + _LEAD, len(fingerprint), _PAIR):
        yield fingerprint[start : start + _PAIR]


def _pairs(text: str, within: Span | None = None) -> Iterator[tuple[str, Span]]:
    """Yield the digest and place of each pair of neighbouring words."""
    start, end = within or Span(0, len(text))
    digests: dict[str, str] = {}
    for first, second in pairwise(_WORD.finditer(text, start, end)):
        pair = f"{first.group()} {second.group()}".casefold()
        if (digest := digests.get(pair)) is None:
            digest = digests[pair] = _digest(pair)[:_PAIR]
        yield digest, Span(first.start(), second.end())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
