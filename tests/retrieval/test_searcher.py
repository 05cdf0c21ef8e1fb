"""The one search path, against a brute force over the same signals."""

from __future__ import annotations

import gc
import random
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from corpus import DOCUMENTS, WORDS, write
from fake_encoder import Anglophone, StandIn
from naive import Naive, fused

from qa.config import Settings
from qa.embedding.export.encoder import ExportedEncoder
from qa.errors import NotFoundError
from qa.index import generation
from qa.indexing.build import build
from qa.retrieval.fits import fit_for
from qa.retrieval.live import LiveSearcher
from qa.retrieval.near_duplicates import THRESHOLD
from qa.retrieval.searcher import Searcher
from qa.text import language
from qa.text.terms import count_words
from qa.text.word_comparison import phrase_spans, phrase_words
from qa.types import Filters, LanguageSupport, Mode, Query, SearchResult


@pytest.fixture
def searcher(built: Path) -> Searcher:
    return Searcher(generation.load(built), StandIn())


def _ids(result: SearchResult) -> list[str]:
    return [hit.passage.id for hit in result.hits]


_FILTERS = [
    Filters(),
    Filters(source=("S1",)),
    Filters(path=("a",)),
    Filters(path=("b/0[135].md",)),
    Filters(path=("a/02.md",)),
    Filters(source=("S0", "S2"), date_from="2014-01-01", date_to="2014-12-31"),
    Filters(language=("ru",)),
    Filters(source=("nobody",)),
]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("filters", _FILTERS, ids=str)
def test_filters_are_applied_before_the_top_k_is_taken(large, mode: Mode, filters: Filters) -> None:
    searcher, naive = Searcher(large, StandIn()), Naive(large, StandIn())
    for question in ("rice in the port", "a doctor at the temple bridge", "zeppelin harvest", "border"):
        query = Query(question, k=len(large.passages), mode=mode, filters=filters)
        result = searcher.search(query)
        ranked = naive.ranked(query)
        passages = large.store.passages([row for _, row in ranked])
        scores = {passage.id: score for passage, (score, _) in zip(passages, ranked, strict=True)}
        assert sorted(_ids(result)) == sorted(scores)
        falling = np.minimum.accumulate([scores[id_] for id_ in _ids(result)] or [0])
        assert [hit.score for hit in result.hits] == pytest.approx(falling[: len(scores)], abs=1e-5)
        assert result.total == len(large.store.rows(filters))
        few = searcher.search(replace(query, k=5))
        assert few.total == result.total
        assert _ids(few) == _ids(result)[:5]
        assert [hit.score for hit in few.hits] == pytest.approx([hit.score for hit in result.hits[:5]])


@pytest.mark.parametrize("mode", Mode)
def test_filters_do_not_change_what_is_relevant(large, mode: Mode) -> None:
    searcher = Searcher(large, StandIn())
    told = set()
    for question in ("rice in the port", "a doctor at the temple bridge", "zeppelin harvest", "border"):
        query = Query(question, k=300, mode=mode)
        whole = {hit.passage.id: hit.relevant for hit in searcher.search(query).hits}
        told |= set(whole.values())
        for filters in _FILTERS:
            hits = searcher.search(replace(query, filters=filters)).hits
            assert all(whole.get(hit.passage.id, False) == hit.relevant for hit in hits), filters
    assert told == {True, False}


@pytest.mark.parametrize("mode", Mode)
def test_pages_add_up_to_the_whole(large, mode: Mode) -> None:
    searcher = Searcher(large, StandIn())
    query = Query("a student and a farmer visit the market", k=30, mode=mode)
    whole = searcher.search(query)
    parts = [searcher.search(replace(query, k=10, offset=offset)) for offset in (0, 10, 20)]
    assert [id_ for part in parts for id_ in _ids(part)] == _ids(whole)
    assert [hit.rank for part in parts for hit in part.hits] == list(range(1, len(whole.hits) + 1))


