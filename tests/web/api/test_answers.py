from __future__ import annotations

import hashlib

import pytest
from flask.testing import FlaskClient

from qa.types import LanguageSupport, Metadata, ReadFailure, RecognisedPage, Span
from qa.web.api.schemas import responses
from web.fake_search import NEWS, FakeSearch
from web.helpers import id_of, problem


def test_a_search_has_the_documented_shape(client: FlaskClient) -> None:
    answer = client.get("/api/v1/search?q=How+much+trade+grew+2019&k=2").get_json()
    responses.SearchAnswer.model_validate(answer, strict=True, extra="forbid")
    assert list(answer) == [
        *("query", "answerable", "confidence", "total", "took_ms", "index", "results", "language_support"),
        *("required", "excluded"),
        *("corrected_query", "missing_terms", "missing_phrases"),
        *("short_answer", "like", "next"),
    ]
    assert answer["query"] == "How much trade grew 2019"
    assert answer["took_ms"] == 2.9
    assert answer["index"] == {
        "generation": "20240102-abc",
        "model": "all-MiniLM-L6-v2",
        "documents": 3,
        "passages": 9,
    }
    first, second = answer["results"]
    assert (first["rank"], second["rank"]) == (1, 2)
    assert list(first) == [
        *("rank", "id", "score", "scores", "text", "char_start", "char_end", "page", "section", "answers"),
        *("url", "document", "duplicates", "relevant", "recognised", "certainty", "table_header"),
        *("matched_terms", "unmatched_terms"),
    ]
    assert first["section"] == "Economic cooperation"
    assert first["score"] == 0.7235
    assert set(first["scores"]) == {"dense", "lexical"}
    start, end = first["char_start"], first["char_end"]
    assert first["id"] == f"{id_of('news/tass.txt')}:{start}-{end}"
    assert first["url"] == f"/documents/{id_of('news/tass.txt')}?start={start}&end={end}#passage"
    assert NEWS[start:end] == first["text"]
    best = first["answers"][0]
    assert NEWS[best["char_start"] : best["char_end"]] == best["text"]
    assert first["document"] == {
        "id": id_of("news/tass.txt"),
        "path": "news/tass.txt",
        "title": "Cambodia & Russia",
        "source": "TASS",
        "author": None,
        "published": None,
        "dateline": "HANOI, July 3. /TASS/",
        "language": "en",
        "media_type": "text/plain",
        "sha256": hashlib.sha256(NEWS.encode()).hexdigest(),
        "url": "https://tass.example/1",
    }
    assert first["duplicates"] == []


@pytest.mark.parametrize(
    ("support", "confidence", "shown"), [("full", 0.123456, 0.1235), ("words", 0.4, 0.4), (None, 0.5, 0.5)]
)
def test_an_answer_says_what_its_confidence_rests_on(
    client: FlaskClient,
    search: FakeSearch,
    support: LanguageSupport | None,
    confidence: float,
    shown: float,
) -> None:
    search.changes = {"language_support": support, "confidence": confidence}
    answer = client.get("/api/v1/search?q=trade&facets=true").get_json()
    responses.SearchAnswer.model_validate(answer, strict=True, extra="forbid")
    assert (answer["language_support"], answer["confidence"]) == (support, shown)
    assert client.get("/results.json?q=trade").get_json()["confidence"] == shown


def test_duplicates_are_listed_with_the_result(client: FlaskClient, search: FakeSearch) -> None:
    paths = ("copies/a.txt", "copies/b.txt", "copies/c.txt")
    for path in paths:
        search.add(path, "A zeppelin landed.", Metadata(title=f"Title of {path}", source="S"))
    answer = client.get("/api/v1/search?q=zeppelin+landed&k=1").get_json()
    responses.SearchAnswer.model_validate(answer, strict=True, extra="forbid")
    (result,) = answer["results"]
    assert result["document"]["path"] == paths[0]
    assert [duplicate["document"]["path"] for duplicate in result["duplicates"]] == list(paths[1:])
    for duplicate in result["duplicates"]:
        assert list(duplicate) == ["id", "url", "document"]
        document = duplicate["document"]
        assert document.keys() == result["document"].keys()
        assert duplicate["id"] == f"{document['id']}:0-18"
        assert duplicate["url"] == f"/documents/{document['id']}?start=0&end=18#passage"
        assert client.get(f"/api/v1/passages/{duplicate['id']}").get_json()["text"] == result["text"]


def _listed(client: FlaskClient, query: str) -> list[str]:
    """Return the paths of the documents that are listed; the answer must have its shape."""
    answer = client.get(f"/api/v1/documents?{query}").get_json()
    responses.Documents.model_validate(answer, strict=True, extra="forbid")
    return [document["path"] for document in answer["documents"]]


def test_documents_are_listed(client: FlaskClient) -> None:
    assert client.get("/api/v1/documents?limit=2&offset=1").get_json()["total"] == 3
    assert _listed(client, "limit=2&offset=1") == ["news/tass.txt", "windows.txt"]
    assert _listed(client, "source=tass") == _listed(client, "path=news") == ["news/tass.txt"]
    for query in ("limit=0", "limit=1001", "offset=-1", "offset=99999999999999999999", "order=a", "sort=a"):
        problem(client.get(f"/api/v1/documents?{query}"), 422)


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("q=WINDOWS", ["windows.txt"]),
        ("q=russia+cambodia", ["news/tass.txt"]),
        ("q=nothing", []),
        ("sort=date", ["windows.txt", "evil.html", "news/tass.txt"]),
        ("sort=title", ["evil.html", "news/tass.txt", "windows.txt"]),
        ("sort=size&reverse=true", ["windows.txt", "evil.html", "news/tass.txt"]),
    ],
)
def test_documents_are_found_by_name_and_sorted(client: FlaskClient, query: str, paths: list[str]) -> None:
    assert _listed(client, query) == paths


