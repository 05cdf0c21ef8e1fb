"""What a reader's process and the one that asked say to each other.

Frames, each behind its length: a request is a frame of JSON and the bytes of the file and its sidecar; an
answer is one of JSON, and the text behind it where there is one. JSON, for what comes from a process that
hostile files have been through must not be able to do anything here. Nor must it fill this process's memory:
no frame is longer, and nothing in it more, than a reader sends that keeps its limits.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import IO, Any

from qa.readers.metadata import MAX_URL_LENGTH, MAX_VALUE_LENGTH
from qa.readers.size_limits import (
    MAX_CHARACTERS,
    MAX_HEADINGS,
    MAX_KEY_LENGTH,
    MAX_MESSAGE_LENGTH,
    MAX_NOTES,
    MAX_PAGES,
)
from qa.types import Heading, Metadata, ReadFailure, Reading, Span

LENGTH = struct.Struct("!Q")
"""How a frame's length is written."""

MAX_ANSWER_BYTES = 16 * 2**20
"""Bytes of an answer without its text: as many headings and pages as there may be take a third of it."""

MAX_TEXT_BYTES = 4 * MAX_CHARACTERS
"""Bytes of a text."""

_DEEPEST = 100
"""Levels of headings. Formats have six to nine."""

OUT_OF_MEMORY = 12
"""With what the process exits that cannot say any more that it has no memory left."""


@dataclass(frozen=True, slots=True)
class End:
    """The last answer on a file: why nothing more of it can be read; whether another process is due."""

    error: str | None
    worn: bool


class BadAnswerError(Exception):
    """What came is no answer of a reader that keeps its limits."""


def frame(content: Any) -> bytes:
    """Return a frame: bytes as they are, or JSON."""
    data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    return LENGTH.pack(len(data)) + data


def read_frame(stream: IO[bytes], largest: int) -> bytes:
    """Return a frame's content as it comes from a stream.

    Raises:
        EOFError: the other side has ended, or would send more than ``largest`` bytes.
    """
    (length,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    if length > largest:
        raise EOFError
    return _exactly(stream, length)


def _exactly(stream: IO[bytes], count: int) -> bytes:
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
        "key": document.key,
        "notes": document.notes,
    }
    return frame({"reading": fields}) + frame(document.text.encode())


def read_request(receive: Callable[[], bytes]) -> tuple[str, bytes, bytes | None]:
    """Return the name, the bytes and the sidecar's bytes of the file to read, as the frames come."""
    request = json.loads(receive())
    return request["name"], receive(), receive() if request["sidecar"] else None


def request(name: str, data: bytes, sidecar: bytes | None) -> list[bytes]:
    """Return the frames that ask to read a file, in parts, so that large files are not copied."""
    first = frame({"name": name, "sidecar": sidecar is not None}) + LENGTH.pack(len(data))
    return [first, data] if sidecar is None else [first, data, frame(sidecar)]


def read_answer(receive: Callable[[int], bytes]) -> Reading | ReadFailure | End:
    """Return an answer: a document, or that there are no more.

    Args:
        receive: gives the next frame, which must have no more than so many bytes.

    Raises:
        BadAnswerError: it is no answer.
    """
    try:
        content = json.loads(receive(MAX_ANSWER_BYTES))
        if "reading" in content:
            return _reading(content["reading"], receive(MAX_TEXT_BYTES).decode())
        if "failure" in content:
            return _failure(**content["failure"])
        return End(_said(content["error"], MAX_MESSAGE_LENGTH), bool(content["worn"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadAnswerError from error


def _failure(path: str, reason: str, row: str | None, count: int) -> ReadFailure:
    _check(type(count) is int and 0 < count < 2**63)
    return ReadFailure(_text(path), _text(reason, MAX_MESSAGE_LENGTH), _said(row, MAX_KEY_LENGTH), count)


def _reading(fields: dict[str, Any], text: str) -> Reading:
    headings, pages, notes = fields["headings"], fields["pages"], fields["notes"]
    _check(len(text) <= MAX_CHARACTERS and len(pages) <= MAX_PAGES and len(notes) <= MAX_NOTES)
    _check(headings is None or len(headings) <= MAX_HEADINGS)
    metadata = Metadata(**fields["metadata"])
    for name in Metadata.__slots__[:-1]:
        _said(getattr(metadata, name), MAX_URL_LENGTH if name == "url" else MAX_VALUE_LENGTH)
    _check(set(metadata.found) <= set(Metadata.__slots__))
    return Reading(
        text=text,
        media_type=_text(fields["media_type"], MAX_VALUE_LENGTH),
        metadata=metadata,
        headings=None if headings is None else tuple(_heading(text, *one) for one in headings),
        pages=tuple(_span(text, *one) for one in pages),
        key=_said(fields["key"], MAX_KEY_LENGTH),
        notes=tuple(_text(note, MAX_MESSAGE_LENGTH) for note in notes),
    )


def _heading(text: str, start: int, end: int, level: int) -> Heading:
    _check(type(level) is int and 0 <= level < _DEEPEST)
    return Heading(_span(text, start, end), level)


def _span(text: str, start: int, end: int) -> Span:
    _check(type(start) is int and type(end) is int and 0 <= start <= end <= len(text))
    return Span(start, end)


def _said(value: Any, longest: int) -> str | None:
    return None if value is None else _text(value, longest)


def _text(value: Any, longest: int = MAX_ANSWER_BYTES) -> str:
    _check(isinstance(value, str) and len(value) <= longest)
    value.encode()  # no halves of characters, which no file could take
    return str(value)


def _check(holds: bool) -> None:  # noqa: FBT001
    if not holds:
        raise ValueError
