from __future__ import annotations

import re
from html import unescape
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from readers.pdf.rendering.pdf_samples import picture_pdf
from readers.samples import make_pdf

from qa.config import Settings
from qa.results.citations import FORMATS
from qa.types import RecognisedPage, Span, WordBox
from qa.web.pages.document import MAX_QUOTATION
from web.fake_search import NEWS, FakeSearch
from web.helpers import id_of, page, without_offsets

TASS = id_of("news/tass.txt")


def text_of(client: FlaskClient, address: str) -> str:
    """Return the HTML at an address without the offsets of the text."""
    return without_offsets(page(client, address))


SENTENCE = "The trade grew by 60% in 2019."
START = NEWS.index(SENTENCE)
END = START + len(SENTENCE)


def permalink(client: FlaskClient) -> str:
    """Return the permalink of a citation of the sentence, without its host."""
    [item] = client.get(f"/documents/{TASS}/quotations/{START}-{END}.json").get_json(force=True)
    return item["URL"].removeprefix("http://localhost")


def test_other_results_of_the_question_are_marked_and_linked(client: FlaskClient) -> None:
    start, end = NEWS.index("HANOI. The"), NEWS.index("\n\nTourists")
    html = text_of(client, f"/documents/{TASS}?start={start}&end={end}&q=the+trade+of+Cambodia+and+tourists")
    assert f'<mark class="sentence">{SENTENCE}</mark>' in html
    assert '<mark class="passage" id="passage">HANOI. </mark>' in html
    assert re.search(r'<mark class="other" id="hit-\d+">Russia and Cambodia', html)
    assert "Result 2 of 3 in this document" in html
    before, after = (
        unescape(re.search(rf'<a href="([^"]*)" rel="{rel}">', html)[1]) for rel in ("prev", "next")
    )
    assert "Result 1 of 3 in this document" in page(client, before)
    assert "Result 3 of 3 in this document" in page(client, after)
    assert "q=the+trade+of+Cambodia" in after


@pytest.mark.parametrize("query", ["q=", "q=" + "x" * 201, "q=trade&mode=magic"])
def test_an_invalid_question_marks_nothing(client: FlaskClient, query: str) -> None:
    html = page(client, f"/documents/{TASS}?{query}")
    assert "<mark" not in html
    assert "in this document</span>" not in html


@pytest.mark.parametrize(
    ("change", "message", "marked"),
    [
        (lambda text: text, "The quotation is unchanged.", SENTENCE),
        (
            lambda text: "A first line.\n\n" + text,
            "The quotation is the same, but in another place.",
            SENTENCE,
        ),
        (
            lambda text: text.replace("by 60% in", "by 75% in"),
            "This is the current text.",
            "The trade grew by 75% in 2019",
        ),
        (lambda text: "All of it is other now.", "The quotation is no longer in it.", None),
    ],
)
def test_a_permalink_says_whether_the_quotation_has_changed(
    client: FlaskClient, search: FakeSearch, change, message: str, marked: str | None
) -> None:
    address = permalink(client)
    search.add("news/tass.txt", change(NEWS))
    html = text_of(client, address)
    assert message in html
    mark = re.search(r'<mark class="passage" id="passage">([^<]*)</mark>', html)
    assert (mark and mark[1]) == marked


def test_a_permalink_with_an_invalid_fingerprint_is_a_plain_link(client: FlaskClient) -> None:
    html = text_of(client, f"/documents/{TASS}?start={START}&end={END}&quote=xyz")
    assert f'id="passage">{SENTENCE}</mark>' in html
    assert 'class="notice' not in html


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("txt", "text/plain"),
        ("md", "text/plain"),
        ("bib", "application/x-bibtex"),
        ("ris", "application/x-research-info-systems"),
        ("json", "application/vnd.citationstyles.csl+json"),
    ],
)
def test_a_quotation_is_available_in_every_format(client: FlaskClient, form: str, kind: str) -> None:
    response = client.get(f"/documents/{TASS}/quotations/{START}-{END}.{form}")
    assert response.content_type == f"{kind}; charset=utf-8"
    citation = response.get_data(as_text=True)
    assert "60" in citation
    assert "HANOI, July 3. /TASS/" in citation
    assert ("attachment" in response.headers.get("Content-Disposition", "")) == (kind != "text/plain")


@pytest.mark.parametrize("place", ["5-5.txt", "9-5.txt", "0-99999.txt", "0-5.doc", "a-b.txt"])
def test_an_impossible_quotation_is_not_found(client: FlaskClient, place: str) -> None:
    assert client.get(f"/documents/{TASS}/quotations/{place}").status_code == 404


