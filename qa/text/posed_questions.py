"""Questions that a text answers, made from its own sentences by patterns, in English and Russian.

A pattern turns a statement into a question only if the result is certain to be grammatical: its subject
stands first, is short, names something, and keeps its form in the question. Whatever fits no pattern is left
alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from qa.text.russian_clauses import clause_question

_MAX_SENTENCE = 300
"""Characters of a sentence that is looked at. Chosen: a longer one is a list or badly cut."""

_MIN_QUESTION, _MAX_QUESTION = 14, 90
"""Characters of a question. Chosen: shorter ones are vague, longer ones wrap."""


def _words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_SUBJECT = r"(?P<subject>[^\W\d_][\w'’.-]*+(?: [\w'’.-]++){0,6}?)"
_NUMBER = r"[$€£]?\d"
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_PARTICIPLES = (
    "founded|established|created|built|opened|signed|launched|adopted|introduced|discovered|invented|published|"
    "completed|formed|abolished|ratified|registered|inaugurated|dissolved|written|named"
)
_AMOUNTS = (
    "turnover|trade|population|budget|revenue|revenues|exports|imports|investment|income|profit|loss|area|"
    "attendance|debt|growth|inflation|capacity|production|sales|volume|cost"
)
_PASSIVE = re.compile(
    rf"{_SUBJECT} (?P<verb>was|were) (?P<done>{_PARTICIPLES})(?: [\w'’-]++){{0,5}}? (?:in|on) "
    rf"(?:\d{{4}}|\d{{1,2}} (?:{_MONTHS})|(?:{_MONTHS}) \d)"
)
_AGENT = re.compile(
    rf"{_SUBJECT} (?:was|were) (?P<done>founded|established|created|built|signed|launched|introduced|"
    r"discovered|invented|published|designed) by [A-Z]"
)
_PARTS = re.compile(rf"{_SUBJECT} (?P<verb>consists|consist) of ")
_AMOUNT = re.compile(
    r"(?:In (?P<year>\d{4}),? )?(?P<subject>[Tt]he (?:[\w'’.-]++ ){0,3}?"
    rf"(?:{_AMOUNTS})(?: (?:of|between|in) [\w'’.-]++(?: [\w'’.-]++){{0,4}}?)?) "
    rf"(?:reached|totalled|totaled|exceeded|amounted to|came to|stood at|was) "
    rf"(?:(?:about|around|over|almost|nearly|approximately|more than) )?{_NUMBER}"
)
_DEFINITION = re.compile(r"(?P<subject>The [A-Z][\w'’-]*+(?: [\w'’-]++){0,4}?) (?P<verb>is|was) an? [a-z]")
_RU_DONE = (
    "основан|создан|построен|открыт|подписан|принят|учреждён|учрежден|запущен|введён|введен|опубликован|"
    "образован|зарегистрирован|ратифицирован|утверждён|утвержден|установлен"
)
_RU_PASSIVE = re.compile(
    rf"{_SUBJECT} (?P<verb>был[аои]?) (?P<done>(?:{_RU_DONE})н?[аоы]?) "
    rf"(?:в|\d{{1,2}} \w++) (?:\w++ )?\d{{4}} год"
)
_RU_AMOUNT = re.compile(
    rf"(?:(?P<year>В \d{{4}} году) )?{_SUBJECT} (?P<verb>составил[аои]?) "
    rf"(?:(?:около|более|почти|свыше) )?{_NUMBER}"
)
_RU_PLACE = re.compile(
    rf"{_SUBJECT} (?P<verb>находится|находятся|расположен[аоы]?) (?:в|на|у|близ) [А-ЯЁа-яё]"
)
_RU_PARTS = re.compile(rf"{_SUBJECT} (?P<verb>состоит|состоят) из ")
_RU_EVENT = re.compile(
    rf"{_SUBJECT} (?P<verb>(?:состоял|завершил|начал|открыл|родил)(?:ся|[аои]сь)|умер(?:л[аои])?"
    r"|произош(?:[её]л|л[аои])|вступил[аои]? в силу) (?:[\w-]++ ){0,5}?(?:в|\d{1,2} \w++) (?:\w++ )?\d{4} год"
)
_RU_DEFINITION = re.compile(rf"{_SUBJECT} [—–] это [а-яё]")

_FIRST_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "en": _words(
            """what who whom whose when where which why how is are was were do does did can could should will
            would may must has have"""
        ),
        "ru": _words(
            """что кто кого кому кем чем чего когда где куда откуда какой какая какое какие
            какого каков какова каковы каким какими какому чему чём каком почему зачем как насколько
            сколько чей чья чьё чьи можно нужно есть в на
            с к о по из за от до для у"""
        ),
    }
)
"""The words with which a question that stands in a text begins."""

_UNNAMED = _words(
    """he she it they we i you this that these those there his her its their our my one some many most both
    each such another other others who which what when where while if as but nor so yet then also because
    at by with from after before during since until under over into is are was were be been has have had will
    would could should not said says only first second last later
    он она оно они мы я вы это этот эта эти тот та те там здесь его её их наш наша свой который которая
    которое которые что кто когда где как если но или а же чтобы так также потом затем однако тогда со из от
    до для при за под над к у после во был была было были есть будет не такой такая все всё большая часть
    большинство некоторые многие каждый один одна последний позже уже ещё только"""
)
"""Words that point elsewhere, or belong to no plain subject."""

_INNER = _words("of and for in on to и о об в на по с")
"""Words that may stand within a subject, but not at its edges."""

_ARTICLES = ("the", "a", "an")
_NAME = re.compile(r"(?<=[ -])[A-ZА-ЯЁ]")
_FACT = re.compile(r"\d[\d.,]*+|(?<= )[A-ZА-ЯЁ]\w++")
_QUESTION = re.compile(r"(?:Q(?:uestion)?|Вопрос|В)[.:] ++")


class PosedQuestion(NamedTuple):
    """A question, and how many names and numbers the sentence that answers it has."""

    text: str
    facts: int


def standing_question(text: str, language: str) -> str | None:
    """Return a heading, or the only sentence of a line, if it asks something by itself.

    >>> standing_question("Who pays for the roads?", "en"), standing_question("Ready?", "en")
    ('Who pays for the roads?', None)
    """
    mark = _QUESTION.match(text)
    question = " ".join((text[mark.end() :] if mark else text).split())
    first = question.partition(" ")[0].strip(",").lower()
    is_plain = question.endswith("?") and question.count("?") == 1 and question[0].isupper()
    fits = _MIN_QUESTION <= len(question) <= _MAX_QUESTION and question.count(" ") > 1
    return question if is_plain and fits and first in _FIRST_WORDS.get(language, ()) else None


def posed_question(
    sentence: str, language: str, keeps_capital: Callable[[str], bool | None]
) -> PosedQuestion | None:
    """Return a question that a sentence answers, or None if none is certain to be grammatical.

    Args:
        sentence: one sentence.
        language: the ISO 639-1 code of its language.
        keeps_capital: whether a word that begins a sentence has its capital within one, too; None if
            that isn't known.

    >>> posed_question("The Treaty of Rome was signed in 1957.", "en", str.isupper)
    PosedQuestion(text='When was the Treaty of Rome signed?', facts=3)
    >>> posed_question("Товарооборот двух стран составил 202 млн долларов.", "ru", str.isupper)
    PosedQuestion(text='Сколько составил товарооборот двух стран?', facts=1)
    """
    line = " ".join(sentence.split())
    if len(line) > _MAX_SENTENCE:
        return None
    for match_start, write in _PATTERNS.get(language, ()):
        match = match_start(line)
        if match and _names_something(match["subject"]):
            subject = _within(match["subject"], keeps_capital)
            question = write(match, subject) if subject else ""
            if _MIN_QUESTION <= len(question) <= _MAX_QUESTION:
                return PosedQuestion(question, len(_FACT.findall(line)))
    moved = clause_question(line, keeps_capital) if language == "ru" else None
    if moved and _MIN_QUESTION <= len(moved) <= _MAX_QUESTION:
        return PosedQuestion(moved, len(_FACT.findall(line)))
    return None


def _names_something(subject: str) -> bool:
    """Whether a subject can be understood alone, and has no part of another clause."""
    article, *rest = subject.split()
    own = rest if article == "The" else [article, *rest]
    lower = {word.lower() for word in own}
    if not own or lower & _UNNAMED or {own[0].lower(), own[-1].lower()} & _INNER:
        return False
    return len(own) > (1 if article != "The" or _NAME.search(subject) else 2)


def _within(subject: str, keeps_capital: Callable[[str], bool | None]) -> str | None:
    """Return a subject as it stands within a sentence, or None if that isn't known."""
    first, _, rest = subject.partition(" ")
    keeps = False if first.lower() in _ARTICLES else keeps_capital(first)
    if keeps is None:
        return None
    return subject if keeps else f"{first[0].lower()}{first[1:]} {rest}".strip()


