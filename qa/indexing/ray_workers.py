"""Files read and passages embedded by the nodes of a Ray cluster: the only user of ``ray``.

What comes back is what this process would have made, in the same order: the same code reads each file within
the same limits, and embeds the same groups of passages.
"""

from __future__ import annotations

import logging
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

from qa import config
from qa.embedding.loading import open_encoder
from qa.errors import ClusterError, QAError, SettingsError
from qa.index.store import StoredDocument
from qa.indexing.documents import DocumentReader
from qa.indexing.folder import Folder
from qa.indexing.incremental import Group, KeptVectors, encode
from qa.indexing.shards import Shards, pack, unpack
from qa.indexing.workers import in_order, made_with
from qa.readers.sandbox.parent import Reader
from qa.readers.sandbox.resource_limits import Limits
from qa.types import Encoder, Float32, PassageInput, ReadFailure, SourceFile, Span

config.keep_ray_to_itself()
try:
    import ray
    import ray.data
except ImportError as error:
    raise SettingsError("to share out a build takes Ray: install the extra, pip install '.[ray]'") from error

_RETRIES = 5
"""How often a part of the work is begun again whose worker, or its node, died."""

_FILES_AT_ONCE = 16
"""How many files a worker reads in one go."""

_AHEAD = 2
"""How many groups of passages may be under way for each that can be embedded at once."""

_PATIENCE = 5
"""How many seconds a cluster may take to answer a connection."""

_LOADED = PassageInput("", "All is loaded.", (Span(0, 14),))


@dataclass(frozen=True, slots=True)
class _Kit:
    """What a worker needs, sent once to each node: the encoder's files, and where the documents are."""

    model: str
    files: Mapping[str, bytes]
    open: Callable[[str, Path], Encoder]
    folder: Folder
    limits: Limits
    made_with: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Tools:
    """What a worker has made of it."""

    documents: DocumentReader
    encoder: Encoder


@contextmanager
def connected(
    address: str, folder: Folder, limits: Limits, encoder: Encoder, kept: Shards
) -> Iterator[RayWorkers]:
    """Have the nodes of a cluster ready to work. What Ray prints goes to standard error.

    Args:
        address: of the cluster, such as ``10.0.0.1:6379``; ``local``: one on this machine, for the while.
        folder: the documents, at the same path on every node.
        limits: what one document may take.
        encoder: the model.
        kept: where finished vectors are kept until the index is.

    Raises:
        ClusterError: it cannot be reached, has no processors, or gave up.
    """
    ours = not ray.is_initialized()  # a program that is connected already stays so
    with redirect_stdout(sys.stderr):
        try:
            if ours:
                _connect(address)
            _set_up()
            yield RayWorkers(replace(folder, root=folder.root.absolute()), limits, encoder, kept)
        except ray.exceptions.RayError as error:
            raise _meant(error) from error
        finally:
            if ours:
                ray.shutdown()


class RayWorkers:
    """Reads and encodes on every node of the cluster that this process is connected to."""

    def __init__(self, folder: Folder, limits: Limits, encoder: Encoder, kept: Shards) -> None:
        files = _files_of(encoder)
        kit = _Kit(encoder.name, files, _open, folder, limits, made_with(encoder))
        self._kit = (
            ray.put(kit),
        )  # in a tuple, for an argument that is a reference is replaced by its value
        self._kept = kept
        has = ray.cluster_resources()  # type: ignore[no-untyped-call]
        self._cpus = int(has.get("CPU", 0))
        if not self._cpus:
            raise ClusterError("the Ray cluster has no processors to work with")
        gpus = 0 if files else int(has.get("GPU", 0))  # an export is made for processors
        self._ahead = _AHEAD * (gpus or self._cpus)
        options: dict[str, Any] = {"num_cpus": 1, "num_gpus": min(gpus, 1), "max_retries": _RETRIES}
        self._encode: Any = ray.remote(max_calls=0, **options)(_encode)

    def read(self, files: Sequence[SourceFile]) -> Iterator[Iterable[StoredDocument | ReadFailure]]:
        """Give each file's documents, as a pipeline of Ray Data brings them."""
        if not files:
            return
        # Each worker has some at least; many files are read in small lots, so that none waits for another.
        lots = max(ceil(len(files) / _FILES_AT_ONCE), min(len(files), self._cpus))
        found = ray.data.from_items(
            [{"file": pickle.dumps(file)} for file in files], override_num_blocks=lots
        ).map_batches(
            cast("Any", _read),  # it says what is in a batch
            fn_kwargs={"kit": self._kit},
            num_cpus=0,  # what waits for its output to be taken would keep a processor from embedding
            compute=ray.data.TaskPoolStrategy(size=min(lots, self._cpus)),
        )
        rows = iter(found.iter_rows())
        for file in files:
            yield _until_end(rows, file)

    def encode(self, projection: Float32, groups: Iterable[Group]) -> Iterator[Sequence[KeptVectors]]:
        """Give the vectors of each group's passages, with a few groups under way."""
        begin = partial(self._begin, ray.put(projection), partial(self._kept.key, projection))
        return in_order(begin, groups, self._ahead)

    def _begin(
        self, projection: Any, key_of: Callable[[Group], str], group: Group
    ) -> Callable[[], Sequence[KeptVectors]]:
        """Have a group encoded, unless that was done before; give what waits for it."""
        if not group:
            return list
        key = key_of(group)
        packed = self._kept.get(key)
        if packed is not None:
            return partial(unpack, packed)
        return partial(self._finish, key, self._encode.remote(self._kit, projection, group))

    def _finish(self, key: str, under_way: Any) -> Sequence[KeptVectors]:
        packed: bytes = ray.get(under_way)
        self._kept.put(key, packed)
        return unpack(packed)


