from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from qa.indexing import ledger
from qa.types import Filters, Metadata, Mode, Query, ShortAnswer
from qa.web.api.schemas import responses
from qa.web.pages import cards
from web.fake_search import EVIL, NEWS, FakeSearch, MakeApp, no_index
from web.helpers import Tags, id_of, page, without_offsets

PAGES = ("/", "/?q=Angkor", "/?q=xylophone", "/?q=" + "x" * 999, "/documents", "/status", "/nothing")


def test_the_start_page_lists_documents(client: FlaskClient) -> None:
    html = page(client, "/")
    assert re.search(r"3 documents,\s+9 passages", html)
    assert "Cambodia &amp; Russia" in html
    assert f'href="/documents/{id_of("news/tass.txt")}"' in html
    assert '<form class="ask" id="ask" action="/" method="get" role="search">' in html
    assert page(client, "/?q=+") == html


def test_a_result_shows_its_provenance_and_best_sentence(client: FlaskClient) -> None:
    html = page(client, "/?q=The+trade+grew+in+2019")
    assert "Very likely answered here" in html
    assert re.search(r"9 passages searched in 2\.9\sms", html)
    assert 'value="The trade grew in 2019"' in html
    text = re.sub(r"\s+", " ", html)
    assert "HANOI, July 3. /TASS/" in text
    assert '<li class="section" dir="auto">Economic cooperation</li>' in text
    assert "<mark>The trade grew by 60% in 2019.</mark>" in text
    start = NEWS.index("HANOI. The")
    end = NEWS.index("\n\nTourists")
    assert f"/documents/{id_of('news/tass.txt')}?start={start}&amp;end={end}&amp;q=The+trade" in html


def test_the_words_that_answer_stand_above_their_sentence(client: FlaskClient, search: FakeSearch) -> None:
    question = "The trade grew in 2019"
    passage = search.search(Query(question)).hits[0].passage
    search.changes = {"short_answer": ShortAnswer("60%", passage.span, passage.id)}
    html = page(client, f"/?q={question.replace(' ', '+')}")
    assert html.count("short-answer") == 1
    assert html.index('class="answer"') < html.index("short-answer") < html.index("<blockquote")
    search.changes = {}
    assert "short-answer" not in page(client, f"/?q={question.replace(' ', '+')}")


def test_a_result_names_the_words_that_it_does_not_meet(client: FlaskClient, search: FakeSearch) -> None:
    question = "The trade grew in 2019"
    hits = search.search(Query(question)).hits
    search.changes = {"hits": (replace(hits[0], matched_terms=("trade",), unmatched_terms=("1987", "<b>")),)}
    html = page(client, f"/?q={question.replace(' ', '+')}")
    text = " ".join(re.sub(r"<[^>]*>", " ", html).split())
    assert "In this passage: trade ✓ Not in this passage: 1987 ✗ , &lt;b&gt; ✗" in text


def test_the_passages_of_a_document_are_one_result(client: FlaskClient, search: FakeSearch) -> None:
    search.add(
        "filing.txt", "\n\n".join(f"The zeppelin tax of {n}." for n in range(9)), Metadata(title="Filing")
    )
    search.add("letter.txt", "A zeppelin tax.", Metadata(title="Letter"))
    html = page(client, "/?q=zeppelin+tax")
    assert re.findall(r"<h3><a[^>]*>([^<]*)", html)[:2] == ["Filing", "Letter"]
    assert html.count("8 more in this document") == 1
    assert html.count("<h4>") == cards.MOST_OTHERS
    everything = unescape(re.search(r'href="([^"]*)">All 9 passages of this document', html).group(1))
    assert everything == "/?q=zeppelin+tax&path=filing.txt&group=passage"
    flat = page(client, "/?q=zeppelin+tax&group=passage")
    assert "more in this document" not in flat
    assert '<input type="hidden" name="group" value="passage">' in flat
    switch = unescape(re.search(r'href="([^"]*)" data-same="group-document"', flat).group(1))
    assert switch == "/?q=zeppelin+tax"