@pytest.mark.parametrize("mode", Mode)
def test_paging_to_the_end_gives_every_passage_once(large, mode: Mode) -> None:
    searcher = Searcher(large, StandIn())
    query = Query("a student and a farmer visit the market", k=50, mode=mode, filters=Filters(path=("a",)))
    ids = [
        id_ for offset in range(0, 200, 50) for id_ in _ids(searcher.search(replace(query, offset=offset)))
    ]
    assert len(ids) == len(set(ids))
    if mode is not Mode.LEXICAL:
        assert len(ids) == len(large.store.rows(query.filters))


@pytest.mark.parametrize("mode", Mode)
def test_hits_come_best_first_with_scores_that_add_up(searcher: Searcher, mode: Mode) -> None:
    fit = fit_for(searcher.info.model)
    result = searcher.search(Query("rice sold to Vladivostok", mode=mode))
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert "Battambang" in result.hits[0].passage.text
    for hit in result.hits:
        weights = {
            **(fit.dense if mode is not Mode.LEXICAL else {}),
            **(fit.lexical if mode is not Mode.DENSE else {}),
        }
        assert weights.keys() <= hit.scores.keys()
        expected = fused(hit.scores, weights)
        if fit.across and hit.scores.get("foreign"):
            assert mode is Mode.HYBRID
            assert hit.passage.language == "ru"
            score = fit.across.score
            expected = score.scale * fused(hit.scores, fit.across.weights) + score.shift
        assert hit.score == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("mode", Mode)
def test_answers_are_slices_within_their_passage(searcher: Searcher, mode: Mode) -> None:
    for question in ("What do students study?", "Билеты", "Sok Chenda", "trade in 2018"):
        for hit in searcher.search(Query(question, k=100, mode=mode)).hits:
            text = searcher.library.text(hit.passage.document.id)
            assert hit.passage.span.slice(text) == hit.passage.text
            assert [answer.score for answer in hit.answers] == sorted(
                (a.score for a in hit.answers), reverse=True
            )
            for answer in hit.answers:
                assert answer.span.slice(text) == answer.text
                assert answer.span in hit.passage.sentences


def test_every_hit_marks_an_answer(large) -> None:
    result = Searcher(large, StandIn()).search(Query("zeppelin", k=100, mode=Mode.DENSE))
    assert all(hit.answers for hit in result.hits)


@pytest.mark.xfail(reason="a passage that is 101st by each signal may be the best by all", strict=True)
def test_the_best_passage_may_be_at_the_top_of_no_signal(tmp_path: Path) -> None:
    class ByMark(StandIn):
        """Has a text's cosine with any question be as high as its mark says, in hundredths."""

        def _vector(self, words):
            mark = next((int(word[4:]) for word in words if word.startswith("mark")), 100) / 100
            return np.array([mark, (1 - mark**2) ** 0.5], np.float32)

    near = {f"near{i:03}.txt": "mark100 has nothing to say." for i in range(110)}
    wordy = {f"wordy{i:03}.txt": "mark0 rice." for i in range(110)}
    both = {"both.txt": "mark95 rice was sold here."}
    docs, encoder = write(tmp_path / "docs", near | wordy | both), ByMark(dimension=2)
    settings = Settings(docs=docs, index=tmp_path / "index")
    build(settings, encoder)
    corpus = generation.load(generation.current(settings.index))
    result = Searcher(corpus, encoder).search(Query("rice"))
    assert result.hits[0].passage.document.path == "both.txt"


def _built(folder: Path, documents: dict[str, str], **more: object) -> Searcher:
    settings = Settings(docs=write(folder / "docs", documents), index=folder / "index")
    encoder = StandIn(**more)
    build(settings, encoder)
    return Searcher(generation.load(generation.current(settings.index)), encoder)


def _paths(result: SearchResult) -> list[str]:
    return [hit.passage.document.path for hit in result.hits]


