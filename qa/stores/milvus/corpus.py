"""A generation in Milvus, ranked as a local one: Milvus searches for candidates, the arithmetic is done here.

Two searches find candidates: by the sentences' vectors, and by the terms' impacts (BM25 as sparse vectors).
All scores are then computed from the numbers of the local index, which every passage carries with it. Milvus
before 2.4 has no sparse vectors. There, the lexical index is copied to this machine and searched here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qa.arrays import load, mapped, max_in_parts, offsets
from qa.errors import StoreUnavailableError
from qa.index.caching import RowCache
from qa.index.dense.late_interaction import TokenMatches, lengths_of, maxsim, project, row_size
from qa.index.dense.vectors import widened
from qa.index.generation import ENCODER, LANGUAGE, LEXICAL, SPELLING, WORDS
from qa.index.lexical import shingles
from qa.index.lexical.bm25 import Float64
from qa.index.lexical.inverted_index import LexicalIndex
from qa.index.lexical.known_words import KnownWords
from qa.index.lexical.term_matches import (
    LexicalScores,
    QuestionTerms,
    TermMatches,
    Vocabulary,
    match_terms,
)
from qa.index.lexical.word_sequences import WordSequences
from qa.index.manifest import Manifest
from qa.stores.milvus.assets import FACTS, Directory, fetch
from qa.stores.milvus.client import Client
from qa.stores.milvus.expressions import Allowed, listed
from qa.stores.milvus.library import MilvusLibrary
from qa.stores.milvus.packing import Heavy, Light, columns, joined
from qa.stores.milvus.schema import PASSAGES, SENTENCES, TERMS, collection
from qa.types import Filters, Float32, IndexInfo, Int32, Int64, Phrases, ReadFailure

COMMON, PROJECTION = "lexical/common.npy", "tokens/projection.npy"
_NO_PHRASES = Phrases()
_SPARE = 32
"""How many more passages are requested than are wanted. Chosen: Milvus orders equal scores in its own way."""


class MilvusCorpus:
    """One generation. Any number of threads may share it."""

    def __init__(self, client: Client, generation: str, cache: Path) -> None:
        """Open a generation.

        Raises:
            StoreUnavailableError: Milvus does not respond.
            CorruptIndexError: its content is not what was uploaded.
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
        self.spelling = KnownWords(folder / SPELLING)
        self._vocabulary = facts["vocabulary"]
        self._words = WordSequences(folder / WORDS)
        self.lexical: Vocabulary
        if self.layout.sparse:
            common = frozenset(mapped(folder / COMMON, np.uint64).tolist())
            self.lexical = _SparseTerms(self, collection(generation, TERMS), common)
        else:
            self.lexical = _LocalTerms(self, LexicalIndex(folder / LEXICAL))
        self._light: RowCache[Light] = RowCache()
        self._heavy: RowCache[Heavy] = RowCache()
        self._warm()

    def _warm(self) -> None:
        """Send one request of each kind that a question takes: the first of a kind is slow."""
        axis = np.eye(1, self.layout.dimension, dtype=np.float32)[0].tolist()
        self.client.warm(self.sentences, "vector", axis, self.layout.search)
        if self.layout.sparse:
            self.client.warm(self.passages, "gains", {0: 1.0}, {})
        self.client.count(self.passages)

    def allow(self, filters: Filters, phrases: Phrases = _NO_PHRASES) -> Allowed:
        """Return the filters and phrases as an expression of Milvus, and how many passages pass them."""
        rows = self._words.passing(phrases) if phrases else None
        listing = "" if rows is None else listed(rows, self.manifest.passages)
        allowed = Allowed(self.store.expression(filters), 0, listing)
        if rows is not None and not filters:
            return replace(allowed, count=len(rows))
        return replace(allowed, count=self.client.count(self.passages, allowed.where("id")))

    def allowed_rows(self, allowed: Allowed, start: int, stop: int) -> Int64:
        """Return some of the rows that ``allow`` returned, in order."""
        last = self.manifest.passages
        rows = self.client.scan(self.passages, ["id"], where=allowed.where("id"), first=0, last=last)
        return np.array([row["id"] for row in islice(rows, start, stop)], np.int64)

    def occurrences(self, phrase: Sequence[str], rows: range) -> Int64:
        """Return where a phrase stands in a document, as ``WordSequences.occurrences`` does."""
        return self._words.occurrences(phrase, rows)

    def score_sentences(self, vector: Float32) -> _SentenceScores:
        """Compare the sentences with a unit vector, shape (dimension,)."""
        return _SentenceScores(self, vector)

    def counts(self, rows: Int64) -> Int64:
        """Return how many sentences each passage has."""
        return np.array([len(block.lengths) for block in self.light(rows)], np.int64)

    def document_numbers(self, rows: Int64) -> Int64:
        """Return the numbers of the passages' documents."""
        return np.array([block.document for block in self.light(rows)], np.int64)

    def passage_languages(self, rows: Int64) -> NDArray[np.bytes_]:
        """Return the ISO 639 codes of passages' languages, empty where unknown."""
        return np.array([block.language for block in self.light(rows)], LANGUAGE)

    def near_duplicates(self, rows: Int64, threshold: float) -> NDArray[np.bool_]:
        """Compare passages with each other, as ``shingles.near_duplicates`` does."""
        blocks = self.light(rows)
        bounds = offsets(np.array([len(block.terms) for block in blocks], np.int64))
        terms = _concatenate([block.terms for block in blocks])
        return shingles.near_duplicates(terms, bounds, self._vocabulary, threshold)

    def match_terms(self, question: QuestionTerms, rows: Int64) -> TermMatches:
        """Match passages with a question's terms."""
        blocks = self.light(rows)
        sentences = offsets(_concatenate([block.lengths for block in blocks]).astype(np.int64))
        bounds = offsets(np.array([len(block.lengths) for block in blocks], np.int64))
        return match_terms(question, _concatenate([block.terms for block in blocks]), sentences, bounds)

    def vectors(self, rows: Int64) -> Float32:
        """Return passages' vectors, shape (rows, dimension)."""
        kept = [block.vector for block in self.heavy(rows)]
        return widened(np.reshape(kept, (-1, self.layout.dimension)).astype(np.int16))

    def match_tokens(self, query: Float32, rows: Int64) -> TokenMatches:
        """Match a question's token vectors, shape (tokens, dimension), with the passages'."""
        blocks = self.heavy(rows)
        width = self._projection.shape[1]
        empty = np.empty((0, row_size(width)), np.int8)
        tokens = np.concatenate([empty, *(block.tokens for block in blocks)])
        segments = offsets(_concatenate([block.counts for block in blocks]).astype(np.int64))
        lengths = lengths_of(tokens, width)[:, None]
        cosines = maxsim(project(query, self._projection), tokens, lengths, segments)
        return TokenMatches(cosines, offsets(np.array([len(block.counts) for block in blocks], np.int64)))

    def light(self, rows: Int64) -> list[Light]:
        """Return passages' light blocks, fetching the unknown ones together."""
        numbers = rows.tolist()
        blocks = self._light.look_up(numbers, self._read_light)
        return [blocks[number] for number in numbers]

    def heavy(self, rows: Int64) -> list[Heavy]:
        """Return passages' heavy blocks, in the same way."""
        numbers = rows.tolist()
        blocks = self._heavy.look_up(numbers, self._read_heavy)
        return [blocks[number] for number in numbers]

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
class _SentenceScores:
    """One question's cosines with the sentences, by passage."""

    corpus: MilvusCorpus
    vector: Float32

    def take(self, rows: Int64) -> Float32:
        """Return the cosines with all sentences of these passages, one after another."""
        kept = [block.vectors for block in self.corpus.light(rows)]
        empty = np.empty((0, self.corpus.layout.dimension), np.int16)
        return np.asarray(widened(np.concatenate([empty, *kept])) @ self.vector, np.float32)

    def best_of_passages(self, rows: Int64) -> Float32:
        """Return the best cosine with a sentence of each passage."""
        return max_in_parts(self.take(rows), offsets(self.corpus.counts(rows)), -1)

    def nearest_passages(self, count: int, allowed: Any = None) -> Int64:
        """Return the passage of each of the nearest sentences, best first."""
        corpus = self.corpus
        where = "" if allowed is None else cast("Allowed", allowed).where("row")
        rows = corpus.client.search(
            corpus.sentences, "vector", self.vector.tolist(), limit=count, where=where, fields=["row"],
            parameters=corpus.layout.search,
        )  # fmt: skip
        is_exact = allowed is None and not corpus.layout.search
        if is_exact and len(rows) < min(count, corpus.layout.sentences):
            raise StoreUnavailableError(
                f"the store at {corpus.client.address} does not hold all sentences at the moment"
            )
        return np.array([row["row"] for row in rows], np.int64)