def test_the_link_to_a_documents_passages_takes_its_path_as_it_stands(
    client: FlaskClient, search: FakeSearch
) -> None:
    search.add("tax [draft]*?.txt", "\n\n".join(f"The zeppelin tax of {n}." for n in range(9)))
    link = re.search(r'href="([^"]*)">All 9 passages of this document', page(client, "/?q=zeppelin+tax"))[1]
    path = parse_qs(urlsplit(unescape(link)).query)["path"]
    assert path == ["tax [[]draft][*][?].txt"]


def test_documents_with_one_passage_each_need_no_switch(client: FlaskClient, search: FakeSearch) -> None:
    search.changes = {"hits": search.search(Query("trade")).hits[:1]}
    assert "group-document" not in page(client, "/?q=trade")


def test_a_judged_passage_is_open_in_its_document(
    client_with: Callable[..., FlaskClient], search: FakeSearch, tmp_path: Path
) -> None:
    client = client_with(judgements=tmp_path / "judged.jsonl")
    document = search.add("filing.txt", "The zeppelin tax.\n\nThe zeppelin.")
    second = search.passages_of(document)[1].id
    assert not re.search(r'class="others"[^>]* open', page(client, "/?q=zeppelin+tax"))
    sent = {"q": "zeppelin tax", "right": second}
    client.post("/judgements", data=sent, headers={"Origin": "http://localhost"})
    assert re.search(r'class="others"[^>]* open', page(client, "/?q=zeppelin+tax"))


def test_words_of_the_question_are_marked_lightly(client: FlaskClient, search: FakeSearch) -> None:
    search.add("a.txt", "The harbour is open. Two harbours closed.", Metadata(language="en"))
    hits = search.search(Query("harbour open")).hits
    search.changes = {"hits": (replace(hits[0], matched_terms=("harbour", "open")),)}
    html = page(client, "/?q=harbour+open")
    assert "<mark>The harbour is open.</mark>" in html
    assert '<mark class="word">harbours</mark>' in html


def test_duplicates_are_listed_in_one_line(client: FlaskClient, search: FakeSearch) -> None:
    search.add("a.txt", "A zeppelin landed.", Metadata(title="First", source="S"))
    assert "Also in:" not in page(client, "/?q=zeppelin+landed")
    second = search.add("b.txt", "A zeppelin landed.", Metadata(title="<i>Second</i>", source="T & T"))
    third = search.add("c.txt", "A zeppelin landed.")
    html = page(client, "/?q=zeppelin+landed")
    assert html.count("Also in:") == 1
    line = html.split("Also in:", 1)[1].split("</p>", 1)[0]
    assert " ".join(Tags(line).text.split()) == "<i>Second</i> (T & T), c.txt"
    assert [attributes["href"] for _, attributes in Tags(line).tags] == [
        f"/documents/{document_id}?start=0&end=18#passage" for document_id in (second, third)
    ]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("trade+grew+by+60", "Very likely answered here"),
        ("trade+grew+by+xylophone", "Probably answered here"),
        ("trade+xylophone", "Possibly answered here"),
        ("xylophone", "These documents don&#39;t seem to answer that."),
    ],
)
def test_the_confidence_is_stated_in_words(client: FlaskClient, question: str, words: str) -> None:
    html = page(client, f"/?q={question}")
    assert unescape(words) in unescape(html)
    assert ('<details class="weak" id="weaker">' in html and "Show the closest" in html) == ("don" in words)
    assert ("% confidence" in html) != ("don" in words)


@pytest.mark.parametrize("accepted", ["en", "ru"])
@pytest.mark.parametrize("answerable", [True, False])
def test_a_question_that_the_model_cannot_read_is_matched_by_words_only(
    client: FlaskClient, search: FakeSearch, accepted: str, *, answerable: bool
) -> None:
    search.changes = {"language_support": "words", "answerable": answerable}
    html = client.get("/?q=trade+grew", headers={"Accept-Language": accepted}).get_data(as_text=True)
    text = " ".join(Tags(html).text.split())
    said = {
        "en": "The model cannot read this question, so it was matched by its words only. "
        "A multilingual model reads a hundred languages: qa index --model multilingual-e5-small",
        "ru": "Модель не понимает этот вопрос, поэтому поиск шёл только по словам. "
        "Многоязычная модель понимает сто языков: qa index --model multilingual-e5-small",
    }
    assert said[accepted] in text
    verdict = html.split('<h2 id="verdict"', 1)[1].split("</div>", 1)[0]
    assert "%" not in verdict
    assert ("Possibly answered here" in text or "Ответ, возможно, здесь" in text) == answerable


