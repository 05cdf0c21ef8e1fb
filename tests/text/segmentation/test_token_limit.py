"""Parts of a text that fit into the model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fake_encoder import count_tokens
from hypothesis import given
from hypothesis import strategies as st

from qa.text.segmentation.token_limit import TokenLimit, _pack
from qa.types import Span

_COUNTS = st.lists(st.integers(1, 9), min_size=1, max_size=30)


def _packed(counts: list[int], limit: int) -> list[int]:
    """Return how many tokens each packed span has; each unit is one character."""
    units = [Span(i, i + 1) for i in range(len(counts))]
    spans = list(_pack(units, counts, limit))
    assert [span.start for span in spans[1:]] == [span.end for span in spans[:-1]]
    assert (spans[0].start, spans[-1].end) == (0, len(counts))
    return [sum(counts[span.start : span.end]) for span in spans]


@given(_COUNTS, st.integers(9, 40))
def test_packed_units_keep_the_limit(counts: list[int], limit: int) -> None:
    assert max(_packed(counts, limit)) <= limit


def test_units_are_packed_evenly_not_greedily() -> None:
    assert _packed([1] * 12, 10) == [6, 6]
    assert _packed([1] * 10, 10) == [10]
    assert _packed([4, 4, 4, 4], 10) == [8, 8]


@given(st.text("ab \n", max_size=200), st.integers(1, 20))
def test_parts_keep_the_limit_and_lose_no_letter(text: str, max_tokens: int) -> None:
    parts = list(TokenLimit(text, count_tokens, max_tokens).split(Span(0, len(text)), lambda: None))
    assert max(count_tokens([part.slice(text) for part in parts]), default=0) <= max_tokens
    assert all(before.end <= after.start for before, after in pairwise(parts))
    reached = {i for part in parts for i in range(*part)}
    assert all(i in reached for i, character in enumerate(text) if character.isalpha())


def test_what_is_too_long_for_its_characters_alone_is_not_tokenized() -> None:
    tokenized: list[str] = []

    def count(texts: Sequence[str]) -> list[int]:
        tokenized.extend(texts)
        return [1] * len(texts)

    text = "x" * 16 * 11
    limit = TokenLimit(text, count, max_tokens=10)
    assert limit.count([Span(0, 3), Span(0, 160), Span(0, 161)]) == [1, 10, 11]
    assert tokenized == ["xxx", "x" * 160]
    assert all(part.end - part.start <= 160 for part in limit.split(Span(0, len(text)), lambda: None))
