"""Headings by their look, and the section that they name."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qa.text.segmentation.headings import MAX_SECTION_LENGTH, HeadingPath, _wiki_level, guess_level


def _level_by_plain_pattern(line: str) -> int | None:
    """Return a wiki heading's level by a plainer pattern, which takes cubic time."""
    form = r"\s*=(?P<marks>(?:\s?=)*)\s*(?P<name>[^=].*?)\s*=(?P=marks)\s*"
    match = re.fullmatch(form, line)
    return 2 + match["marks"].count("=") if match else None


@given(
    st.integers(1, 4), st.sampled_from(["", " "]), st.text("ab =", min_size=1, max_size=6), st.integers(0, 4)
)
def test_wiki_levels_equal_those_of_a_plainer_pattern(before: int, gap: str, name: str, after: int) -> None:
    line = f"{'=' * before}{gap}{name}{gap}{'=' * after}".strip()
    assume(any(map(str.isalpha, name)) and " =" not in name and "= " not in name and name.strip()[0] != "=")
    assert _wiki_level(line) == _level_by_plain_pattern(line)


@pytest.mark.parametrize("line", ["Trade", "1990s", "Торговля", "What happened", "贸易" * 20])
def test_a_short_line_of_its_own_is_a_heading(line: str) -> None:
    assert guess_level(line, alone=True) == 1
    assert guess_level(line, alone=False) is None


@pytest.mark.parametrize(
    "line",
    [
        *("It ended.", "It ended,", "“Ended!”", "ended", "- Trade", "3) Trade", "A) Trade", "***", "A\nB"),
        *(
            "x" * 121,
            "结束了。",
            "កម្ពុជា។",
            "Trade" * 25,
            "贸易" * 21,
            "「結束了。」",
            "价格如下：",
            "Այն մեծ է։",
            "ትልቅ ነው።",
        ),
    ],
)
def test_prose_and_list_items_are_no_headings(line: str) -> None:
    assert guess_level(line, alone=True) is None


def test_marks_of_a_wiki_make_a_heading_without_blank_lines() -> None:
    assert guess_level("== Trade ==", alone=False) == 3
    assert guess_level("=== Trade ==", alone=False) is None


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from("ABCDE")), max_size=10))
def test_a_section_holds_each_heading_that_no_later_one_closes(headings: list[tuple[int, str]]) -> None:
    path = HeadingPath()
    for level, heading in headings:
        path.enter(level, heading)
    is_open = [all(level < later for later, _ in headings[i + 1 :]) for i, (level, _) in enumerate(headings)]
    names = [heading for (_, heading), kept in zip(headings, is_open, strict=True) if kept]
    assert path.section(None) == (" › ".join(names) or None)


def test_matter_of_level_0_and_the_title_name_no_section() -> None:
    path = HeadingPath()
    path.enter(0, "front matter")
    path.enter(1, "Annual report")
    assert path.section("Annual report") is None
    path.enter(2, "= Trade =")
    assert path.section("Annual report") == "Trade"


def test_a_long_section_keeps_its_innermost_headings() -> None:
    path = HeadingPath()
    path.enter(1, "x" * 500)
    path.enter(2, "y" * 500)
    assert path.section(None) == f"… › {'y' * 500}"
    path.enter(1, "z" * 700)
    assert path.section(None) == "… " + "z" * (MAX_SECTION_LENGTH - 2)
