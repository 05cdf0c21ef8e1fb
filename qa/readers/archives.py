"""The zip files that DOCX and EPUB are, with a limit on their unpacked size."""

from __future__ import annotations

import io
import zipfile
import zlib

from qa.errors import ReadError

DAMAGED = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, NotImplementedError, EOFError, OSError)
"""Errors that reading a member of a damaged zip file raises."""

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
"""All members together: as many bytes as the largest file that is read by default."""


def open_zip(data: bytes, kind: str) -> zipfile.ZipFile:
    """Open a zip file.

    Args:
        data: its bytes.
        kind: the format that it should have, with its article, for messages: ``a DOCX``.

    Raises:
        ReadError: it is damaged or encrypted, or would unpack to more than ``MAX_UNPACKED_BYTES``.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except DAMAGED as error:
        raise ReadError(f"is not {kind} that can be opened: {error}") from error
    members = archive.infolist()
    # The declared size can be relied on: zipfile never unpacks more.
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise ReadError(f"is not read: it would unpack to more than {MAX_UNPACKED_BYTES // 1024**2} MiB")
    if any(member.flag_bits & 1 for member in members):
        raise ReadError(f"is not {kind} that can be opened: it is encrypted")
    return archive
