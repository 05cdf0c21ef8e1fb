"""Title, author, source and date, taken from the text itself.

Only unambiguous forms count: a date alone on its line, a byline, a dateline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa.readers import dates
from qa.readers.metadata import Facts
from qa.text import patterns

_TOP_CHARACTERS = 6_000
_TOP_LINES = 12
_TOP_PARAGRAPHS = 6
"""How much of the beginning is searched: saved web pages have some lines of menus above their text."""

_MAX_BYLINE_LENGTH = 150
_MAX_TITLE_LENGTH = 110  # the limit for a headline in Google's advice on schema.org articles

_WORD = re.compile(r"[^\W\d_]{4,}")
_DATE_LABEL = re.compile(
    r"^(?:(?:date|published|posted|publication date)(?: on)?"
    r"|дата(?: публикации)?|опубликован[оа]?)\s*:?\s+",
    re.IGNORECASE,
)
# Possessive, so that there is one way to match a name: of two, a line of many names would take 2^names steps.
_NAME = r"(?:[A-ZА-ЯЁ][\w’'-]*+\.?+(?:[A-ZА-ЯЁ]\.)*+|de|del|la|van|von|der|bin|al|and|и|&)"
_BYLINE = re.compile(
    rf"(?:(?:[Ww]ritten\s)?(?:By|BY|by)\s++(?P<by>{_NAME}(?:\s++{_NAME})+(?:,\s.*[^.!?:;,…])?)"
    r"|(?:Author|Автор|Авторы|Authors)\s*+:\s*+(?P<label>\S.*))"
)

_CAPITALISED = r"[A-ZА-ЯЁ][\w’'.-]*"
_PLACE = rf"(?!(?:In|On|At|From|By|В|На|Из)\s)(?P<place>{_CAPITALISED}(?:,?[ /]{_CAPITALISED}){{0,4}}?)"
_DATE = rf"(?P<date>(?i:{dates.DAY_AND_MONTH}))"
_DASH = r"\s*+(?:[–—]|--?(?=\s))"
_PAREN = r"\((?P<agency>[^()\n]{2,30})\)"
_KNOWN_AGENCY = (
    r"\((?P<agency>Reuters|AP|AFP|UPI|TASS|Xinhua|Interfax|dpa|ANSA|EFE|Kyodo|Bloomberg|Sputnik|RIA Novosti"
    r"|Рейтер|ТАСС|Интерфакс|РИА Новости)\)"
)
_DATELINES = tuple(
    re.compile(form)
    for form in (
        rf"(?P<line>{_PLACE}(?:,\s{_DATE})?[.,]?\s*+/(?P<agency>[^/\n]{{2,40}})/)",
        rf"(?P<line>{_PLACE},?\s{_PAREN},?\s{_DATE}){_DASH}",
        rf"(?P<line>{_PLACE},\s{_DATE},?\s{_PAREN}){_DASH}",
        rf"(?P<line>{_PLACE},?\s{_KNOWN_AGENCY}){_DASH}",
        rf"(?P<line>{_PLACE},\s{_DATE}\s[–—-]\s(?P<agency>РИА Новости|Sputnik|Интерфакс|ТАСС))\.",
        rf"(?P<line>{_PLACE},\s{_DATE}){_DASH}",
    )
)


def find_facts(text: str, *, with_title: bool) -> Facts:
    """Return the metadata that a text states.

    Args:
        text: the document's text.
        with_title: whether a line above the first prose may be its title; not where a format marks titles.
    """
    facts = Facts()
    paragraphs = _top_paragraphs(text)
    lines = [line.strip() for paragraph in paragraphs for line in patterns.lines(paragraph)]
    lines = [line for line in lines if line][:_TOP_LINES]
    _add_dateline(facts, paragraphs[:_TOP_PARAGRAPHS])
    days = {day for line in lines if (day := _date(line))}
    if len(days) == 1:
        facts.add("published", days.pop(), "text")
    last_line = text[-_TOP_CHARACTERS:].rstrip().rpartition("\n")[2].strip()
    for line in [*lines[1:], last_line]:
        facts.add("author", _author(line), "text")
    if with_title:
        facts.add("title", _title(text, paragraphs), "text")
    return facts


def _top_paragraphs(text: str) -> list[str]:
    pieces = patterns.paragraphs(text[:_TOP_CHARACTERS])
    return [piece.strip() for piece in pieces if piece.strip()][:_TOP_LINES]


def _date(line: str) -> str | None:
    return dates.parse(_DATE_LABEL.sub("", line, count=1))


def _author(line: str) -> str | None:
    match = _BYLINE.fullmatch(line) if len(line) <= _MAX_BYLINE_LENGTH else None
    return match["by"] or match["label"] if match and not _date(line) else None


def _add_dateline(facts: Facts, paragraphs: list[str]) -> None:
    for paragraph in paragraphs:
        for form in _DATELINES:
            match = form.match(paragraph)
            if not match:
                continue
            parts = match.groupdict()
            if not parts.get("agency") and not match["place"].isupper():
                continue
            facts.add("dateline", match["line"], "text")
            facts.add("source", parts.get("agency"), "text")
            if parts.get("date"):
                facts.add("published", match["date"], "text")
            return


def _title(text: str, paragraphs: list[str]) -> str | None:
    """Return the short line above the first prose whose words the text repeats most.

    Pages saved from the web begin with the names of menus and sections; only a title is about what follows.
    """
    candidates: list[str] = []
    for paragraph in paragraphs:
        if _is_prose(paragraph):
            break
        candidates += _candidate(paragraph)
    else:
        return None
    shares = dict(zip(candidates, _repeated_shares(candidates, text), strict=True))
    return max(shares, key=shares.__getitem__, default=None)


def _is_prose(paragraph: str) -> bool:
    if len(paragraph) > 2 * _MAX_TITLE_LENGTH:
        return True
    ends_like_prose = patterns.ends_with_mark(paragraph, patterns.PROSE_MARKS)
    return ends_like_prose and not _author(paragraph) and not _date(paragraph)


def _candidate(paragraph: str) -> Iterator[str]:
    lines = [line.strip() for line in patterns.lines(paragraph)]
    lines = [line for line in lines if not _date(line) and not _author(line)]
    if len(lines) == 1 and len(lines[0]) <= _MAX_TITLE_LENGTH and not patterns.may_be_list_item(lines[0]):
        yield lines[0]


def _repeated_shares(lines: Sequence[str], text: str) -> Iterator[float]:
    """Yield, for each line, how many of its words are repeated after it, times their share of its words."""
    ends = [text.index(line) + len(line) for line in lines]
    rest = max(ends, default=0)
    while rest < len(text) and text[rest].isalnum():  # up to the end of the word
        rest += 1
    far = _stems(text[rest:])  # once for all lines: a long document has many words
    for line, end in zip(lines, ends, strict=True):
        words, near = _stems(line), _stems(text[end:rest])
        shared = len(words & far | words & near)
        yield shared * shared / len(words) if words else 0.0


def _stems(text: str) -> set[str]:
    return {word[:5].casefold() for word in _WORD.findall(text)}
