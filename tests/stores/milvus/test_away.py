"""A Milvus that goes away and comes back: never a wrong answer, and no need to start anything again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fake_encoder import StandIn
from flask.testing import FlaskClient

from qa.config import Settings
from qa.errors import SettingsError, StoreUnavailableError
from qa.index import generation
from qa.retrieval.live import LiveSearcher
from qa.stores.milvus import client
from qa.stores.milvus.client import Client
from qa.stores.milvus.upload import publish
from qa.web import create_app
from stores.milvus.server import LiteServer

ASKED = "/api/v1/search?q=rice+from+Battambang&source=Ministry+of+Trade"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiteServer]:
    found = LiteServer(tmp_path / "lite")
    found.start()
    yield found
    found.kill()


def _served(settings: Settings) -> FlaskClient:
    return create_app(settings, LiveSearcher(settings, lambda _: StandIn()).current).test_client()


def _until(test: FlaskClient, path: str, status: int, seconds: float) -> None:
    """Ask until there is an answer of this status."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if test.get(path).status_code == status:
            return
        time.sleep(0.1)
    raise TimeoutError(f"no answer had the status {status}")


def test_it_goes_and_comes_back(settings: Settings, built: Path, server: LiteServer) -> None:
    settings = replace(settings, store=server.store)
    publish(settings.store, generation.load(generation.current(settings.index)), None)
    test = _served(settings)
    right = test.get(ASKED).json["results"]
    assert right
    server.kill()
    away = test.get(ASKED)
    assert (away.status_code, away.headers["Retry-After"]) == (503, "1")
    assert away.mimetype == "application/problem+json"
    assert away.json["detail"] == "The store of the index does not answer. Try again in a moment."
    assert test.get("/?q=rice").status_code == 503
    _until(test, "/readyz", 503, 5)
    assert test.get("/healthz").status_code == 200
    server.start()
    _until(test, ASKED, 200, 30)
    assert test.get("/readyz").status_code == 200
    assert test.get(ASKED).json["results"] == right


def test_a_service_may_start_first(settings: Settings, built: Path, tmp_path: Path) -> None:
    server = LiteServer(tmp_path / "lite")
    settings = replace(settings, store=server.store)
    test = _served(settings)
    assert test.get(ASKED).status_code == 503
    server.start()
    try:
        time.sleep(1.1)
        assert "run `qa index`" in test.get(ASKED).json["detail"]
        publish(settings.store, generation.load(generation.current(settings.index)), None)
        _until(test, ASKED, 200, 30)
    finally:
        server.kill()


def test_rows_that_are_missing_are_no_answer(
    settings: Settings, built: Path, server: LiteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(settings, store=server.store)
    publish(settings.store, generation.load(generation.current(settings.index)), None)
    test, call = _served(settings), Client.call

    def losing(self: Client, name: str, *args: object, **kwargs: object) -> object:
        found = call(self, name, *args, **kwargs)
        return list(found)[:-1] if name == "query" and "ids" in kwargs else found

    test.get("/readyz")
    monkeypatch.setattr(Client, "call", losing)
    assert test.get(ASKED).status_code == 503


def test_an_answer_that_takes_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import grpc

    class Slow:
        def describe_alias(self, *args: object, **kwargs: object) -> None:
            raise grpc.RpcError("deadline exceeded")

    slow = Client("milvus+http://127.0.0.1:9")
    monkeypatch.setattr(slow, "_client", Slow())
    with pytest.raises(StoreUnavailableError, match="deadline exceeded"):
        slow.call("describe_alias", "any")


def test_a_password_is_shown_to_nobody() -> None:
    away = Client("milvus+http://somebody:secret@127.0.0.1:9", patience=0.2)
    with pytest.raises(StoreUnavailableError) as error:
        away.call("list_collections")
    assert away.address == "127.0.0.1:9"
    assert "secret" not in str(error.value)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pymilvus", None)
    with pytest.raises(SettingsError, match=r"pip install 'qa\[milvus\]'"):
        client.library()
