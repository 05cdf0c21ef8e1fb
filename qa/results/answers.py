"""The JSON of results, documents and passages, as plain dicts.

The command line, the Python API and the service share it; ``web/api/schemas/responses`` describes it.
"""

from __future__ import annotations

from typing import Any

from qa.types import Answer, Document, Hit, IndexInfo, Passage, SearchResult, ShortAnswer

JSON = dict[str, Any]


def search_answer(result: SearchResult) -> JSON:
    """Return the answer to one question."""
    return {
        "query": result.query.question,
        "answerable": result.answerable,
        "confidence": round(result.confidence, 4),
        "total": result.total,
        "took_ms": round(result.took_ms, 1),
        "index": _index(result.index),
        "results": [hit_answer(hit) for hit in result.hits],
        "language_support": result.language_support,
        "required": list(result.required),
        "excluded": list(result.excluded),
        "corrected_query": result.corrected_query,
        "missing_terms": list(result.missing_terms),
        "missing_phrases": list(result.missing_phrases),
        "short_answer": _short_answer(result.short_answer),
        "like": result.query.like,
    }


def document_ref(document: Document) -> JSON:
    """Return the document of a result."""
    metadata = document.metadata
    return {
        "id": document.id,
        "path": document.path,
        "title": metadata.title,
        "source": metadata.source,
        "author": metadata.author,
        "published": metadata.published,
        "dateline": metadata.dateline,
        "language": metadata.language,
        "media_type": document.media_type,
        "sha256": document.sha256,
        "url": metadata.url,
    }


def document_answer(document: Document) -> JSON:
    """Return everything known about a document."""
    return document_ref(document) | {
        "found": dict(document.metadata.found),
        "characters": document.characters,
        "passages": document.passages,
        "pages": document.pages,
        "row": document.row,
        "notes": list(document.notes),
        **_recognition(document.certainty),
        "recognised_pages": document.recognised_pages,
    }


def passage_answer(passage: Passage, previous: Passage | None, following: Passage | None) -> JSON:
    """Return a passage with its document and neighbours."""
    return _passage(passage) | {
        "document": document_answer(passage.document),
        "previous": _passage(previous) if previous else None,
        "next": _passage(following) if following else None,
    }


def passage_url(passage: Passage) -> str:
    """Return the address of the page that shows a passage in its document."""
    start, end = passage.span
    return f"/documents/{passage.document.id}?start={start}&end={end}#passage"


def _index(info: IndexInfo) -> JSON:
    return {
        "generation": info.generation,
        "model": info.model,
        "documents": info.documents,
        "passages": info.passages,
    }


def hit_answer(hit: Hit) -> JSON:
    """Return a result."""
    passage = hit.passage
    return {
        "rank": hit.rank,
        "id": passage.id,
        "score": round(hit.score, 4),
        "scores": {name: round(score, 4) for name, score in hit.scores.items()},
        "text": passage.text,
        "char_start": passage.span.start,
        "char_end": passage.span.end,
        "page": passage.page,
        "section": passage.section,
        "answers": [_answer(answer) for answer in hit.answers],
        "url": passage_url(passage),
        "document": document_ref(passage.document),
        "duplicates": [_duplicate(passage) for passage in hit.duplicates],
        "relevant": hit.relevant,
        **_recognition(passage.certainty),
        "table_header": passage.header,
        "matched_terms": list(hit.matched_terms),
        "unmatched_terms": list(hit.unmatched_terms),
    }


def _duplicate(passage: Passage) -> JSON:
    return {"id": passage.id, "url": passage_url(passage), "document": document_ref(passage.document)}


def _answer(answer: Answer) -> JSON:
    return {
        "text": answer.text,
        "char_start": answer.span.start,
        "char_end": answer.span.end,
        "score": round(answer.score, 4),
    }


def _short_answer(answer: ShortAnswer | None) -> JSON | None:
    if answer is None:
        return None
    return {
        "text": answer.text,
        "char_start": answer.span.start,
        "char_end": answer.span.end,
        "passage_id": answer.passage_id,
    }


def _passage(passage: Passage) -> JSON:
    return {
        "id": passage.id,
        "text": passage.text,
        "char_start": passage.span.start,
        "char_end": passage.span.end,
        "page": passage.page,
        "section": passage.section,
        "language": passage.language,
        "url": passage_url(passage),
        **_recognition(passage.certainty),
        "table_header": passage.header,
    }


def _recognition(certainty: float | None) -> JSON:
    """Return whether text was recognised from a picture, and how certainly."""
    return {
        "recognised": certainty is not None,
        "certainty": None if certainty is None else round(certainty, 2),
    }
