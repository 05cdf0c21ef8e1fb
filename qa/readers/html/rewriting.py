"""A page's markup rewritten so that its bare text is what a reader sees.

Exponents, notes, formulas, line breaks, list numbers and annotations of pronunciation mean something by
their markup alone. Here that becomes characters, before anything is extracted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from qa.readers.html.elements import become_text, local_name
from qa.readers.html.formulas import rewrite_formulas
from qa.readers.html.line_ends import join_lines
from qa.readers.html.numbering import number_items
from qa.readers.html.preformatted import tidy
from qa.readers.html.raised import is_superscript, subscript_text, superscript_text

_UNMARKED = ("{*}sup", "{*}sub", "{*}ruby", "{*}rb", "{*}wbr", "rewritten")
"""Elements that only divide text."""

_COOKIE_BANNER = re.compile(
    r"\b(?:cookies?|gdpr|consent)[_-]?(?:banner|consent|notice|bar|pop-?up|law|message|overlay|modal|dialog)"
    r"|onetrust|cookiebot|didomi|usercentrics",
    re.IGNORECASE,
)
_LONGEST_BANNER = 5000
"""Characters: what is longer and has such a name is the page, which may be about cookies. Chosen."""

_ROLES_OF_TABLES = frozenset({"table", "grid", "treegrid"})
_PARTS_BY_ROLE = {
    "row": "tr",
    "rowgroup": "tbody",
    "columnheader": "th",
    "rowheader": "th",
    "cell": "td",
    "gridcell": "td",
}
_SIGNS_OF_LINKS = frozenset({"¶", "#", "§", "🔗"})


def rewrite(root: Any) -> None:
    """Rewrite a parsed page in place."""
    from lxml import etree

    _drop_banners(root)
    _name_by_role(root)
    rewrite_formulas(root)
    for _, element in list(etree.iterwalk(root, events=("end",), tag="{*}*")):
        name = local_name(element)
        if is_superscript(element):
            _replace(element, superscript_text(element))
        elif name in _REWRITES:
            _REWRITES[name](element)
    etree.strip_tags(root, *_UNMARKED)
    join_lines(root)


def _drop_banners(root: Any) -> None:
    """Drop what asks the reader to accept cookies."""
    for element in list(root.iter("{*}div", "{*}section", "{*}aside", "{*}form")):
        names = f"{element.get('id', '')} {element.get('class', '')}"
        if _COOKIE_BANNER.search(names) and len("".join(element.itertext())) <= _LONGEST_BANNER:
            become_text(element, "")


def _name_by_role(root: Any) -> None:
    """Give the parts of tables that are made of other elements the names that tables have."""
    for table in list(root.iter("{*}*")):
        if table.get("role") in _ROLES_OF_TABLES and local_name(table) != "table":
            table.tag = "table"
            for part in table.iterdescendants("{*}*"):
                part.tag = _PARTS_BY_ROLE.get(part.get("role", ""), part.tag)


def _rewrite_subscript(element: Any) -> None:
    _replace(element, subscript_text(element))


def _leave_out(element: Any) -> None:
    become_text(element, "")


def _replace(element: Any, text: str | None) -> None:
    if text is not None:
        become_text(element, text)


def _drop_sign_of_link(link: Any) -> None:
    """Drop the sign beside a heading that links to itself."""
    if link.get("href", "").startswith("#") and "".join(link.itertext()).strip() in _SIGNS_OF_LINKS:
        become_text(link, "")


def _drop_control(span: Any) -> None:
    """Drop what an encyclopedia puts beside headings to edit them."""
    if "mw-editsection" in span.get("class", "").split():
        become_text(span, "")


def _set_apart(deleted: Any) -> None:
    """Put a space between a deletion and the text that replaces it."""
    following = deleted.getnext()
    if following is not None and local_name(following) == "ins" and not deleted.tail:
        deleted.tail = " "


_REWRITES: Mapping[str, Callable[[Any], None]] = {
    "sub": _rewrite_subscript,
    "rt": _leave_out,
    "rp": _leave_out,
    "rtc": _leave_out,
    "pre": tidy,
    "xmp": tidy,
    "listing": tidy,
    "plaintext": tidy,
    "ol": number_items,
    "a": _drop_sign_of_link,
    "span": _drop_control,
    "del": _set_apart,
    "s": _set_apart,
}
"""What is done to elements, by name."""
