"""A generation of the index on disk: found, opened, verified and removed.

``index/README.md`` describes the format. A generation never changes once it is published.
"""

from __future__ import annotations

import os
import re
import shutil
import weakref
from collections.abc import Sequence, Sized
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from qa import files
from qa.arrays import mapped, max_in_parts, offsets, parts_of, ranges
from qa.errors import CorruptIndexError, IndexUnavailableError
from qa.index.dense.late_interaction import TokenIndex, TokenMatches
from qa.index.dense.vectors import VectorIndex, Vectors, VectorScores
from qa.index.lexical.inverted_index import LexicalIndex
from qa.index.lexical.known_words import KnownWords
from qa.index.lexical.term_matches import QuestionTerms, TermMatches
from qa.index.lexical.word_sequences import WordSequences
from qa.index.manifest import MANIFEST, REBUILD, Manifest
from qa.index.store import Store
from qa.types import MOST_FAILURES, Filters, Float32, IndexInfo, Int64, Phrases

STORE = "store.sqlite"
PASSAGES = "passages.int16"
SENTENCES = "sentences.int16"
INVERTED = "sentences.faiss"
SENTENCE_STARTS = "sentence_starts.npy"
DOCUMENTS = "documents.npy"
LANGUAGES = "languages.npy"
TOKENS = "tokens"
LEXICAL = "lexical"
WORDS = "words"
SPELLING = "spelling"
ENCODER = "encoder"
POINTER = "CURRENT"
GENERATIONS = "generations"

LANGUAGE = np.dtype("S3")
"""How the code of a language is kept: two letters or, for those that ISO 639-1 lacks, three."""

_NO_PHRASES = Phrases()
_COUNTED = ("documents", "passages", "sentences")
_NAME = re.compile(r"[0-9A-Za-z-]{1,80}")
_LENGTH_LOST = 0.01
"""How far a unit vector may be from length 1: 16 bits a number lose less than that."""


