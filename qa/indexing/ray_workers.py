"""The nodes of a Ray cluster read files and encode passages. This is the only user of ``ray``.

The result is what this process would have made, in the same order: the same code reads each file within the
same limits, and encodes the same batches of passages.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache, partial
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from threadpoolctl import threadpool_limits

from qa.embedding.loading import open_encoder
from qa.embedding.model_protocols import Encoder
from qa.errors import ClusterError, QAError, SettingsError
from qa.hardware import cores
from qa.index.store import StoredDocument
from qa.indexing.documents import DocumentReader
from qa.indexing.encoding import Batch, CompressedVectors, encode
from qa.indexing.folder import Folder
from qa.indexing.incremental import made_with
from qa.indexing.shards import Shards, pack, unpack
from qa.indexing.workers import Wait
from qa.readers.sandbox.parent import Reader
from qa.readers.sandbox.resource_limits import Limits
from qa.types import Float32, PassageInput, ReadFailure, SourceFile, Span

# Ray reads these when it is loaded: it reports to nobody, and doesn't warn of a node without accelerators.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
try:
    import ray
    import ray.data
except ImportError as error:
    raise SettingsError("building on a cluster needs Ray: install the extra, pip install '.[ray]'") from error

_RETRIES = 5
"""How often a task is restarted if its worker or node dies (chosen)."""

_FILES_AT_ONCE = 16
"""How many files a worker reads in one task (chosen)."""

_AHEAD = 2
"""How many batches may be under way for each that can be encoded at once (chosen: one waits)."""

_PATIENCE = 5
"""How many seconds a cluster may take to answer a connection (chosen)."""

_LOADED = PassageInput("", "All is loaded.", (Span(0, 14),))
"""Any passage: encoding it makes an encoder load all of its files."""


@dataclass(frozen=True, slots=True)
class _Kit:
    """What a worker needs, sent to each node once: the encoder's files, and where the documents are."""

    model: str
    files: Mapping[str, bytes]
    open: Callable[[str, Path], Encoder]
    folder: Folder
    limits: Limits
    made_with: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Tools:
    """What a worker has made of its kit."""

    documents: DocumentReader
    encoder: Encoder


@contextmanager
def connected(
    address: str, folder: Folder, limits: Limits, encoder: Encoder, shards: Shards
) -> Iterator[RayWorkers]:
    """Connect to a cluster for the time of the block. What Ray prints goes to standard error.

    Args:
        address: the cluster's address, such as ``10.0.0.1:6379``; ``local``: a new one on this machine.
        folder: the documents, at the same path on every node.
        limits: the limits for reading one document.
        encoder: the model.
        shards: where finished vectors are kept until the index is published.

    Raises:
        ClusterError: the cluster cannot be reached, has no processors, or gave up.
    """
    ours = not ray.is_initialized()  # a program that is connected already stays so
    with redirect_stdout(sys.stderr):
        try:
            if ours:
                _connect(address)
            _set_up()
            yield RayWorkers(replace(folder, root=folder.root.absolute()), limits, encoder, shards)
        except ray.exceptions.RayError as error:
            raise _shown(error) from error
        finally:
            if ours:
                ray.shutdown()


class RayWorkers:
    """Reads and encodes on every node of the cluster that this process is connected to."""

    def __init__(self, folder: Folder, limits: Limits, encoder: Encoder, shards: Shards) -> None:
        files = _files_of(encoder)
        kit = _Kit(encoder.name, files, _open, folder, limits, made_with(encoder, limits.recognition.mode))
        self._kit = (
            ray.put(kit),
        )  # in a tuple, as Ray replaces an argument that is a reference by its value
        self._shards = shards
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
        self._cpus = int(resources.get("CPU", 0))
        if not self._cpus:
            raise ClusterError("the Ray cluster has no processors to work with")
        gpus = 0 if files else int(resources.get("GPU", 0))  # exports run on CPUs
        self.ahead = _AHEAD * (gpus or self._cpus)
        options: dict[str, Any] = {"num_cpus": 1, "num_gpus": min(gpus, 1), "max_retries": _RETRIES}
        self._encode: Any = ray.remote(max_calls=0, **options)(_encode)

    def read(self, files: Sequence[SourceFile]) -> Iterator[Iterable[StoredDocument | ReadFailure]]:
        """Yield each file's documents, as a pipeline of Ray Data delivers them."""
        if not files:
            return
        # Every worker gets some. Many files are read in small lots, so no worker waits for another.
        lots = max(ceil(len(files) / _FILES_AT_ONCE), min(len(files), self._cpus))
        pipeline = ray.data.from_items(
            [{"file": pickle.dumps(file)} for file in files], override_num_blocks=lots
        ).map_batches(
            cast("Any", _read),  # typed by what is in a batch
            fn_kwargs={"kit": self._kit},
            num_cpus=0,  # a task that waits for its output to be taken must not keep a CPU from encoding
            compute=ray.data.TaskPoolStrategy(size=min(lots, self._cpus)),
        )
        rows = iter(pipeline.iter_rows())
        for file in files:
            yield _until_end(rows, file)

    def encoding(self, projection: Float32) -> Callable[[Batch], Wait]:
        """Return a function that starts encoding a batch on a node, unless a stopped build has done it."""
        reference = ray.put(projection)

        def start(batch: Batch) -> Wait:
            key = self._shards.key(projection, batch)
            packed = self._shards.get(key)
            if packed is not None:
                return partial(unpack, packed)
            return partial(self._finish, key, self._encode.remote(self._kit, reference, batch))

        return start

    def _finish(self, key: str, under_way: Any) -> Sequence[CompressedVectors]:
        packed: bytes = ray.get(under_way)
        self._shards.put(key, packed)
        return unpack(packed)


