from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qa.config import Settings
from qa.errors import BuildError, ModelError, QueryError
from qa.types import Filters, Metadata, Mode, ReadFailure
from qa.web.api import schemas
from web.fake_search import NEWS, FakeSearch, MakeApp, no_index


def id_of(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()[:16]


def problem(response: TestResponse, status: int) -> dict:
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    found = response.get_json()
    schemas.Problem.model_validate(found)
    assert found["status"] == status
    assert found["detail"]
    return found


# Searching


def test_a_search_answers_in_the_shape_of_the_design(client: FlaskClient) -> None:
    answer = client.get("/api/v1/search?q=How+much+trade+grew+2019&k=2").get_json()
    schemas.SearchAnswer.model_validate(answer, strict=True, extra="forbid")
    assert list(answer) == ["query", "answerable", "confidence", "total", "took_ms", "index", "results"]
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
        *("url", "document", "duplicates", "relevant"),
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


def test_passages_that_say_the_same_are_named(client: FlaskClient, search: FakeSearch) -> None:
    paths = ("copies/a.txt", "copies/b.txt", "copies/c.txt")
    for path in paths:
        search.add(path, "A zeppelin landed.", Metadata(title=f"Title of {path}", source="S"))
    answer = client.get("/api/v1/search?q=zeppelin+landed&k=1").get_json()
    schemas.SearchAnswer.model_validate(answer, strict=True, extra="forbid")
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


def test_json_is_written_as_it_is_read(client: FlaskClient) -> None:
    assert "тайна 😀" in client.get("/api/v1/search?q=тайна+😀").get_data(as_text=True)


def test_every_parameter_reaches_the_searcher(client: FlaskClient, search: FakeSearch) -> None:
    response = client.get(
        "/api/v1/search?q=+a+b+&k=7&offset=3&mode=dense&source=TASS&source=Khmer+Times&language=EN"
        "&path=news/&path=*.md&from=2019-01-02&to=2020-03-04&min_confidence=0.25"
    )
    assert response.status_code == 200
    (query,) = search.asked
    assert (query.question, query.k, query.offset, query.mode) == ("a b", 7, 3, Mode.DENSE)
    assert query.min_confidence == 0.25
    assert query.filters == Filters(
        source=("TASS", "Khmer Times"),
        language=("en",),
        path=("news/", "*.md"),
        date_from="2019-01-02",
        date_to="2020-03-04",
    )


def test_post_takes_the_same_fields(client: FlaskClient, search: FakeSearch) -> None:
    fields = {
        "q": "trade",
        "k": 7,
        "offset": 3,
        "mode": "lexical",
        "source": ["TASS"],
        "language": ["en"],
        "path": ["news"],
        "from": "2019-01-02",
        "to": "2019-01-02",
        "min_confidence": 1,
    }
    posted = client.post("/api/v1/search", json=fields).get_json()
    got = client.get("/api/v1/search", query_string=fields).get_json()
    assert posted == got
    assert search.asked[0] == search.asked[1]


def test_several_questions_at_once(client: FlaskClient, search: FakeSearch) -> None:
    answer = client.post("/api/v1/search", json={"questions": ["trade", " tourists "], "k": 1}).get_json()
    schemas.SearchAnswers.model_validate(answer, strict=True, extra="forbid")
    assert [a["query"] for a in answer["answers"]] == ["trade", "tourists"]
    assert [len(a["results"]) for a in answer["answers"]] == [1, 1]
    assert [q.k for q in search.asked] == [1, 1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=+%09", "q"),
        ("q=" + "x" * 201, "q"),
        ("q=a&q=b", "q"),
        ("q=a&k=0", "k"),
        ("q=a&k=101", "k"),
        ("q=a&k=ten", "k"),
        ("q=a&k=1&k=2", "k"),
        ("q=a&offset=-1", "offset"),
        ("q=a&offset=1001", "offset"),
        ("q=a&mode=fast", "mode"),
        ("q=a&from=yesterday", "from"),
        ("q=a&from=2019-02-30", "from"),
        ("q=a&to=20190203", "to"),
        ("q=a&to=2019-W01-1", "to"),
        ("q=a&to=1577836800", "to"),
        ("q=a&source=", "source.0"),
        ("q=a&path=" + "x" * 501, "path.0"),
        ("q=a" + "&language=en" * 51, "language"),
        ("q=a&min_confidence=1.1", "min_confidence"),
        ("q=a&min_confidence=nan", "min_confidence"),
        ("q=a&date_from=2019-01-01", "date_from"),
        ("q=a&colour=red", "colour"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(client: FlaskClient, query: str, field: str) -> None:
    found = problem(client.get(f"/api/v1/search?{query}"), 422)
    assert [error["field"] for error in found["errors"]] == [field]
    assert found["detail"].startswith(f"{field}: {found['errors'][0]['message']}")


def test_a_range_that_ends_before_it_begins(client: FlaskClient) -> None:
    found = problem(client.get("/api/v1/search?q=a&from=2020-01-02&to=2020-01-01"), 422)
    assert found["errors"] == [{"field": "", "message": "from must not be later than to"}]
    assert client.get("/api/v1/search?q=a&from=2020-01-02&to=2020-01-02").status_code == 200


def test_messages_are_plain(client: FlaskClient) -> None:
    def message(query: str) -> str:
        return client.get(f"/api/v1/search?{query}").get_json()["detail"]

    assert message("k=3") == "q: is required"
    assert message("q=+") == "q: must not be empty"
    assert message("q=a&k=0") == "k: must be greater than or equal to 1"
    assert message("q=a&size=1") == "size: is not a parameter here"
    assert message("q=" + "я" * 201) == "q: must be at most 200 characters long; this has 201"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"q": "a", "questions": ["b"]}, ""),
        ({"questions": []}, "questions"),
        ({"questions": ["a"] * 101}, "questions"),
        ({"questions": ["a", " "]}, "questions.1"),
        ({"questions": ["a", "x" * 201]}, "questions"),
        ({"q": "a", "k": "7"}, "k"),
        ({"q": "a", "k": True}, "k"),
        ({"q": 7}, "q"),
        ({"q": "a", "from": 1577836800}, "from"),
        ({"q": "a", "source": "TASS"}, "source"),
        ({"q": "a", "size": 1}, "size"),
        ([1], ""),
        ("a", ""),
        ({"q": None}, "q"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(client: FlaskClient, body: object, field: str) -> None:
    found = problem(client.post("/api/v1/search", json=body), 422)
    assert [error["field"] for error in found["errors"]] == [field]


@pytest.mark.parametrize("body", ["", "{", '{"q": "\\ud800"}', "[" * 100_000, b"\xff"])
def test_what_is_not_json(client: FlaskClient, body: str) -> None:
    problem(client.post("/api/v1/search", data=body, content_type="application/json"), 400)


def test_other_media_types_and_sizes_are_refused(client: FlaskClient) -> None:
    problem(client.post("/api/v1/search", data={"q": "a"}), 415)
    problem(client.post("/api/v1/search", json={"q": "a" * (1 << 20)}), 413)
    problem(client.post("/api/v1/search?k=2", json={"q": "a"}), 422)


# Documents and passages


def test_documents_are_listed(client: FlaskClient, search: FakeSearch) -> None:
    answer = client.get("/api/v1/documents?limit=2&offset=1&source=TASS&from=2020-01-01").get_json()
    schemas.Documents.model_validate(answer, strict=True, extra="forbid")
    assert answer["total"] == 3
    assert [d["path"] for d in answer["documents"]] == ["news/tass.txt", "windows.txt"]
    assert search.listed == [(Filters(source=("TASS",), date_from="2020-01-01"), 2, 1)]
    for query in ("limit=0", "limit=1001", "offset=-1", "offset=99999999999999999999", "q=a"):
        problem(client.get(f"/api/v1/documents?{query}"), 422)


def test_a_document_is_given_with_all_that_is_known(client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/documents/{id_of('news/tass.txt')}").get_json()
    schemas.Document.model_validate(answer, strict=True, extra="forbid")
    assert answer["found"] == {"title": "text", "source": "text"}
    assert answer["characters"] == len(NEWS)
    assert answer["passages"] == 3
    problem(client.get(f"/api/v1/documents/{id_of('news/tass.txt')}?full=1"), 422)


def test_text_comes_byte_for_byte(client: FlaskClient, search: FakeSearch) -> None:
    response = client.get(f"/api/v1/documents/{id_of('windows.txt')}/text")
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.data == search.texts[id_of("windows.txt")].encode("utf-8")
    assert b"\r\ntwo\rthree\n" in response.data


def test_a_passage_comes_with_its_neighbours(client: FlaskClient, search: FakeSearch) -> None:
    first, second, third = search.passages_of(id_of("news/tass.txt"))
    answer = client.get(f"/api/v1/passages/{second.id}").get_json()
    schemas.Passage.model_validate(answer, strict=True, extra="forbid")
    assert (answer["previous"]["id"], answer["id"], answer["next"]["id"]) == (first.id, second.id, third.id)
    assert client.get(f"/api/v1/passages/{first.id}").get_json()["previous"] is None
    assert client.get(f"/api/v1/passages/{third.id}").get_json()["next"] is None


def test_what_is_not_there_and_what_is_gone(client: FlaskClient) -> None:
    unknown = "0" * 16
    for address in ("", "/text", "/file"):
        found = problem(client.get(f"/api/v1/documents/{unknown}{address}"), 404)
        assert unknown in found["detail"]
    problem(client.get(f"/api/v1/passages/{unknown}:0-3"), 404)
    problem(client.get(f"/api/v1/passages/{id_of('windows.txt')}:0-999"), 410)
    problem(client.get("/api/v1/nothing"), 404)
    assert problem(client.delete("/api/v1/search"), 405)["title"] == "Method Not Allowed"
    assert "POST" in client.delete("/api/v1/search").headers["Allow"]


# Files


def test_the_file_is_given_as_an_attachment(client: FlaskClient, search: FakeSearch) -> None:
    with client.get(f"/api/v1/documents/{id_of('evil.html')}/file") as response:
        assert response.status_code == 200
        assert response.data == search.texts[id_of("evil.html")].encode()
        assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''evil.html"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_names_of_any_kind_stay_one_header(
    client: FlaskClient, search: FakeSearch, settings: Settings
) -> None:
    name = 'a "b"\r\nX-Evil: 1; тайна.html'
    document_id = search.add(f"odd/{name}", "text")
    (settings.docs / "odd").mkdir()
    (settings.docs / "odd" / name).write_text("text")
    with client.get(f"/api/v1/documents/{document_id}/file") as response:
        disposition = response.headers["Content-Disposition"]
        assert "X-Evil" not in response.headers
        assert unquote(disposition.removeprefix("attachment; filename*=UTF-8''")) == name


def test_a_file_that_has_changed_is_a_conflict(client: FlaskClient, settings: Settings) -> None:
    address = f"/api/v1/documents/{id_of('windows.txt')}/file"
    (settings.docs / "windows.txt").write_text("other")
    problem(client.get(address), 409)
    (settings.docs / "windows.txt").unlink()
    problem(client.get(address), 404)


@pytest.mark.parametrize(
    "path", ["../secret.txt", "news/../../secret.txt", "link.txt", "linked/secret.txt", "{}"]
)
def test_nothing_outside_the_documents_is_given(
    client: FlaskClient, search: FakeSearch, settings: Settings, tmp_path: Path, path: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (settings.docs / "link.txt").symlink_to(secret)
    (settings.docs / "linked").symlink_to(tmp_path)
    document_id = search.add(path.format(secret), "secret")
    problem(client.get(f"/api/v1/documents/{document_id}/file"), 404)


def test_a_link_within_the_documents_is_followed(
    client: FlaskClient, search: FakeSearch, settings: Settings
) -> None:
    (settings.docs / "link.txt").symlink_to(settings.docs / "news/tass.txt")
    document_id = search.add("link.txt", NEWS)
    with client.get(f"/api/v1/documents/{document_id}/file") as response:
        assert response.data == NEWS.encode()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_only_regular_files_are_given(
    client: FlaskClient, search: FakeSearch, settings: Settings, make
) -> None:
    make(settings.docs / "odd")
    problem(client.get(f"/api/v1/documents/{search.add('odd', '')}/file"), 404)


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_impossible_names_are_not_there(client: FlaskClient, search: FakeSearch, path: str) -> None:
    problem(client.get(f"/api/v1/documents/{search.add(path, '')}/file"), 404)


# The service


def test_the_status_tells_what_could_not_be_read(client: FlaskClient) -> None:
    answer = client.get("/api/v1/status").get_json()
    schemas.Status.model_validate(answer, strict=True, extra="forbid")
    assert answer["failures"] == [{"path": "broken <b>.pdf", "row": None, "reason": "it is encrypted"}]


def test_the_status_counts_what_it_does_not_list(client: FlaskClient, search: FakeSearch) -> None:
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


def test_probes(client: FlaskClient) -> None:
    assert client.get("/healthz?probe=1").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ready", "generation": "20240102-abc"}


def test_without_an_index(make_app: MakeApp) -> None:
    client = make_app(no_index).test_client()
    for address in ("/api/v1/search?q=a", "/api/v1/documents", "/api/v1/status", "/readyz"):
        assert "`qa index`" in problem(client.get(address), 503)["detail"]
    problem(client.post("/api/v1/search", json={"q": "a"}), 503)
    assert client.get("/healthz").status_code == 200
    assert client.get("/openapi.json").status_code == 200
    assert "qa_index_documents NaN" in client.get("/metrics").get_data(as_text=True)


def test_the_searcher_is_opened_once_a_request(make_app: MakeApp, search: FakeSearch) -> None:
    opened = []
    client = make_app(lambda: opened.append(1) or search).test_client()
    for address in (
        "/",
        "/?q=trade",
        "/api/v1/search?q=trade",
        f"/documents/{id_of('windows.txt')}",
        "/status",
    ):
        opened.clear()
        assert client.get(address).status_code == 200
        assert len(opened) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (QueryError("too odd"), 422),
        (ModelError("no model"), 503),
        (BuildError("odd"), 500),
        (KeyError("secret"), 500),
    ],
)
def test_errors_of_the_searcher(  # noqa: PLR0917 -- fixtures
    client: FlaskClient, search: FakeSearch, monkeypatch, caplog, error: Exception, status: int
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(search, "search", fail)
    response = client.get("/api/v1/search?q=a")
    problem(response, status)
    assert b"Traceback" not in response.data
    assert b"secret" not in response.data
    assert (status == 500) == ("/api/v1/search failed" in caplog.text)
    assert client.get("/?q=a").status_code == status


def test_metrics(client: FlaskClient) -> None:
    client.get("/api/v1/search?q=a")
    client.get("/api/v1/search")
    client.get("/api/v1/documents/123")
    client.get("/api/nothing/at/all")
    client.open("/", method="MADEUP")
    text = client.get("/metrics").get_data(as_text=True)
    for line in (
        'qa_http_requests_total{method="GET",route="/api/v1/search",status="200"} 1.0',
        'qa_http_requests_total{method="GET",route="/api/v1/search",status="422"} 1.0',
        'qa_http_requests_total{method="GET",route="/api/v1/documents/<document_id>",status="404"} 1.0',
        'qa_http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'qa_http_requests_total{method="OTHER",route="unmatched",status="405"} 1.0',
        'qa_http_request_duration_seconds_count{method="GET",route="/api/v1/search"} 2.0',
        "qa_index_documents 3.0",
        "qa_index_passages 9.0",
        "qa_index_failures 1.0",
        "qa_build_info{",
    ):
        assert line in text
    assert "nothing" not in text


def test_apps_do_not_share_metrics(make_app: MakeApp, search: FakeSearch) -> None:
    first, second = make_app(lambda: search).test_client(), make_app(lambda: search).test_client()
    first.get("/healthz")
    assert 'route="/healthz"' not in second.get("/metrics").get_data(as_text=True)


def test_every_answer_is_guarded(client: FlaskClient) -> None:
    for address in (
        "/",
        "/?q=trade",
        "/nothing",
        "/api/v1/search",
        "/api/v1/status",
        "/static/style.css",
        "/docs",
    ):
        with client.get(address) as response:
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'; ")
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "Set-Cookie" not in response.headers
            assert "Cache-Control" in response.headers


@pytest.mark.parametrize(
    "address", ["/healthz", "/api/v1/search?q=Ангкор+😀", "/api/v1/nothing", "/openapi.json"]
)
def test_json_is_compact_utf8_in_the_order_of_its_fields(client: FlaskClient, address: str) -> None:
    data = client.get(address).get_data(as_text=True)
    assert data == json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":")) + "\n"


