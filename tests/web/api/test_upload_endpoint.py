"""A program adds files to the documents folder, where the service may write."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.test import TestResponse

from qa.config import Settings
from qa.errors import IndexUnavailableError
from qa.web import create_app
from web.helpers import form, id_of, problem

UPLOADS = "/api/v1/documents"


@pytest.fixture
def uploader(client_with: Callable[..., FlaskClient], requests: list[str]) -> FlaskClient:
    return client_with(upload=True, max_file_mb=1, cors="https://friend.example")


def send(
    client: FlaskClient, name: str, content: bytes, headers: dict[str, str] | None = None, **query: Any
) -> TestResponse:
    return client.post(UPLOADS, **form((name, content)), headers=headers, query_string=query)


def test_by_default_nothing_can_be_uploaded_or_is_described(client: FlaskClient, settings: Settings) -> None:
    assert send(client, "a.txt", b"x").status_code == 405
    assert not (settings.docs / "a.txt").exists()
    assert set(client.get("/openapi.json").get_json()["paths"][UPLOADS]) == {"get"}


def test_an_upload_is_described(uploader: FlaskClient) -> None:
    spec = uploader.get("/openapi.json").get_json()
    OpenAPIV31SpecValidator(spec).validate()
    assert set(spec["paths"][UPLOADS]) == {"get", "post"}
    operation = spec["paths"][UPLOADS]["post"]
    assert set(operation["requestBody"]["content"]) == {"multipart/form-data"}
    assert {"200", "201", "409", "413", "415", "507"} <= set(operation["responses"])


def test_an_added_file_has_its_place_and_digest(
    uploader: FlaskClient, settings: Settings, requests: list[str]
) -> None:
    answer = send(uploader, "a.txt", b"text", folder="news")
    assert answer.status_code == 201
    assert answer.get_json() == {
        "path": "news/a.txt",
        "document_id": id_of("news/a.txt"),
        "sha256": hashlib.sha256(b"text").hexdigest(),
        "size": 4,
        "outcome": "added",
    }
    assert (settings.docs / "news/a.txt").read_bytes() == b"text"
    same = send(uploader, "a.txt", b"text", folder="news")
    assert (same.status_code, same.get_json()["outcome"]) == (200, "identical")
    assert requests == ["build"]
    assert "a.txt" in problem(send(uploader, "a.txt", b"other", folder="news"), 409)["detail"]
    replaced = send(uploader, "a.txt", b"other", folder="news", replace="true")
    assert (replaced.status_code, replaced.get_json()["outcome"]) == (201, "replaced")
    assert requests == ["build", "build"]


@pytest.mark.parametrize(
    ("file", "query", "status"),
    [
        (("a.exe", b"x"), {}, 415),
        (("a.txt", b"x" * (2**20 + 1)), {}, 413),
        (("a.txt", b"x" * (2**21 + 1)), {}, 413),
        ((".a.txt", b"x"), {}, 422),
        (("a.txt", b"x"), {"folder": "none"}, 404),
        (("a.txt", b"x"), {"folder": "../outside"}, 404),
        (("a.txt", b"x"), {"folders": "news"}, 422),
        (("a.txt", b"x"), {"replace": "maybe"}, 422),
    ],
)
def test_what_is_refused_has_a_fitting_status(
    uploader: FlaskClient, settings: Settings, file: tuple[str, bytes], query: dict[str, str], status: int
) -> None:
    before = sorted(settings.docs.rglob("*"))
    problem(send(uploader, *file, **query), status)
    assert sorted(settings.docs.rglob("*")) == before


def test_one_file_is_sent_in_a_form(uploader: FlaskClient, settings: Settings) -> None:
    before = sorted(settings.docs.rglob("*"))
    problem(uploader.post(UPLOADS, data=b"text", content_type="text/plain"), 415)
    problem(uploader.post(UPLOADS, **form(note="no file")), 422)
    problem(uploader.post(UPLOADS, **form(("a.txt", b"1"), ("b.txt", b"2"))), 413)
    whole = form(("a.txt", b"1" * 1000))
    cut = whole | {"data": whole["data"][:500]}
    problem(uploader.post(UPLOADS, **cut), 400)
    problem(uploader.post(UPLOADS, **cut, headers={"Content-Length": "1200"}), 400)
    assert sorted(settings.docs.rglob("*")) == before


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://friend.example"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, True),
    ],
)
def test_pages_of_other_sites_upload_only_if_they_are_named(
    uploader: FlaskClient, settings: Settings, headers: dict[str, str], *, allowed: bool
) -> None:
    assert send(uploader, "a.txt", b"x", headers).status_code == (201 if allowed else 403)
    assert (settings.docs / "a.txt").exists() == allowed


def test_a_key_is_needed_if_there_are_keys(
    client_with: Callable[..., FlaskClient], settings: Settings, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"keys": []}')
    problem(send(client_with(upload=True, keys=keys), "a.txt", b"x"), 401)
    assert not (settings.docs / "a.txt").exists()


def test_the_first_file_may_come_before_the_index(settings: Settings, requests: list[str]) -> None:
    def opener() -> Any:
        raise IndexUnavailableError

    client = create_app(Settings(docs=settings.docs, index=settings.index, upload=True), opener).test_client()
    assert send(client, "a.txt", b"x").status_code == 201
    assert requests == ["build"]


def test_more_than_a_request_may_have_is_said_in_plain_words(uploader: FlaskClient) -> None:
    two = uploader.post(UPLOADS, **form(("a.txt", b"x"), ("b.txt", b"y")))
    assert problem(two, 413)["detail"] == "A request may have one file: send the others after it."
    large = problem(send(uploader, "a.txt", bytes(3 << 20)), 413)["detail"]
    assert large == "A file may have 1 MiB (max_file_mb), and a request one such file."
