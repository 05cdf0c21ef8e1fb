"""What was meant by a word of a question that nobody knows.

It is one slip away (``qa.text.slips``): mostly a word of the documents, or else one of their languages, and
clearly the likeliest one. If documents hold the word's stem, it is a form of one of their words, unless its
ending is missing. Or else a space is missing, or two slips were made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from math import log10
from typing import NamedTuple

import numpy as np
import regex

from qa.index.lexical.term_matches import hash_terms, look_up_terms
from qa.stores.protocol import Corpus
from qa.text import terms
from qa.text.segmentation.passages import context
from qa.text.slips import meant_words, slip_cost, twice_meant_words
from qa.text.word_comparison import phrase_words
from qa.types import Filters, Phrases, Span

WORD = regex.compile(r"(?<![\p{L}\p{M}\p{N}])\p{L}[\p{L}\p{M}]*+(?![\p{N}])")
SHORTEST = 4
"""A shorter word is not corrected: too many others are one slip away. Chosen; of one of four letters, only a
letter can have been dropped."""

_TWICE = range(7, 13)
"""How long a word is in which two slips are looked for. Chosen: a shorter one is two slips away from too many
others, and for a longer one there are more than fifty thousand possibilities."""

_FREQUENCY = 0.15
"""How much a word's cost sinks where it stands ten times as often in the documents. Chosen."""

_NOT_HELD = 0.45
_MOST_NOT_HELD = 0.8
"""What is added for a word that no document holds, and the highest cost of a slip of which one is taken.
Chosen: otherwise names that are nowhere become words that are."""

_LETTERS_OF_ENDING = 3
_ENDING = 0.4
_SPACE = 1.0
_APART = 0.3
"""How many letters an ending may have; what is added for a slip there in languages other than English, whose
words no list has in all forms; the cost of a missing space; and what is added where documents don't hold the
two words side by side. Chosen."""

_COMPOUNDING = frozenset({"da", "de", "et", "fi", "hu", "is", "nb", "nl", "nn", "no", "sv"})
"""Languages that write two words as one: there, only words that stand side by side are missing a space."""

_BESIDE = 0.3
_COMPARED = 5
"""How much a word's cost sinks if it stands somewhere beside the same word as in the question, and for how
many of the likeliest words that is looked up. Chosen."""

_MOST = 1.3
_MOST_OF_NAMES = 0.9
_MOST_OF_TWO = 1.6
_MARGIN = 0.1
"""The highest cost at which a word is taken: for one slip, for one in a name, for two; and by how much the
next one must be costlier. Measured on the sets with slips: ``benchmarks/README.md``."""

_SHOWN = 5
"""In so many passages is looked how a word is written. Chosen."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A word of a question.

    Attributes:
        word: as it was typed.
        before, after: the words beside it, as they are compared; empty where there are none.
        is_name: whether it has a capital that doesn't begin the question.
    """

    word: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    is_name: bool

    @property
    def compared(self) -> str:
        """The word as words are compared."""
        return compared_word(self.word)


def compared_word(word: str) -> str:
    """Return a word as words are compared, in one piece."""
    return "".join(phrase_words(word))


def typed_at(question: str, span: Span) -> Typed:
    """Return the word at a place of a question."""
    word, first = span.slice(question), WORD.search(question)
    is_first = first is not None and first.start() == span.start
    return Typed(
        word,
        phrase_words(question[: span.start])[-1:],
        phrase_words(question[span.end :])[:1],
        is_name=word[0].isupper() and not word.isupper() and not is_first,
    )


class _Candidate(NamedTuple):
    """What may have been meant: its cost, its words as they are compared, whether documents hold them."""

    cost: float
    words: tuple[str, ...]
    is_held: bool = True


