"""Documents in, a new generation of the index out: scan, read, reuse, embed, write, check, publish.

Whatever happens on the way, the generation that was live stays live until the new one is whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from qa import generation, language, lexical, passages, readers
from qa.config import Settings
from qa.contracts import (
    BuildError,
    Document,
    Encoder,
    IndexUnavailableError,
    LockedError,
    PassageInput,
    PassageSpan,
    ReadError,
    ReadFailure,
    Reading,
    SourceFile,
    Span,
)
from qa.folder import Folder
from qa.generation import Generation, Manifest
from qa.store import StoredDocument, writing
from qa.vectors import VectorIndex

_EMBEDDED_AT_ONCE = 256
_GENERATIONS_KEPT = 2


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did. ``reason`` tells why it wrote a new generation, or that it had nothing to do."""

    generation: str
    changed: bool
    reason: str
    documents: int
    passages: int
    embedded: int
    seconds: float
    failures: tuple[ReadFailure, ...]


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
        files, failures = folder.scan()
        made_with = _made_with(encoder)
        reason = _reason(old, made_with, files, failures)
        if old is not None and reason is None:
            manifest, embedded = old.manifest, 0
        else:
            writer = _Build(settings.index, encoder, made_with, old, progress=progress)
            embedded = writer.write(folder, files, failures)
            manifest = writer.publish()
        found = generation.load(settings.index / "generations" / manifest.generation)
        return Report(
            manifest.generation, reason is not None, reason or "nothing has changed", manifest.documents,
            manifest.passages, embedded, time.perf_counter() - started, found.info.failures,
        )  # fmt: skip


def _made_with(encoder: Encoder) -> dict[str, Any]:
    return {
        "encoder": encoder.fingerprint,
        "readers": readers.VERSION,
        "passages": passages.VERSION,
        "lexical": lexical.VERSION,
    }


def _reason(
    old: Generation | None, made_with: dict[str, Any], files: list[SourceFile], failures: list[ReadFailure]
) -> str | None:
    """Tell why a new generation is needed; None where it is not."""
    if old is None:
        return "there was no index that can be read"
    changed = [name for name, value in made_with.items() if old.manifest.made_with.get(name) != value]
    if changed:
        return f"this is a full rebuild, because another {' and '.join(changed)} made the old index"
    known, now = old.store.files(), {file.path: file for file in files}
    unread = {failure for failure in old.store.failures() if failure.path not in known}
    if known == now and unread == set(failures):
        return None
    new, gone = len(now.keys() - known.keys()), len(known.keys() - now.keys())
    altered = sum(known[path] != now[path] for path in known.keys() & now.keys())
    return f"{new} files are new, {altered} changed, {gone} gone"


