"""The two parts of a build that may be shared out: reading files, and making vectors."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from qa import readers
from qa.index.dense import late_interaction, vectors
from qa.index.lexical import inverted_index
from qa.index.store import StoredDocument
from qa.indexing.documents import DocumentReader
from qa.indexing.incremental import Group, KeptVectors, encode
from qa.text.segmentation import passages
from qa.types import Encoder, Float32, ReadFailure, SourceFile

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
        return self._documents.read_all(files)

    def encode(self, projection: Float32, groups: Iterable[Group]) -> Iterator[Sequence[KeptVectors]]:
        """Give the vectors of each group's passages, while the next groups are read and encoded."""
        with ThreadPoolExecutor(_AHEAD) as threads:
            yield from in_order(
                lambda group: threads.submit(encode, self._encoder, projection, group).result, groups, _AHEAD
            )


def in_order(
    begin: Callable[[Group], Callable[[], Sequence[KeptVectors]]], groups: Iterable[Group], ahead: int
) -> Iterator[Sequence[KeptVectors]]:
    """Give what becomes of each group, in order, while the next ones are under way.

    Args:
        begin: begins with a group, and gives what waits for it.
        groups: of passages.
        ahead: how many may be under way.
    """
    under_way: deque[Callable[[], Sequence[KeptVectors]]] = deque()
    for group in groups:
        under_way.append(begin(group))
        if len(under_way) > ahead:
            yield under_way.popleft()()
    while under_way:
        yield under_way.popleft()()


def made_with(encoder: Encoder) -> dict[str, Any]:
    """Give what shapes an index beside the documents: the same on every node, or nothing is taken over."""
    return {
        "encoder": encoder.fingerprint,
        "readers": readers.VERSION,
        "passages": passages.VERSION,
        "lexical": inverted_index.VERSION,
        "interaction": late_interaction.VERSION,
        "vectors": vectors.VERSION,
    }
