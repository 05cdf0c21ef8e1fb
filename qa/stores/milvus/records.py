"""Documents and passages as a Milvus stores them: a line of JSON, and after it the passage's text."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from qa.text.recognised import pack, unpack
from qa.types import Document, Heading, Metadata, Passage, RecognisedPage, Span


class RecognisedPlace(NamedTuple):
    """A page whose text was recognised, without its words.

    Attributes:
        page: its number.
        start, end: the recognised text's span.
        certainty: the mean of its words.
        parts: how many parts hold its words, packed; they follow those of the text and of earlier pages.
    """

    page: int
    start: int
    end: int
    certainty: float
    parts: int


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
        recognised: the pages whose text was recognised, in order.
    """

    document: Document
    headings: tuple[Heading, ...]
    row: int
    part: int
    parts: int
    page_starts: tuple[int, ...]
    recognised: tuple[RecognisedPlace, ...] = ()

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
        record |= {
            "document": Document(**document),
            "headings": headings,
            "page_starts": tuple(record["page_starts"]),
            "recognised": tuple(RecognisedPlace(*place) for place in record["recognised"]),
        }
        return cls(**record)


def write_words(page: RecognisedPage) -> str:
    """Return the words of a recognised page as text, for ``read_page``."""
    return b64encode(pack(page.words)).decode()


def read_page(place: RecognisedPlace, words: str) -> RecognisedPage:
    """Return a recognised page; ``words`` as ``write_words`` wrote them."""
    span = Span(place.start, place.end)
    return RecognisedPage(place.page, span, place.certainty, unpack(b64decode(words)))


def write_passage(passage: Passage) -> str:
    """Return a passage as text, without its document."""
    names = ("span", "sentences", "section", "page", "language", "certainty", "header")
    place = [getattr(passage, name) for name in names]
    return f"{json.dumps(place, ensure_ascii=False)}\n{passage.text}"


def read_passage(written: str, document: Document) -> Passage:
    """Return the passage of a document that ``write_passage`` wrote."""
    place, _, text = written.partition("\n")
    (start, end), sentences, section, page, language, certainty, header = json.loads(place)
    spans = tuple(Span(*span) for span in sentences)
    return Passage(
        f"{document.id}:{start}-{end}", document, Span(start, end), text,
        spans, section, page, language, certainty, header,
    )  # fmt: skip