def test_equal_scores_come_in_the_order_of_the_documents(tmp_path: Path) -> None:
    texts = {f"{i:03}.txt": f"Rice number{i} word{i} name{i} was told." for i in range(400)}
    searcher = _built(tmp_path, texts)
    result = searcher.search(Query("rice", k=20, mode=Mode.LEXICAL))
    assert len({hit.score for hit in result.hits}) == 1
    assert _paths(result) == sorted(texts)[:20]


_REPORT = (
    "Rice from Battambang was sold to Vladivostok for the first time this year. The envoy of Cambodia said "
    "in Moscow that the price was not told to anyone. A second shipment will follow in the autumn of the "
    "same year, by sea and by rail, as the two ministries of trade have agreed in {}."
)


def _dated(published: str | None, text: str) -> str:
    date = f"published: {published}\n" if published else ""
    return f"---\ntitle: A report\nsource: S\n{date}---\n\n{text}\n"


def test_near_duplicates_are_one_hit_shown_by_the_earliest(tmp_path: Path) -> None:
    searcher = _built(
        tmp_path,
        {
            "a-undated.md": _dated(None, _REPORT.format("Hanoi")),
            "b-late.md": _dated("2020-05-01", _REPORT.format("Hanoi")),
            "c-early.md": _dated("2019-01-31", _REPORT.format("Berlin")),
            "d-early-too.md": _dated("2019-01-31", _REPORT.format("Hanoi")),
            "e-other.md": _dated(
                "2018-01-01", "Rice was not sold in the port of Sihanoukville, nor was fish."
            ),
        },
    )
    for mode in Mode:
        first, second = searcher.search(Query("rice from Battambang sold to Vladivostok", mode=mode)).hits
        assert [first.rank, second.rank] == [1, 2]
        assert second.passage.document.path == "e-other.md"
        assert second.duplicates == ()
        assert [passage.document.path for passage in (first.passage, *first.duplicates)] == [
            "c-early.md", "d-early-too.md", "b-late.md", "a-undated.md",
        ]  # fmt: skip
        for passage in (first.passage, *first.duplicates):
            assert passage.span.slice(searcher.library.text(passage.document.id)) == passage.text
        # The hit's answers are its own passage's, and its score is the best of the group's.
        for answer in first.answers:
            assert answer.span.slice(searcher.library.text(first.passage.document.id)) == answer.text
        alone = []
        for passage in (first.passage, *first.duplicates):
            filters = Filters(path=(passage.document.path,))
            query = Query("rice from Battambang sold to Vladivostok", mode=mode, filters=filters)
            alone.append(searcher.search(query).hits[0].score)
        assert first.score == pytest.approx(max(alone))


def test_texts_that_share_only_half_stay_apart(tmp_path: Path) -> None:
    half = _REPORT.split(" A second", maxsplit=1)[0]
    texts = {"a.txt": f"{half} Nothing more of it is known.", "b.txt": _REPORT.format("Hanoi")}
    hits = _built(tmp_path, texts).search(Query("rice from Battambang")).hits
    assert [hit.duplicates for hit in hits] == [(), ()]


@pytest.mark.parametrize("mode", Mode)
def test_pages_of_groups_add_up_to_the_whole(tmp_path: Path, mode: Mode) -> None:
    """Forty copies of the likeliest passage, and three of each of a dozen others."""
    chance = random.Random(3)
    best = "Rice rice rice in the port of rice, where the rice is sold for rice and more rice."
    texts = {f"best-{i:02}.md": _dated(f"20{60 - i}-01-01", best) for i in range(40)}
    for i in range(12):
        text = f"Rice {' '.join(chance.sample(WORDS, 20))}."
        texts |= {f"other-{i:02}-{j}.md": _dated(f"20{30 - j}-01-01", text) for j in range(3)}
    searcher = _built(tmp_path, texts)
    query = Query("rice in the port", k=30, mode=mode)
    whole = searcher.search(query).hits
    assert len(whole) > 5
    for size in (1, 5, 10, 15):
        pages = [
            hit
            for offset in range(0, 30, size)
            for hit in searcher.search(replace(query, k=size, offset=offset)).hits
        ]
        assert [(hit.rank, hit.passage, hit.duplicates) for hit in pages] == [
            (hit.rank, hit.passage, hit.duplicates) for hit in whole
        ]
        assert [hit.score for hit in pages] == pytest.approx([hit.score for hit in whole])