def test_a_multilingual_model_is_not_recommended_over_itself(client: FlaskClient, search: FakeSearch) -> None:
    info = replace(search.info, model="multilingual-e5-small")
    search.changes = {"language_support": "words", "index": info}
    html = page(client, "/?q=LGA4677")
    assert "it was matched by its words only." in html
    assert "qa index" not in html
    assert "so a search by meaning alone finds little." in page(client, "/?q=LGA4677&mode=dense")


@pytest.mark.parametrize("support", ["full", None])
def test_a_question_that_the_model_reads_needs_no_word_of_it(
    client: FlaskClient, search: FakeSearch, support: str | None
) -> None:
    search.changes = {"language_support": support}
    assert "cannot read" not in page(client, "/?q=trade+grew")


def test_filters_reach_the_searcher_and_stay_in_the_form(client: FlaskClient, search: FakeSearch) -> None:
    html = page(
        client,
        "/?q=trade&source=TASS&source=%22A%22&path=news&language=EN&from=2019-01-01&to=&mode=dense&utm_source=x",
    )
    assert search.queries[0].filters == Filters(
        source=("TASS", '"A"'), path=("news",), language=("en",), date_from="2019-01-01"
    )
    assert search.queries[0].mode is Mode.DENSE
    assert '<details class="filters" open>' in html
    assert 'name="source" value="TASS"' in html
    assert '<input type="hidden" name="source" value="&#34;A&#34;">' in html
    assert 'name="from" value="2019-01-01"' in html
    assert '<option value="dense" selected>' in html


def test_a_short_name_of_a_type_is_selected_and_deselected_like_its_media_type(
    client: FlaskClient, search: FakeSearch
) -> None:
    short, full = (page(client, f"/?q=trade&type={name}") for name in ("TXT", "text/plain"))
    assert search.queries[0].filters.media_type == ("text/plain",)
    assert short == full


def test_more_results_keep_the_search(client: FlaskClient, search: FakeSearch) -> None:
    search.add("long.txt", "\n\n".join(f"trade {n}" for n in range(30)))
    html = page(client, "/?q=trade&type=text/plain&mode=lexical&group=passage")
    assert html.count('class="hit"') == 10
    more = unescape(re.search(r'<p class="turn"><a href="([^"]*)"', html).group(1))
    address, _, first_new = more.partition("#")
    assert address == "/?q=trade&type=text%2Fplain&mode=lexical&group=passage&show=20"
    html = page(client, address)
    ids = re.findall(r'<li id="([^"]*)" class="hit"', html)
    assert len(ids) == 20
    assert ids[10] == first_new
    last = page(client, "/?q=trade&type=text/plain&group=passage&show=100")
    assert last.count('class="hit"') > 30
    assert 'class="turn"' not in last


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("q=" + "x" * 201, "Your question must be at most 200 characters long; this has 201."),
        ("q=a&from=soon", "The start date must be a date such as 2019-07-03."),
        ("q=a&from=2020-01-02&to=2020-01-01", "from must not be later than to."),
        ("q=a&show=0", "The number of results must be greater than or equal to 1."),
        ("q=a&sort=size", "The sort order must be &#39;relevance&#39; or &#39;date&#39;."),
        ("q=a&group=size", "The kind of results must be &#39;passage&#39; or &#39;document&#39;."),
    ],
)
def test_an_invalid_search_is_explained(client: FlaskClient, query: str, message: str) -> None:
    html = page(client, f"/?{query}", 422)
    assert f"<p>{message}</p>" in html
    assert 'role="alert"' in html
    assert re.search(r'name="q" id="q" value="(x{201}|a)"', html)


