"""Negations, told by words."""

from __future__ import annotations

import pytest

from qa.text.negation import is_negated


@pytest.mark.parametrize(
    "text",
    [
        "Which ports were not closed?",
        "Which ports weren't closed?",
        "Which ports weren’t closed?",
        "NEVER again",
        "Wer war nicht dabei?",
        "Außer Bremen",
        "Кто не приехал?",
        "Sans les ports",
    ],
)
def test_negations_are_seen(text: str) -> None:
    assert is_negated(text)


@pytest.mark.parametrize(
    "text", ["", "Nobel and Norway", "The note was noted", "a canton", "Небо и нить", "nietsche", "nonstop"]
)
def test_words_that_only_begin_like_negations_are_none(text: str) -> None:
    assert not is_negated(text)