@pytest.mark.parametrize("address", ["/api/v1/status", "/", "/?q=a", "/readyz", "/nothing"])
def test_an_opener_that_breaks_is_a_problem_too(make_app: MakeApp, address: str) -> None:
    def broken() -> FakeSearch:
        raise KeyError("secret")

    response = make_app(broken).test_client().get(address)
    assert response.status_code == (404 if address == "/nothing" else 500)
    assert b"secret" not in response.data


def test_facets_and_order_are_given_where_they_are_asked_for(client: FlaskClient, search: FakeSearch) -> None:
    for year in (2018, 2020, 2019):
        metadata = Metadata(title=str(year), source="S", published=f"{year}-05-05", language="en")
        search.add(f"{year}.txt", f"The trade of {year} grew.", metadata)
    answer = client.get("/api/v1/search?q=trade+grew&facets=true&sort=date&k=2&offset=1").get_json()
    schemas.SearchAnswer.model_validate(answer, strict=True, extra="forbid")
    assert [result["document"]["title"] for result in answer["results"]] == ["2019", "2018"]
    facets = answer["facets"]
    assert facets["year"] == [{"value": str(y), "count": 1, "chosen": False} for y in (2020, 2019, 2018)]
    assert {"value": "S", "count": 3, "chosen": False} in facets["source"]
    assert facets["undated"] == facets["results"] - 3
    assert facets["complete"] is True
    assert sum(bar["count"] for bar in facets["timeline"]) == 3
    plain = client.get("/api/v1/search?q=trade+grew&k=2&offset=1").get_json()
    ranked = client.get("/api/v1/search?q=trade+grew&k=2&offset=1&facets=true").get_json()
    assert ranked.pop("facets")["results"] == facets["results"]
    assert ranked == plain
    chosen = client.get("/api/v1/search?q=trade+grew&source=s&facets=true").get_json()["facets"]
    assert {"value": "S", "count": 3, "chosen": True} in chosen["source"]
    assert len(chosen["source"]) == len(facets["source"])
    assert chosen["results"] == 3


