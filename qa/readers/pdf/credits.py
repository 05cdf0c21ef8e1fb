"""Titles and authors in a PDF's own information, unless a machine or its operator wrote them."""

from __future__ import annotations

import re

from qa.readers.metadata import written_by_hand

_MACHINE_TITLE = re.compile(
    r"(?:file|https?)://\S*|[a-z]:\\.*|/[^\s/]+/\S*"
    r"|(?:slide|page|sheet|book|presentation|workbook|layout|print(?:ing)?|scan(?:ned)?)[\s_-]?\d*"
    r"|(?:microsoft|ms) (?:powerpoint|excel|publisher|word)\b.*"
    r"|\S*\.(?:qxp|ai|eps|ps|odp|ods|pub|key|pages|md|xml|aspx?|php|jsp|fm|p65|wpd|cdr|vsdx?)"
    r"|(?:full page|no title|new document|blank|test|pdf|print|temp|default)",
    re.IGNORECASE,
)
_MACHINE_AUTHOR = re.compile(
    r".*\b(?:edgar|donnelley|workiva|wdesk|webfilings|toppan|merrill|broadridge|kaleidoscope|kscope|certent"
    r"|novaworks|activedisclosure|edgarizing|globenewswire|business wire|businesswire|pr newswire|prnewswire"
    r"|vintage filings|issuer direct|quotemedia|microsoft office|libreoffice|openoffice"
    r"|adobe (?:acrobat|indesign)|wkhtmltopdf|prince|latex|scanner|xerox|canon|ricoh|konica|root)\b.*"
    r"|(?:default|guest|test|me|pc|hp|dell|lenovo|asus|acer|windows|home|office|customer"
    r"|staff)(?: user)?",
    re.IGNORECASE,
)


def title_by_hand(value: str | None) -> str | None:
    """Return a title, unless it is a machine's: the number of a filing, a path or a converter's word."""
    title = written_by_hand(value)
    return None if not title or _MACHINE_TITLE.fullmatch(title) else title


def author_by_hand(value: str | None) -> str | None:
    """Return an author, unless it is a filing agent, a program or the name of an account."""
    author = written_by_hand(value)
    return None if not author or _MACHINE_AUTHOR.fullmatch(author) else author
