"""Files received from a form: by the page, and by the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import IO, Any, cast

from flask import abort, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.formparser import FormDataParser

from qa.config import Settings
from qa.indexing.uploads import Inbox, open_inbox
from qa.web.service import service

ADDRESSES = frozenset({("POST", "/documents"), ("POST", "/api/v1/documents")})
"""Methods and paths of the requests that bring files."""

_FIELDS = 16
"""Fields that a form may have beside its files. Chosen: more than it has."""

_FIELD_BYTES = 1 << 19
"""Bytes of one such field. The parser limits its buffer by it, too, which holds 64 KB and more."""

_OVERHEAD = 1 << 20
"""Bytes of a form beside its files. Chosen: more than names and fields of the longest form take."""


def streamed(settings: Settings) -> frozenset[tuple[str, str]]:
    """Return the methods and paths of requests whose bodies may be long."""
    return ADDRESSES if settings.upload else frozenset()


def check_allowed() -> None:
    """Answer with 404 if files cannot be uploaded."""
    if not service().settings.upload:
        abort(HTTPStatus.NOT_FOUND)


@contextmanager
def received(folder: str, most: int) -> Iterator[tuple[Inbox, MultiDict[str, str]]]:
    """Receive the form of this request, and yield its files and its other fields.

    The files go straight to the disk. Those that are not kept in the block are removed after it.

    Args:
        folder: where the files go, relative to the documents folder.
        most: how many files there may be.

    Raises:
        NotFoundError: there is no such folder.
        NoSpaceError: the disk has no room for the whole form.
        HTTPException: it is no form, is damaged or too long, or did not arrive whole.
    """
    settings = service().settings
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("Send the files as multipart/form-data.")
    request.max_content_length = most * (settings.max_file_mb << 20) + _OVERHEAD
    if (request.content_length or 0) > request.max_content_length:
        raise RequestEntityTooLarge(
            f"A file may have {settings.max_file_mb} MiB (max_file_mb), "
            f"and a request {_files(most, 'such ')}."
        )
    with open_inbox(settings, folder) as inbox:
        inbox.check_space(request.content_length or 0)
        yield inbox, _parse(inbox, most)


def _parse(inbox: Inbox, most: int) -> MultiDict[str, str]:
    """Read the body of this request, file by file."""

    def begin(*, filename: str | None, **_: Any) -> IO[bytes]:
        if len(inbox.arrivals) == most:
            raise RequestEntityTooLarge(f"A request may have {_files(most)}: send the others after it.")
        return cast("IO[bytes]", inbox.begin(filename or ""))

    parser = FormDataParser(
        cast("Any", begin), max_form_memory_size=_FIELD_BYTES, max_form_parts=most + _FIELDS, silent=False
    )
    try:
        stream = cast("IO[bytes]", _WholeEnds(request.stream, request.mimetype_params.get("boundary", "")))
        options = dict(request.mimetype_params)
        _, fields, _ = parser.parse(stream, request.mimetype, request.content_length, options)
    except ValueError as error:
        raise BadRequest(f"The form cannot be read: {error}.") from error
    return fields


def _files(most: int, kind: str = "") -> str:
    """Return how many files there may be, in words.

    >>> _files(1, "such "), _files(50)
    ('one such file', '50 files')
    """
    return f"one {kind}file" if most == 1 else f"{most} {kind}files"


class _WholeEnds:
    """A form's body, of which no piece ends between the two hyphens of the last delimiter.

    If one did, werkzeug 3.1.9 would add a carriage return to the file before it.
    """

    def __init__(self, stream: IO[bytes], boundary: str) -> None:
        self._stream = stream
        self._half = f"--{boundary}-".encode()
        self._last = b""

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes and one more; none at the end."""
        piece = self._stream.read(size)
        if self._remember(piece) == self._half:
            piece += (byte := self._stream.read(1))
            self._remember(byte)
        return piece

    def _remember(self, piece: bytes) -> bytes:
        """Return the last bytes that were read, as many as the half delimiter has."""
        self._last = (self._last + piece[-len(self._half) :])[-len(self._half) :]
        return self._last
