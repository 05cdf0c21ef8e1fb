"""What a sheet says of each question: the sentence that answers, how sure that is, and where it stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from qa.results.citations import quote_passage
from qa.types import Hit, SearchResult

RESULTS = 4
"""Passages that a question takes: the one that answers, and the next three."""

ABSENT = "not in these documents"

_VERY_LIKELY, _PROBABLE = 0.9, 0.7
"""Confidence from which an answer is called very likely, or probable: as on the search page."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a quotation stands.

    Attributes:
        date: when it was published, as an ISO date; None if that is not known in full.
        dateline: place and day as the document has them, which may lack the year.
    """

    title: str
    publisher: str | None
    date: str | None
    page: int | None
    permalink: str
    dateline: str | None = None

    @property
    def line(self) -> str:
        """The source on one line."""
        page = f"p. {self.page}" if self.page else None
        parts = (self.title, self.publisher, self.date or self.dateline, page)
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class CitedAnswer:
    """A question's answer.

    Attributes:
        answer: the sentence that answers; None if these documents don't seem to answer the question.
        confidence: in words.
        source: where the answer stands; None without an answer.
        next_sources: the three next passages or, without an answer, the nearest three.
        corrected: what was searched in place of the question, if that has slips of the keyboard.
        note: why no passage could answer, if the filters or the question's own conditions let none pass.
    """

    answer: str | None
    confidence: str
    source: Source | None
    next_sources: tuple[Source, ...]
    corrected: str | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return what ``to_dict`` made the values of.

        Raises:
            TypeError, KeyError: they are something else.
        """
        source = values["source"]
        return cls(
            values["answer"],
            values["confidence"],
            Source(**source) if source else None,
            tuple(Source(**each) for each in values["next_sources"]),
            values["corrected"],
            values["note"],
        )


def cited_answer(result: SearchResult, base_url: str) -> CitedAnswer:
    """Return the cited answer of a search for ``RESULTS`` passages.

    Args:
        result: the result of the search.
        base_url: the address of the service that shows the documents, with which permalinks begin.
    """
    sources = [_source(hit, base_url) for hit in result.hits]
    if not result.answerable or not result.hits:
        nearest = tuple(sources[: RESULTS - 1])
        return CitedAnswer(None, ABSENT, None, nearest, result.corrected_query, _note(result))
    best = result.hits[0]
    sentence = best.answers[0].text if best.answers else best.passage.text
    return CitedAnswer(
        " ".join(sentence.split()),
        confidence_in_words(result),
        sources[0],
        tuple(sources[1:RESULTS]),
        result.corrected_query,
        _note(result),
    )


def confidence_in_words(result: SearchResult) -> str:
    """Return how likely the first passages answer. Where no confidence is claimed, that is only possible."""
    if not result.answerable:
        return ABSENT
    confidence = result.claimed_confidence
    if confidence is None or confidence < _PROBABLE:
        return "possible"
    return "very likely" if confidence >= _VERY_LIKELY else "probable"


def _note(result: SearchResult) -> str | None:
    """Return which quotations stand nowhere, or why no passage was searched; None if all is well."""
    if result.total:
        absent = [f'"{phrase}" stands nowhere: its words were searched' for phrase in result.missing_phrases]
        return "; ".join(absent) or None
    if not result.index.passages:
        return "the index holds no passages"
    conditions = 'meets the question\'s conditions ("exact words", +word, -word)'
    if not (result.required or result.excluded):
        return "no passage passes the filters"
    if result.query.filters:
        return f"no passage passes the filters and {conditions}"
    return f"no passage {conditions}"


def _source(hit: Hit, base_url: str) -> Source:
    span = hit.answers[0].span if hit.answers else hit.passage.span
    quotation = quote_passage(hit.passage, span, base_url)
    metadata = hit.passage.document.metadata
    return Source(
        quotation.title,
        metadata.source,
        metadata.published,
        hit.passage.page,
        quotation.permalink,
        metadata.dateline,
    )
