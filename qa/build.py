"""Documents in, a new generation of the index out: scan, read, reuse, embed, write, check, publish.

Whatever happens on the way, the generation that was live stays live until the new one is whole.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from qa import analysis, generation, ledger, lexical, shards
from qa.config import Settings
from qa.contracts import (
    BuildError,
    Encoder,
    IndexUnavailableError,
    LockedError,
    PassageInput,
    PassageSpan,
    ReadFailure,
    SourceFile,
)
from qa.documents import DocumentReader, passage_input
from qa.embed import PassageEmbedder
from qa.folder import Folder
from qa.generation import Generation, Manifest
from qa.reading import Limits, Reader
from qa.store import StoredDocument, StoreWriter, writing
from qa.work import InProcess, Workers, made_with

_GENERATIONS_KEPT = 2
_REASONS = {
    "encoder": "the model is another one",
    "readers": "this version reads files in another way",
    "passages": "this version divides texts in another way",
    "lexical": "this version indexes words in another way",
    "interaction": "this version keeps token vectors in another way",
    "vectors": "this version keeps vectors in another way",
}
"""What to say if a part of what shapes the index is not what it was, by its name in the manifest."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did.

    ``reason`` tells why it wrote a new generation, or that it had nothing to do; the failures are those of
    ``IndexInfo``.
    """

    generation: str
    changed: bool
    reason: str
    documents: int
    passages: int
    embedded: int
    seconds: float
    failures: tuple[ReadFailure, ...]
    unread_files: int
    failure_count: int
    unnamed_failures: int


def build(settings: Settings, encoder: Encoder, *, progress: bool = False) -> Report:
    """Bring the index up to date with the documents folder.

    Args:
        settings: where both are, and the limits.
        encoder: the model to embed with.
        progress: show progress bars on standard error.

    Raises:
        BuildError: the index cannot be written; the one that was live still is.
        LockedError: another process is building it.
        ModelError: the model cannot be loaded.
    """
    started = time.perf_counter()
    with _lock(settings.index), _told_of_disk(settings.index):
        _clean(settings.index)
        old = _live(settings.index)
        folder = Folder(settings.docs, settings.max_file_mb * 2**20)
        files, failures, skipped = folder.scan()
        shaped_by = made_with(encoder)
        reason = _reason(old, shaped_by, files, failures)
        if old is not None and reason is None:
            live, embedded = old, 0
        else:
            # A passage's tokens are too few to share out: cores would wait for one another. And no thread of
            # BLAS lives through a fork, so that a product then under way in this process would never end.
            with threadpool_limits(1, user_api="blas"):
                writer = _Build(settings, encoder, shaped_by, old, progress=progress)
                with _workers(settings, folder, encoder) as workers:
                    writer.write(workers, files, failures)
            live, embedded = writer.publish()
            shards.remove(settings.index)
        ledger.write(settings.index, live.folder, skipped)
        info = live.info
        return Report(
            info.generation, reason is not None, reason or "nothing has changed", info.documents,
            info.passages, embedded, time.perf_counter() - started, info.failures, info.unread_files,
            info.failure_count, info.unnamed_failures,
        )  # fmt: skip


def _reason(
    old: Generation | None, made_with: dict[str, Any], files: list[SourceFile], failures: list[ReadFailure]
) -> str | None:
    """Tell why a new generation is needed; None where it is not."""
    if old is None:
        return "there was no index that can be read"
    changed = [name for name, value in made_with.items() if old.manifest.made_with.get(name) != value]
    if changed:
        return f"full rebuild: {'; '.join(_REASONS[name] for name in changed)}"
    known, now = old.store.files(), {file.path: file for file in files}
    if known == now:
        return None if old.store.unopened() == set(failures) else "other files than before cannot be read"
    new, gone = len(now.keys() - known.keys()), len(known.keys() - now.keys())
    altered = sum(known[path] != now[path] for path in known.keys() & now.keys())
    return f"files: {new} new, {altered} changed, {gone} gone"


class _Build:
    """One new generation in the making, in a folder of its own that no reader looks at."""

    def __init__(
        self,
        settings: Settings,
        encoder: Encoder,
        made_with: dict[str, Any],
        old: Generation | None,
        *,
        progress: bool,
    ) -> None:
        self._created = datetime.now(UTC)
        self._id = f"{self._created:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._settings = settings
        self._folder = settings.index / "generations" / f".{self._id}"
        self._folder.mkdir(parents=True)
        self._encoder = encoder
        self._made_with = made_with
        self._old = old
        self._unchanged = old.store.files() if old and dict(old.manifest.made_with) == made_with else {}
        self._bar = partial(tqdm, disable=not progress, dynamic_ncols=True)
        self._words = lexical.LexicalWriter(self._folder / generation.LEXICAL)
        self._embedder = PassageEmbedder(self._folder, encoder, old if self._has_vectors() else None)
        self._languages: set[str] = set()
        self._documents_of = array("q")
        self._documents_written = 0

    def _has_vectors(self) -> bool:
        """Tell whether the old generation's vectors are those that would be made now."""
        return self._old is not None and all(
            self._old.manifest.made_with.get(name) == self._made_with[name]
            for name in ("encoder", "interaction", "vectors")
        )

    def write(self, workers: Workers, files: list[SourceFile], failures: list[ReadFailure]) -> None:
        """Write everything but the manifest, document after document."""
        with writing(self._folder / generation.STORE) as store:
            for failure in failures:
                store.add_failure(failure)
            self._embedder.write(self._passages(store, workers, files), workers.encode)
        documents_of = np.frombuffer(self._documents_of, np.int64)
        np.save(self._folder / generation.DOCUMENTS, documents_of, allow_pickle=False)
        self._words.close(self._languages)

    def _passages(
        self, store: StoreWriter, workers: Workers, files: list[SourceFile]
    ) -> Iterator[tuple[str, PassageInput]]:
        """Give every passage and the key of its vectors, while all but those is written."""
        read = workers.read([file for file in files if not self._is_unchanged(file)])
        for file in self._bar(files, desc="Indexing", unit="file"):
            store.add_file(file)
            for found in self._stored(file) if self._is_unchanged(file) else next(read):
                if isinstance(found, ReadFailure):
                    store.add_failure(found)
                else:
                    store.add(found)
                    yield from self._add(found)

    def _add(self, stored: StoredDocument) -> Iterator[tuple[str, PassageInput]]:
        for key, passage in zip(stored.keys, stored.passages, strict=True):
            self._words.add(_terms(stored, passage))
            self._languages.update([passage.language] if passage.language else [])
            self._documents_of.append(self._documents_written)
            yield key, passage_input(stored, passage)
        self._documents_written += 1

    def _is_unchanged(self, file: SourceFile) -> bool:
        return self._unchanged.get(file.path) == file

    def _stored(self, file: SourceFile) -> Iterator[StoredDocument | ReadFailure]:
        """Give an unchanged file's documents, as they were stored."""
        assert self._old is not None  # noqa: S101 -- only what it holds is unchanged
        yield from self._old.store.stored(file.path)
        yield from self._old.store.failures(file.path)

    def publish(self) -> tuple[Generation, int]:
        """Finish, check what was written, and make it the live generation.

        Returns:
            The generation, and how many passages had to be embedded.
        """
        found = self._embedder.close(self._settings.memory * 2**20)
        Manifest(
            format=generation.FORMAT,
            generation=self._id,
            created=self._created.isoformat(timespec="seconds"),
            model=self._encoder.name,
            made_with=self._made_with,
            documents=self._documents_written,
            passages=len(self._documents_of),
            sentences=self._embedder.sentences,
            dimension=self._encoder.dimension,
            vectors=found,
            files=generation.describe_files(self._folder),
        ).write(self._folder)
        generation.sync(self._folder)
        generation.verify(self._folder)
        published = self._folder.rename(self._folder.with_name(self._id))
        generation.point_to(self._settings.index, self._id)
        return generation.load(published), self._embedder.embedded