def test_the_sentence_that_answers_comes_first(searcher: Searcher) -> None:
    hit = searcher.search(Query("Was a hotline opened?")).hits[0]
    assert hit.answers[0].text == "🛰 A hotline will be opened."


def test_lexical_mode_finds_only_passages_with_a_word(searcher: Searcher) -> None:
    assert searcher.search(Query("zeppelin", mode=Mode.LEXICAL)).hits == ()
    hits = searcher.search(Query("zeppelin stadium", mode=Mode.LEXICAL)).hits
    assert [hit.passage.document.row for hit in hits] == ["hun"]


def test_dense_mode_ranks_every_passage(searcher: Searcher) -> None:
    result = searcher.search(Query("zeppelin", k=100, mode=Mode.DENSE))
    assert len(result.hits) == result.total == searcher.info.passages


def test_lexical_mode_needs_no_model(built: Path) -> None:
    class Broken(StandIn):
        def encode_queries(self, questions):
            raise AssertionError

    searcher = Searcher(generation.load(built), Broken())
    assert searcher.search(Query("stadium", mode=Mode.LEXICAL)).hits


def test_questions_asked_together_get_the_same_answers(searcher: Searcher) -> None:
    queries = [
        Query("rice"),
        Query("envoy", mode=Mode.LEXICAL),
        Query("визит", filters=Filters(path=("ru",))),
    ]
    many = searcher.search_many(queries)
    assert [result.query for result in many] == queries
    for query, result in zip(queries, many, strict=True):
        one = searcher.search(query)
        assert (result.hits, result.confidence, result.total) == (one.hits, one.confidence, one.total)
    assert searcher.search_many([]) == []


class Noting(StandIn):
    """Notes the thread that encodes."""

    thread = 0

    def encode_queries(self, questions):
        self.thread = threading.get_ident()
        return super().encode_queries(questions)


