"""The two parts of a build that can be shared out: reading files, and encoding passages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from qa.embedding.model_protocols import Encoder
from qa.index.store import StoredDocument
from qa.indexing.documents import DocumentReader
from qa.indexing.encoding import Batch, CompressedVectors, encode
from qa.types import Float32, ReadFailure, SourceFile

Wait = Callable[[], Sequence[CompressedVectors]]
"""Waits for the vectors of a batch that is being encoded, and returns them in the order of its passages."""

IN_PROCESS_AHEAD = 2
"""Batches encoded at once by threads: the model reads one while the other's vectors are put together."""


class Workers(Protocol):
    """What reads files and encodes passages. Every implementation gives the same, in the same order."""

    @property
    def ahead(self) -> int:
        """How many batches may be under way beside the one that is waited for."""
        ...

    def read(self, files: Sequence[SourceFile]) -> Iterator[Iterable[StoredDocument | ReadFailure]]:
        """Yield each file's documents. Take them before the next file's."""
        ...

    def encoding(self, projection: Float32) -> Callable[[Batch], Wait]:
        """Return a function that starts encoding a batch, with the given projection of token vectors."""
        ...


class InProcess:
    """This process reads and encodes: threads encode batches while it reads the next documents."""

    ahead = IN_PROCESS_AHEAD

    def __init__(self, documents: DocumentReader, encoder: Encoder, threads: ThreadPoolExecutor) -> None:
        self._documents = documents
        self._encoder = encoder
        self._threads = threads

    def read(self, files: Sequence[SourceFile]) -> Iterator[Iterable[StoredDocument | ReadFailure]]:
        """Yield each file's documents. Take them before the next file's."""
        return self._documents.read_all(files)

    def encoding(self, projection: Float32) -> Callable[[Batch], Wait]:
        """Return a function that starts encoding a batch in a thread."""
        encode_batch = partial(encode, self._encoder, projection)
        return lambda batch: self._threads.submit(encode_batch, batch).result
