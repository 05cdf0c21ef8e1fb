"""Open the zip files that DOCX and EPUB are, with a limit on what they may unpack to."""

from __future__ import annotations

import io
import zipfile
import zlib

from qa.errors import ReadError

DAMAGED = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, NotImplementedError, EOFError, OSError)
"""What reading a member of a damaged zip file raises."""

MOST_BYTES = 256 * 1024 * 1024


def open_zip(data: bytes, kind: str) -> zipfile.ZipFile:
    """Open a zip file that claims to be a ``kind`` of document."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except DAMAGED as error:
        raise ReadError(f"is not {kind} that can be opened: {error}") from error
    members = archive.infolist()
    # No more is ever unpacked than a member declares: zipfile stops there.
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise ReadError(f"is not read: it would unpack to more than {MOST_BYTES // 1024**2} MiB")
    if any(member.flag_bits & 1 for member in members):
        raise ReadError(f"is not {kind} that can be opened: it is encrypted")
    return archive