@pytest.fixture
def paged(search: FakeSearch, settings: Settings) -> str:
    data = make_pdf([(72, 700, "One is here.")], [(72, 700, "Two is here.")])
    (settings.docs / "paged.pdf").write_bytes(data)
    return search.add(
        "paged.pdf", "One is here.\n\nTwo is here.", data=data, media_type="application/pdf", pages=2
    )


def test_a_pdf_is_opened_at_the_page_of_the_passage(client: FlaskClient, paged: str) -> None:
    html = page(client, f"/documents/{paged}?start=14&end=26")
    assert f"/documents/{paged}/pages/2.webp?v=" in html
    assert html.count("<rect") == 1
    assert 'aria-label="Picture of page 2 of 2"' in html
    assert notes(html) == []
    first = page(client, f"/documents/{paged}?start=14&end=26&page=1")
    assert f"/documents/{paged}/pages/1.webp?v=" in first
    assert "<rect" not in first
    picture = client.get(f"/documents/{paged}/pages/2.webp")
    assert picture.content_type == "image/webp"
    assert picture.data[8:12] == b"WEBP"


def notes(html: str) -> list[str]:
    """Return the visible notes on why a page is not drawn."""
    return re.findall(r'<p class="(failed|busy)" role="status">', html)


def test_a_page_that_cannot_be_drawn_shows_a_note_and_its_text(
    client: FlaskClient, search: FakeSearch, settings: Settings
) -> None:
    data = picture_pdf(50_000, 50_000)
    (settings.docs / "large.pdf").write_bytes(data)
    large = search.add("large.pdf", "One is here.", data=data, media_type="application/pdf", pages=1)
    picture = client.get(f"/documents/{large}/pages/1.webp")
    assert picture.status_code == 422
    assert "50000 × 50000 pixels" in picture.get_data(as_text=True)
    assert "Retry-After" not in picture.headers
    html = text_of(client, f"/documents/{large}?start=0&end=12")
    assert 'id="passage">One is here.</mark>' in html
    assert notes(html) == ["failed"]
    assert ".webp" not in html
    assert "page 1 of 1" in html


def test_a_busy_renderer_refuses_at_once_and_the_page_shows_its_text(
    app: Flask, client: FlaskClient, paged: str
) -> None:
    room = app.extensions["qa"].renderer._slots
    taken = 0
    while room.acquire(blocking=False):
        taken += 1
    assert taken == 2  # of four threads
    picture = client.get(f"/documents/{paged}/pages/2.webp")
    assert picture.status_code == 503
    assert picture.headers["Retry-After"] == "1"
    html = text_of(client, f"/documents/{paged}?start=14&end=26")
    assert 'id="passage">Two is here.</mark>' in html
    assert notes(html) == ["busy"]
    assert ".webp" not in html
    room.release(taken)
    assert client.get(f"/documents/{paged}/pages/2.webp").status_code == 200
    assert notes(page(client, f"/documents/{paged}?start=14&end=26")) == []


def test_the_length_of_a_quotation_is_limited(client: FlaskClient, search: FakeSearch) -> None:
    long = search.add("long.txt", "Some words. " * 20_000)
    quoted = client.get(f"/documents/{long}/quotations/5-{5 + MAX_QUOTATION}.json")
    assert quoted.status_code == 200
    for form in FORMATS:
        refused = client.get(f"/documents/{long}/quotations/5-{6 + MAX_QUOTATION}.{form}")
        assert refused.status_code == 422
        assert f"{MAX_QUOTATION} characters" in refused.get_data(as_text=True)
    html = page(client, f"/documents/{long}?start=5&end={6 + MAX_QUOTATION}")
    assert "/quotations/5-" not in html
    assert len(html) < 200_000


def test_a_changed_pdf_has_no_pictures(client: FlaskClient, paged: str, settings: Settings) -> None:
    (settings.docs / "paged.pdf").write_bytes(b"%PDF-1.4 other")
    assert "facsimile" not in page(client, f"/documents/{paged}?start=14&end=26")
    assert client.get(f"/documents/{paged}/pages/1.webp").status_code == 409
    (settings.docs / "paged.pdf").unlink()
    assert "facsimile" not in page(client, f"/documents/{paged}")
    assert client.get(f"/documents/{paged}/pages/1.webp").status_code == 404


def test_missing_pages_are_not_found(client: FlaskClient, paged: str) -> None:
    for address in (f"{paged}/pages/3.webp", f"{paged}/pages/0.webp", f"{TASS}/pages/1.webp"):
        assert client.get(f"/documents/{address}").status_code == 404
    assert "facsimile" not in page(client, f"/documents/{paged}?page=7")


