"""The lexical index on disk: written in parts, opened, compared, and refused if damaged."""

from __future__ import annotations

import json
import tempfile
import threading
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical.samples import (
    CORPORA,
    bm25_by_formula,
    index_of,
    passage_of,
    sentence_bounds,
    text_terms,
    write_index,
)
from qa.arrays import offsets
from qa.errors import BuildError
from qa.index.lexical import inverted_index, shingles
from qa.index.lexical.inverted_index import LexicalIndex, PassageTerms
from qa.index.lexical.term_matches import look_up_terms


@given(CORPORA, st.sampled_from([0.5, 0.9, 1.0]))
def test_near_duplicates_are_those_of_the_shingles(corpus: list[PassageTerms], threshold: float) -> None:
    index, rows, bounds = index_of(corpus), np.arange(len(corpus)), sentence_bounds(corpus)
    numbers = {term: number for number, term in enumerate("abcdef")}
    terms = [[numbers[term] for term in text_terms(passage)] for passage in corpus]
    expected = shingles.near_duplicates(
        np.array(list(chain.from_iterable(terms)), np.int32),
        offsets(np.array([*map(len, terms)])),
        6,
        threshold,
    )
    np.testing.assert_array_equal(index.near_duplicates(rows, *bounds, threshold), expected)
    backwards = slice(None, None, -1)
    matrix = index.near_duplicates(rows[backwards], bounds[0][backwards], bounds[1][backwards], threshold)
    np.testing.assert_array_equal(matrix, expected[backwards, backwards])


def test_passages_that_share_nothing_are_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = [passage_of(" ".join(f"{a}{b}" for b in range(20))) for a in "abc"]
    index, bounds = write_index(tmp_path / "lexical", [*corpus, corpus[0]]), (np.arange(4), np.arange(1, 5))
    compared = []
    monkeypatch.setattr(
        shingles,
        "near_duplicates",
        lambda *arguments: compared.append(arguments) or np.ones((1, 1), np.bool_),
    )
    some = slice(1, 3)
    matrix = index.near_duplicates(np.arange(4)[some], bounds[0][some], bounds[1][some], 0.9)
    assert matrix.tolist() == [[True, False], [False, True]]
    assert not compared
    index.near_duplicates(np.arange(4), *bounds, 0.9)
    assert compared


def test_an_index_without_shared_fractions_compares_all(tmp_path: Path) -> None:
    write_index(tmp_path / "lexical", [passage_of("rice port"), passage_of("fish"), passage_of("rice port")])
    (tmp_path / "lexical" / "elsewhere.npy").unlink()
    matrix = LexicalIndex(tmp_path / "lexical").near_duplicates(
        np.arange(3), np.arange(3), np.arange(1, 4), 0.9
    )
    assert matrix.tolist() == [[True, False, True], [False, True, False], [True, False, True]]


def test_any_script_is_found() -> None:
    index = index_of(
        [passage_of("рис port", "3.5", context="fish"), passage_of(""), passage_of("柬埔 埔寨", "", "é")]
    )
    for term, row in (("рис", 0), ("3.5", 0), ("埔寨", 2), ("é", 2)):
        assert look_up_terms([term], index).scores.top(5)[0].tolist() == [row]
    assert look_up_terms(["e"], index).scores.top(5)[0].tolist() == []
    assert look_up_terms([], index).scores.top(5)[0].tolist() == []


