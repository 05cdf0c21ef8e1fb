from __future__ import annotations

from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.web.api.schemas import responses
from web.fake_search import FakeSearch, MakeApp, no_index
from web.helpers import id_of, problem


def test_post_accepts_the_same_fields(client: FlaskClient, search: FakeSearch) -> None:
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
    assert posted == {name: value for name, value in got.items() if name not in {"next", "prev"}}
    assert search.queries[0] == search.queries[1]


def test_several_questions_at_once(client: FlaskClient, search: FakeSearch) -> None:
    answer = client.post("/api/v1/search", json={"questions": ["trade", " tourists "], "k": 1}).get_json()
    responses.SearchAnswers.model_validate(answer, strict=True, extra="forbid")
    assert [a["query"] for a in answer["answers"]] == ["trade", "tourists"]
    assert [len(a["results"]) for a in answer["answers"]] == [1, 1]
    assert [q.k for q in search.queries] == [1, 1]


def test_the_text_is_byte_for_byte_the_indexed_one(client: FlaskClient, search: FakeSearch) -> None:
    response = client.get(f"/api/v1/documents/{id_of('windows.txt')}/text")
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.data == search.texts[id_of("windows.txt")].encode("utf-8")
    assert b"\r\ntwo\rthree\n" in response.data


def test_the_file_is_an_attachment(client: FlaskClient, search: FakeSearch) -> None:
    with client.get(f"/api/v1/documents/{id_of('evil.html')}/file") as response:
        assert response.status_code == 200
        assert response.data == search.texts[id_of("evil.html")].encode()
        assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''evil.html"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_a_file_name_cannot_add_a_header(client: FlaskClient, search: FakeSearch, settings: Settings) -> None:
    name = 'a "b"\r\nX-Evil: 1; тайна.html'
    document_id = search.add(f"odd/{name}", "text")
    (settings.docs / "odd").mkdir()
    (settings.docs / "odd" / name).write_text("text")
    with client.get(f"/api/v1/documents/{document_id}/file") as response:
        disposition = response.headers["Content-Disposition"]
        assert "X-Evil" not in response.headers
        assert unquote(disposition.removeprefix("attachment; filename*=UTF-8''")) == name


def test_probes_answer_whatever_their_parameters(client: FlaskClient) -> None:
    assert client.get("/healthz?probe=1").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ready", "generation": "20240102-abc"}


def test_without_an_index_only_searching_fails(make_app: MakeApp) -> None:
    client = make_app(no_index).test_client()
    for address in ("/api/v1/search?q=a", "/api/v1/documents", "/api/v1/status", "/readyz"):
        assert "`qa index`" in problem(client.get(address), 503)["detail"]
    problem(client.post("/api/v1/search", json={"q": "a"}), 503)
    assert client.get("/healthz").status_code == 200
    assert client.get("/openapi.json").status_code == 200
    assert "qa_index_documents NaN" in client.get("/metrics").get_data(as_text=True)


def test_passages_like_one(client: FlaskClient, search: FakeSearch) -> None:
    passage = search.passages_of(id_of("news/tass.txt"))[0]
    answer = client.get("/api/v1/search", query_string={"like": passage.id, "k": 5}).get_json()
    assert (answer["query"], answer["like"], answer["answerable"]) == ("", passage.id, False)
    assert answer["results"]
    assert passage.id not in {result["id"] for result in answer["results"]}
    posted = client.post("/api/v1/search", json={"like": passage.id, "k": 5}).get_json()
    assert posted["results"] == answer["results"]
    counted = client.get("/api/v1/search", query_string={"like": passage.id, "facets": "true"}).get_json()
    assert counted["facets"]["results"] >= 0
    assert client.get("/api/v1/search?q=trade").get_json()["like"] is None


@pytest.mark.parametrize(("like", "status"), [("nonsense", 404), ("0123456789abcdef:0-5", 404)])
def test_there_is_nothing_like_an_unknown_passage(client: FlaskClient, like: str, status: int) -> None:
    problem(client.get("/api/v1/search", query_string={"like": like}), status)
    problem(client.post("/api/v1/search", json={"like": like}), status)


def test_nothing_is_like_a_passage_that_is_gone(client: FlaskClient) -> None:
    problem(client.get("/api/v1/search", query_string={"like": f"{id_of('news/tass.txt')}:0-5"}), 410)


def test_a_question_and_a_passage_are_not_asked_at_once(client: FlaskClient) -> None:
    both = problem(client.get("/api/v1/search?q=trade&like=x"), 422)
    assert "use either q or like" in str(both)
    assert "use one of q, questions and like" in str(
        problem(client.post("/api/v1/search", json={"q": "a", "like": "x"}), 422)
    )
