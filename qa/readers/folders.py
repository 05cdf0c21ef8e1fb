"""Archives (ZIP, TAR): folders in a file. Each file in them is a member, read as what it is."""

from __future__ import annotations

import io
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError

from qa.errors import ReadError
from qa.readers.archives import DAMAGED, MAX_UNPACKED_BYTES
from qa.readers.extract import BadMember, Member
from qa.readers.nested import MAX_MEMBERS, most_inside

_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 1
_UNICODE_PATH = 0x7075
"""The extra field in which Info-ZIP and others keep a name as UTF-8, beside one in an old encoding."""

_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC = re.compile(r"[А-яЁё]+")
_DRIVE = re.compile(r"[A-Za-z]:")

_IS_LINK = "is a link: links are not followed"
_TOO_LARGE = f"is not read: it has more than {MAX_UNPACKED_BYTES // 2**20} MiB"
_TAR_DAMAGED = (tarfile.TarError, *DAMAGED, LZMAError)


def read_zip(data: bytes) -> Iterator[Member | BadMember]:
    """Yield the files in a ZIP archive, one at a time.

    Raises:
        ReadError: while iterating, if it cannot be opened, or holds too many entries.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except DAMAGED as error:
        raise ReadError(f"is not a ZIP archive that can be opened: {error}") from error
    with archive:
        entries = archive.infolist()
        if len(entries) > MAX_MEMBERS:
            raise ReadError(f"holds more than {MAX_MEMBERS:,} files: split it")
        for entry in entries:
            name = _zip_name(entry)
            if not (name.endswith("/") or _is_hidden(name)):
                yield _zip_member(archive, entry, name)


def read_tar(data: bytes) -> Iterator[Member | BadMember]:
    """Yield the files in a TAR archive, compressed or not, one at a time.

    Raises:
        ReadError: while iterating, if it cannot be opened, is damaged, or unpacks to too much.
    """
    left, count = most_inside(len(data)), 0
    try:
        # A stream is unpacked only once, from the beginning to the end.
        with tarfile.open(fileobj=io.BytesIO(data), mode="r|*") as archive:
            for entry in archive:
                left, count = left - entry.size, count + 1
                if left < 0 or count > MAX_MEMBERS:
                    raise ReadError("holds more than is read of one file: split it")
                if not (entry.isdir() or _is_hidden(entry.name)):
                    yield _tar_member(archive, entry)
    except _TAR_DAMAGED as error:
        raise ReadError(f"is not a TAR archive that can be read: {error}") from error


def _zip_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Member | BadMember:
    reason = _refusal(name)
    if stat.S_ISLNK(entry.external_attr >> 16):
        reason = _IS_LINK
    elif entry.flag_bits & _ENCRYPTED_FLAG:
        reason = "cannot be read: it is encrypted"
    elif entry.file_size > MAX_UNPACKED_BYTES:  # zipfile never unpacks more than an entry declares
        reason = _TOO_LARGE
    if reason:
        return BadMember(name, reason)
    try:
        return Member(name, archive.read(entry))
    except (*DAMAGED, LZMAError, RuntimeError) as error:
        return BadMember(name, f"cannot be unpacked: {error}")


def _tar_member(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> Member | BadMember:
    reason = _refusal(entry.name)
    if entry.issym() or entry.islnk():
        reason = _IS_LINK
    elif not entry.isfile():
        reason = "is a device or pipe, not a file"
    elif entry.size > MAX_UNPACKED_BYTES:
        reason = _TOO_LARGE
    file = None if reason else archive.extractfile(entry)
    if file is None:
        return BadMember(entry.name, reason or "cannot be unpacked")
    data = file.read()
    if len(data) < entry.size:
        raise ReadError("is not a TAR archive that can be read: it ends too early")
    return Member(entry.name, data)


def _refusal(name: str) -> str | None:
    """Return why a name is not one of a file inside a folder; None if it is."""
    if "\0" in name:
        return "is not read: its name has a NUL"
    if "\\" in name:
        return "is not read: its path has a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "is not read: its path is absolute"
    if ".." in name.split("/"):
        return 'is not read: its path has ".."'
    return None


def _is_hidden(name: str) -> bool:
    """Whether a name, or a folder in it, begins with a dot, or macOS keeps its own notes there."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry, in whatever encoding it is written."""
    name = entry.orig_filename
    if entry.flag_bits & _UTF8_FLAG or name.isascii():
        return name
    raw = name.encode("cp437")
    try:
        return _unicode_path(entry.extra, raw) or raw.decode()
    except UnicodeDecodeError:
        russian = raw.decode("cp866")
        return russian if _is_russian(russian) else name


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Return the name in an entry's extra fields, if there is one and it belongs to ``raw``."""
    while len(extra) >= struct.calcsize("<HH"):
        kind, length = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(field) > struct.calcsize("<BI"):
            version, checksum = struct.unpack_from("<BI", field)
            if version == 1 and checksum == zlib.crc32(raw):
                return field[5:].decode()
    return None


def _is_russian(name: str) -> bool:
    """Whether a name has Cyrillic words, and none that mixes alphabets, as a wrong encoding would.

    >>> _is_russian("Отчёт.txt"), _is_russian("Mбller.txt"), _is_russian("caf╡.txt")
    (True, False, False)
    """
    words = [word for word in _WORD.findall(name) if not word.isascii()]
    return any(len(word) > 1 for word in words) and all(map(_CYRILLIC.fullmatch, words))
