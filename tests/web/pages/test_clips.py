from __future__ import annotations

import csv
import json
import re
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from docx import Document
from flask.testing import FlaskClient

from qa.results.permalinks import permalink
from qa.types import Metadata, Span
from qa.web.pages.clip_files import COLUMNS, FORMATS
from qa.web.pages.clips import MAX_CLIPS
from web.fake_search import FakeSearch
from web.helpers import id_of, page

TEXT = "# Roads\n\nThe road is long. It cost 5 million dollars in 2019. Nobody was surprised."
FACT = "It cost 5 million dollars in 2019."


def clip(search: FakeSearch, path: str = "roads.md", quotation: str = FACT, **more: str) -> dict[str, Any]:
    """Return the clip of a quotation of a document, which is added if the search has none of this path."""
    ids = {document.path: document.id for document in search.held.values()}
    document_id = ids.get(path) or search.add(
        path, TEXT, Metadata(title="All & the roads", source="=Roads_Inc")
    )
    start = search.texts[document_id].index(quotation)
    span = Span(start, start + len(quotation))
    address = urlsplit(permalink("http://x", search.document(document_id), span, quotation))
    parts = {name: values[0] for name, values in parse_qs(address.query).items()}
    return {"document": document_id, **parts, "start": span.start, "end": span.end, **more}


def send(client: FlaskClient, address: str, *clips: dict[str, Any]) -> Any:
    return client.post(address, data={"clips": json.dumps(clips)})


def exported(client: FlaskClient, extension: str, *clips: dict[str, Any]) -> str:
    response = send(client, f"/clips.{extension}", *clips)
    assert response.status_code == 200
    assert response.headers["Content-Disposition"] == f"attachment; filename=clips.{extension}"
    return response.get_data().decode("utf-8-sig")


def test_the_page_has_no_clips_until_the_browser_sends_them(client: FlaskClient, search: FakeSearch) -> None:
    assert "There are no clips yet." in page(client, "/clips")
    html = send(client, "/clips", clip(search, question="How <much>?", note="</textarea>")).get_data(
        as_text=True
    )
    assert "There are no clips yet." not in html
    assert f"The road is long. <mark>{FACT}</mark> Nobody" in html
    assert "How &lt;much&gt;?" in html
    assert "&lt;/textarea&gt;</textarea>" in html
    assert "All &amp; the roads, =Roads_Inc" in html


def test_what_answers_can_be_clipped_by_its_citation(client: FlaskClient, search: FakeSearch) -> None:
    search.add("more.txt", "The trade grew in 2019.\n\nIn 2019 trade fell.\n\nThe trade of 2019 stood still.")
    html = page(client, "/?q=The+trade+grew+in+2019")
    answer, results = html.partition('<ol class="hits">')[::2]
    assert clip_buttons(answer) == 1
    assert clip_buttons(results) == results.count("<blockquote")
    assert "others" in results
    for document_id in re.findall(r'class="copy" data-copy href="/documents/(\w+)/', html):
        assert f'data-sha="{search.document(document_id).sha256[:12]}"' in html


def test_selected_text_can_be_clipped_by_its_citation(client: FlaskClient) -> None:
    html = page(client, f"/documents/{id_of('news/tass.txt')}")
    assert clip_buttons(html) == 1
    assert html.index('id="selected"') < html.index('class="plain clip"') < html.rindex('class="copy"')


def clip_buttons(html: str) -> int:
    return html.count('class="plain clip"')


