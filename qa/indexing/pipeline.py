"""A new generation, written document by document: store, terms, vectors.

Reading runs ahead of encoding: while batches of passages are encoded, the next documents are read and
written.
"""

from __future__ import annotations

import secrets
from array import array
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from qa import files
from qa.arrays import offsets
from qa.config import Settings
from qa.embedding.model_protocols import Encoder
from qa.embedding.models import token_form
from qa.index import generation
from qa.index.dense import late_interaction, vectors
from qa.index.generation import Generation
from qa.index.lexical import inverted_index
from qa.index.lexical.known_words import frequent_languages, write_known_words
from qa.index.lexical.word_sequences import WordSequences, WordSequencesWriter
from qa.index.manifest import FORMAT, Manifest, describe_files
from qa.index.store import StoredDocument
from qa.index.store_writer import StoreWriter, writing
from qa.indexing.document_words import document_words
from qa.indexing.documents import passage_input, vector_key
from qa.indexing.incremental import Known, Previous
from qa.indexing.workers import Wait, Workers
from qa.stores.publication import make_live
from qa.text import terms
from qa.types import Float32, PassageInput, PassageSpan, ReadFailure, SourceFile

BATCH_SIZE = 128
"""Passages encoded together: enough to group those of similar length, few enough to start early."""

_CHECKED_SENTENCES = 64
"""About how many sentences the encoder checks itself on."""

Documents = Iterable[StoredDocument | ReadFailure]

_T = TypeVar("_T")


class Draft:
    """A new generation being written, in a folder of its own that no reader looks at."""

    def __init__(
        self,
        settings: Settings,
        encoder: Encoder,
        made_with: dict[str, Any],
        previous: Previous,
        workers: Workers,
    ) -> None:
        """Create the folder.

        Args:
            settings: the settings of the index.
            encoder: the model.
            made_with: what shapes the generation beside the documents.
            previous: what can be taken over.
            workers: what reads and encodes.
        """
        self._created = datetime.now(UTC)
        self._id = f"{self._created:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._settings = settings
        self._folder = settings.index / generation.GENERATIONS / f".{self._id}"
        self._folder.mkdir(parents=True)
        self._encoder = encoder
        self._made_with = made_with
        self._previous = previous
        self._workers = workers
        self._lexical = inverted_index.LexicalWriter(self._folder / generation.LEXICAL)
        self._words = WordSequencesWriter(self._folder / generation.WORDS)
        self._embedder = PassageEmbedder(self._folder, encoder, previous, workers)
        self._languages: set[str] = set()
        self._documents_of = array("q")
        self._language_of: list[str] = []
        self._document_count = 0

    def write(
        self,
        readable: Sequence[SourceFile],
        failures: Collection[ReadFailure],
        kept: Collection[str],
        *,
        progress: bool,
    ) -> None:
        """Write everything but the manifest.

        Args:
            readable: the files that can be read.
            failures: the failures of those that cannot.
            kept: paths of files that are out of reach and whose documents stay as they were.
            progress: show a progress bar on standard error.
        """
        by_path: dict[str, SourceFile | None] = dict.fromkeys(kept) | {file.path: file for file in readable}
        reading = self._workers.read([file for file in readable if not self._previous.is_unchanged(file)])
        paths = tqdm(sorted(by_path), desc="Indexing", unit="file", disable=not progress, dynamic_ncols=True)
        with writing(self._folder / generation.STORE) as store:
            for failure in failures:
                store.add_failure(failure)
            for path in paths:
                self._write_file(store, path, by_path[path], reading)
            self._embedder.finish()
        documents_of = np.frombuffer(self._documents_of, np.int64)
        np.save(self._folder / generation.DOCUMENTS, documents_of, allow_pickle=False)
        language_of = np.array(self._language_of, generation.LANGUAGE)
        np.save(self._folder / generation.LANGUAGES, language_of, allow_pickle=False)
        self._lexical.close(self._languages)
        self._words.close()
        words = WordSequences(self._folder / generation.WORDS)
        counts = words.counts(np.arange(1, words.words + 1))
        languages = frequent_languages(self._language_of)
        spelling = self._folder / generation.SPELLING
        write_known_words(spelling, words.iterate(), counts, languages, self._settings.cache)

    def _write_file(
        self, store: StoreWriter, path: str, file: SourceFile | None, reading: Iterator[Documents]
    ) -> None:
        """Write a file's documents: read now, or taken over if it is unchanged or (None) out of reach."""
        if file:
            store.add_file(file)
        if file and not self._previous.is_unchanged(file):
            documents = next(reading)
        else:
            documents = self._previous.documents(path, within_reach=file is not None)
        for document in documents:
            if isinstance(document, ReadFailure):
                store.add_failure(document)
            else:
                self._write_document(store, document)

    def _write_document(self, store: StoreWriter, document: StoredDocument) -> None:
        """Write a document and its terms, and hand its passages to the embedder."""
        inputs = [passage_input(document, passage) for passage in document.passages]
        if len(document.keys) != len(inputs):  # it was read just now
            document = replace(document, keys=tuple(map(vector_key, inputs)))
        store.add(document)
        self._words.add(document_words(document))
        for passage, key, model_input in zip(document.passages, document.keys, inputs, strict=True):
            self._lexical.add(_terms(document, passage))
            self._languages.update([passage.language] if passage.language else [])
            self._documents_of.append(self._document_count)
            self._language_of.append(passage.language or document.document.metadata.language or "")
            self._embedder.add(key, model_input)
        self._document_count += 1

    def publish(self) -> tuple[Generation, int]:
        """Finish, check what was written, and make it the live generation.

        Returns:
            The generation, and how many passages were embedded.
        """
        vector_index = self._embedder.close(self._settings.vector_memory_mb * 2**20)
        Manifest(
            format=FORMAT,
            generation=self._id,
            created=self._created.isoformat(timespec="seconds"),
            model=self._encoder.name,
            made_with=self._made_with,
            documents=self._document_count,
            passages=len(self._documents_of),
            sentences=self._embedder.sentences,
            dimension=self._encoder.dimension,
            vectors=vector_index,
            files=describe_files(self._folder),
        ).write(self._folder)
        files.sync_tree(self._folder)
        generation.verify(self._folder)
        self._previous.keep_departing(self._folder / generation.STORE)
        published = make_live(self._settings.index, self._folder, self._id)
        return generation.load(published), self._embedder.embedded


