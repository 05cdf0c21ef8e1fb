"""What several documents say of what a question asks for: who states the same value, and who another.

Nothing is generated: sentences of the results are grouped by the number, date or name that they state. Values
are compared only if they have the same unit, and only between sentences that meet the question's words. To
say that one contradicts another takes more than to say that both agree: where it is not plain that two
sentences speak of the same thing, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qa.retrieval import named_answers
from qa.retrieval.statements import MIN_SHARED, Saying, Statement, content_of, numbers_of, statements, stems
from qa.text.values import DATE, Value, values
from qa.types import Hit, Passage

_WHEN = re.compile(
    r"\b(?:when|what\s(?:year|date|day)|which\s(?:year|date|day)|когда|как(?:ом|ого)\sгод)", re.IGNORECASE
)
_HOW_MUCH = re.compile(
    r"\b(?:how\s(?:many|much|large|big|high|long|far|old)"
    r"|(?:what|which)\s(?:share|percentage|number|amount|sum|price|rate)"
    r"|скольк|наскольк|какова?\s(?:дол|сумм|числ|цен|объ))",
    re.IGNORECASE,
)
_INNER_NAME = re.compile(r"(?<=[^\W\d_,;:]\s)[^\W\d_a-zа-яё][^\W\d_]++")
"""A word with a capital inside a sentence."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a question asks for, and what its best sentence states.

    Attributes:
        content: the stems of the question's content words.
        numbers: those that are numbers.
        shared: those that the best sentence holds.
        names: the stems of the names in the question.
        candidates: the values that may be the answer, one of each unit.
        sentence: the best sentence.
    """

    content: frozenset[str]
    numbers: frozenset[str]
    shared: frozenset[str]
    names: frozenset[str]
    candidates: tuple[Value, ...]
    sentence: str


def compare(question: str, hits: Sequence[Hit]) -> tuple[Saying, ...]:
    """Group the sentences that answer a question by the value that they state, that of the best one first.

    Args:
        question: the question.
        hits: its results, best first. The first one's best sentence is what others are compared with.

    Returns:
        The groups; none if no other document says the same or contradicts it.
    """
    if not hits or not hits[0].answers:
        return ()
    if named := named_answers.compare(question, hits):
        return named
    if (asked := _asked(question, hits[0])) is None:
        return ()
    best = hits[0].passage
    by_unit = [_sayings(asked, value, best, hits) for value in asked.candidates]
    most = max(by_unit, key=lambda groups: sum(len(saying.statements) for saying in groups), default=())
    return most if sum(len(saying.statements) for saying in most) > 1 else ()


def _asked(question: str, best: Hit) -> _Asked | None:
    """Return what the question asks for and its best sentence states; None if that is not plain."""
    wants_date = bool(_WHEN.search(question))
    if not wants_date and not _HOW_MUCH.search(question):
        return None
    sentence, own = best.answers[0].text, values(question)
    content = content_of(best)
    shared = content & stems(sentence)
    numbers = numbers_of(content)
    if len(shared) < MIN_SHARED or not numbers <= shared:
        return None
    stated = [value for value in values(sentence) if (value.unit == DATE) == wants_date]
    stated = [value for value in stated if not any(value.equals(other) for other in own)]
    candidates = tuple(value for value in stated if sum(value.unit == other.unit for other in stated) == 1)
    if not candidates:
        return None
    return _Asked(content, numbers, shared, _names(question), candidates, sentence)


def _sayings(asked: _Asked, value: Value, best: Passage, hits: Sequence[Hit]) -> tuple[Saying, ...]:
    """Return who states this value, and who another in its place."""
    first = hits[0].answers[0].span
    groups: list[tuple[Value, str, list[Statement]]] = [
        (value, value.span.slice(asked.sentence), [Statement(best, first)])
    ]
    seen = {best.document.id}
    for hit, statement in statements(hits):
        unmet = stems(" ".join(hit.unmatched_terms))
        if statement.passage.document.id in seen or not asked.names.isdisjoint(unmet):
            continue
        text = statement.passage.slice(statement.span)
        stated = [other for other in values(text) if other.unit == value.unit]
        group = next((group for group in groups if any(group[0].equals(other) for other in stated)), None)
        if group and _is_about(asked, text):
            group[2].append(statement)
        elif not group and _contradicts(asked, text, stated):
            groups.append((stated[0], stated[0].span.slice(text), [statement]))
        else:
            continue
        seen.add(statement.passage.document.id)
    return tuple(Saying(text, tuple(statements)) for _, text, statements in groups)


def _is_about(asked: _Asked, text: str) -> bool:
    """Whether a sentence holds the question's numbers, and enough of its words."""
    met = asked.content & stems(text)
    return len(met) >= MIN_SHARED and asked.numbers <= met


def _contradicts(asked: _Asked, text: str, stated: Sequence[Value]) -> bool:
    """Whether a sentence plainly states another value.

    It holds the words of the question that the best one holds, states one value only, and names nothing else.
    """
    is_alone = len(asked.candidates) == 1 and len(stated) == 1
    return is_alone and asked.shared <= stems(text) and _names(text) <= asked.names | _names(asked.sentence)


def _names(text: str) -> frozenset[str]:
    """Return the stems of the words that are written with a capital inside a sentence, dates aside."""
    for value in reversed(values(text)):
        text = text[: value.span.start] + text[value.span.end :]
    return stems(" ".join(_INNER_NAME.findall(text)))
