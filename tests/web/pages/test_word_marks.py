from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from qa.types import Document, Metadata, Passage, Span
from qa.web.pages.word_marks import word_marks

TEXT = "Ports closed. The port of Été opened again. A new-port PORTS well-known."


def passage(text: str, start: int = 100, language: str | None = "en") -> Passage:
    document = Document("d", "d.txt", "text/plain", "0" * 64, Metadata(), len(text), 1)
    span = Span(start, start + len(text))
    return Passage("d:0-1", document, span, text, (span,), language=language)


def marked(own: Passage, words: list[str], phrases: list[str], answer: Span) -> list[str]:
    return [own.slice(mark.span) for mark in word_marks(own, words, phrases, answer) if mark.kind == "word"]


def test_words_are_marked_in_all_their_forms_but_not_in_the_answer() -> None:
    own = passage(TEXT)
    start = 100 + TEXT.index("The port")
    answer = Span(start, start + len("The port of Été opened again."))
    assert marked(own, ["port", "ete", "open"], [], answer) == ["Ports", "port", "PORTS"]
    assert marked(own, [], [], answer) == []


def test_phrases_are_marked_as_a_whole() -> None:
    own = passage(TEXT)
    assert marked(own, ["known"], ["well known"], Span(100, 113)) == ["well-known"]


def test_russian_words_are_marked_in_other_cases() -> None:
    own = passage("Договор готов. Встреча с договорами.", language="ru")
    assert marked(own, ["договор"], [], Span(100, 114)) == ["договорами"]


@given(
    st.text(max_size=60),
    st.lists(st.text(min_size=1, max_size=5), max_size=4),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_marks_are_ordered_disjoint_and_inside(text: str, words: list[str], one: int, other: int) -> None:
    own = passage(text)
    answer = Span(100 + min(one, other, len(text)), 100 + min(max(one, other), len(text)))
    marks = word_marks(own, words, words, answer)
    assert all(own.span.start <= mark.span.start <= mark.span.end <= own.span.end for mark in marks)
    assert all(a.span.end <= b.span.start for a, b in itertools.pairwise(marks))
    assert [mark.span for mark in marks if mark.kind == "sentence"] == [answer]
