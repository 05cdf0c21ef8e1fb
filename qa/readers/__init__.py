"""Files → text and metadata, one module per format."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from qa.errors import ReadError
from qa.readers import docx, epub, mail, markdown, plain_text, sidecar, tables, text_metadata
from qa.readers.extract import MAX_HEADING_LENGTH, Extract, Member
from qa.readers.html import article
from qa.readers.metadata import Facts
from qa.readers.nested import Names, Place, TooMuchInsideError
from qa.readers.pdf import extraction
from qa.readers.sidecar import described_by, is_sidecar, sidecar_of
from qa.readers.size_limits import check_length, limit_failures, limit_reading, message_line
from qa.readers.yaml_toml import MAX_BYTES as MAX_SIDECAR_BYTES
from qa.types import Heading, ReadFailure, Reading

__all__ = [
    "MAX_SIDECAR_BYTES",
    "SUFFIXES",
    "VERSION",
    "described_by",
    "is_sidecar",
    "open_member",
    "read",
    "sidecar_of",
    "supported",
]

VERSION = 2
"""Changes whenever the same file may come out as another text or with other metadata."""

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

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
        ".epub": "application/epub+zip",
        ".eml": "message/rfc822",
        ".jsonl": "application/jsonl",
        ".csv": "text/csv",
        ".tsv": "text/tab-separated-values",
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
    "application/epub+zip": epub.read,
    "message/rfc822": mail.read,
}
_TABLE_READERS: Mapping[str, Callable[[bytes], Iterator[Extract | tables.BadRow | Member]]] = {
    "application/jsonl": tables.read_jsonl,
    "text/csv": tables.read_csv,
    "text/tab-separated-values": tables.read_csv,
}
"""Readers of files that hold several documents: rows, messages or files."""

_MEMBER_READERS: Mapping[str, Callable[[bytes], Iterator[Member]]] = {}
"""What yields just the members of a file, the same and in the same order as its reader."""

_OUT_OF_MEMORY = re.compile(
    r"out of memory|cannot allocate|memory allocation|insufficient memory", re.IGNORECASE
)
"""How libraries that raise errors of their own report that they got no memory."""

_LXML_NO_MEMORY = 2  # etree.ErrorTypes.ERR_NO_MEMORY; the message is only "unknown error"


def supported(path: Path) -> bool:
    """Whether a file has a readable format. A sidecar is read with the file that it describes."""
    return path.suffix.lower() in SUFFIXES and not is_sidecar(path)


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
        if any(map(_is_out_of_memory, (error, error.__cause__))):
            raise MemoryError from error
        raise ReadError(message_line(_reason(error))) from error


def _reason(error: Exception) -> str:
    if isinstance(error, ReadError):
        return str(error)
    if isinstance(error, RecursionError):
        return "cannot be read: it is nested too deeply"
    return f"cannot be read: {type(error).__name__}: {error}"


def _is_out_of_memory(error: BaseException | None) -> bool:
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
    parts = "members" if _media_type(name) in _MEMBER_READERS else "rows"
    yield from limit_failures(name, _documents(Place.of(name, len(data)), data, described), parts=parts)


def _media_type(name: str) -> str | None:
    return SUFFIXES.get(Path(name).suffix.lower())


def _documents(place: Place, data: bytes, described: Facts) -> Iterator[Reading | ReadFailure]:
    """Yield the documents of a file or a member, and those of the members in it."""
    media_type = _media_type(place.name)
    if media_type is None:
        raise ReadError(f"is of no kind that can be read: {', '.join(SUFFIXES)}")
    names = Names()
    for part in _parts(media_type, data):
        if isinstance(part, Member):
            yield from _member(place, names.name(part), part.data)
        elif isinstance(part, tables.BadRow):
            yield place.failure(part.reason, part.row)
        else:
            yield _row(place, media_type, described, part)
            for member in part.members:
                yield from _member(place, names.name(member), member.data)


def _parts(media_type: str, data: bytes) -> Iterator[Extract | tables.BadRow | Member]:
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
        for found in _documents(place, data, Facts()):
            if isinstance(found, Reading) and found.member is None:
                holder.allowance.take(characters=len(found.text))
                yield replace(found, member=place.member, member_sha256=digest)
            else:
                yield found
    except TooMuchInsideError:
        raise
    except Exception as error:  # as in ``read``
        if any(map(_is_out_of_memory, (error, error.__cause__))):
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
        if any(map(_is_out_of_memory, (error, error.__cause__))):
            raise MemoryError from error
        raise ReadError(message_line(_reason(error))) from error
    if found is None:
        raise ReadError(message_line(f"holds no file {member}"))
    return found


def _find_member(place: Place, data: bytes, path: str) -> bytes | None:
    place.check()
    names = Names()
    for member in _MEMBER_READERS.get(_media_type(place.name) or "", _no_members)(data):
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


def _no_members(_: bytes) -> Iterator[Member]:
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