@dataclass(frozen=True, slots=True)
class _SparseTerms:
    """The terms of a generation whose BM25 Milvus searches, as sparse vectors."""

    corpus: MilvusCorpus
    collection: str
    common: frozenset[int]

    @property
    def passages(self) -> int:
        """How many passages there are."""
        return self.corpus.manifest.passages

    def look_up(self, hashes: NDArray[np.uint64]) -> tuple[Int64, Int64]:
        """Return terms' numbers by their hashes, -1 for unknown ones, and how many passages hold each."""
        keys = hashes.astype(np.int64).tolist()
        rows = []
        if keys:
            where = f"id in [{', '.join(map(str, keys))}]"
            rows = self.corpus.client.query(self.collection, ["id", "number", "frequency"], where=where)
        known = {row["id"]: (row["number"], row["frequency"]) for row in rows}
        pairs = np.array([known.get(key, (-1, 0)) for key in keys], np.int64).reshape(-1, 2)
        return pairs[:, 0].copy(), pairs[:, 1].copy()

    def score(self, terms: Int64, factors: Float64) -> LexicalScores:
        """Score passages by terms' numbers."""
        return _SparseScores(self.corpus, terms, factors)


@dataclass(frozen=True, slots=True)
class _SparseScores:
    """The passages' scores for one question."""

    corpus: MilvusCorpus
    terms: Int64
    factors: Float64

    def take(self, rows: Int64) -> Float32:
        """Return the scores of these rows, added up as ``postings.Scores`` does."""
        scores = np.zeros(len(rows))
        if not len(self.terms):
            return scores.astype(np.float32)
        blocks = self.corpus.light(rows)
        owners = np.repeat(np.arange(len(rows)), [len(block.weighed) for block in blocks])
        weighed = _concatenate([block.weighed for block in blocks])
        impacts = np.concatenate([np.empty(0, np.float32), *(block.impacts for block in blocks)])
        for term, factor in zip(self.terms.tolist(), self.factors.tolist(), strict=True):
            held = np.flatnonzero(weighed == term)
            scores[owners[held]] += factor * impacts[held].astype(np.float64)
        return scores.astype(np.float32)

    def top(self, count: int, allowed: Any = None) -> tuple[Int64, Float32]:
        """Return the rows with the highest scores and the scores, best first; equal ones by row."""
        if not len(self.terms):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        passages = self.corpus.client.search(
            self.corpus.passages, "gains", dict(zip(self.terms.tolist(), self.factors.tolist(), strict=True)),
            limit=count + _SPARE, where="" if allowed is None else cast("Allowed", allowed).where("id"),
            fields=["id"], parameters={},
        )  # fmt: skip
        rows = np.sort(np.array([passage["id"] for passage in passages], np.int64))
        scores = self.take(rows)
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > 0][:count]
        return rows[order], scores[order]


