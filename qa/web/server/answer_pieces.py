"""The answer of a WSGI app, divided into the pieces that the server sends one after the other."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from tempfile import TemporaryFile
from typing import IO

PIECE = 256 << 10
"""Bytes of an answer that the server gets at once. A larger answer waits on disk until it is sent."""


class Pieces(Iterator[bytes]):
    """A WSGI body in pieces of ``PIECE`` bytes, the last one shorter. The body is closed in any case.

    A large chunk is moved to disk, so that it takes no memory while it is sent.

    Attributes:
        on_disk: number of bytes on disk.
    """

    def __init__(self, body: Iterable[bytes]) -> None:
        self.on_disk = 0
        self._pieces = self._divide(body)
        self._lock = threading.Lock()  # closing must wait for the next piece

    def __next__(self) -> bytes:
        with self._lock:
            return next(self._pieces)

    def close(self) -> None:
        """Close the body, whether or not it was read to the end."""
        with self._lock:
            self._pieces.close()

    def _divide(self, body: Iterable[bytes]) -> Generator[bytes, None, None]:
        chunks = iter(body)
        gathered = bytearray()
        try:
            for chunk in chunks:
                gathered += chunk
                if len(chunk) > PIECE:
                    break
                while len(gathered) >= PIECE:
                    yield bytes(gathered[:PIECE])
                    del gathered[:PIECE]
            else:
                yield bytes(gathered)
                return
            file = _on_disk(chain([bytes(gathered)], chunks))
        finally:
            if hasattr(body, "close"):
                body.close()
        del body, chunks, chunk, gathered
        with file:
            self.on_disk = os.fstat(file.fileno()).st_size
            yield from iter(lambda: file.read(PIECE), b"")


class GrowingPieces(Pieces):
    """A WSGI body that is sent as it grows: its chunks, divided if they are larger than ``PIECE`` bytes.

    The first piece is empty, and so is every one whose chunk is: between two pieces, a client may disconnect.
    """

    def _divide(self, body: Iterable[bytes]) -> Generator[bytes, None, None]:
        try:
            yield b""
            for chunk in body:
                for start in range(0, max(1, len(chunk)), PIECE):
                    yield chunk[start : start + PIECE]
        finally:
            if hasattr(body, "close"):
                body.close()


def _on_disk(chunks: Iterable[bytes]) -> IO[bytes]:
    """Return a temporary file with these bytes. The caller closes it."""
    with ExitStack() as stack:
        file = stack.enter_context(TemporaryFile())
        file.writelines(chunks)
        file.seek(0)
        stack.pop_all()
    return file
