"""Questions for people who are new to the page: those that documents ask, or that their sentences answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, zip_longest

from qa.retrieval.search_protocol import Search
from qa.text.posed_questions import PosedQuestion, posed_question, standing_question
from qa.types import Document, Filters, Passage, Query

_MAX_SUGGESTIONS = 6
"""Chosen to fit on the start page beside the list of documents."""

_MAX_DOCUMENTS = 24
"""Documents that are looked through. The next two bound the time of the first page, too."""

_MAX_PASSAGES = 300
"""Passages of a document that are looked through: its beginning."""

_MAX_ASKED = 24
"""Questions that are tried."""

_MIN_CONFIDENCE = 0.7
"""Confidence from which a question is offered: the page calls its answer probable."""

_SMALL = re.compile(r"\b[a-zа-яё]++\b")
_CAPITAL = re.compile(r"(?<=[\w,] )[A-ZА-ЯЁ][\w'’-]++")


def suggestions(search: Search, language: str) -> list[str]:
    """Return questions that the documents answer, from documents spread evenly over the list.

    Args:
        search: the search that answers them.
        language: ISO 639-1 code. If documents in this language have questions, those are taken, else those
            of any documents.
    """
    for filters in (Filters(language=(language,)), Filters()):
        posed = dict(islice(_posed(search, filters), _MAX_ASKED))
        answered = (
            question for question, document in posed.items() if _is_answered(search, question, document)
        )
        if chosen := list(islice(answered, _MAX_SUGGESTIONS)):
            return chosen
    return []


def _is_answered(search: Search, question: str, document_id: str) -> bool:
    """Whether the first result is of the question's own document, and the answer is probable.

    Where the model can't read the language, no confidence is claimed: the words alone decide.
    """
    result = search.search(Query(question, k=1))
    confidence = result.claimed_confidence
    if not result.answerable or (confidence is not None and confidence < _MIN_CONFIDENCE):
        return False
    return any(
        passage.document.id == document_id
        for hit in result.hits[:1]
        for passage in (hit.passage, *hit.duplicates)
    )


def _posed(search: Search, filters: Filters) -> Iterator[tuple[str, str]]:
    """Yield questions, each with its document's id: the best of each document, and so on."""
    total = search.library.documents(filters, limit=1, offset=0).total
    count = min(total, _MAX_DOCUMENTS)
    offsets = (number * total // count for number in range(count))
    pages = (search.library.documents(filters, limit=1, offset=offset).documents for offset in offsets)
    questions = [
        [(question, document.id) for question in _questions_of(search, document)]
        for documents in pages
        for document in documents
    ]
    for rank in zip_longest(*questions):
        yield from (question for question in rank if question)


def _questions_of(search: Search, document: Document) -> list[str]:
    """Return a document's questions: first those it asks, then those with the most facts in the answer."""
    passages = list(islice(search.library.passages_of(document.id), _MAX_PASSAGES))
    keeps_capital = _capitals([each.text for each in passages])
    asked: dict[str, None] = {}
    posed: list[PosedQuestion] = []
    for passage in passages:
        language = passage.language or document.metadata.language or ""
        for text in ((passage.section or "").rpartition(" › ")[2], _first_line(passage)):
            if question := standing_question(text, language):
                asked[question] = None
        made = (posed_question(passage.slice(each), language, keeps_capital) for each in passage.sentences)
        posed.extend(filter(None, made))
    posed.sort(key=lambda question: -question.facts)
    return list(dict.fromkeys([*asked, *(question.text for question in posed)]))


def _capitals(texts: Iterable[str]) -> Callable[[str], bool | None]:
    """Return what knows of a word whether these texts write it with a capital within a sentence."""
    small: set[str] = set()
    capital: set[str] = set()
    for text in texts:
        small.update(_SMALL.findall(text))
        capital.update(_CAPITAL.findall(text))
    return lambda word: False if word.lower() in small else word in capital or None


def _first_line(passage: Passage) -> str:
    """Return the first sentence of a passage if it is a line of its own, as in questions and answers."""
    if not passage.sentences[1:]:
        return ""
    first, second = passage.sentences[:2]
    between = passage.text[first.end - passage.span.start : second.start - passage.span.start]
    return passage.slice(first) if "\n" in between else ""
