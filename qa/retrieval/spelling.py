"""Slips of the keyboard in a question: which words are corrected, and which stand nowhere.

A word is corrected if nobody knows it: no document holds it, the languages of the documents lack it, and the
model has no token for it. Then ``qa.retrieval.meant_words`` finds what was meant, or the word and the one
beside it are one with a space too many. A question that makes sense only if the keyboard is set to another
layout is typed anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, pairwise

import numpy as np
import regex
from numpy.typing import NDArray

from qa.embedding.model_protocols import Encoder
from qa.index.lexical.term_matches import hash_terms
from qa.retrieval.meant_words import SHORTEST, WORD, MeantWords, compared_word, typed_at
from qa.retrieval.query import Question
from qa.stores.protocol import Corpus
from qa.text import language, terms
from qa.text.keyboard_layouts import retyped
from qa.text.word_comparison import phrase_words
from qa.types import Span

_CHUNK = regex.compile(r"\S++")
_CLOSING = ".,;:!?"

_LONGEST = 30
"""A longer word is not corrected: hardly any real word is longer. Chosen."""

_ABBREVIATION = 5
"""Capitals of up to so many letters are an abbreviation. Chosen."""

_MOSTLY_KNOWN = 0.75
"""If so large a share of a question's longer words is known, it is in one of the documents' languages. Short
words are in several: "in", "die" and "war" are English and German. Chosen."""

_TWICE = 1
"""In so many words of a question are two slips looked for, so that its time is bounded. Chosen."""


class Speller:
    """Corrects questions by what one generation knows. Any number of threads may share it."""

    def __init__(self, corpus: Corpus, encoder: Encoder, languages: Sequence[str]) -> None:
        """Correct by the words of a generation, in its languages and as its model knows them."""
        self._corpus = corpus
        self._encoder = encoder
        self._languages = languages
        self._meant_words = MeantWords(corpus, languages)

    def correct(self, asked: Question) -> str | None:
        """Return a question as it is written without its slips; None if it has none.

        Words in quotes, and those after a sign, are meant as they stand.
        """
        question = asked.written
        exact = [condition.span for condition in asked.conditions]
        words, strange = self._not_held(question, exact)
        if not words:
            return None
        if strange and not exact and (other := self._retyped(question, strange)):
            return other
        if self._is_foreign(asked.text):
            return None
        corrections = dict(sorted(self._corrections(question, exact, strange)))
        return "".join(_replaced(question, corrections.items())) if corrections else None

    def missing(self, question: str) -> tuple[str, ...]:
        """Return the words of a question that stand nowhere in the documents, without common words."""
        held, common = self._corpus.lexical, self._corpus.lexical.common
        words: dict[str, None] = {}
        for span, stems in terms.words(question, self._languages):
            hashes, word = hash_terms(stems), span.slice(question)
            if any(map(str.isalnum, word)) and (held.look_up(hashes)[0] < 0).all():
                words |= dict.fromkeys([word] if common.isdisjoint(hashes.tolist()) else [])
        return () if words and self._is_foreign(question) else tuple(words)

    def _is_foreign(self, question: str) -> bool:
        """Whether a question is in none of the documents' languages: then it has no slips in them.

        It isn't if most of its longer words are known. To identify a language takes more time and memory.
        """
        longer = [word for word in phrase_words(question) if len(word) >= SHORTEST]
        if not self._languages or (longer and self._known(longer).mean() >= _MOSTLY_KNOWN):
            return False
        return language.foreign_languages(question, self._languages).issuperset(self._languages)

    def _not_held(self, question: str, exact: Sequence[Span]) -> tuple[list[Span], list[Span]]:
        """Return where words stand that no document holds, and which of them no language knows, either.

        What is exact is left out.
        """
        matches = (Span(*match.span()) for match in WORD.finditer(question))
        spans = [span for span in matches if not any(start <= span.start < end for start, end in exact)]
        counts, is_real = self._corpus.spelling.look_up(compared_word(span.slice(question)) for span in spans)
        words = list(compress(spans, (counts == 0).tolist()))
        return words, list(compress(spans, ((counts == 0) & ~is_real).tolist()))

    def _known(self, words: Sequence[str]) -> NDArray[np.bool_]:
        """Return which words documents or languages know, shape (words,)."""
        counts, is_real = self._corpus.spelling.look_up(words)
        return (counts > 0) | is_real

    def _are_known(self, text: str) -> bool:
        """Whether a text consists of words, all of which documents or languages know."""
        words = phrase_words(text)
        return bool(words) and bool(self._known(words).all())

    def _are_held(self, text: str) -> bool:
        return bool(self._corpus.spelling.look_up(phrase_words(text))[0].all())

    def _retyped(self, question: str, strange: Sequence[Span]) -> str | None:
        """Return a question as another keyboard layout has it, if all its strange words are known there.

        Words that documents hold stay, so that a name in another script may stand among them.
        """
        chunks = [Span(*match.span()) for match in _CHUNK.finditer(question)]
        is_strange = [any(chunk.start <= span.start < chunk.end for span in strange) for chunk in chunks]
        long = [len(chunk.slice(question)) >= SHORTEST for chunk in chunks]
        if not any(a and b for a, b in zip(is_strange, long, strict=True)):
            return None
        for other in retyped(question):
            words = [self._retyped_word(chunk.slice(question), chunk.slice(other)) for chunk in chunks]
            if all(word or not doubtful for word, doubtful in zip(words, is_strange, strict=True)):
                kept = [
                    word if word and (doubtful or not self._are_held(chunk.slice(question))) else None
                    for chunk, word, doubtful in zip(chunks, words, is_strange, strict=True)
                ]
                return "".join(_replaced(question, zip(chunks, kept, strict=True)))
        return None

    def _retyped_word(self, typed: str, other: str) -> str | None:
        """Return a known word with the marks that close it, some of which are letters on the other layout."""
        if self._are_known(other):
            return other
        end = len(typed.rstrip(_CLOSING))
        return other[:end] + typed[end:] if end < len(typed) and self._are_known(other[:end]) else None

    def _corrections(
        self, question: str, exact: Sequence[Span], strange: Sequence[Span]
    ) -> Iterator[tuple[Span, str]]:
        joined = dict(self._joined(question, exact))
        yield from joined.items()
        twice = _TWICE
        for span in strange:
            word = span.slice(question)
            if any(start <= span.start < end for start, end in joined) or _is_code(word):
                continue
            if self._encoder.count_tokens([word]) == [1]:
                continue
            if meant := self._meant_words.meant(typed_at(question, span), twice=twice > 0):
                yield span, meant
            twice -= 1

    def _joined(self, question: str, exact: Sequence[Span]) -> Iterator[tuple[Span, str]]:
        """Yield the words that are one with a space too many, at least one of which no document holds."""
        end = 0
        for one, other in pairwise(Span(*match.span()) for match in WORD.finditer(question)):
            whole = Span(one.start, other.end)
            if one.start < end or not question[one.end : other.start].isspace():
                continue
            if any(start < whole.end and whole.start < stop for start, stop in exact):
                continue
            parts = one.slice(question), other.slice(question)
            if self._are_one(*map(compared_word, parts)):
                end = whole.end
                yield whole, "".join(parts)

    def _are_one(self, *parts: str) -> bool:
        """Whether two words are one that documents hold, or one of their languages."""
        counts, is_real = self._corpus.spelling.look_up([*parts, "".join(parts)])
        if counts[:2].all() or len(parts[0] + parts[1]) <= SHORTEST:
            return False
        return bool(counts[2] or (is_real[2] and not (is_real | (counts > 0))[:2].all()))


def _replaced(question: str, words: Iterable[tuple[Span, str | None]]) -> Iterator[str]:
    end = 0
    for span, word in words:
        yield question[end : span.start]
        yield span.slice(question) if word is None else word
        end = span.end
    yield question[end:]


def _is_code(word: str) -> bool:
    """Whether a word is too short or too long, or an abbreviation such as NATO."""
    return not SHORTEST <= len(word) <= _LONGEST or (word.isupper() and len(word) <= _ABBREVIATION)
