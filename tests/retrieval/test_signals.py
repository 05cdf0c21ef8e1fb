"""Every signal and the fused score, against what their definitions give when worked out one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from corpus import write
from fake_encoder import StandIn
from naive import Naive, fused

from qa.config import Settings
from qa.embedding.models import DEFAULT_MODEL, MULTILINGUAL_MODEL
from qa.index import generation
from qa.index.generation import Generation
from qa.indexing.build import build
from qa.retrieval import signals
from qa.retrieval.candidates import find_candidates
from qa.retrieval.facts import FACTS
from qa.retrieval.fits import fit_for
from qa.retrieval.ranking import TIER, Ranking, rank
from qa.retrieval.signals import (
    CONTEXT_DISCOUNT,
    FOREIGN,
    PREVIOUS_SENTENCE_DISCOUNT,
    SHARED,
    QuestionSignals,
)
from qa.text.terms import terms
from qa.types import Filters, Int64, Mode, Query

QUESTIONS = ["rice in the port", "a doctor at the temple bridge?", "zeppelin harvest", "border", "?!"]
FILTERS = [
    Filters(),
    Filters(source=("S1",)),
    Filters(path=("b/0[135].md",)),
    Filters(path=("a/02.md",)),
    Filters(source=("nobody",)),
]


class Letters(StandIn):
    """Breaks every word into letters: a model that does not know the language."""

    def count_tokens(self, texts):
        return [sum(map(str.isalnum, text)) for text in texts]


class Short(StandIn):
    """Makes three tokens of a word: a model that half knows the language."""

    def count_tokens(self, texts):
        return [3 * len(text.split()) for text in texts]


def _signals(corpus: Generation, query: Query, encoder: StandIn, wanted: int = 20) -> QuestionSignals:
    allowed = corpus.store.rows(query.filters) if query.filters else None
    languages = corpus.store.languages()
    candidates = find_candidates(
        corpus, encoder, query, wanted, languages=languages, allowed=allowed, threads=None
    )
    return QuestionSignals(corpus, candidates)


def _rank(corpus: Generation, query: Query, encoder: StandIn, wanted: int = 20) -> Ranking:
    return rank(corpus, _signals(corpus, query, encoder, wanted))


def _assert_as_defined(corpus: Generation, query: Query, encoder: StandIn) -> Int64:
    """Rank every passage, and compare signals, scores and order with the definitions."""
    naive = Naive(corpus, encoder)
    ranking = _rank(corpus, query, encoder, len(corpus.passages))
    rows = ranking.rows
    expected, scores = naive.signals(query), {row: score for score, row in naive.ranked(query)}
    all_rows = np.concatenate([rows, *ranking.copies])
    assert sorted(all_rows.tolist()) == sorted(scores)
    computed = {name: values for name, values in ranking.signals.items() if name not in FACTS}
    for place, row in enumerate(rows.tolist()):
        assert {name: values[place] for name, values in computed.items()} == pytest.approx(
            expected[row], abs=1e-5
        )
    for first in range(0, len(rows), TIER):
        tier_scores = np.array([scores[row] for row in rows[first : first + TIER].tolist()])
        assert (np.diff(tier_scores) <= 1e-5).all()
    assert ranking.scores == pytest.approx(
        np.minimum.accumulate([scores[row] for row in rows.tolist()]), abs=1e-5
    )
    assert np.lexsort((np.arange(len(rows)), -ranking.scores)).tolist() == list(range(len(rows)))
    return all_rows


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_signals_scores_and_order_are_those_of_the_definitions(
    large: Generation, mode: Mode, filters: Filters
) -> None:
    for question in QUESTIONS if filters == Filters() else QUESTIONS[:2]:
        rows = _assert_as_defined(large, Query(question, mode=mode, filters=filters), StandIn())
        if mode is not Mode.LEXICAL:
            assert len(rows) == len(large.store.rows(filters))


@pytest.fixture
def across(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stand-in find something across languages."""
    fit = replace(fit_for(DEFAULT_MODEL), across=fit_for(MULTILINGUAL_MODEL).across)
    for module in ("qa.retrieval.candidates", "qa.retrieval.signals", "naive"):
        monkeypatch.setattr(f"{module}.fit_for", lambda _: fit)


@pytest.mark.usefixtures("across")
def test_signals_are_exactly_those_of_the_table(large: Generation) -> None:
    table = (signals.__doc__ or "").split("=\n", 1)[1].rsplit("\n=", 1)[0]
    named = {line.split()[0] for line in table.splitlines() if not line.startswith("=")}
    plain, russian = (
        _rank(large, Query(question), StandIn(), 5).signals.keys()
        for question in ("rice", "Кто продаёт Rice и Rubber?")
    )
    assert russian == named | set(FACTS)
    assert plain == russian - {FOREIGN, SHARED}


