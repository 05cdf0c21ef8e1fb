"""What a reader's process and the one that asked say to each other.

Frames of JSON, each behind its length. JSON, for what comes from a process that hostile files have been
through must not be able to do anything here.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from typing import IO, Any

from qa.contracts import Heading, Metadata, ReadFailure, Reading, Span

_LENGTH = struct.Struct("!Q")


def send(stream: IO[bytes], content: Any) -> None:
    """Write a frame: anything that JSON can hold, or bytes as they are."""
    data = content if isinstance(content, bytes) else _encoded(content)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)


def receive_bytes(stream: IO[bytes]) -> bytes:
    """Read a frame of bytes.

    Raises:
        EOFError: the other side has ended.
    """
    data = _exactly(stream, _LENGTH.size)
    return _exactly(stream, _LENGTH.unpack(data)[0])


def receive(stream: IO[bytes]) -> Any:
    """Read a frame of JSON, or raise EOFError."""
    return json.loads(receive_bytes(stream).decode("utf-8", "surrogatepass"))


def pack(found: Reading | ReadFailure) -> dict[str, Any]:
    """Put what was found as JSON can hold it."""
    return {"reading" if isinstance(found, Reading) else "failure": asdict(found)}


def unpack(content: dict[str, Any]) -> Reading | ReadFailure:
    """Take it out again."""
    if "failure" in content:
        return ReadFailure(**content["failure"])
    fields = content["reading"]
    headings = fields["headings"]
    return Reading(
        **fields
        | {
            "metadata": Metadata(**fields["metadata"]),
            "headings": None
            if headings is None
            else tuple(Heading(Span(*one["span"]), one["level"]) for one in headings),
            "pages": tuple(Span(*page) for page in fields["pages"]),
            "notes": tuple(fields["notes"]),
        }
    )


def _encoded(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