class _Build:
    """One new generation in the making, in a folder of its own that no reader looks at."""

    def __init__(
        self,
        index: Path,
        encoder: Encoder,
        made_with: dict[str, Any],
        old: Generation | None,
        *,
        progress: bool,
    ) -> None:
        self._created = datetime.now(UTC)
        self._id = f"{self._created:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._index = index
        self._folder = index / "generations" / f".{self._id}"
        self._folder.mkdir(parents=True)
        self._encoder = encoder
        self._made_with = made_with
        self._old = old
        self._unchanged = old.store.files() if old and dict(old.manifest.made_with) == made_with else {}
        self._bar = partial(tqdm, disable=not progress, dynamic_ncols=True)
        self._counts = {"documents": 0, "passages": 0, "sentences": 0}

    def write(self, folder: Folder, files: list[SourceFile], failures: list[ReadFailure]) -> int:
        """Write everything but the manifest; give the number of passages that had to be embedded."""
        keys: list[str] = []
        inputs: list[PassageInput] = []
        stems: list[list[str]] = []
        with writing(self._folder / generation.STORE) as store:
            for failure in failures:
                store.add_failure(failure)
            for file in self._bar(files, desc="Reading", unit="file"):
                store.add_file(file)
                for found in self._documents(folder, file):
                    if isinstance(found, ReadFailure):
                        store.add_failure(found)
                        continue
                    store.add(found)
                    self._counts["documents"] += 1
                    keys += found.keys
                    inputs += (_input(found, passage) for passage in found.passages)
                    stems += (_terms(found, passage) for passage in found.passages)
        lexical.LexicalIndex.build(stems).save(self._folder / generation.LEXICAL)
        return self._embed(keys, inputs)

    def _documents(self, folder: Folder, file: SourceFile) -> Iterator[StoredDocument | ReadFailure]:
        """Give a file's documents: as they were stored where nothing has changed, else read anew."""
        if self._old and self._unchanged.get(file.path) == file:
            yield from self._old.store.stored(file.path)
            yield from (failure for failure in self._old.store.failures() if failure.path == file.path)
            return
        try:
            data, sidecar = folder.read_as_scanned(file)
            for found in readers.read(file.path, data, sidecar_data=sidecar):
                yield found if isinstance(found, ReadFailure) else self._split(file, found)
        except ReadError as error:
            yield ReadFailure(file.path, str(error))

    def _split(self, file: SourceFile, reading: Reading) -> StoredDocument:
        speaks = reading.metadata.language or language.detect(reading.text)
        found = passages.split(
            reading,
            measure=self._encoder.count_tokens,
            max_tokens=self._encoder.max_tokens,
            language=partial(language.detect_passage, document_language=speaks),
        )
        name = file.path if reading.key is None else f"{file.path}#{reading.key}"
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
        stored = StoredDocument(document, reading.text, reading.headings or (), tuple(found), ())
        return replace(stored, keys=tuple(_key(_input(stored, passage)) for passage in found))

    def _embed(self, keys: list[str], inputs: list[PassageInput]) -> int:
        """Write the vectors, each taken from the old generation where it has it; give how many were made."""
        known = self._known_vectors()
        new = [i for i, key in enumerate(keys) if key not in known]
        starts = np.cumsum([0, *(len(passage.sentences) for passage in inputs)])
        whole = np.empty((len(inputs), self._encoder.dimension), np.float32)
        parts = np.empty((int(starts[-1]), self._encoder.dimension), np.float32)
        for i, key in enumerate(keys):
            if self._old and key in known:
                row = known[key]
                rows = np.arange(self._old.sentence_starts[row], self._old.sentence_starts[row + 1])
                whole[i] = self._old.passages.vectors(np.array([row]))[0]
                parts[starts[i] : starts[i + 1]] = self._old.sentences.vectors(rows)
        with self._bar(total=len(new), desc="Embedding", unit="passage") as bar:
            for at in range(0, len(new), _EMBEDDED_AT_ONCE):
                batch = new[at : at + _EMBEDDED_AT_ONCE]
                for i, vectors in zip(
                    batch, self._encoder.encode_passages([inputs[i] for i in batch]), strict=True
                ):
                    whole[i], parts[starts[i] : starts[i + 1]] = vectors.passage, vectors.sentences
                bar.update(len(batch))
        VectorIndex.build(whole).save(self._folder / generation.PASSAGES)
        VectorIndex.build(parts).save(self._folder / generation.SENTENCES)
        np.save(self._folder / generation.SENTENCE_STARTS, starts, allow_pickle=False)
        self._counts |= {"passages": len(inputs), "sentences": int(starts[-1])}
        return len(new)

    def _known_vectors(self) -> dict[str, int]:
        """Give the old generation's passages by vector key, where the same model made them."""
        if self._old is None or self._old.manifest.made_with.get("encoder") != self._encoder.fingerprint:
            return {}
        return {key: row for row, key in enumerate(self._old.store.vector_keys())}

    def publish(self) -> Manifest:
        """Check what was written and make it the live generation."""
        manifest = Manifest(
            format=generation.FORMAT,
            generation=self._id,
            created=self._created.isoformat(timespec="seconds"),
            model=self._encoder.name,
            made_with=self._made_with,
            files=generation.describe_files(self._folder),
            **self._counts,
        )
        manifest.write(self._folder)
        generation.sync(self._folder)
        generation.verify(self._folder)
        self._folder.rename(self._folder.with_name(self._id))
        generation.point_to(self._index, self._id)
        return manifest


def _input(stored: StoredDocument, passage: PassageSpan) -> PassageInput:
    """Give what the model reads: a title made of a file's name tells it nothing."""
    metadata, start = stored.document.metadata, passage.span.start
    title = None if metadata.found.get("title") == "filename" else metadata.title
    context = ". ".join(dict.fromkeys(part for part in (title, passage.section) if part))
    sentences = tuple(Span(a - start, b - start) for a, b in passage.sentences)
    return PassageInput(context, passage.span.of(stored.text), sentences)


def _key(passage: PassageInput) -> str:
    """Name the vectors of a passage by all that shapes them beside the model."""
    return hashlib.blake2b(repr(passage).encode(), digest_size=16).hexdigest()


def _terms(stored: StoredDocument, passage: PassageSpan) -> list[str]:
    """Give what is searched by word: title, section, headings and the passage itself."""
    lead = (span.of(stored.text) for span in passage.lead)
    fields = (stored.document.metadata.title, passage.section, *lead, passage.span.of(stored.text))
    text = "\n".join(field for field in fields if field)
    return list(lexical.terms(text, [passage.language] if passage.language else []))


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
        kept = "; the index that was live still is" if (index / "CURRENT").exists() else ""
        raise BuildError(f"the index in {index} cannot be written: {error}{kept}") from error


def _clean(index: Path) -> None:
    """Remove what an unfinished build left, and old generations but the last few, which may have readers."""
    folders = sorted(path for path in (index / "generations").glob("*") if path.is_dir())
    try:
        live = generation.current(index)
    except IndexUnavailableError:
        live = None
    finished = [folder for folder in folders if not folder.name.startswith(".") and folder != live]
    for folder in folders:
        if folder.name.startswith(".") or folder in finished[: 1 - _GENERATIONS_KEPT or None]:
            shutil.rmtree(folder)
