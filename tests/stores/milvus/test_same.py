"""What is found in a Milvus is what is found in the local index."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake_encoder import StandIn

from qa.api import Index
from qa.config import Settings
from qa.errors import GoneError, NotFoundError
from qa.evaluation import read
from qa.index import calibration_file, generation
from qa.indexing.build import build
from qa.retrieval import calibration, calibrator
from qa.retrieval.live import LiveSearcher
from qa.retrieval.searcher import Searcher
from qa.stores.milvus.upload import publish
from qa.types import DocumentOrder, DocumentQuery, Filters, Hit, Mode, Query
from qa.web import create_app
from stores.milvus.conftest import Both

XQUAD = Path(__file__).parents[4] / "shared" / "data" / "xquad-en"

QUESTIONS = [
    "Was rice from Battambang sold?",
    "envoy cyber threats banks",
    "bank student market",
    "прямое авиасообщение между Москвой и Пномпенем",
    "river bridge treaty harvest",
    "Hun Many",
    "fifty per cent off",
    "zeppelin",
]
FILTERS = [
    Filters(),
    Filters(source=("s1", "тасс")),
    Filters(source=("",)),
    Filters(source=("E\u0301CHO",)),
    Filters(path=("fr/caf\u00e9",)),
    Filters(path=("fr/cafe\u0301/?n*",)),
    Filters(language=("RU", "de")),
    Filters(path=("a",)),
    Filters(path=("a/", "ru/visit.txt")),
    Filters(path=("*/1?.md", "ru")),
    Filters(path=("odd/50% off_[x].txt",)),
    Filters(path=("odd/50% off_[[]x].t?t",)),
    Filters(path=("b/[!2]*.md",)),
    Filters(path=("no\x01thing\n\t",)),
    Filters(date_from="2012", date_to="2015-05-05"),
    Filters(date_to="2013-01-01"),
    Filters(date_from=""),
    Filters(media_type=("text/plain",), language=("en",)),
    Filters(document=("0123456789abcdef",)),
]


def _shape(hit: Hit) -> object:
    return (
        hit.passage,
        [answer.span for answer in hit.answers],
        sorted(passage.id for passage in hit.duplicates),
        hit.relevant,
        hit.scores.keys(),
    )


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_the_same_passages_in_the_same_order(both: Both, filters: Filters, mode: Mode) -> None:
    for question in QUESTIONS:
        query = Query(question, mode=mode, filters=filters)
        one, other = both.local.search(query), both.milvus.search(query)
        assert (one.total, one.answerable) == (other.total, other.answerable)
        assert [_shape(hit) for hit in one.hits] == [_shape(hit) for hit in other.hits]
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
        for mine, theirs in zip(one.hits, other.hits, strict=True):
            assert mine.score == pytest.approx(theirs.score, abs=1e-5)
            assert dict(mine.scores) == pytest.approx(dict(theirs.scores), abs=1e-5)


PHRASES = [
    '"cyber threats"',
    '"Cyber-Threats" banks',
    '+Rice -"first time" sold',
    "-rice -bank",
    '"Пномпень" -"авиасообщение"',
    '"stands nowhere"',
    "student -zeppelin",
]


@pytest.mark.parametrize(
    "filters", [Filters(), Filters(path=("a", "ru")), Filters(language=("en",))], ids=str
)
@pytest.mark.parametrize("question", PHRASES)
def test_phrases_are_found_alike(both: Both, question: str, filters: Filters) -> None:
    query = Query(question, filters=filters, k=20, offset=2)
    one, other = both.local.search(query), both.milvus.search(query)
    assert (one.total, one.answerable, one.required) == (other.total, other.answerable, other.required)
    assert [_shape(hit) for hit in one.hits] == [_shape(hit) for hit in other.hits]


def test_further_results_are_the_same(both: Both) -> None:
    query = Query("bank student market rice", k=50, offset=40)
    found = [[hit.passage.id for hit in one.search(query).hits] for one in (both.local, both.milvus)]
    assert found[0] == found[1]
    assert found[0]


def test_the_summary_names_the_store_and_how_words_are_searched(both: Both) -> None:
    assert replace(both.milvus.info, store="local") == both.local.info
    assert "BM25 there, as sparse vectors" in both.milvus.info.store


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize(("limit", "offset"), [(5, 0), (7, 13), (1000, 0), (5, 1000)])
def test_documents_are_listed_alike(both: Both, filters: Filters, limit: int, offset: int) -> None:
    pages = [one.library.documents(filters, limit=limit, offset=offset) for one in (both.local, both.milvus)]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("order", DocumentOrder)
def test_documents_are_sorted_and_counted_alike(both: Both, filters: Filters, order: DocumentOrder) -> None:
    ledger = both.settings.index / "ledger.sqlite"
    for query in (DocumentQuery(filters, order=order), DocumentQuery(filters, "an", order, reverse=True)):
        local, milvus = (one.library for one in (both.local, both.milvus))
        assert milvus.list_documents(query, 7, 2, ledger) == local.list_documents(query, 7, 2, ledger)
        for folder in ("", "odd"):
            counts = milvus.count_documents(query, folder), local.count_documents(query, folder)
            assert counts[0] == counts[1]
            assert [list(values) for values in counts[0].values()] == [
                list(values) for values in counts[1].values()
            ]


def test_documents_and_passages_are_the_same(both: Both) -> None:
    for document in both.local.library.documents(Filters(), limit=1000, offset=0).documents:
        for look in ("document", "text", "headings", "passages_of", "page_starts"):
            assert getattr(both.milvus.library, look)(document.id) == getattr(both.local.library, look)(
                document.id
            )
        for passage in both.local.library.passages_of(document.id)[::3]:
            assert both.milvus.library.passage(passage.id) == passage
            assert both.milvus.library.neighbours(passage) == both.local.library.neighbours(passage)
            for offset in (0, passage.span.start - 1, passage.span.start, passage.span.end, 10**12):
                nearest = both.local.library.passage_at(document.id, offset)
                assert both.milvus.library.passage_at(document.id, offset) == nearest


@pytest.mark.parametrize(
    "passage_id",
    ["no", "0123456789abcdef:0-5", "{}:0-999999", "{}:1-5", f"{{}}:{'9' * 30}-{'9' * 31}", '{}":1-2'],
)
def test_what_is_not_there_is_missed_alike(both: Both, passage_id: str) -> None:
    document = both.local.library.documents(Filters(), limit=1, offset=0).documents[0]
    for one in (both.local, both.milvus):
        with pytest.raises((NotFoundError, GoneError)) as error:
            one.library.passage(passage_id.format(document.id))
        if one is both.local:
            expected = type(error.value), str(error.value)
    assert (type(error.value), str(error.value)) == expected


def test_the_api_gives_the_same(both: Both) -> None:
    clients = [
        create_app(both.settings, lambda one=one: one).test_client() for one in (both.local, both.milvus)
    ]
    document = both.local.search(Query("rice")).hits[0].passage.document.id
    for path in (
        "/api/v1/search?q=rice+from+Battambang&facets=true&k=5",
        "/api/v1/search?q=bank+student&facets=true&sort=date&source=s1&source=s2",
        "/api/v1/documents?limit=7&path=a",
        f"/api/v1/documents/{document}",
        f"/documents/{document}?q=rice",
        "/?q=rice+from+Battambang",
    ):
        mine, theirs = (client.get(path) for client in clients)
        assert mine.status_code == theirs.status_code == 200
        if mine.is_json:
            assert _rough(mine.json) == _rough(theirs.json)
    assert clients[1].get("/api/v1/status").json["store"].startswith("milvus at ")


def _rough(value: object) -> object:
    """Leave out what takes its time, and the last digits."""
    if isinstance(value, dict):
        return {key: _rough(inner) for key, inner in value.items() if key != "took_ms"}
    if isinstance(value, list):
        return [_rough(inner) for inner in value]
    return pytest.approx(value, abs=2e-4) if isinstance(value, float) else value


def test_the_calibration_comes_with_the_generation(both: Both, small: Settings) -> None:
    found = generation.load(generation.current(small.index))
    calibration.write(small.index, calibrator.measure(found, StandIn()))
    stored = calibration_file.read(small.index)
    publish(small.store, found, stored)
    live = LiveSearcher(small, lambda _: StandIn())
    assert live._published.live() == (found.manifest.generation, stored)
    assert live.current()._calibration == calibration.fitting(stored, small.index, found.manifest).calibration
    live._published.close()
    publish(small.store, found, None)
    live = LiveSearcher(small, lambda _: StandIn())
    assert live._published.live()[1] is None
    live._published.close()


@pytest.mark.skipif(not XQUAD.is_dir(), reason=f"there is no {XQUAD}")
def test_real_questions_find_the_same(tmp_path: Path, default: object) -> None:
    settings = Settings(
        docs=XQUAD / "docs",
        index=tmp_path / "index",
        cache=tmp_path / "cache",
        store=f"milvus+{tmp_path}/x.db",
    )
    build(settings, default)
    found = generation.load(generation.current(settings.index))
    publish(settings.store, found, None)
    local, live = Searcher(found, default), LiveSearcher(settings, lambda _: default)
    overlaps = []
    for asked in read(XQUAD / "questions.jsonl", 1000).questions[::12]:
        mine, theirs = (
            [hit.passage.id for hit in one.search(Query(asked.question)).hits]
            for one in (local, live.current())
        )
        overlaps.append(len({*mine} & {*theirs}) / len(mine))
    live._published.close()
    assert sum(overlaps) / len(overlaps) >= 0.95


def test_the_python_api_returns_the_same(both: Both) -> None:
    local, milvus = (
        Index(both.settings, lambda search=search: search) for search in (both.local, both.milvus)
    )
    assert list(milvus.documents(language="en")) == list(local.documents(language="en"))
    assert [document.path for document in milvus.documents(offset=3)] == [
        document.path for document in local.documents(offset=3)
    ]
    for question in QUESTIONS:
        for one, other in zip(milvus.ask(question, 3), local.ask(question, 3), strict=True):
            assert one.permalink == other.permalink
            assert milvus.passage(one.id).to_dict() == local.passage(other.id).to_dict()
            assert one.document.text(*one.span) == one.text
