"""Which blocks of a page belong to its article, judged by the text that an extractor found.

The extractor drops headings, tables and some sentences, and the lines of what it keeps. So its text only says
where the article is: the page's own blocks are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from qa.readers.extract import Block
from qa.readers.grid import Grid

_HAN = "\u3040-\u30ff\u3400-\u9fff"  # with kana: written without spaces, so that each sign counts as a word
_WORD = re.compile(rf"[{_HAN}]|[^\W{_HAN}]+")

_SHINGLE, _FEWEST_WORDS = 4, 3
"""Words that are compared together, and those of the shortest block that is compared."""

_SAME = 0.5
"""The share of a block's shingles that the article has, at least. Chosen."""

_LONG = 20
"""Words of a paragraph that is kept even if the extractor dropped it, as it does with some."""

_LINKED = 0.4
"""The share of links among the words of short blocks that makes them a menu or a list of other pages.

Chosen on the 181 pages of scrapinghub's article-extraction-benchmark, so new pages may do worse: whole parts
lacked 1.8% of the articles' shingles and 16.7% of theirs were unwanted; selected blocks lack 0.9%, and 13.8%
are unwanted.
"""


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return _WORD.findall(text.lower())


def count_words(parts: Iterable[Block | Grid]) -> int:
    """Count the words of blocks."""
    return sum(len(words(block.text)) for block in parts)


def select(
    part: Sequence[Block | Grid], article: str, *, links: frozenset[str], is_main: bool
) -> list[Block | Grid]:
    """Return the blocks of a part of a page that belong to its article; none if the article is not in it.

    Left out are several short blocks in a row that the extractor did not find, such as shares, tags and other
    pages.

    Args:
        part: the blocks of a part of the page.
        article: the text that the extractor found.
        links: the texts of the page's links.
        is_main: whether the page marks this part as its main one. What is before and after the article then
            belongs to it, too, and only blocks that consist of links are left out.
    """
    shingles = set(_shingles(words(article)))
    found = [_is_found(words(block.text), shingles) for block in part]
    if True not in found:
        return []
    first, last = found.index(True), len(found) - found[::-1].index(True)
    bounds = slice(None) if is_main else slice(first, last)
    kept: list[Block | Grid] = []
    others: list[Block | Grid] = []
    for block, is_found in zip(part[bounds], found[bounds], strict=True):
        if is_found:
            kept += [*_without_surroundings(others, links, _LINKED if is_main else 0.0), block]
            others = []
        else:
            others.append(block)
    return [*kept, *_without_surroundings(others, links, _LINKED if is_main else 0.0)]


def _shingles(tokens: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in (_FEWEST_WORDS, _SHINGLE):
        for start in range(len(tokens) - size + 1):
            yield tuple(tokens[start : start + size])


def _is_found(tokens: Sequence[str], shingles: set[tuple[str, ...]]) -> bool:
    size = min(len(tokens), _SHINGLE)
    if size < _FEWEST_WORDS:
        return False
    own = [tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)]
    return sum(shingle in shingles for shingle in own) >= _SAME * len(own)


def _without_surroundings(
    others: Sequence[Block | Grid], links: frozenset[str], least_linked: float
) -> list[Block | Grid]:
    """Return what to keep of blocks in a row that the extractor did not find.

    Tables, long paragraphs and the headings of what follows are kept.
    """
    end = len(others)
    while end and _is_heading(others[end - 1]):
        end -= 1
    row, headings = others[:end], others[end:]
    counts = [len(words(block.text)) for block in row]
    linked = sum(
        count for block, count in zip(row, counts, strict=True) if block.text.removeprefix("- ") in links
    )
    if len(row) > 1 and linked >= least_linked * sum(counts):
        row = [
            block
            for block, count in zip(row, counts, strict=True)
            if isinstance(block, Grid) or count >= _LONG
        ]
    return [*row, *headings]


def _is_heading(block: Block | Grid) -> bool:
    return isinstance(block, Block) and block.level is not None
