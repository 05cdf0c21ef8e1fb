"""Title, publisher and date are corrected on the page, where the service may write."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.errors import SettingsError
from qa.types import Metadata
from qa.web import create_app
from qa.web.server.processes import serve
from qa.web.service import Service
from web.fake_search import EVIL, FakeSearch
from web.helpers import OWN, id_of, page

TASS = f"/documents/{id_of('news/tass.txt')}/metadata"


@pytest.fixture
def editor(settings: Settings, search: FakeSearch, requests: list[str]) -> FlaskClient:
    return create_app(replace(settings, edit=True), lambda: search).test_client()


def test_by_default_nothing_can_be_edited(client: FlaskClient, settings: Settings) -> None:
    assert client.get(TASS).status_code == 404
    assert client.post(TASS, data={"title": "New"}, headers=OWN).status_code == 404
    assert "/metadata" not in page(client, "/documents")
    assert "/metadata" not in page(client, f"/documents/{id_of('news/tass.txt')}")
    assert list(settings.docs.rglob("*.toml")) == []


def test_what_is_saved_is_written_and_the_index_follows(
    editor: FlaskClient, settings: Settings, search: FakeSearch, requests: list[str]
) -> None:
    assert 'value="Cambodia &amp; Russia"' in page(editor, TASS)
    sent = {"title": "Trade", "source": "TASS", "published": "2019-07-03"}
    saved = editor.post(TASS, data=sent, headers=OWN)
    assert (saved.status_code, saved.location) == (303, f"{TASS}?saved=1")
    written = settings.docs / "news/tass.txt.meta.toml"
    assert written.read_text() == 'title = "Trade"\nsource = "TASS"\npublished = 2019-07-03\n'
    assert requests == ["build"]
    html = page(editor, saved.location)
    assert "Saved." in html
    assert "The index is being brought up to date." in html
    search.held[id_of("news/tass.txt")] = replace(
        search.held[id_of("news/tass.txt")],
        metadata=Metadata(title="Trade", source="TASS", published="2019-07-03"),
    )
    assert "The index is up to date." in page(editor, saved.location)
    assert 'value="Trade"' in html


def test_one_click_confirms_what_was_found(editor: FlaskClient, settings: Settings) -> None:
    html = page(editor, "/documents?sort=title")
    assert html.count(">Confirm<") == 1  # only one document has fields that were found
    sent = {"title": "Cambodia & Russia", "source": "TASS", "back": "sort=title&evil=https://x"}
    answer = editor.post(TASS, data=sent, headers=OWN)
    assert answer.location == "/documents?sort=title&evil=https%3A%2F%2Fx"
    assert (settings.docs / "news/tass.txt.meta.toml").exists()


def test_a_document_links_to_its_form(editor: FlaskClient, search: FakeSearch) -> None:
    html = page(editor, f"/documents/{id_of('news/tass.txt')}")
    assert f'<a href="{TASS}">Edit title, publisher, date</a>' in html
    row = search.add("people.csv", "name: Ada", row="7")
    assert "/metadata" not in page(editor, f"/documents/{row}")  # its file has one sidecar for all rows


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_other_sites_cannot_edit(
    editor: FlaskClient, settings: Settings, requests: list[str], headers: dict[str, str]
) -> None:
    assert editor.post(TASS, data={"title": "New"}, headers=headers).status_code == 403
    assert list(settings.docs.rglob("*.toml")) == []
    assert requests == []


def test_an_invalid_value_is_explained(editor: FlaskClient, requests: list[str]) -> None:
    answer = editor.post(TASS, data={"title": EVIL, "published": "soon"}, headers=OWN)
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    assert "write a full date such as 2019-07-03" in html
    assert "<script>alert" not in html
    assert requests == []


def test_a_file_that_is_gone_or_shared_cannot_be_edited(
    editor: FlaskClient, settings: Settings, search: FakeSearch
) -> None:
    row = search.add("rows.csv", "A row.", row="1")
    member = search.add("letter.eml/a.txt", "A letter.", member="a.txt")
    for document_id in (row, member):
        assert editor.get(f"/documents/{document_id}/metadata").status_code == 422
    (settings.docs / "news/tass.txt").unlink()
    assert editor.post(TASS, data={"title": "New"}, headers=OWN).status_code == 404
    assert editor.get("/documents/0000000000000000/metadata").status_code == 404


def test_an_index_of_another_model_is_left_alone(
    settings: Settings, search: FakeSearch, requests: list[str]
) -> None:
    other = replace(settings, edit=True, model="multilingual-e5-small")
    client = create_app(other, lambda: search).test_client()
    assert client.post(TASS, data={"title": "New"}, headers=OWN).status_code == 303
    assert requests == []
    assert "another model" in page(client, f"{TASS}?saved=1")


def test_the_service_has_updates_only_if_it_may_edit(client: FlaskClient, editor: FlaskClient) -> None:
    services: list[Service] = [c.application.extensions["qa"] for c in (client, editor)]
    assert [service.updates is None for service in services] == [True, False]


def test_the_service_refuses_to_start_where_sidecars_cannot_be_written(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"sidecar files cannot be written to .*or leave out --edit"):
        serve(replace(settings, edit=True, docs=settings.docs / "none"))
