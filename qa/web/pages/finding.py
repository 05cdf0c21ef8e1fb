"""Find in a document: by words, as people compare them, or by meaning; the matches counted and in order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from qa.results.listing import MAX_RESULTS
from qa.retrieval.ranking import TIER
from qa.retrieval.search_protocol import Search
from qa.text.word_comparison import phrase_spans, phrase_words
from qa.types import Document, Filters, Hit, Int64, Passage, Query, Span
from qa.web.pages.viewer import Mark

By = Literal["words", "meaning"]

_MAX_FOUND = 500
"""Passages that are found by meaning. Chosen: in 8,000 passages, the best 500 take four times as long as the
best 100, and a person steps through no more."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found in a document.

    Attributes:
        sought: what was sought.
        by: how.
        total: how many matches there are.
        current: the number of the one that is shown, from 1; 0 if there is none.
        span: its place.
        around: returns the places of all matches in a part of the text, or of more.
        complete: whether these are all matches; if not, ``total`` are the best.
    """

    sought: str
    by: By
    total: int = 0
    current: int = 0
    span: Span | None = None
    around: Callable[[Span], Sequence[Span]] = lambda _: ()
    complete: bool = True

    def marks(self, part: Span) -> tuple[Mark, ...]:
        """Return the marks of the matches in a part of the text, ordered and disjoint."""
        marks: list[Mark] = []
        own = [self.span] if self.span else []
        for span in sorted({*own, *self.around(part)}):
            if marks and span.start < marks[-1].span.end and span != self.span:
                continue
            while marks and span.start < marks[-1].span.end:
                marks.pop()
            marks.append(Mark(span, "current", "match") if span == self.span else Mark(span, "match"))
        return tuple(marks)


def find_words(
    search: Search, document: Document, text: str, sought: str, *, number: int | None, near: int
) -> Matches:
    """Find words that stand one after another.

    Args:
        search: the searcher.
        document: the document.
        text: its text.
        sought: the words.
        number: that of the match to show, from 1.
        near: without a number, the first match from this offset on is shown.
    """
    rows, words = search.occurrences(document.id, sought), phrase_words(sought)
    if not len(rows):
        return Matches(sought, "words")
    chosen = _first_from(search, rows, near) if number is None else number - 1
    chosen = min(max(chosen, 0), len(rows) - 1)
    span = _place(search, text, rows, chosen, words)
    return Matches(
        sought,
        "words",
        len(rows),
        chosen + 1,
        span,
        lambda part: [
            Span(part.start + start, part.start + end)
            for start, end in phrase_spans(part.slice(text), [words])
        ],
    )


def find_meaning(search: Search, query: Query, document: Document, *, number: int | None) -> Matches:
    """Find the passages that bear on a question; without a number, the best one is shown."""
    most = MAX_RESULTS
    hits = relevant_hits(search, query, document)
    if _may_have_more(hits, document, most):
        most = _MAX_FOUND
        hits = relevant_hits(search, query, document, most=most)
    if not hits:
        return Matches(query.question, "meaning")
    best = min(range(len(hits)), key=lambda place: hits[place].rank)
    chosen = best if number is None else min(max(number - 1, 0), len(hits) - 1)
    places = [hit.answers[0].span if hit.answers else hit.passage.span for hit in hits]
    return Matches(
        query.question,
        "meaning",
        len(hits),
        chosen + 1,
        places[chosen],
        lambda _: places,
        complete=not _may_have_more(hits, document, most),
    )


def _may_have_more(hits: Sequence[Hit], document: Document, most: int) -> bool:
    """Whether hits are still relevant in the last of the tiers in which they were ranked."""
    return document.passages > most and any(hit.rank > most - TIER for hit in hits)


def relevant_hits(
    search: Search, query: Query, document: Document, *, most: int = MAX_RESULTS
) -> tuple[Hit, ...]:
    """Return the relevant ones of the best hits in one document, in the order of its text."""
    result = search.search(replace(query, k=most, offset=0, filters=Filters(document=(document.id,))))
    return tuple(sorted((hit for hit in result.hits if hit.relevant), key=lambda hit: hit.passage.span))


def _passage(search: Search, row: int) -> Passage:
    (passage,) = search.library.passages([row])
    return passage


def _first_from(search: Search, rows: Int64, offset: int) -> int:
    """Return the place of the first match in a passage that ends after an offset; 0 if there is none."""
    own = rows.tolist()
    place = bisect_right(own, offset, key=lambda row: _passage(search, row).span.end)
    return place if place < len(own) else 0


def _place(search: Search, text: str, rows: Int64, chosen: int, words: Sequence[str]) -> Span | None:
    """Return where a match stands, among those that begin in its passage or before it."""
    own = rows.tolist()
    passage = _passage(search, own[chosen])
    before, after = search.library.neighbours(passage)
    start, end = before.span.end if before else 0, after.span.end if after else len(text)
    last = passage.span.end if after else len(text)
    spans = (Span(start + span.start, start + span.end) for span in phrase_spans(text[start:end], [words]))
    begins = [span for span in spans if span.start < last]
    place = chosen - bisect_left(own, own[chosen])
    return begins[min(place, len(begins) - 1)] if begins else None
