"""Documents and passages out of a Milvus, just as ``Store`` reads them out of SQLite."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from qa.errors import GoneError, NotFoundError, StoreUnavailableError
from qa.index import catalogue
from qa.index.caching import RowCache, SizedCache
from qa.index.filters import matching
from qa.index.passage_ids import LARGEST, parse_passage_id
from qa.stores.milvus.client import Client, Row
from qa.stores.milvus.expressions import expression, literal, prefix
from qa.stores.milvus.packing import columns, joined
from qa.stores.milvus.records import DocumentRecord, read_page, read_passage
from qa.stores.milvus.schema import DOCUMENTS, PARTS, PASSAGES, Layout, collection, known
from qa.types import (
    Document,
    DocumentCounts,
    DocumentPage,
    DocumentQuery,
    Filters,
    Heading,
    Passage,
    RecognisedPage,
)

_LISTED = 32 * 2**20
"""How many bytes of documents' numbers are kept, by filters (chosen: those of millions of documents)."""


class MilvusLibrary:
    """The documents and passages of one generation. Any number of threads may share it."""

    def __init__(
        self, client: Client, generation: str, layout: Layout, languages: Sequence[str], documents: int
    ) -> None:
        self._client = client
        self._layout = layout
        self._languages = tuple(languages)
        self._count = documents
        self._documents, self._passages, self._parts = (
            collection(generation, kind) for kind in (DOCUMENTS, PASSAGES, PARTS)
        )
        self._known_documents: RowCache[DocumentRecord] = RowCache()
        self._known_passages: RowCache[Passage] = RowCache()
        self._listed = SizedCache(self._numbers, _LISTED)
        self._catalogue: sqlite3.Connection | None = None
        self._names = catalogue.Names()
        self._cataloguing = threading.Lock()

    def languages(self) -> tuple[str, ...]:
        """Return the passages' languages, the most frequent first."""
        return self._languages

    def expression(self, filters: Filters) -> str:
        """Return filters as an expression over documents, passages or sentences."""
        return expression(filters, self._match)

    def _match(self, pattern: str) -> list[int]:
        """Return the numbers of the documents whose paths match a pattern."""
        where = prefix(pattern)
        rows = list(self._client.scan(self._documents, ["path"], where=where, first=0, last=self._count))
        matches = matching([row["path"].removeprefix("=") for row in rows], pattern)
        return [row["id"] for row, is_match in zip(rows, matches, strict=True) if is_match]

    def documents(self, filters: Filters, limit: int, offset: int) -> DocumentPage:
        """Return a page of the documents that pass the filters, by path, the order of their numbers."""
        numbers: Sequence[int] = self._listed(filters) if filters else range(self._count)
        page = numbers[offset : offset + limit]
        records = self._records(page)
        return DocumentPage(len(numbers), tuple(records[number].document for number in page))

    def list_documents(
        self, query: DocumentQuery, limit: int, offset: int, ledger: Path | None = None
    ) -> DocumentPage:
        """Return a page of the documents, in an order; ``catalogue.page`` describes ``ledger``."""
        with self._cataloguing:
            db = self._read_catalogue()
            named = self._names.find(db, query.text)
            total, numbers = catalogue.page(db, query, limit, offset, named=named, ledger=ledger)
        records = self._records(numbers)
        return DocumentPage(total, tuple(records[number].document for number in numbers))

    def count_documents(self, query: DocumentQuery, folder: str = "") -> DocumentCounts:
        """Count the documents by the values of each facet, as ``catalogue.count_values`` does."""
        with self._cataloguing:
            db = self._read_catalogue()
            named = self._names.find(db, query.text)
            return catalogue.count_values(db, query.filters, folder, named=named)

    def _read_catalogue(self) -> sqlite3.Connection:
        """Return the table of all documents, which is read on first use: Milvus neither sorts nor groups."""
        if self._catalogue is None:
            fields = columns("record", self._layout.document)
            rows = self._client.scan(self._documents, fields, where="", first=0, last=self._count)
            documents = ((row["id"], self._record(row).document) for row in rows)
            self._catalogue = catalogue.in_memory(documents)
        return self._catalogue

    def _numbers(self, filters: Filters) -> Sequence[int]:
        where = self.expression(filters)
        rows = self._client.scan(self._documents, ["number"], where=where, first=0, last=self._count)
        return [row["number"] for row in rows]

    def _records(self, numbers: Collection[int]) -> dict[int, DocumentRecord]:
        return self._known_documents.look_up(numbers, self._read_records)

    def _read_records(self, numbers: Collection[int]) -> dict[int, DocumentRecord]:
        rows = self._client.rows(self._documents, numbers, columns("record", self._layout.document))
        return {number: self._record(row) for number, row in rows.items()}

    def _record(self, row: Row) -> DocumentRecord:
        return DocumentRecord.read(joined("record", row, self._layout.document))

    def _record_of(self, document_id: str) -> DocumentRecord:
        fields = columns("record", self._layout.document)
        where = f"document == {literal(known(document_id))}"
        rows = self._client.query(self._documents, fields, where=where)
        if not rows:
            raise NotFoundError(f"no document has the id {document_id!r}")
        return self._record(rows[0])

    def document(self, document_id: str) -> Document:
        """Return the document of an id, or raise NotFoundError."""
        return self._record_of(document_id).document

    def headings(self, document_id: str) -> tuple[Heading, ...]:
        """Return a document's headings in order, or raise NotFoundError."""
        return self._record_of(document_id).headings

    def page_starts(self, document_id: str) -> tuple[int, ...]:
        """Return the offsets in a document's text where its pages begin, or raise NotFoundError."""
        return self._record_of(document_id).page_starts

    def text(self, document_id: str) -> str:
        """Return a document's canonical text, or raise NotFoundError."""
        record = self._record_of(document_id)
        text = self._joined_parts(record.part, record.parts)
        if len(text) != record.document.characters:
            raise StoreUnavailableError(f"the text of document {document_id} is not complete in the store")
        return text

    def recognised_page(self, document_id: str, page: int) -> RecognisedPage | None:
        """Return a page of a document if its text was recognised, or raise NotFoundError."""
        record = self._record_of(document_id)
        part = record.part + record.parts
        for place in record.recognised:
            if place.page == page:
                return read_page(place, self._joined_parts(part, place.parts))
            part += place.parts
        return None

    def _joined_parts(self, first: int, count: int) -> str:
        numbers = range(first, first + count)
        rows = self._client.rows(self._parts, numbers, ["data"]) if count else {}
        return "".join(rows[number]["data"] for number in numbers)

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """Return the passages of these rows, in this order."""
        by_number = self._known_passages.look_up(numbers, self._read_passages)
        return [by_number[number] for number in numbers]

    def _read_passages(self, numbers: Iterable[int]) -> dict[int, Passage]:
        rows = self._client.rows(self._passages, numbers, ["number", *columns("record", self._layout.record)])
        records = self._records({row["number"] for row in rows.values()})
        return {
            number: read_passage(joined("record", row, self._layout.record), records[row["number"]].document)
            for number, row in sorted(rows.items())
        }

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """Return a document's passages in order."""
        record = self._record_of(document_id)
        rows = range(record.row, record.row + record.document.passages)
        return tuple(self._read_passages(rows).values())

    def passage(self, passage_id: str) -> Passage:
        """Return the passage of an id, or raise NotFoundError, or GoneError if its document has changed."""
        document_id, start, end = parse_passage_id(passage_id)
        row = self._row(self._record_of(document_id), start)
        passage = self.passages([row])[0] if row is not None else None
        if passage is None or passage.span.end != end:
            raise GoneError(
                f"document {document_id} has no passage at characters {start} to {end}: it has changed"
            )
        return passage

    def passage_at(self, document_id: str, offset: int) -> Passage | None:
        """Return the passage at an offset of a document's text, or else the next one."""
        record = self._record_of(document_id)
        first, last = record.row, record.row + record.document.passages
        where = f"id >= {first} and id < {last} and start <= {min(offset, LARGEST)}"
        following = first + self._client.count(self._passages, where)  # rows are in the text's order
        nearest = self.passages([row for row in (following - 1, following) if first <= row < last])
        return next((passage for passage in nearest if passage.span.end > offset), None)

    def neighbours(self, passage: Passage) -> tuple[Passage | None, Passage | None]:
        """Return the passages before and after one in its document."""
        record = self._record_of(passage.document.id)
        row = self._row(record, passage.span.start)
        if row is None:
            return None, None
        first, last = record.row, record.row + record.document.passages - 1
        before, after = (self.passages([n])[0] if first <= n <= last else None for n in (row - 1, row + 1))
        return before, after

    def _row(self, record: DocumentRecord, start: int) -> int | None:
        """Return the row of a document's passage that begins at an offset of its text, if there is one."""
        first, last = record.row, record.row + record.document.passages
        where = f"id >= {first} and id < {last} and start == {start}"
        rows = self._client.query(self._passages, ["id"], where=where)
        return rows[0]["id"] if rows else None
