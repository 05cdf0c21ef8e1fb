"""Saved questions on the page: listed with their news, and saved and removed where the service may write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.errors import SettingsError
from qa.news.changes import Change, Memory
from qa.news.news_file import Asked, News, NewsFile, write_news
from qa.news.saved_questions import read_saved
from qa.types import Filters, Query
from qa.web.server.processes import serve
from web.fake_search import EVIL, FakeSearch
from web.helpers import OWN, Tags, page

FILE = '# Ours.\n[trade]\nquestion = "the trade grew"\nsource = ["TASS"]\nthreshold = 0.6\n'
NOW = "2026-01-02T03:04:00+00:00"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "saved.toml"


@pytest.fixture
def reader(client_with: Callable[..., FlaskClient], path: Path) -> FlaskClient:
    return client_with(saved=path)


@pytest.fixture
def editor(client_with: Callable[..., FlaskClient], path: Path, requests: list[str]) -> FlaskClient:
    return client_with(saved=path, edit=True)


def _write_news(settings: Settings, *news: News) -> None:
    settings.index.mkdir(parents=True, exist_ok=True)
    asked = {"trade": Asked("the trade grew", NOW, Memory("", "", (), ()))}
    write_news(settings.index, NewsFile("g", "", asked, news))


def _forms(html: str) -> dict[str, list[tuple[str, str]]]:
    """Return the fields of each form of a page that is sent, by its address."""
    forms: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for tag, attributes in Tags(html).tags:
        if tag == "form":
            current = forms.setdefault(attributes.get("action") or "", [])
        elif tag == "input" and attributes.get("name"):
            current.append((attributes["name"] or "", attributes.get("value") or ""))
    return forms


def test_without_edit_the_page_only_lists(reader: FlaskClient, path: Path) -> None:
    assert "None yet." in page(reader, "/saved")
    path.write_text(FILE, "utf-8")
    html = page(reader, "/saved")
    assert "Not asked yet" in html
    assert "from 60% confidence" in html
    assert 'href="/?q=the+trade+grew&amp;source=TASS"' in html
    assert "/saved/trade/remove" not in html
    assert "/saved" not in _forms(page(reader, "/?q=the+trade+grew"))
    assert reader.post("/saved", data={"q": "x", "name": "x"}, headers=OWN).status_code == 404
    assert reader.post("/saved/trade/remove", headers=OWN).status_code == 404
    assert path.read_text("utf-8") == FILE


def test_who_may_upload_may_not_save(
    client_with: Callable[..., FlaskClient], path: Path, requests: list[str]
) -> None:
    path.write_text(FILE, "utf-8")
    client = client_with(saved=path, upload=True)
    for address in ("/saved", "/?q=the+trade+grew"):
        assert not [form for form in _forms(page(client, address)) if form.startswith("/saved")]
    assert client.post("/saved", data={"q": "x", "name": "x"}, headers=OWN).status_code == 404
    assert client.post("/saved/trade/remove", headers=OWN).status_code == 404
    assert requests == []


def test_the_newest_news_is_shown_with_the_feed(reader: FlaskClient, path: Path, settings: Settings) -> None:
    path.write_text(FILE + '\n[quiet]\nquestion = "Rice?"\n', "utf-8")
    changed = Change("changed", EVIL, "TASS", None, "a.md", None, 3, "It is 2.", "It was 1.", "/documents/x")
    gone = Change("gone", "Trade", None, "2020-01-01", "b.md", None, None, None, "It was 3.", None)
    _write_news(
        settings,
        News("urn:uuid:1", "trade", "the trade grew", "g", NOW, (gone,)),
        News("urn:uuid:2", "trade", "the trade grew", "h", "2026-02-03T00:00:00+00:00", (changed,)),
    )
    html = page(reader, "/saved")
    assert "It is 2." in html
    assert "It was 3." not in html  # older
    assert "<script>alert" not in html
    feeds = [a["href"] for tag, a in Tags(html).tags if tag == "link" and a.get("rel") == "alternate"]
    assert feeds == ["/feeds/trade.atom"]
    _write_news(settings)
    assert "No news since 2 January 2026" in page(reader, "/saved")


def test_a_question_is_saved_with_its_filters_from_its_results(
    editor: FlaskClient, path: Path, requests: list[str]
) -> None:
    path.write_text("# Ours.\n", "utf-8")
    asked = "/?q=the+trade+grew&source=TASS&type=txt&path=news&from=2000-01-01&sort=date&group=passage"
    sent = _forms(page(editor, asked))["/saved"]
    names = [name for name, _ in sent]
    assert dict(sent)["name"] == "the-trade-grew"
    assert "sort" not in names
    answer = editor.post("/saved", data=dict(sent) | {"threshold": "0,5"}, headers=OWN)
    assert (answer.status_code, answer.location) == (303, "/saved?added=the-trade-grew#the-trade-grew")
    assert requests == ["build"]
    [saved] = read_saved(path)
    filters = Filters(source=("TASS",), media_type=("text/plain",), path=("news",), date_from="2000-01-01")
    assert (saved.question, saved.filters, saved.threshold) == ("the trade grew", filters, 0.5)
    assert path.read_text("utf-8").startswith("# Ours.\n")
    assert "Saved." in page(editor, answer.location)
    again = page(editor, asked)
    assert "Saved as the-trade-grew" in again
    assert "/saved" not in _forms(again)
    other = _forms(page(editor, "/?q=the+trade+grew"))["/saved"]
    assert dict(other)["name"] == "the-trade-grew-2"


def test_the_name_is_made_of_the_words_that_the_question_is_about(
    editor: FlaskClient, search: FakeSearch
) -> None:
    [hit, *_] = search.search(Query("by how much did the trade grow?")).hits
    search.changes = {"hits": (replace(hit, matched_terms=("trade",), unmatched_terms=("much", "grow")),)}
    sent = dict(_forms(page(editor, "/?q=by+how+much+did+the+trade+grow%3F"))["/saved"])
    assert sent["name"] == "much-trade-grow"


def test_results_of_a_saved_question_name_its_feed(
    reader: FlaskClient, path: Path, settings: Settings
) -> None:
    path.write_text(FILE, "utf-8")
    feed = 'rel="alternate" type="application/atom+xml" title="the trade grew" href="/feeds/trade.atom"'
    assert feed not in page(reader, "/?q=the+trade+grew&source=TASS")
    _write_news(settings)
    assert feed in page(reader, "/?q=the+trade+grew&source=TASS")
    assert feed not in page(reader, "/?q=the+trade+grew")


def test_a_question_without_results_can_be_saved(editor: FlaskClient) -> None:
    sent = dict(_forms(page(editor, "/?q=%22zeppelin+landing%22"))["/saved"])
    assert sent["q"] == '"zeppelin landing"'
    assert sent["name"] == "zeppelin-landing"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "trade"}, "the name trade is taken; choose another one"),
        ({"name": "a b"}, "a name has at most 64"),
        ({"name": ""}, "a name has at most 64"),
        ({"threshold": "2"}, "threshold: "),
        ({"threshold": EVIL}, "threshold: "),
    ],
)
def test_what_cannot_be_saved_is_said_and_the_form_stays(
    editor: FlaskClient, path: Path, requests: list[str], changes: dict[str, str], message: str
) -> None:
    path.write_text(FILE, "utf-8")
    sent = {"q": f"a {EVIL}", "source": "TASS", "name": "rice", "threshold": "0.7"} | changes
    answer = editor.post("/saved", data=sent, headers=OWN)
    assert answer.status_code == 422
    assert message in answer.text
    assert "<script>alert" not in answer.text
    assert dict(_forms(answer.text)["/saved"]) == sent
    assert path.read_text("utf-8") == FILE
    assert requests == []


def test_an_invalid_search_cannot_be_saved(editor: FlaskClient, path: Path) -> None:
    for sent in ({"name": "x"}, {"name": "x", "q": "a" * 300}, {"name": "x", "q": "a", "from": "soon"}):
        assert editor.post("/saved", data=sent, headers=OWN).status_code == 422
    assert not path.exists()


def test_a_broken_file_is_said_and_left_alone(editor: FlaskClient, reader: FlaskClient, path: Path) -> None:
    broken = f"{FILE}[oops\n"
    path.write_text(broken, "utf-8")
    for client in (editor, reader):
        assert "saved.toml is not TOML" in page(client, "/saved")
        assert client.get("/?q=the+trade+grew").status_code == 200
    answer = editor.post("/saved", data={"q": "a", "name": "x"}, headers=OWN)
    assert answer.status_code == 422
    assert answer.text.count("saved.toml is not TOML") == 1
    assert editor.post("/saved/trade/remove", headers=OWN).status_code == 422
    assert path.read_text("utf-8") == broken


def test_a_question_is_removed(editor: FlaskClient, path: Path, requests: list[str]) -> None:
    path.write_text(FILE + '\n[rice]\nquestion = "Rice?"\n', "utf-8")
    assert "/saved/rice/remove" in _forms(page(editor, "/saved"))
    answer = editor.post("/saved/rice/remove", headers=OWN)
    assert (answer.status_code, answer.location) == (303, "/saved?removed=rice")
    assert path.read_text("utf-8") == FILE
    assert requests == ["build"]
    assert "Removed." in page(editor, answer.location)
    assert editor.post("/saved/rice/remove", headers=OWN).status_code == 404


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_other_sites_can_change_nothing(
    editor: FlaskClient, path: Path, requests: list[str], headers: dict[str, str]
) -> None:
    path.write_text(FILE, "utf-8")
    assert editor.post("/saved", data={"q": "a", "name": "x"}, headers=headers).status_code == 403
    assert editor.post("/saved/trade/remove", headers=headers).status_code == 403
    assert path.read_text("utf-8") == FILE
    assert requests == []


def test_browsers_name_the_origin_of_the_forms(editor: FlaskClient) -> None:
    for address in ("/saved", "/?q=the+trade+grew"):
        assert editor.get(address).headers["Referrer-Policy"] == "same-origin"


def test_an_index_of_another_model_is_left_alone(
    client_with: Callable[..., FlaskClient], path: Path, requests: list[str]
) -> None:
    client = client_with(saved=path, edit=True, model="multilingual-e5-small")
    answer = client.post("/saved", data={"q": "a", "name": "x"}, headers=OWN)
    assert answer.status_code == 303
    assert requests == []
    assert "another model" in page(client, answer.location)


def test_a_question_with_a_filter_that_the_page_lacks_has_no_link(reader: FlaskClient, path: Path) -> None:
    path.write_text('[rice]\nquestion = "Rice?"\ndocument = "0123456789abcdef"\n', "utf-8")
    html = page(reader, "/saved")
    assert "0123456789abcdef" in html
    assert "/?q=Rice" not in html


def test_the_service_refuses_to_start_where_questions_cannot_be_saved(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "nowhere" / "saved.toml"
    with pytest.raises(SettingsError, match=r"cannot be saved in .*: No such file or directory\. Name"):
        serve(replace(settings, edit=True, saved=path))
    assert not path.parent.exists()
