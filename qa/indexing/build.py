"""Documents in, a new generation of the index out: scan, read, reuse, embed, write, check, publish.

Whatever happens on the way, the generation that was live stays live until the new one is whole.
"""

from __future__ import annotations

import json
import secrets
import time
from array import array
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from qa.config import Settings
from qa.errors import BuildError, IndexUnavailableError
from qa.index import generation
from qa.index.generation import Generation, Manifest
from qa.index.lexical import inverted_index
from qa.index.store import Store, StoredDocument, StoreWriter, writing
from qa.indexing import ledger, lock, retention, safeguard, shards
from qa.indexing.documents import DocumentReader, passage_input
from qa.indexing.folder import Folder, Scan, lies_in
from qa.indexing.incremental import KeptVectors, PassageEmbedder
from qa.indexing.vector_cache import VectorCache
from qa.indexing.workers import InProcess, Workers, made_with
from qa.readers.sandbox.parent import Reader
from qa.readers.sandbox.resource_limits import Limits
from qa.text import terms
from qa.types import Encoder, PassageInput, PassageSpan, ReadFailure, SourceFile

_KEPT = "; what was indexed of it is kept"
_SHAPE_VECTORS = "encoder", "interaction", "vectors"
"""What must be the same for vectors to be taken over, by its name in the manifest."""

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


def build(
    settings: Settings,
    encoder: Encoder,
    *,
    progress: bool = False,
    allow_empty: bool = False,
    forgotten: Collection[str] = (),
) -> Report:
    """Bring the index up to date with the documents folder.

    Args:
        settings: where both are, and the limits.
        encoder: the model to embed with.
        progress: show progress bars on standard error.
        allow_empty: build also where most of the indexed files are gone at once.
        forgotten: files and folders that are meant to be gone.

    Raises:
        BuildError: the index cannot be written; the one that was live still is.
        DocumentsGoneError: the documents folder is gone, or most of what is indexed of it.
        LockedError: another process is building it.
        ModelError: the model cannot be loaded.
        SettingsError: the documents folder is the index's own, or in it.
    """
    safeguard.check_apart(settings)
    with lock.hold(settings.index), _told_of_disk(settings.index):
        retention.clean(settings.index, settings.retention_days)
        report = _update(settings, encoder, forgotten, progress=progress, allow_empty=allow_empty)
        retention.expire(settings.index, settings.retention_days)  # once nobody here reads what was live
        return report


def _update(
    settings: Settings, encoder: Encoder, forgotten: Collection[str], *, progress: bool, allow_empty: bool
) -> Report:
    started, old = time.perf_counter(), _live(settings.index)
    folder = Folder(settings.docs, settings.max_file_mb * 2**20, settings.own_paths())
    scan, shaped_by = folder.scan(), made_with(encoder)
    kept = _out_of_reach(old, shaped_by, scan)
    if not allow_empty:
        _refuse_vanished(settings, old, scan, {*kept, *forgotten}, handful=not forgotten)
    failures = _marked(scan, kept)
    reason = _reason(old, shaped_by, scan.files, failures)
    if old is not None and reason is None:
        live, embedded = old, 0
    else:
        # A passage's tokens are too few to share out: cores would wait for one another. And no thread of
        # BLAS lives through a fork, so that a product then under way in this process would never end.
        with threadpool_limits(1, user_api="blas"):
            writer = _Build(settings, encoder, shaped_by, old, progress=progress)
            with _workers(settings, folder, encoder) as workers:
                writer.write(workers, scan.files, failures, kept)
        live, embedded = writer.publish()
        shards.remove(settings.index)
    ledger.write(settings.index, live.folder, scan.skipped, scan.mounts)
    info = live.info
    return Report(
        info.generation, reason is not None, reason or "nothing has changed", info.documents,
        info.passages, embedded, time.perf_counter() - started, info.failures, info.unread_files,
        info.failure_count, info.unnamed_failures,
    )  # fmt: skip


def _refuse_vanished(
    settings: Settings, old: Generation | None, scan: Scan, accounted: Collection[str], *, handful: bool
) -> None:
    """Raise DocumentsGoneError where most files are gone at once.

    Args:
        settings: where the documents and the index are.
        old: the live generation.
        scan: what is in the documents folder.
        accounted: files and folders that are known to be gone, or to be kept.
        handful: let a handful of files go, whatever their share.
    """
    known = safeguard.indexed_files(settings.index, old)
    expected = {path: file for path, file in known.items() if not lies_in(path, accounted)}
    mounts = ledger.mounts(settings.index)
    safeguard.check(settings.docs, expected, scan, mounts, safeguard.HANDFUL if handful else 0)


def _out_of_reach(old: Generation | None, made_with: dict[str, Any], scan: Scan) -> list[str]:
    """List the files that cannot be looked at for now, and whose documents are kept as they were indexed."""
    if not scan.out_of_reach or old is None or dict(old.manifest.made_with) != made_with:
        return []
    places = set(scan.out_of_reach)
    return [path for path in old.store.paths() if lies_in(path, places)]


def _marked(scan: Scan, kept: Collection[str]) -> list[ReadFailure]:
    """Give the failures of a scan, and say of which the documents are kept."""
    holding = {str(place) for path in kept for place in (path, *PurePosixPath(path).parents)}
    places = holding.intersection(scan.out_of_reach)
    return [
        replace(failure, reason=failure.reason + _KEPT) if failure.path in places else failure
        for failure in scan.failures
    ]


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
    # Those of rows are of a file whose documents are kept though it cannot be looked at.
    unread = {failure for failure in old.store.unopened() if not _is_of_rows(failure)}
    if known == now:
        return None if unread == set(failures) else "other files than before cannot be read"
    new, gone = len(now.keys() - known.keys()), len(known.keys() - now.keys())
    altered = sum(known[path] != now[path] for path in known.keys() & now.keys())
    return f"files: {new} new, {altered} changed, {gone} gone"


