from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.values import DATE, values


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("It rose 21.5% to $202 million.", [("%", (21.5,)), ("USD", (202e6,))]),
        ("Рост на 21,5 процента, до 202 млн долларов.", [("%", (21.5,)), ("USD", (202e6,))]),
        ("8,000 students", [("student", (8000,))]),
        ("8 thousand students", [("student", (8000,))]),
        ("€1.5 billion and 300 roubles", [("EUR", (1.5e9,)), ("RUB", (300,))]),
        ("on 3 July 2019", [(DATE, (2019, 7, 3))]),
        ("on July 3, 2019", [(DATE, (2019, 7, 3))]),
        ("3 июля 2019 года", [(DATE, (2019, 7, 3))]),
        ("in May 2019", [(DATE, (2019, 5))]),
        ("2019-07-03", [(DATE, (2019, 7, 3))]),
        ("since 1996.", [(DATE, (1996,))]),
        ("Rose by 8.000 units", []),
        ("in room 12.", []),
        ("version 3.14.15", []),
    ],
)
def test_values(text: str, stated: list[tuple[str, tuple[float, ...]]]) -> None:
    assert [(value.unit, value.amount) for value in values(text)] == stated


def test_dates_are_equal_as_far_as_both_are_stated() -> None:
    day, month, other = (values(text)[0] for text in ("3 July 2019", "July 2019", "August 2019"))
    assert day.equals(month)
    assert month.equals(day)
    assert not day.equals(other)
    assert not values("21%")[0].equals(values("21 dollars")[0])


@given(st.integers(0, 999_999), st.sampled_from(["%", " percent", " dollars", " tons"]))
def test_a_number_reads_the_same_with_and_without_separators(number: int, unit: str) -> None:
    is_year = 1500 <= number < 2100
    (plain,) = values(f"about {number:,}{unit}" if is_year else f"about {number}{unit}")
    (separated,) = values(f"about {number:,}{unit}")
    assert plain.equals(separated)
    assert plain.amount == (number,)


@given(st.text())
def test_spans_are_inside_the_text_in_order_and_disjoint(text: str) -> None:
    spans = [value.span for value in values(text)]
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))
