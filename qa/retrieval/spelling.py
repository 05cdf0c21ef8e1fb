"""Slips of the keyboard in a question: which words are corrected, and into what.

A word is corrected if nobody knows it: no document holds it, the languages of the documents lack it, and the
model has no token for it. What was meant is then one slip away (``qa.text.slips``): mostly a word of the
documents, or else one of their languages, and clearly the likeliest one. If documents hold the word's stem,
what was meant has that stem.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, compress
from math import log10

import numpy as np
import regex

from qa.embedding.model_protocols import Encoder
from qa.index.lexical.term_matches import hash_terms, look_up_terms
from qa.retrieval.query import Question
from qa.stores.protocol import Corpus
from qa.text import language, terms
from qa.text.segmentation.passages import context
from qa.text.slips import meant_words, slip_cost
from qa.text.word_comparison import phrase_words
from qa.types import Span

_WORD = regex.compile(r"(?<![\p{L}\p{M}\p{N}])\p{L}[\p{L}\p{M}]*+(?![\p{N}])")
_SHORTEST = 4
"""A shorter word is not corrected: too many others are one slip away. Chosen; of one of four letters, only a
letter can have been dropped."""

_LONGEST = 30
"""Nor is a longer one: hardly any real word is longer. Chosen."""

_ABBREVIATION = 5
"""Capitals of up to so many letters are an abbreviation. Chosen."""

_FREQUENCY = 0.15
"""How much a word's cost sinks where it stands ten times as often in the documents. Chosen."""

_NOT_HELD = 0.45
_MOST_NOT_HELD = 0.8
"""What is added for a word that no document holds, and the highest cost of a slip of which one is taken.
Chosen: otherwise names that are nowhere become words that are."""

_MOST = 1.3
_MARGIN = 0.1
"""The highest cost at which a word is taken, and by how much the next one must be costlier. Measured on the
sets with slips: ``benchmarks/README.md``."""

_SHOWN = 5
"""In so many passages is looked how a word is written. Chosen."""


class Speller:
    """Corrects questions by what one generation knows. Any number of threads may share it."""

    def __init__(self, corpus: Corpus, encoder: Encoder, languages: Sequence[str]) -> None:
        """Correct by the words of a generation, in its languages and as its model knows them."""
        self._corpus = corpus
        self._encoder = encoder
        self._languages = languages

    def correct(self, asked: Question) -> str | None:
        """Return a question as it is written without its slips; None if it has none.

        Words in quotes, and those after a sign, are meant as they stand.
        """
        question = asked.written
        unknown = self._unknown(question, [condition.span for condition in asked.conditions])
        if not unknown or self._is_foreign(asked.text):
            return None
        first = min((match.start() for match in _WORD.finditer(question)), default=0)
        pieces, end = [], 0
        for span in unknown:
            typed = span.slice(question)
            if meant := self._meant(typed, is_first=span.start == first):
                pieces += [question[end : span.start], meant]
                end = span.end
        return "".join([*pieces, question[end:]]) if pieces else None

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
        """Whether a question is in none of the documents' languages: then they know none of its words.

        It isn't if it has a common word of theirs. To identify a language takes more time and memory.
        """
        hashes = hash_terms(terms.terms(question, self._languages))
        if not self._languages or not self._corpus.lexical.common.isdisjoint(hashes.tolist()):
            return False
        return language.foreign_languages(question, self._languages).issuperset(self._languages)

    def _unknown(self, question: str, exact: Sequence[Span]) -> list[Span]:
        """Return where the words stand that nobody knows, outside of what is exact."""
        spans = [
            Span(*match.span())
            for match in _WORD.finditer(question)
            if _may_be_slip(match.group()) and not any(start <= match.start() < end for start, end in exact)
        ]
        compared = [_compared(span.slice(question)) for span in spans]
        counts, is_real = self._corpus.spelling.look_up(compared)
        doubtful = [span for span, known in zip(spans, (counts > 0) | is_real, strict=True) if not known]
        return [span for span in doubtful if self._encoder.count_tokens([span.slice(question)]) != [1]]

    def _stems(self, word: str) -> set[str]:
        return set(chain.from_iterable(stems for _, stems in terms.words(word, self._languages)))

    def _held_stems(self, word: str) -> set[str]:
        """Return the stems of a word that documents hold."""
        stems = sorted(self._stems(word))
        numbers, _ = self._corpus.lexical.look_up(hash_terms(stems))
        return set(compress(stems, (numbers >= 0).tolist()))

    def _meant(self, typed: str, *, is_first: bool) -> str | None:
        """Return the word that was meant, as the documents write it; None if that isn't clear."""
        ranked = sorted(self._candidates(_compared(typed)))
        if stems := self._held_stems(typed):
            ranked = [candidate for candidate in ranked if not stems.isdisjoint(self._stems(candidate[1]))]
        if not ranked or ranked[0][0] > _MOST:
            return None
        if len(ranked) > 1 and ranked[1][0] - ranked[0][0] < _MARGIN:
            return None
        _, meant, is_held = ranked[0]
        if len(typed) == _SHORTEST and len(meant) == _SHORTEST:
            return None
        written = self._written(meant) if is_held else Counter()
        is_name = typed[0].isupper() and not typed.isupper() and not is_first
        if is_name and not any(form[0].isupper() for form in written):
            return None  # a name is no slip of a common word
        return _in_case(typed, meant, written)

    def _candidates(self, typed: str) -> Iterator[tuple[float, str, bool]]:
        """Yield the cost of each known word that may have been meant, and whether a document holds it."""
        words = list(meant_words(typed))
        counts, is_real = self._corpus.spelling.look_up(words)
        for i in np.flatnonzero((counts > 0) | is_real).tolist():
            word, cost = words[i], slip_cost(typed, words[i])
            if len(word) < _SHORTEST:
                continue
            if counts[i]:
                yield cost - _FREQUENCY * log10(counts[i]), word, True
            elif cost <= _MOST_NOT_HELD:
                yield cost + _NOT_HELD, word, False

    def _written(self, word: str) -> Counter[str]:
        """Count how a word is written in the first passages that hold it."""
        rows, _ = look_up_terms(self._stems(word), self._corpus.lexical).scores.top(_SHOWN)
        forms: Counter[str] = Counter()
        for passage in self._corpus.store.passages(rows.tolist()):
            text = f"{context(passage.document.metadata, passage.section)} {passage.text}"
            forms.update(form for form in _WORD.findall(text) if _compared(form) == word)
        return forms


def _compared(word: str) -> str:
    return "".join(phrase_words(word))


def _may_be_slip(word: str) -> bool:
    """Whether a word is neither too short nor a code such as NATO or userID."""
    if not _SHORTEST <= len(word) <= _LONGEST:
        return False
    if word.isupper():
        return len(word) > _ABBREVIATION
    return not any(map(str.isupper, word[1:]))


def _in_case(typed: str, meant: str, written: Counter[str]) -> str:
    """Return a word as the documents write it, in small letters or capitals as it was typed.

    >>> _in_case("Tsela", "tesla", Counter(["TESLA", "Tesla", "Tesla"]))
    'Tesla'
    >>> _in_case("uberraschng", "uberraschung", Counter(["Überraschung"]))
    'überraschung'
    """
    form = written.most_common(1)[0][0] if written else meant
    if typed.isupper():
        return form.upper()
    if any(map(str.isupper, form[1:])) and not form.isupper():
        return form
    return form.capitalize() if typed[0].isupper() else form.lower()