def _when(match: re.Match[str], subject: str) -> str:
    # "A town was founded in 1901" is true of many towns.
    return "" if subject.startswith(("a ", "an ")) else f"When {match['verb']} {subject} {match['done']}?"


def _how_large(match: re.Match[str], subject: str) -> str:
    year = f" in {match['year']}" if match["year"] and match["year"] not in subject else ""
    were = (
        "were"
        if subject.partition(" of ")[0].endswith(("exports", "imports", "sales", "revenues"))
        else "was"
    )
    return f"How large {were} {subject}{year}?"


def _who(match: re.Match[str], subject: str) -> str:
    return "" if subject.startswith(("a ", "an ")) else f"Who {match['done']} {subject}?"


def _parts(match: re.Match[str], subject: str) -> str:
    return f"What {'does' if match['verb'] == 'consists' else 'do'} {subject} consist of?"


def _what(match: re.Match[str], subject: str) -> str:
    return f"What {match['verb']} {subject}?"


def _when_ru(match: re.Match[str], subject: str) -> str:
    return f"Когда {match['verb']} {match['done']} {subject}?"


def _when_event_ru(match: re.Match[str], subject: str) -> str:
    return f"Когда {match['verb']} {subject}?"


def _where_ru(match: re.Match[str], subject: str) -> str:
    return f"Где {match['verb']} {subject}?"


