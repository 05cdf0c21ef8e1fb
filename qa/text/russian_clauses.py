"""Questions that Russian statements answer, made by moving their clauses: the order of words is free.

``В 2016 году Москву посетил Хун Сен`` becomes ``Когда Москву посетил Хун Сен?``, and the clause stays as it
is. Verbs are listed, because nouns end as verbs do (``стали``, ``доли``).
"""

from __future__ import annotations

import re
from collections.abc import Callable

_YEAR = r"(?:1\d|20)\d\d"
_OF_MONTH = "января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря"
_IN_MONTH = "январе|феврале|марте|апреле|мае|июне|июле|августе|сентябре|октябре|ноябре|декабре"
_IN_YEAR = rf"[Вв] {_YEAR} год[уа]"
_DATE = (
    rf"(?:\d{{1,2}}(?:[–—-]\d{{1,2}})? (?:{_OF_MONTH}) {_YEAR} (?:года|г\.)"
    rf"|[Вв] (?:{_IN_MONTH}) {_YEAR} (?:года|г\.)|[Вв] {_YEAR} (?:году|г\.))"
)
_ATTRIBUTION = (
    r"(?:(?:По (?:словам|данным|сведениям|сообщению)|Как (?:сообщ(?:ил|ает)|отме(?:тил|чает)|заявил)а?) "
    r"[^,]{2,60}, )?"
)
_VERB = re.compile(
    r"\b(?!(?:стали|начала)\b)(?:был|стал|состоял|посетил|посещал|приезжал|приехал|прибыл|подписал|основал|создал"
    r"|открыл|построил|начал|завершил|закончил|принял|вступил|получил|возглавил|избрал|назначил|провёл|провел"
    r"|провозгласил|опубликовал|издал|выпустил|запустил|переехал|переименовал|родил|погиб|победил|вернул|покинул"
    r"|установил|учредил|ввёл|ввел|изобрёл|изобрел|обнаружил|захватил|присоединил|восстановил|утвердил"
    r"|ратифицировал|отменил|передал|купил|продал|появил|умер|произош[её]л|прош[её]л|вышел|введен|введён"
    r"|умерл|погибл|произошл|прошл|вышл|введен)(?:[аои])?(?:ся|сь)?\b"
)
_POINTING = re.compile(
    r"\b(?:он|она|оно|они|мы|я|вы|это\w?|эта|эту|эти\w?|тот|та|те|тех|том|того|там|здесь|туда|его|е[её]|их|ему|ей|им"
    r"|ними?|ней|нём|нем|него|неё|нее|них|наш\w*|сво\w{1,3}|котор\w+|затем|потом|также|тоже|тогда|поэтому|же|оба|обе"
    r"|последн\w+|перв\w+|друг\w+|так\w+|что|чтобы|как|когда|где)\b",
    re.IGNORECASE,
)
"""Words that point elsewhere: with one of them, a clause can't be understood alone."""

_NAME = re.compile(r"\b[A-ZА-ЯЁ][\w-]+")
_DATED = re.compile(rf"{_ATTRIBUTION}{_DATE},? (?P<clause>(?:[^,.:;()!?—]|,(?=\d)){{10,90}})(?=[,:;(]|\.?$)")
_DATED_LAST = re.compile(rf"(?P<clause>[А-ЯЁ](?:[^,.:;()!?—\d]|\d(?!\d)){{10,90}}?) {_DATE}(?=[,:;(]|\.?$)")
_RELATIVE = re.compile(r",(?: \w+){0,2} (?:котор|чь|где)")
"""What follows a noun that can't be understood without it."""

