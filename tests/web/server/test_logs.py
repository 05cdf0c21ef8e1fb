from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.errors import QAError
from qa.web import create_app
from qa.web.access.keys import Keys
from qa.web.server import logs
from web.fake_search import NEWS, FakeSearch, MakeApp
from web.helpers import bearer


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:]
    yield
    root.handlers[:] = before


@pytest.fixture
def logged(settings: Settings, search: FakeSearch, capsys: pytest.CaptureFixture[str]):
    """Make a client whose log is JSON, and a function that returns the logged lines."""

    def make(**changed: object) -> tuple[FlaskClient, Iterator[list[dict]]]:
        changed_settings = replace(settings, log_json=True, **changed)
        logs.configure(changed_settings)
        client = create_app(changed_settings, lambda: search).test_client()
        return client, lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return make


def test_a_request_is_a_line_of_json(logged) -> None:
    client, lines = logged()
    response = client.get("/api/v1/search?q=tourists+secret", headers={"X-Request-ID": "abc-1"})
    (line,) = lines()
    assert line["request_id"] == response.headers["X-Request-ID"] == "abc-1"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/search", 200)
    assert line["level"] == "info"
    assert line["ms"] >= 0
    assert "secret" not in json.dumps(line)


def test_questions_are_logged_only_with_log_questions(logged) -> None:
    client, lines = logged(log_questions=True)
    client.get("/api/v1/search?q=trade")
    client.post("/api/v1/search", json={"questions": ["one", "два"]})
    client.get("/api/v1/status")
    assert [line["questions"] for line in lines()] == [["trade"], ["one", "два"], []]


def test_no_text_and_no_key_is_logged(logged, settings: Settings, tmp_path, search: FakeSearch) -> None:
    keys = tmp_path / "keys.json"
    key = Keys(keys).create("Newsroom")
    client, lines = logged(keys=keys)
    document = next(iter(search.held))
    for address in (f"/api/v1/documents/{document}/text", "/?q=trade", f"/documents/{document}", "/nowhere"):
        client.get(address, headers=bearer(key))
        client.get(address, headers=bearer(f"{key}x"))
    log = json.dumps(lines(), ensure_ascii=False)
    assert key not in log
    assert not any(sentence in log for sentence in NEWS.split(". ") if len(sentence) > 20)
    assert Keys(keys).all()[0].id in log


def test_an_error_has_the_request_id_of_the_log(logged, make_app: MakeApp, capsys) -> None:
    def broken():
        raise RuntimeError("broken")

    logs.configure(Settings(log_json=True))
    response = make_app(broken).test_client().get("/api/v1/status")
    (line,) = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert response.status_code == 500
    assert response.json["request_id"] == response.headers["X-Request-ID"] == line["request_id"]
    assert "RuntimeError: broken" in line["exception"]
    assert "broken" not in response.get_data(as_text=True)


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "é", '"}', "<script>"])
def test_an_invalid_request_id_is_replaced(client: FlaskClient, sent: str) -> None:
    request_id = client.get("/healthz", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
    assert request_id != sent
    assert len(request_id) == 16


def test_without_json_requests_are_not_logged(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings())
    client.get("/api/v1/status")
    assert capsys.readouterr().err == ""


def test_a_visitor_cannot_start_a_line_of_the_log(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken():
        raise QAError("broken\x85ERROR: made up")

    logs.configure(Settings())
    client = make_app(broken).test_client()
    assert client.get("/api/v1/documents/a%0d%0aERROR:%20made up%1b[2J").status_code == 500
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(r"ERROR: GET /api/v1/documents/a\r\nERROR: made up\x1b[2J failed: broken\x85ERROR")


def test_a_long_path_is_cut(logged) -> None:
    client, lines = logged()
    client.get("/" + "a" * 60_000)
    (line,) = lines()
    assert line["path"] == "/" + "a" * 999
    assert len(json.dumps(line)) < 4096
