"""Documents in, a new generation of the index out: scan, read, take over, encode, write, check, publish.

Whatever happens on the way, the live generation stays live until the new one is complete.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from threadpoolctl import threadpool_limits

from qa.config import Settings
from qa.embedding.model_protocols import Encoder
from qa.errors import BuildError, ExportRefusedError, IndexUnavailableError
from qa.index import generation
from qa.index.generation import Generation
from qa.indexing import calibrating, ledger, lock, retention, safeguard, shards
from qa.indexing.documents import DocumentReader
from qa.indexing.folder import Folder, Scan, lies_in
from qa.indexing.illegible import count_illegible
from qa.indexing.incremental import Previous, made_with, reason_to_build
from qa.indexing.pipeline import Draft
from qa.indexing.workers import IN_PROCESS_AHEAD, InProcess, Workers
from qa.readers import recognition_cache
from qa.readers.recognition_options import RecognitionOptions
from qa.readers.sandbox.parent import Reader
from qa.readers.sandbox.resource_limits import Limits
from qa.stores import publication
from qa.types import IndexInfo, ReadFailure

_log = logging.getLogger(__name__)

_KEPT = "; what was indexed of it is kept"


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did.

    ``reason`` says why it wrote a new generation, or that there was nothing to do; the failures are those of
    ``IndexInfo``. ``published_to`` is the address of the Milvus where the generation became live now.
    ``left_out`` counts the files of kinds that are not read by suffix; ``partly`` names the first of the
    ``partly_read`` files that were not read in full. ``calibrated`` says why the index was calibrated; it is
    None if it was not. ``illegible`` counts the passages in languages that the model can't read by language,
    the most frequent first.
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
    published_to: str | None = None
    left_out: dict[str, int] = field(default_factory=dict)
    partly_read: int = 0
    partly: tuple[str, ...] = ()
    calibrated: str | None = None
    illegible: dict[str, int] = field(default_factory=dict)


def build_with_model(settings: Settings, **options: Any) -> Report:
    """Build with the model that the settings name, as ``build`` does with its ``options``.

    If the documents show that the exported model does not keep the model's vectors, the model itself is used.
    If the model has no fit of its own, the index is calibrated (``calibrating``).
    """
    from qa.embedding.loading import load_encoder, load_plain  # seconds
    from qa.embedding.prompts import Prompts

    chosen = settings.model, settings.cache, Prompts(settings.query_prompt, settings.document_prompt)
    encoder: Encoder = load_encoder(*chosen)
    try:
        report = build(settings, encoder, **options)
    except ExportRefusedError as refusal:  # it is remembered: the next build does not try again
        _log.warning("%s", refusal)
        encoder = load_plain(*chosen)
        report = build(settings, encoder, **options)
    calibrated = calibrating.keep_up(settings, encoder, progress=options.get("progress", False))
    return replace(report, calibrated=calibrated)


def build(
    settings: Settings,
    encoder: Encoder,
    *,
    progress: bool = False,
    allow_empty: bool = False,
    forgotten: Collection[str] = (),
) -> Report:
    """Bring the index up to date with the documents folder, and publish it where the settings say.

    Args:
        settings: where both are, and the limits.
        encoder: the model to encode passages with.
        progress: show progress bars on standard error.
        allow_empty: build even if most of the indexed files are gone at once.
        forgotten: files and folders that are meant to be gone.

    Raises:
        BuildError: the index cannot be written; the live generation stays live.
        DocumentsGoneError: the documents folder is gone, or most of the files indexed from it.
        ExportRefusedError: the encoder is an export that does not keep the model's vectors.
        LockedError: another process is building the index.
        ModelError: the model cannot be loaded.
        SettingsError: the documents folder is the index's own, or in it.
        StoreUnavailableError: the Milvus of the settings does not answer; the index on this machine is built.
    """
    safeguard.check_apart(settings)
    with lock.hold(settings.index), _disk_errors(settings.index):
        retention.clean(settings.index, settings.retention_days)
        report = _update(settings, encoder, forgotten, progress=progress, allow_empty=allow_empty)
        retention.expire(settings.index, settings.retention_days)  # this process no longer reads the old one
    address = publication.publish(settings, progress=progress)
    if address is None:
        retention.expire_published(settings)
    return replace(report, published_to=address)


def _update(
    settings: Settings, encoder: Encoder, forgotten: Collection[str], *, progress: bool, allow_empty: bool
) -> Report:
    started, old = time.perf_counter(), _live(settings.index)
    folder = Folder(settings.docs, settings.max_file_mb * 2**20, settings.own_paths())
    scan, shaped_by = folder.scan(), made_with(encoder, settings.ocr)
    kept = _out_of_reach(old, shaped_by, scan)
    if not allow_empty:
        _refuse_vanished(settings, old, scan, {*kept, *forgotten}, handful=not forgotten)
    failures = _marked(scan, kept)
    reason = reason_to_build(old, shaped_by, scan.files, failures)
    if old is not None and reason is None:
        live, embedded = old, 0
    else:
        # A passage has too few tokens for several cores: they would wait for one another. And no thread of
        # BLAS survives a fork, so a product that is under way in this process at a fork would never end.
        with threadpool_limits(1, user_api="blas"):
            previous = Previous(old, shaped_by, settings.index)
            with _workers(settings, folder, encoder) as workers:
                draft = Draft(settings, encoder, shaped_by, previous, workers)
                draft.write(scan.files, failures, kept, progress=progress)
        live, embedded = draft.publish()
        recognition_cache.trim(settings.cache)
        shards.remove(settings.index)
    illegible = ledger.illegible(settings.index, live.folder.name)
    if illegible is None:  # they don't change with the files that are skipped
        illegible = count_illegible(live.store, encoder)
    ledger.write(settings.index, live.folder, scan.skipped, scan.mounts, illegible)
    return _report(settings, live.info, reason, embedded, time.perf_counter() - started)


def _report(settings: Settings, info: IndexInfo, reason: str | None, embedded: int, seconds: float) -> Report:
    """Return what a build did, with what the ledger says of the files."""
    report = Report(
        info.generation, reason is not None, reason or "nothing has changed", info.documents,
        info.passages, embedded, seconds, info.failures, info.unread_files, info.failure_count,
        info.unnamed_failures,
    )  # fmt: skip
    seen = ledger.summary(settings.index)
    if seen is None:
        return report
    partly_read = seen.counts["partly"]
    return replace(
        report,
        left_out=seen.left_out, partly_read=partly_read, partly=seen.partly, illegible=seen.illegible,
    )  # fmt: skip


def _refuse_vanished(
    settings: Settings, old: Generation | None, scan: Scan, accounted: Collection[str], *, handful: bool
) -> None:
    """Raise DocumentsGoneError if most files are gone at once.

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
    """Return the indexed files that cannot be looked at now: their documents stay as they were indexed."""
    if not scan.out_of_reach or old is None or dict(old.manifest.made_with) != made_with:
        return []
    places = set(scan.out_of_reach)
    return [path for path in old.store.paths() if lies_in(path, places)]