def _connect(address: str) -> None:
    host, _, port = address.rpartition(":")
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        if host and port.isdecimal():  # Ray itself would wait for minutes
            socket.create_connection((host, int(port)), _PATIENCE).close()
        ray.init(
            address=address,
            num_cpus=cores() if address == "local" else None,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ClusterError(f"the Ray cluster {address} cannot be reached: {error}") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_term)  # Ray's own would end `qa watch` with a crash


def _set_up() -> None:
    """Let Ray Data keep the order, and not report its progress."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True


def _shown(error: BaseException) -> QAError:
    """Return the error to show: the QAError that a worker raised, or else that the cluster gave up."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, QAError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    return ClusterError(f"the Ray cluster gave up: {str(error).strip().splitlines()[-1]}")


def _until_end(
    rows: Iterator[Mapping[str, bytes]], file: SourceFile
) -> Iterator[StoredDocument | ReadFailure]:
    """Yield one file's documents from the pipeline's rows."""
    for row in rows:
        item = pickle.loads(row["item"])  # noqa: S301 -- our own worker pickled it
        if isinstance(item, SourceFile):
            assert item == file  # noqa: S101 -- the pipeline keeps the order
            return
        yield item


def _files_of(encoder: Encoder) -> dict[str, bytes]:
    """Return the files that an encoder saves, some 110 MB for the default model; none if it is no export."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "encoder"
        encoder.save(folder, documents=True)
        return {path.name: path.read_bytes() for path in folder.glob("*")}


def _open(model: str, folder: Path) -> Encoder:
    """Open the encoder on one thread: a worker has one processor."""
    return open_encoder(model, folder, threads=1)


@cache
def _tools(reference: Any) -> _Tools:
    """Return the tools of this worker's process, made once.

    Raises:
        ClusterError: this node differs from the one that started the build.
    """
    threadpool_limits(1, user_api="blas")  # a worker has one processor
    node = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    try:
        kit: _Kit = ray.get(reference)
    except ray.exceptions.RayError as error:  # Ray Data would retry for ever
        raise ClusterError(f"the node {node} cannot load what it needs: {error}") from error
    if not kit.folder.root.is_dir() or not any(kit.folder.root.iterdir()):
        raise ClusterError(f"the documents folder {kit.folder.root} is not there on the node {node}")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "encoder"
        for name, data in kit.files.items():
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        encoder = kit.open(kit.model, folder)
        encoder.encode_passages([_LOADED])  # before the folder is removed
    if made_with(encoder, kit.limits.recognition.mode) != kit.made_with:
        raise ClusterError(
            f"the node {node} has another version of this program or of the model {kit.model!r}, or other"
            " languages of Tesseract"
        )
    return _Tools(DocumentReader(kit.folder, Reader(kit.limits), encoder, kit.limits.seconds), encoder)


def _read(batch: Mapping[str, Sequence[bytes]], kit: tuple[Any]) -> Iterator[dict[str, list[bytes]]]:
    """Read files on a node: a row for each document, and the file itself as the end of its documents."""
    files: list[SourceFile] = [pickle.loads(row) for row in batch["file"]]  # noqa: S301 -- from the node that started the build
    for row, documents in zip(batch["file"], _tools(kit[0]).documents.read_all(files), strict=True):
        for document in documents:
            yield {"item": [pickle.dumps(document)]}
        yield {"item": [row]}


def _encode(kit: tuple[Any], projection: Float32, batch: Batch) -> bytes:
    """Encode a batch of passages on a node."""
    return pack(encode(_tools(kit[0]).encoder, projection, batch))
