from __future__ import annotations

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qa.results.permalinks import check, fingerprint_of, is_fingerprint
from qa.types import Span

WORDS = [
    "rice",
    "port",
    "trade",
    "envoy",
    "minister",
    "bank",
    "power",
    "student",
    "visit",
    "rail",
    "rubber",
    "temple",
    "dance",
    "river",
    "bridge",
]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=30, max_size=60).map(" ".join)
QUOTATION = "“The rubber bridge was closed,” said the minister of rail, “for the temple dance by the river.”"


@given(TEXTS, st.data())
def test_an_unchanged_quotation_is_unchanged(text: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True)))
    mark = fingerprint_of(text[start:end])
    assert is_fingerprint(mark)
    assert check(text, Span(start, end), mark) == ("unchanged", Span(start, end))


@given(TEXTS, TEXTS, st.integers(0, 400))
def test_a_moved_quotation_is_located_exactly(before: str, after: str, start: int) -> None:
    text = f"{before} {QUOTATION} {after}"
    place = Span(len(before) + 1, len(before) + 1 + len(QUOTATION))
    assume(start != place.start)
    result = check(text, Span(start, start + len(QUOTATION)), fingerprint_of(QUOTATION))
    assert result == ("moved", place)


def test_the_nearest_of_several_copies_is_returned() -> None:
    text = " and ".join([QUOTATION] * 3)
    second = text.index(QUOTATION, 1)
    result = check(text, Span(second + 3, second + 3 + len(QUOTATION)), fingerprint_of(QUOTATION))
    assert result.span.start == second


@given(TEXTS, TEXTS)
def test_a_reworded_quotation_is_located(before: str, after: str) -> None:
    now = QUOTATION.replace("closed", "opened").replace("dance", "feast")
    text = f"{before} {now} {after}"
    state, span = check(text, Span(0, len(QUOTATION)), fingerprint_of(QUOTATION))
    assert state == "altered"
    assert span.start < len(before) + 1 + len(now)
    assert span.end > len(before) + 1
    assert "minister of rail" in span.slice(text)


@given(TEXTS)
def test_a_deleted_quotation_is_gone(text: str) -> None:
    lost = "Nothing of this sentence, whatever it says, occurs in any other."
    assert check(text, Span(0, len(lost)), fingerprint_of(lost)) == ("gone", None)
    assert check("", Span(5, 9), fingerprint_of(lost)) == ("gone", None)


def test_quotations_without_a_pair_of_words_can_be_checked() -> None:
    for odd in ("…", "a", "😀", "\n"):
        assert check(f"x{odd}", Span(1, 1 + len(odd)), fingerprint_of(odd)).state == "unchanged"
        assert check("", Span(1, 1 + len(odd)), fingerprint_of(odd)).state == "gone"
    assert check("b c a d", Span(0, 1), fingerprint_of("a")).state in {"moved", "gone"}
    for wrong in (
        "",
        "xyz",
        "0" * 16,
        "0" * 18,
        fingerprint_of(QUOTATION) + "0",
        fingerprint_of(QUOTATION).upper(),
    ):
        assert not is_fingerprint(wrong)


@pytest.mark.parametrize("words", ["a b ", "a b c d e f g h i j ", "\n", "ab"])
def test_checking_a_quotation_takes_bounded_time(words: str) -> None:
    text = words * (4_000_000 // len(words))
    quotation = f"{words * 100} gone from here"
    started = time.process_time()
    check(text, Span(2_000_001, 2_004_001), fingerprint_of(quotation))
    assert time.process_time() - started < 1.5