def test_a_large_index_is_searched_by_two_threads_with_the_same_results(
    large: generation.Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Noting()
    searcher = Searcher(large, encoder)
    queries = [Query("rice in the port"), Query("doctor", k=30, filters=Filters(source=("S1",)))]
    alone = [result.hits for result in searcher.search_many(queries)]
    assert encoder.thread == threading.get_ident()
    monkeypatch.setattr("qa.retrieval.searcher._CONCURRENT_FROM", len(large.passages))
    assert [result.hits for result in searcher.search_many(queries)] == alone
    assert encoder.thread != threading.get_ident()


def test_an_index_in_milvus_is_searched_by_two_threads(searcher: Searcher) -> None:
    encoder = searcher._encoder = Noting()
    searcher.search(Query("rice"))
    assert encoder.thread == threading.get_ident()
    searcher.info = replace(searcher.info, store="milvus at http://127.0.0.1:19530")
    searcher.search(Query("rice"))
    assert encoder.thread != threading.get_ident()


def test_below_the_minimum_confidence_there_are_no_hits(searcher: Searcher) -> None:
    query = Query("Was rice from Battambang sold to Vladivostok?")
    result = searcher.search(query)
    assert 0 < result.confidence < 1
    assert result.hits
    assert searcher.search(replace(query, min_confidence=result.confidence)).hits == result.hits
    above = searcher.search(replace(query, min_confidence=result.confidence + 1e-6))
    assert above.hits == ()
    assert above.confidence == result.confidence


def test_confidence_separates_answered_questions_from_others(searcher: Searcher) -> None:
    answered = searcher.search(Query("Cyber threats know no borders, the envoy said"))
    unanswered = searcher.search(Query("Who invented the zeppelin airship?"))
    assert answered.confidence > unanswered.confidence
    assert not unanswered.answerable


def test_an_offset_beyond_the_end_gives_no_hits(searcher: Searcher) -> None:
    result = searcher.search(Query("rice", offset=1000))
    assert result.hits == ()
    assert result.total == searcher.info.passages


@pytest.mark.parametrize(
    ("mode", "support"), [(Mode.HYBRID, "words"), (Mode.DENSE, "words"), (Mode.LEXICAL, None)]
)
def test_where_the_model_cannot_read_the_question_no_confidence_is_claimed(
    built: Path, mode: Mode, support: LanguageSupport | None
) -> None:
    searcher = Searcher(generation.load(built), Anglophone())
    russian = searcher.search(Query("Где будет прямое авиасообщение с Пномпенем?", mode=mode))
    assert russian.language_support == support
    assert (russian.claimed_confidence is None) == (support == "words")
    english = searcher.search(Query("Was rice sold to Vladivostok?", mode=mode))
    assert english.language_support == ("full" if support else None)
    assert 0 < english.confidence == english.claimed_confidence < 1


def test_a_minimum_confidence_also_counts_where_none_is_claimed(built: Path) -> None:
    searcher = Searcher(generation.load(built), Anglophone())
    query = Query("Стороны договорились открыть прямое авиасообщение между Москвой и Пномпенем")
    assert searcher.search(query).answerable
    assert searcher.search(replace(query, min_confidence=0.5)).hits
    assert not searcher.search(replace(query, min_confidence=1)).hits
    unanswered = searcher.search(Query("Кто изобрёл дирижабль?"))
    assert not unanswered.answerable
    assert unanswered.hits


@pytest.mark.parametrize(
    ("question", "support"),
    [
        ("Was rice from Battambang sold to Vladivostok?", "full"),
        ("Combien d'étudiants du Cambodge font leurs études à Moscou ?", "full"),
        ("Где будет прямое авиасообщение с Пномпенем?", "words"),
        ("Πόσοι φοιτητές από την Καμπότζη σπουδάζουν;", "words"),
        ("តើនិស្សិតកម្ពុជាប៉ុន្មាននាក់រៀននៅមូស្គូ?", "words"),
        ("有多少柬埔寨学生在莫斯科学习？", "words"),
    ],
)
def test_what_the_default_model_reads(
    default: ExportedEncoder, question: str, support: LanguageSupport
) -> None:
    (vectors,) = default.encode_queries([question])
    assert default.count_query_tokens([question]) == [vectors.token_count]
    known = language.fluency(vectors.token_count, count_words(question))
    assert (known >= language.LEGIBLE) == (support == "full")


@pytest.mark.parametrize("question", ["?!", "\0", "🛰", " ", "é" * 900])
@pytest.mark.parametrize("mode", Mode)
def test_odd_questions_do_not_break_it(searcher: Searcher, question: str, mode: Mode) -> None:
    assert 0 <= searcher.search(Query(question, mode=mode)).confidence <= 1


@pytest.mark.parametrize("mode", Mode)
def test_an_empty_index_answers_nothing(settings: Settings, tmp_path: Path, mode: Mode) -> None:
    (tmp_path / "empty").mkdir()
    build(replace(settings, docs=tmp_path / "empty"), StandIn())
    result = LiveSearcher(settings, lambda _: StandIn()).current().search(Query("rice", mode=mode))
    assert (result.hits, result.total, result.confidence, result.answerable) == ((), 0, 0, False)


def test_the_library_looks_up_documents_and_passages(searcher: Searcher) -> None:
    page = searcher.library.documents(Filters(), limit=10, offset=0)
    assert page.total == 5
    document = next(document for document in page.documents if document.path == "trade.md")
    assert searcher.library.document(document.id) == document
    passages = searcher.library.passages_of(document.id)
    assert searcher.library.passage(passages[0].id) == passages[0]
    assert searcher.library.neighbours(passages[0]) == (None, passages[1])
    headings = [
        heading.span.slice(searcher.library.text(document.id))
        for heading in searcher.library.headings(document.id)
    ]
    assert any("Rice" in heading for heading in headings)
    with pytest.raises(NotFoundError):
        searcher.library.document("nobody")


def test_the_documents_are_those_of_the_folder(searcher: Searcher) -> None:
    files = {name for name in DOCUMENTS if not name.endswith(".toml")}
    assert {
        document.path for document in searcher.library.documents(Filters(), limit=99, offset=0).documents
    } == files


def _holders(large: generation.Generation, phrase: str) -> set[str]:
    """Return the ids of the passages that hold words side by side, of those without headings between them."""
    passages = large.store.passages(range(len(large.passages)))
    words = {
        passage.id: phrase_words(f"{passage.document.metadata.title} | {passage.text}")
        for passage in passages
    }
    wanted = phrase_words(phrase)
    return {
        id_
        for id_, own in words.items()
        if wanted in zip(*(own[i:] for i in range(len(wanted))), strict=False)
    }


def test_phrases_are_filters(large) -> None:
    searcher = Searcher(large, StandIn())
    passages = large.store.passages(range(len(large.passages)))
    words = passages[17].text.rstrip(".").split()
    phrase = " ".join(words[1:4]).upper()
    holders = _holders(large, phrase)
    assert passages[17].id in holders
    result = searcher.search(Query(f'temple "{phrase}"', k=100))
    assert {hit.passage.id for hit in result.hits} == holders
    assert (result.total, result.required, result.excluded) == (len(holders), (phrase,), ())
    others = searcher.search(Query(f'temple -"{phrase}"', k=1))
    assert (others.total, others.excluded) == (len(passages) - len(holders), (phrase,))


def test_that_a_phrase_stands_there_is_an_answer(large) -> None:
    searcher = Searcher(large, StandIn())
    word = large.store.passages([5])[0].text.split()[1]
    result = searcher.search(Query(f'"{word}"', k=3))
    assert (result.answerable, result.confidence, len(result.hits)) == (True, 1.0, 3)
    assert all(hit.relevant for hit in result.hits)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "question", ['"in no passage"', 'rice +"in no passage"', 'rice "in no passage" +"in no passage"']
)
def test_a_phrase_that_must_stand_there_and_does_not_leaves_nothing(large, mode: Mode, question: str) -> None:
    result = Searcher(large, StandIn()).search(Query(question, mode=mode))
    assert (result.total, result.hits, result.answerable, result.confidence) == (0, (), False, 0.0)
    assert (set(result.required), result.missing_phrases) == ({"in no passage"}, ())