def test_several_questions_have_facets_each(client: FlaskClient) -> None:
    body = {"questions": ["trade grew", "tourists"], "facets": True, "sort": "date"}
    answer = client.post("/api/v1/search", json=body).get_json()
    schemas.SearchAnswers.model_validate(answer, strict=True, extra="forbid")
    assert all("facets" in one for one in answer["answers"])


def test_a_type_and_a_document_can_be_asked_for(client: FlaskClient, search: FakeSearch) -> None:
    client.get("/api/v1/search?q=a&type=application/pdf&type=text/plain&document=abc")
    assert search.asked[-1].filters == Filters(
        media_type=("application/pdf", "text/plain"), document=("abc",)
    )


def test_a_problem_names_so_many_fields_and_no_more(client: FlaskClient) -> None:
    asked = {"q": "trade"} | {f"a{place}": 1 for place in range(5000)}
    response = client.post("/api/v1/search", json=asked)
    assert response.status_code == 422
    assert len(response.data) < 20_000
    assert len(response.json["errors"]) == 101
    assert response.json["errors"][-1] == {"field": "", "message": "4900 more are wrong"}


def test_whoever_finds_no_index_is_told_when_to_come_again(make_app: MakeApp) -> None:
    for address in ("/api/v1/search?q=trade", "/api/v1/status", "/readyz", "/?q=trade"):
        response = make_app(no_index).test_client().get(address)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1"), address
