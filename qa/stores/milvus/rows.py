"""The rows of a generation's collections, computed from the local generation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from qa.arrays import parts_of
from qa.index.dense.late_interaction import row_size
from qa.index.dense.vectors import narrowed
from qa.index.generation import ENCODER, LEXICAL, SPELLING, WORDS, Generation
from qa.index.manifest import MANIFEST
from qa.stores.milvus import schema
from qa.stores.milvus.assets import FACTS, Asset, Directory, cut, describe
from qa.stores.milvus.corpus import COMMON, PROJECTION
from qa.stores.milvus.packing import WIDTH, Heavy, Light, chunks, heavy_size, light_size, spread
from qa.stores.milvus.records import DocumentRecord, RecognisedPlace, write_passage, write_words
from qa.stores.milvus.schema import DIRECTORY, Layout, filtered
from qa.types import RecognisedPage

UNUSED = [0.0, 1.0]
"""A vector for collections that need none: a Milvus demands one field of vectors."""

_PASSAGES_AT_A_TIME = 4096
"""How many passages are measured together, to bound the memory (chosen)."""


class Rows:
    """Computes the rows of a generation: any of them, and always the same."""

    def __init__(self, local: Generation, *, sparse: bool) -> None:
        """Measure the generation: its longest records and blocks decide the layout of the collections.

        Args:
            local: the local generation.
            sparse: whether the Milvus has sparse vectors.
        """
        self.generation = local.manifest.generation
        self._local = local
        self._assets = self._read_assets(sparse=sparse)
        self._described: dict[str, Asset] = {}
        part = DIRECTORY + 1
        for name, content in self._assets.items():
            self._described[name] = describe(content, part)
            part += self._described[name].parts
        self._texts = _Texts(local, part)
        self.layout = Layout(
            dimension=local.manifest.dimension,
            sentences=local.manifest.sentences,
            sparse=sparse,
            document=_fields(self._texts.longest_document),
            record=_fields(self._texts.longest_passage),
            light=_fields(self._longest_light()),
            heavy=_fields(self._longest_heavy()),
        )
        self._hashes, self._numbers, self._frequencies = local.lexical.vocabulary()
        self._make: Mapping[str, Callable[[int, int], list[dict[str, Any]]]] = {
            schema.PARTS: self._parts,
            schema.DOCUMENTS: self._documents,
            schema.PASSAGES: self._passages,
            schema.SENTENCES: self._sentences,
            schema.TERMS: self._terms,
        }

    def count(self, kind: str) -> int:
        """Return how many rows a collection has."""
        manifest = self._local.manifest
        return {
            schema.PARTS: self._texts.end,
            schema.DOCUMENTS: manifest.documents,
            schema.PASSAGES: manifest.passages,
            schema.SENTENCES: manifest.sentences,
            schema.TERMS: len(self._hashes),
        }[kind]

    def make(self, kind: str, first: int, last: int) -> list[dict[str, Any]]:
        """Return the rows of a collection from ``first`` to before ``last``."""
        return self._make[kind](first, last)

    def _read_assets(self, *, sparse: bool) -> dict[str, bytes]:
        """Return the files that a service needs of a generation, by name."""
        local = self._local
        info = local.info
        facts = {
            "languages": local.store.languages(),
            "failures": [asdict(failure) for failure in info.failures],
            "failure_count": info.failure_count,
            "unread_files": info.unread_files,
            "scanned": info.scanned,
            "tokens": local.has_tokens,
            "vocabulary": len(local.lexical.vocabulary()[0]),
        }
        lexical = COMMON if sparse else f"{LEXICAL}/"
        prefixes = (f"{ENCODER}/", f"{SPELLING}/", f"{WORDS}/", lexical, PROJECTION)
        names = [MANIFEST, *(name for name in sorted(local.manifest.files) if name.startswith(prefixes))]
        contents = {name: (local.folder / name).read_bytes() for name in names}
        return contents | {FACTS: json.dumps(facts, ensure_ascii=False).encode()}

    def _longest_light(self) -> int:
        """Return how many characters the longest light block has, or a little more."""
        local, longest = self._local, 0
        for first in range(0, local.manifest.passages, _PASSAGES_AT_A_TIME):
            last = min(first + _PASSAGES_AT_A_TIME, local.manifest.passages)
            starts = np.asarray(local.sentence_starts[first : last + 1])
            _, bounds = local.lexical.terms(int(starts[0]), int(starts[-1]))
            terms = np.diff(bounds[starts - starts[0]])
            weighed = np.diff(local.lexical.impacts(first, last)[0])
            sizes = (int(np.diff(starts).max()), int(terms.max()), int(weighed.max()))
            longest = max(longest, light_size(local.manifest.dimension, *sizes))
        return longest

    def _longest_heavy(self) -> int:
        local, longest = self._local, 0
        width = row_size(local.tokens.projection.shape[1])
        for first in range(0, local.manifest.passages, _PASSAGES_AT_A_TIME):
            last = min(first + _PASSAGES_AT_A_TIME, local.manifest.passages)
            bounds = np.asarray(local.sentence_starts[first : last + 1]) + np.arange(first, last + 1)
            _, counts = local.tokens.tokens(int(bounds[0]), int(bounds[-1]))
            tokens = np.add.reduceat(counts, bounds[:-1] - bounds[0])
            sizes = (int(np.diff(bounds).max()), int(tokens.max()))
            longest = max(longest, heavy_size(local.manifest.dimension, *sizes, width))
        return longest

    def _parts(self, first: int, last: int) -> list[dict[str, Any]]:
        return [{"id": number, "data": self._part(number), "unused": UNUSED} for number in range(first, last)]

    def _part(self, number: int) -> str:
        if number == DIRECTORY:
            return Directory(self.layout, self._described).write()
        for name, asset in self._described.items():
            if number < asset.part + asset.parts:
                return cut(self._assets[name], number - asset.part)
        return self._texts.part(number)

    def _documents(self, first: int, last: int) -> list[dict[str, Any]]:
        rows = []
        for number in range(first, last):
            record = self._texts.record(number)
            fields = filtered(record.document, number, record.document.metadata.language)
            rows.append({"id": number} | fields | spread("record", record.write(), self.layout.document))
        return [row | {"unused": UNUSED} for row in rows]

    def _passages(self, first: int, last: int) -> list[dict[str, Any]]:
        bounds, terms, impacts = self._local.lexical.impacts(first, last)
        rows = []
        for place, passage in enumerate(self._local.store.passages(range(first, last))):
            row, own = first + place, slice(*bounds[place : place + 2].tolist())
            number = int(self._local.documents[row])
            fields = filtered(
                passage.document, number, passage.language or passage.document.metadata.language
            )
            light = self._light(row, terms[own].astype(np.int32), impacts[own])
            rows.append(
                {"id": row, "start": passage.span.start}
                | fields
                | spread("record", write_passage(passage), self.layout.record)
                | spread("light", light.pack(), self.layout.light)
                | spread("heavy", self._heavy(row).pack(), self.layout.heavy)
                | self._vector(light)
            )
        return rows

    def _vector(self, light: Light) -> dict[str, Any]:
        """Return what the terms add to a passage's score as a sparse vector, if the Milvus has such."""
        if not self.layout.sparse:
            return {"unused": UNUSED}
        impacts = dict(zip(light.weighed.tolist(), light.impacts.tolist(), strict=True))
        return {"gains": impacts or {len(self._hashes): 1.0}}  # a passage without terms must have some entry

    def _light(self, row: int, weighed: Any, impacts: Any) -> Light:
        local = self._local
        first, last = map(int, local.sentence_starts[row : row + 2])
        terms, bounds = local.lexical.terms(first, last)
        vectors = narrowed(local.sentences.vectors(np.arange(first, last)))
        lengths = np.diff(bounds).astype(np.int32)
        return Light(
            int(local.documents[row]), local.languages[row], lengths, terms, weighed, impacts, vectors
        )

    def _heavy(self, row: int) -> Heavy:
        local = self._local
        first, last = map(int, local.sentence_starts[row : row + 2])
        tokens, counts = local.tokens.tokens(first + row, last + row + 1)
        vector = narrowed(local.passages.vectors(np.array([row])))[0]
        return Heavy(vector, counts.astype(np.int32), tokens)

    def _sentences(self, first: int, last: int) -> list[dict[str, Any]]:
        local, numbers = self._local, np.arange(first, last)
        vectors = local.sentences.vectors(numbers)
        rows = parts_of(local.sentence_starts, numbers)
        distinct = np.unique(rows).tolist()
        fields = {}
        for row, passage in zip(distinct, local.store.passages(distinct), strict=True):
            language = passage.language or passage.document.metadata.language
            fields[row] = filtered(passage.document, int(local.documents[row]), language) | {"row": row}
        places = zip(numbers.tolist(), rows.tolist(), vectors, strict=True)
        return [{"id": number} | fields[row] | {"vector": vector} for number, row, vector in places]

    def _terms(self, first: int, last: int) -> list[dict[str, Any]]:
        keys = self._hashes[first:last].astype(np.int64).tolist()
        numbers, frequencies = self._numbers[first:last].tolist(), self._frequencies[first:last].tolist()
        return [
            {"id": key, "number": number, "frequency": frequency, "unused": UNUSED}
            for key, number, frequency in zip(keys, numbers, frequencies, strict=True)
        ]