def _parts_ru(match: re.Match[str], subject: str) -> str:
    return "" if not _NAME.search(f" {subject}") else f"Из чего {match['verb']} {subject}?"


def _how_large_ru(match: re.Match[str], subject: str) -> str:
    year = f" {match['year'].lower()}" if match["year"] else ""
    return f"Сколько {match['verb']} {subject}{year}?"


def _what_ru(_match: re.Match[str], subject: str) -> str:
    return f"Что такое {subject}?"


_Matcher = Callable[[str], re.Match[str] | None]
_Writer = Callable[[re.Match[str], str], str]
_PATTERNS: Mapping[str, tuple[tuple[_Matcher, _Writer], ...]] = MappingProxyType(
    {
        "en": (
            (_AMOUNT.match, _how_large),
            (_PASSIVE.match, _when),
            (_AGENT.match, _who),
            (_PARTS.match, _parts),
            (_DEFINITION.match, _what),
        ),
        "ru": (
            (_RU_AMOUNT.match, _how_large_ru),
            (_RU_PASSIVE.match, _when_ru),
            (_RU_EVENT.match, _when_event_ru),
            (_RU_PLACE.match, _where_ru),
            (_RU_PARTS.match, _parts_ru),
            (_RU_DEFINITION.match, _what_ru),
        ),
    }
)
