"""A recorded search asked again: what became of every result, and which results are new.

A result is the *same* if its document still has its text at its place, whatever else changed there. It has
*moved* if the text stands elsewhere, in the same document or another, and is *altered* if it was reworded.
Else it is *gone*.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from qa.errors import NotFoundError
from qa.records.search_record import RecordedResult, SearchRecord
from qa.results import permalinks
from qa.results.arrangement import arrange
from qa.retrieval.search_protocol import Search
from qa.text.word_comparison import phrase_words
from qa.types import Document, Hit, Mode, Passage, Query, SearchResult, Span

Verdict = Literal["same", "moved", "altered", "gone", "new"]

_CANDIDATES = 100
"""Passages with the same words in which a text is looked for, if its document lacks it. Chosen: as many as a
request may ask for."""

_STATES: dict[permalinks.State, Verdict] = {
    "unchanged": "same", "moved": "moved", "altered": "altered", "gone": "gone",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a document of the live generation."""

    document: Document
    span: Span

    def overlaps(self, passage: Passage) -> bool:
        """Whether a passage has some of these characters."""
        return (
            passage.document.id == self.document.id
            and passage.span.start < self.span.end
            and self.span.start < passage.span.end
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a result.

    Attributes:
        verdict: same, moved, altered or gone; new if it was no result before.
        recorded: the result as it was; None if it is new.
        place: where it is now; None if it is gone.
        rank: its rank now; None if it is no longer among the results.
    """

    verdict: Verdict
    recorded: RecordedResult | None
    place: Place | None
    rank: int | None


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded search asked again. ``outcomes``: the recorded results in order, then the new ones."""

    record: SearchRecord
    result: SearchResult
    outcomes: tuple[Outcome, ...]

    @property
    def is_unchanged(self) -> bool:
        """Whether every result is the same, at the same rank, and none is new."""
        return all(
            outcome.verdict == "same" and outcome.recorded and outcome.rank == outcome.recorded.rank
            for outcome in self.outcomes
        )


def replay(record: SearchRecord, search: Search) -> Replay:
    """Ask a recorded question again, and compare the results with the recorded ones."""
    result, _ = arrange(search, record.query, record.arrangement)
    hits = record.arrangement.rank(result)
    known = [trace(recorded, search, hits) for recorded in record.results]
    places = [outcome.place for outcome in known if outcome.place]
    new = [
        Outcome("new", None, Place(hit.passage.document, hit.passage.span), hit.rank)
        for hit in hits
        if not any(place.overlaps(passage) for place in places for passage in _passages(hit))
    ]
    return Replay(record, result, (*known, *new))


def trace(recorded: RecordedResult, search: Search, hits: Sequence[Hit]) -> Outcome:
    """Return what became of a recorded result, and its rank among the hits of the question asked again."""
    verdict, place = _locate(recorded, search)
    ranks = [hit.rank for hit in hits if place and any(map(place.overlaps, _passages(hit)))]
    return Outcome(verdict, recorded, place, min(ranks, default=None))


def _locate(recorded: RecordedResult, search: Search) -> tuple[Verdict, Place | None]:
    """Return what became of a result's text, and where it is now."""
    try:
        document = search.library.document(recorded.document)
    except NotFoundError:
        place = _elsewhere(recorded, search)
        return ("moved", place) if place else ("gone", None)
    verdict, span = _check(recorded, search.library.text(document.id))
    if span is not None:
        return verdict, Place(document, span)
    place = _elsewhere(recorded, search)
    return ("moved", place) if place else ("gone", None)


def _check(recorded: RecordedResult, text: str) -> tuple[Verdict, Span | None]:
    """Look for a result's text in what its document's text is now. Of a long one, the beginning decides."""
    if recorded.span.slice(text) == recorded.text:
        return "same", recorded.span
    quotation = recorded.text[: permalinks.MAX_CHECKED]
    start = recorded.span.start
    fingerprint = permalinks.fingerprint_of(quotation)
    state, span = permalinks.check(text, Span(start, start + len(quotation)), fingerprint)
    if span is None or state == "altered" or len(quotation) == len(recorded.text):
        return _STATES[state], span
    whole = Span(span.start, span.start + len(recorded.text))
    return ("moved" if whole.slice(text) == recorded.text else "altered"), whole


def _elsewhere(recorded: RecordedResult, search: Search) -> Place | None:
    """Return where a result's text stands in another document, first of all in the same file, renamed."""
    passages = list(_with_words(recorded.text, search))
    passages.sort(key=lambda passage: passage.document.sha256 != recorded.sha256)
    for passage in passages:
        start = passage.span.start
        there = replace(recorded, span=Span(start, start + len(recorded.text)))
        verdict, span = _check(there, search.library.text(passage.document.id))
        if span is not None and verdict != "altered":
            return Place(passage.document, span)
    return None


def _with_words(text: str, search: Search) -> Iterator[Passage]:
    """Yield passages that have the words of a text, one after the other."""
    words = " ".join(phrase_words(text))
    if words:
        phrase = Query(f'"{words}"', k=_CANDIDATES, mode=Mode.LEXICAL, verbatim=True)
        for hit in search.search(phrase).hits:
            yield from _passages(hit)


def _passages(hit: Hit) -> tuple[Passage, ...]:
    return hit.passage, *hit.duplicates
