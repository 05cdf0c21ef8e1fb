"""Files are added on the page where the service may write, and the page says what becomes of them."""

from __future__ import annotations

import time
from dataclasses import replace
from html import unescape

import pytest
from fake_encoder import StandIn
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qa import readers
from qa.config import Settings
from qa.indexing.build import build
from qa.web import create_app
from web.fake_search import EVIL, FakeSearch
from web.helpers import OWN, Tags, form, id_of, page


@pytest.fixture
def uploader(settings: Settings, search: FakeSearch, requests: list[str]) -> FlaskClient:
    return create_app(replace(settings, upload=True, max_file_mb=1), lambda: search).test_client()


def send(
    client: FlaskClient,
    *sent: tuple[str, bytes],
    path: str = "",
    headers: dict[str, str] = OWN,
    **fields: str,
) -> TestResponse:
    query = {"path": path} if path else {}
    return client.post("/documents", **form(*sent, **fields), headers=headers, query_string=query)


def words(response: TestResponse) -> str:
    return " ".join(Tags(response.get_data(as_text=True)).text.split())


def names(settings: Settings) -> set[str]:
    return {path.relative_to(settings.docs).as_posix() for path in settings.docs.rglob("*") if path.is_file()}


def test_by_default_nothing_can_be_uploaded(client: FlaskClient, settings: Settings) -> None:
    before = names(settings)
    assert send(client, ("a.txt", b"text")).status_code == 404
    assert client.get("/documents/added?file=windows.txt").status_code == 404
    html = page(client, "/documents")
    assert 'type="file"' not in html
    assert "upload.js" not in html
    assert names(settings) == before


def test_files_are_added_to_the_folder_that_is_shown(
    uploader: FlaskClient, settings: Settings, requests: list[str]
) -> None:
    html = page(uploader, "/documents?path=news")
    [form] = [attributes for tag, attributes in Tags(html).tags if "enctype" in attributes]
    assert (form["action"], form["enctype"]) == ("/documents?path=news", "multipart/form-data")
    [field] = [attributes for tag, attributes in Tags(html).tags if attributes.get("type") == "file"]
    assert field["accept"].split(",") == list(readers.SUFFIXES)
    answer = send(uploader, ("a.txt", b"one"), ("b & ü.md", b"two"), path="news")
    assert (answer.status_code, requests) == (303, ["build"])
    assert (settings.docs / "news/a.txt").read_bytes() == b"one"
    assert (settings.docs / "news/b & ü.md").read_bytes() == b"two"
    shown = page(uploader, answer.location)
    assert shown.count("It has arrived and will be read soon.") == 2
    assert [unescape(path) for path in ("news/a.txt", "news/b &amp; ü.md") if path in shown] == [
        "news/a.txt",
        "news/b & ü.md",
    ]


@pytest.mark.parametrize("path", ["windows.txt", "*.pdf", "none", "../docs"])
def test_what_is_no_folder_takes_no_files(uploader: FlaskClient, settings: Settings, path: str) -> None:
    before = names(settings)
    assert 'type="file"' not in page(uploader, f"/documents?path={path}")
    assert send(uploader, ("a.txt", b"x"), path=path).status_code == 404
    assert names(settings) == before


def test_each_refused_file_is_named_with_its_reason_and_the_others_are_taken(
    uploader: FlaskClient, settings: Settings, requests: list[str]
) -> None:
    answer = send(
        uploader,
        ("good.txt", b"good"),
        ("evil.exe", b"MZ"),
        ("large.txt", b"x" * (2**20 + 1)),
        ("windows.txt", b"other"),
        (".hidden.txt", b"x"),
        ("trade.pdf.meta.toml", b"x"),
    )
    assert answer.status_code == 422
    told = words(answer)
    for reason in (
        "files of this kind are not read",
        ".txt, .text, .md",
        "it is too large",
        "another file has this name",
        "a document cannot have this name",
        "begins with a dot",
        "the name of a sidecar",
    ):
        assert reason in told, reason
    assert told.count("Not added") == 5
    assert (settings.docs / "good.txt").read_bytes() == b"good"
    assert (settings.docs / "windows.txt").read_bytes() != b"other"
    assert requests == ["build"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (("a.exe", b""), 415),
        (("a.txt", b"x" * (2**20 + 1)), 413),
        (("windows.txt", b"x"), 409),
        ((".a.txt", b"x"), 422),
    ],
)
def test_one_refused_file_has_the_status_of_its_reason(
    uploader: FlaskClient, requests: list[str], sent: tuple[str, bytes], status: int
) -> None:
    assert send(uploader, sent).status_code == status
    assert requests == []