@given(CORPORA, st.integers(1, 12))
def test_the_files_do_not_depend_on_the_block_size(corpus: list[PassageTerms], block: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        write_index(Path(folder) / "whole", corpus, ["en"])
        patch.setattr(inverted_index, "_BLOCK", block)
        write_index(Path(folder) / "parts", corpus, ["en"])
        whole, parts = (
            {path.name: path.read_bytes() for path in (Path(folder) / name).iterdir()}
            for name in ("whole", "parts")
        )
        assert parts == whole


@pytest.mark.parametrize("corpus", [[], [passage_of("")], [passage_of(""), passage_of("", "")]])
def test_an_empty_index_matches_nothing(tmp_path: Path, corpus: list[PassageTerms]) -> None:
    index = write_index(tmp_path / "lexical", corpus)
    assert index.passages == len(corpus)
    question = look_up_terms(["rice", "port"], index)
    assert question.total > 0
    rows, shares = question.scores.top(5)
    assert len(rows) == len(shares) == 0
    assert question.scores.top(5, np.arange(len(corpus)))[0].tolist() == []
    assert question.scores.take(np.arange(len(corpus))).tolist() == [0] * len(corpus)
    bounds = sentence_bounds(corpus)
    assert index.match_terms(question, *bounds).coverage().tolist() == [0] * index.sentences
    assert index.match_terms(question, *bounds).adjacency().tolist() == [0] * len(corpus)
    assert index.near_duplicates(np.arange(len(corpus)), *bounds, 0.9).tolist() == [
        [True] * len(corpus)
    ] * len(corpus)


def test_an_index_of_one_passage_finds_it() -> None:
    index = index_of([passage_of("rice port")])
    question = look_up_terms(["port", "zeppelin"], index)
    rows, shares = question.scores.top(5)
    assert rows.tolist() == [0]
    assert shares.tolist() == pytest.approx(bm25_by_formula([passage_of("rice port")], ["port", "zeppelin"]))
    assert index.near_duplicates(np.array([0]), np.array([0]), np.array([1]), 0.9).tolist() == [[True]]


def test_two_terms_of_one_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverted_index, "hash_terms", lambda terms: np.zeros(len(list(terms)), np.uint64))
    with pytest.raises(BuildError, match="same hash"):
        write_index(tmp_path / "lexical", [passage_of("rice port")])


@pytest.mark.parametrize(
    "name",
    [
        *("hashes.npy", "numbers.npy", "terms.npy", "sentence_starts.npy", "common.npy", "elsewhere.npy"),
        *("posting_starts.npy", "posting_rows.npy", "posting_gains.npy", "posting_most.npy"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(tmp_path: Path, name: str) -> None:
    write_index(tmp_path / "lexical", [passage_of("rice port"), passage_of("fish")], ["en"])
    path = tmp_path / "lexical" / name
    values = np.load(path)
    for other in (values.astype(np.float64), values[None], values[:-1], values[:0]):
        np.save(path, other)
        if name != "common.npy" or other.dtype != values.dtype or other.ndim > 1:
            with pytest.raises((ValueError, IndexError), match=r"lexical|index"):
                LexicalIndex(tmp_path / "lexical")
    path.write_bytes(b"")
    with pytest.raises((ValueError, EOFError)):
        LexicalIndex(tmp_path / "lexical")


def test_the_facts_say_how_many_passages_there_are(tmp_path: Path) -> None:
    write_index(tmp_path / "lexical", [passage_of("rice"), passage_of("")])
    assert json.loads((tmp_path / "lexical" / "facts.json").read_text()) == {"passages": 2}


def test_threads_get_the_same_results() -> None:
    corpus = [passage_of(f"rice word{i % 7} word{i % 11}", f"port word{i % 13}") for i in range(300)]
    index, bounds = index_of(corpus), sentence_bounds(corpus)
    results: dict[int, list[list[float]]] = {}

    def ask(number: int) -> None:
        results[number] = []
        for i in range(40):
            question = look_up_terms(["rice", f"word{i % 13}", "port", f"word{i % 5}"], index)
            matches = index.match_terms(question, *bounds)
            arrays = [
                *question.scores.top(20),
                matches.coverage(),
                matches.adjacency(),
                index.near_duplicates(np.arange(len(corpus)), *bounds, 0.9),
            ]
            results[number] += [values.tolist() for values in arrays]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results[i] for i in range(4)] == [results[0]] * 4