@pytest.mark.parametrize("mode", Mode)
def test_among_other_words_a_quotation_that_stands_nowhere_is_its_words(large, mode: Mode) -> None:
    searcher = Searcher(large, StandIn())
    quoted = searcher.search(Query('Where is rice of the «Temple in no passage» -"rice boats"?', mode=mode))
    plain = searcher.search(Query('Where is rice of the Temple in no passage -"rice boats"?', mode=mode))
    assert quoted.hits == plain.hits
    assert quoted.total == plain.total
    assert quoted.confidence < plain.confidence
    assert (quoted.required, quoted.excluded) == ((), ("rice boats",))
    assert (quoted.missing_phrases, plain.missing_phrases) == (("Temple in no passage",), ())


def test_of_two_quotations_the_one_that_stands_somewhere_is_a_filter(large) -> None:
    searcher = Searcher(large, StandIn())
    phrase = " ".join(large.store.passages([17])[0].text.rstrip(".").split()[1:4])
    result = searcher.search(Query(f'temple "{phrase}" "in no passage" «in no passage»', k=100))
    assert {hit.passage.id for hit in result.hits} == _holders(large, phrase)
    assert (result.required, result.missing_phrases) == ((phrase,), ("in no passage",))


def test_a_quotation_that_stands_elsewhere_than_the_filters_allow_leaves_nothing(large) -> None:
    searcher = Searcher(large, StandIn())
    passage = large.store.passages([17])[0]
    phrase = " ".join(passage.text.rstrip(".").split()[:6])
    others = {path for document in searcher.library.documents(Filters(), limit=99, offset=0).documents
              if (path := document.path) != passage.document.path}  # fmt: skip
    held = {hit.passage.document.path for hit in searcher.search(Query(f'"{phrase}"', k=100)).hits}
    result = searcher.search(Query(f'rice "{phrase}"', filters=Filters(path=tuple(others - held))))
    assert (result.total, result.missing_phrases) == (0, ())


