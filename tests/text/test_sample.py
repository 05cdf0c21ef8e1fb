"""The sample text."""

from __future__ import annotations

from qa.text import sample
from qa.text.language import detect


def test_the_sample_is_english_sentences_without_repetition() -> None:
    lines = sample.lines()
    assert len(lines) == len(set(lines)) > 50
    assert all(line == line.strip() and line[-1] in ".?!" for line in lines)
    assert detect(" ".join(lines)) == "en"