_RATE = re.compile(
    rf"{_ATTRIBUTION}(?P<when>{_IN_YEAR}) (?P<subject>(?:[\w-]++ ){{0,2}}(?:товарооборот|оборот|экспорт"
    r"|импорт|население|ВВП|выручка|прибыль|добыча|производство|выпуск)(?: [\w«»-]++){0,4}?) "
    r"(?P<verb>(?:вы|воз)рос(?:л[аои])?|(?:увеличил|снизил|сократил|уменьшил)[аои]?(?:ся|сь)|упал[аои]?) "
    r"на \d[\d,.]*+(?: ?(?P<percent>%|процент))?"
)
_COUNTED = re.compile(
    rf"{_ATTRIBUTION}(?P<when>[Сс] {_YEAR} по {_YEAR} год|{_IN_YEAR}) (?P<subject>(?:[\w«»-]++ ){{1,4}}?)"
    r"(?P<verb>(?:подписал|построил|открыл|принял|выпустил|издал|опубликовал|пров[её]л|получил|купил|продал)"
    r"[аои]?) (?:(?:более|свыше|около|почти) )?(?:\d*1[1-4]|\d*[05-9]) (?P<what>(?:\w{2,20}[ыи]х )?\w{4,})"
)
_PEOPLE = re.compile(
    rf"{_ATTRIBUTION}(?P<when>[Сс] начала \d{{4}}-х годов|[Сс] {_YEAR} года|{_IN_YEAR}) "
    r"(?P<where>(?:в|на) [\w -]{2,40}?) "
    r"(?P<verb>(?:учил|родил)ись|(?:работал|жил|участвовал|погибл|проживал)и) "
    r"(?:(?:более|свыше|около|почти) )?\d[\d,]* (?:тысяч|миллионов) (?P<what>\w{4,})"
)
_SIGNED = re.compile(
    r"(?P<what>(?:Меморандум|Договор|Соглашение|Протокол|Декларацию|Конвенцию|Хартию)(?: [\w«»-]++){1,7}?) "
    r"подписали (?=[«A-ZА-ЯЁ])"
)


def clause_question(sentence: str, keeps_capital: Callable[[str], bool | None]) -> str | None:
    """Return a question that a Russian sentence answers; None if none is certain to be plain and grammatical.

    Args:
        sentence: one sentence, in one line.
        keeps_capital: whether a word that begins a sentence has its capital within one, too; None if
            that isn't known.

    >>> clause_question("17 мая 2016 года в Россию приезжал Хун Сен: он побывал в Москве.", str.isupper)
    'Когда в Россию приезжал Хун Сен?'
    >>> clause_question("С 2005 по 2014 год стороны подписали 17 соглашений.", str.isupper)
    'Сколько соглашений стороны подписали с 2005 по 2014 год?'
    """
    written = (write(sentence) for write in (_rate, _counted, _people, _signers, _date))
    questions = (*written, _date_last(sentence, keeps_capital))
    return next((each for each in questions if each and not _POINTING.search(each.partition(" ")[2])), None)


def _rate(sentence: str) -> str:
    match = _RATE.match(sentence)
    if not match:
        return ""
    percent = "процентов " if match["percent"] else ""
    return f"На сколько {percent}{match['verb']} {match['subject']} {_lowered(match['when'])}?"


def _counted(sentence: str) -> str:
    """Ask for a number after which a noun is in the genitive plural, as it is after ``сколько``."""
    match = _COUNTED.match(sentence)
    if not match:
        return ""
    return f"Сколько {match['what']} {match['subject']}{match['verb']} {_lowered(match['when'])}?"


def _people(sentence: str) -> str:
    match = _PEOPLE.match(sentence)
    if not match:
        return ""
    verb = match["verb"]  # after "сколько", a verb is in the singular
    verb = f"{verb[:-3]}ось" if verb.endswith("сь") else f"{verb[:-1]}о"
    return f"Сколько {match['what']} {verb} {match['where']} {_lowered(match['when'])}?"


def _signers(sentence: str) -> str:
    match = _SIGNED.match(sentence)
    return f"Кто подписал {_lowered(match['what'])}?" if match else ""


def _date(sentence: str) -> str:
    match = _DATED.match(sentence)
    return _when(sentence, match, match["clause"]) if match else ""


def _date_last(sentence: str, keeps_capital: Callable[[str], bool | None]) -> str:
    match = _DATED_LAST.match(sentence)
    keeps = keeps_capital(sentence.partition(" ")[0]) if match else None
    if not match or keeps is None:
        return ""
    return _when(sentence, match, match["clause"] if keeps else _lowered(match["clause"]))


def _when(sentence: str, match: re.Match[str], clause: str) -> str:
    """Ask for the date of a clause that names something, and has a verb that needs nothing more."""
    verb = _VERB.search(clause)
    if not verb or not _NAME.search(clause) or clause.count("«") != clause.count("»"):
        return ""
    lacks_object = verb.end() == len(clause.rstrip()) and not verb.group().endswith(("ся", "сь"))
    return "" if lacks_object or _RELATIVE.match(sentence, match.end()) else f"Когда {clause.strip()}?"


def _lowered(words: str) -> str:
    return f"{words[0].lower()}{words[1:]}"