def test_a_document_has_all_its_metadata(client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/documents/{id_of('news/tass.txt')}").get_json()
    responses.Document.model_validate(answer, strict=True, extra="forbid")
    assert answer["found"] == {"title": "text", "source": "text"}
    assert answer["characters"] == len(NEWS)
    assert answer["passages"] == 3
    problem(client.get(f"/api/v1/documents/{id_of('news/tass.txt')}?full=1"), 422)


def test_a_passage_has_its_neighbours(client: FlaskClient, search: FakeSearch) -> None:
    first, second, third = search.passages_of(id_of("news/tass.txt"))
    answer = client.get(f"/api/v1/passages/{second.id}").get_json()
    responses.Passage.model_validate(answer, strict=True, extra="forbid")
    assert (answer["previous"]["id"], answer["id"], answer["next"]["id"]) == (first.id, second.id, third.id)
    assert client.get(f"/api/v1/passages/{first.id}").get_json()["previous"] is None
    assert client.get(f"/api/v1/passages/{third.id}").get_json()["next"] is None


def test_the_status_lists_the_files_that_could_not_be_read(client: FlaskClient) -> None:
    answer = client.get("/api/v1/status").get_json()
    responses.Status.model_validate(answer, strict=True, extra="forbid")
    assert answer["failures"] == [{"path": "broken <b>.pdf", "row": None, "reason": "it is encrypted"}]


def test_the_status_counts_the_files_that_it_does_not_list(client: FlaskClient, search: FakeSearch) -> None:
    search.failures += (ReadFailure("rows.csv", "900 more rows cannot be read", None, 900),)
    search.failure_count = 5_000
    answer = client.get("/api/v1/status").get_json()
    assert answer["failures"][1] == {
        "path": "rows.csv",
        "row": None,
        "reason": "900 more rows cannot be read",
    }
    assert (answer["failure_count"], answer["unread_files"]) == (5_000, 2)
    assert "qa_index_failures 5000.0" in client.get("/metrics").get_data(as_text=True)


def test_facets_and_order_are_returned_on_request(client: FlaskClient, search: FakeSearch) -> None:
    for year in (2018, 2020, 2019):
        metadata = Metadata(title=str(year), source="S", published=f"{year}-05-05", language="en")
        search.add(f"{year}.txt", f"The trade of {year} grew.", metadata)
    answer = client.get("/api/v1/search?q=trade+grew&facets=true&sort=date&k=2&offset=1").get_json()
    responses.SearchAnswer.model_validate(answer, strict=True, extra="forbid")
    assert [result["document"]["title"] for result in answer["results"]] == ["2019", "2018"]
    facets = answer["facets"]
    assert facets["year"] == [{"value": str(y), "count": 1, "chosen": False} for y in (2020, 2019, 2018)]
    assert {"value": "S", "count": 3, "chosen": False} in facets["source"]
    assert facets["undated"] == facets["results"] - 3
    assert facets["complete"] is True
    assert sum(bar["count"] for bar in facets["timeline"]) == 3
    plain = client.get("/api/v1/search?q=trade+grew&k=2&offset=1").get_json()
    ranked = client.get("/api/v1/search?q=trade+grew&k=2&offset=1&facets=true").get_json()
    assert ranked.pop("facets")["results"] == facets["results"] == ranked.pop("hits")
    for answer in (ranked, plain):
        assert answer.pop("next")
        assert answer.pop("prev")
    assert ranked == plain
    chosen = client.get("/api/v1/search?q=trade+grew&source=s&facets=true").get_json()["facets"]
    assert {"value": "S", "count": 3, "chosen": True} in chosen["source"]
    assert len(chosen["source"]) == len(facets["source"])
    assert chosen["results"] == 3


def test_each_of_several_questions_has_facets(client: FlaskClient) -> None:
    body = {"questions": ["trade grew", "tourists"], "facets": True, "sort": "date"}
    answer = client.post("/api/v1/search", json=body).get_json()
    responses.SearchAnswers.model_validate(answer, strict=True, extra="forbid")
    assert all("facets" in answer_ for answer_ in answer["answers"])


def test_what_was_recognised_is_said_with_its_certainty(client: FlaskClient, search: FakeSearch) -> None:
    text = "A letter of one page.\n\nA zeppelin landed."
    pages = (RecognisedPage(2, Span(23, len(text)), 0.9149),)
    document_id = search.add("scan.pdf", text, pages=2, recognised=pages)
    [result, *_] = client.get("/api/v1/search?q=A+zeppelin+landed&k=1").get_json()["results"]
    assert (result["recognised"], result["certainty"]) == (True, 0.91)
    document = client.get(f"/api/v1/documents/{document_id}").get_json()
    responses.Document.model_validate(document, strict=True, extra="forbid")
    assert (document["recognised"], document["certainty"], document["recognised_pages"]) == (True, 0.91, 1)
    passage = client.get(f"/api/v1/passages/{result['id']}").get_json()
    responses.Passage.model_validate(passage, strict=True, extra="forbid")
    assert (passage["recognised"], passage["certainty"]) == (True, 0.91)
    assert (passage["previous"]["recognised"], passage["previous"]["certainty"]) == (False, None)
