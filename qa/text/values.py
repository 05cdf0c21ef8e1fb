"""Text → the values that it states: percentages, sums of money, counts and dates, in English and Russian.

A value is found only if it can be read in one way: ``8.000`` may be eight or eight thousand, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qa.text import terms
from qa.types import Span

DATE = "date"
"""The unit of dates, whose amount is (year, month, day), as far as it is stated."""

_SCALES = {
    "thousand": 10**3, "тыс": 10**3, "million": 10**6, "mln": 10**6, "млн": 10**6, "миллион": 10**6,
    "billion": 10**9, "bn": 10**9, "млрд": 10**9, "миллиард": 10**9, "trillion": 10**12, "трлн": 10**12,
}  # fmt: skip
_CURRENCIES = {
    "$": "USD", "usd": "USD", "dollar": "USD", "долл": "USD", "€": "EUR", "eur": "EUR", "евро": "EUR",
    "£": "GBP", "pound": "GBP", "фунт": "GBP", "₽": "RUB", "rub": "RUB", "roub": "RUB", "руб": "RUB",
}  # fmt: skip
_MONTHS = (
    ("jan", "янв"), ("feb", "фев"), ("mar", "мар"), ("apr", "апр"), ("may", "мая", "май", "мае"),
    ("jun", "июн"), ("jul", "июл"), ("aug", "авг"), ("sep", "сен"), ("oct", "окт"), ("nov", "ноя"),
    ("dec", "дек"),
)  # fmt: skip
_MONTH_OF = {start: number for number, starts in enumerate(_MONTHS, 1) for start in starts}

_YEAR = r"(?:1[5-9]|20)\d\d"
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?"
    r"|январ[ьяе]|феврал[ьяе]|марта?е?|апрел[ьяе]|ма[йяе]|июн[ьяе]|июл[ьяе]|августа?е?"
    r"|сентябр[ьяе]|октябр[ьяе]|ноябр[ьяе]|декабр[ьяе])"
)
_DATE = re.compile(
    rf"\b(?:(?P<iso>{_YEAR}-\d\d-\d\d)"
    rf"|(?P<day>\d\d?)\s(?P<month>{_MONTH}),?\s(?P<year>{_YEAR})"
    rf"|(?P<month_first>{_MONTH})\s(?P<day_second>\d\d?),\s(?P<year_last>{_YEAR})"
    rf"|(?P<month_only>{_MONTH})\s(?P<year_of_month>{_YEAR})"
    rf"|(?P<year_only>{_YEAR}))\b(?![.,\-–]?\d)",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![\w.,\-–])(?P<before>[$€£₽])?\s?"
    r"(?P<digits>\d{1,3}(?:[, \u00a0\u202f]\d{3})++(?:\.\d++)?|\d++(?:[.,]\d++)?)"
    r"(?![.,]?\d)(?:\s?(?P<percent>%|per\s?cent\b|процент\w*+))?"
    r"(?:[\s-](?P<scale>(?:thousand|million|mln|billion|bn|trillion)\b|тысяч\w*+|миллион\w*+|миллиард\w*+"
    r"|(?:тыс|млн|млрд|трлн)\b\.?))?"
    r"(?:\s?(?P<after>[$€£₽]|(?:USD|EUR|euros?|RUB)\b|dollars?\b|pounds?\b|rou?bles?\b|долл\w*+|евро\b|руб\w*+"
    r"|фунт\w*+))?",
    re.IGNORECASE,
)
_NEXT_WORD = re.compile(r"\s([^\W\d_]{4,})")
_AMBIGUOUS = re.compile(r"\d\.\d{3}$")
_SEPARATORS = re.compile(r"[ \u00a0\u202f]|,(?=\d{3}(?:\D|$))")


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a text.

    Attributes:
        unit: what it counts: ``%``, a currency, the stem of a noun, or ``DATE``.
        amount: a number, or the parts of a date; comparable only with amounts of the same unit.
        span: where it stands, with its unit.
    """

    unit: str
    amount: tuple[float, ...]
    span: Span

    def equals(self, other: Value) -> bool:
        """Whether two values say the same, as far as both say it: July 2019 equals 3 July 2019."""
        shared = min(len(self.amount), len(other.amount))
        return self.unit == other.unit and self.amount[:shared] == other.amount[:shared]


def values(text: str) -> list[Value]:
    """Return the values of a text that can be compared, in order.

    >>> [(value.unit, value.amount, value.span.slice(text)) for text in ["It rose 21.5% to $202 million."]
    ...  for value in values(text)]
    [('%', (21.5,), '21.5%'), ('USD', (202000000.0,), '$202 million')]
    """
    dates = list(_dates(text))
    taken = [date.span for date in dates]
    numbers = (number for number in _numbers(text) if not any(_overlap(number.span, span) for span in taken))
    return sorted([*dates, *numbers], key=lambda value: value.span)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _dates(text: str) -> Iterator[Value]:
    for match in _DATE.finditer(text):
        if match["iso"]:
            parts = tuple(float(part) for part in match["iso"].split("-"))
        else:
            year = match["year"] or match["year_last"] or match["year_of_month"] or match["year_only"]
            month = match["month"] or match["month_first"] or match["month_only"]
            day = match["day"] or match["day_second"]
            numbers = (year, _MONTH_OF[month[:3].lower()] if month else None, day)
            parts = tuple(float(number) for number in numbers if number)
        yield Value(DATE, parts, Span(*match.span()))


def _numbers(text: str) -> Iterator[Value]:
    for match in _NUMBER.finditer(text):
        if _AMBIGUOUS.search(match["digits"]):
            continue
        start, end = match.start("before") if match["before"] else match.start("digits"), match.end()
        name_of_scale = (match["scale"] or "").lower()
        scale = next((size for name, size in _SCALES.items() if name_of_scale.startswith(name)), 1)
        currency = (match["before"] or match["after"] or "").lower()
        unit = next((code for name, code in _CURRENCIES.items() if currency.startswith(name)), "")
        if match["percent"]:
            unit = "%"
        elif not unit and (word := _NEXT_WORD.match(text, end)):
            unit, end = next(terms.terms(word[1], ())), word.end()
        if unit:
            number = float(_SEPARATORS.sub("", match["digits"]).replace(",", "."))
            yield Value(unit, (number * scale,), Span(start, end))
