"""What tests of the API and of the pages share: ids, problems and the tags of a page."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, stream_encode_multipart

from qa.web.api.schemas.responses import Problem

OWN = {"Sec-Fetch-Site": "same-origin"}
"""The headers of a request from the service's own page."""


def id_of(path: str) -> str:
    """Return the id of the document with this path."""
    return hashlib.sha256(path.encode()).hexdigest()[:16]


def problem(response: TestResponse, status: int) -> dict[str, Any]:
    """Return the body of a response that must be a problem with this status."""
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    body = response.get_json()
    Problem.model_validate(body)
    assert body["status"] == status
    assert body["detail"]
    return body


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    """Return the HTML at an address, which must answer with this status."""
    response = client.get(address)
    assert response.status_code == status
    assert response.content_type == "text/html; charset=utf-8"
    return response.get_data(as_text=True)


def without_offsets(html: str) -> str:
    """Return the HTML of a document's page without the offsets of its text."""
    return re.sub(r' data-s="\d+"', "", html)


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def form(*sent: tuple[str, bytes], **fields: str) -> dict[str, Any]:
    """Return the arguments of a request that sends files and fields as a form."""
    data = {"file": [FileStorage(BytesIO(content), name, "file") for name, content in sent], **fields}
    body, _, boundary = stream_encode_multipart(data, use_tempfile=False)
    return {"data": body.read(), "content_type": f"multipart/form-data; boundary={boundary}"}


def bearer(key: str) -> dict[str, str]:
    """Return the header that carries a key."""
    return {"Authorization": f"Bearer {key}"}
