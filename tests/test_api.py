"""The Python API: what it returns is what the service answers, and it follows the index."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from corpus import write
from fake_encoder import StandIn

import qa
from qa import api
from qa.config import Settings
from qa.errors import (
    GoneError,
    IndexUnavailableError,
    NotFoundError,
    QAError,
    QueryError,
    SettingsError,
)
from qa.indexing.build import build
from qa.results.permalinks import check
from qa.retrieval.live import LiveSearcher
from qa.web import create_app

QUESTION = "How many students from Cambodia study in Moscow?"


@pytest.fixture
def live(settings: Settings, built: Path) -> LiveSearcher:
    return LiveSearcher(settings, lambda _: StandIn())


@pytest.fixture
def index(settings: Settings, live: LiveSearcher) -> qa.Index:
    return qa.Index(settings, live.current)


@pytest.fixture
def service(settings: Settings, live: LiveSearcher) -> Any:
    client = create_app(settings, live.current).test_client()
    return lambda address, **query: client.get(f"/api/v1/{address}", query_string=query).get_json()


def _alike(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out the time, and the addresses that only the answer to a GET has."""
    return {name: value for name, value in answer.items() if name not in {"took_ms", "next", "prev"}}


def test_an_answer_is_the_services_own(index: qa.Index, service: Any) -> None:
    result = index.ask(QUESTION, k=3)
    assert _alike(result.to_dict()) == _alike(service("search", q=QUESTION, k=3))
    assert [hit.to_dict() for hit in result] == service("search", q=QUESTION, k=3)["results"]
    assert (len(result), result[0]) == (3, result.hits[0])


@pytest.mark.parametrize(
    "options",
    [
        {"sort": "date"},
        {"group": "document"},
        {"sort": "date", "group": "document", "offset": 1, "facets": True},
        {"facets": True},
        {"count": True},
    ],
    ids=str,
)
def test_an_arranged_answer_is_the_services_own(
    index: qa.Index, service: Any, options: dict[str, Any]
) -> None:
    query = {name: str(value).lower() for name, value in options.items()}
    answer = _alike(service("search", q=QUESTION, k=2, **query))
    assert answer["results"]
    assert _alike(index.ask(QUESTION, k=2, **options).to_dict()) == answer
    assert [_alike(each.to_dict()) for each in index.ask_many([QUESTION], k=2, **options)] == [answer]


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ({"source": "тасс"}, {"source": "тасс"}),
        ({"source": ["ТАСС", "Notes"]}, {"source": ["ТАСС", "Notes"]}),
        ({"language": ["en"], "path": "*.md"}, {"language": "en", "path": "*.md"}),
        ({"type": "md"}, {"type": "text/markdown"}),
        ({"type": ["text/plain", "md"]}, {"type": ["txt", "md"]}),
        (
            {"date_from": date(2018, 1, 1), "date_to": "2020-01-01"},
            {"from": "2018-01-01", "to": "2020-01-01"},
        ),
        ({"offset": 2, "mode": "lexical"}, {"offset": 2, "mode": "lexical"}),
        ({"min_confidence": 1}, {"min_confidence": 1}),
        ({"verbatim": True}, {"verbatim": "true"}),
    ],
)
def test_an_option_means_what_it_means_in_the_service(
    index: qa.Index, service: Any, options: Any, query: Any
) -> None:
    expected = service("search", q="rice Cambodia", k=2, **query)
    assert _alike(index.ask("rice Cambodia", k=2, **options).to_dict()) == _alike(expected)


def test_documents_and_passages_are_the_services_own(index: qa.Index, service: Any) -> None:
    documents = index.documents()
    assert len(documents) == documents.total == 5
    assert [document.to_dict() for document in documents] == service("documents")["documents"]
    hit = index.ask(QUESTION)[0]
    assert index.document(hit.document.id).to_dict() == service(f"documents/{hit.document.id}")
    assert index.passage(hit.id).to_dict() == service(f"passages/{hit.id}")
    part = index.documents(limit=2, offset=1, language=["en"])
    assert [document.path for document in part] == [d.path for d in index.documents(language="en")][1:3]


def test_a_document_names_its_metadata(index: qa.Index) -> None:
    (document,) = index.documents(path="trade.md")
    assert (document.title, document.source) == ("Trade in 2018", "Ministry of Trade")
    assert (document.published, document.author, document.url) == ("2019-03-01", None, None)
    assert (document.language, document.dateline) == ("en", None)


def test_a_hit_is_a_slice_of_its_documents_text(index: qa.Index) -> None:
    for hit in index.ask(QUESTION):
        assert hit.document.text(hit.span.start, hit.span.end) == hit.text
        assert hit.document.text()[hit.span.start : hit.span.end] == hit.text
        passage = index.passage(hit.id)
        assert (passage.text, passage.document.path) == (hit.text, hit.document.path)
        assert (hit.page, hit.section) == (passage.page, passage.section)


def test_a_citation_quotes_the_best_answer_with_a_permalink_that_stands(
    settings: Settings, live: LiveSearcher
) -> None:
    hit = qa.Index(settings, live.current, base_url="https://qa.example/").ask(QUESTION)[0]
    best = hit.answers[0]
    assert hit.permalink.startswith(
        f"https://qa.example/documents/{hit.document.id}?start={best.span.start}&end={best.span.end}&sha="
    )
    fingerprint = hit.permalink.partition("quote=")[2].removesuffix("#passage")
    assert check(hit.document.text(), best.span, fingerprint).state == "unchanged"
    assert hit.citation().startswith(f"“{best.text}” — ")
    assert hit.citation("markdown").startswith("> ")
    assert hit.citation("bibtex").startswith("@misc{")
    assert hit.permalink in hit.citation("ris")
    assert hit.document.id in hit.citation("csl-json")
    with pytest.raises(QueryError, match="'apa'"):
        hit.citation("apa")  # type: ignore[arg-type]