class PassageEmbedder:
    """Writes the vectors of passages, in order and in batches: encoded ahead, or taken over."""

    def __init__(self, folder: Path, encoder: Encoder, previous: Previous, workers: Workers) -> None:
        """Start loading the model, which takes a while, in the background.

        Args:
            folder: the folder of the new generation.
            encoder: the model.
            previous: known vectors.
            workers: what encodes.
        """
        self._folder = folder
        self._encoder = encoder
        self._previous = previous
        self._workers = workers
        self._loading = _in_background(lambda: _projection(encoder, previous))
        self._checking: Future[None] | None = None
        self._batch: list[tuple[str, PassageInput]] = []
        self._under_way: deque[tuple[list[Known], Wait]] = deque()
        self._passages = vectors.VectorWriter(folder / generation.PASSAGES)
        self._sentences = vectors.VectorWriter(folder / generation.SENTENCES)
        self._counts = array("q")
        self.embedded = 0

    @property
    def sentences(self) -> int:
        """How many sentences have been written."""
        return self._sentences.count

    @cached_property
    def _tokens(self) -> late_interaction.TokenWriter:
        return late_interaction.TokenWriter(self._folder / generation.TOKENS, self._loading.result())

    @cached_property
    def _encode(self) -> Callable[[Sequence[tuple[str, PassageInput]]], Wait]:
        return self._workers.encoding(self._loading.result())

    def add(self, key: str, passage: PassageInput) -> None:
        """Add a passage. A full batch starts to be encoded, and the oldest batch under way may be written.

        Args:
            key: stands for everything that shapes the passage's vectors beside the model.
            passage: what the model reads.
        """
        self._batch.append((key, passage))
        if len(self._batch) == BATCH_SIZE:
            self._start_batch()

    def finish(self) -> None:
        """Encode and write what is left."""
        if self._batch:
            self._start_batch()
        while self._under_way:
            self._write_oldest()
        self._tokens.close()

    def close(self, memory: int) -> dict[str, Any]:
        """Save the encoder and build the index of the vectors; return the description of its kind.

        Args:
            memory: what the index of the vectors may take, in bytes.
        """
        starts = offsets(np.frombuffer(self._counts, np.int64))
        np.save(self._folder / generation.SENTENCE_STARTS, starts, allow_pickle=False)
        self._encoder.save(self._folder / generation.ENCODER)
        sentences = vectors.Vectors(self._folder / generation.SENTENCES, self._encoder.dimension)
        return vectors.invert(sentences, self._folder / generation.INVERTED, memory)

    def _start_batch(self) -> None:
        batch, self._batch = self._batch, []
        known = [self._previous.look_up(key) for key, _ in batch]
        new = [passage for passage, place in zip(batch, known, strict=True) if place is None]
        self.embedded += len(new)
        if self._checking is None:
            self._start_check([passage for _, passage in new])
        self._under_way.append((known, self._encode(new) if new else tuple))
        if len(self._under_way) > self._workers.ahead:
            self._write_oldest()

    def _start_check(self, passages: Sequence[PassageInput]) -> None:
        """Let an encoder that made no index yet check itself, on sentences from all over the first batch."""
        sentences: list[str] = []
        if self._previous.projection is None:
            # Among equal sentences it is chance which are nearest, so each is taken once.
            every = (span.slice(passage.text) for passage in passages for span in passage.sentences)
            sentences = list(dict.fromkeys(every))
        step = max(1, -(-len(sentences) // _CHECKED_SENTENCES))
        self._loading.result()
        self._checking = _in_background(lambda: self._encoder.check(sentences[::step]) if sentences else None)

    def _write_oldest(self) -> None:
        """Wait for the oldest batch under way, and write its vectors."""
        if self._checking is not None:
            self._checking.result()
        known, wait = self._under_way.popleft()
        encoded: Iterator[Any] = iter(wait())
        batch = [next(encoded) if place is None else self._previous.vectors(place) for place in known]
        self._passages.add(np.stack([passage.passage for passage in batch]))
        self._sentences.add(np.concatenate([passage.sentences for passage in batch]))
        tokens = np.concatenate([passage.tokens for passage in batch])
        self._tokens.add(tokens, chain.from_iterable(passage.token_counts for passage in batch))
        self._counts.extend(len(passage.sentences) for passage in batch)


def _terms(document: StoredDocument, passage: PassageSpan) -> inverted_index.PassageTerms:
    """Return what is searched by word: title, section and headings as context, and the passage itself.

    The words of the path that the title and the section lack are context, too.
    """
    lead = (span.slice(document.text) for span in passage.lead)
    fields = (document.document.metadata.title, passage.section, *lead)
    languages = [passage.language] if passage.language else []
    context = "\n".join(field for field in fields if field)
    known = set(terms.words_of_path(context))
    named = [word for word in terms.words_of_path(document.document.path) if word not in known]
    context = "\n".join([context, *named])
    return inverted_index.PassageTerms(
        list(terms.terms(context, languages)),
        [list(terms.terms(span.slice(document.text), languages)) for span in passage.sentences],
    )


def _projection(encoder: Encoder, previous: Previous) -> Float32:
    if previous.projection is not None:
        return previous.projection
    form = token_form(encoder.name)
    return late_interaction.projection_for(encoder, form.width, centred=form.centred)


def _in_background(compute: Callable[[], _T]) -> Future[_T]:
    thread = ThreadPoolExecutor(1)
    future = thread.submit(compute)
    thread.shutdown(wait=False)
    return future
