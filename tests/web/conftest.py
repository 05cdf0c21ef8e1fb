"""The service over a small searcher in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qa.config import Settings
from qa.retrieval.search_protocol import Search
from qa.types import Metadata
from qa.web import create_app
from web.fake_search import EVIL, NEWS, FakeSearch, MakeApp


@pytest.fixture
def search() -> FakeSearch:
    fake = FakeSearch()
    fake.add(
        "news/tass.txt",
        NEWS,
        Metadata(
            title="Cambodia & Russia",
            source="TASS",
            dateline="HANOI, July 3. /TASS/",
            language="en",
            url="https://tass.example/1",
            found={"title": "text", "source": "text"},
        ),
    )
    fake.add(
        "evil.html",
        f"{EVIL}\n\nAngkor {EVIL}",
        Metadata(title=EVIL, source=EVIL, author=EVIL, url="javascript:alert(1)", language="ru"),
        notes=(EVIL,),
        pages=2,
        media_type="text/html",
    )
    fake.add("windows.txt", "\ufeffone\r\ntwo\rthree\n😀 \u2028end\x00\x85", Metadata(published="2020-12-29"))
    return fake


@pytest.fixture
def settings(tmp_path: Path, search: FakeSearch) -> Settings:
    docs = tmp_path / "docs"
    for document in search.held.values():
        file = docs / document.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(search.texts[document.id].encode())
    return Settings(docs=docs, index=tmp_path / "index", max_question=200)


@pytest.fixture
def make_app(settings: Settings) -> MakeApp:
    def make(opener: Callable[[], Search]) -> Flask:
        return create_app(settings, opener)

    return make


@pytest.fixture
def client_with(settings: Settings, search: FakeSearch) -> Callable[..., FlaskClient]:
    """Make a client of an app whose settings differ."""

    def make(**changes: object) -> FlaskClient:
        return create_app(replace(settings, **changes), lambda: search).test_client()

    return make


@pytest.fixture
def app(make_app: MakeApp, search: FakeSearch) -> Flask:
    return make_app(lambda: search)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as client:
        yield client


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect requests to bring the index up to date, in place of building it."""
    asked: list[str] = []
    monkeypatch.setattr("qa.web.updates.Updates.request", lambda _: asked.append("build"))
    return asked
