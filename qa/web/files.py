"""The documents' own files, as they were when they were indexed."""

from __future__ import annotations

import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from qa.contracts import Document, GoneError, NotFoundError
from qa.web.service import service


def original(document: Document) -> BufferedReader:
    """Open a document's file.

    Raises:
        NotFoundError: it is not in the documents folder any more.
        GoneError: it has changed since it was indexed.
    """
    file = _open_inside(service().settings.docs, document.path)
    if hashlib.file_digest(file, "sha256").hexdigest() != document.sha256:
        file.close()
        raise GoneError(f"{document.path} has changed since it was indexed. Run `qa index` to take that in.")
    file.seek(0)
    return file


def _open_inside(folder: Path, path: str) -> BufferedReader:
    """Open a regular file under ``folder``, wherever links lead, or raise NotFoundError."""
    missing = f"The file {path} is no longer in the documents folder."
    try:
        root = folder.resolve(strict=True)
        target = (root / path).resolve(strict=True)
        if not target.is_relative_to(root):
            raise NotFoundError(missing)
        # O_NONBLOCK: opening a FIFO must not wait for a writer.
        file = os.fdopen(os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except (OSError, ValueError, RuntimeError) as error:
        raise NotFoundError(missing) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise NotFoundError(missing)
    return file