def test_a_document_is_shown_with_its_passage(client: FlaskClient) -> None:
    start, end = NEWS.index("The trade"), NEWS.index("\n\nTourists")
    html = without_offsets(page(client, f"/documents/{id_of('news/tass.txt')}?start={start}&end={end}"))
    assert f'<mark class="passage" id="passage">{NEWS[start:end]}</mark></p>' in html
    assert re.search(r'<h2 id="at-\d+"><span># Economic cooperation</span></h2>', html)
    assert "<h1" in html
    assert "Cambodia &amp; Russia" in html
    assert "TASS <small>from the text</small>" in html
    assert hashlib.sha256(NEWS.encode()).hexdigest()[:12] in html
    assert 'href="https://tass.example/1"' in html
    shown = Tags(html).text
    for paragraph in NEWS.split("\n\n"):
        assert paragraph in shown


@pytest.mark.parametrize(
    "query", ["start=5", "start=9&end=5", "start=0&end=99999", "start=a&end=b", "start=-1&end=5"]
)
def test_a_link_to_a_missing_place_is_reported(client: FlaskClient, query: str) -> None:
    html = page(client, f"/documents/{id_of('news/tass.txt')}?{query}")
    assert "a place that is no longer in the document" in html
    assert "<mark" not in html


def test_a_huge_document_is_shown_in_parts(client: FlaskClient, search: FakeSearch) -> None:
    text = "\n\n".join(f"Paragraph number {n} of many, many." for n in range(20_000))
    document_id = search.add("huge.txt", text)
    start = text.index("Paragraph number 10000 ")
    html = page(client, f"/documents/{document_id}?start={start}&end={start + 22}")
    assert len(html) < 100_000
    assert '<mark class="passage" id="passage">Paragraph number 10000</mark>' in without_offsets(html)
    turns = re.findall(rf'class="turn"><a href="(/documents/{document_id}\?[^"]*)"', html)
    earlier, later = map(unescape, turns)
    assert earlier.startswith(f"/documents/{document_id}?start={start}&end={start + 22}&at=")
    before, after = page(client, earlier), page(client, later)
    assert "Paragraph number 9000 " in before
    assert "Paragraph number 11000 " in after
    first = page(client, f"/documents/{document_id}")
    assert "Paragraph number 0 " in first
    assert "Earlier in this document" not in first


def test_pages_of_a_document_are_labelled(client: FlaskClient, search: FakeSearch) -> None:
    document_id = search.add("paged.pdf", "One is here.\n\nTwo is here.\n\nThree.", pages=3)
    html = page(client, f"/documents/{document_id}")
    assert re.findall(r'<a class="page" [^>]*>page (\d)</a>', html) == ["1", "2", "3"]


@pytest.mark.parametrize("address", [*PAGES, "evil", "tass"])
def test_no_page_has_inline_scripts_styles_or_external_addresses(client: FlaskClient, address: str) -> None:
    names = {"evil": "evil.html", "tass": "news/tass.txt"}
    if address in names:
        address = f"/documents/{id_of(names[address])}?start=0&end=20"
    html = client.get(address).get_data(as_text=True)
    tags = Tags(html)
    for tag, attributes in tags.tags:
        assert tag not in {"style", "iframe", "object", "base"}
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "script":
            assert attributes["src"].startswith("/static/")
        for name in ("src", "action"):
            assert (attributes.get(name) or "/").startswith("/")
        link = attributes.get("href") or "/"
        own = ("/", "#", "http://localhost/documents/")  # permalinks are absolute
        assert link.startswith(own) or link == "https://tass.example/1"
    images = [attributes for tag, attributes in tags.tags if tag == "img"]
    assert all(image["src"].startswith("/static/favicon.svg") for image in images)


@pytest.mark.parametrize("address", ["/", "/documents", "/?q=Angkor", f"/documents/{id_of('evil.html')}"])
def test_markup_in_a_document_is_shown_as_text(client: FlaskClient, address: str) -> None:
    html = page(client, address)
    assert "<script>alert" not in html
    assert "49 Angkor" not in html
    assert EVIL in Tags(html).text


