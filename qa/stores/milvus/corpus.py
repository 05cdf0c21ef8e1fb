"""A generation in a Milvus, ranked as a local one: candidates from searches there, the arithmetic here.

Two searches find candidates, by the sentences' vectors and by what the terms give (BM25, as sparse vectors).
All scores are then computed from the numbers of the local index, which every passage carries with it. A
Milvus before 2.4 has no sparse vectors: there the lexical index is copied to this machine and searched here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qa.arrays import load, mapped, max_in_parts, offsets
from qa.errors import StoreUnavailableError
from qa.index.caching import RowCache
from qa.index.dense.late_interaction import TokenMatches, best, lengths_of
from qa.index.dense.vectors import widened
from qa.index.generation import ENCODER, LEXICAL
from qa.index.lexical import inverted_index, shingles
from qa.index.lexical.inverted_index import LexicalIndex, Matches, Question, Scored
from qa.index.lexical.postings import Float64
from qa.index.manifest import Manifest
from qa.stores.milvus.assets import FACTS, Directory, fetch
from qa.stores.milvus.client import Client
from qa.stores.milvus.expressions import Allowed
from qa.stores.milvus.library import MilvusLibrary
from qa.stores.milvus.packing import Heavy, Light, columns, joined
from qa.stores.milvus.schema import PASSAGES, SENTENCES, TERMS, collection
from qa.types import Filters, Float32, IndexInfo, Int32, Int64, ReadFailure

COMMON, PROJECTION = "lexical/common.npy", "tokens/projection.npy"
_SPARE = 32
"""How many more are asked for than are wanted: Milvus has its own way with equals."""


class MilvusCorpus:
    """One generation. Any number of threads may share it."""

    def __init__(self, client: Client, generation: str, cache: Path) -> None:
        """Open it.

        Raises:
            StoreUnavailableError: the Milvus does not answer.
            CorruptIndexError: what it holds is not what was put there.
        """
        directory = Directory.read(client, generation)
        folder = fetch(client, generation, directory, cache)
        facts = json.loads((folder / FACTS).read_bytes())
        self.client, self.layout = client, directory.layout
        self.manifest = Manifest.read(folder)
        self.encoder = folder / ENCODER
        self.has_tokens: bool = facts["tokens"]
        self.store = MilvusLibrary(
            client, generation, self.layout, facts["languages"], self.manifest.documents
        )
        self.info = _info(self.manifest, facts, client.address, sparse=self.layout.sparse)
        self.passages, self.sentences = (collection(generation, kind) for kind in (PASSAGES, SENTENCES))
        self._projection: Float32 = load(folder / PROJECTION)
        self._vocabulary = facts["vocabulary"]
        self._words: inverted_index.Vocabulary
        if self.layout.sparse:
            common = frozenset(mapped(folder / COMMON, np.uint64).tolist())
            self._words = _SparseTerms(self, collection(generation, TERMS), common)
        else:
            self._words = _LocalTerms(self, LexicalIndex(folder / LEXICAL))
        self._light: RowCache[Light] = RowCache()
        self._heavy: RowCache[Heavy] = RowCache()
        self._warm()

    def _warm(self) -> None:
        """Ask once for all that a question takes, lest the first one waits longer than it may."""
        axis = np.eye(1, self.layout.dimension, dtype=np.float32)[0].tolist()
        self.client.warm(self.sentences, "vector", axis, self.layout.search)
        if self.layout.sparse:
            self.client.warm(self.passages, "gains", {0: 1.0}, {})
        self.client.count(self.passages)

    def allow(self, filters: Filters) -> Allowed:
        """Find how the filters are told to the Milvus, and how many passages pass them."""
        expression = self.store.expression(filters)
        return Allowed(expression, self.client.count(self.passages, expression))

    def question(self, terms: Iterable[str]) -> Question:
        """Look a question's terms up, given in their order."""
        return inverted_index.ask(terms, self._words)

    def ask(self, vector: Float32) -> _Nearness:
        """Compare the sentences with a unit vector, shape (dimension,)."""
        return _Nearness(self, vector)

    def counts(self, rows: Int64) -> Int64:
        """Tell how many sentences each passage has."""
        return np.array([len(block.lengths) for block in self.light(rows)], np.int64)

    def documents_of(self, rows: Int64) -> Int64:
        """Give the numbers of passages' documents."""
        return np.array([block.document for block in self.light(rows)], np.int64)

    def alike(self, rows: Int64, least: float) -> NDArray[np.bool_]:
        """Tell which passages are alike, as ``shingles.alike`` does."""
        blocks = self.light(rows)
        bounds = offsets(np.array([len(block.terms) for block in blocks], np.int64))
        return shingles.alike(_together([one.terms for one in blocks]), bounds, self._vocabulary, least)

    def matches(self, question: Question, rows: Int64) -> Matches:
        """Find what passages hold of a question's terms."""
        blocks = self.light(rows)
        sentences = offsets(_together([one.lengths for one in blocks]).astype(np.int64))
        bounds = offsets(np.array([len(block.lengths) for block in blocks], np.int64))
        return inverted_index.find(question, _together([one.terms for one in blocks]), sentences, bounds)

    def vectors(self, rows: Int64) -> Float32:
        """Give passages' vectors, shape (rows, dimension)."""
        kept = [block.vector for block in self.heavy(rows)]
        return widened(np.reshape(kept, (-1, self.layout.dimension)).astype(np.int16))

    def token_matches(self, query: Float32, rows: Int64) -> TokenMatches:
        """Compare a question's token vectors, shape (tokens, dimension), with those of passages."""
        blocks = self.heavy(rows)
        width = self._projection.shape[1]
        tokens = np.concatenate([np.empty((0, width), np.int8), *(block.tokens for block in blocks)])
        segments = offsets(_together([block.counts for block in blocks]).astype(np.int64))
        found = best(query @ self._projection, tokens, lengths_of(tokens)[:, None], segments)
        return TokenMatches(found, offsets(np.array([len(block.counts) for block in blocks], np.int64)))

    def light(self, rows: Int64) -> list[Light]:
        """Give passages' light blocks, fetching those that are not known yet together."""
        numbers = rows.tolist()
        found = self._light.look_up(numbers, self._read_light)
        return [found[number] for number in numbers]

    def heavy(self, rows: Int64) -> list[Heavy]:
        """Give passages' heavy blocks, in the same way."""
        numbers = rows.tolist()
        found = self._heavy.look_up(numbers, self._read_heavy)
        return [found[number] for number in numbers]

    def _read_light(self, numbers: Collection[int]) -> dict[int, Light]:
        read = self._read("light", self.layout.light, numbers)
        return {number: Light.unpack(block, self.layout.dimension) for number, block in read.items()}

    def _read_heavy(self, numbers: Collection[int]) -> dict[int, Heavy]:
        read = self._read("heavy", self.layout.heavy, numbers)
        return {number: Heavy.unpack(block, self.layout.dimension) for number, block in read.items()}

    def _read(self, name: str, count: int, numbers: Collection[int]) -> dict[int, str]:
        rows = self.client.rows(self.passages, numbers, columns(name, count))
        return {number: joined(name, row, count) for number, row in rows.items()}


