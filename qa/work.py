"""The two parts of a build that may be shared out: reading files, and making vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol

from qa.contracts import Encoder, Float32, ReadFailure, SourceFile
from qa.documents import DocumentReader
from qa.embed import Group, KeptVectors, encode
from qa.store import StoredDocument


class Workers(Protocol):
    """Who reads and encodes. Both give, whoever does it, the same in the same order."""

    def read(self, files: Sequence[SourceFile]) -> Iterator[Iterable[StoredDocument | ReadFailure]]:
        """Give each file's documents, to be taken before the next file's, in order."""
        ...

    def encode(self, projection: Float32, groups: Iterable[Group]) -> Iterator[Sequence[KeptVectors]]:
        """Give the vectors of each group's passages, in order; a few groups may be asked for ahead."""
        ...


class InProcess:
    """This process does it, one after another, as it is asked for."""

    def __init__(self, documents: DocumentReader, encoder: Encoder) -> None:
        self._documents = documents
        self._encoder = encoder

    def read(self, files: Sequence[SourceFile]) -> Iterator[Iterable[StoredDocument | ReadFailure]]:
        """Give each file's documents."""
        return map(self._documents.read, files)

    def encode(self, projection: Float32, groups: Iterable[Group]) -> Iterator[Sequence[KeptVectors]]:
        """Give the vectors of each group's passages."""
        return map(partial(encode, self._encoder, projection), groups)
