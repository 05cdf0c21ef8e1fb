"""The rows of a generation's collections, made of the local generation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from qa.arrays import parts_of
from qa.index.dense.vectors import narrowed
from qa.index.generation import ENCODER, LEXICAL, MANIFEST, Generation
from qa.stores.milvus import schema
from qa.stores.milvus.assets import FACTS, Asset, Directory, cut, describe
from qa.stores.milvus.corpus import COMMON, PROJECTION
from qa.stores.milvus.packing import WIDTH, Heavy, Light, chunks, heavy_size, light_size, spread
from qa.stores.milvus.records import DocumentRecord, write_passage
from qa.stores.milvus.schema import DIRECTORY, Layout, filtered

_UNUSED = [0.0, 1.0]
_SURVEYED = 4096


class Rows:
    """Makes rows of a generation, any of them, always the same."""

    def __init__(self, found: Generation, *, sparse: bool) -> None:
        """Look the generation through: how long is what is to be kept of it?

        Args:
            found: the generation.
            sparse: whether the Milvus has sparse vectors.
        """
        self.generation = found.manifest.generation
        self._found = found
        self._assets = self._read_assets(sparse=sparse)
        self._described: dict[str, Asset] = {}
        part = DIRECTORY + 1
        for name, content in self._assets.items():
            self._described[name] = describe(content, part)
            part += self._described[name].parts
        self._texts = _Texts(found, part)
        self.layout = Layout(
            dimension=found.manifest.dimension,
            sentences=found.manifest.sentences,
            sparse=sparse,
            document=_fields(self._texts.longest_document),
            record=_fields(self._texts.longest_passage),
            light=_fields(self._longest_light()),
            heavy=_fields(self._longest_heavy()),
        )
        self._hashes, self._numbers, self._frequencies = found.lexical.vocabulary()
        self._make: Mapping[str, Callable[[int, int], list[dict[str, Any]]]] = {
            schema.PARTS: self._parts,
            schema.DOCUMENTS: self._documents,
            schema.PASSAGES: self._passages,
            schema.SENTENCES: self._sentences,
            schema.TERMS: self._terms,
        }

    def count(self, kind: str) -> int:
        """Tell how many rows a collection has."""
        manifest = self._found.manifest
        return {
            schema.PARTS: self._texts.end,
            schema.DOCUMENTS: manifest.documents,
            schema.PASSAGES: manifest.passages,
            schema.SENTENCES: manifest.sentences,
            schema.TERMS: len(self._hashes),
        }[kind]

    def make(self, kind: str, first: int, last: int) -> list[dict[str, Any]]:
        """Give the rows of a collection from one place to another."""
        return self._make[kind](first, last)

    def _read_assets(self, *, sparse: bool) -> dict[str, bytes]:
        """Give the files that a service needs of a generation, by name."""
        found = self._found
        info = found.info
        facts = {
            "languages": found.store.languages(),
            "failures": [asdict(failure) for failure in info.failures],
            "failure_count": info.failure_count,
            "unread_files": info.unread_files,
            "scanned": info.scanned,
            "tokens": found.has_tokens,
            "vocabulary": len(found.lexical.vocabulary()[0]),
        }
        wanted = (f"{ENCODER}/", COMMON, PROJECTION) if sparse else (f"{ENCODER}/", f"{LEXICAL}/", PROJECTION)
        names = [MANIFEST, *(name for name in sorted(found.manifest.files) if name.startswith(wanted))]
        kept = {name: (found.folder / name).read_bytes() for name in names}
        return kept | {FACTS: json.dumps(facts, ensure_ascii=False).encode()}

    def _longest_light(self) -> int:
        """Tell how many characters the longest light block has, or a little more."""
        found, longest = self._found, 0
        for first in range(0, found.manifest.passages, _SURVEYED):
            last = min(first + _SURVEYED, found.manifest.passages)
            starts = np.asarray(found.sentence_starts[first : last + 1])
            _, bounds = found.lexical.terms(int(starts[0]), int(starts[-1]))
            terms = np.diff(bounds[starts - starts[0]])
            weighed = np.diff(found.lexical.impacts(first, last)[0])
            sizes = (int(np.diff(starts).max()), int(terms.max()), int(weighed.max()))
            longest = max(longest, light_size(found.manifest.dimension, *sizes))
        return longest

    def _longest_heavy(self) -> int:
        found, longest = self._found, 0
        width = found.tokens.projection.shape[1]
        for first in range(0, found.manifest.passages, _SURVEYED):
            last = min(first + _SURVEYED, found.manifest.passages)
            bounds = np.asarray(found.sentence_starts[first : last + 1]) + np.arange(first, last + 1)
            _, counts = found.tokens.tokens(int(bounds[0]), int(bounds[-1]))
            tokens = np.add.reduceat(counts, bounds[:-1] - bounds[0])
            sizes = (int(np.diff(bounds).max()), int(tokens.max()))
            longest = max(longest, heavy_size(found.manifest.dimension, *sizes, width))
        return longest

    def _parts(self, first: int, last: int) -> list[dict[str, Any]]:
        return [
            {"id": number, "data": self._part(number), "unused": _UNUSED} for number in range(first, last)
        ]

    def _part(self, number: int) -> str:
        if number == DIRECTORY:
            return Directory(self.layout, self._described).write()
        for name, asset in self._described.items():
            if number < asset.part + asset.parts:
                return cut(self._assets[name], number - asset.part)
        return self._texts.part(number)

    def _documents(self, first: int, last: int) -> list[dict[str, Any]]:
        made = []
        for number in range(first, last):
            record = self._texts.record(number)
            fields = filtered(record.document, number, record.document.metadata.language)
            made.append({"id": number} | fields | spread("record", record.write(), self.layout.document))
        return [row | {"unused": _UNUSED} for row in made]

    def _passages(self, first: int, last: int) -> list[dict[str, Any]]:
        bounds, terms, gains = self._found.lexical.impacts(first, last)
        made = []
        for place, passage in enumerate(self._found.store.passages(range(first, last))):
            row, own = first + place, slice(*bounds[place : place + 2].tolist())
            number = int(self._found.documents[row])
            fields = filtered(
                passage.document, number, passage.language or passage.document.metadata.language
            )
            light = self._light(row, terms[own].astype(np.int32), gains[own])
            made.append(
                {"id": row, "start": passage.span.start}
                | fields
                | spread("record", write_passage(passage), self.layout.record)
                | spread("light", light.pack(), self.layout.light)
                | spread("heavy", self._heavy(row).pack(), self.layout.heavy)
                | self._vector(light)
            )
        return made

    def _vector(self, light: Light) -> dict[str, Any]:
        """Give what the terms give a passage as a sparse vector, where there are such."""
        if not self.layout.sparse:
            return {"unused": _UNUSED}
        gains = dict(zip(light.weighed.tolist(), light.gains.tolist(), strict=True))
        return {"gains": gains or {len(self._hashes): 1.0}}  # one of no term must have something

    def _light(self, row: int, weighed: Any, gains: Any) -> Light:
        found = self._found
        first, last = map(int, found.sentence_starts[row : row + 2])
        terms, bounds = found.lexical.terms(first, last)
        vectors = narrowed(found.sentences.vectors(np.arange(first, last)))
        lengths = np.diff(bounds).astype(np.int32)
        return Light(int(found.documents[row]), lengths, terms, weighed, gains, vectors)

    def _heavy(self, row: int) -> Heavy:
        found = self._found
        first, last = map(int, found.sentence_starts[row : row + 2])
        tokens, counts = found.tokens.tokens(first + row, last + row + 1)
        vector = narrowed(found.passages.vectors(np.array([row])))[0]
        return Heavy(vector, counts.astype(np.int32), tokens)

    def _sentences(self, first: int, last: int) -> list[dict[str, Any]]:
        found, numbers = self._found, np.arange(first, last)
        vectors = found.sentences.vectors(numbers)
        rows = parts_of(found.sentence_starts, numbers)
        different = np.unique(rows).tolist()
        fields = {}
        for row, passage in zip(different, found.store.passages(different), strict=True):
            language = passage.language or passage.document.metadata.language
            fields[row] = filtered(passage.document, int(found.documents[row]), language) | {"row": row}
        places = zip(numbers.tolist(), rows.tolist(), vectors, strict=True)
        return [{"id": number} | fields[row] | {"vector": vector} for number, row, vector in places]

    def _terms(self, first: int, last: int) -> list[dict[str, Any]]:
        keys = self._hashes[first:last].astype(np.int64).tolist()
        numbers, frequencies = self._numbers[first:last].tolist(), self._frequencies[first:last].tolist()
        return [
            {"id": key, "number": number, "frequency": frequency, "unused": _UNUSED}
            for key, number, frequency in zip(keys, numbers, frequencies, strict=True)
        ]


class _Texts:
    """Where the text of each document is among the parts, and how long what is kept of each is."""

    def __init__(self, found: Generation, part: int) -> None:
        self._found = found
        self._ids: list[str] = []
        self._rows, self._starts = [0], [part]
        self.longest_document = self.longest_passage = 0
        self._known: tuple[int, list[str]] = (-1, [])
        for number, document in enumerate(found.store.all_documents()):
            self._ids.append(document.id)
            self._rows.append(self._rows[-1] + document.passages)
            self._starts.append(self._starts[-1] + len(self._chunks(number)))
            self.longest_document = max(self.longest_document, len(self.record(number).write().encode()))
            lengths = (len(write_passage(one).encode()) for one in found.store.passages_of(document.id))
            self.longest_passage = max(self.longest_passage, *lengths, 0)

    @property
    def end(self) -> int:
        """Where the parts end."""
        return self._starts[-1]

    def record(self, number: int) -> DocumentRecord:
        """Give a document's record."""
        store, found = self._found.store, self._ids[number]
        first, last = self._starts[number], self._starts[number + 1]
        return DocumentRecord(
            store.document(found),
            store.headings(found),
            self._rows[number],
            first,
            last - first,
            store.page_starts(found),
        )

    def part(self, number: int) -> str:
        """Give a part of a text."""
        document = int(np.searchsorted(self._starts, number, side="right")) - 1
        return self._chunks(document)[number - self._starts[document]]

    def _chunks(self, number: int) -> list[str]:
        if self._known[0] != number:
            self._known = number, list(chunks(self._found.store.text(self._ids[number])))
        return self._known[1]


def _fields(longest: int) -> int:
    """Tell over how many fields a text must be spread, whose letters cannot be divided."""
    return max(1, -(-longest // (WIDTH - 3)))
