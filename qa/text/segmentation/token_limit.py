"""Text that is longer than the model reads, split into parts that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import ceil

from qa.text.patterns import word_spans
from qa.text.segmentation.sentences import split_sentences
from qa.types import Span

CountTokens = Callable[[Sequence[str]], Sequence[int]]
"""Counts the tokens that the embedding model makes of each text."""

_MAX_CHARACTERS_PER_TOKEN = 16
"""A tokenizer may fold a word that it cannot read, however long, into one token: count more for it."""


class TokenLimit:
    """Counts the tokens of spans of one text, and splits what is over the limit."""

    def __init__(self, text: str, count_tokens: CountTokens, max_tokens: int) -> None:
        self.text = text
        self.max_tokens = max_tokens
        self._count_tokens = count_tokens

    def count(self, spans: Sequence[Span]) -> list[int]:
        """Count each span's tokens. A span whose length alone is over the limit is not tokenized."""
        lowest = [ceil((end - start) / _MAX_CHARACTERS_PER_TOKEN) for start, end in spans]
        measured = [span for span, low in zip(spans, lowest, strict=True) if low <= self.max_tokens]
        counts = iter(self._count_tokens([span.slice(self.text) for span in measured]))
        return [max(low, next(counts)) if low <= self.max_tokens else low for low in lowest]

    def split(self, span: Span, check: Callable[[], None]) -> Iterator[Span]:
        """Split a span into even parts within the limit: at sentence ends, else words, else characters."""
        units = split_sentences(self.text, span, None, check)
        for split_finer in (self._words, self._characters):
            counts = self.count(units)
            units = [
                part
                for unit, count in zip(units, counts, strict=True)
                for part in (split_finer(unit) if count > self.max_tokens else [unit])
            ]
        return _pack(units, self.count(units), self.max_tokens)

    def _words(self, span: Span) -> list[Span]:
        return list(word_spans(self.text, span))

    def _characters(self, span: Span) -> list[Span]:
        width = max(1, self.max_tokens // 4)  # a tokenizer of bytes makes up to four tokens of a character
        return [Span(start, min(start + width, span.end)) for start in range(span.start, span.end, width)]


def _pack(units: Sequence[Span], counts: Sequence[int], limit: int) -> Iterator[Span]:
    """Join neighbouring units into as few and as even spans as the limit allows."""
    fewest, size = 1, 0
    for count in counts:
        fewest, size = (fewest + 1, count) if size and size + count > limit else (fewest, size + count)
    even = sum(counts) / fewest
    start, size = 0, 0
    for i, count in enumerate(counts):
        if size and (size + count > limit or size + count / 2 > even):
            yield Span(units[start].start, units[i - 1].end)
            start, size = i, 0
        size += count
    yield Span(units[start].start, units[-1].end)
