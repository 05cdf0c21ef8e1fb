"""Read what the text itself says of its title, author, source and date.

Only forms that leave no doubt are taken: a date alone on its line, a byline, a dateline.
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
_LONGEST_BYLINE = 150
_LONGEST_TITLE = 110  # what schema.org's users are told to keep a headline under

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


def facts_of(text: str, *, with_title: bool) -> Facts:
    """Find what the text says of itself.

    Args:
        text: the document's text.
        with_title: whether its first lines may name it; not where the format marks headings.
    """
    facts = Facts()
    paragraphs = _top_paragraphs(text)
    lines = [line.strip() for paragraph in paragraphs for line in patterns.lines(paragraph)]
    lines = [line for line in lines if line][:_TOP_LINES]
    _add_dateline(facts, paragraphs[:_TOP_PARAGRAPHS])
    written = {found for line in lines if (found := _date(line))}
    if len(written) == 1:
        facts.add("published", written.pop(), "text")
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
    found = _BYLINE.fullmatch(line) if len(line) <= _LONGEST_BYLINE else None
    return found["by"] or found["label"] if found and not _date(line) else None


def _add_dateline(facts: Facts, paragraphs: list[str]) -> None:
    for paragraph in paragraphs:
        for form in _DATELINES:
            found = form.match(paragraph)
            if not found:
                continue
            parts = found.groupdict()
            if not parts.get("agency") and not found["place"].isupper():
                continue
            facts.add("dateline", found["line"], "text")
            facts.add("source", parts.get("agency"), "text")
            if parts.get("date"):
                facts.add("published", found["date"], "text")
            return


def _title(text: str, paragraphs: list[str]) -> str | None:
    """Choose among the short lines above the first prose the one whose words the text takes up most.

    Pages saved from the web begin with the names of menus and sections; only a title speaks of what follows.
    """
    candidates: list[str] = []
    for paragraph in paragraphs:
        if _is_prose(paragraph):
            break
        candidates += _candidate(paragraph)
    else:
        return None
    shares = dict(zip(candidates, _taken_up(candidates, text), strict=True))
    return max(shares, key=shares.__getitem__, default=None)


def _is_prose(paragraph: str) -> bool:
    if len(paragraph) > 2 * _LONGEST_TITLE:
        return True
    ends_like_prose = patterns.ends_with_mark(paragraph, patterns.PROSE_MARKS)
    return ends_like_prose and not _author(paragraph) and not _date(paragraph)


def _candidate(paragraph: str) -> Iterator[str]:
    lines = [line.strip() for line in patterns.lines(paragraph)]
    lines = [line for line in lines if not _date(line) and not _author(line)]
    if len(lines) == 1 and len(lines[0]) <= _LONGEST_TITLE and not patterns.may_be_list_item(lines[0]):
        yield lines[0]


def _taken_up(lines: Sequence[str], text: str) -> Iterator[float]:
    """Yield, of each line, how many of its words come back after it, times their share of its words."""
    ends = [text.index(line) + len(line) for line in lines]
    rest = max(ends, default=0)
    while rest < len(text) and text[rest].isalnum():  # to the end of a word
        rest += 1
    far = _stems(text[rest:])  # once for all: a long document has many words
    for line, end in zip(lines, ends, strict=True):
        words, near = _stems(line), _stems(text[end:rest])
        shared = len(words & far | words & near)
        yield shared * shared / len(words) if words else 0.0


def _stems(text: str) -> set[str]:
    return {word[:5].casefold() for word in _WORD.findall(text)}