def _marked(scan: Scan, kept: Collection[str]) -> list[ReadFailure]:
    """Return the failures of a scan, each saying whether the documents below its path are kept."""
    holding = {str(place) for path in kept for place in (path, *PurePosixPath(path).parents)}
    places = holding.intersection(scan.out_of_reach)
    return [
        replace(failure, reason=failure.reason + _KEPT) if failure.path in places else failure
        for failure in scan.failures
    ]


@contextmanager
def _workers(settings: Settings, folder: Folder, encoder: Encoder) -> Iterator[Workers]:
    """Start what reads and encodes: this process, or the Ray cluster of the settings."""
    recognition = RecognitionOptions(settings.ocr, settings.cache)
    limits = Limits(settings.read_seconds, settings.read_memory * 2**20, recognition)
    if settings.ray:
        from qa.indexing import ray_workers  # Ray is an extra

        unfinished = shards.Shards(settings.index, encoder.fingerprint)
        with ray_workers.connected(settings.ray, folder, limits, encoder, unfinished) as workers:
            yield workers
    else:
        with Reader(limits) as reader, ThreadPoolExecutor(IN_PROCESS_AHEAD) as threads:
            documents = DocumentReader(folder, reader, encoder, limits.seconds)
            yield InProcess(documents, encoder, threads)


def _live(index: Path) -> Generation | None:
    """Open the live generation; one that is damaged is built anew, never copied from."""
    try:
        folder = generation.current(index)
        generation.check_files(folder)
        return generation.load(folder)
    except IndexUnavailableError:
        return None


@contextmanager
def _disk_errors(index: Path) -> Iterator[None]:
    """Raise BuildError for an error of the disk, saying that the live index is not lost."""
    try:
        yield
    except OSError as error:
        kept = "; the previous index stays live" if (index / generation.POINTER).exists() else ""
        raise BuildError(f"the index in {index} cannot be written: {error}{kept}") from error
