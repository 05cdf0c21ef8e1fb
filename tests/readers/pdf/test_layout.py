"""Lines to paragraphs: what a page of very many lines takes, and that words are joined as they were."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.readers.pdf.column_places import make_grid
from qa.readers.pdf.layout import Cell, Line, join, paragraphs, vocabulary
from qa.readers.pdf.page_blocks import gather


def _line(text: str, number: int = 0, left: float = 50) -> Line:
    return Line(text, left, left + 5 * len(text), 700 - 12.0 * number, 10, 20)


def _cell(left: float, gap: float) -> Line:
    return Line("cell", left, left + 10 - gap, 700, 5, 5, cells=(Cell("cell", left, left + 10 - gap),))


def _join_by_its_first_form(paragraph: Sequence[Line], words: AbstractSet[str]) -> str:
    """Join lines by looking at the whole text before each, which took the square of its length."""
    text = paragraph[0].text
    for line in paragraph[1:]:
        before = re.search(r"([^\W\d_]*)(?<=\w)-$", text)
        after = re.match(r"[^\W\d_]+", line.text)
        if line.is_tabular:
            text = f"{text}\n{line.text}"
        elif not before:
            text = f"{text} {line.text}"
        elif after and before[1] and after[0][0].islower():
            compound = f"{before[1]}-{after[0]}".casefold()
            divided = compound not in words or compound.replace("-", "") in words
            text = text[:-1] + line.text if divided else text + line.text
        else:
            text += line.text
    return text


_WORDS = st.sampled_from(
    ["rice", "Port", "self-", "made", "inter-", "na-", "tional", "4-", "_-", "x\ty", "-"]
)


@given(st.lists(st.lists(_WORDS, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=8))
def test_lines_are_joined_as_they_were(texts: list[str]) -> None:
    lines = [_line(text, number) for number, text in enumerate(texts)]
    words = vocabulary([*lines, _line("self-made international")])
    assert join(lines, words) == _join_by_its_first_form(lines, words)


@pytest.mark.parametrize("kind", ["many short runs", "one row", "one word", "one paragraph", "hyphens"])
def test_a_page_of_very_many_lines_takes_time_in_proportion(kind: str) -> None:
    def seconds(count: int) -> float:
        gap = 0.1 if kind == "one word" else 5
        lines = [
            _line("letters", number * 9 if kind == "many short runs" else number)
            if kind not in {"one row", "one word"}
            else _cell(10.0 * number, gap)
            for number in range(count)
        ]
        if kind == "hyphens":
            lines = [_line("letters-", number) for number in range(count)]
        started = time.process_time()
        for paragraph in paragraphs(lines):
            join(paragraph, frozenset())
        return time.process_time() - started

    # A square would take 64 times as long; the machine may be busy, so the best of some tries counts.
    assert any(seconds(16_000) < max(0.3, 24 * seconds(2_000)) for _ in range(4))


@pytest.mark.parametrize("kind", ["one row", "rows with labels"])
def test_tables_of_very_many_cells_take_time_in_proportion(kind: str) -> None:
    def seconds(count: int) -> float:
        if kind == "one row":
            lines = [_cell(10.0 * number, 5) for number in range(count)]
        else:
            cells = (Cell("a", 50, 60), Cell("1", 300, 310))
            row = Line("a\t1", 50, 310, 0, 10, 10, cells=cells)
            label = Line("Label", 50, 90, 0, 10, 10, cells=(Cell("Label", 50, 90),))
            lines = [replace(label if n % 2 else row, baseline=-12.0 * n) for n in range(count)]
        started = time.process_time()
        for block in gather(list(paragraphs(lines))):
            if block[0].is_tabular:
                assert make_grid(block).text
        return time.process_time() - started

    assert any(seconds(8_000) < max(0.5, 24 * seconds(1_000)) for _ in range(4))
