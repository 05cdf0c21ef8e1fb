"""Text → words as people compare them: the one definition by which a phrase stands in a text or doesn't.

Case, accents, width, hyphens, line ends and the kinds of quotes and dashes make no difference. A phrase
stands in a text if its words are a run of the text's words.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache

import regex

from qa.types import Span

VERSION = 1
"""Changes whenever the same text may get other words."""

BROKEN = "-"
"""Ends a word that is broken by a hyphen at the end of a line, and begins its rest on the next line."""

_ALIKE = str.maketrans(
    {"ё": "е", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "œ": "oe", "æ": "ae"}
)
"""Letters that Unicode does not decompose, and the Russian ё, which is mostly printed as е."""

_LINE_END = r"[ \t]*\r?\n[ \t\f]*"
_INVISIBLE = regex.compile(
    rf"\u00AD{_LINE_END}|[™℠\u034F\p{{Cf}}\u180B-\u180D\uFE00-\uFE0F\U000E0100-\U000E01EF]"
)
_ACCENTS = regex.compile(r"(?<=[\p{Latin}\p{Greek}])\p{Mn}+")
"""Accents of Latin and Greek letters. In other scripts, marks make other letters: й is not и."""
_POINTS = regex.compile(
    r"(?<=\p{Cyrillic})[\u0300\u0301]"
    r"|[\u0640\u064B-\u065F\u0670\u06D6-\u06DC\u06DF-\u06E8\u06EA-\u06ED\u0591-\u05BD\u05BF\u05C1-\u05C7--\u05C6]",
    regex.VERSION1,
)
"""The stress marks of Russian, vowel signs of Arabic, its tatweel, and points of Hebrew: seldom written."""

# Scripts written without spaces between words: each character is a word, with its marks.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_APOSTROPHES = r"[\u02B9-\u02BF\u02C8-\u02CB\uA78B\uA78C]"  # some are letters to Unicode
# Symbols that mean something are words, so that $5 is not £5. Bullets, arrows, frames and ™ are not.
_MEANT = r"[%‰#&@°§+±×÷√∞<>≤≥≠≈\p{Sc}\p{So}]"
_MARKS = r"[©®\u2190-\u21FF\u2300-\u23FF\u2500-\u25FF\u2700-\u27BF\uFFFC\uFFFD]"
_WORD = regex.compile(
    rf"\d++(?:[.,]\d++)++"
    rf"|[[\p{{L}}\p{{N}}]--{_UNSPACED}--{_APOSTROPHES}][[\p{{L}}\p{{M}}\p{{N}}]--{_UNSPACED}--{_APOSTROPHES}]*+"
    rf"|[{_UNSPACED}--\p{{M}}]\p{{M}}*+|[{_MEANT}--{_MARKS}]|(?<!=)=(?!=)",
    regex.VERSION1,
)
_BREAK = regex.compile(rf"(?<=\p{{L}})[-\u2010]{_LINE_END}(?=\p{{L}})")
_LINE_STARTS = regex.compile(r"^[ \t]*+(?:(?:>[ \t]*+)++|#{1,6}(?=[ \t])|\+(?=[ \t]))", regex.MULTILINE)
"""Marks of Markdown at the start of a line: of a quotation, a heading, an item."""
_PIECE = regex.compile(rf"\u00AD{_LINE_END}|[\s\S][\p{{M}}\u1160-\u11FF\uFF9E\uFF9F]*+")
"""A character with what may become one with it."""
_PLAIN = regex.compile(r"[\x00-\x7F]+(?![^\x00-\x7F])")
"""Characters that become one with nothing: ASCII, without what stands right before another character."""
_DIFFERENT = 4096
"""So many folded characters are kept. Chosen: more than a document in any but Chinese characters has."""


def compared_words(text: str) -> list[str]:
    r"""Return a text's words as they are compared, in order.

    A word that is broken at the end of a line gives two, which are marked with ``BROKEN``.

    >>> compared_words("“Well-known”: l’Été, $211.9 billion, C++")
    ['well', 'known', 'l', 'ete', '$', '211.9', 'billion', 'c', '+', '+']
    >>> compared_words("know-\nledge 柬埔寨")
    ['know-', '-ledge', '柬', '埔', '寨']
    """
    folded = _without_line_starts(_fold(text))
    if _BREAK.search(folded) is None:
        return list(_WORD.findall(folded))
    return [word for word, _, _ in _scan(folded)]


def phrase_words(phrase: str) -> tuple[str, ...]:
    """Return the words of a phrase that somebody asks for, as they are compared."""
    return tuple(_WORD.findall(_fold(phrase)))


def phrase_spans(text: str, phrases: Sequence[Sequence[str]]) -> list[Span]:
    """Return where phrases, given by their words, stand in a text, in order; they may overlap.

    >>> text = "It is WELL–known."
    >>> [span.slice(text) for span in phrase_spans(text, [("well", "known")])]
    ['WELL–known']
    """
    words = list(_words_with_spans(text))
    tokens = [word for word, _ in words]
    spans = (
        Span(words[start][1].start, words[end - 1][1].end)
        for phrase in phrases
        if phrase
        for start in range(len(tokens))
        if (end := _match(tokens, start, phrase)) is not None
    )
    return sorted(spans)


def _match(tokens: Sequence[str], start: int, phrase: Sequence[str]) -> int | None:
    """Return where a phrase that begins at a place among a text's words ends; None if it doesn't stand there.

    A broken word matches as a whole or as two words.
    """
    place = start
    for word in phrase:
        if place >= len(tokens):
            return None
        own = tokens[place]
        if own.strip(BROKEN) == word:
            place += 1
        elif own.endswith(BROKEN) and own.strip(BROKEN) + tokens[place + 1].strip(BROKEN) == word:
            place += 2
        else:
            return None
    return place


def _words_with_spans(text: str) -> Iterator[tuple[str, Span]]:
    """Yield each word of a text, as ``compared_words`` returns it, and where it stands."""
    if text.isascii():
        for word, start, end in _scan(_without_line_starts(text.lower())):
            yield word, Span(start, end)
        return
    starts, ends, folded = _folded_with_places(text)
    for word, start, end in _scan(_without_line_starts(folded)):
        yield word, Span(starts[start], ends[end - 1])


def _folded_with_places(text: str) -> tuple[Sequence[int], Sequence[int], str]:
    """Return where each character of a folded text begins and ends in the text, and the folded text."""
    starts, ends = array("q"), array("q")
    folded: list[str] = []
    position = 0
    while position < len(text):
        if match := _PLAIN.match(text, position):
            folded.append(match.group().lower())
            starts.extend(range(position, match.end()))
            ends.extend(range(position + 1, match.end() + 1))
        else:
            match = _PIECE.match(text, position)
            folded.append(_fold_piece(match.group()))
            starts.extend([position] * len(folded[-1]))
            ends.extend([match.end()] * len(folded[-1]))
        position = match.end()
    return starts, ends, "".join(folded)


def _scan(folded: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word of a folded text with its place, the halves of broken words marked."""
    breaks = {match.start() for match in _BREAK.finditer(folded)}
    rest = ""
    for match in _WORD.finditer(folded):
        is_broken = match.end() in breaks
        yield rest + match.group() + (BROKEN if is_broken else ""), match.start(), match.end()
        rest = BROKEN if is_broken else ""


def _fold(text: str) -> str:
    """Return what all spellings of a text share that count as equal."""
    if text.isascii():
        return text.lower()
    text = _INVISIBLE.sub("", text)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    pointless: str = _POINTS.sub("", unicodedata.normalize("NFC", text))
    return pointless.translate(_ALIKE)


_fold_piece = lru_cache(_DIFFERENT)(_fold)


def _without_line_starts(folded: str) -> str:
    """Blank out the marks of Markdown at the starts of lines, each place of which stays."""
    if ">" in folded or "#" in folded or "+" in folded:
        folded = str(_LINE_STARTS.sub(lambda match: " " * len(match.group()), folded))
    return folded
