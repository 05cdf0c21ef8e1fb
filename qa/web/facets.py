"""What the results of a question have in common: publishers, years, languages, types, dates.

A result is counted under a value if one of its near-identical passages has it: with the filter for that value
it would still be a result. Pure functions over results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Literal

from qa.contracts import Filters, Hit, Passage

Field = Literal["source", "year", "language", "type"]
Unit = Literal["day", "month", "year", "decade"]

_MOST_BARS: tuple[tuple[Unit, int], ...] = (("day", 31), ("month", 36), ("year", 60))
"""The finest unit that needs no more bars than this is taken."""

_FIRST_OF: Mapping[Unit, Callable[[date], date]] = MappingProxyType(
    {
        "day": lambda day: day,
        "month": lambda day: day.replace(day=1),
        "year": lambda day: day.replace(month=1, day=1),
        "decade": lambda day: date(max(1, day.year // 10 * 10), 1, 1),
    }
)
_LONGEST: Mapping[Unit, int] = MappingProxyType({"day": 1, "month": 31, "year": 366, "decade": 3653})


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
    """Bars without a gap from the first result to the last, each a ``unit`` long."""

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

    Values that are wanted have their place even where no result has them: they can be let go of there.
    """
    found = Counter(value for hit in hits for value in _values(hit, field))
    folded = {value.casefold() for value in wanted}
    missing = {value for value in wanted if value.casefold() not in {name.casefold() for name in found}}
    counts = [Count(value, found[value], value.casefold() in folded) for value in found.keys() | missing]
    if field == "year":
        return tuple(sorted(counts, key=lambda one: one.value, reverse=True))
    return tuple(sorted(counts, key=lambda one: (-one.count, one.value)))


def undated(hits: Iterable[Hit]) -> int:
    """Count the results without a full date."""
    return sum(not _values(hit, "year") for hit in hits)


def timeline(hits: Iterable[Hit]) -> Timeline | None:
    """Count the results over time, in the finest unit that gives few enough bars; None if on one day."""
    dates = Counter(day for hit in hits for day in _dates(hit))
    if len(dates) < 2:  # noqa: PLR2004 -- one day is no line
        return None
    first, last = min(dates), max(dates)
    unit: Unit = next((unit for unit, most in _MOST_BARS if _length(unit, first, last) <= most), "decade")
    counted: Counter[date] = Counter()
    for day, number in dates.items():
        counted[_FIRST_OF[unit](day)] += number
    return Timeline(
        unit,
        tuple(
            Bar(start.isoformat(), end.isoformat(), counted[start]) for start, end in _bars(unit, first, last)
        ),
    )


def _length(unit: Unit, first: date, last: date) -> int:
    return sum(1 for _ in zip(_bars(unit, first, last), range(100), strict=False))


def _bars(unit: Unit, first: date, last: date) -> Iterator[tuple[date, date]]:
    """Give the first and last day of each bar."""
    start = _FIRST_OF[unit](first)
    while start <= last:
        try:
            following = _FIRST_OF[unit](start + timedelta(days=_LONGEST[unit]))
        except OverflowError:
            yield start, date.max
            return
        yield start, following - timedelta(days=1)
        start = following


def _values(hit: Hit, field: Field) -> set[str]:
    values = {VALUE_OF[field](passage) for passage in (hit.passage, *hit.duplicates)}
    return {value for value in values if value}


def _dates(hit: Hit) -> set[date]:
    published = (passage.document.metadata.published for passage in (hit.passage, *hit.duplicates))
    return {date.fromisoformat(iso) for iso in published if iso}
