"""A download is the indexed file to the last byte, or an error, whatever is written meanwhile."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.errors import ChangedError
from web.fake_search import NEWS, FakeSearch
from web.helpers import problem

SWAPPER = Path(__file__).parents[2] / "swapper.py"
SECONDS = 1.5
WHOLE = bytes(range(256)) * 8192  # 2 MiB
OTHER = WHOLE[::-1]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, threads=10**6)  # no request here is refused because of the load


@pytest.fixture
def address(search: FakeSearch, settings: Settings) -> str:
    (settings.docs / "large.bin").write_bytes(WHOLE)
    return f"/api/v1/documents/{search.add('large.bin', 'text', data=WHOLE)}/file"


def _write_in_place(path: Path, data: bytes, at: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def test_the_length_is_sent(client: FlaskClient, address: str) -> None:
    with client.get(address) as response:
        assert response.headers["Content-Length"] == str(len(WHOLE))
        assert response.data == WHOLE
    with client.head(address) as response:
        assert (response.status_code, response.headers["Content-Length"]) == (200, str(len(WHOLE)))


def test_an_empty_file_is_sent(client: FlaskClient, search: FakeSearch, settings: Settings) -> None:
    (settings.docs / "empty.bin").write_bytes(b"")
    with client.get(f"/api/v1/documents/{search.add('empty.bin', '', data=b'')}/file") as response:
        assert (response.status_code, response.data) == (200, b"")


@pytest.mark.parametrize("change", ["written", "shorter", "longer", "replaced"])
def test_a_changed_file_is_a_conflict(
    client: FlaskClient, settings: Settings, address: str, change: str
) -> None:
    path = settings.docs / "large.bin"
    path.write_bytes(
        {"written": OTHER, "shorter": WHOLE[:-1], "longer": WHOLE + b"x", "replaced": b""}[change]
    )
    response = client.get(address)
    assert (response.status_code, response.content_type) == (409, "application/problem+json")
    path.write_bytes(WHOLE)
    with client.get(address) as response:
        assert response.data == WHOLE


@pytest.mark.parametrize("at", [100_000, len(WHOLE) // 2, len(WHOLE) - 1])
def test_a_change_during_a_download_breaks_it_off(
    client: FlaskClient, settings: Settings, address: str, at: int
) -> None:
    with client.get(address, buffered=False) as response:
        _write_in_place(settings.docs / "large.bin", b"\xaa\x55"[: len(WHOLE) - at], at)
        sent: list[bytes] = []
        with pytest.raises(ChangedError):
            sent.extend(response.response)
    assert len(b"".join(sent)) < len(WHOLE)


def test_a_truncation_during_a_download_breaks_it_off(
    client: FlaskClient, settings: Settings, address: str
) -> None:
    with client.get(address, buffered=False) as response:
        (settings.docs / "large.bin").write_bytes(b"")
        with pytest.raises(ChangedError):
            b"".join(response.response)


def test_data_appended_or_replaced_during_a_download_is_not_sent(
    client: FlaskClient, settings: Settings, address: str
) -> None:
    path = settings.docs / "large.bin"
    with client.get(address, buffered=False) as response:
        _write_in_place(path, b"more", len(WHOLE))
        path.rename(path.with_name("elsewhere"))
        path.write_bytes(OTHER)
        assert b"".join(response.response) == WHOLE


def test_a_removed_file_is_not_found(client: FlaskClient, settings: Settings, address: str) -> None:
    (settings.docs / "large.bin").unlink()
    problem(client.get(address), 404)


@pytest.mark.parametrize(
    "path", ["../secret.txt", "news/../../secret.txt", "link.txt", "linked/secret.txt", "{}"]
)
def test_no_file_outside_the_documents_folder_is_sent(
    client: FlaskClient, search: FakeSearch, settings: Settings, tmp_path: Path, path: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (settings.docs / "link.txt").symlink_to(secret)
    (settings.docs / "linked").symlink_to(tmp_path)
    document_id = search.add(path.format(secret), "secret")
    problem(client.get(f"/api/v1/documents/{document_id}/file"), 404)


def test_a_link_within_the_documents_is_followed(
    client: FlaskClient, search: FakeSearch, settings: Settings
) -> None:
    (settings.docs / "link.txt").symlink_to(settings.docs / "news/tass.txt")
    document_id = search.add("link.txt", NEWS)
    with client.get(f"/api/v1/documents/{document_id}/file") as response:
        assert response.data == NEWS.encode()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_only_regular_files_are_sent(
    client: FlaskClient, search: FakeSearch, settings: Settings, make
) -> None:
    make(settings.docs / "odd")
    problem(client.get(f"/api/v1/documents/{search.add('odd', '')}/file"), 404)


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_an_impossible_file_name_is_not_found(client: FlaskClient, search: FakeSearch, path: str) -> None:
    problem(client.get(f"/api/v1/documents/{search.add(path, '')}/file"), 404)


def _outcomes(client: FlaskClient, address: str) -> tuple[str, Counter]:
    """Download again and again for a while, and count the outcomes."""
    outcomes: Counter = Counter()
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        try:
            with client.get(address, buffered=False) as response:
                whole = b"".join(response.response)
                if response.status_code == 200:
                    assert hashlib.sha256(whole).digest() == hashlib.sha256(WHOLE).digest()
                outcomes[response.status_code] += 1
        except ChangedError:
            outcomes["broken off"] += 1
    return outcomes


@contextmanager
def _rewriting(path: Path) -> Iterator[None]:
    stop = threading.Event()

    def rewrite() -> None:
        while not stop.is_set():
            _write_in_place(path, OTHER[:4096], 4096)
            stop.wait(0.004)
            _write_in_place(path, WHOLE[4096:8192], 4096)
            stop.wait(0.02)

    thread = threading.Thread(target=rewrite)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_file_under_constant_change_is_right_or_an_error(
    client: FlaskClient, settings: Settings, address: str
) -> None:
    with _rewriting(settings.docs / "large.bin"):
        outcomes = _outcomes(client, address)
    assert outcomes.keys() <= {200, 409, "broken off"}
    assert outcomes[200]
    assert outcomes[409] + outcomes["broken off"]


def test_a_link_swapped_in_is_not_followed_outside(
    client: FlaskClient, settings: Settings, address: str, tmp_path: Path
) -> None:
    secret, link = tmp_path / "secret", tmp_path / "link"
    secret.write_bytes(WHOLE)  # the same bytes, so that no checksum refuses them
    link.symlink_to(secret)
    opened = secret.stat().st_atime_ns
    swapper = [sys.executable, SWAPPER, settings.docs / "large.bin", link]
    with subprocess.Popen(swapper, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            outcomes = _outcomes(client, address)
        finally:
            process.kill()
    assert outcomes.keys() <= {200, 404}
    assert outcomes[200]
    assert outcomes[404]
    assert secret.stat().st_atime_ns == opened
