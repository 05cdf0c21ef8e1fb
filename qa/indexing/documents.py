"""Files to documents: read, divided into passages, each with the key by which its vectors are known."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate, groupby
from math import ceil

from qa.errors import ReadError
from qa.index.store import StoredDocument
from qa.indexing.folder import Folder
from qa.readers.sandbox.parent import Contents, Reader
from qa.text import language, terms
from qa.text.segmentation import passages
from qa.types import Document, Encoder, PassageInput, PassageSpan, ReadFailure, Reading, SourceFile, Span

_MOST_HEADINGS = 50_000
"""So many are kept of a document, to be shown: each view of it reads them, which takes 0.1 s then."""

_LEGIBLE = 0.5
_TOKENS_A_WORD = 1.25  # what English takes
_FEWEST_LETTERS_A_TOKEN = 3
_MEASURED = 1_000_000
"""How many characters are given to the tokenizer between two looks at the clock: about a second's work."""


class Deadline:
    """A limit on the processor's time that this thread spends on one document, from when it is made."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._end = time.thread_time() + seconds

    def check(self) -> None:
        """Raise ReadError where the time is up."""
        if time.thread_time() > self._end:
            raise ReadError(
                f"takes more than {self._seconds} seconds to divide into passages,"
                " which is the limit (read_seconds)"
            )


class DocumentReader:
    """Reads files of a folder as the documents that an index keeps."""

    def __init__(self, folder: Folder, reader: Reader, encoder: Encoder, seconds: int) -> None:
        """Begin.

        Args:
            folder: where the files are.
            reader: reads them within its limits.
            encoder: tells how long a passage may be.
            seconds: of the processor's time that it may take to divide one document into passages.
        """
        self._folder = folder
        self._reader = reader
        self._encoder = encoder
        self._seconds = seconds

    def read_all(self, files: Sequence[SourceFile]) -> Iterator[Iterator[StoredDocument | ReadFailure]]:
        """Yield each file's documents, and why it, or a part of it, cannot be read.

        Each file's are to be taken before the next file's.
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
        try:
            for reading in readings:
                yield reading if isinstance(reading, ReadFailure) else self._divided(file, reading)
        except ReadError as error:
            yield ReadFailure(file.path, str(error))

    def _divided(self, file: SourceFile, reading: Reading) -> StoredDocument | ReadFailure:
        try:
            return self._split(file, reading)
        except ReadError as error:
            return ReadFailure(file.path, str(error), reading.key)

    def _split(self, file: SourceFile, reading: Reading) -> StoredDocument:
        deadline = Deadline(self._seconds)
        speaks = reading.metadata.language or language.detect(reading.text)
        found = passages.split_passages(
            reading,
            count_tokens=partial(self._measure, deadline),
            max_tokens=self._encoder.max_tokens,
            language=partial(language.detect_passage, document_language=speaks),
            check=deadline.check,
        )
        name = file.path if reading.key is None else f"{file.path}\0{reading.key}"
        document = Document(
            id=hashlib.sha256(name.encode()).hexdigest()[:16],
            path=file.path,
            media_type=reading.media_type,
            sha256=file.sha256,
            metadata=replace(reading.metadata, language=speaks),
            characters=len(reading.text),
            passages=len(found),
            pages=len(reading.pages) or None,
            row=reading.key,
            notes=reading.notes,
        )
        page_starts = tuple(page.start for page in reading.pages)
        headings = (reading.headings or ())[:_MOST_HEADINGS]
        stored = StoredDocument(document, reading.text, headings, tuple(found), (), page_starts)
        return replace(stored, keys=tuple(_key(passage_input(stored, passage)) for passage in found))

    def _measure(self, deadline: Deadline, texts: Sequence[str]) -> list[int]:
        """Count tokens, or what a text's words would take where the model knows but the letters."""
        sizes: list[int] = []
        for part in _parts(texts):
            deadline.check()
            counts = self._encoder.count_tokens(part)
            sizes += [_size(text, count) for text, count in zip(part, counts, strict=True)]
        return sizes


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Divide texts where they add up to as many characters as are measured at once."""
    sums = accumulate(map(len, texts))
    for _, part in groupby(zip(texts, sums, strict=True), key=lambda one: one[1] // _MEASURED):
        yield [text for text, _ in part]


def passage_input(stored: StoredDocument, passage: PassageSpan) -> PassageInput:
    """Give what the model reads."""
    start = passage.span.start
    sentences = tuple(Span(a - start, b - start) for a, b in passage.sentences)
    text = passage.span.of(stored.text)
    return PassageInput(passages.context(stored.document.metadata, passage.section), text, sentences)


def _size(text: str, tokens: int) -> int:
    if tokens * _FEWEST_LETTERS_A_TOKEN < len(text):  # most texts: no need to count words
        return tokens
    words = terms.count_words(text)
    return tokens if language.fluency(tokens, words) >= _LEGIBLE else ceil(_TOKENS_A_WORD * words)


def _key(passage: PassageInput) -> str:
    """Name the vectors of a passage by all that shapes them beside the model."""
    return hashlib.blake2b(repr(passage).encode(), digest_size=16).hexdigest()
