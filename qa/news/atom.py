"""The Atom feed of a saved question (RFC 4287)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from xml.etree import ElementTree as ET

from qa.news.changes import Change
from qa.news.news_file import Asked, News

_ATOM = "http://www.w3.org/2005/Atom"

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may have."""

_SAID = {"new": "New", "better": "New and first", "changed": "Changed", "gone": "Gone"}


def feed(name: str, asked: Asked, news: Sequence[News], root: str) -> bytes:
    """Return the feed of a saved question, the latest news first.

    Args:
        name: the question's.
        asked: the question.
        news: the news on it, the oldest first.
        root: the address of the service, with a slash at its end.
    """
    address = f"{root}feeds/{name}.atom"
    element = ET.Element("feed", xmlns=_ATOM)
    _add(element, "id", address)
    _add(element, "title", asked.question)
    _add(element, "updated", asked.updated)
    ET.SubElement(element, "link", rel="self", href=address, type="application/atom+xml")
    _add(ET.SubElement(element, "author"), "name", "qa")
    for each in reversed(news):
        element.append(_entry(each, root))
    ET.indent(element)
    document: bytes = ET.tostring(element, "utf-8", xml_declaration=True)
    return document


def _entry(news: News, root: str) -> ET.Element:
    entry = ET.Element("entry")
    titles = "; ".join(dict.fromkeys(f"{_SAID[change.kind]}: {change.title}" for change in news.changes))
    _add(entry, "id", news.id)
    _add(entry, "title", titles)
    _add(entry, "updated", news.created)
    if link := next((change.link for change in news.changes if change.link), None):
        ET.SubElement(entry, "link", rel="alternate", href=_absolute(root, link), type="text/html")
    content = _add(entry, "content", "".join(_described(change, root) for change in news.changes))
    content.set("type", "html")
    return entry


def _described(change: Change, root: str) -> str:
    """Return a change as HTML; everything that comes from documents is escaped."""
    page = f"page {change.page}" if change.page else None
    origin = ", ".join(part for part in (change.title, change.source, change.published, page) if part)
    cited = escape(origin)
    if change.link:
        cited = f'<a href="{escape(_absolute(root, change.link))}">{cited}</a>'
    was = f"<blockquote><del>{escape(change.before)}</del></blockquote>" if change.before is not None else ""
    now = f"<blockquote>{escape(change.quotation)}</blockquote>" if change.quotation is not None else ""
    return f"<p>{_SAID[change.kind]}: {cited}</p>{was}{now}"


def _absolute(root: str, link: str) -> str:
    return root + link.removeprefix("/")


def _add(parent: ET.Element, tag: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = _NOT_IN_XML.sub("\ufffd", text)
    return element