@pytest.fixture
def mixed(tmp_path: Path) -> Generation:
    """Documents whose paragraphs alternate between Russian and English."""
    english = (
        "Rice from Battambang was sold in the port of Sihanoukville to the merchants of many countries, "
        "and the price of it was told to nobody who had not signed a contract with the ministry before. "
        "The rice of {} went by rail, as the envoy said, to the north of the country and over the border."
    )
    russian = (
        "Министр иностранных дел прибыл в Пномпень с двухдневным визитом и встретился с королём Камбоджи, "
        "которому он передал послание президента. Стороны договорились о прямом авиасообщении между Москвой "
        "и Пномпенем до конца года {}, и rice был назван в числе товаров, которые будут продаваться."
    )
    documents = {
        f"{i}.txt": "\n\n".join(
            text.format(year) for year in range(2000 + i, 2004 + i) for text in (english, russian)
        )
        for i in range(4)
    }
    settings = Settings(docs=write(tmp_path / "docs", documents), index=tmp_path / "index")
    build(settings, StandIn(max_tokens=150))
    return generation.load(generation.current(settings.index))


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_filtered_out_neighbour_still_supports_a_passage(
    mixed: Generation, mode: Mode, language: str
) -> None:
    assert mixed.store.languages() == ("en", "ru")
    query = Query("rice sold in 2002", mode=mode, filters=Filters(language=(language,)))
    rows = _assert_as_defined(mixed, query, StandIn())
    assert len(rows) == len(mixed.passages) / 2


_ACROSS = [
    "Какой rice был назван в 2002 году?",
    "rice sold in 2002",
    "Was Rice from Battambang named beside Sihanoukville in 2003?",
    "Когда министр встретился с королём?",
    "Was kostete der Reis aus Battambang im Jahr 2001?",
    "2003",
]


@pytest.mark.usefixtures("across")
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("question", _ACROSS)
def test_across_languages_all_is_as_defined(mixed: Generation, question: str, mode: Mode) -> None:
    _assert_as_defined(mixed, Query(question, mode=mode), StandIn())


@pytest.mark.usefixtures("across")
def test_passages_in_another_language_are_foreign_in_hybrid_mode_alone(mixed: Generation) -> None:
    languages = mixed.languages.tolist()
    assert set(languages) == {b"en", b"ru"}
    for question, other in ((_ACROSS[1], [b"ru"]), (_ACROSS[3], [b"en"]), (_ACROSS[4], [b"en", b"ru"])):
        signals_of = _signals(mixed, Query(question), StandIn()).first_stage(np.arange(len(languages)))
        assert signals_of[FOREIGN].tolist() == [float(code in other) for code in languages]
    for mode in (Mode.LEXICAL, Mode.DENSE):
        ranking = _rank(mixed, Query(_ACROSS[3], mode=mode), StandIn())
        assert not {FOREIGN, SHARED} & ranking.signals.keys()
    assert FOREIGN not in _rank(mixed, Query("2003"), StandIn()).signals


