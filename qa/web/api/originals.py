"""The original files of documents, sent only if they are unchanged since they were indexed."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING

from qa.errors import ChangedError, NotFoundError, ReadError
from qa.files import open_inside
from qa.types import Document
from qa.web.service import service

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 2**20
"""Bytes read at a time."""


class Original(io.RawIOBase):
    """An open file that can be read to its end only if its content is what was indexed.

    Another program may write to the file while it is sent. It is therefore hashed as it is read, and the last
    piece is returned only if the whole has the right hash.
    """

    def __init__(self, file: io.BufferedReader, document: Document) -> None:
        """Take over an open file of a document, and rewind it."""
        super().__init__()
        self._file, self._document = file, document
        self.size = os.fstat(file.fileno()).st_size
        self.rewind()

    def rewind(self) -> None:
        """Go back to the beginning."""
        self._file.seek(0)
        self._left, self._sha256 = self.size, hashlib.sha256()

    def fileno(self) -> int:
        """Return the descriptor of the file."""
        return self._file.fileno()

    def readable(self) -> bool:
        """Whether the file can be read: always."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read the next piece into ``buffer``, and return its length in bytes.

        Raises:
            ChangedError: this would be the last piece, and the file is not what was indexed.
        """
        piece = memoryview(buffer).cast("B")[: self._left]
        count = self._file.readinto(piece)
        self._sha256.update(piece[:count])
        self._left -= count
        is_last = not self._left or (len(piece) > 0 and not count)
        if is_last and self._sha256.hexdigest() != self._document.sha256:
            raise _changed(self._document)
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def original(document: Document) -> Original:
    """Return a document's file, open and checked.

    Raises:
        NotFoundError: the file is no longer in the documents folder.
        ChangedError: the file has changed since it was indexed.
    """
    try:
        file = Original(_open(document), document)
        try:
            while file.read(_CHUNK):  # raises before the end if the file has changed
                pass
            file.rewind()
        except BaseException:
            file.close()
            raise
    except (ReadError, OSError) as error:
        raise NotFoundError(f"The file {document.file} is no longer in the documents folder.") from error
    return file


def _open(document: Document) -> io.BufferedReader:
    """Open a document's file; if it is a file inside another, unpacked."""
    file = open_inside(service().settings.docs, document.file)
    if document.member is None:
        return file
    with file:
        try:
            return service().members.open(file, document)
        except ReadError as error:  # it could be read when it was indexed
            raise _changed(document) from error


def _changed(document: Document) -> ChangedError:
    return ChangedError(
        f"{document.path} has changed since it was indexed. Run `qa index` to index it again."
    )
