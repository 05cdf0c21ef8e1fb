"""Forms with files are received in any pieces, within limits, and only a few at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from qa.config import Settings
from qa.web import create_app
from qa.web.access import load
from web.fake_search import FakeSearch
from web.helpers import form, problem

UPLOADS = "/api/v1/documents"


@pytest.fixture(autouse=True)
def _no_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.web.updates.Updates.request", lambda _: None)


@pytest.fixture
def uploader(client_with: Callable[..., FlaskClient]) -> FlaskClient:
    return client_with(upload=True)


class Pieces:
    """A body that arrives in pieces of some sizes, and stops at a barrier if there is one."""

    def __init__(self, body: bytes, sizes: list[int], barrier: threading.Barrier | None = None) -> None:
        self.body, self.sizes, self.barrier = body, sizes, barrier

    def read(self, size: int = -1) -> bytes:
        if self.barrier:
            self.barrier.wait(10)
            self.barrier = None
        size = min(size if size >= 0 else len(self.body), self.sizes.pop() if self.sizes else 1000)
        piece, self.body = self.body[:size], self.body[size:]
        return piece


def post(client: FlaskClient, stream: Pieces, sent: dict[str, Any]) -> int:
    return client.post(UPLOADS, **sent, environ_overrides={"wsgi.input": stream}).status_code


@limits(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    content=st.binary(max_size=300) | st.text("\r\n-", max_size=200).map(str.encode),
    sizes=st.lists(st.integers(1, 40), max_size=30),
)
def test_a_file_arrives_unchanged_in_any_pieces(
    uploader: FlaskClient, settings: Settings, content: bytes, sizes: list[int]
) -> None:
    sent = form(("piece.txt", content))
    (settings.docs / "piece.txt").unlink(missing_ok=True)
    assert post(uploader, Pieces(sent["data"], sizes), sent) == 201
    assert (settings.docs / "piece.txt").read_bytes() == content


@pytest.mark.parametrize("left", range(1, 30))
def test_a_file_is_unchanged_wherever_the_last_delimiter_is_cut(
    uploader: FlaskClient, settings: Settings, left: int
) -> None:
    sent = form(("cut.txt", b"text"))
    assert post(uploader, Pieces(sent["data"], [len(sent["data"]) - left]), sent) == 201
    assert (settings.docs / "cut.txt").read_bytes() == b"text"


def test_more_uploads_at_once_are_refused_and_delay_no_search(settings: Settings, search: FakeSearch) -> None:
    app = create_app(replace(settings, upload=True, threads=1), lambda: search)
    sent = form(("busy.txt", b"x" * 100))
    may = threading.Barrier(load._MAX_UPLOADS + 1)
    statuses: list[int] = []

    def upload() -> None:
        statuses.append(post(app.test_client(), Pieces(sent["data"], [], may), sent))

    threads = [threading.Thread(target=upload) for _ in range(load._MAX_UPLOADS)]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + 10
    while may.n_waiting < load._MAX_UPLOADS and time.monotonic() < ends:
        time.sleep(0.01)
    problem(app.test_client().post(UPLOADS, **sent), 503)
    assert app.test_client().get("/api/v1/search?q=trade").status_code == 200
    may.wait(10)
    for thread in threads:
        thread.join(20)
    assert sorted(statuses) == [200] * (load._MAX_UPLOADS - 1) + [201]


def test_uploads_have_threads_of_their_own() -> None:
    assert load.threads(Settings(upload=True)) == load.threads(Settings()) + load._MAX_UPLOADS
