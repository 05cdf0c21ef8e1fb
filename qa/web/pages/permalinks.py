"""Addresses of quotations that know, once the document has changed, what has become of them.

An address carries the range, the start of the file's SHA-256, and a fingerprint of the quotation: a digest of
its text, by which it is known again where it has moved, and a sample of its words, by which the place is
known where it stands in other words.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import islice, pairwise
from typing import Literal, NamedTuple

from qa.types import Span

State = Literal["unchanged", "moved", "altered", "gone"]

FILE_DIGITS = 12
LONGEST = 5000
"""The longest quotation that is looked for, in characters: to look for it takes time.

For the same reason it is looked for only so far (``_AROUND``) before and after its old place.
"""

_AROUND = 250_000
_MOST_TRIED = 1000
_MOST_KNOWN = 20_000
"""So many places are compared: only in a text that says the same all the time there are more."""

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
    if _digest(span.of(text)) == mark[:_DIGEST]:
        return Found("unchanged", span)
    length, sample = span.end - span.start, list(_sample(mark))
    near = Span(max(0, span.start - _AROUND), span.end + _AROUND)
    alike = ((pair, place) for pair, place in _pairs(text, near) if pair in sample)
    known = list(islice(alike, _MOST_KNOWN))
    moved = next(
        (start for start in _starts(known, mark, span.start) if _is_at(text, start, length, mark)), None
    )
    if moved is not None:
        return Found("moved", Span(moved, moved + length))
    altered = _alike(known, length, _ALIKE * len(sample))
    return Found("altered", altered) if altered else Found("gone", None)


def _starts(known: Sequence[tuple[str, Span]], mark: str, around: int) -> list[int]:
    """Give where the quotation may begin, the nearest places first."""
    lead, first = int(mark[_DIGEST], 16), next(_sample(mark), "")
    starts = (place.start - lead for pair, place in known if pair == first)
    return nsmallest(_MOST_TRIED, starts, key=lambda start: abs(start - around))


def _is_at(text: str, start: int, length: int, mark: str) -> bool:
    return start >= 0 and _digest(text[start : start + length]) == mark[:_DIGEST]


def _alike(known: Sequence[tuple[str, Span]], length: int, least: float) -> Span | None:
    """Give the stretch of about this length that holds the most of the sample, ``least`` of it at least."""
    most, best = 0, None
    held: Counter[str] = Counter()
    last = 0
    for pair, place in known:
        while last < len(known) and known[last][1].start < place.start + length:
            held[known[last][0]] += 1
            last += 1
        if len(held) > most and len(held) >= least:
            most, best = len(held), Span(place.start, known[last - 1][1].end)
        held[pair] -= 1
        if not held[pair]:
            del held[pair]
    return best


def _sample(mark: str) -> Iterator[str]:
    for at in range(_DIGEST + _LEAD, len(mark), _PAIR):
        yield mark[at : at + _PAIR]


def _pairs(text: str, within: Span | None = None) -> Iterator[tuple[str, Span]]:
    """Give each two neighbouring words' digest and place."""
    start, end = within or Span(0, len(text))
    digests: dict[str, str] = {}
    for first, second in pairwise(_WORD.finditer(text, start, end)):
        both = f"{first.group()} {second.group()}".casefold()
        if (digest := digests.get(both)) is None:
            digest = digests[both] = _digest(both)[:_PAIR]
        yield digest, Span(first.start(), second.end())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
