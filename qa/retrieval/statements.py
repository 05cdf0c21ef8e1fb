"""The sentences of a question's results, and what each says: compared by values and by names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa.text import terms
from qa.types import Hit, Passage, Span

MIN_SHARED = 2
"""So many content words of the question must stand in every sentence that is compared. Chosen."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a passage that states a value."""

    passage: Passage
    span: Span

    @property
    def text(self) -> str:
        """The sentence."""
        return self.passage.slice(self.span)


@dataclass(frozen=True, slots=True)
class Saying:
    """A value, as the first sentence has it, and the sentences that state it, each of another document."""

    value: str
    statements: tuple[Statement, ...]


def statements(hits: Sequence[Hit]) -> Iterator[tuple[Hit, Statement]]:
    """Yield the sentences that answer, those of near-identical passages among them."""
    for hit in hits:
        for answer in hit.answers if hit.relevant else ():
            yield hit, Statement(hit.passage, answer.span)
            words = stems(answer.text)
            for copy in hit.duplicates:
                alike = max(copy.sentences, key=lambda span: len(words & stems(copy.slice(span))))
                yield hit, Statement(copy, alike)


def content_of(hit: Hit) -> frozenset[str]:
    """Return the stems of the question's content words."""
    return stems(" ".join((*hit.matched_terms, *hit.unmatched_terms)))


def stems(text: str) -> frozenset[str]:
    """Return the stems of a text's words."""
    return frozenset(terms.terms(text, ()))


def numbers_of(content: frozenset[str]) -> frozenset[str]:
    """Return those stems that are numbers."""
    return frozenset(term for term in content if any(map(str.isdecimal, term)))
