"""A generation of the index on disk: where it is, what is in it, whether it is whole.

``index/README.md`` describes the format. A generation never changes once it is published.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import weakref
from collections.abc import Iterable, Mapping, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qa.arrays import mapped, max_in_parts, offsets, parts_of, ranges
from qa.errors import CorruptIndexError, IndexUnavailableError
from qa.index.dense.late_interaction import TokenIndex, TokenMatches
from qa.index.dense.vectors import VectorIndex, Vectors, VectorScores
from qa.index.lexical.inverted_index import LexicalIndex
from qa.index.lexical.term_matches import QuestionTerms, TermMatches
from qa.index.store import Store
from qa.types import MOST_FAILURES, Filters, Float32, IndexInfo, Int64

FORMAT = 4

MANIFEST = "manifest.json"
STORE = "store.sqlite"
PASSAGES = "passages.int16"
SENTENCES = "sentences.int16"
INVERTED = "sentences.faiss"
SENTENCE_STARTS = "sentence_starts.npy"
DOCUMENTS = "documents.npy"
TOKENS = "tokens"
LEXICAL = "lexical"
ENCODER = "encoder"
POINTER = "CURRENT"
GENERATIONS = "generations"

_COUNTED = ("documents", "passages", "sentences")
_NAME = re.compile(r"[0-9A-Za-z-]{1,80}")
_LENGTH_LOST = 0.01
_REBUILD = "run `qa index` to build it anew"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation says of itself.

    ``made_with`` holds whatever shapes the content beside the documents: where it differs, nothing of
    the generation can be reused. ``dimension`` is the length of a vector, ``vectors`` tells how they are
    searched. ``files`` gives each file's size in bytes and SHA-256. On disk there is
    also ``sha256``, of all the rest.
    """

    format: int
    generation: str
    created: str
    model: str
    made_with: Mapping[str, Any]
    documents: int
    passages: int
    sentences: int
    dimension: int
    vectors: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read a generation's manifest.

        Raises:
            CorruptIndexError: it is missing, or not what was written, or of a format that this version does
                not read.
        """
        path = folder / MANIFEST
        try:
            found = json.loads(path.read_bytes())
            if found["format"] != FORMAT:
                message = (
                    f"{path} has format {found['format']!r}, this version reads format {FORMAT}: {_REBUILD}"
                )
                raise CorruptIndexError(message)
            if found.pop("sha256", None) != seal(found):
                raise CorruptIndexError(f"{path} is not what was written: {_REBUILD}")
            return cls(**found)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CorruptIndexError(f"{path} cannot be read ({error}): {_REBUILD}") from error

    def write(self, folder: Path) -> None:
        """Write the manifest into a generation's folder."""
        content = asdict(self)
        sealed = json.dumps(content | {"sha256": seal(content)}, indent=1, ensure_ascii=False)
        (folder / MANIFEST).write_text(sealed + "\n", "utf-8")


