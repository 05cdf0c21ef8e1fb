"""What the shared data can do besides hold values."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.types import Document, Filters, IndexInfo, Metadata, Passage, ReadFailure, Span

_DOCUMENT = Document("0" * 16, "a.txt", "text/plain", "0" * 64, Metadata(), 99, 1)


@given(st.text(max_size=20), st.data())
def test_a_span_of_a_passage_is_the_span_of_its_document(text: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*(st.integers(0, len(text)),) * 2)))
    whole = Span(start, end)
    passage = Passage(f"0:{start}-{end}", _DOCUMENT, whole, whole.slice(text), ())
    first, last = sorted(data.draw(st.tuples(*(st.integers(start, end),) * 2)))
    assert passage.slice(Span(first, last)) == Span(first, last).slice(text) == text[first:last]


@pytest.mark.parametrize("name", [field.name for field in fields(Filters)])
def test_filters_are_true_as_soon_as_one_is_set(name: str) -> None:
    assert not Filters()
    value = "2020-01-01" if name.startswith("date") else ("x",)
    assert replace(Filters(), **{name: value})


def test_failures_that_are_not_named_are_counted() -> None:
    failures = (ReadFailure("a.pdf", "it is empty"), ReadFailure("b.csv", "no text", count=4))
    info = IndexInfo("g", "m", 1, 1, 1, "2024-01-01T00:00:00+00:00", failures, failure_count=12)
    assert info.unnamed_failures == 7


def test_nothing_can_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        _DOCUMENT.path = "b.txt"  # type: ignore[misc]