@dataclass(frozen=True, slots=True)
class _LocalTerms:
    """The terms of a generation whose BM25 is searched on this machine."""

    corpus: MilvusCorpus
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
        """Return terms' numbers by their hashes, -1 for unknown ones, and how many passages hold each."""
        return self.index.look_up(hashes)

    def score(self, terms: Int64, factors: Float64) -> LexicalScores:
        """Score passages by terms' numbers."""
        return _LocalScores(self.corpus, self.index.score(terms, factors))


@dataclass(frozen=True, slots=True)
class _LocalScores:
    """The passages' scores for one question, with the allowed passages as an expression of Milvus."""

    corpus: MilvusCorpus
    scores: LexicalScores

    def take(self, rows: Int64) -> Float32:
        """Return the scores of these rows."""
        return self.scores.take(rows)

    def top(self, count: int, allowed: Any = None) -> tuple[Int64, Float32]:
        """Return the rows with the highest scores and the scores, best first; equal ones by row."""
        if allowed is None:
            return self.scores.top(count)
        where, last = cast("Allowed", allowed).where("id"), self.corpus.manifest.passages
        rows = self.corpus.client.scan(self.corpus.passages, ["id"], where=where, first=0, last=last)
        return self.scores.top(count, np.array([row["id"] for row in rows], np.int64))


def _info(manifest: Manifest, facts: dict[str, Any], address: str, *, sparse: bool) -> IndexInfo:
    kind = (
        "BM25 there, as sparse vectors"
        if sparse
        else "BM25 on this machine, from a copy of the lexical index"
    )
    return IndexInfo(
        manifest.generation, manifest.model, manifest.documents, manifest.passages, manifest.sentences,
        manifest.created, tuple(ReadFailure(**failure) for failure in facts["failures"]), facts["scanned"],
        f"milvus at {address}, {kind}", facts["failure_count"], facts["unread_files"],
    )  # fmt: skip


def _concatenate(parts: list[Int32]) -> Int32:
    return np.concatenate([np.empty(0, np.int32), *parts])
