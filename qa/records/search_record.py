"""The record of a search: what was asked of which generation, and every result with its place and checksum.

A file of JSON. Its last member, ``checksum``, is the SHA-256 of all others: it shows that a record is as it
was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qa import __version__
from qa.config import Settings
from qa.errors import QuestionsError
from qa.results.arrangement import PLAIN, Arrangement
from qa.results.citations import title_of
from qa.types import Filters, Grouping, Hit, Mode, Query, SearchResult, Sort, Span

_FORMAT = 1

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedResult:
    """A passage in the results as it was.

    ``rank`` is its place in the list, or that of its document in a list of documents. ``sha256`` is the
    document's file's, ``span`` the passage's place in its text.
    """

    rank: int
    document: str
    path: str
    row: str | None
    title: str
    sha256: str
    page: int | None
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """A search as it was.

    Attributes:
        query: what was asked, and how.
        created: when, as an ISO time in UTC.
        generation: what answered.
        model: its embedding model.
        reranker: the reranker, empty without one.
        reader: the reader, empty without one.
        results: in order.
        arrangement: how the results were listed.
    """

    query: Query
    created: str
    generation: str
    model: str
    reranker: str
    reader: str
    results: tuple[RecordedResult, ...]
    arrangement: Arrangement = PLAIN


def record_of(result: SearchResult, settings: Settings, arrangement: Arrangement = PLAIN) -> JSON:
    """Return the record of a search, with its checksum.

    Args:
        result: what was found, as it is listed.
        settings: those of the search, for its reranker and reader.
        arrangement: how the results are listed.
    """
    query = result.query
    content: JSON = {
        "format": _FORMAT,
        "qa_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "question": query.question,
        "corrected_query": result.corrected_query,
        "missing_phrases": list(result.missing_phrases),
        "k": query.k,
        "offset": query.offset,
        "mode": query.mode.value,
        "verbatim": query.verbatim,
        "min_confidence": query.min_confidence,
        "filters": {name: value for name, value in asdict(query.filters).items() if value},
        "index": {"generation": result.index.generation, "model": result.index.model},
        "reranker": settings.reranker,
        "reader": settings.reader,
        "answerable": result.answerable,
        "confidence": round(result.confidence, 4),
        "results": [_recorded(hit) for hit in arrangement.rank(result)],
        "sort": arrangement.sort.value,
        "group": arrangement.group.value,
        "relevant_only": arrangement.relevant_only,
    }
    return content | {"checksum": checksum_of(content)}


def _recorded(hit: Hit) -> JSON:
    passage, document = hit.passage, hit.passage.document
    return {
        "rank": hit.rank,
        "document": document.id,
        "path": document.path,
        "row": document.row,
        "title": title_of(document),
        "source": document.metadata.source,
        "published": document.metadata.published,
        "sha256": document.sha256,
        "page": passage.page,
        "char_start": passage.span.start,
        "char_end": passage.span.end,
        "text": passage.text,
        "answers": [
            {"text": answer.text, "char_start": answer.span.start, "char_end": answer.span.end}
            for answer in hit.answers
        ],
    }


def checksum_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record's other members, as JSON with sorted names and without spaces."""
    members = {name: value for name, value in content.items() if name != "checksum"}
    plain = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def record_text(content: JSON) -> str:
    """Return a record as its file has it."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def write_record(content: JSON, path: Path) -> None:
    """Write a record to a new file.

    Raises:
        QuestionsError: the file exists, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(record_text(content))
    except FileExistsError:
        raise QuestionsError(f"{path} exists: a record is never replaced, so name another file") from None
    except OSError as error:
        raise QuestionsError(f"{path} cannot be written: {error.strerror}") from error


def read_record(path: Path) -> SearchRecord:
    """Read a record that ``write_record`` wrote.

    Raises:
        QuestionsError: the file cannot be read, is no record, or is not as it was written.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["checksum"] != checksum_of(content):
            raise QuestionsError(f"{path} is not as it was written: its checksum does not fit its content")
        if content["format"] != _FORMAT:
            raise QuestionsError(f"{path} is from another version of qa, {content['qa_version']}")
        return _record(content)
    except OSError as error:
        raise QuestionsError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise QuestionsError(
            f"{path} is not the record of a search: write one with `qa ask --record`"
        ) from error


def _record(content: JSON) -> SearchRecord:
    filters: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content["filters"].items()
    }
    query = Query(
        content["question"],
        content["k"],
        content["offset"],
        Mode(content["mode"]),
        Filters(**filters),
        content["min_confidence"],
        content["verbatim"],
    )
    return SearchRecord(
        query,
        content["created"],
        content["index"]["generation"],
        content["index"]["model"],
        content["reranker"],
        content["reader"],
        tuple(map(_result, content["results"])),
        # Records of earlier versions have none of these.
        Arrangement(
            Sort(content.get("sort", PLAIN.sort)),
            Grouping(content.get("group", PLAIN.group)),
            relevant_only=content.get("relevant_only", PLAIN.relevant_only),
        ),
    )


def _result(entry: JSON) -> RecordedResult:
    span = Span(entry["char_start"], entry["char_end"])
    own = {
        name: entry[name] for name in ("rank", "document", "path", "row", "title", "sha256", "page", "text")
    }
    return RecordedResult(**own, span=span)
