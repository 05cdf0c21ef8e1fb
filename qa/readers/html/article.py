"""HTML and XHTML: the article, extracted with trafilatura's help, and metadata from the tags made for it."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any

from qa.errors import ReadError
from qa.readers.encodings import decode_declared
from qa.readers.extract import Block, Extract, assemble, printable
from qa.readers.grid import Grid
from qa.readers.html.blocks import blocks
from qa.readers.html.collapsed import reveal
from qa.readers.html.elements import local_name
from qa.readers.html.rewriting import rewrite
from qa.readers.html.selection import count_words, select
from qa.readers.html.walking import is_left_out, text_of
from qa.readers.metadata import Facts, first_nonblank, written_by_hand
from qa.readers.plain_text import Decoded

_DECLARATION_BYTES = 4096  # HTML demands the declaration within the first 1024
_COMMENT = re.compile(rb"<!--(?:(?!-->).)*+(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta\b[^>]{0,500}", re.IGNORECASE)
_CHARSET = re.compile(rb"[\s\"';]charset\s*+=\s*+(?:[\"']\s*+)?([\w.:-]+)", re.IGNORECASE)
_OTHER_META = re.compile(rb"[\s\"'](?:name|property|itemprop)\s*+=", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*+<\?xml[^>]{0,200}?encoding\s*+=\s*+[\"']([\w.:-]+)", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"^\s*+<\?xml[^>]*\?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z][A-Za-z0-9]*;")

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_AROUND = frozenset({"head", "title", "aside", "footer", "dialog", "menu"})
_MIN_RATIO = 0.9
"""How many of the extracted article's words a part of the page has at least, if the article is in it."""

_MAX_RATIO, _MOST_OTHERS = 1.1, 30
"""A part is read whole if it has at most so many words per word of the extracted article, and so many more.

The extractor drops some of the content; menus are longer.
"""

_METAS = {
    "title": ("og:title", "citation_title", "dc.title", "dcterms.title", "twitter:title"),
    "source": ("og:site_name", "citation_publisher", "dc.publisher", "dcterms.publisher", "publisher"),
    "author": ("author", "article:author", "citation_author", "dc.creator", "dcterms.creator", "byl"),
    "published": (
        *("article:published_time", "og:published_time", "citation_publication_date", "citation_date"),
        *("datepublished", "dc.date.issued", "dcterms.issued", "dc.date", "dcterms.date", "pubdate", "date"),
        *("publish-date", "publication_date", "parsely-pub-date", "sailthru.date"),
    ),
    "url": ("og:url",),
}


def read(data: bytes) -> Extract:
    """Read a page: its article, headings and metadata."""
    markup, notes = decode_markup(data)
    root = parse(markup)
    text, headings, tables = assemble(_article(root))
    return Extract(text, _facts(root), headings, tables=tables, notes=notes)


def decode_markup(data: bytes) -> Decoded:
    """Decode HTML or XML by the encoding that it declares, unless that is plainly wrong."""
    declared = _XML_ENCODING.search(data[:_DECLARATION_BYTES])
    return decode_declared(data, declared[1].decode("ascii") if declared else _declared_in_head(data))


def _declared_in_head(data: bytes) -> str | None:
    """Return the encoding that a ``meta`` element declares; other ones may mention encodings."""
    for meta in _META.findall(_COMMENT.sub(b"", data[:_DECLARATION_BYTES])):
        charset = _CHARSET.search(meta)
        if charset and not _OTHER_META.search(meta):
            return str(charset[1], "ascii")
    return None


def parse(markup: str) -> Any:
    """Parse a page, and rewrite it as it reads. Nothing is fetched and no entity is expanded."""
    from lxml import etree

    body = printable(_XML_DECLARATION.sub("", markup, count=1))
    root = None
    if len(body) < len(markup) or "http://www.w3.org/1999/xhtml" in body[:_DECLARATION_BYTES]:
        root = _parse_xhtml(body)
    if root is None:
        parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True)
        try:
            root = etree.fromstring(body.encode("utf-8"), parser)
        except etree.XMLSyntaxError as error:
            raise ReadError(f"is not HTML that can be read: {error}") from error
    if root is None:
        raise ReadError("holds no text")
    reveal(root)
    rewrite(root)
    return root