def test_a_model_that_finds_nothing_across_languages_gets_no_such_signals(
    mixed: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.retrieval.candidates.fit_for", lambda _: fit_for(DEFAULT_MODEL))
    assert fit_for(DEFAULT_MODEL).across is None
    assert not {FOREIGN, SHARED} & _rank(mixed, Query(_ACROSS[3]), StandIn()).signals.keys()


@pytest.mark.usefixtures("across")
@pytest.mark.parametrize(
    ("question", "held"),
    [
        ("Какие договоры были в 2003?", "2003"),
        ("Когда продавали Rice?", "rice"),
        ("Кто такой Battambang?", "Battambang"),
    ],
)
def test_names_and_numbers_are_shared_by_the_passages_that_hold_them(
    mixed: Generation, question: str, held: str
) -> None:
    rows = np.arange(len(mixed.passages))
    computed = _signals(mixed, Query(question), StandIn())
    shared = computed.closer(rows)[SHARED]
    texts = [passage.text for passage in mixed.store.passages(rows.tolist())]
    assert shared.tolist() == pytest.approx([float(held.casefold() in text.casefold()) for text in texts])
    assert 0 < shared.mean() < 1 or held == "rice"
    sentences, bounds = computed.score_sentences(rows)
    best = [sentences[SHARED][first:last].max() for first, last in pairwise(bounds)]
    assert best == pytest.approx(shared.tolist())


@pytest.mark.usefixtures("across")
@pytest.mark.parametrize(
    "question", ["Когда продавали rice?", "Rice когда продавали?", "Когда продавали Tea?"]
)
def test_only_names_and_numbers_that_some_passage_holds_are_shared(mixed: Generation, question: str) -> None:
    """A word that begins the question is no name, however it is written."""
    signals_of = _rank(mixed, Query(question), StandIn()).signals
    assert FOREIGN in signals_of
    assert SHARED not in signals_of


@pytest.fixture
def silent(tmp_path: Path, large: Generation, docs: Path) -> Generation:
    """A generation made with a model whose tokens have no vectors."""
    settings = Settings(docs=docs, index=tmp_path / "silent")
    build(settings, StandIn(speaks_in_tokens=False))
    return generation.load(generation.current(settings.index))


@pytest.mark.parametrize("mode", Mode)
def test_without_token_vectors_interaction_is_the_sentences_cosine(silent: Generation, mode: Mode) -> None:
    assert not silent.tokens
    encoder = StandIn(speaks_in_tokens=False)
    for question in ("Was rice sold to Vladivostok?", "билеты осенью"):
        _assert_as_defined(silent, Query(question, mode=mode), encoder)
        question_signals = _signals(silent, Query(question, mode=mode), encoder)
        sentences, _ = question_signals.score_sentences(np.arange(len(silent.passages)))
        if mode is not Mode.LEXICAL:
            np.testing.assert_array_equal(sentences["interaction"], sentences["sentence"])


@pytest.mark.parametrize(("encoder", "share"), [(Letters(), 0.0), (Short(), 0.5), (StandIn(), 1.0)])
def test_the_model_counts_as_much_as_it_knows_the_language(
    large: Generation, encoder: StandIn, share: float
) -> None:
    query, fit = Query("student harvest bridge doctor"), fit_for(encoder.name)
    question_signals = _signals(large, query, encoder)
    assert question_signals.candidates.fluency == share
    _assert_as_defined(large, query, encoder)

    ranking = rank(large, question_signals)
    weights = {name: share * weight for name, weight in fit.dense.items()} | dict(fit.lexical)
    for place in range(len(ranking.rows)):
        alone = {name: float(values[place]) for name, values in ranking.signals.items()}
        assert ranking.scores[place] == pytest.approx(fused(alone, weights), abs=1e-5)

    # In dense mode only the dense signals count, whatever the language.
    dense = Query(query.question, mode=Mode.DENSE)
    by_dense = [_rank(large, dense, model, 10).rows.tolist() for model in (encoder, StandIn())]
    assert by_dense[0] == by_dense[1]


def test_a_model_that_does_not_know_the_language_counts_nothing(large: Generation) -> None:
    class Contrary(Letters):
        def _vector(self, stems):
            return -super()._vector(stems)

    query = Query("student harvest bridge doctor")
    scores = [
        _rank(large, query, encoder, len(large.passages)).scores.tolist()
        for encoder in (Letters(), Contrary())
    ]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


@pytest.mark.parametrize("mode", Mode)
def test_sentences_have_the_signals_of_the_mode_and_none_exceeds_its_passage(
    large: Generation, mode: Mode
) -> None:
    query = Query("a doctor at the temple bridge", mode=mode)
    question_signals = _signals(large, query, StandIn())
    ranking = rank(large, question_signals)
    rows, whole = ranking.rows, ranking.signals
    sentences, bounds = question_signals.score_sentences(rows)
    assert np.diff(bounds).tolist() == np.diff(large.sentence_starts)[rows].tolist()
    uncubed = question_signals.interaction(rows) if mode is not Mode.LEXICAL else None
    for place, (first, last) in enumerate(pairwise(bounds)):
        if mode is not Mode.LEXICAL:
            best = whole["sentence"][place]
            assert sentences["sentence"][first:last].max() == pytest.approx(best, abs=1e-6)
            assert sentences["interaction"][first:last].max() <= uncubed[place] + 1e-6
        # What the sentence before holds counts less than the whole, but it counts.
        assert sentences["coverage"][first:last].max() >= whole["coverage"][place] - 1e-6
        assert sentences["coverage"][first] <= whole["coverage"][place] + 1e-6
    names = {"coverage"} if mode is Mode.LEXICAL else {"coverage", "sentence", "interaction"}
    assert sentences.keys() == names


def test_a_sentence_gets_credit_from_the_previous_one_and_the_title(large: Generation) -> None:
    query = Query("a doctor at the temple bridge")
    (vectors,) = StandIn().encode_queries([query.question])
    naive = Naive(large, StandIn())
    shares = np.array(naive.token_shares(query.question, vectors))
    rows = np.array([150, 3, 77])
    sentences, _ = _signals(large, query, StandIn()).score_sentences(rows)
    order = list(terms(query.question, large.store.languages()))
    weights = {term: naive.weight(term) for term in order}
    interaction, coverage = [], []
    for row in rows.tolist():
        first, last = large.sentence_starts[row : row + 2].tolist()
        title, *own = [naive.best_cosines(segment, vectors) for segment in range(first + row, last + row + 1)]
        held = [[term in sentence for term in weights] for sentence in naive.texts[row].sentences]
        for i in range(last - first):
            met = np.maximum(own[i], CONTEXT_DISCOUNT * title)
            met = np.maximum(met, PREVIOUS_SENTENCE_DISCOUNT * own[i - 1]) if i else met
            interaction.append(float(met @ shares))
            here = np.array(held[i], float)
            here = np.maximum(here, PREVIOUS_SENTENCE_DISCOUNT * np.array(held[i - 1])) if i else here
            coverage.append(float(here @ np.array(list(weights.values()))) / sum(weights.values()))
    assert sentences["coverage"].tolist() == pytest.approx(coverage, abs=1e-5)
    assert sentences["interaction"].tolist() == pytest.approx(interaction, abs=1e-5)