class Lease:
    """Keeps a generation from being removed for as long as somebody holds this, or its process lives."""

    def __init__(self, folder: Path) -> None:
        """Take it.

        Raises:
            CorruptIndexError: the generation is gone, or just being removed.
        """
        try:
            descriptor = os.open(folder / MANIFEST, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise CorruptIndexError(f"{folder / MANIFEST} cannot be read ({error}): {_REBUILD}") from error
        weakref.finalize(self, os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            raise CorruptIndexError(f"{folder} is being removed: another one is live") from error


@dataclass(frozen=True, slots=True)
class Generation:
    """An open generation. Passages have rows, by which all its parts know them.

    ``sentence_starts[i]`` to ``[i + 1]`` are the sentences of passage ``i``; ``documents[i]`` is the number
    of its document.
    """

    folder: Path
    manifest: Manifest
    store: Store
    passages: Vectors
    sentences: VectorIndex
    sentence_starts: Int64
    documents: Int64
    tokens: TokenIndex
    lexical: LexicalIndex
    lease: Lease

    @property
    def info(self) -> IndexInfo:
        """Sum it up."""
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
        """Where the encoder is kept, if it is."""
        return self.folder / ENCODER

    @property
    def has_tokens(self) -> bool:
        """Tell whether passages have token vectors."""
        return bool(self.tokens)

    def allow(self, filters: Filters) -> Int64:
        """Give the rows of the passages whose documents pass the filters, ascending."""
        return self.store.rows(filters)

    def score_sentences(self, vector: Float32) -> SentenceCosines:
        """Compare the sentences with a unit vector, shape (dimension,)."""
        cosines = self.sentences.score(vector)
        best = None if cosines.all is None else max_in_parts(cosines.all, self.sentence_starts, -1)
        return SentenceCosines(self, cosines, best)

    def bounds(self, rows: Int64) -> tuple[Int64, Int64]:
        """Give passages' first sentences, and their last ones, exclusive."""
        return self.sentence_starts[rows], self.sentence_starts[rows + 1]

    def counts(self, rows: Int64) -> Int64:
        """Tell how many sentences each passage has."""
        firsts, lasts = self.bounds(rows)
        return lasts - firsts

    def document_numbers(self, rows: Int64) -> Int64:
        """Return the numbers of passages' documents."""
        return self.documents[rows]

    def near_duplicates(self, rows: Int64, threshold: float) -> NDArray[np.bool_]:
        """Compare passages with each other, as ``shingles.near_duplicates`` does."""
        return self.lexical.near_duplicates(rows, *self.bounds(rows), threshold)

    def match_terms(self, question: QuestionTerms, rows: Int64) -> TermMatches:
        """Match passages with a question's terms."""
        return self.lexical.match_terms(question, *self.bounds(rows))

    def vectors(self, rows: Int64) -> Float32:
        """Give passages' vectors, shape (rows, dimension)."""
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
    """Find the folder of the live generation.

    Raises:
        IndexUnavailableError: nothing has been published.
        CorruptIndexError: ``CURRENT`` names what is not there.
    """
    pointer = index / POINTER
    try:
        name = pointer.read_text("utf-8").strip()
    except FileNotFoundError:
        raise IndexUnavailableError(f"there is no index in {index}: run `qa index`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptIndexError(f"{pointer} cannot be read ({error}): {_REBUILD}") from error
    folder = index / GENERATIONS / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        raise CorruptIndexError(f"{pointer} names no generation that is there: {_REBUILD}")
    return folder


def point_to(index: Path, name: str) -> None:
    """Make a generation the live one, in one step that either happens or does not."""
    _sync_one(index / "generations")
    replace_file(index / POINTER, name + "\n")


def replace_file(path: Path, content: str) -> None:
    """Put a file in the place of an older one, in one step that either happens or does not."""
    draft = path.with_name(f".{path.name}")
    draft.write_text(content, "utf-8")
    put_in_place(draft, path)


def put_in_place(draft: Path, path: Path) -> None:
    """Put a file that is written in the place of an older one beside it, as ``replace_file`` does."""
    _sync_one(draft)
    draft.replace(path)
    _sync_one(path.parent)


def remove_unless_read(folder: Path) -> bool:
    """Remove a generation that is not live, but not while anybody holds a lease on it; tell whether it is."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
    except BlockingIOError:
        return False
    except FileNotFoundError:  # without a manifest nobody can read it
        shutil.rmtree(folder)
    return True


def load(folder: Path) -> Generation:
    """Open a generation. Sizes are checked here, checksums by ``verify``.

    Raises:
        CorruptIndexError: a file is missing, of another size, or not what it should be.
    """
    lease = Lease(folder)
    manifest = Manifest.read(folder)
    _check_sizes(folder, manifest)
    try:
        inverted = folder / INVERTED if INVERTED in manifest.files else None
        found = Generation(
            folder,
            manifest,
            Store(folder / STORE),
            Vectors(folder / PASSAGES, manifest.dimension),
            VectorIndex(folder / SENTENCES, manifest.dimension, inverted),
            mapped(folder / SENTENCE_STARTS, np.int64),
            mapped(folder / DOCUMENTS, np.int64),
            TokenIndex.load(folder / TOKENS),
            LexicalIndex(folder / LEXICAL),
            lease,
        )
    except CorruptIndexError:
        raise
    except Exception as error:  # numpy and FAISS raise anything on damaged bytes
        raise CorruptIndexError(f"{folder} cannot be read ({error}): {_REBUILD}") from error
    _check_counts(folder, found)
    return found


def verify(folder: Path) -> None:
    """Check every checksum, the store's integrity, every passage against its document's text and its vectors.

    Raises:
        CorruptIndexError: the first thing that is wrong, naming the file.
    """
    check_files(folder)
    found = load(folder)
    with closing(found.store):
        found.store.check()
        _check_passages(folder / STORE, found)
        _check_vectors(folder, found)


def check_files(folder: Path) -> None:
    """Check every file's checksum, or raise CorruptIndexError, naming the first that is wrong."""
    manifest = Manifest.read(folder)
    _check_sizes(folder, manifest)
    for name, found in _digests(folder, manifest.files).items():
        if found != manifest.files[name]["sha256"]:
            raise CorruptIndexError(f"{folder / name} is not what was written: {_REBUILD}")


def seal(content: Mapping[str, Any]) -> str:
    """Give the SHA-256 of what a file of JSON says, in hex."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest(path: Path) -> str:
    """Give a file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Give the size and SHA-256 of every file in a generation's folder, its manifest left out."""
    return {
        name: {"bytes": (folder / name).stat().st_size, "sha256": found}
        for name, found in _digests(folder, _files(folder)).items()
    }


def _digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Give each file's SHA-256: several at once, as hashing takes as long as reading."""
    wanted = list(names)
    with ThreadPoolExecutor() as threads:
        return dict(zip(wanted, threads.map(lambda name: digest(folder / name), wanted), strict=True))


def sync(path: Path) -> None:
    """Bring a file, or a folder with everything in it, onto the disk."""
    for part in [*path.rglob("*"), path]:
        _sync_one(part)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(name for name in found if name != MANIFEST)


def _check_sizes(folder: Path, manifest: Manifest) -> None:
    for name in sorted({*_files(folder), *manifest.files}):
        path = folder / name
        if name not in manifest.files:
            raise CorruptIndexError(f"{path} does not belong there: remove it, or {_REBUILD}")
        if not path.is_file():
            raise CorruptIndexError(f"{path} is missing: {_REBUILD}")
        expected = manifest.files[name]["bytes"]
        if path.stat().st_size != expected:
            raise CorruptIndexError(
                f"{path} has {path.stat().st_size} bytes where {expected} were written: {_REBUILD}"
            )


def _check_counts(folder: Path, found: Generation) -> None:
    documents, passages, sentences = (getattr(found.manifest, name) for name in _COUNTED)
    words = found.lexical
    counts = (
        *found.store.counts(),
        len(found.passages),
        words.passages,
        len(found.sentences),
        words.sentences,
    )
    shapes = (found.sentence_starts.shape, found.documents.shape, found.tokens.segments)
    fits = (
        counts == (documents, passages, passages, passages, sentences, sentences)
        and shapes == ((passages + 1,), (passages,), passages + sentences)
        and found.sentence_starts[-1] == sentences
    )
    if not fits:
        raise CorruptIndexError(f"the parts of {folder} do not fit together: {_REBUILD}")


def _check_passages(path: Path, found: Generation) -> None:
    """Hold every passage against its document's text, and its document and sentences against their rows."""
    row = 0
    for number, document in enumerate(found.store.all_documents()):
        text = found.store.text(document.id)
        passages = found.store.passages_of(document.id)
        whole = len(text) == document.characters and len(passages) == document.passages
        if not whole or any(passage.span.of(text) != passage.text for passage in passages):
            raise CorruptIndexError(f"{path}: the passages of {document.path} are not its text: {_REBUILD}")
        rows = slice(row, row + len(passages))
        counts = np.diff(found.sentence_starts[row : row + len(passages) + 1]).tolist()
        if (found.documents[rows] != number).any() or counts != [len(one.sentences) for one in passages]:
            raise CorruptIndexError(f"{path}: the rows of {document.path} are not its passages: {_REBUILD}")
        row += len(passages)


def _check_vectors(folder: Path, found: Generation) -> None:
    """See that every vector has the length one, give or take what 16 bits lose, or none."""
    for name, kept in ((PASSAGES, found.passages), (SENTENCES, found.sentences)):
        for _, vectors in kept.blocks():
            lengths = np.linalg.norm(vectors, axis=1)
            if not ((np.abs(lengths - 1) < _LENGTH_LOST) | (lengths == 0)).all():
                raise CorruptIndexError(f"{folder / name} holds what is no unit vector: {_REBUILD}")