def test_markup_in_a_request_is_shown_as_text(client: FlaskClient) -> None:
    for address in ("/?q={}", "/?q=a&source={}", "/?q=a&from={}", "/documents/{}", "/{}"):
        html = client.get(address.format("%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).get_data(as_text=True)
        assert "<script>alert" not in html


def test_the_status_page_counts_the_files_that_it_does_not_list(
    client: FlaskClient, search: FakeSearch
) -> None:
    assert "not shown" not in page(client, "/status")
    search.failure_count = 5_001
    assert "5,000 more are not shown. The API lists every file." in page(client, "/status")


def test_the_status_page_lists_unreadable_files(client: FlaskClient) -> None:
    html = page(client, "/status")
    assert "<code>broken &lt;b&gt;.pdf</code>" in html
    assert "it is encrypted" in html
    assert "2 January 2024, 03:04 UTC" in html


def test_the_status_page_names_what_was_left_out_and_read_in_part(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Files that were read in part" not in page(client, "/status")
    counts = dict.fromkeys(ledger.STATES, 12)
    seen = ledger.Summary("g", "2024-01-02", counts, {".psd": 9, "": 1}, ("a <b>.csv", "c.xlsx"))
    monkeypatch.setattr(ledger, "summary", lambda _: seen)
    html = page(client, "/status")
    assert "<code>.psd</code> 9, <code>–</code> 1" in html
    assert "<code>a &lt;b&gt;.csv</code>, <code>c.xlsx</code>, … (12)" in html
    status = client.get("/api/v1/status").get_json()
    responses.Status.model_validate(status, strict=True, extra="forbid")
    assert status["files"]["left_out"] == {".psd": 9, "": 1}


def test_the_list_of_documents_has_pages(client: FlaskClient, search: FakeSearch) -> None:
    for n in range(120):
        search.add(f"many/{n:03}.txt", "text", Metadata(published="2020-12-29"))
    first = page(client, "/documents")
    assert "29 December 2020" in first
    assert 'href="/documents?offset=100" rel="next"' in first
    second = page(client, "/documents?offset=100")
    assert 'href="/documents?offset=0" rel="prev"' in second
    assert 'rel="next"' not in second


def test_errors_are_pages(client: FlaskClient) -> None:
    assert "There is no document 123." in page(client, "/documents/123", 404)
    assert "Not found" in page(client, "/nothing", 404)
    assert client.post("/").status_code == 405


def test_without_an_index_the_page_says_how_to_build_one(make_app: MakeApp) -> None:
    client = make_app(no_index).test_client()
    for address in ("/", "/?q=a", "/documents", "/documents/1", "/status"):
        html = page(client, address, 503)
        assert "qa index" in html
        assert "Not ready yet" in html


def test_an_empty_index_is_explained(make_app: MakeApp) -> None:
    client = make_app(FakeSearch).test_client()
    assert "There are no documents here yet" in page(client, "/")
    assert "No passages match these filters" in page(client, "/?q=a")


def test_the_search_is_described_for_browsers(client: FlaskClient) -> None:
    response = client.get("/opensearch.xml", headers={"Host": "localhost:81"})
    assert response.content_type == "application/opensearchdescription+xml; charset=utf-8"
    assert 'template="http://localhost:81/?q={searchTerms}"' in response.get_data(as_text=True)
    with client.get("/favicon.ico") as icon:
        assert icon.content_type.startswith("image/svg+xml")


def test_a_banner_counts_unreadable_files(client: FlaskClient, search: FakeSearch) -> None:
    assert "1 of 4 files could not be read" in page(client, "/?q=trade")
    search.failures = ()
    assert "could not be read" not in page(client, "/?q=trade")


def test_each_phrase_is_a_chip_that_takes_it_back(client: FlaskClient, search: FakeSearch) -> None:
    search.changes = {"total": 0, "hits": (), "required": ("small step",)}
    html = client.get("/", query_string={"q": 'trade "small step"', "sort": "date"}).text
    assert "q=trade+small+step" in html
    assert "“small step” stands nowhere in these documents." in unescape(html)
    assert "Search without quotes" in html
    search.changes = {"missing_phrases": ("small step",)}
    html = unescape(client.get("/", query_string={"q": 'trade "small step"'}).text)
    assert "“small step” stands nowhere in these documents. Its words were searched instead." in html
    assert "Remove this condition" not in html
    search.changes = {}
    page_without = client.get("/", query_string={"q": "-Brazil"}).text
    assert "−“Brazil”" in page_without
    assert "Passages without these words" in page_without
    assert "seem to answer" not in page_without
