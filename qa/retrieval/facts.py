"""Which of a question's own facts a passage meets: its content words, names, numbers and negations.

Passages that nearly answer a question are as similar to it as those that do. What tells them apart is a fact
that they lack: another name, another year, or a negation (Rajpurkar, Jia and Liang, Know What You Don't Know,
ACL 2018, table 3, has the kinds).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TypeAlias

import numpy as np

from qa.index.lexical.bm25 import Float64
from qa.retrieval.candidates import Candidates
from qa.retrieval.fusion import fuse_answers
from qa.retrieval.signals import QuestionSignals
from qa.text import terms
from qa.text.negation import is_negated
from qa.text.segmentation.passages import context
from qa.types import Float32, Int64, Passage, Span

NAMES, NUMBERS, NEGATIONS, KEYWORDS = "unmet_names", "unmet_numbers", "unmet_negations", "keywords"
FACTS = NAMES, NUMBERS, NEGATIONS, KEYWORDS
"""The signals that only the first passage has."""

_NOUNS_IN_CAPITALS = frozenset({"de", "lb"})
"""Languages in which a capital letter does not tell a name: German and Luxembourgish."""

_MOST_KEYWORDS = 5
"""So many words without a common one among them are keywords. Chosen; where no common words are known, a
question mostly has more."""

_MEASURES = {
    "how": frozenset(
        {
            *("big", "deep", "far", "fast", "few", "heavy", "high", "large", "long", "many", "much", "often"),
            *("old", "soon", "strong", "tall", "well", "wide"),
        }
    ),
    "wie": frozenset(
        {
            *("alt", "groß", "häufig", "hoch", "lange", "oft", "schnell", "schwer", "tief", "viel", "viele"),
            *("vielen", "weit"),
        }
    ),
}
"""Words that ask for a number after others: "how large". No passage must hold them."""

Terms: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A content word of a question.

    Attributes:
        text: as it stands in the question.
        terms: its index terms.
        tokens: the places of its tokens among those of the question.
        is_name: whether it begins with a capital letter inside the question; never if some documents are in
            a language that writes all nouns so.
    """

    text: str
    terms: Terms
    tokens: Int64
    is_name: bool

    @property
    def is_number(self) -> bool:
        """Whether it holds a digit."""
        return any(map(str.isdecimal, self.text))


def facts(candidates: Candidates) -> list[Fact]:
    """Return a question's content words, each once, in order."""
    question, common = candidates.query.question, candidates.terms.common
    tokens = candidates.dense.vectors.spans if candidates.dense else ()
    different: dict[Terms, Fact] = {}
    before = ""
    for place, (span, stems) in enumerate(candidates.words):
        text = span.slice(question)
        asks, before = text.casefold() in _MEASURES.get(before, ()), text.casefold()
        if not (common.issuperset(stems) or _is_letter(text) or asks):
            is_name = place > 0 and text[0].isupper() and _NOUNS_IN_CAPITALS.isdisjoint(candidates.languages)
            different.setdefault(stems, Fact(text, stems, _inside(span, tokens), is_name))
    return list(different.values())


def _is_letter(text: str) -> bool:
    """Return whether a word is a single letter of an alphabet, which says nothing."""
    return len(text) == 1 and (text.islower() or text.isupper())


def _inside(span: Span, tokens: Sequence[Span]) -> Int64:
    places = [i for i, (start, end) in enumerate(tokens) if start < span.end and end > span.start]
    return np.array(places, np.int64)


def asks_nothing(candidates: Candidates) -> bool:
    """Return whether a question has words, but none that says what it is about: "the", "a", "what is it?"."""
    return bool(candidates.words) and not facts(candidates)


def are_keywords(candidates: Candidates) -> bool:
    """Return whether a question is a few keywords rather than a sentence."""
    stems = [stems for _, stems in candidates.words]
    return 0 < len(stems) <= _MOST_KEYWORDS and candidates.terms.common.isdisjoint(chain.from_iterable(stems))