class MeantWords:
    """Finds what was meant by the words that one generation knows. Any number of threads may share it."""

    def __init__(self, corpus: Corpus, languages: Sequence[str]) -> None:
        """Look among the words of a generation, and of its languages."""
        self._corpus = corpus
        self._languages = languages
        self._compounds = not _COMPOUNDING.isdisjoint(languages)
        self._inflects = set(languages) != {"en"}

    def meant(self, typed: Typed, *, twice: bool) -> str | None:
        """Return what was meant, as the documents write it; None if that isn't clear.

        Args:
            typed: a word that nobody knows.
            twice: whether to look for two slips, too, which takes up to a tenth of a second.
        """
        if stems := self._held_stems(typed.word):
            once = self._one_slip(typed.compared)
            same = (one for one in once if not stems.isdisjoint(self._stems(one.words[0])))
            if self._inflects or typed.compared not in stems:
                same = (one for one in same if not _differ_in_ending(typed.compared, one.words[0]))
            return self._clearest(typed, same, _MOST)
        if any(map(str.isupper, typed.word[1:])) and not typed.word.isupper():
            return self._clearest(typed, self._in_two(typed), _MOST)
        once = chain(self._one_slip(typed.compared), self._in_two(typed))
        if meant := self._clearest(typed, once, _MOST_OF_NAMES if typed.is_name else _MOST):
            return meant
        if not twice or len(typed.compared) not in _TWICE or typed.is_name:
            return None
        return self._clearest(typed, self._two_slips(typed.compared), _MOST_OF_TWO)

    def _clearest(self, typed: Typed, candidates: Iterable[_Candidate], most: float) -> str | None:
        """Return the likeliest candidate as it is written, if it is likely and clearly the likeliest."""
        likeliest = sorted(candidates)[:_COMPARED]
        beside = [self._stands_beside(typed, one.words) for one in likeliest]
        ranked = sorted(
            (one.cost - _BESIDE * stands, one, stands)
            for one, stands in zip(likeliest, beside, strict=True)
            if one.cost - _BESIDE * stands <= most + _MARGIN
        )
        if not ranked or ranked[0][0] > most:
            return None
        if len(ranked) > 1 and ranked[1][0] - ranked[0][0] < _MARGIN:
            return None
        _, (_, words, is_held), stands_beside = ranked[0]
        if len(typed.word) == SHORTEST and len(words[0]) == SHORTEST:
            return None
        forms = [self._written(word) if is_held else Counter() for word in words]
        if typed.is_name and not (stands_beside or any(form[0].isupper() for form in forms[0])):
            return None  # a name is no slip of a common word
        return _in_case(typed.word, words, forms)

    def _one_slip(self, typed: str) -> Iterator[_Candidate]:
        words = list(meant_words(typed))
        counts, is_real = self._corpus.spelling.look_up(words)
        for i in np.flatnonzero((counts > 0) | is_real).tolist():
            word, cost = words[i], slip_cost(typed, words[i])
            if self._inflects and _differ_in_ending(typed, word):
                cost += _ENDING
            if len(word) < SHORTEST:
                continue
            if counts[i]:
                yield _Candidate(cost - _FREQUENCY * log10(counts[i]), (word,))
            elif cost <= _MOST_NOT_HELD:
                yield _Candidate(cost + _NOT_HELD, (word,), is_held=False)

    def _two_slips(self, typed: str) -> Iterator[_Candidate]:
        words = list(twice_meant_words(typed))
        counts, _ = self._corpus.spelling.look_up(words)
        for i in np.flatnonzero(counts).tolist():
            if len(words[i]) >= _TWICE.start - 1 and not _differ_in_ending(typed, words[i]):
                cost = slip_cost(typed, words[i]) - _FREQUENCY * log10(counts[i])
                yield _Candidate(cost, (words[i],))

    def _in_two(self, typed: Typed) -> Iterator[_Candidate]:
        """Yield the pairs of words that were typed without the space between them."""
        word = typed.compared
        capitals = [place for place, sign in enumerate(typed.word) if place and sign.isupper()]
        places = range(1, len(word)) if typed.word.isupper() or not capitals else capitals
        parts = [(word[:place], word[place:]) for place in places if place < len(word)]
        counts, _ = self._corpus.spelling.look_up(chain.from_iterable(parts))
        for pair, rarer in zip(parts, counts.reshape(-1, 2).min(1).tolist(), strict=True):
            if not rarer or not all(self._may_stand_alone(part) for part in pair):
                continue
            cost = _SPACE - _FREQUENCY * log10(rarer)
            if self._is_held(pair):
                yield _Candidate(cost, pair)
            elif not (self._compounds or typed.is_name or capitals):
                yield _Candidate(cost + _APART, pair)

    def _may_stand_alone(self, part: str) -> bool:
        """Whether a part of a word may be a word: others of few letters stand in most long words."""
        return len(part) >= SHORTEST or self._is_common(part)

    def _is_common(self, word: str) -> bool:
        return not self._corpus.lexical.common.isdisjoint(hash_terms(self._stems(word)).tolist())

    def _stands_beside(self, typed: Typed, words: tuple[str, ...]) -> bool:
        """Whether words stand beside one of those in the question that say something."""
        return any(
            bool(one) and not self._is_common(one[0]) and self._is_held(pair)
            for one, pair in [
                (typed.before, typed.before + words[:1]),
                (typed.after, words[-1:] + typed.after),
            ]
        )

    def _is_held(self, phrase: tuple[str, ...]) -> bool:
        return len(self._corpus.allow(Filters(), Phrases(required=(phrase,)))) > 0

    def _stems(self, words: str) -> set[str]:
        return set(chain.from_iterable(stems for _, stems in terms.words(words, self._languages)))

    def _held_stems(self, word: str) -> set[str]:
        """Return the stems of a word that documents hold."""
        stems = sorted(self._stems(word))
        numbers, _ = self._corpus.lexical.look_up(hash_terms(stems))
        return set(compress(stems, (numbers >= 0).tolist()))

    def _written(self, word: str) -> Counter[str]:
        """Count how a word is written in the first passages that hold it."""
        rows, _ = look_up_terms(self._stems(word), self._corpus.lexical).scores.top(_SHOWN)
        forms: Counter[str] = Counter()
        for passage in self._corpus.store.passages(rows.tolist()):
            text = f"{context(passage.document.metadata, passage.section)} {passage.text}"
            forms.update(form for form in WORD.findall(text) if compared_word(form) == word)
        return forms


def _differ_in_ending(typed: str, word: str) -> bool:
    return word.startswith(typed[:-_LETTERS_OF_ENDING])


def _in_case(typed: str, meant: Sequence[str], forms: Sequence[Counter[str]]) -> str:
    """Return words as the documents write them, in small letters or capitals as they were typed.

    >>> _in_case("Tsela", ["tesla"], [Counter(["TESLA", "Tesla", "Tesla"])])
    'Tesla'
    >>> _in_case("uberraschng", ["uberraschung"], [Counter(["Überraschung"])])
    'überraschung'
    """
    written = [_in_case_of_word(typed, meant[0], forms[0])]
    rest = typed if typed.isupper() else typed[len(meant[0]) :] or typed[1:]
    written += (_in_case_of_word(rest, *other) for other in zip(meant[1:], forms[1:], strict=True))
    return " ".join(written)


def _in_case_of_word(typed: str, meant: str, written: Counter[str]) -> str:
    form = written.most_common(1)[0][0] if written else meant
    if typed.isupper():
        return form.upper()
    if any(map(str.isupper, form[1:])) and not form.isupper():
        return form
    return form.capitalize() if typed[0].isupper() else form.lower()
