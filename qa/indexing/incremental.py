"""What a build takes over: documents and vectors of the live generation, and vectors out of the cache."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from qa import readers
from qa.embedding.model_protocols import Encoder
from qa.index.dense import late_interaction, vectors
from qa.index.generation import Generation
from qa.index.lexical import inverted_index, word_sequences
from qa.index.store import Store, StoredDocument
from qa.indexing.encoding import CompressedVectors
from qa.indexing.vector_cache import VectorCache
from qa.readers import recognition
from qa.text.segmentation import passages
from qa.types import Float32, ReadFailure, SourceFile

Known = int | CompressedVectors | None
"""A passage's known vectors: its row in the live generation, or those out of the cache; None: unknown."""

_SHAPE_VECTORS = "encoder", "interaction", "vectors"
"""What must be unchanged for vectors to be taken over, by its name in the manifest."""

_REASONS = {
    "encoder": "the model is another one",
    "readers": "this version reads files in another way",
    "recognition": "text in pictures is recognised in another way (`ocr`, or Tesseract's languages)",
    "passages": "this version divides texts in another way",
    "lexical": "this version indexes words in another way",
    "words": "this version compares the words of phrases in another way",
    "interaction": "this version keeps token vectors in another way",
    "vectors": "this version keeps vectors in another way",
}
"""Why an index must be rebuilt, by the name in the manifest of what has changed."""


def made_with(encoder: Encoder, ocr: str) -> dict[str, Any]:
    """Return what shapes an index beside the documents: if it differs, documents are not taken over.

    Args:
        encoder: the model.
        ocr: whether text in pictures is recognised, as the setting says.
    """
    return {
        "encoder": encoder.fingerprint,
        "readers": readers.VERSION,
        "recognition": recognition.fingerprint(ocr),
        "passages": passages.VERSION,
        "lexical": inverted_index.VERSION,
        "words": word_sequences.VERSION,
        "interaction": late_interaction.VERSION,
        "vectors": vectors.VERSION,
    }


def reason_to_build(
    live: Generation | None,
    made_with: dict[str, Any],
    files: Collection[SourceFile],
    failures: Collection[ReadFailure],
) -> str | None:
    """Return why a new generation is needed; None if the live one is up to date.

    Args:
        live: the live generation.
        made_with: what would shape a new one.
        files: the files in the documents folder that can be read.
        failures: those that cannot.
    """
    if live is None:
        return "there was no readable index"
    changed = [name for name, value in made_with.items() if live.manifest.made_with.get(name) != value]
    if changed:
        return f"full rebuild: {'; '.join(_REASONS[name] for name in changed)}"
    known, now = live.store.files(), {file.path: file for file in files}
    # Failures of rows belong to files whose documents are kept though the files are out of reach.
    unopened = {failure for failure in live.store.unopened() if not _concerns_rows(failure)}
    if known == now:
        return None if unopened == set(failures) else "other files than before cannot be read"
    new, gone = len(now.keys() - known.keys()), len(known.keys() - now.keys())
    altered = sum(known[path] != now[path] for path in known.keys() & now.keys())
    return f"files: {new} new, {altered} changed, {gone} gone"


class Previous:
    """The live generation, and the cache of vectors beside it, as a new build can use them."""

    def __init__(self, live: Generation | None, made_with: dict[str, Any], index: Path) -> None:
        """Find what can be taken over.

        Args:
            live: the live generation, if there is one.
            made_with: what shapes the new generation.
            index: the folder of the index.
        """
        self._live = live
        has_documents = live is not None and dict(live.manifest.made_with) == made_with
        self._unchanged = live.store.files() if live is not None and has_documents else {}
        self._vectors = live if live is not None and _have_same_vectors(live, made_with) else None
        self._rows: dict[str, int] = {}
        self._cache: VectorCache | None = None
        if self._vectors is not None:
            self._rows = {key: row for row, key in enumerate(self._vectors.store.vector_keys())}
            shaped_by = json.dumps([made_with[name] for name in _SHAPE_VECTORS])
            self._cache = VectorCache(index, shaped_by, self._vectors.tokens.projection)

    @property
    def projection(self) -> Float32 | None:
        """The projection of token vectors, shape (1 + dimension, width); None if none is taken over."""
        return None if self._vectors is None else self._vectors.tokens.projection

    def is_unchanged(self, file: SourceFile) -> bool:
        """Whether the live generation has this file's documents, as a new build would make them."""
        return self._unchanged.get(file.path) == file

    def documents(self, path: str, *, within_reach: bool) -> Iterator[StoredDocument | ReadFailure]:
        """Yield a file's documents and failures as they were stored.

        Args:
            path: the file's path.
            within_reach: whether the file can be looked at now. If not, the scan has noted its own failure.
        """
        if self._live is None:
            return
        yield from self._live.store.stored(path)
        for failure in self._live.store.failures(path):
            if within_reach or _concerns_rows(failure):
                yield failure

    def look_up(self, key: str) -> Known:
        """Return where the vectors of a passage are known, by its key."""
        row = self._rows.get(key)
        return self._cache.get(key) if row is None and self._cache is not None else row

    def vectors(self, known: int | CompressedVectors) -> CompressedVectors:
        """Return vectors that ``look_up`` found."""
        return self._copy(known) if isinstance(known, int) else known

    def keep_departing(self, new_store: Path) -> None:
        """Put the vectors of passages that are not in a new generation's store into the cache."""
        if self._cache is not None and self._vectors is not None and self._unchanged:
            with closing(Store(new_store)) as store:
                staying = set(store.vector_keys())
            departing = ((key, self._copy(row)) for key, row in self._rows.items() if key not in staying)
            self._cache.put(self._vectors.manifest.generation, departing)

    def _copy(self, row: int) -> CompressedVectors:
        live = self._vectors
        assert live is not None  # noqa: S101 -- only its rows are known
        first, last = map(int, live.sentence_starts[row : row + 2])
        tokens, counts = live.tokens.tokens(first + row, last + row + 1)
        sentences = live.sentences.vectors(np.arange(first, last))
        passage = live.passages.vectors(np.array([row]))[0]
        return CompressedVectors(passage, sentences, tokens, counts.tolist())


def _have_same_vectors(live: Generation, made_with: dict[str, Any]) -> bool:
    return all(live.manifest.made_with.get(name) == made_with[name] for name in _SHAPE_VECTORS)


def _concerns_rows(failure: ReadFailure) -> bool:
    """Whether a failure concerns rows of a table, or a file inside, rather than the whole file."""
    return failure.row is not None or failure.member is not None or failure.count > 1