class Lease:
    """Keeps a generation from being removed as long as this object lives."""

    def __init__(self, folder: Path) -> None:
        """Take the lease.

        Raises:
            CorruptIndexError: the generation is gone or is being removed.
        """
        try:
            descriptor = os.open(folder / MANIFEST, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise CorruptIndexError(f"{folder / MANIFEST} cannot be read ({error}): {REBUILD}") from error
        weakref.finalize(self, os.close, descriptor)
        if not files.lock(descriptor, shared=True, wait=False):
            raise CorruptIndexError(f"{folder} is being removed: another generation is live")


@dataclass(frozen=True, slots=True)
class Generation:
    """An open generation. All its parts number the passages alike: by row.

    The sentences of passage ``i`` are ``sentence_starts[i]`` to ``sentence_starts[i + 1]``; ``documents[i]``
    is the number of its document, ``languages[i]`` the ISO 639 code of its language, empty if unknown.
    """

    folder: Path
    manifest: Manifest
    store: Store
    passages: Vectors
    sentences: VectorIndex
    sentence_starts: Int64
    documents: Int64
    languages: NDArray[np.bytes_]
    tokens: TokenIndex
    lexical: LexicalIndex
    words: WordSequences
    spelling: KnownWords
    lease: Lease

    @property
    def info(self) -> IndexInfo:
        """Return a summary of the generation."""
        m = self.manifest
        failure_count, unread_files = self.store.count_failures()
        return IndexInfo(
            m.generation,
            m.model,
            m.documents,
            m.passages,
            m.sentences,
            m.created,
            self.store.failures(limit=MOST_FAILURES),
            self.store.count_files(),
            failure_count=failure_count,
            unread_files=unread_files,
        )

    @property
    def encoder(self) -> Path:
        """Return the folder of the encoder, if the generation keeps one."""
        return self.folder / ENCODER

    @property
    def has_tokens(self) -> bool:
        """Whether passages have token vectors."""
        return bool(self.tokens)

    def allow(self, filters: Filters, phrases: Phrases = _NO_PHRASES) -> Int64:
        """Return the rows of the passages that pass the filters and hold the phrases, ascending."""
        rows = self.store.rows(filters) if filters or not phrases else None
        return self.words.passing(phrases, rows)

    def allowed_rows(self, allowed: Int64, start: int, stop: int) -> Int64:
        """Return some of the rows that ``allow`` returned, in order."""
        return allowed[start:stop]

    def occurrences(self, phrase: Sequence[str], rows: range) -> Int64:
        """Return where a phrase stands in a document, as ``WordSequences.occurrences`` does."""
        return self.words.occurrences(phrase, rows)

    def score_sentences(self, vector: Float32) -> SentenceCosines:
        """Compare the sentences with a unit vector, shape (dimension,)."""
        cosines = self.sentences.score(vector)
        best = None if cosines.all is None else max_in_parts(cosines.all, self.sentence_starts, -1)
        return SentenceCosines(self, cosines, best)

    def bounds(self, rows: Int64) -> tuple[Int64, Int64]:
        """Return each passage's first sentence, and the one after its last."""
        return self.sentence_starts[rows], self.sentence_starts[rows + 1]

    def counts(self, rows: Int64) -> Int64:
        """Return how many sentences each passage has."""
        firsts, lasts = self.bounds(rows)
        return lasts - firsts

    def document_numbers(self, rows: Int64) -> Int64:
        """Return the numbers of passages' documents."""
        return self.documents[rows]

    def passage_languages(self, rows: Int64) -> NDArray[np.bytes_]:
        """Return the ISO 639 codes of passages' languages, empty where unknown."""
        return self.languages[rows]

    def near_duplicates(self, rows: Int64, threshold: float) -> NDArray[np.bool_]:
        """Compare passages with each other, as ``shingles.near_duplicates`` does."""
        return self.lexical.near_duplicates(rows, *self.bounds(rows), threshold)

    def match_terms(self, question: QuestionTerms, rows: Int64) -> TermMatches:
        """Match passages with a question's terms."""
        return self.lexical.match_terms(question, *self.bounds(rows))

    def vectors(self, rows: Int64) -> Float32:
        """Return passages' vectors, shape (rows, dimension)."""
        return self.passages.vectors(rows)

    def match_tokens(self, query: Float32, rows: Int64) -> TokenMatches:
        """Match a question's tokens with the passages'."""
        firsts, lasts = self.bounds(rows)
        return self.tokens.match_tokens(query, firsts + rows, lasts + rows + 1)


@dataclass(frozen=True, slots=True)
class SentenceCosines:
    """One question's cosines with the sentences of a generation, by passage."""

    generation: Generation
    cosines: VectorScores
    best: Float32 | None
    """The best cosine with a sentence of each passage, if all were compared."""

    def take(self, rows: Int64) -> Float32:
        """Return the cosines with all sentences of these passages, one after another."""
        return self.cosines.take(ranges(*self.generation.bounds(rows)))

    def best_of_passages(self, rows: Int64) -> Float32:
        """Return the best cosine with a sentence of each passage."""
        if self.best is not None:
            return self.best[rows]
        return max_in_parts(self.take(rows), offsets(self.generation.counts(rows)), -1)

    def nearest_passages(self, count: int, allowed: Sized | None = None) -> Int64:
        """Return the passage of each of the nearest sentences, best first."""
        rows = cast("Int64 | None", allowed)
        sentences = None if rows is None else ranges(*self.generation.bounds(rows))
        nearest = self.cosines.nearest(count, sentences)
        return parts_of(self.generation.sentence_starts, nearest)


def current(index: Path) -> Path:
    """Return the folder of the live generation.

    Raises:
        IndexUnavailableError: nothing has been published.
        CorruptIndexError: ``CURRENT`` names no generation that exists.
    """
    pointer = index / POINTER
    try:
        name = pointer.read_text("utf-8").strip()
    except FileNotFoundError:
        raise IndexUnavailableError(f"there is no index in {index}: run `qa index`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptIndexError(f"{pointer} cannot be read ({error}): {REBUILD}") from error
    folder = index / GENERATIONS / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        raise CorruptIndexError(f"{pointer} names no generation that is there: {REBUILD}")
    return folder


def named(index: Path, name: str) -> Path:
    """Return the folder of the generation with a name, or with the beginning of one.

    Raises:
        IndexUnavailableError: there is no such generation, or there are several.
    """
    folder = index / GENERATIONS
    names = (
        sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))
        if folder.is_dir()
        else []
    )
    matching = [name] if name in names else [each for each in names if name and each.startswith(name)]
    if len(matching) != 1:
        found = "no generation" if not matching else "more than one generation"
        listed = ", ".join(names) or "none"
        raise IndexUnavailableError(f"{index} has {found} {name!r}; its generations: {listed}")
    return folder / matching[0]