@contextmanager
def _workers(settings: Settings, folder: Folder, encoder: Encoder) -> Iterator[Workers]:
    """Have those ready who read and encode."""
    limits = Limits(settings.read_seconds, settings.read_memory * 2**20)
    if settings.ray:
        from qa import cluster  # noqa: PLC0415 -- Ray is an extra

        kept = shards.Shards(settings.index, encoder.fingerprint)
        with cluster.connected(settings.ray, folder, limits, encoder, kept) as workers:
            yield workers
    else:
        with Reader(limits) as reader:
            yield InProcess(DocumentReader(folder, reader, encoder), encoder)


def _terms(stored: StoredDocument, passage: PassageSpan) -> lexical.PassageTerms:
    """Give what is searched by word: title, section and headings, and the passage itself."""
    lead = (span.of(stored.text) for span in passage.lead)
    fields = (stored.document.metadata.title, passage.section, *lead)
    languages = [passage.language] if passage.language else []
    context = "\n".join(field for field in fields if field)
    return lexical.PassageTerms(
        list(analysis.terms(context, languages)),
        [list(analysis.terms(span.of(stored.text), languages)) for span in passage.sentences],
    )


def _live(index: Path) -> Generation | None:
    """Open the live generation; one that is not what was written is built anew, never copied from."""
    try:
        folder = generation.current(index)
        generation.check_files(folder)
        return generation.load(folder)
    except IndexUnavailableError:
        return None


@contextmanager
def _lock(index: Path) -> Iterator[None]:
    """Hold the index for writing. The system lets go of a dead process's lock by itself."""
    try:
        index.mkdir(parents=True, exist_ok=True)
        file = (index / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise BuildError(f"{index} cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise LockedError(f"{index} is being built by {holder}: wait until it has finished") from error
        file.truncate(0)
        file.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        file.flush()
        yield


@contextmanager
def _told_of_disk(index: Path) -> Iterator[None]:
    """Say what a failure to write means: nothing is lost."""
    try:
        yield
    except OSError as error:
        kept = "; the index that was live still is" if (index / generation.POINTER).exists() else ""
        raise BuildError(f"the index in {index} cannot be written: {error}{kept}") from error


def _clean(index: Path) -> None:
    """Remove what an unfinished build left, and old generations but the last few and those that are read."""
    folders = sorted(path for path in (index / "generations").glob("*") if path.is_dir())
    try:
        live = generation.current(index)
    except IndexUnavailableError:
        live = None
    finished = [folder for folder in folders if not folder.name.startswith(".") and folder != live]
    for folder in finished[: 1 - _GENERATIONS_KEPT or None]:
        generation.remove_unless_read(folder)
    for folder in folders:
        if folder.name.startswith("."):
            shutil.rmtree(folder)