class FactMatches:
    """What the passages of one question meet of its facts."""

    def __init__(self, question: QuestionSignals) -> None:
        """Prepare to match passages, whose signals ``question`` computes."""
        self.facts = facts(question.candidates)
        self._question = question
        self._languages = question.candidates.languages
        self._known = {term: place for place, term in enumerate(question.candidates.terms.known_terms)}

    @cached_property
    def _token_shares(self) -> Float32:
        """How much each of the question's tokens counts for each fact, shape (facts, tokens)."""
        shares = np.zeros((len(self.facts), len(self._question.candidates.token_weights)), np.float32)
        for own, fact in zip(shares, self.facts, strict=True):
            own[fact.tokens] = 1 / max(len(fact.tokens), 1)
        return shares

    def matched(self, rows: Int64, passages: Sequence[Passage]) -> list[tuple[bool, ...]]:
        """Return, for each passage, which facts it meets.

        A fact is met if the passage, or what is searched with it, holds the word; if it is no number, also if
        a token there is as near to its tokens as those of the same word are, nineteen times of twenty.
        """
        near = self._question.fit.same_word
        return [
            tuple(
                held > 0 or (similarity >= near and not fact.is_number)
                for fact, held, similarity in zip(self.facts, *match, strict=True)
            )
            for match in self._match(rows, passages)
        ]

    def texts(self, chosen: Iterable[bool]) -> tuple[str, ...]:
        """Return the words of the chosen facts, as they stand in the question."""
        return tuple(fact.text for fact, own in zip(self.facts, chosen, strict=True) if own)

    def unmet(self, row: int, passage: Passage) -> dict[str, float]:
        """Return how many of the question's names, numbers and negations a passage does not meet.

        A name is met as far as its tokens have similar ones in the passage; a number, if the best sentence or
        what is searched with the passage holds it; a negation, if that sentence has one, too.
        """
        rows = np.array([row], np.int64)
        (match,) = self._match(rows, [passage])
        candidates, fit = self._question.candidates, self._question.fit
        signals, _ = self._question.score_sentences(rows)
        best = int(fuse_answers(signals, fit, candidates.query.mode, candidates.fluency).argmax())
        held = self._question.term_matches(rows).held[best]
        around = self._context(passage)
        unmet = dict.fromkeys((NAMES, NUMBERS, NEGATIONS), 0.0)
        for fact, in_passage, similarity in zip(self.facts, *match, strict=True):
            if fact.is_name:
                unmet[NAMES] += 1 - max(in_passage, similarity)
            if fact.is_number:
                unmet[NUMBERS] += not (self._holds(held, fact) or around.intersection(fact.terms))
        sentence = passage.slice(passage.sentences[best])
        unmet[NEGATIONS] = float(is_negated(candidates.query.question) and not is_negated(sentence))
        return unmet

    def _match(self, rows: Int64, passages: Sequence[Passage]) -> Iterator[tuple[list[float], list[float]]]:
        """Yield, for each passage, 1 for each fact that it holds, and how similar its tokens are to each."""
        words, tokens = self._question.term_matches(rows), self._question.token_matches(rows)
        for place, passage in enumerate(passages):
            around = self._context(passage)
            in_text = words.held[words.bounds[place] : words.bounds[place + 1]].max(axis=0, initial=0)
            held = [
                float(self._holds(in_text, fact) or not around.isdisjoint(fact.terms)) for fact in self.facts
            ]
            similarities = [0.0] * len(held)
            if tokens is not None:
                best = tokens.maxsim[tokens.bounds[place] : tokens.bounds[place + 1]].max(axis=0, initial=-1)
                similarities = (self._token_shares @ best).tolist()
            yield held, similarities

    def _holds(self, held: Float64, fact: Fact) -> bool:
        return any(held[self._known[term]] > 0 for term in fact.terms if term in self._known)

    def _context(self, passage: Passage) -> set[str]:
        """Return the index terms of what is searched with a passage."""
        text = f"{context(passage.document.metadata, passage.section)} {passage.header or ''}"
        return {
            *terms.terms(text, self._languages),
            *terms.terms(" ".join(terms.words_of_path(passage.document.path)), self._languages),
        }
