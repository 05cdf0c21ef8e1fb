"""Files → text and metadata, one module per format."""

from __future__ import annotations

import errno
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from qa.errors import ReadError
from qa.readers import (
    docx,
    epub,
    folders,
    libreoffice,
    markdown,
    odf,
    pictures,
    plain_text,
    pptx,
    rst,
    rtf,
    sidecar,
    spreadsheets,
    subtitles,
    tables,
    text_metadata,
    xml,
)
from qa.readers.extract import MAX_HEADING_LENGTH, BadMember, Extract, Member
from qa.readers.html import article
from qa.readers.mail import calendars, mailbox, outlook, web_archive
from qa.readers.metadata import Facts
from qa.readers.nested import Names, Place, TooMuchInsideError, clean_path
from qa.readers.pdf import extraction
from qa.readers.sidecar import described_by, is_sidecar, sidecar_of
from qa.readers.size_limits import check_length, limit_failures, limit_reading, message_line
from qa.readers.yaml_toml import MAX_BYTES as MAX_SIDECAR_BYTES
from qa.types import Heading, ReadFailure, Reading

__all__ = [
    "MAX_SIDECAR_BYTES",
    "NOT_READ",
    "SUFFIXES",
    "VERSION",
    "described_by",
    "is_sidecar",
    "open_member",
    "read",
    "sidecar_of",
    "supported",
]

NOT_READ = "is of no kind that can be read"
"""Why a file of another kind is not read."""

VERSION = 4
"""Changes whenever the same file may come out as another text or with other metadata."""

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_ZIP, _TAR = "application/zip", "application/x-tar"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        ".txt": "text/plain",
        ".text": "text/plain",
        ".md": "text/markdown",
        ".markdown": "text/markdown",
        ".html": "text/html",
        ".htm": "text/html",
        ".xhtml": "application/xhtml+xml",
        ".pdf": "application/pdf",
        ".docx": _DOCX,
        ".doc": "application/msword",
        ".pptx": _PPTX,
        ".ppt": "application/vnd.ms-powerpoint",
        ".rst": "text/x-rst",
        ".vtt": "text/vtt",
        ".srt": "application/x-subrip",
        ".xml": "application/xml",
        ".rtf": "application/rtf",
        ".odt": "application/vnd.oasis.opendocument.text",
        ".odp": "application/vnd.oasis.opendocument.presentation",
        ".epub": "application/epub+zip",
        ".eml": "message/rfc822",
        ".mbox": "application/mbox",
        ".emlx": "message/rfc822",
        ".msg": "application/vnd.ms-outlook",
        **dict.fromkeys((".mht", ".mhtml"), "multipart/related"),
        ".ics": "text/calendar",
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".tif": "image/tiff",
        ".tiff": "image/tiff",
        ".webp": "image/webp",
        ".zip": _ZIP,
        **dict.fromkeys((".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz"), _TAR),
        ".jsonl": "application/jsonl",
        ".ndjson": "application/jsonl",
        ".json": "application/json",
        ".csv": "text/csv",
        ".psv": "text/csv",
        ".tsv": "text/tab-separated-values",
        ".tab": "text/tab-separated-values",
        ".xlsx": _XLSX,
        ".xlsm": _XLSX,
        ".xls": "application/vnd.ms-excel",
        ".xlsb": "application/vnd.ms-excel.sheet.binary.macroenabled.12",
        ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    }
)
"""The media type of each kind of file that can be read."""

_READERS: Mapping[str, Callable[[bytes], Extract]] = {
    "text/plain": plain_text.read,
    "text/markdown": markdown.read,
    "text/html": article.read,
    "application/xhtml+xml": article.read,
    "application/pdf": extraction.read,
    _DOCX: docx.read,
    _PPTX: pptx.read,
    "application/msword": libreoffice.read_doc,
    "application/vnd.ms-powerpoint": libreoffice.read_ppt,
    "text/x-rst": rst.read,
    "text/vtt": subtitles.read,
    "application/x-subrip": subtitles.read,
    "application/xml": xml.read,
    "application/rtf": rtf.read,
    "application/vnd.oasis.opendocument.text": odf.read_text,
    "application/vnd.oasis.opendocument.presentation": odf.read_slides,
    "application/epub+zip": epub.read,
    "text/calendar": calendars.read,
    "multipart/related": web_archive.read,
    **dict.fromkeys(("image/png", "image/jpeg", "image/tiff", "image/webp"), pictures.read),
    _XLSX: spreadsheets.read,
    "application/vnd.ms-excel": spreadsheets.read,
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": spreadsheets.read,
    "application/vnd.oasis.opendocument.spreadsheet": spreadsheets.read,
}
_ARCHIVES = frozenset({_ZIP, _TAR})

_Part = Extract | tables.BadRow | Member | BadMember