def test_a_passage_is_cited_whole(index: qa.Index, settings: Settings) -> None:
    passage = index.passage(index.ask(QUESTION)[0].id)
    assert passage.permalink.startswith(f"http://{settings.host}:{settings.port}/documents/")
    assert f"start={passage.span.start}&end={passage.span.end}" in passage.permalink
    assert " ".join(passage.text.split()) in passage.citation()


def test_permalinks_to_an_ipv6_address_have_brackets(live: LiveSearcher, settings: Settings) -> None:
    index = qa.Index(Settings(index=settings.index, host="::1"), live.current)
    assert index.ask(QUESTION)[0].permalink.startswith("http://[::1]:8000/documents/")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"question": " "}, "1 to 1000 characters"),
        ({"question": "x" * 1001}, "1 to 1000 characters"),
        ({"k": 0}, "k is 1 or more, not 0"),
        ({"offset": -1}, "offset is 0 or more, not -1"),
        ({"mode": "magic"}, "hybrid, dense, lexical, not 'magic'"),
        ({"sort": "size"}, "relevance, date, not 'size'"),
        ({"group": "folder"}, "passage, document, not 'folder'"),
        ({"min_confidence": 2}, "between 0 and 1"),
        ({"min_confidence": float("nan")}, "between 0 and 1"),
        ({"date_from": "2019"}, "date_from is a date such as 2019-07-03, not '2019'"),
        ({"date_from": "2019-07-03", "date_to": date(2018, 1, 1)}, "later than date_to"),
    ],
)
def test_what_cannot_be_asked_is_named(index: qa.Index, options: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        index.ask(**{"question": QUESTION} | options)


def test_an_unknown_option_is_an_error_of_the_program(index: qa.Index) -> None:
    with pytest.raises(TypeError, match="sources"):
        index.ask(QUESTION, sources=["TASS"])  # type: ignore[call-arg]


def test_several_questions_are_answered_in_order(index: qa.Index) -> None:
    questions = [QUESTION, "Rice from Battambang", "Кто прибыл в Пномпень?"]
    results = index.ask_many(iter(questions), k=2, language=["en"])
    alone = [index.ask(question, k=2, language="en") for question in questions]
    assert [_alike(one.to_dict()) for one in results] == [_alike(one.to_dict()) for one in alone]
    with pytest.raises(QueryError, match="a list of questions"):
        index.ask_many(QUESTION)


def test_threads_may_share_an_index(index: qa.Index) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(index.ask, [QUESTION] * 40))
    assert {_alike(result.to_dict())["confidence"] for result in results} == {
        round(index.ask(QUESTION).confidence, 4)
    }


def test_an_index_follows_new_generations(index: qa.Index, settings: Settings) -> None:
    before = index.ask("trade")
    (trade,) = index.documents(path="trade.md")
    (envoy,) = index.documents(path="envoy.txt")
    write(settings.docs, {"new.txt": "A zeppelin landed in Phnom Penh.", "trade.md": "Trade fell."})
    (settings.docs / "envoy.txt").unlink()
    build(settings, StandIn())
    assert index.info.generation != before.index.generation
    assert "zeppelin" in index.ask("zeppelin")[0].text
    with pytest.raises(GoneError, match=r"trade\.md has changed"):
        trade.text()
    with pytest.raises(NotFoundError):
        envoy.text()


def test_a_range_of_text_has_an_order(index: qa.Index) -> None:
    (document,) = index.documents(path="trade.md")
    assert (document.text(3, 3), document.text(10**6)) == ("", "")
    for start, end in ((-1, None), (5, 4)):
        with pytest.raises(QueryError, match="no range"):
            document.text(start, end)


def test_a_closed_index_says_so(index: qa.Index) -> None:
    with index:
        (document, *_) = index.documents()
    for use in (lambda: index.ask(QUESTION), document.text, index.documents, lambda: index.info):
        with pytest.raises(IndexUnavailableError, match="closed"):
            use()


def test_errors_are_one_tree(index: qa.Index, tmp_path: Path) -> None:
    for use in (
        lambda: index.document("0" * 16),
        lambda: index.passage("x"),
        lambda: qa.open_index(tmp_path / "nothing"),
    ):
        with pytest.raises(QAError):
            use()


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="open_index sets 'rerank', which is not a setting"):
        qa.open_index(tmp_path, rerank="x")
    with pytest.raises(SettingsError, match="build_index sets threads to 0"):
        qa.build_index(tmp_path, tmp_path / "index", threads=0)


def test_an_index_is_built_and_opened_with_the_default_model(
    docs: Path, tmp_path: Path, default: object
) -> None:
    report = qa.build_index(docs, tmp_path / "index")
    assert report.documents == 5
    assert [failure.path for failure in report.failures] == ["notes/people.jsonl"]
    with qa.open_index(tmp_path / "index", base_url="http://localhost") as index:
        result = index.ask("What did the envoy say about cyber threats?", k=1)
        assert index.info.generation == report.generation
        assert result.answerable
        assert result[0].document.path == "envoy.txt"


def test_importing_the_package_loads_nothing() -> None:
    program = "import sys, qa; print(sorted(name for name in sys.modules if name.startswith('qa.')))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout == "[]\n"


def test_everything_exported_exists() -> None:
    assert set(qa.__all__) == set(qa._MODULES)
    for name in qa.__all__:
        assert getattr(qa, name).__name__ == name
    assert qa.open_index is api.open_index
    with pytest.raises(AttributeError, match="magic"):
        _ = qa.magic
