"""Documents and passages as they stand in a Milvus: a line of JSON, and behind it a passage's text."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from qa.types import Document, Heading, Metadata, Passage, Span


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document with its headings and where the rest of it is.

    Attributes:
        document: the document.
        headings: its headings, in order.
        row: its first passage's.
        part: the first of the parts that its text is cut into.
        parts: how many these are.
        page_starts: where in the text each page begins.
    """

    document: Document
    headings: tuple[Heading, ...]
    row: int
    part: int
    parts: int
    page_starts: tuple[int, ...]

    def write(self) -> str:
        """Put it as text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def read(cls, written: str) -> DocumentRecord:
        """Read what ``write`` gave."""
        found: dict[str, Any] = json.loads(written)
        document = found["document"]
        document |= {"metadata": Metadata(**document["metadata"]), "notes": tuple(document["notes"])}
        headings = tuple(Heading(Span(*one["span"]), one["level"]) for one in found["headings"])
        starts = tuple(found["page_starts"])
        return cls(Document(**document), headings, found["row"], found["part"], found["parts"], starts)


def write_passage(passage: Passage) -> str:
    """Put a passage as text, its document left out."""
    place = [passage.span, passage.sentences, passage.section, passage.page, passage.language]
    return f"{json.dumps(place, ensure_ascii=False)}\n{passage.text}"


def read_passage(written: str, document: Document) -> Passage:
    """Read what ``write_passage`` gave of a passage of this document."""
    place, _, text = written.partition("\n")
    (start, end), sentences, section, page, language = json.loads(place)
    spans = tuple(Span(*span) for span in sentences)
    return Passage(
        f"{document.id}:{start}-{end}", document, Span(start, end), text, spans, section, page, language
    )
