"""The protocol between a reader's process and the one that started it.

Both send frames, each after its length. A request is a frame of JSON, one of the file's bytes and perhaps one
of its sidecar's. An answer is a frame of JSON, and, if it is a document, one of text and one of recognised
words, packed, or one of bytes if a member was asked for. JSON, because data from a process that has read
hostile files must not be able to run anything here. Nor may it fill this process's memory: a frame, or
anything in it, that is longer than a reader within its limits sends is refused.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import IO, Any, NamedTuple

from qa.errors import ReadError
from qa.readers.metadata import MAX_URL_LENGTH, MAX_VALUE_LENGTH
from qa.readers.size_limits import (
    MAX_CHARACTERS,
    MAX_HEADINGS,
    MAX_KEY_LENGTH,
    MAX_MEMBER_LENGTH,
    MAX_MESSAGE_LENGTH,
    MAX_NOTES,
    MAX_PAGES,
    MAX_TABLE_ROWS,
    MAX_WORDS,
)
from qa.text import recognised
from qa.types import Heading, Metadata, ReadFailure, Reading, RecognisedPage, Span, Table, WordBox

LENGTH = struct.Struct("!Q")
"""The form of a frame's length."""

MAX_ANSWER_BYTES = 16 * 2**20
"""Bytes of an answer without its text. The most headings and pages that a document may have take a third."""

MAX_TEXT_BYTES = 4 * MAX_CHARACTERS
"""Bytes of a text."""

MAX_WORD_BYTES = recognised.WORD_BYTES * MAX_WORDS
"""Bytes of a document's recognised words."""

_MAX_LEVEL = 100
"""Levels of headings. Formats have six to nine."""

_DIGEST_LENGTH = 64
_DIGEST = re.compile(r"[0-9a-f]{64}")

OUT_OF_MEMORY = 12
"""The exit code of a process that has not even the memory to say that it has none."""


@dataclass(frozen=True, slots=True)
class End:
    """The last answer on a file: why no more of it can be read, and whether to replace the process."""

    error: str | None
    worn: bool


class BadAnswerError(Exception):
    """The answer is not one of a reader within its limits."""


def frame(content: Any) -> bytes:
    """Return a frame of bytes, or of other content as JSON."""
    data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    return LENGTH.pack(len(data)) + data


def read_frame(stream: IO[bytes], max_bytes: int) -> bytes:
    """Read a frame from a stream, and return its content.

    Raises:
        EOFError: the stream ends, or the frame has more than ``max_bytes``.
    """
    (length,) = LENGTH.unpack(_read_exactly(stream, LENGTH.size))
    if length > max_bytes:
        raise EOFError
    return _read_exactly(stream, length)


def _read_exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def pack(document: Reading | ReadFailure) -> bytes:
    """Return the frames of a document."""
    if isinstance(document, ReadFailure):
        return frame({"failure": asdict(document)})
    headings, metadata = document.headings, document.metadata
    fields = {
        "media_type": document.media_type,
        "metadata": {name: getattr(metadata, name) for name in Metadata.__slots__},
        "headings": None if headings is None else [(*heading.span, heading.level) for heading in headings],
        "pages": document.pages,
        "tables": [(table.header, table.rows) for table in document.tables],
        "key": document.key,
        "member": document.member,
        "member_sha256": document.member_sha256,
        "recognised": [
            (page.page, *page.span, page.certainty, len(page.words)) for page in document.recognised
        ],
        "notes": document.notes,
    }
    words = b"".join(recognised.pack(page.words) for page in document.recognised)
    return frame({"reading": fields}) + frame(document.text.encode()) + frame(words)


class Request(NamedTuple):
    """What to read: a file, its bytes and its sidecar's, or only the bytes of a ``member`` of it."""

    name: str
    data: bytes
    sidecar: bytes | None = None
    member: str | None = None


def read_request(receive: Callable[[], bytes]) -> Request:
    """Return what to read.

    Args:
        receive: returns the content of the next frame.
    """
    request = json.loads(receive())
    data = receive()
    sidecar = receive() if request["sidecar"] else None
    return Request(request["name"], data, sidecar, request["member"])


def request(name: str, data: bytes, sidecar: bytes | None, member: str | None = None) -> list[bytes]:
    """Return the request to read a file or a member, in parts, to avoid copying large files."""
    fields = {"name": name, "sidecar": sidecar is not None, "member": member}
    first = frame(fields) + LENGTH.pack(len(data))
    return [first, data] if sidecar is None else [first, data, frame(sidecar)]


