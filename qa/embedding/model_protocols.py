"""What the rest of the program needs of models that encode, that rank anew, and that read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from qa.types import Float32, PassageInput, PassageVectors, QueryVectors, ReaderAnswer


class Encoder(Protocol):
    """An embedding model. ``fingerprint`` changes whenever its vectors may."""

    @property
    def name(self) -> str:
        """The name by which the user knows it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hex digits that change with anything that shapes the vectors."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """The length of the longest passage that it reads whole, in its own tokens."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, special tokens left out."""
        ...

    def count_query_tokens(self, questions: Sequence[str]) -> list[int]:
        """Count each question's tokens, as ``QueryVectors.token_count`` does."""
        ...

    def encode_queries(self, questions: Sequence[str]) -> list[QueryVectors]:
        """Return each question's vectors, in order."""
        ...

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Return each passage's vectors, in order."""
        ...

    def check(self, sentences: Sequence[str]) -> None:
        """Check on these sentences that the export gives the model's vectors, or raise ExportRefusedError."""
        ...

    def save(self, folder: Path, *, documents: bool = False) -> None:
        """Write all that encoding questions takes into a new folder, if possible.

        Args:
            folder: the new folder.
            documents: write all that encoding documents takes, too.
        """
        ...


class Reranker(Protocol):
    """A model that reads a question and a passage together: slower than an ``Encoder``, and more accurate."""

    @property
    def name(self) -> str:
        """The name by which the user knows it."""
        ...

    def score(self, question: str, passages: Sequence[str]) -> Float32:
        """Return the log odds that each passage answers the question, in order."""
        ...


class Reader(Protocol):
    """A model that marks the words of a passage that answer a question, or finds that none do."""

    @property
    def name(self) -> str:
        """The name by which the user knows it."""
        ...

    def read(self, question: str, passages: Sequence[str]) -> ReaderAnswer:
        """Return where the likeliest answer stands, and how likely there is one."""
        ...