def test_a_file_is_replaced_only_if_that_is_ticked(
    uploader: FlaskClient, settings: Settings, requests: list[str]
) -> None:
    target = settings.docs / "windows.txt"
    same = send(uploader, ("windows.txt", target.read_bytes()))
    assert "The same file was there already." in page(uploader, same.location)
    assert requests == []
    assert send(uploader, ("windows.txt", b"new"), replace="1").status_code == 303
    assert target.read_bytes() == b"new"
    assert requests == ["build"]


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_other_sites_cannot_upload(
    uploader: FlaskClient, settings: Settings, requests: list[str], headers: dict[str, str]
) -> None:
    before = names(settings)
    assert send(uploader, ("a.txt", b"x"), headers=headers).status_code == 403
    assert (names(settings), requests) == (before, [])


def test_a_form_without_a_file_says_so(uploader: FlaskClient) -> None:
    answer = send(uploader, ("", b""))
    assert answer.status_code == 422
    assert "Choose one first." in words(answer)


def test_a_hostile_name_is_shown_as_text(uploader: FlaskClient) -> None:
    answer = send(uploader, (f"{EVIL[:60]}\u202e.exe", b"x"), (f"{EVIL}.txt", b"x"))
    html = answer.get_data(as_text=True)
    assert "<script>alert" not in html
    assert "\u202e" not in html


def test_what_became_of_the_files_is_shown(
    uploader: FlaskClient, settings: Settings, search: FakeSearch
) -> None:
    sent = {"read.txt": b"A river.", "bad.pdf": b"no PDF", "rows.jsonl": b'{"text": "One."}\n{}\n'}
    answer = send(uploader, *sent.items())
    build(settings, StandIn())
    search.add("read.txt", "A river.")
    html = page(uploader, answer.location)
    assert "will be read soon" not in html
    assert f'href="/documents/{id_of("read.txt")}">read.txt' in html
    assert 'href="/documents?path=rows.jsonl">rows.jsonl' in html
    told = " ".join(Tags(html).text.split())
    assert "It has been read." in told
    assert "It has been read in part." in told
    assert "row 2 has no text" in told
    assert "It could not be read. It may be damaged" in told
    (settings.docs / "read.txt").unlink()
    assert "It is no longer there." in page(uploader, answer.location)


def test_a_replaced_file_waits_until_the_folder_has_been_looked_at_again(
    uploader: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(settings, StandIn())
    address = "/documents/added?file=windows.txt"
    assert "It has been read." in page(uploader, address)
    monkeypatch.setattr("qa.web.updates.Updates.running", True)
    assert "will be read soon" in page(uploader, address)
    assert "It has been read." in page(uploader, "/documents/added?same=windows.txt")
    monkeypatch.setattr("qa.web.updates.Updates.running", False)
    time.sleep(1.1)  # the ledger has whole seconds
    send(uploader, ("windows.txt", b"new"), replace="1")
    assert "will be read soon" in page(uploader, address)
    later = time.time() + 3600
    monkeypatch.setattr("qa.web.pages.upload_form.time.time", lambda: later)
    assert "has not been read yet" in page(uploader, address)


@pytest.mark.parametrize("name", ["../../etc/passwd", ".git/config", "a.exe", "x\0.txt", "keys.toml"])
def test_no_other_file_s_state_is_told(uploader: FlaskClient, name: str) -> None:
    html = uploader.get("/documents/added", query_string={"file": name}).get_data(as_text=True)
    assert "<li data-name" not in html


def test_an_index_of_another_model_is_left_alone(
    settings: Settings, search: FakeSearch, requests: list[str]
) -> None:
    other = replace(settings, upload=True, model="multilingual-e5-small")
    client = create_app(other, lambda: search).test_client()
    answer = send(client, ("a.txt", b"x"))
    assert (answer.status_code, requests) == (303, [])
    assert "another model" in page(client, answer.location)


def test_editing_and_uploading_are_allowed_each_for_itself(
    settings: Settings, search: FakeSearch, uploader: FlaskClient
) -> None:
    editor = create_app(replace(settings, edit=True), lambda: search).test_client()
    metadata = f"/documents/{id_of('news/tass.txt')}/metadata"
    assert uploader.get(metadata).status_code == 404
    assert ">Edit<" not in page(uploader, "/documents")
    assert editor.get(metadata).status_code == 200
    assert 'type="file"' not in page(editor, "/documents")
