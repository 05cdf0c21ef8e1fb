"""Text → the names in it: words with capitals, in scripts that have them.

A name is found only where a capital means one: the first word of a sentence counts only with a second, and
months, days and peoples aren't names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from qa.text import terms
from qa.types import Span


def _words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_PARTICLES = "de|da|di|du|del|della|la|le|van|von|der|den|ten|bin|ibn|al|el|ап|бен|ван|де|ди|дю|ла|фон"
_PART = r"(?:\p{Lu}\.|\p{Lu}[\p{L}\p{M}]*+(?:[-’'](?!s\b)\p{L}[\p{L}\p{M}]*+)*+)"
_NAME = regex.compile(rf"\b{_PART}(?:(?:(?<=\.) ?| )(?:(?:{_PARTICLES}) )?{_PART})*+")
_OPENERS = _words(
    """a after all although among an and another as at because before both but by during each every few
    first following for from he here however if in it its last later many most no not now of on once one only
    other our several she since so some soon such that the their then there these they this those three
    through thus to two under until upon we what when where which while who with yet you your
    а без большинство в во весь все всё вскоре для до его ее её если ещё за затем и из их к как когда кто лишь
    многие на над не некоторые но о об однако он она они от перед по под после потом почти при с сам свой со
    так также там тогда то только три у уже хотя что эта эти это этот"""
)
"""Words that open a sentence and belong to no name."""

_NO_NAMES = _words(
    """january february march april may june july august september october november december monday tuesday
    wednesday thursday friday saturday sunday spring summer autumn winter christmas easter ad bc ce bce french
    german latin greek dutch arabic english января марта мая июня июля августа"""
)
_PEOPLE = regex.compile(r"(?:ish|ese|ian|ians|ans)$")
_WORD = regex.compile(r"\S+ ?")


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a text: its words without their endings, and where it stands."""

    stems: tuple[str, ...]
    span: Span

    def equals(self, other: Name) -> bool:
        """Whether two names are plainly the same: all their words, or a surname with and without others."""
        short, long = sorted((self.stems, other.stems), key=len)
        return set(short) <= set(long) and long[-1] in short

    def shares_word(self, other: Name) -> bool:
        """Whether two names may be the same."""
        return not set(self.stems).isdisjoint(other.stems)


def names(sentence: str) -> list[Name]:
    """Return the names in a sentence, in order.

    >>> text = "In Paris, Ada Lovelace met C. Babbage in May."
    >>> [name.span.slice(text) for name in names(text)]
    ['Paris', 'Ada Lovelace', 'C. Babbage']
    """
    return list(_names(sentence))


def _names(sentence: str) -> Iterator[Name]:
    for match in _NAME.finditer(sentence):
        start, end = match.span()
        is_first = not any(map(str.isalnum, sentence[:start]))
        if is_first:
            opener = _WORD.match(sentence, start)
            if opener and opener.group().strip(" ,").lower() in _OPENERS:
                start, is_first = min(opener.end(), end), False
        text = sentence[start:end]
        stems = tuple(terms.terms(text, ()))
        is_one_word = len(text.split()) == 1
        if not stems or (is_one_word and (is_first or _is_no_name(text))):
            continue
        yield Name(stems, Span(start, end))


def _is_no_name(word: str) -> bool:
    return len(word) == 1 or word.lower() in _NO_NAMES or bool(_PEOPLE.search(word))