_TABLE_READERS: Mapping[str, Callable[[bytes], Iterator[_Part]]] = {
    "application/jsonl": tables.read_jsonl,
    "application/json": tables.read_json,
    "text/csv": tables.read_csv,
    "text/tab-separated-values": tables.read_csv,
    "message/rfc822": mailbox.read,
    "application/mbox": mailbox.read,
    "application/vnd.ms-outlook": outlook.read,
    _ZIP: folders.read_zip,
    _TAR: folders.read_tar,
}
"""Readers of files that hold several documents: rows, messages or files."""

_MEMBER_READERS: Mapping[str, Callable[[bytes], Iterator[_Part]]] = {
    _ZIP: folders.read_zip,
    _TAR: folders.read_tar,
    "message/rfc822": mailbox.read,
    "application/mbox": mailbox.read,
    "application/vnd.ms-outlook": outlook.read,
}
"""What yields at least the members of a file, the same and in the same order as its reader."""

_OUT_OF_MEMORY = re.compile(
    r"out of memory|cannot allocate|memory allocation|insufficient memory", re.IGNORECASE
)
"""How libraries that raise errors of their own report that they got no memory."""

_LXML_NO_MEMORY = 2  # etree.ErrorTypes.ERR_NO_MEMORY; the message is only "unknown error"


def supported(path: Path) -> bool:
    """Whether a file has a readable format. A sidecar is read with the file that it describes."""
    return _media_type(path.name) is not None and not is_sidecar(path)


def named_type(name: str) -> str:
    """Return the media type that a short name, such as ``pdf``, stands for; other names as they are.

    The short names are the suffixes of files, without the dot.
    """
    return SUFFIXES.get(f".{name.lower()}", name)


def read(name: str, data: bytes, *, sidecar_data: bytes | None = None) -> Iterator[Reading | ReadFailure]:
    """Yield what a file holds: one document, or one per row of a table file, and a failure per bad row.

    Args:
        name: the file's path relative to the documents folder, in POSIX form.
        data: its bytes.
        sidecar_data: the bytes of its sidecar, if it has one.

    Raises:
        ReadError: while iterating, if nothing of the file, or nothing more, can be read. Its message
            continues a sentence that begins with the file's name.
        MemoryError: while iterating, if it needs more memory than there is.
    """
    try:
        yield from _read(name, data, sidecar_data)
    except Exception as error:  # the formats' libraries raise anything on damaged or hostile bytes
        if _is_out_of_memory(error):
            raise MemoryError from error
        raise ReadError(message_line(_reason(error))) from error


def _reason(error: Exception) -> str:
    if isinstance(error, ReadError):
        return str(error)
    if isinstance(error, RecursionError):
        return "cannot be read: it is nested too deeply"
    return f"cannot be read: {type(error).__name__}: {error}"


def _is_out_of_memory(error: Exception) -> bool:
    """Whether an error, or its cause, means that there was no memory."""
    return any(map(_lacks_memory, (error, error.__cause__)))


def _lacks_memory(error: BaseException | None) -> bool:
    if isinstance(error, ReadError):  # its message may quote the file
        return False
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if type(error).__name__ == "XMLSyntaxError" and getattr(error, "code", 0) == _LXML_NO_MEMORY:
        return True
    return isinstance(error, MemoryError) or bool(_OUT_OF_MEMORY.search(str(error)))


def _read(name: str, data: bytes, sidecar_data: bytes | None) -> Iterator[Reading | ReadFailure]:
    described = Facts()
    if sidecar_data is not None:
        described = sidecar.parse(sidecar_data, sidecar_of(Path(name)).as_posix())
    parts = "members" if _media_type(name) in _ARCHIVES else "rows"
    yield from limit_failures(name, _documents(Place.of(name, len(data)), data, described), parts=parts)


def _media_type(name: str) -> str | None:
    """Return the media type of a kind of file that is read: of ``.tar.gz`` before ``.gz``."""
    if Path(name).name.lower() in mailbox.NAMES:
        return "application/mbox"
    suffixes = [suffix.lower() for suffix in Path(name).suffixes[-2:]]
    return SUFFIXES.get("".join(suffixes)) or SUFFIXES.get(suffixes[-1] if suffixes else "")


def _documents(place: Place, data: bytes, described: Facts) -> Iterator[Reading | ReadFailure]:
    """Yield the documents of a file or a member, and those of the members in it."""
    media_type = _media_type(place.name)
    if media_type is None:
        raise ReadError(f"{NOT_READ}: {', '.join(SUFFIXES)}")
    names, unread = Names(), Counter[str]()
    is_archive, is_empty = media_type in _ARCHIVES, True
    for part in _parts(media_type, data):
        is_empty = False
        if isinstance(part, Member):
            yield from _member(place, path := names.name(part), part.data)
            unread.update([] if _media_type(path) else [Path(path).suffix.lower() or "without a suffix"])
        elif isinstance(part, tables.BadRow):
            yield place.failure(part.reason, part.row)
        elif isinstance(part, BadMember):
            yield place.inside(clean_path(part.path)).failure(part.reason)
        else:
            yield _row(place, media_type, described, part)
            for member in part.members:
                yield from _member(place, names.name(member), member.data)
    if is_archive and is_empty:
        raise ReadError("holds no files")
    if is_archive and unread:
        kinds = ", ".join(f"{suffix} {number}" for suffix, number in unread.most_common())
        yield place.failure(f"holds files of kinds that are not read: {kinds}")


