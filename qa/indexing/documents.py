"""Files become documents: read, split into passages, each with the key of its vectors."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate, groupby
from math import ceil

from qa.embedding.model_protocols import Encoder
from qa.errors import ReadError
from qa.index.passage_ids import document_id
from qa.index.store import StoredDocument
from qa.indexing.folder import Folder
from qa.readers.sandbox.parent import Contents, Reader
from qa.text import language, recognised, terms
from qa.text.segmentation import passages
from qa.types import Document, PassageInput, PassageSpan, ReadFailure, Reading, SourceFile, Span

_MOST_HEADINGS = 50_000
"""How many headings of a document are kept, to be shown: reading so many takes 0.1 s for each view."""

_TOKENS_A_WORD = 1.25
"""What a word of English takes, for texts whose words the tokenizer breaks into many pieces."""

_FLUENT = 0.9
"""Of a text with less fluency than this, words are counted instead of tokens: paragraphs would be split, and
their halves answer questions worse (``benchmarks/README.md``)."""

_FEWEST_LETTERS_A_TOKEN = 4
"""The words of a text with more letters a token need not be counted: unless they are very long, the model
knows its language well."""

_SAME_PATH = "is not read: another file inside has the same path"

_MEASURED = 1_000_000
"""How many characters the tokenizer gets between two looks at the clock: about a second's work."""


class Deadline:
    """A limit on the processor time that this thread spends on one document, from now on."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._end = time.thread_time() + seconds

    def check(self) -> None:
        """Raise ReadError if the time is up."""
        if time.thread_time() > self._end:
            raise ReadError(
                f"takes more than {self._seconds} seconds to divide into passages,"
                " which is the limit (read_seconds)"
            )


class DocumentReader:
    """Reads files of a folder as the documents that an index keeps."""

    def __init__(self, folder: Folder, reader: Reader, encoder: Encoder, seconds: int) -> None:
        """Create a reader of documents.

        Args:
            folder: where the files are.
            reader: reads them within its limits.
            encoder: the model, which decides how long a passage may be.
            seconds: the processor time that splitting one document into passages may take.
        """
        self._folder = folder
        self._reader = reader
        self._encoder = encoder
        self._seconds = seconds

    def read_all(self, files: Sequence[SourceFile]) -> Iterator[Iterator[StoredDocument | ReadFailure]]:
        """Yield each file's documents, without keys, and the reasons why it or a part of it cannot be read.

        Take each file's before the next file's.
        """
        return map(self._documents, files, self._reader.read_all(map(self._contents, files)))

    def _contents(self, file: SourceFile) -> Contents:
        try:
            return Contents(file.path, *self._folder.read_as_scanned(file))
        except ReadError as error:
            return Contents(file.path, error=str(error))

    def _documents(
        self, file: SourceFile, readings: Iterator[Reading | ReadFailure]
    ) -> Iterator[StoredDocument | ReadFailure]:
        members: set[str] = set()
        try:
            for reading in readings:
                found = reading if isinstance(reading, ReadFailure) else self._split_or_fail(file, reading)
                if isinstance(found, StoredDocument) and found.document.member is not None:
                    if found.document.id in members:  # "a.zip/b.txt" in "a.zip", and in a folder of this name
                        found = ReadFailure(file.path, _SAME_PATH, member=found.document.member)
                    else:
                        members.add(found.document.id)
                yield found
        except ReadError as error:
            yield ReadFailure(file.path, str(error))

    def _split_or_fail(self, file: SourceFile, reading: Reading) -> StoredDocument | ReadFailure:
        try:
            return self._split(file, reading)
        except ReadError as error:
            return ReadFailure(file.path, str(error), reading.key, member=reading.member)

    def _split(self, file: SourceFile, reading: Reading) -> StoredDocument:
        deadline = Deadline(self._seconds)
        document_language = reading.metadata.language or language.detect(reading.text)
        spans = passages.split_passages(
            reading,
            count_tokens=partial(self._measure, deadline),
            max_tokens=self._encoder.max_tokens,
            language=partial(language.detect_passage, document_language=document_language),
            check=deadline.check,
        )
        path = file.path if reading.member is None else f"{file.path}/{reading.member}"
        document = Document(
            id=document_id(path, reading.key),
            path=path,
            media_type=reading.media_type,
            sha256=reading.member_sha256 or file.sha256,
            metadata=replace(reading.metadata, language=document_language),
            characters=len(reading.text),
            passages=len(spans),
            pages=len(reading.pages) or None,
            row=reading.key,
            notes=reading.notes,
            member=reading.member,
            certainty=recognised.certainty(reading.recognised, Span(0, len(reading.text))),
            recognised_pages=len(reading.recognised),
        )
        page_starts = tuple(page.start for page in reading.pages)
        headings = (reading.headings or ())[:_MOST_HEADINGS]
        return StoredDocument(
            document, reading.text, headings, tuple(spans), (), page_starts, reading.recognised
        )

    def _measure(self, deadline: Deadline, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, or estimate them if the model doesn't know the language well."""
        sizes: list[int] = []
        for part in _parts(texts):
            deadline.check()
            counts = self._encoder.count_tokens(part)
            sizes += [_size(text, count) for text, count in zip(part, counts, strict=True)]
        return sizes


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Split a list of texts into parts of about ``_MEASURED`` characters."""
    sums = accumulate(map(len, texts))
    for _, part in groupby(zip(texts, sums, strict=True), key=lambda pair: pair[1] // _MEASURED):
        yield [text for text, _ in part]


def passage_input(stored: StoredDocument, passage: PassageSpan) -> PassageInput:
    """Return what the model reads of a passage."""
    start = passage.span.start
    sentences = tuple(Span(a - start, b - start) for a, b in passage.sentences)
    text = passage.span.slice(stored.text)
    header = passage.header and passage.header.slice(stored.text)
    context = passages.context(stored.document.metadata, passage.section, header)
    return PassageInput(context, text, sentences)


def _size(text: str, tokens: int) -> int:
    if tokens * _FEWEST_LETTERS_A_TOKEN < len(text):  # most texts: no need to count words
        return tokens
    words = terms.count_words(text)
    return tokens if language.fluency(tokens, words) >= _FLUENT else ceil(_TOKENS_A_WORD * words)


def vector_key(passage: PassageInput) -> str:
    """Return the key of a passage's vectors: a digest of everything that shapes them beside the model."""
    return hashlib.blake2b(repr(passage).encode(), digest_size=16).hexdigest()