def test_only_exclusions_leave_the_documents_in_their_order(large) -> None:
    searcher = Searcher(large, StandIn())
    left = [
        p for p in large.store.passages(range(len(large.passages))) if p.id not in _holders(large, "rice")
    ]
    result = searcher.search(Query("-rice", k=5, offset=3))
    assert [hit.passage for hit in result.hits] == left[3:8]
    assert [hit.rank for hit in result.hits] == [4, 5, 6, 7, 8]
    assert (result.total, result.answerable, {hit.score for hit in result.hits}) == (len(left), False, {0.0})
    assert not searcher.search(Query("-rice", min_confidence=0.1)).hits


def test_a_generation_is_free_as_soon_as_its_searcher_is_gone(built: Path) -> None:
    """Otherwise a service under load, which collects garbage seldom, would keep many old ones on disk."""
    live = generation.load(built)
    searcher = Searcher(live, StandIn())
    for question in ("rice", '"rice" -temple', "ricee"):
        searcher.search(Query(question, filters=Filters(source=("S1",))))
    lease = weakref.ref(live.lease)
    gc.disable()
    try:
        del live, searcher
        assert lease() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("mode", Mode)
def test_passages_like_one_are_neither_it_nor_its_near_duplicates(large, mode: Mode) -> None:
    searcher = Searcher(large, StandIn())
    everything = np.arange(len(large.passages))
    same = large.near_duplicates(everything, THRESHOLD)
    for row in (0, 17, len(everything) - 1):
        [passage] = large.store.passages([row])
        result = searcher.search(Query("", k=10, mode=mode, like=passage.id))
        left_out = {other.id for other in large.store.passages(np.flatnonzero(same[row]).tolist())}
        assert passage.id in left_out
        assert result.hits
        assert left_out.isdisjoint(_ids(result))
        assert (result.answerable, result.claimed_confidence) == (False, None)
        source = passage.document.metadata.source
        own = searcher.search(Query("", mode=mode, like=passage.id, filters=Filters(source=(source,))))
        assert {hit.passage.document.metadata.source for hit in own.hits} <= {source}


def test_a_passage_like_one_shares_its_words(large) -> None:
    searcher = Searcher(large, StandIn())
    [passage] = large.store.passages([3])
    best = searcher.search(Query("", k=1, like=passage.id)).hits[0].passage
    assert set(phrase_words(best.text)) & set(phrase_words(passage.text))


def test_there_is_nothing_like_an_unknown_passage(searcher: Searcher) -> None:
    with pytest.raises(NotFoundError):
        searcher.search(Query("", like="0123456789abcdef:0-5"))
    with pytest.raises(NotFoundError):
        searcher.search(Query("", like="no id"))


def test_occurrences_of_words_are_those_in_the_text_of_the_document(large) -> None:
    searcher = Searcher(large, StandIn())
    for document in large.store.documents(Filters(), 20, 0).documents:
        text, passages = large.store.text(document.id), large.store.passages_of(document.id)
        for phrase in ("rice", "rice in", "no such words"):
            rows = searcher.occurrences(document.id, phrase)
            assert len(rows) == len(phrase_spans(text, [phrase_words(phrase)]))
            assert {passage.document.id for passage in large.store.passages(rows.tolist())} <= {document.id}
            holders = [row for row in rows if phrase in large.store.passages([int(row)])[0].text.lower()]
            assert bool(holders) or not any(phrase in passage.text.lower() for passage in passages)
    assert searcher.occurrences(document.id, "...").tolist() == []
    assert searcher.occurrences("0123456789abcdef", "rice").tolist() == []
