"""Documents and passages as a Milvus stores them: a line of JSON, and after it the passage's text."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from qa.types import Document, Heading, Metadata, Passage, Span


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document with its headings, and where its passages and its text are.

    Attributes:
        document: the document.
        headings: its headings, in order.
        row: the row of its first passage.
        part: the first of the parts that its text is cut into.
        parts: how many these are.
        page_starts: the offsets in the text where its pages begin.
    """

    document: Document
    headings: tuple[Heading, ...]
    row: int
    part: int
    parts: int
    page_starts: tuple[int, ...]

    def write(self) -> str:
        """Return the record as text, for ``read``."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def read(cls, written: str) -> DocumentRecord:
        """Return the record that ``write`` wrote."""
        record: dict[str, Any] = json.loads(written)
        document = record["document"]
        document |= {"metadata": Metadata(**document["metadata"]), "notes": tuple(document["notes"])}
        headings = tuple(Heading(Span(*entry["span"]), entry["level"]) for entry in record["headings"])
        starts = tuple(record["page_starts"])
        return cls(Document(**document), headings, record["row"], record["part"], record["parts"], starts)


def write_passage(passage: Passage) -> str:
    """Return a passage as text, without its document."""
    place = [passage.span, passage.sentences, passage.section, passage.page, passage.language]
    return f"{json.dumps(place, ensure_ascii=False)}\n{passage.text}"


def read_passage(written: str, document: Document) -> Passage:
    """Return the passage of a document that ``write_passage`` wrote."""
    place, _, text = written.partition("\n")
    (start, end), sentences, section, page, language = json.loads(place)
    spans = tuple(Span(*span) for span in sentences)
    return Passage(
        f"{document.id}:{start}-{end}", document, Span(start, end), text, spans, section, page, language
    )
