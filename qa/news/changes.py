"""A saved question asked again: what is new in its answer since the last time.

News is a quotation that wasn't there, one that was reworded, or one that is gone. What only changed its rank
or place is no news, and neither is a near-identical passage of another document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from qa.arrays import offsets
from qa.index.lexical.shingles import near_duplicates
from qa.news.saved_questions import SavedQuestion
from qa.records.replay import Outcome, Place, trace
from qa.records.search_record import RecordedResult
from qa.results.citations import title_of
from qa.results.permalinks import permalink
from qa.retrieval.near_duplicates import THRESHOLD
from qa.retrieval.search_protocol import Search
from qa.text.word_comparison import phrase_words
from qa.types import Hit, SearchResult, Span

Kind = Literal["new", "better", "changed", "gone"]

_SEEN = 300
"""How many passages are remembered of each question. Chosen: six times as many as one search returns."""


@dataclass(frozen=True, slots=True)
class Change:
    """One piece of what is new in an answer.

    Attributes:
        kind: ``better`` is a new quotation that comes first.
        title: the document's.
        source: its publisher, if known.
        published: its date, if known.
        path: its path, or that of its file and its own inside it.
        row: its row's key, if it is a row of a table.
        page: the page of the quotation, if there is one.
        quotation: as the document has it now; None if it is gone.
        before: what it was; None if it is new.
        link: its permalink on the service, from the root; None if it is gone.
    """

    kind: Kind
    title: str
    source: str | None
    published: str | None
    path: str
    row: str | None
    page: int | None
    quotation: str | None
    before: str | None
    link: str | None


@dataclass(frozen=True, slots=True)
class SeenPassage:
    """A passage that was among the results once."""

    document: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a saved question's answer.

    Attributes:
        definition: of the question (``SavedQuestion.definition``).
        ranked_by: what ranked the passages, such as the model.
        quotations: of the first results.
        seen: all passages that were among the results, the last ones last.
    """

    definition: str
    ranked_by: str
    quotations: tuple[RecordedResult, ...]
    seen: tuple[SeenPassage, ...]


def ask_again(
    question: SavedQuestion, memory: Memory | None, search: Search, ranked_by: str
) -> tuple[Memory, tuple[Change, ...]]:
    """Ask a saved question, and compare the answer with what is remembered of the last one.

    Without such a memory, or of another question, nothing is news. After a change of what ranks, passages
    that come up are none either.
    """
    result = search.search(question.query)
    first = _first_hits(question, result)
    if memory is None or memory.definition != question.definition:
        return _remember(question, None, result, first, ranked_by), ()
    outcomes = [trace(quotation, search, first) for quotation in memory.quotations]
    changes = [*_changed(outcomes, search)]
    if memory.ranked_by == ranked_by:
        changes += _new(
            first, memory, [outcome.place for outcome in outcomes if outcome.verdict == "altered"]
        )
    return _remember(question, memory, result, first, ranked_by), tuple(changes)


def _first_hits(question: SavedQuestion, result: SearchResult) -> tuple[Hit, ...]:
    """Return the hits that are followed: the first ones, if the documents seem to answer the question."""
    threshold = question.threshold
    answers = result.answerable if threshold is None else result.confidence >= threshold
    return tuple(hit for hit in result.hits[: question.k] if hit.relevant) if answers else ()


def _quoted(hit: Hit) -> Span:
    """Return the place of the sentence that a hit is quoted with."""
    return hit.answers[0].span if hit.answers else hit.passage.span


def _changed(outcomes: Sequence[Outcome], search: Search) -> Iterator[Change]:
    """Yield the quotations that were reworded or are gone."""
    for outcome in outcomes:
        recorded = outcome.recorded
        if recorded is None:
            continue
        if outcome.verdict == "gone":
            yield Change(
                "gone", recorded.title, None, None, recorded.path, recorded.row, recorded.page,
                None, recorded.text, None,
            )  # fmt: skip
        elif outcome.verdict == "altered" and outcome.place:
            change = _reworded(recorded, outcome.place, search)
            if phrase_words(recorded.text) != phrase_words(change.quotation or ""):
                yield change