def _parse_xhtml(body: str) -> Any:
    """Parse well-formed XHTML, where HTML's parser would take ``<title/>`` for an opening tag."""
    from lxml import etree

    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, huge_tree=True)
    expanded = _ENTITY.sub(lambda entity: unescape(entity[0]), body)
    try:
        return etree.fromstring(expanded.strip().encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        return None


def _article(root: Any) -> list[Block | Grid]:
    """Return the part that the page marks as main, or the whole page if it has little beside the article.

    Of a page that is full of other things, return the blocks where trafilatura finds the article.
    """
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    extracted = bare_extraction(
        _for_trafilatura(root), favor_recall=True, include_comments=False, include_tables=True
    )
    article = list(blocks(extracted.body)) if isinstance(extracted, Document) else []
    count = count_words(article)
    fewest, most = _MIN_RATIO * count, _MAX_RATIO * count + _MOST_OTHERS
    parts = {name: part for name, part in _parts(root).items() if part and count_words(part) >= fewest}
    for part in parts.values():
        if not count or count_words(part) <= most:
            return part
    text, links = assemble(article).text, frozenset(map(text_of, root.iter("{*}a")))
    for name, part in parts.items():
        selected = select(part, text, links=links, is_main=name == "main")
        if count_words(selected) >= fewest:
            return selected
    return article or list(blocks(root, skipped=frozenset({"head", "title"})))


def _parts(root: Any) -> dict[str, list[Block | Grid]]:
    """Return the blocks of the parts that the article may be in, the likeliest first."""
    body = _only(root, "body")
    named = {name: _only(root, name) for name in ("main", "article")}
    named["body"] = root if body is None else body
    return {name: list(blocks(part, skipped=_AROUND)) for name, part in named.items() if part is not None}


def _only(root: Any, name: str) -> Any:
    """Return the element of this name, if there is just one."""
    elements = [element for element in root.iter() if local_name(element) == name]
    return elements[0] if len(elements) == 1 else None


def _for_trafilatura(root: Any) -> Any:
    """Return a copy for trafilatura, which needs its own kind of tree and changes it, without non-text."""
    from lxml import etree, html

    tree = html.document_fromstring(etree.tostring(root, encoding="unicode", method="html"))
    for element in [element for element in tree.iter(etree.Element) if is_left_out(element)]:
        if element.getparent() is not None:
            element.drop_tree()
    return tree


def _facts(root: Any) -> Facts:
    """Collect metadata from tags, the most reliable first. No date is guessed from the text or URL."""
    facts = Facts()
    metas = dict(_metas(root))
    linked = [item for item in _linked_data(root) if _is_article(item)]
    facts.add("title", _agreed_title(root, metas, linked), "file")
    for item in linked[:1]:
        facts.add_all(_from_linked_data(item), "file")
    for field, names in _METAS.items():
        values = [value for name in names for value in metas.get(name, [])]
        if field == "author":
            values = [
                written_by_hand(value) or "" for value in values if not value.startswith(("http:", "https:"))
            ]
        facts.add(field, first_nonblank(values), "file")
    facts.add("title", _title(root), "file")
    facts.add("published", _time(root), "file")
    for element in root.iter():
        if local_name(element) == "link" and element.get("rel", "").lower() == "canonical":
            facts.add("url", element.get("href"), "file")
    facts.add("language", root.get("lang") or root.get(_XML_LANG), "file")
    return facts


def _metas(root: Any) -> Mapping[str, list[str]]:
    metas: dict[str, list[str]] = {}
    for element in root.iter():
        if local_name(element) == "meta":
            name = element.get("property") or element.get("name") or element.get("itemprop") or ""
            metas.setdefault(name.strip().lower(), []).append(element.get("content", ""))
    return metas


def _title(root: Any) -> str | None:
    """Return the page's title; its first heading if the title only adds the name of the site to it."""
    title = _text_of_first(root, "title")
    heading = _text_of_first(root, "h1")
    return heading if heading and (not title or title.startswith(heading)) else title


def _agreed_title(root: Any, metas: Mapping[str, list[str]], linked: Sequence[dict[str, Any]]) -> str | None:
    """Return the page's only ``h1`` if another statement of the title has it."""
    headings = {text_of(element) for element in root.iter() if local_name(element) == "h1"} - {""}
    named = [_name(item.get(key)) for item in linked for key in ("headline", "name")]
    marked = [value for name in _METAS["title"] for value in metas.get(name, [])]
    stated = [_text_of_first(root, "title"), *named, *marked]
    titles = [" ".join(title.split()).casefold() for title in stated if title]
    agreed = [heading for heading in headings if any(heading.casefold() in title for title in titles)]
    return agreed[0] if len(headings) == 1 and agreed else None


def _text_of_first(root: Any, name: str) -> str | None:
    return first_nonblank(text_of(element) for element in root.iter() if local_name(element) == name)


def _time(root: Any) -> str | None:
    """Return the date of the ``time`` elements marked as publication; without marked ones, all must agree."""
    times = [element for element in root.iter() if local_name(element) == "time" and element.get("datetime")]
    marked = [element for element in times if _marks_publication(element)]
    days = {element.get("datetime", "")[:10] for element in marked or times}
    return days.pop() if len(days) == 1 else None


def _marks_publication(element: Any) -> bool:
    return element.get("itemprop") == "datePublished" or "pubdate" in element.attrib


def _linked_data(root: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of the page's JSON-LD."""
    for element in root.iter():
        if local_name(element) != "script" or "ld+json" not in element.get("type", ""):
            continue
        try:
            pending = deque([json.loads(element.text or "")])
        except (ValueError, RecursionError):
            continue
        while pending:
            value = pending.popleft()
            if isinstance(value, list):
                pending += value
            elif isinstance(value, dict):
                yield value
                pending += [value.get("@graph"), value.get("mainEntity")]


def _is_article(item: dict[str, Any]) -> bool:
    kinds = item.get("@type")
    return any(
        isinstance(kind, str) and kind.endswith(("Article", "Posting", "Report"))
        for kind in (kinds if isinstance(kinds, list) else [kinds])
    )


def _from_linked_data(item: dict[str, Any]) -> dict[str, object]:
    return {
        "title": _name(item.get("headline")),
        "source": _name(item.get("publisher")),
        "author": _name(item.get("author")),
        "published": _name(item.get("datePublished")),
        "url": _name(item.get("url")),
    }


def _name(value: Any) -> str | None:
    """Return the name of a JSON-LD value, which may be a string, an object or a list of them."""
    if isinstance(value, list):
        return ", ".join(name for name in map(_name, value) if name) or None
    if isinstance(value, dict):
        value = value.get("name")
    return unescape(value) if isinstance(value, str) else None
