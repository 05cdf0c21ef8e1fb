"""The two parts of a build that may be shared out: reading files, and making vectors."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from qa.contracts import Encoder, Float32, ReadFailure, SourceFile
from qa.documents import DocumentReader
from qa.embed import Group, KeptVectors, encode
from qa.store import StoredDocument

_AHEAD = 2
"""How many groups are encoded at once: while one's vectors are put together, the model reads the next."""


class Workers(Protocol):
    """Who reads and encodes. Both give, whoever does it, the same in the same order."""

    def read(self, files: Sequence[SourceFile]) -> Iterator[Iterable[StoredDocument | ReadFailure]]:
        """Give each file's documents, to be taken before the next file's, in order."""
        ...

    def encode(self, projection: Float32, groups: Iterable[Group]) -> Iterator[Sequence[KeptVectors]]:
        """Give the vectors of each group's passages, in order; a few groups may be asked for ahead."""
        ...


class InProcess:
    """This process does it: it reads what comes next while it encodes what it has read."""

    def __init__(self, documents: DocumentReader, encoder: Encoder) -> None:
        self._documents = documents
        self._encoder = encoder

    def read(self, files: Sequence[SourceFile]) -> Iterator[Iterable[StoredDocument | ReadFailure]]:
        """Give each file's documents."""
        return map(self._documents.read, files)

    def encode(self, projection: Float32, groups: Iterable[Group]) -> Iterator[Sequence[KeptVectors]]:
        """Give the vectors of each group's passages, while the next groups are read and encoded."""
        with ThreadPoolExecutor(_AHEAD) as threads:
            under_way: deque[Future[list[KeptVectors]]] = deque()
            for group in groups:
                under_way.append(threads.submit(encode, self._encoder, projection, group))
                if len(under_way) > _AHEAD:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
