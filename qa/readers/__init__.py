"""Files → text and metadata, one module per format."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from qa.errors import ReadError
from qa.readers import (
    docx,
    epub,
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
from qa.readers.extract import MAX_HEADING_LENGTH, Extract
from qa.readers.html import article
from qa.readers.mail import mailbox
from qa.readers.metadata import Facts
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
    "read",
    "sidecar_of",
    "supported",
]

NOT_READ = "is of no kind that can be read"
"""Why a file of another kind is not read."""

VERSION = 3
"""Changes whenever the same file may come out as another text or with other metadata."""

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
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
        ".pptx": _PPTX,
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
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".tif": "image/tiff",
        ".tiff": "image/tiff",
        ".webp": "image/webp",
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
    "text/x-rst": rst.read,
    "text/vtt": subtitles.read,
    "application/x-subrip": subtitles.read,
    "application/xml": xml.read,
    "application/rtf": rtf.read,
    "application/vnd.oasis.opendocument.text": odf.read_text,
    "application/vnd.oasis.opendocument.presentation": odf.read_slides,
    "application/epub+zip": epub.read,
    **dict.fromkeys(("image/png", "image/jpeg", "image/tiff", "image/webp"), pictures.read),
    _XLSX: spreadsheets.read,
    "application/vnd.ms-excel": spreadsheets.read,
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": spreadsheets.read,
    "application/vnd.oasis.opendocument.spreadsheet": spreadsheets.read,
}
_TABLE_READERS: Mapping[str, Callable[[bytes], Iterator[Extract | tables.BadRow]]] = {
    "application/jsonl": tables.read_jsonl,
    "application/json": tables.read_json,
    "text/csv": tables.read_csv,
    "text/tab-separated-values": tables.read_csv,
    "message/rfc822": mailbox.read,
    "application/mbox": mailbox.read,
}
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
    media_type = SUFFIXES.get(Path(name).suffix.lower())
    if media_type is None:
        raise ReadError(f"{NOT_READ}: {', '.join(SUFFIXES)}")
    described = Facts()
    if sidecar_data is not None:
        described = sidecar.parse(sidecar_data, sidecar_of(Path(name)).as_posix())
    if media_type in _TABLE_READERS:
        rows = (_row(name, media_type, described, row) for row in _TABLE_READERS[media_type](data))
        yield from limit_failures(name, rows)
    else:
        yield _reading(name, media_type, described, _READERS[media_type](data))


def _row(name: str, media_type: str, described: Facts, row: Extract | tables.BadRow) -> Reading | ReadFailure:
    if isinstance(row, tables.BadRow):
        return ReadFailure(name, message_line(row.reason), row.row)
    try:
        return _reading(name, media_type, described, row)
    except ReadError as error:
        if row.key is None:  # the only document of its file
            raise
        return ReadFailure(name, message_line(str(error)), row.key)


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
            notes=(*extract.notes, *facts.notes()),
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