def read_answer(receive: Callable[[int], bytes]) -> Reading | ReadFailure | End:
    """Return an answer: a document, or the end of the file.

    Args:
        receive: returns the content of the next frame, which may have at most so many bytes.

    Raises:
        BadAnswerError: it is not a valid answer.
    """
    try:
        content = json.loads(receive(MAX_ANSWER_BYTES))
        if "reading" in content:
            text = receive(MAX_TEXT_BYTES).decode()
            words = recognised.unpack(receive(MAX_WORD_BYTES))
            return _reading(content["reading"], text, words)
        if "failure" in content:
            return _failure(**content["failure"])
        return End(_optional_text(content["error"], MAX_MESSAGE_LENGTH), bool(content["worn"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadAnswerError from error


def read_member(receive: Callable[[int], bytes], max_bytes: int) -> bytes:
    """Return the bytes of a member.

    Args:
        receive: as for ``read_answer``.
        max_bytes: the most bytes that it may have.

    Raises:
        ReadError: it cannot be read.
        BadAnswerError: it is not a valid answer.
    """
    try:
        error = _optional_text(json.loads(receive(MAX_ANSWER_BYTES))["error"], MAX_MESSAGE_LENGTH)
    except (ValueError, TypeError, KeyError, RecursionError) as why:
        raise BadAnswerError from why
    if error is not None:
        raise ReadError(error)
    return receive(max_bytes)


def _failure(path: str, reason: str, row: str | None, count: int, member: str | None) -> ReadFailure:
    _check(type(count) is int and 0 < count < 2**63)
    return ReadFailure(
        _text(path),
        _text(reason, MAX_MESSAGE_LENGTH),
        _optional_text(row, MAX_KEY_LENGTH),
        count,
        _optional_text(member, MAX_MEMBER_LENGTH),
    )


def _reading(fields: dict[str, Any], text: str, words: tuple[WordBox, ...]) -> Reading:
    headings, pages, notes = fields["headings"], fields["pages"], fields["notes"]
    _check(len(text) <= MAX_CHARACTERS and len(pages) <= MAX_PAGES and len(notes) <= MAX_NOTES)
    _check(headings is None or len(headings) <= MAX_HEADINGS)
    _check(sum(len(rows) for _, rows in fields["tables"]) <= MAX_TABLE_ROWS)
    metadata = Metadata(**fields["metadata"])
    for name in Metadata.__slots__[:-1]:
        _optional_text(getattr(metadata, name), MAX_URL_LENGTH if name == "url" else MAX_VALUE_LENGTH)
    _check(set(metadata.found) <= set(Metadata.__slots__))
    return Reading(
        text=text,
        media_type=_text(fields["media_type"], MAX_VALUE_LENGTH),
        metadata=metadata,
        headings=None if headings is None else tuple(_heading(text, *bounds) for bounds in headings),
        pages=tuple(_span(text, *bounds) for bounds in pages),
        tables=tuple(_table(text, *parts) for parts in fields["tables"]),
        key=_optional_text(fields["key"], MAX_KEY_LENGTH),
        member=_member(fields["member"]),
        member_sha256=_digest(fields["member_sha256"], fields["member"]),
        recognised=tuple(_recognised(text, len(pages), fields["recognised"], words)),
        notes=tuple(_text(note, MAX_MESSAGE_LENGTH) for note in notes),
    )


def _member(value: Any) -> str | None:
    """Return the path of a member, which must stay inside a folder."""
    path = _optional_text(value, MAX_MEMBER_LENGTH)
    if path is not None:
        _check("\0" not in path and not {"", ".", ".."} & set(path.split("/")))
    return path


def _digest(value: Any, member: str | None) -> str | None:
    """Return the SHA-256 of a member. A document has both a member and its digest, or neither."""
    _check((value is None) == (member is None))
    digest = _optional_text(value, _DIGEST_LENGTH)
    _check(digest is None or _DIGEST.fullmatch(digest) is not None)
    return digest


def _heading(text: str, start: int, end: int, level: int) -> Heading:
    _check(type(level) is int and 0 <= level < _MAX_LEVEL)
    return Heading(_span(text, start, end), level)


def _table(text: str, header: list[int] | None, rows: list[list[int]]) -> Table:
    return Table(_span(text, *header) if header else None, tuple(_span(text, *row) for row in rows))


def _recognised(
    text: str, pages: int, places: list[list[Any]], words: tuple[WordBox, ...]
) -> Iterator[RecognisedPage]:
    """Yield the recognised pages, which must be in order, as their words must be in each."""
    first = last_page = last_end = 0
    for page, start, end, certainty, count in places:
        _check(type(page) is int and last_page < page <= pages and last_end <= start)
        _check(type(certainty) in (int, float) and 0 <= certainty <= 1)
        _check(type(count) is int and 0 <= count <= len(words) - first)
        span, own = _span(text, start, end), words[first : first + count]
        _check(all(start <= word.start <= word.end <= end for word in own))
        _check(all(word.start <= after.start for word, after in pairwise(own)))
        _check(all(word.left <= word.right and word.top <= word.bottom for word in own))
        yield RecognisedPage(page, span, float(certainty), own)
        first, last_page, last_end = first + count, page, end
    _check(first == len(words))


def _span(text: str, start: int, end: int) -> Span:
    _check(type(start) is int and type(end) is int and 0 <= start <= end <= len(text))
    return Span(start, end)


def _optional_text(value: Any, max_length: int) -> str | None:
    return None if value is None else _text(value, max_length)


def _text(value: Any, max_length: int = MAX_ANSWER_BYTES) -> str:
    _check(isinstance(value, str) and len(value) <= max_length)
    value.encode()  # fails on lone surrogates, which cannot be written to a file
    return str(value)


def _check(holds: bool) -> None:  # noqa: FBT001
    if not holds:
        raise ValueError
