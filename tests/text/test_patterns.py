"""Line ends, paragraphs, ends of sentences and list items."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text import patterns
from qa.types import Span

_TEXTS = st.text("ab \t\r\n\f、", max_size=30)


def _whole(text: str) -> Span:
    return Span(0, len(text))


@given(_TEXTS)
def test_lines_are_those_between_line_ends_of_any_kind(text: str) -> None:
    lines = re.split("\r\n|\r|\n", text)
    assert patterns.lines(text) == lines
    assert [span.slice(text) for span in patterns.line_spans(text, _whole(text))] == lines
    assert patterns.has_line_break(text) == (len(lines) > 1)
    assert len(patterns.line_breaks(text, _whole(text))) == len(lines) - 1


@given(_TEXTS)
def test_lines_with_their_ends_make_the_text(text: str) -> None:
    lines = list(patterns.lines_with_ends(text))
    assert "".join(lines) == text
    bare = [line.rstrip("\r\n") for line in lines]
    assert patterns.lines(text) in (bare, [*bare, ""])


@given(_TEXTS)
def test_a_paragraph_has_no_blank_line_within(text: str) -> None:
    for paragraph in patterns.paragraphs(text):
        assert all(line.strip() for line in patterns.lines(paragraph)[1:-1])


@given(st.lists(st.sampled_from(["a", "b c", "d\ne"]), min_size=1), st.sampled_from(["\n", "\r\n", "\r"]))
def test_blank_lines_separate_paragraphs(paragraphs: list[str], end: str) -> None:
    text = (end + " \t" + end).join(paragraphs)
    assert patterns.paragraphs(text) == paragraphs
    assert [span.slice(text) for span in patterns.paragraph_spans(text, _whole(text))] == paragraphs


def test_a_page_break_separates_paragraphs_of_passages_only() -> None:
    text = "a\fb\n\nc"
    assert patterns.paragraphs(text) == ["a\fb", "c"]
    assert [span.slice(text) for span in patterns.paragraph_spans(text, _whole(text))] == ["a", "b", "c"]


@given(_TEXTS, st.integers(0, 30), st.integers(0, 30))
def test_spans_stay_within_their_part_of_the_text(text: str, start: int, end: int) -> None:
    part = Span(*sorted((min(start, len(text)), min(end, len(text)))))
    for split in (patterns.paragraph_spans, patterns.line_spans, patterns.word_spans):
        spans = list(split(text, part))
        assert all(part.start <= span.start <= span.end <= part.end for span in spans)
        assert "".join("".join(span.slice(text).split()) for span in spans) == "".join(
            part.slice(text).split()
        )
    assert patterns.trimmed(text, part).slice(text) == part.slice(text).strip()


def test_words_end_at_white_space_and_behind_chinese_commas() -> None:
    text = "rice  and、fish"
    assert [span.slice(text) for span in patterns.word_spans(text, _whole(text))] == ["rice", "and、", "fish"]


@given(st.text("ab.!?…:;,。！？،។\"'»”’)]", max_size=8))
def test_a_mark_at_the_end_counts_behind_closing_quotation_marks(text: str) -> None:
    for marks in (patterns.SENTENCE_MARKS, patterns.PROSE_MARKS, patterns.PROSE_MARKS_OF_ALL_SCRIPTS):
        pattern = "[" + re.escape("".join(sorted(marks))) + "][\"'»”’)\\]]*$"
        assert patterns.ends_with_mark(text, marks) == bool(re.search(pattern, text))


def test_what_ends_prose_need_not_end_a_sentence() -> None:
    assert not patterns.ends_with_mark("rice,", patterns.SENTENCE_MARKS)
    assert patterns.ends_with_mark("rice,", patterns.PROSE_MARKS)
    assert not patterns.ends_with_mark("កម្ពុជា។", patterns.PROSE_MARKS)
    assert patterns.ends_with_mark("កម្ពុជា។", patterns.PROSE_MARKS_OF_ALL_SCRIPTS)


@pytest.mark.parametrize(
    ("line", "is_item", "may_be_item"),
    [
        ("- rice", True, True),
        ("• rice", True, True),
        ("(12) rice", True, True),
        ("a) rice", True, True),
        ("iii. rice", False, True),
        ("Mr. Rice", False, True),
        ("  - rice", True, False),
        ("1234. rice", False, False),
        ("-rice", False, False),
        ("Rice", False, False),
    ],
)
def test_list_items(line: str, *, is_item: bool, may_be_item: bool) -> None:
    assert patterns.is_list_item(line) == is_item
    assert patterns.may_be_list_item(line) == may_be_item


def test_a_bullet_needs_no_space_and_a_dash_is_none() -> None:
    assert patterns.begins_with_bullet("•rice")
    assert not any(map(patterns.begins_with_bullet, ("- rice", "rice", "")))