@dataclass(frozen=True, slots=True)
class _Nearness:
    """One question's cosines with the sentences, by passage."""

    found: MilvusCorpus
    vector: Float32

    def of(self, rows: Int64) -> Float32:
        """Give the cosines of all sentences of these passages, one after another."""
        kept = [block.vectors for block in self.found.light(rows)]
        empty = np.empty((0, self.found.layout.dimension), np.int16)
        return np.asarray(widened(np.concatenate([empty, *kept])) @ self.vector, np.float32)

    def best(self, rows: Int64) -> Float32:
        """Give the best cosine of each passage's sentences."""
        return max_in_parts(self.of(rows), offsets(self.found.counts(rows)), -1)

    def nearest(self, count: int, allowed: Any = None) -> Int64:
        """Give the passage of each of the nearest sentences, the best first."""
        found = self.found
        where = "" if allowed is None else cast("Allowed", allowed).expression
        rows = found.client.search(
            found.sentences, "vector", self.vector.tolist(), limit=count, where=where, fields=["row"],
            parameters=found.layout.search,
        )  # fmt: skip
        if allowed is None and not found.layout.search and len(rows) < min(count, found.layout.sentences):
            raise StoreUnavailableError(
                f"the store at {found.client.address} does not hold all sentences now"
            )
        return np.array([row["row"] for row in rows], np.int64)