def _reworded(recorded: RecordedResult, place: Place, search: Search) -> Change:
    """Return the change of a quotation that has other words now, with the sentences in its place."""
    document = place.document
    passage = search.library.passage_at(document.id, place.span.start)
    span, page = place.span, recorded.page
    if passage and place.overlaps(passage):
        page = passage.page
        sentences = [
            sentence
            for sentence in passage.sentences
            if sentence.start < place.span.end and place.span.start < sentence.end
        ]
        if sentences:
            span = Span(sentences[0].start, sentences[-1].end)
    text = span.slice(search.library.text(document.id))
    meta = document.metadata
    return Change(
        "changed", title_of(document), meta.source, meta.published, document.path, document.row, page,
        text, recorded.text, permalink("", document, span, text),
    )  # fmt: skip


def _new(first: Sequence[Hit], memory: Memory, reworded: Sequence[Place | None]) -> Iterator[Change]:
    """Yield the quotations that were not there."""
    for hit in first:
        if any(place and place.overlaps(hit.passage) for place in reworded):
            continue
        if _is_new(hit, memory.seen):
            yield _new_quotation(hit)


def _new_quotation(hit: Hit) -> Change:
    document, span = hit.passage.document, _quoted(hit)
    text, meta = hit.passage.slice(span), document.metadata
    return Change(
        "better" if hit.rank == 1 else "new", title_of(document), meta.source, meta.published,
        document.path, document.row, hit.passage.page, text, None, permalink("", document, span, text),
    )  # fmt: skip


def _is_new(hit: Hit, seen: Sequence[SeenPassage]) -> bool:
    """Whether a hit says what no passage seen so far does.

    A passage that is near-identical to one of another document is a copy. In the same document it is the
    passage itself, edited: there, what counts is whether the quotation was in it.
    """
    text = hit.passage.slice(_quoted(hit))
    if any(text in passage.text for passage in seen):  # as a rule: no words need to be compared
        return False
    quotation = _padded(text)
    if any(quotation in _padded(passage.text) for passage in seen):
        return False
    others = [passage.text for passage in seen if passage.document != hit.passage.document.id]
    return not _resembles(hit.passage.text, others)


def _padded(text: str) -> str:
    """Return the words of a text between spaces, so that whole words are found in it."""
    return f" {' '.join(phrase_words(text))} "


def _resembles(text: str, others: Sequence[str]) -> bool:
    """Whether a text is a near-duplicate of one of the others."""
    numbers: dict[str, int] = {}
    parts = [
        [numbers.setdefault(word, len(numbers)) for word in phrase_words(part) or ("",)]
        for part in (text, *others)
    ]
    terms = np.array([number for part in parts for number in part], np.int32)
    bounds = offsets(np.array([len(part) for part in parts], np.int64))
    return bool(near_duplicates(terms, bounds, len(numbers), THRESHOLD)[0, 1:].any())


def _remember(
    question: SavedQuestion,
    memory: Memory | None,
    result: SearchResult,
    first: Sequence[Hit],
    ranked_by: str,
) -> Memory:
    known = dict.fromkeys(memory.seen) if memory else {}
    for hit in reversed(result.hits):  # the best last, to be kept longest
        passage = hit.passage
        seen = SeenPassage(passage.document.id, passage.document.path, passage.text)
        known.pop(seen, None)
        known[seen] = None
    quotations = tuple(map(_recorded, first))
    return Memory(question.definition, ranked_by, quotations, tuple(known)[-_SEEN:])


def _recorded(hit: Hit) -> RecordedResult:
    document, span = hit.passage.document, _quoted(hit)
    return RecordedResult(
        hit.rank, document.id, document.path, document.row, title_of(document), document.sha256,
        hit.passage.page, span, hit.passage.slice(span),
    )  # fmt: skip
