"""Who or where, as several documents have it: a name beside the question's own verb.

A sentence answers with a name only in plain forms: "Lesseps founded …", "… founded by Lesseps", "… born in
Oslo". A name in apposition ("the ambassador, Dmitry Tsvetkov") can be confirmed, but contradicts none:
offices change hands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa.retrieval.statements import (
    MIN_SHARED,
    Saying,
    Statement,
    content_of,
    numbers_of,
    statements,
    stems,
)
from qa.text.names import Name, names
from qa.types import Hit

_WHO = re.compile(r"^\W*(?:who|кто)\b(?! (?:did|does|do)\b)(?!.*\bby\b)", re.IGNORECASE)
"""Asks who does something; not whom somebody chose, or who was chosen by somebody."""

_WHERE = re.compile(r"^\W*(?:where|где)\b", re.IGNORECASE)
_CLAUSE_START = re.compile(r"(?:^\W*|[,;:] |\bthat |, что )$")
_VERB_AFTER = re.compile(r" (?:(?:had|has|first|also|later|then|впервые|также) )?([^\W\d_]++)")
_VERB_BEFORE = re.compile(r"(?:^| )([а-яё]++) $")
_BY = re.compile(r"\b([^\W\d_]++)(?: (?:in|on) [\w ]{1,20})? by (?:[a-z]++ ){0,3}$")
_PLACE = re.compile(r"\b((?:[a-zа-яё]++ ){1,3})(?:in|at|near|в|на|под) (?:the )?$")
_ROLE = re.compile(r"\b([a-zа-яё]++)(,?) $")
_ENDS = re.compile(
    r"$|[.;:)!?]|,(?! [A-ZА-ЯЁ])| (?:in|on|at|as|for|to|with|from|during|after|before|who|when|while|в|на)\b"
)


@dataclass(frozen=True, slots=True)
class _NamedAnswer:
    """A name that answers; ``is_plain`` if another name in the same form would contradict it."""

    name: Name
    is_plain: bool


@dataclass(frozen=True, slots=True)
class _Question:
    """A question for a name.

    Attributes:
        wants_place: whether it asks where, not who.
        content: the stems of its content words.
        names: the stems of the names in it.
    """

    wants_place: bool
    content: frozenset[str]
    names: frozenset[str]


def compare(question: str, hits: Sequence[Hit]) -> tuple[Saying, ...]:
    """Group the sentences that answer who or where by the name that they give, that of the best one first.

    Returns:
        The groups; none if the question asks for no name, or no other document gives one in a plain form.
    """
    asked = _question(question, hits[0])
    best = Statement(hits[0].passage, hits[0].answers[0].span)
    answer = _answer(asked, best.text) if asked else None
    if asked is None or answer is None or not _is_about(asked, best.text):
        return ()
    groups = [(answer, [best])]
    seen = {best.passage.document.id}
    for hit, statement in statements(hits):
        unmet = stems(" ".join(hit.unmatched_terms))
        if statement.passage.document.id in seen or not asked.names.isdisjoint(unmet):
            continue
        if (group := _group_of(asked, groups, statement, best)) is not None:
            group.append(statement)
            seen.add(statement.passage.document.id)
    if len(seen) == 1:
        return ()
    return tuple(Saying(given.name.span.slice(own[0].text), tuple(own)) for given, own in groups)


def _question(question: str, best: Hit) -> _Question | None:
    wants_place = bool(_WHERE.match(question))
    if not wants_place and not _WHO.match(question):
        return None
    own = (stem for name in names(question) for stem in name.stems)
    return _Question(wants_place, content_of(best), frozenset(own))


def _group_of(
    asked: _Question,
    groups: list[tuple[_NamedAnswer, list[Statement]]],
    statement: Statement,
    best: Statement,
) -> list[Statement] | None:
    """Return the sentences that give the same name, in a new group if it contradicts the others."""
    text = statement.text
    if not _is_about(asked, text):
        return None
    for given, own in groups:
        if any(given.name.equals(name) for name in names(text)):
            return own
    answer = _answer(asked, text)
    if answer is None or not _contradicts(asked, answer, groups, statement, best):
        return None
    groups.append((answer, []))
    return groups[-1][1]


def _contradicts(
    asked: _Question,
    answer: _NamedAnswer,
    groups: list[tuple[_NamedAnswer, list[Statement]]],
    statement: Statement,
    best: Statement,
) -> bool:
    """Whether a name plainly stands in the place of others.

    The sentence holds the words of the question that the best one holds, and names nothing else. No passage
    knows both names: they may be partners, or a town and its country.
    """
    text = statement.text
    known = asked.names | frozenset(stem for name in names(best.text) for stem in name.stems)
    others = (name for name in names(text) if name.span != answer.name.span)
    return (
        answer.is_plain
        and asked.content & stems(best.text) <= stems(text)
        and all(known.issuperset(name.stems) for name in others)
        and all(
            given.is_plain
            and not given.name.shares_word(answer.name)
            and stems(statement.passage.text).isdisjoint(given.name.stems)
            and stems(own[0].passage.text).isdisjoint(answer.name.stems)
            for given, own in groups
        )
    )


def _is_about(asked: _Question, text: str) -> bool:
    """Whether a sentence holds the question's numbers and names, and enough of its words."""
    met = asked.content & stems(text)
    needed = numbers_of(asked.content) | (asked.names & asked.content)
    return len(met) >= min(MIN_SHARED, len(asked.content)) and needed <= met


def _answer(asked: _Question, sentence: str) -> _NamedAnswer | None:
    """Return the name that a sentence gives in a plain form; None if there is none, or several."""
    answers = list(_answers(asked, sentence))
    return answers[0] if len(answers) == 1 else None


def _answers(asked: _Question, sentence: str) -> Iterator[_NamedAnswer]:
    for name in names(sentence):
        if not asked.names.isdisjoint(name.stems):
            continue
        before, after = sentence[: name.span.start], sentence[name.span.end :]
        is_plain = _is_place(asked, before, after) if asked.wants_place else _is_doer(asked, before, after)
        if is_plain or (not asked.wants_place and _is_beside(asked, before, after)):
            yield _NamedAnswer(name, is_plain)


def _is_place(asked: _Question, before: str, after: str) -> bool:
    verb = _PLACE.search(before)
    return _is_asked(asked, verb) and bool(_ENDS.match(after))


def _is_doer(asked: _Question, before: str, after: str) -> bool:
    """Whether a name does what the question asks: it precedes the verb, or follows it and ``by``."""
    active = _VERB_AFTER.match(after) if _CLAUSE_START.search(before) else None
    return _is_asked(asked, active) or (_is_asked(asked, _BY.search(before)) and bool(_ENDS.match(after)))


def _is_beside(asked: _Question, before: str, after: str) -> bool:
    """Whether a name follows the question's noun, as its apposition, or a Russian verb."""
    role = _ROLE.search(before)
    is_closed = after[:1] == "," if role and role[2] else bool(_ENDS.match(after))
    return (_is_asked(asked, role) and is_closed) or _is_asked(asked, _VERB_BEFORE.search(before))


def _is_asked(asked: _Question, match: re.Match[str] | None) -> bool:
    """Whether a word of a form is one of the question's, and no name."""
    words = match[1].split() if match else ()
    return any(word.islower() and not stems(word).isdisjoint(asked.content - asked.names) for word in words)