def test_the_outline_links_to_the_sections(client: FlaskClient, search: FakeSearch) -> None:
    text = "# One\n\nText one.\n\n# Two\n\nText two."
    document_id = search.add("sections.md", text)
    html = page(client, f"/documents/{document_id}")
    outline = html.split('class="outline"')[1]
    assert re.findall(r'<a href="#at-(\d+)" dir="auto">(\w+)</a>', outline) == [
        ("0", "One"),
        (str(text.index("# Two")), "Two"),
    ]
    assert f'id="at-{text.index("# Two")}"' in html


def test_sections_of_other_parts_are_links_to_them(client: FlaskClient, search: FakeSearch) -> None:
    text = "".join(f"# Section {n}\n\n{'Much text. ' * 100}\n\n" for n in range(100))
    html = page(client, f"/documents/{search.add('long.md', text)}?start=0&end=5")
    links = [unescape(link) for link in re.findall(r'<a href="([^"]*)" dir="auto">Section', html)]
    assert len(links) == 100
    far = text.index("# Section 99")
    assert links[-1].endswith(f"?start=0&end=5&at={far}#at-{far}")
    assert f'id="at-{far}"' in page(client, links[-1])


LETTER = "One is here.\n\nTwo is there."
WORDS = ((0, 3), (4, 6), (7, 12), (14, 17), (18, 20), (21, 27))


def recognised_page(number: int, span: Span, top: float) -> RecognisedPage:
    words = tuple(
        WordBox(start, end, start / 40, top, end / 40, top + 0.05)
        for start, end in WORDS
        if span.start <= start < span.end
    )
    return RecognisedPage(number, span, 0.914, words)


@pytest.fixture
def scan(search: FakeSearch, settings: Settings) -> str:
    file = BytesIO()
    frames = [Image.new("L", (400, 200), 255) for _ in range(2)]
    frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:])
    (settings.docs / "scan.tif").write_bytes(file.getvalue())
    return search.add(
        "scan.tif",
        LETTER,
        data=file.getvalue(),
        media_type="image/tiff",
        pages=2,
        recognised=(recognised_page(1, Span(0, 12), 0.1), recognised_page(2, Span(14, 27), 0.2)),
    )


def test_a_scan_is_opened_at_the_page_of_the_passage_with_its_words_marked(
    client: FlaskClient, scan: str
) -> None:
    html = page(client, f"/documents/{scan}?start=18&end=27")
    assert f"/documents/{scan}/pages/2.webp?v=" in html
    [(x, y, width, height)] = re.findall(r'<rect x="(.*)" y="(.*)" width="(.*)" height="(.*)"/>', html)
    assert (float(x), float(width)) == pytest.approx((446, 233))
    assert (float(y), float(height)) == pytest.approx((98, 29))
    first = page(client, f"/documents/{scan}?start=18&end=27&page=1")
    assert f"/documents/{scan}/pages/1.webp?v=" in first
    assert "<rect" not in first
    picture = client.get(f"/documents/{scan}/pages/2.webp")
    assert picture.content_type == "image/webp"
    assert picture.data[8:12] == b"WEBP"
    assert client.get(f"/documents/{scan}/pages/3.webp").status_code == 404


def test_a_scan_says_that_it_was_recognised(client: FlaskClient, scan: str) -> None:
    assert "Recognised from a scan (91% certain)" in page(client, f"/documents/{scan}")
    assert "Recognised from a scan (91% certain)" in page(client, "/?q=Two+is+there")
    assert "Recognised" not in page(client, f"/documents/{TASS}")
    russian = client.get(f"/documents/{scan}", headers={"Accept-Language": "ru"}).get_data(as_text=True)
    assert "Распознано по скану (уверенность 91%)" in russian


def test_a_page_of_a_pdf_that_was_recognised_is_marked_by_its_words(
    client: FlaskClient, search: FakeSearch, settings: Settings
) -> None:
    data = make_pdf([(72, 700, "One is here.")], [])
    (settings.docs / "partly.pdf").write_bytes(data)
    partly = search.add(
        "partly.pdf",
        LETTER,
        data=data,
        media_type="application/pdf",
        pages=2,
        recognised=(recognised_page(2, Span(14, 27), 0.5),),
    )
    html = page(client, f"/documents/{partly}?start=18&end=27")
    [(left, top)] = re.findall(r'<rect x="(.*)" y="(.*)" width', html)
    assert (float(left), float(top)) == pytest.approx((446, 705), abs=1)
    assert "1 of 2 pages recognised from a scan (91% certain)" in html
    assert page(client, f"/documents/{partly}?start=0&end=12").count("<rect") == 1
