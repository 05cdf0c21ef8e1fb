"""What the results of a question have in common: publishers, years, languages, types, dates.

A result is counted under a value if one of its near-identical passages has it: with the filter for that value
it would still be a result. Pure functions over results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Literal

from qa.text.folding import fold
from qa.types import Filters, Hit, Passage

Field = Literal["source", "year", "language", "type"]
Unit = Literal["day", "month", "year"]

MOST_BARS = 12
"""So many that each can be hit with a finger on the narrowest screen."""

_YEAR = 12


@dataclass(frozen=True, slots=True)
class _Division:
    """Time in bars of so many days or of so many months, which have numbers."""

    unit: Unit
    days: int = 0
    months: int = 0

    def place(self, day: date) -> int:
        """Give the bar that a day is in."""
        if self.days:
            return (day.toordinal() - 1) // self.days
        return (day.year * _YEAR + day.month - 1) // self.months

    def start(self, place: int) -> date:
        """Give the first day of a bar, within the calendar."""
        if self.days:
            return date.fromordinal(place * self.days + 1)
        year, month = divmod(place * self.months, _YEAR)
        return date(year, month + 1, 1) if date.min.year <= year <= date.max.year else _edge(year)


def _edge(year: int) -> date:
    return date.min if year < date.min.year else date.max


_DIVISIONS = (
    _Division("day", days=1),
    _Division("day", days=7),
    _Division("month", months=1),
    _Division("month", months=3),
    *(_Division("year", months=years * _YEAR) for years in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)
"""The finest first."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many results have a value, and whether that is filtered for."""

    value: str
    count: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time, ISO dates inclusive, and how many results were published in it."""

    start: str
    end: str
    count: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Bars without a gap from the first result to the last, each so many days, months or years long."""

    unit: Unit
    bars: tuple[Bar, ...]

    @property
    def highest(self) -> int:
        """Give the count of the highest bar."""
        return max(bar.count for bar in self.bars)


VALUE_OF: Mapping[Field, Callable[[Passage], str | None]] = MappingProxyType(
    {
        "source": lambda passage: passage.document.metadata.source,
        "year": lambda passage: (passage.document.metadata.published or "")[:4] or None,
        "language": lambda passage: passage.language or passage.document.metadata.language,
        "type": lambda passage: passage.document.media_type,
    }
)


def chosen(filters: Filters) -> dict[Field, tuple[str, ...]]:
    """Give the values that are filtered for, by facet; a year is, where the dates are just its own."""
    year = (filters.date_from or "")[:4]
    whole = year and (filters.date_from, filters.date_to) == year_range(year)
    return {
        "source": filters.source,
        "year": (year,) if whole else (),
        "language": filters.language,
        "type": filters.media_type,
    }


def year_range(year: str) -> tuple[str, str]:
    """Give a year's first and last day."""
    return f"{year}-01-01", f"{year}-12-31"


def count(hits: Sequence[Hit], field: Field, wanted: Sequence[str]) -> tuple[Count, ...]:
    """Count the results under each value of a facet, the most frequent first, years the latest first.

    Spellings of one value count as one, which is shown as most results spell it. Values that are wanted have
    their place even where no result has them: they can be let go of there.
    """
    counted: Counter[str] = Counter()
    spellings: dict[str, Counter[str]] = {}
    for hit in hits:
        values = _values(hit, field)
        counted.update({fold(value) for value in values})
        for value in values:
            spellings.setdefault(fold(value), Counter())[value] += 1
    chosen_ = {fold(value): value for value in wanted}
    counts = [
        Count(
            _most_frequent(spellings[key]) if key in spellings else chosen_[key], counted[key], key in chosen_
        )
        for key in counted.keys() | chosen_.keys()
    ]
    if field == "year":
        return tuple(sorted(counts, key=lambda one: one.value, reverse=True))
    return tuple(sorted(counts, key=lambda one: (-one.count, one.value)))


def _most_frequent(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda one: (-spellings[one], one))


def undated(hits: Iterable[Hit]) -> int:
    """Count the results without a full date."""
    return sum(not _values(hit, "year") for hit in hits)


def timeline(hits: Iterable[Hit]) -> Timeline | None:
    """Count the results over time, in bars as short as few enough can be; None if all are of one day."""
    dates = Counter(day for hit in hits for day in _dates(hit))
    if len(dates) < 2:  # noqa: PLR2004 -- one day is no line
        return None
    first, last = min(dates), max(dates)
    by = next(by for by in _DIVISIONS if by.place(last) - by.place(first) < MOST_BARS)
    counted = Counter(by.place(day) for day in dates.elements())
    bars = (
        Bar(by.start(at).isoformat(), _end(by, at).isoformat(), counted[at])
        for at in range(by.place(first), by.place(last) + 1)
    )
    return Timeline(by.unit, tuple(bars))


def _end(by: _Division, place: int) -> date:
    following = by.start(place + 1)
    return following if following == date.max else following - timedelta(days=1)


def _values(hit: Hit, field: Field) -> set[str]:
    values = {VALUE_OF[field](passage) for passage in (hit.passage, *hit.duplicates)}
    return {value for value in values if value}


def _dates(hit: Hit) -> set[date]:
    published = (passage.document.metadata.published for passage in (hit.passage, *hit.duplicates))
    return {date.fromisoformat(iso) for iso in published if iso}
