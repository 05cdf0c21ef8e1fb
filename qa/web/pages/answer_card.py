"""The card above the results: the sentence that answers best, and who else says the same or another value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

from flask import request

from qa.results.citations import Quotation, quote_passage
from qa.retrieval.agreement import compare
from qa.retrieval.statements import Saying
from qa.types import Answer, Hit, Passage, SearchResult, ShortAnswer
from qa.web.pages.cards import Card, Parameters, card, reading_url
from qa.web.pages.table_view import Row

_MOST_SOURCES = 3
"""So many sentences are shown for one value; the others are only counted. Chosen to fit a screen."""


@dataclass(frozen=True, slots=True)
class Source:
    """A sentence of another document that states a value; ``number`` counts the card's sentences from 2."""

    number: int
    passage: Passage
    quotation: Quotation
    url: str


@dataclass(frozen=True, slots=True)
class Value:
    """A value that documents state: how many do, and the sentences of some, without the best one."""

    text: str
    documents: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class AnswerCard:
    """The best answering sentence, as a card whose quotation it is.

    ``rows`` are those rows of its table that answer, if it is one. ``values`` are what the documents state,
    the best sentence's first; none if only one document states it.
    """

    card: Card
    rows: tuple[Row, ...]
    values: tuple[Value, ...]


def answer_card(result: SearchResult, parameters: Parameters) -> AnswerCard | None:
    """Return the card of an answer; None if nothing answers."""
    hits = [hit for hit in result.hits if hit.relevant and hit.answers]
    if not result.answerable or not hits:
        return None
    hits = _answering_first(hits, result.short_answer)
    question = result.corrected_query or result.query.question
    best = card(hits[0], parameters, None)
    rows = tuple(row for row in best.rows if any(piece.kind == "sentence" for cell in row for piece in cell))
    return AnswerCard(best, rows, _values(compare(question, hits), parameters))


def _answering_first(hits: list[Hit], short: ShortAnswer | None) -> list[Hit]:
    """Put the passage first that holds the short answer, and the sentence first in it."""
    best = next((hit for hit in hits if short and hit.passage.id == short.passage_id), None)
    if short is None or best is None:
        return hits
    spans = best.passage.sentences
    around = [span for span in spans if span.start <= short.span.start and short.span.end <= span.end]
    answers = [Answer(best.passage.slice(span), span, best.answers[0].score) for span in around[:1]]
    others = tuple(answer for answer in best.answers if answer.span not in around)
    return [replace(best, answers=(*answers, *others)), *(hit for hit in hits if hit is not best)]


def _values(sayings: tuple[Saying, ...], parameters: Parameters) -> tuple[Value, ...]:
    numbers = count(2)
    shown = []
    for place, saying in enumerate(sayings):
        others = saying.statements[1:] if place == 0 else saying.statements
        sources = tuple(
            Source(
                next(numbers),
                statement.passage,
                quote_passage(statement.passage, statement.span, request.url_root),
                reading_url(statement.passage, parameters),
            )
            for statement in others[:_MOST_SOURCES]
        )
        shown.append(Value(saying.value, len(saying.statements), sources))
    return tuple(shown)