@dataclass(frozen=True, slots=True)
class _SparseTerms:
    """The terms of a generation whose BM25 Milvus searches, as sparse vectors."""

    found: MilvusCorpus
    collection: str
    common: frozenset[int]

    @property
    def passages(self) -> int:
        """How many passages there are."""
        return self.found.manifest.passages

    def look_up(self, hashes: NDArray[np.uint64]) -> tuple[Int64, Int64]:
        """Give terms' numbers by their hashes, -1 where there is none, and how many passages hold each."""
        keys = hashes.astype(np.int64).tolist()
        rows = []
        if keys:
            wanted = ", ".join(map(str, keys))
            rows = self.found.client.query(
                self.collection, ["id", "number", "frequency"], where=f"id in [{wanted}]"
            )
        known = {row["id"]: (row["number"], row["frequency"]) for row in rows}
        pairs = np.array([known.get(key, (-1, 0)) for key in keys], np.int64).reshape(-1, 2)
        return pairs[:, 0].copy(), pairs[:, 1].copy()

    def score(self, terms: Int64, factors: Float64) -> Scored:
        """Score passages by terms' numbers."""
        return _SparseScores(self.found, terms, factors)


@dataclass(frozen=True, slots=True)
class _SparseScores:
    """The passages' scores for one question."""

    found: MilvusCorpus
    terms: Int64
    factors: Float64

    def of(self, rows: Int64) -> Float32:
        """Give those of these rows, summed up as ``postings.Scores`` does."""
        scores = np.zeros(len(rows))
        if not len(self.terms):
            return scores.astype(np.float32)
        blocks = self.found.light(rows)
        owners = np.repeat(np.arange(len(rows)), [len(block.weighed) for block in blocks])
        weighed = _together([block.weighed for block in blocks])
        gains = np.concatenate([np.empty(0, np.float32), *(block.gains for block in blocks)])
        for term, factor in zip(self.terms.tolist(), self.factors.tolist(), strict=True):
            held = np.flatnonzero(weighed == term)
            scores[owners[held]] += factor * gains[held].astype(np.float64)
        return scores.astype(np.float32)

    def best(self, count: int, allowed: Any = None) -> tuple[Int64, Float32]:
        """Find the passages with the highest; of equal ones, those of the lower rows."""
        if not len(self.terms):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        found = self.found.client.search(
            self.found.passages, "gains", dict(zip(self.terms.tolist(), self.factors.tolist(), strict=True)),
            limit=count + _SPARE, where="" if allowed is None else cast("Allowed", allowed).expression,
            fields=["id"], parameters={},
        )  # fmt: skip
        rows = np.sort(np.array([row["id"] for row in found], np.int64))
        scores = self.of(rows)
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > 0][:count]
        return rows[order], scores[order]


@dataclass(frozen=True, slots=True)
class _LocalTerms:
    """The terms of a generation whose BM25 is searched on this machine."""

    found: MilvusCorpus
    index: LexicalIndex

    @property
    def passages(self) -> int:
        """How many passages there are."""
        return self.index.passages

    @property
    def common(self) -> frozenset[int]:
        """The hashes of common words."""
        return self.index.common

    def look_up(self, hashes: NDArray[np.uint64]) -> tuple[Int64, Int64]:
        """Give terms' numbers by their hashes, -1 where there is none, and how many passages hold each."""
        return self.index.look_up(hashes)

    def score(self, terms: Int64, factors: Float64) -> Scored:
        """Score passages by terms' numbers."""
        return _LocalScores(self.found, self.index.score(terms, factors))


@dataclass(frozen=True, slots=True)
class _LocalScores:
    """The passages' scores for one question, with the rows that may be found as a Milvus tells them."""

    found: MilvusCorpus
    scores: Scored

    def of(self, rows: Int64) -> Float32:
        """Give those of these rows."""
        return self.scores.of(rows)

    def best(self, count: int, allowed: Any = None) -> tuple[Int64, Float32]:
        """Find the passages with the highest; of equal ones, those of the lower rows."""
        if allowed is None:
            return self.scores.best(count)
        where, last = cast("Allowed", allowed).expression, self.found.manifest.passages
        rows = self.found.client.scan(self.found.passages, ["id"], where=where, first=0, last=last)
        return self.scores.best(count, np.array([row["id"] for row in rows], np.int64))


def _info(manifest: Manifest, facts: dict[str, Any], address: str, *, sparse: bool) -> IndexInfo:
    words = (
        "BM25 there, as sparse vectors"
        if sparse
        else "BM25 on this machine, from a copy of the lexical index"
    )
    return IndexInfo(
        manifest.generation, manifest.model, manifest.documents, manifest.passages, manifest.sentences,
        manifest.created, tuple(ReadFailure(**one) for one in facts["failures"]), facts["scanned"],
        f"milvus at {address}, {words}", facts["failure_count"], facts["unread_files"],
    )  # fmt: skip


def _together(parts: list[Int32]) -> Int32:
    return np.concatenate([np.empty(0, np.int32), *parts])
