"""How answers travel: an ETag, so that what a client has is not sent again, and gzip where it pays.

Pages are not compressed: with a secret and the words of a stranger on one page, its length would tell of the
secret (BREACH). The API's answers hold no secret of the service.
"""

from __future__ import annotations

import gzip
import hashlib
from http import HTTPStatus

from flask import Response, request

_WORTH = 1400
"""Answers of at least so many bytes are compressed. Chosen: a shorter one fits into one packet as it is."""

_LEVEL = 4
"""Chosen: an answer of ten results takes a fraction of a millisecond, and shrinks about as far as it can."""

_COMPRESSIBLE = frozenset({"application/json", "text/plain"})
_DIGITS = 32


def deliver(response: Response) -> Response:
    """Answer 304 if the client has this answer already; otherwise compress it if the client can take that."""
    if response.is_streamed:
        return response
    if response.status_code == HTTPStatus.OK and request.method in {"GET", "HEAD"}:
        if not response.get_etag()[0]:
            tag(response, response.get_data())
        response.make_conditional(request)
    if response.mimetype in _COMPRESSIBLE:
        response.vary.add("Accept-Encoding")
        if response.status_code != HTTPStatus.NOT_MODIFIED:
            _compress(response)
    return response


def tag(response: Response, content: bytes) -> None:
    """Give an answer an ETag made of its content. It is weak: the bytes that travel may be compressed."""
    response.set_etag(hashlib.sha256(content).hexdigest()[:_DIGITS], weak=True)


def _compress(response: Response) -> None:
    data = response.get_data()
    if len(data) >= _WORTH and request.accept_encodings["gzip"] > 0:
        response.set_data(gzip.compress(data, _LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