def _parts(media_type: str, data: bytes) -> Iterator[_Part]:
    if media_type in _TABLE_READERS:
        yield from _TABLE_READERS[media_type](data)
    else:
        yield _READERS[media_type](data)


def _member(holder: Place, path: str, data: bytes) -> Iterator[Reading | ReadFailure]:
    """Yield the documents of a member, or why it cannot be read; nothing if it is of no kind that is read."""
    holder.allowance.take(members=1, bytes_=len(data))
    if _media_type(path) is None:
        return
    place = holder.inside(path)
    digest = hashlib.sha256(data).hexdigest()
    try:
        place.check()
        for document in _documents(place, data, Facts()):
            if isinstance(document, Reading) and document.member is None:
                holder.allowance.take(characters=len(document.text))
                yield replace(document, member=place.member, member_sha256=digest)
            else:
                yield document
    except TooMuchInsideError:
        raise
    except Exception as error:  # as in ``read``
        if _is_out_of_memory(error):
            raise MemoryError from error
        yield place.failure(_reason(error))


def open_member(name: str, data: bytes, member: str) -> bytes:
    """Return the bytes of a file inside a file.

    Args:
        name: the name of the file that holds it.
        data: its bytes.
        member: the path inside it, as ``Reading.member`` has it.

    Raises:
        ReadError: there is no such member, or the file cannot be read.
        MemoryError: it needs more memory than there is.
    """
    try:
        found = _find_member(Place.of(name, len(data)), data, member)
    except Exception as error:
        if _is_out_of_memory(error):
            raise MemoryError from error
        raise ReadError(message_line(_reason(error))) from error
    if found is None:
        raise ReadError(message_line(f"holds no file {member}"))
    return found


def _find_member(place: Place, data: bytes, path: str) -> bytes | None:
    place.check()
    names = Names()
    parts = _MEMBER_READERS.get(_media_type(place.name) or "", _no_members)(data)
    for member in chain.from_iterable(map(_members, parts)):
        place.allowance.take(members=1, bytes_=len(member.data))
        name = names.name(member)
        found = None
        if name == path:
            place.inside(name).check()
            found = member.data
        elif path.startswith(f"{name}/"):
            found = _find_member(place.inside(name), member.data, path.removeprefix(f"{name}/"))
        if found is not None:
            return found
    return None


def _members(part: _Part) -> Sequence[Member]:
    if isinstance(part, Member):
        return (part,)
    return part.members if isinstance(part, Extract) else ()


def _no_members(_: bytes) -> Iterator[_Part]:
    yield from ()


def _row(place: Place, media_type: str, described: Facts, row: Extract) -> Reading | ReadFailure:
    """Return a document. If it is a row of several, that it cannot be read is a failure of its own."""
    try:
        return _reading(place.name, media_type, described, row)
    except ReadError as error:
        if row.key is None:
            raise
        return place.failure(str(error), row.key)


def _reading(name: str, media_type: str, described: Facts, extract: Extract) -> Reading:
    """Return a document with the metadata of its sidecar, its file and its text, in this order."""
    if not extract.text.strip():
        raise ReadError("holds no text")
    check_length(extract.text)
    facts = Facts()
    facts.fill_from(described)
    facts.fill_from(extract.facts)
    front_matter = [heading.span.end for heading in extract.headings or () if heading.level == 0]
    body = extract.text[max(front_matter, default=0) :]
    facts.fill_from(text_metadata.find_facts(body, with_title=media_type == "text/plain"))
    return limit_reading(
        Reading(
            text=extract.text,
            media_type=media_type,
            metadata=facts.metadata(name),
            headings=_headings(extract),
            pages=extract.pages,
            tables=extract.tables,
            key=extract.key,
            recognised=extract.recognised,
            notes=(*extract.notes, *_notes_on_members(extract), *facts.notes()),
        )
    )


def _headings(extract: Extract) -> tuple[Heading, ...] | None:
    """Return the headings that are short enough to name a section, and front matter."""
    if extract.headings is None:
        return None
    return tuple(
        heading
        for heading in extract.headings
        if heading.level == 0 or heading.span.end - heading.span.start <= MAX_HEADING_LENGTH
    )


def _notes_on_members(extract: Extract) -> Iterator[str]:
    for member in extract.members:
        if _media_type(member.path) is None:
            yield f"attachment {Path(member.path).name} is of no kind that is read"