def test_clips_keep_their_order_and_notes_in_every_format_of_text(
    client: FlaskClient, search: FakeSearch
) -> None:
    clips = [
        clip(search, question="Who?", note="*second* thoughts"),
        clip(search, quotation="The road is long.", question="Who?"),
        clip(search, quotation="Nobody was surprised.", question="=Why?", note="@last"),
    ]
    text = exported(client, "md", *clips)
    assert text.count("## Who?") == 1
    assert "\\*second\\* thoughts" in text
    places = [text.index(part) for part in ("**[1]**", FACT, "**[2]**", "road is long", "=Why?", "**[3]**")]
    assert places == sorted(places)
    rows = list(csv.DictReader(StringIO(exported(client, "csv", *clips), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [row["quotation"] for row in rows] == [FACT, "The road is long.", "Nobody was surprised."]
    assert (rows[2]["question"], rows[2]["note"], rows[2]["source"]) == ("'=Why?", "'@last", "'=Roads_Inc")


def test_a_word_document_has_questions_quotations_links_and_notes(
    client: FlaskClient, search: FakeSearch
) -> None:
    sent = clip(search, question="How\x00 much?", note="Check\x0b this")
    data = send(client, "/clips.docx", sent, clip(search, quotation="The road is long.")).get_data()
    word = Document(BytesIO(data))
    paragraphs = [(paragraph.style.name, paragraph.text) for paragraph in word.paragraphs if paragraph.style]
    assert [text.replace(" ", "") for style, text in paragraphs if style == "Heading 1"] == ["Howmuch?"]
    assert [text for style, text in paragraphs if style == "Quote"] == [f"“{FACT}”", "“The road is long.”"]
    links = [link.address for paragraph in word.paragraphs for link in paragraph.hyperlinks]
    assert len(links) == 2
    assert all(sent["document"] in address for address in links)
    assert any("Check" in text and "this" in text for _, text in paragraphs)


def test_bibliographies_have_each_source_once_with_its_note(client: FlaskClient, search: FakeSearch) -> None:
    sent = clip(search, note="Look {here}"), clip(search), clip(search, quotation="The road is long.")
    assert exported(client, "bib", *sent).count("@misc{") == 2
    assert exported(client, "ris", *sent).count("ER  - ") == 2
    items = json.loads(exported(client, "json", *sent))
    assert len({item["id"] for item in items}) == len(items) == 2
    for extension in ("ris", "json"):
        assert "Look {here}" in exported(client, extension, clip(search, note="Look {here}"))
    assert "Look \\{here\\}" in exported(client, "bib", clip(search, note="Look {here}"))


def test_what_has_moved_is_found_and_what_has_gone_is_said(client: FlaskClient, search: FakeSearch) -> None:
    moved, gone = clip(search), clip(search, quotation="Nobody was surprised.", note="My note")
    unknown = {**gone, "document": "0" * 16}
    search.add("roads.md", f"New.\n\n{FACT}")
    html = send(client, "/clips", moved, gone, unknown).get_data(as_text=True)
    assert html.count("The quotation is the same, but in another place.") == 1
    assert html.count("This quotation is no longer in the documents.") == 2
    rows = list(csv.DictReader(StringIO(exported(client, "csv", moved, gone, unknown))))
    assert [(row["state"], row["quotation"], row["note"]) for row in rows] == [
        *(("moved", FACT, ""), ("gone", "", "My note"), ("gone", "", "My note"))
    ]
    for extension in FORMATS:
        assert send(client, f"/clips.{extension}", gone).status_code == 200
    assert "**[1]** This quotation is no longer in the documents." in exported(client, "md", gone)


def test_a_range_that_no_fingerprint_guards_needs_the_same_file(
    client: FlaskClient, search: FakeSearch
) -> None:
    sent = {**clip(search), "quote": ""}
    assert FACT in exported(client, "md", sent)
    assert FACT not in exported(client, "md", {**sent, "sha": "0" * 12})
    assert "no longer" in exported(client, "md", {**sent, "end": 10**9})
    assert "no longer" in exported(client, "md", {**sent, "end": sent["start"]})


@pytest.mark.parametrize(
    "wrong", [{"document": "../etc"}, {"start": -1}, {"text": "forged"}, {"note": "x" * 2001}]
)
def test_an_invalid_clip_is_refused(client: FlaskClient, search: FakeSearch, wrong: dict[str, Any]) -> None:
    assert send(client, "/clips", {**clip(search), **wrong}).status_code == 422


def test_a_list_is_limited_and_a_full_one_is_taken(client: FlaskClient, search: FakeSearch) -> None:
    full = [clip(search, note="n" * 2000)] * MAX_CLIPS
    assert exported(client, "csv", *full).count("n" * 2000) == MAX_CLIPS
    assert send(client, "/clips.csv", *full, clip(search)).status_code == 422
    assert client.post("/clips.csv", data={"clips": "no list"}).status_code == 422
    assert client.post("/clips.csv").status_code == 422
    assert client.post("/clips.csv", data={"clips": "x" * (1 << 20)}).status_code == 413
    assert send(client, "/clips.exe").status_code == 404
