"""Which passages hold a phrase: the same as a plain comparison of words finds, whatever the blocks."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.index.lexical import word_sequences
from qa.index.lexical.word_sequences import DocumentWords, WordSequences, WordSequencesWriter

WORDS = st.sampled_from(["a", "b", "ab", "b-", "-a", "a-", "-b", "c"])
DOCUMENTS = st.lists(
    st.builds(
        DocumentWords,
        st.lists(st.lists(WORDS, max_size=6), min_size=1, max_size=4),
        st.lists(st.tuples(st.just(0), st.just(1), st.lists(WORDS, max_size=3)), max_size=2),
    ),
    max_size=4,
)


def write(folder: Path, documents: Sequence[DocumentWords]) -> WordSequences:
    writer = WordSequencesWriter(folder)
    for document in documents:
        writer.add(document)
    writer.close()
    return WordSequences(folder)


def holders(documents: Sequence[DocumentWords], phrase: Sequence[str]) -> list[int]:
    """Find a phrase in each document by comparing the words at each place."""
    rows: set[int] = set()
    first = 0
    for document in documents:
        owners = [(word, (row, row + 1)) for row, words in enumerate(document.texts) for word in words]
        runs = [owners, *([(word, (a, b)) for word in words] for a, b, words in document.contexts)]
        for run in runs:
            for start in range(len(run)):
                for end in ends(run, start, phrase):
                    bounds = run[start][1][0], run[end - 1][1][1]
                    rows |= {first + row for row in range(*bounds)}
        first += len(document.texts)
    return sorted(rows)


def ends(run: Sequence[tuple[str, object]], start: int, phrase: Sequence[str]) -> set[int]:
    """Return where a phrase that begins at a place may end: a broken word may be read in two ways."""
    places = {start}
    for word in phrase:
        plain = {place + 1 for place in places if place < len(run) and run[place][0].strip("-") == word}
        joined = {
            place + 2
            for place in places
            if place + 1 < len(run)
            and run[place][0].endswith("-")
            and run[place + 1][0].startswith("-")
            and run[place][0].strip("-") + run[place + 1][0].strip("-") == word
        }
        places = plain | joined
    return places


@given(DOCUMENTS, st.lists(st.sampled_from(["a", "b", "ab", "ba", "c", "d"]), min_size=1, max_size=4))
def test_a_phrase_is_found_as_by_comparing_every_place(
    documents: list[DocumentWords], phrase: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        index = write(Path(folder) / "words", documents)
        assert index.rows(phrase).tolist() == holders(documents, phrase)


@given(DOCUMENTS, st.integers(1, 5))
def test_the_files_do_not_depend_on_the_block_size(documents: list[DocumentWords], block: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        write(Path(folder) / "whole", documents)
        patch.setattr(word_sequences, "_BLOCK", block)
        write(Path(folder) / "parts", documents)
        for whole in (Path(folder) / "whole").iterdir():
            assert (Path(folder) / "parts" / whole.name).read_bytes() == whole.read_bytes()


@given(DOCUMENTS)
def test_the_vocabulary_is_every_word_with_its_count(documents: list[DocumentWords]) -> None:
    every = [
        word
        for document in documents
        for words in [*document.texts, *(words for _, _, words in document.contexts)]
        for word in words
    ]
    with tempfile.TemporaryDirectory() as folder:
        index = write(Path(folder) / "words", documents)
        words = list(index.iterate())
        assert words == sorted(set(every))
        assert [index.number(word) for word in words] == list(range(1, len(words) + 1))
        assert index.counts(np.arange(1, len(words) + 1)).tolist() == [every.count(word) for word in words]
        assert index.number("zebra") == index.number("") == index.number("\0") == 0


def test_a_phrase_runs_on_into_the_next_passage_but_not_into_a_title_or_document(tmp_path: Path) -> None:
    documents = [
        DocumentWords([["one", "small"], [], ["step", "for"]], [(0, 3, ["man", "one"])]),
        DocumentWords([["man"]]),
    ]
    index = write(tmp_path / "words", documents)
    assert index.rows(["small", "step"]).tolist() == [0, 1, 2]
    assert index.rows(["one"]).tolist() == [0, 1, 2]
    assert index.rows(["for", "man"]).tolist() == []
    assert index.rows(["man"]).tolist() == [0, 1, 2, 3]


def test_a_broken_word_is_found_whole_and_as_two(tmp_path: Path) -> None:
    index = write(tmp_path / "words", [DocumentWords([["well-", "-known", "know-", "-ledge", "now"]])])
    for phrase in (["well", "known"], ["wellknown"], ["known", "knowledge", "now"], ["ledge", "now"]):
        assert index.rows(phrase).tolist() == [0], phrase
    assert index.rows(["known", "ledge"]).tolist() == []


def test_parts_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "words", [DocumentWords([["a", "b"]])])
    np.save(tmp_path / "words" / "segment_lasts.npy", np.zeros(3, np.int32))
    with pytest.raises(ValueError, match="segments"):
        WordSequences(tmp_path / "words")


@given(DOCUMENTS, st.lists(st.sampled_from(["a", "b", "ab", "c"]), min_size=1, max_size=3))
def test_occurrences_in_a_document_are_those_of_its_text(
    documents: list[DocumentWords], phrase: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sequences = write(Path(folder) / "words", documents)
        first = 0
        for document in documents:
            rows = range(first, first + len(document.texts))
            owners = [(word, row) for row, words in zip(rows, document.texts, strict=True) for word in words]
            expected = [row for place, (_, row) in enumerate(owners) if ends(owners, place, phrase)]
            assert sequences.occurrences(phrase, rows).tolist() == expected
            first = rows.stop
