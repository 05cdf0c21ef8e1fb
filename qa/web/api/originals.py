"""The documents' own files, as they were when they were indexed."""

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


class Original(io.RawIOBase):
    """An open file that can be read to its end only if it is what was indexed.

    Somebody may write to it while it is being sent. So it is hashed as it is read, and the last piece is
    given only once the whole is known to be right.
    """

    def __init__(self, file: io.BufferedReader, document: Document) -> None:
        """Take over an open file of a document, wherever it has been read to."""
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
        """Whether it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read the next piece.

        Raises:
            ChangedError: this would be the last, and the whole is not what was indexed.
        """
        piece = memoryview(buffer).cast("B")[: self._left]
        count = self._file.readinto(piece)
        self._sha256.update(piece[:count])
        self._left -= count
        is_over = not self._left or (len(piece) > 0 and not count)
        if is_over and self._sha256.hexdigest() != self._document.sha256:
            raise ChangedError(
                f"{self._document.path} has changed since it was indexed. Run `qa index` to index it again."
            )
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def original(document: Document) -> Original:
    """Open a document's file.

    Raises:
        NotFoundError: it is not in the documents folder any more.
        ChangedError: it has changed since it was indexed.
    """
    try:
        found = Original(open_inside(service().settings.docs, document.path), document)
        try:
            while found.read(_CHUNK):  # to its end, which is there only if it is right
                pass
            found.rewind()
        except BaseException:
            found.close()
            raise
    except (ReadError, OSError) as error:
        raise NotFoundError(f"The file {document.path} is no longer in the documents folder.") from error
    return found