def remove_unless_read(folder: Path) -> bool:
    """Remove a generation that is not live, unless somebody holds a lease on it; return whether it did."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            if not files.lock(file, wait=False):
                return False
            shutil.rmtree(folder)
    except FileNotFoundError:  # without a manifest nobody can read it
        shutil.rmtree(folder)
    return True


def load(folder: Path) -> Generation:
    """Open a generation. This checks the sizes of files; ``verify`` checks their digests, too.

    Raises:
        CorruptIndexError: a file is missing, of another size, or unreadable.
    """
    lease = Lease(folder)
    manifest = Manifest.read(folder)
    manifest.check_sizes(folder)
    try:
        inverted = folder / INVERTED if INVERTED in manifest.files else None
        generation = Generation(
            folder,
            manifest,
            Store(folder / STORE),
            Vectors(folder / PASSAGES, manifest.dimension),
            VectorIndex(folder / SENTENCES, manifest.dimension, inverted),
            mapped(folder / SENTENCE_STARTS, np.int64),
            mapped(folder / DOCUMENTS, np.int64),
            mapped(folder / LANGUAGES, LANGUAGE),
            TokenIndex.load(folder / TOKENS),
            LexicalIndex(folder / LEXICAL),
            WordSequences(folder / WORDS),
            KnownWords(folder / SPELLING),
            lease,
        )
    except CorruptIndexError:
        raise
    except Exception as error:  # numpy and FAISS raise anything on damaged bytes
        raise CorruptIndexError(f"{folder} cannot be read ({error}): {REBUILD}") from error
    _check_counts(folder, generation)
    return generation


def verify(folder: Path) -> None:
    """Check every digest, the store's integrity, and every passage against its document's text and vectors.

    Raises:
        CorruptIndexError: something is wrong; the message names the first such file.
    """
    check_files(folder)
    generation = load(folder)
    with closing(generation.store):
        generation.store.check()
        _check_passages(folder / STORE, generation)
        _check_vectors(folder, generation)


def check_files(folder: Path) -> None:
    """Check every file's size and SHA-256, or raise CorruptIndexError, naming the first that is wrong."""
    manifest = Manifest.read(folder)
    manifest.check_sizes(folder)
    manifest.check_digests(folder)


def _check_counts(folder: Path, generation: Generation) -> None:
    documents, passages, sentences = (getattr(generation.manifest, name) for name in _COUNTED)
    lexical = generation.lexical
    counts = (
        *generation.store.counts(),
        len(generation.passages),
        lexical.passages,
        len(generation.sentences),
        lexical.sentences,
    )
    shapes = (
        generation.sentence_starts.shape,
        generation.documents.shape,
        generation.languages.shape,
        generation.tokens.segments,
    )
    fits = (
        counts == (documents, passages, passages, passages, sentences, sentences)
        and shapes == ((passages + 1,), (passages,), (passages,), passages + sentences)
        and generation.sentence_starts[-1] == sentences
        and generation.words.passages == passages
    )
    if not fits:
        raise CorruptIndexError(f"the parts of {folder} do not fit together: {REBUILD}")


def _check_passages(path: Path, generation: Generation) -> None:
    """Compare every passage with its document's text, and its document and sentences with their rows."""
    row = 0
    for number, document in enumerate(generation.store.all_documents()):
        text = generation.store.text(document.id)
        passages = generation.store.passages_of(document.id)
        whole = len(text) == document.characters and len(passages) == document.passages
        if not whole or any(passage.span.slice(text) != passage.text for passage in passages):
            raise CorruptIndexError(f"{path}: the passages of {document.path} are not its text: {REBUILD}")
        rows = slice(row, row + len(passages))
        counts = np.diff(generation.sentence_starts[row : row + len(passages) + 1]).tolist()
        expected = [len(passage.sentences) for passage in passages]
        languages = [(passage.language or document.metadata.language or "").encode() for passage in passages]
        fits = counts == expected and generation.languages[rows].tolist() == languages
        if not fits or (generation.documents[rows] != number).any():
            raise CorruptIndexError(f"{path}: the rows of {document.path} are not its passages: {REBUILD}")
        row += len(passages)


def _check_vectors(folder: Path, generation: Generation) -> None:
    """Check that every vector has the length 1, or 0."""
    for name, vectors in ((PASSAGES, generation.passages), (SENTENCES, generation.sentences)):
        for _, block in vectors.blocks():
            lengths = np.linalg.norm(block, axis=1)
            if not ((np.abs(lengths - 1) < _LENGTH_LOST) | (lengths == 0)).all():
                raise CorruptIndexError(f"{folder / name} holds a vector that is not of length 1: {REBUILD}")