def _connect(address: str) -> None:
    host, _, port = address.rpartition(":")
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        if host and port.isdecimal():  # Ray itself would wait for minutes
            socket.create_connection((host, int(port)), _PATIENCE).close()
        ray.init(
            address=address,
            num_cpus=config.cores() if address == "local" else None,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ClusterError(f"the Ray cluster {address} cannot be reached: {error}") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_term)  # Ray's own would end `qa watch` with a crash


def _set_up() -> None:
    """Let Ray Data keep the order, and be silent about how it gets on."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True


def _meant(error: BaseException) -> QAError:
    """Give what a worker raised, where that is for the user."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, QAError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    return ClusterError(f"the Ray cluster gave up: {str(error).strip().splitlines()[-1]}")


def _until_end(
    rows: Iterator[Mapping[str, bytes]], file: SourceFile
) -> Iterator[StoredDocument | ReadFailure]:
    """Take one file's documents from what comes."""
    for row in rows:
        found = pickle.loads(row["found"])  # noqa: S301 -- our own worker made it
        if isinstance(found, SourceFile):
            assert found == file  # noqa: S101 -- the pipeline keeps the order
            return
        yield found


def _files_of(encoder: Encoder) -> dict[str, bytes]:
    """Give what an encoder saves, some 110 MB for the default model; nothing of one that runs as it is."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "encoder"
        encoder.save(folder, documents=True)
        return {path.name: path.read_bytes() for path in folder.glob("*")}


def _open(model: str, folder: Path) -> Encoder:
    """Open the encoder on one thread: a worker has one processor."""
    return open_encoder(model, folder, threads=1)


@cache
def _tools(reference: Any) -> _Tools:
    """Make ready, once in each worker's process.

    Raises:
        ClusterError: this node is not as the one that began the build.
    """
    threadpool_limits(1, user_api="blas")  # a worker has one processor
    node = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    try:
        kit: _Kit = ray.get(reference)
    except ray.exceptions.RayError as error:  # which Ray Data would try again for ever
        raise ClusterError(f"the node {node} cannot load what it needs: {error}") from error
    if not kit.folder.root.is_dir() or not any(kit.folder.root.iterdir()):
        raise ClusterError(f"the documents folder {kit.folder.root} is not there on the node {node}")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "encoder"
        for name, data in kit.files.items():
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        encoder = kit.open(kit.model, folder)
        encoder.encode_passages([_LOADED])  # for the folder goes
    if made_with(encoder) != kit.made_with:
        raise ClusterError(
            f"the node {node} has another version of this program or of the model {kit.model!r}"
        )
    return _Tools(DocumentReader(kit.folder, Reader(kit.limits), encoder, kit.limits.seconds), encoder)


def _read(batch: Mapping[str, Sequence[bytes]], kit: tuple[Any]) -> Iterator[dict[str, list[bytes]]]:
    """Read files on a node: each document by itself, and the file again at its end."""
    files: list[SourceFile] = [pickle.loads(row) for row in batch["file"]]  # noqa: S301 -- from who began the build
    for row, documents in zip(batch["file"], _tools(kit[0]).documents.read_all(files), strict=True):
        for found in documents:
            yield {"found": [pickle.dumps(found)]}
        yield {"found": [row]}


def _encode(kit: tuple[Any], projection: Float32, group: Group) -> bytes:
    """Encode a group of passages on a node."""
    return pack(encode(_tools(kit[0]).encoder, projection, group))