def _is_of_rows(failure: ReadFailure) -> bool:
    """Whether it is of a row of a table, or of several, not of the whole file."""
    return failure.row is not None or failure.count > 1


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
        self._words = inverted_index.LexicalWriter(self._folder / generation.LEXICAL)
        self._cache = self._vector_cache()
        self._embedder = PassageEmbedder(
            self._folder,
            encoder,
            old if self._has_vectors() else None,
            self._cache.get if self._cache else _not_cached,
        )
        self._languages: set[str] = set()
        self._documents_of = array("q")
        self._documents_written = 0

    def _has_vectors(self) -> bool:
        """Tell whether the old generation's vectors are those that would be made now."""
        return self._old is not None and all(
            self._old.manifest.made_with.get(name) == self._made_with[name] for name in _SHAPE_VECTORS
        )

    def _vector_cache(self) -> VectorCache | None:
        """Open the cache of what has left the index: with the old generation's projection."""
        if self._old is None or not self._has_vectors():
            return None
        shaped_by = json.dumps([self._made_with[name] for name in _SHAPE_VECTORS])
        return VectorCache(self._settings.index, shaped_by, self._old.tokens.projection)

    def write(
        self, workers: Workers, files: list[SourceFile], failures: list[ReadFailure], kept: Collection[str]
    ) -> None:
        """Write everything but the manifest, document after document.

        Args:
            workers: who reads and encodes.
            files: what can be read.
            failures: what cannot.
            kept: files that cannot be looked at, whose documents stay as they were.
        """
        with writing(self._folder / generation.STORE) as store:
            for failure in failures:
                store.add_failure(failure)
            self._embedder.write(self._passages(store, workers, files, kept), workers.encode)
        documents_of = np.frombuffer(self._documents_of, np.int64)
        np.save(self._folder / generation.DOCUMENTS, documents_of, allow_pickle=False)
        self._words.close(self._languages)

    def _passages(
        self, store: StoreWriter, workers: Workers, files: list[SourceFile], kept: Collection[str]
    ) -> Iterator[tuple[str, PassageInput]]:
        """Give every passage and the key of its vectors, while all but those is written."""
        read = workers.read([file for file in files if not self._is_unchanged(file)])
        by_path: dict[str, SourceFile | None] = dict.fromkeys(kept) | {file.path: file for file in files}
        for path in self._bar(sorted(by_path), desc="Indexing", unit="file"):
            if file := by_path[path]:
                store.add_file(file)
            for found in next(read) if file and not self._is_unchanged(file) else self._stored(path, file):
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

    def _stored(self, path: str, file: SourceFile | None) -> Iterator[StoredDocument | ReadFailure]:
        """Give the documents of a file that is unchanged or cannot be looked at, as they were stored."""
        assert self._old is not None  # noqa: S101 -- only what it holds is unchanged
        yield from self._old.store.stored(path)
        for failure in self._old.store.failures(path):
            if file or _is_of_rows(failure):
                yield failure

    def publish(self) -> tuple[Generation, int]:
        """Finish, check what was written, and make it the live generation.

        Returns:
            The generation, and how many passages had to be embedded.
        """
        found = self._embedder.close(self._settings.vector_memory_mb * 2**20)
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
        self._keep_departing()
        published = self._folder.rename(self._folder.with_name(self._id))
        generation.point_to(self._settings.index, self._id)
        return generation.load(published), self._embedder.embedded

    def _keep_departing(self) -> None:
        """Put the vectors of passages whose files are gone or changed into the cache."""
        if self._cache and self._old and self._unchanged:
            with closing(Store(self._folder / generation.STORE)) as store:
                staying = store.vector_keys()
            self._cache.put(self._old.manifest.generation, self._embedder.departing(staying))


def _not_cached(_: str) -> KeptVectors | None:
    return None


@contextmanager
def _workers(settings: Settings, folder: Folder, encoder: Encoder) -> Iterator[Workers]:
    """Have those ready who read and encode."""
    limits = Limits(settings.read_seconds, settings.read_memory * 2**20)
    if settings.ray:
        from qa.indexing import ray_workers  # Ray is an extra

        kept = shards.Shards(settings.index, encoder.fingerprint)
        with ray_workers.connected(settings.ray, folder, limits, encoder, kept) as workers:
            yield workers
    else:
        with Reader(limits) as reader:
            yield InProcess(DocumentReader(folder, reader, encoder, limits.seconds), encoder)


def _terms(stored: StoredDocument, passage: PassageSpan) -> inverted_index.PassageTerms:
    """Give what is searched by word: title, section and headings, and the passage itself."""
    lead = (span.of(stored.text) for span in passage.lead)
    fields = (stored.document.metadata.title, passage.section, *lead)
    languages = [passage.language] if passage.language else []
    context = "\n".join(field for field in fields if field)
    return inverted_index.PassageTerms(
        list(terms.terms(context, languages)),
        [list(terms.terms(span.of(stored.text), languages)) for span in passage.sentences],
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
def _told_of_disk(index: Path) -> Iterator[None]:
    """Say what a failure to write means: nothing is lost."""
    try:
        yield
    except OSError as error:
        kept = "; the index that was live still is" if (index / generation.POINTER).exists() else ""
        raise BuildError(f"the index in {index} cannot be written: {error}{kept}") from error