class _Texts:
    """Which parts hold the text of each document, and how long its longest records are."""

    def __init__(self, local: Generation, part: int) -> None:
        self._local = local
        self._ids: list[str] = []
        self._rows, self._starts = [0], [part]
        self.longest_document = self.longest_passage = 0
        self._known: tuple[int, _Chunks] = (-1, _Chunks([], []))
        for number, document in enumerate(local.store.all_documents()):
            self._ids.append(document.id)
            self._rows.append(self._rows[-1] + document.passages)
            self._starts.append(self._starts[-1] + len(self._chunks(number).all()))
            self.longest_document = max(self.longest_document, len(self.record(number).write().encode()))
            lengths = (
                len(write_passage(passage).encode()) for passage in local.store.passages_of(document.id)
            )
            self.longest_passage = max(self.longest_passage, *lengths, 0)

    @property
    def end(self) -> int:
        """The number after the last part."""
        return self._starts[-1]

    def record(self, number: int) -> DocumentRecord:
        """Return a document's record."""
        store, document_id = self._local.store, self._ids[number]
        own = self._chunks(number)
        return DocumentRecord(
            store.document(document_id),
            store.headings(document_id),
            self._rows[number],
            self._starts[number],
            len(own.text),
            store.page_starts(document_id),
            tuple(
                RecognisedPlace(page.page, *page.span, page.certainty, len(words))
                for page, words in own.pages
            ),
        )

    def part(self, number: int) -> str:
        """Return a part of a text, or of the words of a page."""
        document = int(np.searchsorted(self._starts, number, side="right")) - 1
        return self._chunks(document).all()[number - self._starts[document]]

    def _chunks(self, number: int) -> _Chunks:
        if self._known[0] != number:
            store, document_id = self._local.store, self._ids[number]
            pages = [(page, list(chunks(write_words(page)))) for page in store.recognised(document_id)]
            self._known = number, _Chunks(list(chunks(store.text(document_id))), pages)
        return self._known[1]


class _Chunks(NamedTuple):
    """What the parts of a document hold: its text, then the words of each recognised page."""

    text: list[str]
    pages: list[tuple[RecognisedPage, list[str]]]

    def all(self) -> list[str]:
        return [*self.text, *chain.from_iterable(words for _, words in self.pages)]


def _fields(longest: int) -> int:
    """Return how many fields a text needs: up to 3 bytes of one stay empty, as no letter is cut."""
    return max(1, -(-longest // (WIDTH - 3)))
