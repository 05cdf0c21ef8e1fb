"""The bytes of documents that are files inside files, unpacked when they are asked for."""

from __future__ import annotations

import os
import tempfile
import threading
from collections import OrderedDict
from io import BufferedReader
from typing import cast

from qa.config import Settings
from qa.errors import ReadError, UnpackingBusyError
from qa.readers.sandbox import parent
from qa.readers.sandbox.resource_limits import Limits
from qa.types import Document

_PATIENCE = 5.0
"""Seconds that a thread waits for another to finish unpacking (chosen)."""

_KEPT_BYTES = 64 * 2**20
"""Unpacked files that are kept: each page of a PDF is asked for by itself."""

_Key = tuple[str, int, int, int]


class MemberFiles:
    """Unpacks files, one at a time: each takes a process, and memory for the file that holds it."""

    def __init__(self, settings: Settings) -> None:
        self._max_bytes = settings.max_file_mb * 2**20
        self._limits = Limits(settings.read_seconds, settings.read_memory * 2**20)
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()

    def open(self, holder: BufferedReader, document: Document) -> BufferedReader:
        """Return a temporary file with a document's bytes, as they are in its file now.

        Args:
            holder: the document's file, open.
            document: the document, which has a ``member``.

        Raises:
            ReadError: the file no longer holds it, or it cannot be unpacked within the limits.
            UnpackingBusyError: other threads wait for that, too.
        """
        if not self._lock.acquire(timeout=_PATIENCE):
            raise UnpackingBusyError
        try:
            data = self._unpack(holder, document)
        finally:
            self._lock.release()
        file = tempfile.TemporaryFile()  # noqa: SIM115 -- the caller closes it
        file.write(data)
        file.seek(0)
        return cast("BufferedReader", file)

    def _unpack(self, holder: BufferedReader, document: Document) -> bytes:
        state = os.fstat(holder.fileno())
        key = document.id, state.st_ino, state.st_size, state.st_mtime_ns
        if state.st_size > self._max_bytes:
            raise ReadError("has become larger than a file may be (max_file_mb)")
        data = self._kept.pop(key, None)
        if data is None:
            data = parent.open_member(self._limits, document.file, holder.read(), document.member or "")
        self._kept[key] = data
        while sum(map(len, self._kept.values())) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        return data
