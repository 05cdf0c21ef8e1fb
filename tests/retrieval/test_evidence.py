"""Every signal and the fused score, against what their definitions give when worked out one by one."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from corpus import write
from fake_encoder import StandIn
from naive import Naive, fused

from qa.config import Settings
from qa.index import generation
from qa.index.generation import Generation
from qa.indexing.build import build
from qa.retrieval import ranking
from qa.retrieval.evidence import _EXAMINED, Evidence, Nearest
from qa.text.language import legibility
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


def _gather(found: Generation, query: Query, encoder: StandIn, wanted: int = 20) -> Evidence:
    (vectors,) = encoder.encode_queries([query.question])
    allowed = found.store.rows(query.filters) if query.filters else None
    nearest = partial(Nearest.find, found, vectors, wanted, allowed)
    return Evidence.gather(
        found,
        query,
        wanted,
        languages=found.store.languages(),
        nearest=None if query.mode is Mode.LEXICAL else nearest,
        allowed=allowed,
    )


def _assert_as_defined(found: Generation, query: Query, encoder: StandIn) -> Int64:
    """Have every passage examined, and hold signals, scores and order against the definitions."""
    naive = Naive(found, encoder)
    ranked = _gather(found, query, encoder, len(found.passages)).rank()
    rows = ranked.rows
    expected, scores = naive.signals(query), {row: score for score, row in naive.ranked(query)}
    whole = np.concatenate([rows, *ranked.copies])
    assert sorted(whole.tolist()) == sorted(scores)
    for place, row in enumerate(rows.tolist()):
        assert {name: values[place] for name, values in ranked.signals.items()} == pytest.approx(
            expected[row], abs=1e-5
        )
    for first in range(0, len(rows), _EXAMINED):
        some = rows[first : first + _EXAMINED]
        of_some = np.array([scores[row] for row in some.tolist()])
        assert (np.diff(of_some) <= 1e-5).all()
    assert ranked.scores == pytest.approx(
        np.minimum.accumulate([scores[row] for row in rows.tolist()]), abs=1e-5
    )
    assert np.lexsort((np.arange(len(rows)), -ranked.scores)).tolist() == list(range(len(rows)))
    return whole


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_signals_scores_and_order_are_those_of_the_definitions(
    large: Generation, mode: Mode, filters: Filters
) -> None:
    for question in QUESTIONS if filters == Filters() else QUESTIONS[:2]:
        rows = _assert_as_defined(large, Query(question, mode=mode, filters=filters), StandIn())
        if mode is not Mode.LEXICAL:
            assert len(rows) == len(large.store.rows(filters))


def test_every_signal_of_the_table_is_given_and_no_other(large: Generation) -> None:
    table = (ranking.__doc__ or "").split("=\n", 1)[1].rsplit("\n=", 1)[0]
    named = {line.split()[0] for line in table.splitlines() if not line.startswith("=")}
    signals = _gather(large, Query("rice"), StandIn(), 5).rank().signals
    assert signals.keys() == named == {*ranking.DENSE, *ranking.LEXICAL}


@pytest.fixture
def mixed(tmp_path: Path) -> Generation:
    """Documents whose paragraphs are by turns in Russian and in English."""
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
def test_a_neighbour_speaks_for_a_passage_though_a_filter_keeps_it_out(
    mixed: Generation, mode: Mode, language: str
) -> None:
    assert mixed.store.languages() == ("en", "ru")
    query = Query("rice sold in 2002", mode=mode, filters=Filters(language=(language,)))
    rows = _assert_as_defined(mixed, query, StandIn())
    assert len(rows) == len(mixed.passages) / 2


@pytest.fixture
def silent(tmp_path: Path, large: Generation, docs: Path) -> Generation:
    """A generation made with a model whose tokens have no vectors."""
    settings = Settings(docs=docs, index=tmp_path / "silent")
    build(settings, StandIn(speaks_in_tokens=False))
    return generation.load(generation.current(settings.index))


@pytest.mark.parametrize("mode", Mode)
def test_without_token_vectors_the_sentence_stands_for_them(silent: Generation, mode: Mode) -> None:
    assert not silent.tokens
    encoder = StandIn(speaks_in_tokens=False)
    for question in ("Was rice sold to Vladivostok?", "билеты осенью"):
        _assert_as_defined(silent, Query(question, mode=mode), encoder)
        evidence = _gather(silent, Query(question, mode=mode), encoder)
        signals, _ = evidence.sentences(np.arange(len(silent.passages)))
        if mode is not Mode.LEXICAL:
            np.testing.assert_array_equal(signals["interaction"], signals["sentence"])


@pytest.mark.parametrize(("encoder", "share"), [(Letters(), 0.0), (Short(), 0.5), (StandIn(), 1.0)])
def test_the_model_has_its_say_as_far_as_it_knows_the_language(
    large: Generation, encoder: StandIn, share: float
) -> None:
    query = Query("student harvest bridge doctor")
    evidence = _gather(large, query, encoder)
    assert evidence.legibility == share
    _assert_as_defined(large, query, encoder)

    ranked = evidence.rank()
    weights = {name: share * weight for name, weight in ranking.DENSE.items()} | ranking.LEXICAL
    for place in range(len(ranked.rows)):
        alone = {name: float(values[place]) for name, values in ranked.signals.items()}
        assert ranked.scores[place] == pytest.approx(fused(alone, weights), abs=1e-5)

    # Whoever asks for the dense signals alone gets them, whatever the language.
    dense = Query(query.question, mode=Mode.DENSE)
    by_dense = [_gather(large, dense, model, 10).rank().rows.tolist() for model in (encoder, StandIn())]
    assert by_dense[0] == by_dense[1]


def test_where_the_model_knows_nothing_what_it_says_does_not_matter(large: Generation) -> None:
    class Contrary(Letters):
        def _vector(self, stems):
            return -super()._vector(stems)

    query = Query("student harvest bridge doctor")
    found = [
        _gather(large, query, encoder, len(large.passages)).rank().scores.tolist()
        for encoder in (Letters(), Contrary())
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-6)


@pytest.mark.parametrize(
    ("tokens", "words", "share"),
    [(0, 0, 1), (5, 5, 1), (10, 5, 1), (15, 5, 0.5), (20, 5, 0), (100, 5, 0), (3, 0, 0.5), (9, 4, 0.875)],
)
def test_legibility_falls_from_two_tokens_a_word_to_four(tokens: int, words: int, share: float) -> None:
    assert legibility(tokens, words) == share


@pytest.mark.parametrize("mode", Mode)
def test_sentences_have_the_signals_of_their_mode_and_none_is_stronger_than_its_passage(
    large: Generation, mode: Mode
) -> None:
    query = Query("a doctor at the temple bridge", mode=mode)
    evidence = _gather(large, query, StandIn())
    ranked = evidence.rank()
    rows, whole = ranked.rows, ranked.signals
    signals, bounds = evidence.sentences(rows)
    assert np.diff(bounds).tolist() == np.diff(large.sentence_starts)[rows].tolist()
    uncubed = evidence.interaction(rows) if mode is not Mode.LEXICAL else None
    for place, (first, last) in enumerate(pairwise(bounds)):
        if mode is not Mode.LEXICAL:
            best = whole["sentence"][place]
            assert signals["sentence"][first:last].max() == pytest.approx(best, abs=1e-6)
            assert signals["interaction"][first:last].max() <= uncubed[place] + 1e-6
        # What the sentence before holds counts less than the whole, but it counts.
        assert signals["coverage"][first:last].max() >= whole["coverage"][place] - 1e-6
        assert signals["coverage"][first] <= whole["coverage"][place] + 1e-6
    names = {"coverage"} if mode is Mode.LEXICAL else {"coverage", "sentence", "interaction"}
    assert signals.keys() == names


def test_a_sentence_is_credited_with_what_the_one_before_says_and_the_title(large: Generation) -> None:
    query = Query("a doctor at the temple bridge")
    (vectors,) = StandIn().encode_queries([query.question])
    naive = Naive(large, StandIn())
    shares = np.array(naive.token_shares(query.question, vectors))
    rows = np.array([150, 3, 77])
    signals, _ = _gather(large, query, StandIn()).sentences(rows)
    order = list(terms(query.question, large.store.languages()))
    weights = {term: naive.weight(term) for term in order}
    interaction, coverage = [], []
    for row in rows.tolist():
        first, last = large.sentence_starts[row : row + 2].tolist()
        title, *own = [naive.best_cosines(segment, vectors) for segment in range(first + row, last + row + 1)]
        held = [[term in sentence for term in weights] for sentence in naive.texts[row].sentences]
        for i in range(last - first):
            met = np.maximum(own[i], ranking.TITLED * title)
            met = np.maximum(met, ranking.CARRIED * own[i - 1]) if i else met
            interaction.append(float(met @ shares))
            here = np.array(held[i], float)
            here = np.maximum(here, ranking.CARRIED * np.array(held[i - 1])) if i else here
            coverage.append(float(here @ np.array(list(weights.values()))) / sum(weights.values()))
    assert signals["coverage"].tolist() == pytest.approx(coverage, abs=1e-5)
    assert signals["interaction"].tolist() == pytest.approx(interaction, abs=1e-5)
