"""Uploads through the real server: long, interrupted, refused, and many at once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from qa.drafts import DRAFT
from qa.web.access import load
from web.helpers import form
from web.server.test_processes import SCRIPT, connected, get, serving

UPLOADS = "/api/v1/documents"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


@pytest.fixture
def service(docs: Path) -> Iterator[str]:
    with serving("127.0.0.1", "0", "uploads", str(docs)) as (_, address):
        yield address


def post(address: str, content: bytes, **headers: str) -> tuple[int, dict[str, object]]:
    sent = form(("a.txt", content))
    with connected(address) as connection:
        connection.request(
            "POST", UPLOADS, sent["data"], {"Content-Type": sent["content_type"]} | dict(headers)
        )
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def begin(address: str, stack: ExitStack) -> socket.socket:
    """Send the headers and the first half of a long upload."""
    parts = urlsplit(address)
    client = stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=20))
    sent = form(("begun.txt", b"x" * 3_000_000))
    head = f"POST {UPLOADS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {sent['content_type']}\r\n"
    client.sendall(f"{head}Content-Length: {len(sent['data'])}\r\n\r\n".encode() + sent["data"][:1_500_000])
    return client


def drafts(docs: Path, number: int) -> list[Path]:
    """Wait until there are so many files in the folder, and return them."""
    ends = time.monotonic() + 20
    while len(held := list(docs.iterdir())) != number and time.monotonic() < ends:
        time.sleep(0.05)
    return held


def test_a_long_file_arrives_as_it_was_sent(service: str, docs: Path) -> None:
    content = os.urandom(5_000_000)
    status, answer = post(service, content)
    assert (status, answer["size"]) == (201, len(content))
    assert (docs / "a.txt").read_bytes() == content


def test_an_upload_that_breaks_off_leaves_nothing(service: str, docs: Path) -> None:
    with ExitStack() as stack:
        begin(service, stack)
        assert len(drafts(docs, 1)) == 1
    assert drafts(docs, 0) == []


def test_a_refused_upload_gets_its_answer_though_it_is_long(service: str, docs: Path) -> None:
    status, answer = post(service, b"x" * 20_000_000, Origin="https://evil.example")
    assert status == 403
    assert "cors" in str(answer["detail"])
    assert list(docs.iterdir()) == []


def test_uploads_that_stall_delay_no_search(service: str, docs: Path) -> None:
    with ExitStack() as stack:
        for _ in range(load._MAX_UPLOADS):
            begin(service, stack)
        assert len(drafts(docs, load._MAX_UPLOADS)) == load._MAX_UPLOADS
        assert post(service, b"x" * 2_000_000)[0] == 503
        with connected(service) as connection:
            assert get(connection, "/api/v1/search?q=trade")[0] == 200
    assert drafts(docs, 0) == []
    assert post(service, b"x" * 2_000_000)[0] == 201


def test_what_a_killed_service_left_is_swept_at_the_next_start(docs: Path) -> None:
    (docs / f"{DRAFT}left").touch()
    with serving("127.0.0.1", "0", "uploads", str(docs)):
        assert list(docs.iterdir()) == []


def test_the_service_does_not_start_where_it_cannot_write(docs: Path) -> None:
    command = [sys.executable, SCRIPT, "127.0.0.1", "0", "uploads", str(docs / "none")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "SettingsError: files cannot be uploaded to" in done.stderr
    assert "leave out --upload" in done.stderr
