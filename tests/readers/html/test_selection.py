"""Which blocks of a page belong to its article."""

from __future__ import annotations

from qa.readers.extract import Block
from qa.readers.grid import Grid
from qa.readers.html.selection import count_words, select

FIRST = Block("The ferry leaves the old quay at nine in the morning.")
LAST = Block("It comes back before the tide turns in the afternoon.")
ARTICLE = f"{FIRST.text}\n{LAST.text}"
SHARE, TAG = Block("Share this page"), Block("- Boats", tight=True)
LINKS = frozenset({"Share this page", "Boats"})


def _select(*part: Block | Grid, is_main: bool = False) -> list[Block | Grid]:
    return select(part, ARTICLE, links=LINKS, is_main=is_main)


def test_what_is_before_and_after_the_article_is_left_out_unless_the_page_marks_it_as_main():
    before, after = Block("A note on how to park a car."), Block("Write to us at the pier.")
    assert _select(before, FIRST, LAST, after) == [FIRST, LAST]
    assert _select(before, FIRST, LAST, after, is_main=True) == [before, FIRST, LAST, after]


def test_rows_of_links_are_left_out_and_single_lines_stay():
    for is_main in (False, True):
        assert _select(FIRST, SHARE, TAG, LAST, is_main=is_main) == [FIRST, LAST]
        assert _select(FIRST, SHARE, LAST, is_main=is_main) == [FIRST, SHARE, LAST]


def test_short_answers_in_the_main_part_stay():
    question, answer = Block("Is it dear?"), Block("No: 12 euros.")
    assert _select(FIRST, LAST, question, answer, is_main=True) == [FIRST, LAST, question, answer]


def test_tables_headings_and_long_paragraphs_that_the_extractor_drops_stay():
    table, heading = Grid((("Port", "7"),)), Block("Back", level=2)
    long = Block("Nobody asked the crew of the small boat " * 4)
    assert _select(FIRST, SHARE, TAG, table, long, heading, LAST) == [FIRST, table, long, heading, LAST]


def test_an_article_that_is_not_in_the_part():
    assert _select(SHARE, TAG) == []


def test_words_of_chinese_are_its_signs():
    assert count_words([Block("港口 has 3 船")]) == 5
